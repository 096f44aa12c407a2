// The shapes of requests about deliveries and the event log.

import { Type } from 'typebox';
import { jwkTypes } from '../auth/signing-keys.ts';
import { cursorForm } from './cursor.ts';
import { flag, moment, only, pageLimit, some, text, uuid, whole } from './members.ts';

export const listEventsQuery = only({
  after: Type.Optional(
    text('The cursor of the page before, `meta.next`: only what follows it.', {
      pattern: cursorForm.source,
      default: 'e0',
      examples: ['e1042'],
    }),
  ),
  limit: Type.Optional(whole('The most events to answer.', pageLimit)),
  type: Type.Optional(
    text(
      'Only events of a kind, or of one type of it. Those of batches come by this name alone: BATCH.',
      {
        maxLength: 60,
        pattern: '^[A-Z_]+([.][A-Z_]+)?$',
        examples: ['ACCOUNT_LIQUIDATION.FILLED'],
      },
    ),
  ),
  account_id: Type.Optional(uuid('Only events of this account.')),
});

export const verifyKeysQuery = only({
  kty: Type.Optional(
    some(
      jwkTypes,
      'Only keys of this type: with EC, receivers that know no OKP keys (Ed25519) get none.',
    ),
  ),
});

export const streamQuery = only({
  after: Type.Optional(
    text(
      'A cursor of `GET /events`, or an id of this stream: only what follows it. Without it, and ' +
        'without `last-event-id`, the stream begins with what is logged next.',
      { pattern: cursorForm.source, examples: ['e1042'] },
    ),
  ),
  account_liquidation_id: Type.Optional(uuid('Only events of this liquidation.')),
  changes: Type.Optional(
    flag(
      'With `true`, also an event `changed` where something has changed that no event of the log reports: ' +
        'what was sold, batches, halts, controls and what they stop, what is parked, webhooks, venues, audits. ' +
        'Once a second at most.',
      { default: false },
    ),
  ),
  batch_id: Type.Optional(uuid('Only events of this batch.')),
});

export const listDeliveriesQuery = only({
  limit: Type.Optional(
    whole('The most attempts to answer.', { minimum: 1, maximum: 500, default: 100 }),
  ),
  result: Type.Optional(
    some(
      ['acknowledged', 'failed'],
      'Only attempts that the receiver acknowledged, or only those that failed.',
    ),
  ),
});

export const replayBody = only(
  {
    from: Type.Optional(moment('Every event that happened at this time or later.')),
    event_id: Type.Optional(uuid('This event and every one behind it.')),
    set_aside: Type.Optional(
      Type.Literal(true, { description: 'What was parked, of all accounts or of one.' }),
    ),
    account_id: Type.Optional(uuid('With `set_aside`: only of this account.')),
  },
  { description: 'One of `from`, `event_id` and `set_aside`.' },
);
