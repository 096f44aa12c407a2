// The shapes of what is answered about deliveries: where they stand, attempts, replays and tests.

import { type TSchema, Type } from 'typebox';
import { faultNames } from '../../deliveries/fault.ts';

const uuid = (description: string) => Type.String({ format: 'uuid', description });
const instant = (description: string) => Type.String({ format: 'date-time', description });
const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const gap = Type.Object({
  after: Type.String({ description: 'The last cursor that was read.' }),
  up_to: Type.String({ description: 'The last cursor that was dropped.' }),
});

export const deliveryState = Type.Object(
  {
    cursor: Type.String({ description: 'Delivered up to here; a cursor of `GET /events`.' }),
    behind: Type.Integer({ minimum: 0, description: 'Events of the log behind the cursor.' }),
    attempts: Type.Integer({ minimum: 0, description: 'Attempts failed since the last success.' }),
    failing_since: orNull(instant('Since when the receiver has acknowledged nothing.')),
    next_attempt_at: orNull(instant('When a failing receiver is tried again.')),
    last_attempt_at: orNull(instant('The last attempt.')),
    last_success_at: orNull(instant('The last attempt that the receiver took.')),
    last_outcome: orNull(Type.String({ description: 'What came of the last attempt.' })),
    retrying: Type.Integer({ minimum: 0, description: 'Accounts tried again by themselves.' }),
    set_aside: Type.Integer({ minimum: 0, description: 'Accounts that wait for a replay.' }),
    accounts: Type.Array(
      Type.Object({
        account_id: uuid(
          'An account whose event the receiver refuses while it acknowledges others.',
        ),
        status: Type.Enum(['retrying', 'set_aside'], { type: 'string' }),
        failing_since: orNull(instant('Since when.')),
        attempts: Type.Integer({ minimum: 0 }),
        next_attempt_at: orNull(instant('When it is tried again.')),
        last_outcome: orNull(Type.String()),
      }),
      { description: 'The first hundred of them, those set aside before the others.' },
    ),
    gap: orNull(
      Type.Object(
        { ...gap.properties, noticed_at: orNull(instant('When a delivery came by.')) },
        { description: 'Events that were dropped from the log before they were delivered.' },
      ),
    ),
  },
  { title: 'State of deliveries' },
);

export const attempt = Type.Object(
  {
    id: uuid('The attempt.'),
    kind: Type.Enum(['delivery', 'test', 'gap', 'warning'], {
      type: 'string',
      description:
        'A delivery, a test, or a note: events were dropped unread, nothing was acknowledged for a day.',
    }),
    attempted_at: instant('When it began.'),
    duration_ms: Type.Integer({ minimum: 0, description: 'Until the answer, or the failure.' }),
    status: orNull(Type.Integer({ description: 'The HTTP status; null without an answer.' })),
    outcome: Type.String({ description: 'What came of it, in a few words.' }),
    answer: Type.String({ maxLength: 1_000, description: 'The first characters of the answer.' }),
    attempt: Type.Integer({ minimum: 0, description: 'The number of the attempt.' }),
    events: Type.Integer({ minimum: 0, description: 'Events it carried.' }),
    first_event_id: orNull(uuid('The first of them.')),
    last_event_id: orNull(uuid('The last of them.')),
    faults: Type.Optional(
      Type.Array(Type.Enum([...faultNames], { type: 'string' }), {
        description: 'The faults that were asked for and that it had; only in a sandbox.',
      }),
    ),
  },
  { title: 'Delivery attempt' },
);

export const attemptPage = Type.Object({
  data: Type.Array(attempt),
  meta: Type.Object({ count: Type.Integer({ minimum: 0, description: 'Attempts on this page.' }) }),
});

export const replayAnswer = Type.Object(
  {
    behind: Type.Integer({ minimum: 0, description: 'Events of the log that are delivered now.' }),
    resumed: Type.Integer({ minimum: 0, description: 'Accounts no longer set aside.' }),
    gap: orNull(
      Type.Object(gap.properties, {
        description: 'The log does not have everything any more of what was asked for.',
      }),
    ),
  },
  { title: 'Replay' },
);

export const testAnswer = Type.Object(
  {
    url: Type.String({ description: 'Where the test event was posted.' }),
    response: Type.Object(
      {
        status: Type.Optional(Type.Integer({ description: 'The HTTP status.' })),
        headers: Type.Optional(Type.Record(Type.String(), Type.String())),
        body: Type.Optional(Type.String({ description: 'The first characters of the answer.' })),
        error: Type.Optional(Type.String({ description: 'Why there was no answer.' })),
      },
      { description: 'What the receiver answered, or `error`.' },
    ),
  },
  { title: 'Test of a subscription' },
);
