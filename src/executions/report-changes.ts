// What a batch of reports changes. Pure: reports and what is known of their orders go in, the changes of
// all rows come out. What is at hand of a position to cover a late fill is asked afterwards.

import { assertNever } from '../assert.ts';
import type { LiquidationChange } from '../liquidations/progress-store.ts';
import { type Decimal, sum, zero } from '../money.ts';
import {
  countedQuantity,
  type OrderResult,
  orderTransitions,
  type Progress,
  progressOf,
  type Submission,
} from '../orders/order.ts';
import type { OrderChange, SubmissionChange } from '../orders/progress-store.ts';
import type { Bust, NewExecution } from './executions-store.ts';
import {
  type BustedSale,
  type InboxReport,
  type Known,
  readNews,
  type SubmissionNews,
} from './report-news.ts';

/** A change of what open orders hold of a position. */
export type HeldChange = Pick<Submission['order'], 'accountId' | 'isin'> & {
  readonly held: Decimal;
};

/** Everything that one batch changes. */
export interface Changes {
  readonly executions: NewExecution[];
  /** Executions whose units no order holds any more: they come out of what is free. */
  readonly late: Set<NewExecution>;
  readonly busts: Bust[];
  readonly busted: BustedSale[];
  readonly submissions: SubmissionChange[];
  readonly orders: OrderChange[];
  readonly held: HeldChange[];
  readonly liquidations: LiquidationChange[];
  /** For a person: what came after the end. */
  readonly corrections: Correction[];
  /** Reason by `venue/reportId`. */
  readonly parked: Map<string, string>;
}

/** A fill or a bust after the end of its order. */
export interface Correction {
  readonly type: 'fill' | 'bust';
  readonly executionId: string;
  readonly order: Pick<Submission['order'], 'orderId' | 'liquidationId' | 'accountId' | 'isin'>;
  readonly quantity: Decimal;
  readonly proceeds: Decimal;
}

export function changesOf(
  reports: readonly InboxReport[],
  submissions: ReadonlyMap<string, Submission>,
  known: Known,
): Changes {
  const changes: Changes = {
    executions: [],
    late: new Set(),
    busts: [],
    busted: [],
    submissions: [],
    orders: [],
    held: [],
    liquidations: [],
    corrections: [],
    parked: new Map(),
  };
  const seen = new Set<string>();
  for (const [clientOrderId, own] of Map.groupBy(reports, (report) => report.clientOrderId)) {
    const submission = submissions.get(clientOrderId);
    if (submission === undefined) {
      park(changes, own, 'no order of ours has this client order id');
    } else {
      addProgress(changes, readNews({ submission, reports: own, known, seen }));
    }
  }
  return { ...changes, orders: changesByOrder(changes.orders) };
}

function park(changes: Changes, reports: readonly InboxReport[], reason: string): void {
  for (const { venue, reportId } of reports) changes.parked.set(`${venue}/${reportId}`, reason);
}

function addProgress(changes: Changes, reported: SubmissionNews): void {
  const { submission, reports, news } = reported;
  if (reported.contradiction !== undefined) {
    park(changes, reports, reported.contradiction);
    return;
  }
  const progress = progressOf(submission, news);
  switch (progress.type) {
    case 'impossible':
      park(changes, reports, progress.reason);
      return;
    case 'repeated':
      // A bust may come before its execution: nothing is void yet, but it will be.
      changes.busts.push(...reported.busts);
      return;
    case 'working':
    case 'done':
    case 'corrected':
      changes.executions.push(...reported.executions);
      changes.busts.push(...reported.busts);
      changes.busted.push(...reported.busted);
      write(changes, reported, progress);
      return;
    default:
      assertNever(progress);
  }
}

interface NoChange {
  type: 'repeated' | 'impossible';
}

function write(
  changes: Changes,
  { submission, executions, busted }: SubmissionNews,
  progress: Exclude<Progress, NoChange>,
): void {
  const { clientOrderId, order, executedQuantity: before } = submission;
  const { orderId, liquidationId, accountId, isin } = order;
  const filledQuantity = progress.executedQuantity.minus(before);
  const proceeds = proceedsIn(executions).minus(proceedsIn(busted));
  const to = progress.type === 'corrected' ? undefined : stateAfter(progress);
  const isEnded = to !== undefined && to.status !== 'PROCESSING';
  const correctedQuantity = correctionIn(submission, progress);
  const counted = filledQuantity.minus(correctedQuantity);
  const released = isEnded ? order.quantity.minus(countedQuantity(order)) : counted;
  const { bustedQuantity, executedQuantity, final } = progress;
  const isDone = progress.type !== 'working';
  changes.submissions.push({ clientOrderId, isDone, executedQuantity, bustedQuantity, final });
  changes.orders.push({ orderId, liquidationId, filledQuantity, correctedQuantity, proceeds, to });
  changes.held.push({ accountId, isin, held: zero.minus(released) });
  changes.liquidations.push({ liquidationId, proceeds, ended: isEnded ? 1 : 0 });
  const excess = progress.type === 'done' ? correctedQuantity : zero;
  const isAfter = progress.type === 'corrected';
  // Where the end itself came with too much, the last ones were too much.
  const late = isAfter ? executions : lastOf(executions, excess);
  if (late.length > 0) for (const execution of executions) changes.late.add(execution);
  for (const execution of late) changes.corrections.push({ type: 'fill', order, ...execution });
  if (!isAfter && !excess.lt('0')) return;
  for (const one of busted) changes.corrections.push({ type: 'bust', ...one });
}

/** The last of these executions that bring so much, or all of them. */
function lastOf(executions: readonly NewExecution[], quantity: Decimal): readonly NewExecution[] {
  let rest = quantity;
  return executions.toReversed().filter((one) => {
    const isNeeded = rest.gt('0');
    rest = rest.minus(one.quantity);
    return isNeeded;
  });
}

function proceedsIn(rows: readonly { readonly proceeds: Decimal }[]): Decimal {
  return sum(rows.map((row) => row.proceeds));
}

/** What moves the quantity away from that of the final report. */
function correctionIn(submission: Submission, progress: Exclude<Progress, NoChange>): Decimal {
  switch (progress.type) {
    case 'working':
      return zero;
    case 'done':
      return progress.executedQuantity.minus(progress.final.quantity);
    case 'corrected':
      return progress.executedQuantity.minus(submission.executedQuantity);
    default:
      return assertNever(progress);
  }
}

function stateAfter(
  progress: Extract<Progress, { type: 'working' | 'done' }>,
): NonNullable<OrderChange['to']> {
  if (progress.type === 'working') return { status: 'PROCESSING', submitAfterMs: undefined };
  return stateBy(progress.result);
}

function stateBy(result: OrderResult): NonNullable<OrderChange['to']> {
  const leads = orderTransitions.PROCESSING;
  switch (result.type) {
    case 'filled':
      return { status: leads.filled };
    case 'cancelled':
      return { status: leads.cancelled, reason: result.reason };
    case 'tried_again':
      return { status: leads.tried_again, submitAfterMs: result.waitMs };
    default:
      return assertNever(result);
  }
}

/** Reports of two submissions of one order make one change of it. */
function changesByOrder(changes: readonly OrderChange[]): OrderChange[] {
  return [...Map.groupBy(changes, (change) => change.orderId).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined || own.length === 1) return own;
    return {
      ...first,
      filledQuantity: sum(own.map((change) => change.filledQuantity)),
      correctedQuantity: sum(own.map((change) => change.correctedQuantity)),
      proceeds: sum(own.map((change) => change.proceeds)),
      to: own.find((change) => change.to !== undefined)?.to,
    };
  });
}
