// The shapes of what the service answers. Clients must bear members they do not know, so these are
// open; the tests close them, so that no answer has a member this page does not name.

import { Type } from 'typebox';
import { account, execution, instrument, order, position, user } from './book-objects.ts';
import { attempt, deliveryState, replayAnswer, testAnswer } from './delivery-objects.ts';
import { pageMeta } from './operation.ts';

const uuid = (description: string) => Type.String({ format: 'uuid', description });
const instant = (description: string) => Type.String({ format: 'date-time', description });

const createdAt = instant('When it was created, in UTC.');
const updatedAt = instant('When it last changed, in UTC.');

/** A decimal that is not negative, as the contract writes amounts. */
const amountPattern = '^[0-9]{0,63}(\\.[0-9]{1,27})?$';

export const statuses = ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'] as const;

export const statusText =
  'NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way. ' +
  'FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because ' +
  'something could not be sold; what was sold stays sold.';

export const liquidationOrder = Type.Object(
  {
    id: uuid('The order.'),
    side: Type.Enum(['SELL'], { type: 'string', description: 'A liquidation only sells.' }),
    status: Type.Enum([...statuses], {
      type: 'string',
      description:
        'NEW until it is sent to the venue, PROCESSING until it is final, then FILLED, or CANCELLED ' +
        'when the venue refused it or ended it with a quantity left.',
    }),
  },
  { title: 'Order of a liquidation' },
);

export const liquidation = Type.Object(
  {
    id: uuid('The liquidation. Ids are UUIDv7: their order is the order of creation.'),
    created_at: createdAt,
    updated_at: instant('When it last changed, in UTC. It moves exactly when the object does.'),
    user_id: Type.Optional(uuid('The user who owns the account.')),
    account_id: uuid('The account that is turned into cash.'),
    cash_amount: Type.String({
      pattern: amountPattern,
      description:
        'What the executions earned, plus the indicative value of what is still to be sold (last ' +
        'price times open quantity). It can fall as well as rise until the liquidation is final; ' +
        'a FILLED one shows exactly what was earned. Two decimals.',
    }),
    currency: Type.Enum(['EUR'], { type: 'string', description: 'ISO 4217.' }),
    status: Type.Enum([...statuses], {
      type: 'string',
      description: statusText,
    }),
    orders: Type.Array(liquidationOrder, {
      description: 'One order for each position, once the liquidation is released; before, none.',
    }),
  },
  { title: 'Liquidation' },
);

export const token = Type.Object(
  {
    access_token: Type.String({ maxLength: 1_000, description: 'The bearer token, opaque.' }),
    expires_in: Type.Integer({ minimum: 1, description: 'Seconds it lives.' }),
    scope: Type.String({ description: 'The scopes it has, separated by spaces.' }),
    token_type: Type.Enum(['bearer'], { type: 'string' }),
  },
  { title: 'Access token' },
);

const base64url = '^[A-Za-z0-9_-]+$';

export const jwk = Type.Object(
  {
    kid: uuid('What deliveries name in the parameter `keyid` of their signature.'),
    use: Type.Enum(['sig'], { type: 'string' }),
    kty: Type.Enum(['EC', 'OKP'], { type: 'string' }),
    crv: Type.Enum(['P-521', 'Ed25519'], { type: 'string' }),
    x: Type.String({ pattern: base64url }),
    y: Type.Optional(Type.String({ pattern: base64url, description: 'Only with kty EC.' })),
  },
  { title: 'Public key', description: 'A JSON Web Key (RFC 7517).' },
);

export const jwks = Type.Object({ keys: Type.Array(jwk) }, { title: 'Public keys' });

