// Sends orders to the venue. The intent (order PROCESSING, client order id, lease) is committed
// before the call, the call is made outside any transaction, and what it answered is written only
// by the holder of the lease. An order whose answer is not known stays SENDING, to be looked up by client
// order id: the process died, or the venue did not answer. One that the venue does not know although it
// must have landed by now is sent again under the same client order id, never under another one: a
// process that was only asleep may still wake up and send it, and of the two the venue takes one.
// What a control stops is not sent either, nor sent again: it is checked in the claim, and again later (src/controls).
// What is halted is not claimed, and what was claimed before is sent within its lease or not at all, so that
// the halt knows when nothing is sent any more (decision 35).

import { assert } from '../assert.ts';
import { later } from '../clock.ts';
import { checkOrders, recheckOrders } from '../controls/check-orders.ts';
import { type NewStop, recordStops } from '../controls/stops-store.ts';
import type { Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { OrderId } from '../ids.ts';
import {
  batchRowsMax,
  controlAgainMs,
  ordersInFlightMax,
  submissionLeaseMs,
  rateAgeMsMax as usualRateAgeMsMax,
} from '../limits.ts';
import { decimal, plain } from '../money.ts';
import {
  type LookUpOutcome,
  type NewOrder,
  type SubmitOutcome,
  TooLateError,
  type Venue,
} from '../venue/venue.ts';
import { type Batch, batchWorker } from '../work/work-batches.ts';
import { clientOrderIdOf } from './order.ts';
import { claimToSubmit, type DueOrder, delayOrders, lockOrders } from './order-store.ts';
import { type Answered, AnswerRecorder, type Sender } from './record-answers.ts';
import {
  claimExpired,
  type HeldSubmission,
  type Intent,
  insertSubmissions,
} from './submission-store.ts';

/** What is known of an order whose call had no answer. */
const unanswered: SubmitOutcome = { type: 'unknown', reason: 'the venue did not answer' };

/** One turn: sends due orders of the next tenant that has some to a venue. @returns how many. */
export function orderSubmitter(sender: Sender): () => Promise<number> {
  const { inFlightMax = ordersInFlightMax, rateAgeMsMax = usualRateAgeMsMax } = sender;
  const recorder = new AnswerRecorder(sender);
  const turn = batchWorker<DueOrder, Claimed>(sender, {
    step: 'submit',
    limit: batchRowsMax,
    claim: (tx, due) => {
      return claimToSubmit(tx, { ...due, venue: sender.venue.mic, inFlightMax, rateAgeMsMax });
    },
    subjectOf: ({ orderId }) => orderId,
    work: (tx, batch) => commitIntents(tx, sender, batch),
    afterCommit: async (intents) => {
      if (intents.length > 0) await recorder.record(await send(sender, intents));
    },
  });
  return async () => {
    await recorder.recordKept();
    return (await turn()).count;
  };
}

/** An intent, and until when it may be sent. */
interface Claimed extends Intent {
  readonly sendBefore: Date;
}

/** A lease leaves this for the way to the venue, in ms: nothing is begun so shortly before its end. */
const sendMarginMs = 1_000;

/** What a process has not sent in time, because it was asleep: it is looked up, and sent by its next holder. */
const overslept: SubmitOutcome = { type: 'unknown', reason: 'it was too late to send it' };

async function commitIntents(
  tx: Tx,
  { venue, holder }: Sender,
  { tenantId, rows, now }: Batch<DueOrder>,
): Promise<readonly Claimed[]> {
  const { passed, stopped } = await checkOrders(tx, { tenantId, orders: rows, now });
  if (stopped.length > 0) {
    const orderIds = stopped.map(({ orderId }) => orderId);
    const count = await delayOrders(tx, { tenantId, orderIds, waitMs: controlAgainMs, now });
    assert(count === stopped.length, 'a claimed order stays as it was claimed');
  }
  if (passed.length === 0) return [];
  const sendBefore = later(now, submissionLeaseMs - sendMarginMs);
  const intents = passed.map(({ submissions, quantity, ...order }): Claimed => {
    const clientOrderId = clientOrderIdOf(order.orderId, submissions + 1);
    return { ...order, quantity: decimal(quantity), clientOrderId, sendBefore };
  });
  const lease = { holder, expiresAt: later(now, submissionLeaseMs) };
  const count = await insertSubmissions(tx, { intents, venue: venue.mic, lease, now });
  assert(count === intents.length, 'a claimed order stays as it was claimed');
  return intents;
}

async function send(sender: Sender, intents: readonly Claimed[]): Promise<readonly Answered[]> {
  const outcomes = await submitInTime(sender, intents);
  return intents.map((intent, i): Answered => {
    const { tenantId, clientOrderId } = intent;
    const outcome = outcomes[i] ?? unanswered;
    return { tenantId, clientOrderId, epoch: 1, sentAt: undefined, outcome };
  });
}

/** All of a batch was claimed at one instant. */
async function submitInTime(
  sender: Sender,
  claimed: readonly (NewOrder & Pick<Claimed, 'sendBefore'>)[],
): Promise<readonly SubmitOutcome[]> {
  const now = sender.clock.now();
  const [one] = claimed;
  if (one === undefined || now >= one.sendBefore) return claimed.map(() => overslept);
  return submitOrNothing(sender, claimed, one.sendBefore);
}

/** A venue that fails to answer leaves every order unknown: that is an outcome, not a fault. */
async function submitOrNothing(
  { venue, log }: Sender,
  orders: readonly NewOrder[],
  sendBefore: Date,
): Promise<readonly SubmitOutcome[]> {
  try {
    return await venue.submit(orders, sendBefore);
  } catch (error) {
    if (error instanceof TooLateError) return orders.map(() => overslept);
    log.warn({ venue: venue.mic, orders: orders.length, err: error }, 'venue.submit_unanswered');
    return orders.map(() => unanswered);
  }
}

/** One turn: looks up submissions to a venue whose lease ran out. @returns how many were decided. */
export function submissionResolver(sender: Sender): () => Promise<number> {
  const recorder = new AnswerRecorder(sender);
  return async () => {
    await recorder.recordKept();
    const now = sender.clock.now();
    const lease = { holder: sender.holder, expiresAt: later(now, submissionLeaseMs) };
    const { mic: venue } = sender.venue;
    const claim = { venue, lease, now, limit: batchRowsMax };
    const { held, stops } = await inTransaction(sender.sql, async (tx) => {
      const claimed = await claimExpired(tx, claim);
      return { held: claimed, stops: await recheck(tx, claimed, now) };
    });
    if (held.length === 0) return 0;
    const found = await sender.venue.lookUp(held);
    const known = held.map((submission, i) => {
      return { submission, outcome: outcomeOf(sender.venue, submission, found[i], now) };
    });
    // What is halted or stopped keeps its lease, and is looked up again after it.
    const lost = known.flatMap(({ submission, outcome }) => {
      return outcome === 'never_arrived' && !submission.isHalted ? submission : [];
    });
    if (lost.length > 0) await noteStops(sender, lost, stops);
    const missing = lost.filter(({ orderId }) => !stops.has(orderId));
    const sendBefore = later(now, submissionLeaseMs - sendMarginMs);
    const inTime = missing.map((submission) => ({ ...submission, sendBefore }));
    const answered = missing.length === 0 ? [] : await submitInTime(sender, inTime);
    const sent = new Map(missing.map((submission, i) => [submission, answered[i]]));
    const answers = known.flatMap(({ submission, outcome }): readonly Answered[] => {
      if (outcome !== 'never_arrived') return [{ ...submission, outcome }];
      if (!sent.has(submission)) return [];
      const answer = sent.get(submission) ?? unanswered;
      return [{ ...submission, sentAt: undefined, outcome: answer }];
    });
    await recorder.record(answers);
    return answers.filter(({ outcome }) => outcome.type !== 'unknown').length;
  };
}

type Stops = ReadonlyMap<OrderId, readonly NewStop[]>;

/** Controls may have been set since the orders were claimed: in the claim, so that setting them can wait for it. */
async function recheck(tx: Tx, claimed: readonly HeldSubmission[], now: Date): Promise<Stops> {
  const stops: NewStop[] = [];
  for (const [tenantId, own] of Map.groupBy(claimed, (one) => one.tenantId)) {
    const orders = own.map((one) => ({ ...one, quantity: plain(one.quantity) }));
    stops.push(...(await recheckOrders(tx, { tenantId, orders, now })));
  }
  return Map.groupBy(stops, ({ orderId }) => orderId);
}

/** Writes down what controls stop of orders that have not arrived, and clears what they keep by now. */
async function noteStops(
  { sql, clock }: Sender,
  lost: readonly HeldSubmission[],
  stops: Stops,
): Promise<void> {
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    await lockOrders(tx, lost);
    for (const [tenantId, own] of Map.groupBy(lost, (one) => one.tenantId)) {
      const checked = own.map(({ orderId }) => orderId);
      const found = checked.flatMap((orderId) => stops.get(orderId) ?? []);
      await recordStops(tx, { tenantId, checked, stops: found, now });
    }
  });
}

function outcomeOf(
  venue: Venue,
  submission: HeldSubmission,
  found: LookUpOutcome | undefined,
  now: Date,
): SubmitOutcome | 'never_arrived' {
  if (found !== undefined && found.type !== 'not_found') return found;
  if (later(submission.sentAt, venue.flightMsMax) <= now) return 'never_arrived';
  return { type: 'unknown', reason: 'the order may still be under way' };
}
