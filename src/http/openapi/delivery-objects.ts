// The shapes of what is answered about deliveries: where they stand, attempts, replays and tests.

import { Type } from 'typebox';
import { faultNames } from '../../deliveries/fault.ts';
import { count, instant, list, orNull, part, shape, some, text, uuid } from '../members.ts';

export const gap = Type.Object({
  after: text('The last cursor that was read.'),
  up_to: text('The last cursor that was dropped.'),
});

export const deliveryState = shape('State of deliveries', {
  cursor: text('Delivered up to here; a cursor of `GET /events`.'),
  behind: count('Events of the log behind the cursor.'),
  attempts: count('Attempts failed since the last success.'),
  failing_since: orNull(instant('Since when the receiver has acknowledged nothing.')),
  next_attempt_at: orNull(instant('When a failing receiver is tried again.')),
  last_attempt_at: orNull(instant('The last attempt.')),
  last_success_at: orNull(instant('The last attempt that the receiver took.')),
  last_outcome: orNull(text('What came of the last attempt.')),
  retrying: count('Accounts tried again by themselves.'),
  set_aside: count('Accounts that wait for a replay.'),
  accounts: list(
    'The first hundred of them, those set aside before the others.',
    Type.Object({
      account_id: uuid('An account whose event the receiver refuses while it acknowledges others.'),
      status: Type.Enum(['retrying', 'set_aside'], { type: 'string' }),
      failing_since: orNull(instant('Since when.')),
      attempts: Type.Integer({ minimum: 0 }),
      next_attempt_at: orNull(instant('When it is tried again.')),
      last_outcome: orNull(Type.String()),
    }),
  ),
  gap: orNull(
    part('Events that were dropped from the log before they were delivered.', {
      ...gap.properties,
      noticed_at: orNull(instant('When a delivery came by.')),
    }),
  ),
});

export const attempt = shape('Delivery attempt', {
  id: uuid('The attempt.'),
  kind: some(
    ['delivery', 'test', 'gap', 'warning'],
    'A delivery, a test, or a note: events were dropped unread, nothing was acknowledged for a day.',
  ),
  attempted_at: instant('When it began.'),
  duration_ms: count('Until the response, or the failure.'),
  status: orNull(Type.Integer({ description: 'The HTTP status; null without a response.' })),
  outcome: text('What came of it, in a few words.'),
  response: text('The first characters of the response.', { maxLength: 1_000 }),
  attempt: count('The number of the attempt.'),
  events: count('Events it carried.'),
  first_event_id: orNull(uuid('The first of them.')),
  last_event_id: orNull(uuid('The last of them.')),
  faults: Type.Optional(
    list(
      'The faults that were asked for and that it had; only in a sandbox.',
      Type.Enum([...faultNames], { type: 'string' }),
    ),
  ),
});

export const attemptPage = Type.Object({
  data: Type.Array(attempt),
  meta: Type.Object({ count: count('Attempts on this page.') }),
});

export const replayResponse = shape('Replay', {
  behind: count('Events of the log that are delivered now.'),
  resumed: count('Accounts no longer set aside.'),
  gap: orNull(
    part('The log does not have everything any more of what was asked for.', gap.properties),
  ),
});

export const testResponse = shape('Test of a subscription', {
  url: text('Where the test event was posted.'),
  response: part('What the receiver answered, or `error`.', {
    status: Type.Optional(Type.Integer({ description: 'The HTTP status.' })),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    body: Type.Optional(text('The first characters of the response.')),
    error: Type.Optional(text('Why there was no response.')),
  }),
});