export const webhook = Type.Object(
  {
    id: uuid('The subscription.'),
    created_at: createdAt,
    updated_at: updatedAt,
    title: Type.String({ minLength: 1, maxLength: 100 }),
    url: Type.String({ format: 'uri', maxLength: 1_000, description: 'Where events are posted.' }),
    enabled: Type.Boolean({ description: 'While disabled, events are kept and not sent.' }),
    type: Type.Array(Type.String(), { description: 'The kinds of events it gets.' }),
    exclude_type: Type.Optional(
      Type.Array(Type.String(), { description: 'The kinds it does not get; absent if none.' }),
    ),
    config: Type.Object(
      {
        delay: Type.Optional(Type.String({ description: 'Seconds events are gathered for.' })),
        max_package_size: Type.Optional(
          Type.Integer({ description: 'Bytes of events sent together.' }),
        ),
        signature_version: Type.Enum(['6', '15', '9421'], { type: 'string' }),
        signature_algorithm: Type.Enum(['ecdsa-p521', 'ed25519'], { type: 'string' }),
        standard_webhooks: Type.Optional(
          Type.Boolean({ description: 'Whether the headers of Standard Webhooks come as well.' }),
        ),
      },
      { description: 'How events are delivered and signed.' },
    ),
    delivery: Type.Optional(deliveryState),
  },
  { title: 'Webhook subscription' },
);

export const eventTypes = [
  'ACCOUNT_LIQUIDATION.NEW',
  'ACCOUNT_LIQUIDATION.PROCESSING',
  'ACCOUNT_LIQUIDATION.FILLED',
  'ACCOUNT_LIQUIDATION.CANCELLED',
] as const;

export const event = Type.Object(
  {
    created_at: instant('When it happened, in UTC.'),
    id: uuid('The event. A repeated delivery has the same id: drop what you have seen.'),
    object: liquidation,
    type: Type.Enum([...eventTypes], { type: 'string', description: 'What happened.' }),
    webhook_id: uuid('The subscription it is delivered for.'),
  },
  {
    title: 'Event',
    description: 'A change of a liquidation, with the object as it was right after that change.',
  },
);

export const loggedText = {
  title: 'Event of the log',
  description: 'An event as every subscription gets it, with the same id and the same object.',
};

export const loggedEvent = Type.Omit(event, ['webhook_id'], loggedText);

export const eventPackage = Type.Object(
  { payload: Type.Array(event, { minItems: 1, description: 'In the order they happened.' }) },
  {
    title: 'Package of events',
    description: 'What a subscription with `delay` or `max_package_size` gets.',
  },
);

export const problem = Type.Object(
  {
    type: Type.String({
      description: 'The kind of problem, as a slug, or as the URL of its page where one is set up.',
    }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: 'The status of the answer.' }),
    title: Type.String({ description: 'The kind of problem in a few words.' }),
    detail: Type.String({ description: 'What is wrong with this request, and often where.' }),
    instance: Type.String({ format: 'uri', description: 'This occurrence.' }),
    request_id: uuid('What `upvest-request-id` says.'),
  },
  { title: 'Problem', description: 'An error in the form of RFC 9457.' },
);

export const liveness = Type.Object({ status: Type.Enum(['alive'], { type: 'string' }) });

export const readiness = Type.Object({
  status: Type.Enum(['ready', 'not_ready'], { type: 'string' }),
  checks: Type.Record(Type.String(), Type.String(), { description: 'What was looked at.' }),
});

/** The schemas that have a name in the document. */
export const named = {
  Liquidation: liquidation,
  LiquidationOrder: liquidationOrder,
  Account: account,
  Position: position,
  Instrument: instrument,
  User: user,
  Order: order,
  Execution: execution,
  PageMeta: pageMeta,
  AccessToken: token,
  PublicKey: jwk,
  PublicKeys: jwks,
  Webhook: webhook,
  DeliveryAttempt: attempt,
  Replay: replayAnswer,
  WebhookTest: testAnswer,
  LoggedEvent: loggedEvent,
  Event: event,
  EventPackage: eventPackage,
  Problem: problem,
} as const;
