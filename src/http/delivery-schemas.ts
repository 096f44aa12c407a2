// The shapes of requests about deliveries, the event log, and the faults of deliveries.

import { Type } from 'typebox';
import { jwkTypes } from '../auth/signing-keys.ts';
import { cursorForm } from './cursor.ts';
import {
  flag,
  instant,
  moment,
  only,
  pageLimit,
  shape,
  some,
  text,
  uuid,
  whole,
} from './members.ts';

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

const seconds = (maximum: number, description: string) =>
  whole(description, { minimum: 1, maximum });

const members = {
  late_s: Type.Optional(seconds(3_600, 'Each event comes so many seconds after it happened.')),
  burst_s: Type.Optional(
    seconds(3_600, 'Events are held back and come all at once, every so many seconds.'),
  ),
  twice: Type.Optional(flag('What you acknowledge is sent once more, signed anew.')),
  signature: Type.Optional(
    some(
      ['wrong', 'old_key'],
      'A signature that does not hold, or one by a key that `GET /auth/verify_keys` does not list any more.',
    ),
  ),
  stall_s: Type.Optional(
    seconds(
      60,
      'Half of the body comes, and the rest so many seconds later. A signature lives for 60 seconds.',
    ),
  ),
  answered_as: Type.Optional(
    whole(
      'Whatever you answer is taken for this status, as where a proxy in front of you fails: what you have seen comes again.',
      { minimum: 500, maximum: 599 },
    ),
  ),
  one_in: Type.Optional(
    whole(
      'Only one of so many requests is sent twice, signed wrongly, stalled or taken for failed; which ones is random.',
      { minimum: 1, maximum: 1_000, default: 1 },
    ),
  ),
};

export const setFaultsBody = only({
  ...members,
  silent_s: Type.Optional(seconds(86_400, 'For so many seconds nothing is sent at all.')),
  for_s: Type.Optional(
    whole('After so many seconds the faults end by themselves; not before `silent_s`.', {
      minimum: 1,
      maximum: 86_400,
      default: 3_600,
    }),
  ),
});

const orNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

export const faultsShape = shape('Faults of deliveries', {
  webhook_id: uuid('The subscription.'),
  ...members,
  silent_until: Type.Optional(instant('Nothing is sent until then.')),
  ends_at: Type.Union(orNull.anyOf, {
    description: 'When the faults end; null: there are none.',
  }),
});
