// An order and what reports of the venue make of it. Pure: rows and reports in, what follows out.
// The order is what the contract shows; each attempt to execute it at the venue is a submission
// with a client order id of its own.

import { assertNever } from '../assert.ts';
import { type AccountId, type LiquidationId, type OrderId, shortIdOf } from '../ids.ts';
import { suspendedWaitMs } from '../limits.ts';
import { type Decimal, sum } from '../money.ts';
import type { Transitions } from '../state-machine.ts';
import type { ReportEvent, Trade } from '../venue/venue.ts';

/** What each status of an order carries once it left NEW. */
export type OrderState =
  | { readonly status: 'NEW' }
  /** At the venue, or sent again after so long on the market clock. */
  | { readonly status: 'PROCESSING'; readonly submitAfterMs: number | undefined }
  | { readonly status: 'FILLED' }
  | { readonly status: 'CANCELLED'; readonly reason: string };

export type OrderStatus = OrderState['status'];

/** The life of an order: `stopped` is what happens to one that is not at the venue and shall not be. */
export const orderTransitions = {
  NEW: { sent: 'PROCESSING', stopped: 'CANCELLED' },
  PROCESSING: {
    sent: 'PROCESSING',
    tried_again: 'PROCESSING',
    filled: 'FILLED',
    cancelled: 'CANCELLED',
    stopped: 'CANCELLED',
  },
  FILLED: {},
  CANCELLED: {},
} as const satisfies Transitions<OrderStatus>;

/**
 * The life of one client order id: under way, answered by the venue, and done when its executions add
 * up to its final report, which may come before the answer.
 */
export const submissionTransitions = {
  SENDING: { answered: 'WORKING', reported: 'DONE' },
  WORKING: { reported: 'DONE' },
  DONE: {},
} as const satisfies Transitions<SubmissionStatus>;

export type SubmissionStatus = 'SENDING' | 'WORKING' | 'DONE';

export type SubmissionOutcome = 'filled' | 'cancelled' | 'rejected' | 'suspended';

/** The final report of a submission: its executions have to add up to `quantity`. */
export interface Final {
  readonly quantity: Decimal;
  readonly outcome: SubmissionOutcome;
  readonly reason: string | undefined;
}

/** One client order id with the order it serves, as far as reports change them. */
export interface Submission {
  readonly clientOrderId: string;
  readonly status: SubmissionStatus;
  readonly quantity: Decimal;
  /** What its executions sold, without those that were busted. */
  readonly executedQuantity: Decimal;
  readonly bustedQuantity: Decimal;
  readonly final: Final | undefined;
  /** The venue was asked to cancel it for a halt: what is left of its order is sent again after it. */
  readonly isCancelledByHalt: boolean;
  readonly order: Order;
}

export interface Order {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly isin: string;
  /** In which it is sold. */
  readonly currency: string;
  readonly quantity: Decimal;
  readonly filledQuantity: Decimal;
  /** The part of it by which late fills and busts moved what was sold when a submission was done. */
  readonly correctedQuantity: Decimal;
  readonly status: OrderStatus;
  /** Client order ids used for it. */
  readonly submissions: number;
}

/** An order about to be placed. */
export interface PlannedOrder {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly isin: string;
  readonly round: number;
  readonly quantity: Decimal;
  /** Where it goes (MIC), and as what. */
  readonly venue: string;
  readonly symbol: string | undefined;
  readonly currency: string;
}

/** How long an order that was suspended waits until it is sent again, in ms of market time. */
export function waitMsAfter(submissions: number): number {
  const { first, longest } = suspendedWaitMs;
  return Math.min(first * 2 ** Math.max(submissions - 1, 0), longest);
}

/** What an order sold as far as its end and its hold are concerned. */
export function countedQuantity(order: Order): Decimal {
  return order.filledQuantity.minus(order.correctedQuantity);
}

/** What becomes of the order once a submission is done. */
export type OrderResult =
  | { readonly type: 'filled' }
  | { readonly type: 'cancelled'; readonly reason: string }
  | { readonly type: 'tried_again'; readonly waitMs: number };

/** What is sold and void once a set of reports is applied. */
interface Amounts {
  readonly executedQuantity: Decimal;
  readonly bustedQuantity: Decimal;
}

/**
 * What a set of new reports makes of a submission. `working` until its executions add up to its
 * final report; `corrected` when they come after that, and then nothing but amounts changes;
 * `impossible` when they contradict what is known, and then nothing of it is applied.
 */
