// The shapes of what the operations on batches answer.

import { Type } from 'typebox';
import {
  accountStatuses,
  type BatchRefusal,
  batchEvents,
  batchTransitions,
  refusals,
} from '../../batches/batch.ts';
import { amount, count, flag, instant, part, shape, some, text, uuid, whole } from '../members.ts';
import { gap } from './delivery-objects.ts';
import { liquidation, loggedEvent } from './objects.ts';

const members = {
  id: uuid('The batch.'),
  status: some(
    Object.keys(batchTransitions) as (keyof typeof batchTransitions)[],
    'PENDING_APPROVAL: it waits for a second person. SCHEDULED: it has not begun. RUNNING: accounts are started, ' +
      'or were and have not ended. PAUSED: none is started. CANCELLING: what was not started is cancelled, and ' +
      'what is still NEW. COMPLETED, CANCELLED: nothing of it is open.',
  ),
  reason: text('Why.'),
  person: text('Who has decided it.'),
  rate: Type.Optional(whole('Accounts a minute at most.', { minimum: 1 })),
  in_progress_max: Type.Optional(
    whole('Liquidations of it that may be open at once.', { minimum: 1 }),
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
  steered_by: Type.Optional(text('Who has decided that.')),
  steer_reason: Type.Optional(text('Why.')),
  accounts: part('What became of its accounts.', {
    total: count('Accounts that it names.'),
    waiting: count('Not started yet.'),
    started: count('Each has a liquidation.'),
    refused: count('Each has a reason.'),
    cancelled: count('Not started, since the batch was cancelled before.'),
  }),
};

export const batch = shape('Batch', members);

export const batchWithProgress = shape('Batch with its progress', {
  ...members,
  liquidations: part('Its liquidations by their status.', {
    new: count('Not released yet.'),
    processing: count('Being sold.'),
    filled: count('Ended flat, settled or not.'),
    cancelled: count('Ended before.'),
  }),
  money: part('Their money.', {
    currency: Type.Literal('EUR', { description: 'The currency of accounts.' }),
    cash_amount: amount('Of all its liquidations: indicative of open ones, exact of others.'),
    proceeds: amount('What was earned so far.'),
  }),
  estimated_end_at: Type.Optional(
    instant('When it ends if it goes on as it did; absent: it cannot be estimated.'),
  ),
});

export const batchAccount = shape('Account of a batch', {
  account_id: uuid('The account.'),
  user_id: Type.Optional(uuid('The user who has to own it, where one was named.')),
  number: whole('Its place in the list that was sent.', { minimum: 1 }),
  status: some(
    accountStatuses,
    'WAITING: not started yet. STARTED: it has a liquidation. REFUSED: it has none, and the reason is ' +
      'there. CANCELLED: the batch was cancelled before.',
  ),
  decided_at: Type.Optional(instant('When it was started, refused or cancelled.')),
  liquidation: Type.Optional(
    part('Of one that was started.', {
      id: uuid('The liquidation.'),
      status: liquidation.properties.status,
      cash_amount: amount('Indicative while it is open, then exact.'),
      proceeds: amount('What was earned so far.'),
    }),
  ),
  refusal: Type.Optional(
    part('Of one that was refused.', {
      code: some(Object.keys(refusals) as BatchRefusal[], 'Why, for programs.'),
      detail: text('Why, for people.'),
      account_liquidation_id: Type.Optional(
        uuid('The liquidation that was still running, where that is why.'),
      ),
    }),
  ),
});

const eventMembers = {
  created_at: instant('When it happened, in UTC.'),
  id: uuid('The event. A repeated delivery has the same id: drop what you have seen.'),
  object: batchWithProgress,
  type: some(
    batchEvents.map((event) => `BATCH.${event}` as const),
    'What happened.',
  ),
};

export const batchEvent = shape(
  'Event of a batch',
  { ...eventMembers, webhook_id: uuid('The subscription it is delivered for.') },
  { description: 'A change of a batch, as it was right after it.' },
);

const loggedBatchEvent = shape('Event of a batch in the log', eventMembers, {
  description: 'As subscriptions get it that name BATCH, with the same id and the same object.',
});

export const eventPage = Type.Object({
  data: Type.Array(Type.Union([loggedEvent, loggedBatchEvent])),
  meta: Type.Object({
    count: count('Events on this page.'),
    limit: whole('The most events this page could have.', { minimum: 1 }),
    next: text('The cursor to go on with, also when there was nothing.'),
    has_more: flag('Whether the log goes on behind this page.'),
    gap: Type.Union([gap, Type.Null()], {
      description: 'What was dropped from the log behind the cursor before it was read.',
    }),
  }),
});
