// The shapes of what the service answers. Clients must bear members they do not know, so these are
// open; the tests close them, so that no response has a member this page does not name.

import { Type } from 'typebox';
import { decimal, flag, instant, list, part, shape, some, text, uuid, whole } from '../members.ts';
import { account, execution, instrument, order, position, user } from './book-objects.ts';
import { attempt, deliveryState, replayResponse, testResponse } from './delivery-objects.ts';
import { pageMeta } from './operation.ts';

const createdAt = instant('When it was created, in UTC.');
const updatedAt = instant('When it last changed, in UTC.');

export const statuses = ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'] as const;

export const statusText =
  'NEW: accepted, and can be cancelled. PROCESSING: released, its orders are under way. ' +
  'FILLED: nothing sellable is left. CANCELLED: ended by its client while NEW, or because ' +
  'something could not be sold; what was sold stays sold.';

export const liquidationOrder = shape('Order of a liquidation', {
  id: uuid('The order.'),
  side: some(['SELL'], 'A liquidation only sells.'),
  status: some(
    statuses,
    'NEW until it is sent to the venue, PROCESSING until it is final, then FILLED, or CANCELLED ' +
      'when the venue rejected it or ended it with a quantity left.',
  ),
});

export const liquidation = shape('Liquidation', {
  id: uuid('The liquidation. Ids are UUIDv7: their order is the order of creation.'),
  created_at: createdAt,
  updated_at: instant('When it last changed, in UTC. It moves exactly when the object does.'),
  user_id: Type.Optional(uuid('The user who owns the account.')),
  account_id: uuid('The account that is turned into cash.'),
  cash_amount: decimal(
    'What the executions earned, plus the indicative value of what is still to be sold (last ' +
      'price times open quantity). It can fall as well as rise until the liquidation is final; ' +
      'a FILLED one shows exactly what was earned. Two decimals.',
  ),
  currency: some(['EUR'], 'ISO 4217.'),
  status: some(statuses, statusText),
  orders: list(
    'One order for each position, once the liquidation is released; before, none.',
    liquidationOrder,
  ),
});

export const token = shape('Access token', {
  access_token: text('The bearer token, opaque.', { maxLength: 1_000 }),
  expires_in: whole('Seconds it lives.', { minimum: 1 }),
  scope: text('The scopes it has, separated by spaces.'),
  token_type: Type.Enum(['bearer'], { type: 'string' }),
});

const base64url = '^[A-Za-z0-9_-]+$';

export const jwk = shape(
  'Public key',
  {
    kid: uuid('What deliveries name in the parameter `keyid` of their signature.'),
    use: Type.Enum(['sig'], { type: 'string' }),
    kty: Type.Enum(['EC', 'OKP'], { type: 'string' }),
    crv: Type.Enum(['P-521', 'Ed25519'], { type: 'string' }),
    x: Type.String({ pattern: base64url }),
    y: Type.Optional(text('Only with kty EC.', { pattern: base64url })),
  },
  { description: 'A JSON Web Key (RFC 7517).' },
);

export const jwks = shape('Public keys', { keys: Type.Array(jwk) });

export const webhook = shape('Webhook subscription', {
  id: uuid('The subscription.'),
  created_at: createdAt,
  updated_at: updatedAt,
  title: Type.String({ minLength: 1, maxLength: 100 }),
  url: text('Where events are posted.', { format: 'uri', maxLength: 1_000 }),
  enabled: flag('While disabled, events are kept and not sent.'),
  type: list('The kinds of events it gets.', Type.String()),
  exclude_type: Type.Optional(list('The kinds it does not get; absent if none.', Type.String())),
  config: part('How events are delivered and signed.', {
    delay: Type.Optional(text('Seconds events are gathered for.')),
    max_package_size: Type.Optional(
      Type.Integer({ description: 'Bytes of events sent together.' }),
    ),
    signature_version: Type.Enum(['6', '15', '9421'], { type: 'string' }),
    signature_algorithm: Type.Enum(['ecdsa-p521', 'ed25519'], { type: 'string' }),
    standard_webhooks: Type.Optional(
      flag('Whether the headers of Standard Webhooks come as well.'),
    ),
  }),
  delivery: Type.Optional(deliveryState),
});

export const eventTypes = [
  'ACCOUNT_LIQUIDATION.NEW',
  'ACCOUNT_LIQUIDATION.PROCESSING',
  'ACCOUNT_LIQUIDATION.FILLED',
  'ACCOUNT_LIQUIDATION.CANCELLED',
] as const;

export const event = shape(
  'Event',
  {
    created_at: instant('When it happened, in UTC.'),
    id: uuid('The event. A repeated delivery has the same id: drop what you have seen.'),
    object: liquidation,
    type: some(eventTypes, 'What happened.'),
    webhook_id: uuid('The subscription it is delivered for.'),
  },
  { description: 'A change of a liquidation, with the object as it was right after that change.' },
);

export const loggedText = {
  title: 'Event of the log',
  description: 'An event as every subscription gets it, with the same id and the same object.',
};

export const loggedEvent = Type.Omit(event, ['webhook_id'], loggedText);

export const eventPackage = shape(
  'Package of events',
  { payload: Type.Array(event, { minItems: 1, description: 'In the order they happened.' }) },
  { description: 'What a subscription with `delay` or `max_package_size` gets.' },
);

export const problem = shape(
  'Problem',
  {
    type: text('The kind of problem, as a slug, or as the URL of its page where one is set up.'),
    status: whole('The status of the response.', { minimum: 400, maximum: 599 }),
    title: text('The kind of problem in a few words.'),
    detail: text('What is wrong with this request, and often where.'),
    instance: text('This occurrence.', { format: 'uri' }),
    request_id: uuid('What `upvest-request-id` says.'),
  },
  { description: 'An error in the form of RFC 9457.' },
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
  Replay: replayResponse,
  WebhookTest: testResponse,
  LoggedEvent: loggedEvent,
  Event: event,
  EventPackage: eventPackage,
  Problem: problem,
} as const;