export type Progress =
  | { readonly type: 'repeated' }
  | ({ readonly type: 'working'; readonly final: Final | undefined } & Amounts)
  | ({ readonly type: 'done'; readonly final: Final; readonly result: OrderResult } & Amounts)
  | ({ readonly type: 'corrected'; readonly final: Final } & Amounts)
  | { readonly type: 'impossible'; readonly reason: string };

/** The client order id of one submission of an order: so no two processes send one attempt under two ids. */
export function clientOrderIdOf(orderId: OrderId, attempt: number): string {
  return shortIdOf(`${orderId}/${attempt}`);
}

/** A report of a submission, with what it adds to what is recorded. */
export interface News {
  readonly event: ReportEvent;
  /** Its trade, where that is not recorded yet. */
  readonly trade: Trade | undefined;
  /** What an execution had sold that is void from now on. */
  readonly busted: Decimal | undefined;
}

/**
 * Folds reports into a submission; their order does not matter, and repeats change nothing. Whether
 * all executions of a final report are here is asked of all that was ever sold, busts included: what
 * is busted after the end was in it. What came too much by then, or comes later, is a correction.
 */
export function progressOf(submission: Submission, news: readonly News[]): Progress {
  // Nothing would show it: it moves no amount.
  if (news.some(({ trade }) => trade && !trade.lastQuantity.gt('0'))) {
    return impossible('an execution sells nothing');
  }
  const sold = sum(news.flatMap(({ trade }) => trade?.lastQuantity ?? []));
  const busted = sum(news.flatMap((one) => one.busted ?? []));
  const executedQuantity = submission.executedQuantity.plus(sold).minus(busted);
  const bustedQuantity = submission.bustedQuantity.plus(busted);
  const isDone = submission.status === 'DONE';
  // A fill after the end is a fill, whatever end the venue names with it.
  const final = finalOf(submission, isDone ? news.filter((one) => !one.trade) : news);
  if (final === 'contradiction') return impossible('two final reports disagree');
  const limit = final?.quantity ?? submission.quantity;
  if (limit.gt(submission.quantity)) return impossible('more was reported than was ordered');
  if (executedQuantity.gt(submission.quantity)) {
    return impossible('executions exceed the quantity of the order');
  }
  const amounts = { executedQuantity, bustedQuantity };
  if (final === undefined) return { type: 'working', ...amounts, final };
  if (isDone) {
    const isRepeated = sold.eq('0') && busted.eq('0');
    return isRepeated ? { type: 'repeated' } : { type: 'corrected', ...amounts, final };
  }
  if (executedQuantity.plus(bustedQuantity).lt(limit))
    return { type: 'working', ...amounts, final };
  return { type: 'done', ...amounts, final, result: resultOf(submission, final) };
}

function impossible(reason: string): Progress {
  return { type: 'impossible', reason };
}

function finalOf(
  submission: Submission,
  news: readonly News[],
): Final | undefined | 'contradiction' {
  let final = submission.final;
  for (const { event } of news) {
    const next = finalIn(event);
    if (next === undefined) continue;
    if (final && !(final.quantity.eq(next.quantity) && final.outcome === next.outcome)) {
      return 'contradiction';
    }
    final ??= next;
  }
  return final;
}

function finalIn(event: ReportEvent): Final | undefined {
  switch (event.type) {
    case 'trade':
    case 'bust':
      return undefined;
    case 'filled':
      return { quantity: event.cumulativeQuantity, outcome: 'filled', reason: undefined };
    case 'cancelled':
    case 'suspended':
    case 'rejected':
      return { quantity: event.cumulativeQuantity, outcome: event.type, reason: event.reason };
    default:
      return assertNever(event);
  }
}

/**
 * A temporary cause is waited out, and so is a halt that had the order cancelled; every other end short of the
 * whole quantity is the end.
 */
function resultOf(submission: Submission, final: Final): OrderResult {
  const { order } = submission;
  const filledByOthers = countedQuantity(order).minus(submission.executedQuantity);
  if (filledByOthers.plus(final.quantity).eq(order.quantity)) return { type: 'filled' };
  switch (final.outcome) {
    case 'suspended':
      return { type: 'tried_again', waitMs: waitMsAfter(order.submissions) };
    case 'cancelled':
    case 'filled':
    case 'rejected':
      // The wait leaves a liquidation that is being ended the time to end it.
      if (final.outcome === 'cancelled' && submission.isCancelledByHalt) {
        return { type: 'tried_again', waitMs: suspendedWaitMs.first };
      }
      return { type: 'cancelled', reason: final.reason ?? 'the venue sold less than was ordered' };
    default:
      return assertNever(final.outcome);
  }
}
