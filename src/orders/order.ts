// An order and what reports of the venue make of it. Pure: rows and reports in, what follows out.
// The order is what the contract shows; each attempt to execute it at the venue is a submission
// with a client order id of its own.

import { createHash } from 'node:crypto';
import { assertNever } from '../assert.ts';
import type { AccountId, LiquidationId, OrderId } from '../ids.ts';
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

export type SubmissionOutcome = 'filled' | 'cancelled' | 'refused' | 'postponed';

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
  readonly executedQuantity: Decimal;
  readonly final: Final | undefined;
  readonly order: Order;
}

export interface Order {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly isin: string;
  readonly quantity: Decimal;
  readonly filledQuantity: Decimal;
  readonly status: OrderStatus;
}

/** What becomes of the order once a submission is done. */
export type OrderResult =
  | { readonly type: 'filled' }
  | { readonly type: 'cancelled'; readonly reason: string }
  | { readonly type: 'tried_again' };

/**
 * What a set of new reports makes of a submission. `working` until its executions add up to its
 * final report; `impossible` when they contradict what is known, and then nothing of it is applied.
 */
export type Progress =
  | { readonly type: 'repeated' }
  | {
      readonly type: 'working';
      readonly executedQuantity: Decimal;
      readonly final: Final | undefined;
    }
  | { readonly type: 'done'; readonly final: Final; readonly result: OrderResult }
  | { readonly type: 'impossible'; readonly reason: string };

/**
 * The client order id of one submission of an order: 20 characters of base 32 (100 bits of a
 * SHA-256), the same whoever computes it, so that nobody can send one attempt under two ids.
 */
export function clientOrderIdOf(orderId: OrderId, attempt: number): string {
  const digest = createHash('sha256').update(`${orderId}/${attempt}`).digest();
  let id = '';
  for (const byte of digest.subarray(0, 20)) id += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte & 31];
  return id;
}

/** The execution in a report, if there is one. */
export function tradeOf(event: ReportEvent): Trade | undefined {
  return event.type === 'trade' || event.type === 'filled' ? event.trade : undefined;
}

/** A report of a submission, with its trade where that is not recorded yet. */
export interface News {
  readonly event: ReportEvent;
  readonly trade: Trade | undefined;
}

/** Folds reports into a submission; their order does not matter, and repeats change nothing. */
export function progressOf(submission: Submission, news: readonly News[]): Progress {
  const executedQuantity = sum([
    submission.executedQuantity,
    ...news.flatMap(({ trade }) => trade?.lastQuantity ?? []),
  ]);
  const final = finalOf(submission, news);
  if (final === 'contradiction') return impossible('two final reports disagree');
  const limit = final?.quantity ?? submission.quantity;
  if (limit.gt(submission.quantity)) return impossible('more was reported than was ordered');
  if (executedQuantity.gt(limit)) return impossible('executions exceed the quantity of the order');
  if (submission.status === 'DONE') return { type: 'repeated' };
  if (final === undefined) return { type: 'working', executedQuantity, final };
  if (executedQuantity.lt(limit)) return { type: 'working', executedQuantity, final };
  return { type: 'done', final, result: resultOf(submission, final) };
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
    case 'postponed':
      return { quantity: event.cumulativeQuantity, outcome: event.type, reason: event.reason };
    case 'rejected':
      return { quantity: event.cumulativeQuantity, outcome: 'refused', reason: event.reason };
    default:
      return assertNever(event);
  }
}

/** A temporary cause is waited out; every other end short of the whole quantity is the end. */
function resultOf(submission: Submission, final: Final): OrderResult {
  const { order } = submission;
  const filledByOthers = order.filledQuantity.minus(submission.executedQuantity);
  if (filledByOthers.plus(final.quantity).eq(order.quantity)) return { type: 'filled' };
  switch (final.outcome) {
    case 'postponed':
      return { type: 'tried_again' };
    case 'filled':
    case 'cancelled':
    case 'refused':
      return { type: 'cancelled', reason: final.reason ?? 'the venue sold less than was ordered' };
    default:
      return assertNever(final.outcome);
  }
}
