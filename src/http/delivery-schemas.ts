// The shapes of requests about deliveries and the event log.

import { Type } from 'typebox';
import { jwkTypes } from '../auth/signing-keys.ts';
import { cursorForm } from './cursor.ts';
import { instantForm, strict } from './schemas.ts';

export const listEventsQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: cursorForm.source,
        default: 'e0',
        description: 'The cursor of the page before, `meta.next`: only what follows it.',
        examples: ['e1042'],
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        default: 100,
        description: 'The most events to answer.',
      }),
    ),
    type: Type.Optional(
      Type.String({
        maxLength: 60,
        pattern: '^[A-Z_]+([.][A-Z_]+)?$',
        description:
          'Only events of a kind, or of one type of it. Those of batches come by this name alone: BATCH.',
        examples: ['ACCOUNT_LIQUIDATION.FILLED'],
      }),
    ),
    account_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Only events of this account.' }),
    ),
  },
  strict,
);

export const verifyKeysQuery = Type.Object(
  {
    kty: Type.Optional(
      Type.Enum(jwkTypes, {
        type: 'string',
        description:
          'Only keys of this type: with EC, receivers that know no OKP keys (Ed25519) get none.',
      }),
    ),
  },
  strict,
);

export const streamQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: cursorForm.source,
        description:
          'A cursor of `GET /events`, or an id of this stream: only what follows it. Without it, and ' +
          'without `last-event-id`, the stream begins with what is logged next.',
        examples: ['e1042'],
      }),
    ),
    account_liquidation_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Only events of this liquidation.' }),
    ),
    changes: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'With `true`, also an event `changed` where something has changed that no event of the log tells: ' +
          'what was sold, batches, halts, controls and what they stop, what is parked, webhooks, venues, audits. ' +
          'Once a second at most.',
      }),
    ),
    batch_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Only events of this batch.' }),
    ),
  },
  strict,
);

export const listDeliveriesQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 500,
        default: 100,
        description: 'The most attempts to answer.',
      }),
    ),
    result: Type.Optional(
      Type.Enum(['acknowledged', 'failed'], {
        type: 'string',
        description: 'Only attempts that the receiver acknowledged, or only those that failed.',
      }),
    ),
  },
  strict,
);

export const replayBody = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        maxLength: 40,
        description: `Every event that happened at this time or later. ${instantForm}`,
        examples: ['2022-10-14T00:00:00Z'],
      }),
    ),
    event_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'This event and every one behind it.' }),
    ),
    set_aside: Type.Optional(
      Type.Literal(true, { description: 'What was parked, of all accounts or of one.' }),
    ),
    account_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'With `set_aside`: only of this account.' }),
    ),
  },
  { ...strict, description: 'One of `from`, `event_id` and `set_aside`.' },
);
