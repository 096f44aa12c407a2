// Sends orders to the venue. The intent (order PROCESSING, client order id, lease) is committed
// before the call, the call is made outside any transaction, and what it answered is written only
// by the holder of the lease. An order whose answer is not known stays SENDING, to be looked up.

import { assert } from '../assert.ts';
import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import { batchRowsMax, ordersInFlightMax, submissionLeaseMs } from '../limits.ts';
import { decimal } from '../money.ts';
import type { NewOrder, SubmitOutcome, Venue } from '../venue/venue.ts';
import { type Batch, batchWorker, type Worker } from '../work/work-batches.ts';
import { clientOrderIdOf } from './order.ts';
import { claimToSubmit, type DueOrder } from './order-store.ts';
import { type Answered, AnswerRecorder } from './record-answers.ts';
import { type Intent, insertSubmissions } from './submission-store.ts';

export interface Sender extends Worker {
  readonly venue: Venue;
  /** This process, as holder of leases. */
  readonly holder: string;
  /** Orders that may be with the venue at once. Default as in limits.ts. */
  readonly inFlightMax?: number;
}

/** What is known of an order whose call had no answer. */
export const unanswered: SubmitOutcome = { type: 'unknown', reason: 'the venue did not answer' };

/** One turn: sends due orders of the next tenant that has some. @returns how many. */
export function orderSubmitter(sender: Sender): () => Promise<number> {
  const { inFlightMax = ordersInFlightMax } = sender;
  const recorder = new AnswerRecorder(sender);
  const turn = batchWorker<DueOrder, Intent>(sender, {
    step: 'submit',
    limit: batchRowsMax,
    claim: (tx, due) => claimToSubmit(tx, { ...due, venue: sender.venue.mic, inFlightMax }),
    subjectOf: ({ orderId }) => orderId,
    work: (tx, batch) => commitIntents(tx, sender, batch),
    afterCommit: async (intents) => recorder.record(await send(sender, intents)),
  });
  return async () => {
    await recorder.recordKept();
    return (await turn()).count;
  };
}

async function commitIntents(
  tx: Tx,
  { venue, holder }: Sender,
  { rows, now }: Batch<DueOrder>,
): Promise<readonly Intent[]> {
  const intents = rows.map(({ submissions, quantity, ...order }): Intent => {
    const clientOrderId = clientOrderIdOf(order.orderId, submissions + 1);
    return { ...order, quantity: decimal(quantity), clientOrderId };
  });
  const lease = { holder, expiresAt: later(now, submissionLeaseMs) };
  const count = await insertSubmissions(tx, { intents, venue: venue.mic, lease, now });
  assert(count === intents.length, 'a claimed order stays as it was claimed');
  return intents;
}

async function send(sender: Sender, intents: readonly Intent[]): Promise<readonly Answered[]> {
  const outcomes = await submitOrNothing(sender, intents);
  return intents.map((intent, i): Answered => {
    const { tenantId, clientOrderId } = intent;
    const outcome = outcomes[i] ?? unanswered;
    return { tenantId, clientOrderId, epoch: 1, sentAt: undefined, outcome };
  });
}

/** A venue that fails to answer leaves every order unknown: that is an outcome, not a fault. */
export async function submitOrNothing(
  { venue, log }: Sender,
  orders: readonly NewOrder[],
): Promise<readonly SubmitOutcome[]> {
  try {
    return await venue.submit(orders);
  } catch (error) {
    log.warn({ venue: venue.mic, orders: orders.length, err: error }, 'venue.submit_unanswered');
    return orders.map(() => unanswered);
  }
}
