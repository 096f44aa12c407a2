// The shapes of what the operations on batches answer.

import { Type } from 'typebox';
import {
  accountStatuses,
  type BatchRefusal,
  batchEvents,
  batchTransitions,
  refusals,
} from '../../batches/batch.ts';
import { gap } from './delivery-objects.ts';
import { liquidation, loggedEvent } from './objects.ts';

const uuid = (description: string) => Type.String({ format: 'uuid', description });
const instant = (description: string) => Type.String({ format: 'date-time', description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const amount = (description: string) =>
  Type.String({ pattern: '^[0-9]+\\.[0-9]{2}$', description });
const some = <const Name extends string>(names: readonly Name[], description: string) =>
  Type.Enum([...names], { type: 'string', description });

const members = {
  id: uuid('The batch.'),
  status: some(
    Object.keys(batchTransitions) as (keyof typeof batchTransitions)[],
    'PENDING_APPROVAL: it waits for a second person. SCHEDULED: it has not begun. RUNNING: accounts are started, ' +
      'or were and have not ended. PAUSED: none is started. CANCELLING: what was not started is cancelled, and ' +
      'what is still NEW. COMPLETED, CANCELLED: nothing of it is open.',
  ),
  reason: Type.String({ description: 'Why.' }),
  person: Type.String({ description: 'Who has decided it.' }),
  rate: Type.Optional(Type.Integer({ minimum: 1, description: 'Accounts a minute at most.' })),
  in_progress_max: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Liquidations of it that may be open at once.' }),
  ),
  start_at: instant('When it starts.'),
  created_at: instant('When it was made.'),
  updated_at: instant('When it changed last.'),
  started_at: Type.Optional(instant('When it started; absent: it has not.')),
  ended_at: Type.Optional(instant('When it ended; absent: it has not.')),
  value: Type.Optional(
    amount(
      'EUR that its accounts could sell when it was made, by the last prices; absent: the controls had no ' +
        '`four_eyes_max`, or a price was not known.',
    ),
  ),
  approval_id: Type.Optional(
    uuid('The approval that it waits for or had; absent: it needed none.'),
  ),
  steered_at: Type.Optional(
    instant('When it was approved, declined, paused, resumed or cancelled last.'),
  ),
  steered_by: Type.Optional(Type.String({ description: 'Who has decided that.' })),
  steer_reason: Type.Optional(Type.String({ description: 'Why.' })),
  accounts: Type.Object(
    {
      total: count('Accounts that it names.'),
      waiting: count('Not started yet.'),
      started: count('Each has a liquidation.'),
      refused: count('Each has a reason.'),
      cancelled: count('Not started, since the batch was cancelled before.'),
    },
    { description: 'What became of its accounts.' },
  ),
};

export const batch = Type.Object(members, { title: 'Batch' });

export const batchWithProgress = Type.Object(
  {
    ...members,
    liquidations: Type.Object(
      {
        new: count('Not released yet.'),
        processing: count('Being sold.'),
        filled: count('Ended flat, settled or not.'),
        cancelled: count('Ended before.'),
      },
      { description: 'Its liquidations by their status.' },
    ),
    money: Type.Object(
      {
        currency: Type.Literal('EUR', { description: 'The currency of accounts.' }),
        cash_amount: amount('Of all its liquidations: indicative of open ones, exact of others.'),
        proceeds: amount('What was earned so far.'),
      },
      { description: 'Their money.' },
    ),
    estimated_end_at: Type.Optional(
      instant('When it ends if it goes on as it did; absent: nobody can tell.'),
    ),
  },
  { title: 'Batch with its progress' },
);

export const batchAccount = Type.Object(
  {
    account_id: uuid('The account.'),
    user_id: Type.Optional(uuid('The user who has to own it, where one was named.')),
    number: Type.Integer({ minimum: 1, description: 'Its place in the list that was sent.' }),
    status: some(
      accountStatuses,
      'WAITING: not started yet. STARTED: it has a liquidation. REFUSED: it has none, and the reason is ' +
        'there. CANCELLED: the batch was cancelled before.',
    ),
    decided_at: Type.Optional(instant('When it was started, refused or cancelled.')),
    liquidation: Type.Optional(
      Type.Object(
        {
          id: uuid('The liquidation.'),
          status: liquidation.properties.status,
          cash_amount: amount('Indicative while it is open, then exact.'),
          proceeds: amount('What was earned so far.'),
        },
        { description: 'Of one that was started.' },
      ),
    ),
    refusal: Type.Optional(
      Type.Object(
        {
          code: some(Object.keys(refusals) as BatchRefusal[], 'Why, for programs.'),
          detail: Type.String({ description: 'Why, for people.' }),
          account_liquidation_id: Type.Optional(
            uuid('The liquidation that was still running, where that is why.'),
          ),
        },
        { description: 'Of one that was refused.' },
      ),
    ),
  },
  { title: 'Account of a batch' },
);

const eventMembers = {
  created_at: instant('When it happened, in UTC.'),
  id: uuid('The event. A repeated delivery has the same id: drop what you have seen.'),
  object: batchWithProgress,
  type: some(
    batchEvents.map((event) => `BATCH.${event}` as const),
    'What happened.',
  ),
};

export const batchEvent = Type.Object(
  { ...eventMembers, webhook_id: uuid('The subscription it is delivered for.') },
  { title: 'Event of a batch', description: 'A change of a batch, as it was right after it.' },
);

const loggedBatchEvent = Type.Object(eventMembers, {
  title: 'Event of a batch in the log',
  description: 'As subscriptions get it that name BATCH, with the same id and the same object.',
});

export const eventPage = Type.Object({
  data: Type.Array(Type.Union([loggedEvent, loggedBatchEvent])),
  meta: Type.Object({
    count: Type.Integer({ minimum: 0, description: 'Events on this page.' }),
    limit: Type.Integer({ minimum: 1, description: 'The most events this page could have.' }),
    next: Type.String({ description: 'The cursor to go on with, also when there was nothing.' }),
    has_more: Type.Boolean({ description: 'Whether the log goes on behind this page.' }),
    gap: Type.Union([gap, Type.Null()], {
      description: 'What was dropped from the log behind the cursor before it was read.',
    }),
  }),
});
