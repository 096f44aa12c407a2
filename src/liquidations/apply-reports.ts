// Applies what the venue reported: executions, orders, movements of the book and the liquidation's
// amounts, in one commit for a batch of one tenant. Reports may be repeated, late or out of order;
// one that contradicts what is known is parked for a person, and the rest goes on.

import { assert, assertNever } from '../assert.ts';
import { moveOutOfPositions, type PositionChange } from '../book/store.ts';
import type { Tx } from '../db/connect.ts';
import { newId, type TenantId } from '../ids.ts';
import { postponedWaitMs, reportBatchMax } from '../limits.ts';
import { type Decimal, proceedsOf, sum, zero } from '../money.ts';
import {
  findKnownExecutions,
  insertExecutions,
  lockSubmissions,
  type NewExecution,
  type OrderChange,
  type SubmissionChange,
  updateOrders,
  updateSubmissions,
} from '../orders/apply-store.ts';
import { type ClaimedReport, claimReports, clearReports } from '../orders/inbox-store.ts';
import {
  type News,
  type OrderResult,
  orderTransitions,
  type Progress,
  progressOf,
  type Submission,
  tradeOf,
} from '../orders/order.ts';
import { batchWorker, type Worker } from '../parked/work-batches.ts';
import { type ReportEvent, toReportEvent } from '../venue/venue.ts';
import { type LiquidationChange, settleProgress } from './progress-store.ts';

/** One turn: applies reports of the next tenant that has some. @returns how many. */
export function reportApplier(worker: Worker): () => Promise<number> {
  const turn = batchWorker(worker, {
    step: 'apply',
    limit: reportBatchMax,
    claim: claimReports,
    subjectOf: ({ venue, reportId }) => `${venue}/${reportId}`,
    work: async (tx, { tenantId, rows, now }) => {
      const reports = rows.map((row) => ({ ...row, event: toReportEvent(row.columns) }));
      await apply(tx, { tenantId, reports, now });
      return [];
    },
  });
  return async () => (await turn()).count;
}

interface InboxReport extends ClaimedReport {
  readonly event: ReportEvent;
}

interface Reports {
  readonly tenantId: TenantId;
  readonly reports: readonly InboxReport[];
  readonly now: Date;
}

/** Everything that one batch changes; a submission appears in at most one of the lists. */
interface Changes {
  readonly executions: NewExecution[];
  readonly submissions: SubmissionChange[];
  readonly orders: OrderChange[];
  readonly positions: PositionChange[];
  readonly liquidations: LiquidationChange[];
  /** Reason by `venue/reportId`. */
  readonly parked: Map<string, string>;
}

async function apply(tx: Tx, batch: Reports): Promise<void> {
  const { tenantId, reports, now } = batch;
  const clientOrderIds = [...new Set(reports.map((report) => report.clientOrderId))];
  const submissions = await lockSubmissions(tx, tenantId, clientOrderIds);
  const known = await knownExecutions(tx, batch);
  const changes = changesOf(reports, submissions, known);
  await insertExecutions(tx, { tenantId, executions: changes.executions, now });
  const counts = await Promise.all([
    updateSubmissions(tx, { tenantId, changes: changes.submissions, now }),
    updateOrders(tx, { tenantId, changes: changes.orders, now }),
  ]);
  assert(counts[0] === changes.submissions.length, 'a locked submission stays open');
  assert(counts[1] === changes.orders.length, 'a locked order stays PROCESSING');
  await moveOutOfPositions(tx, { tenantId, changes: changes.positions });
  await settleProgress(tx, { tenantId, changes: changes.liquidations, now });
  await clearReports(tx, { tenantId, reports, parked: changes.parked });
}

async function knownExecutions(tx: Tx, { tenantId, reports }: Reports): Promise<Set<string>> {
  const byVenue = Map.groupBy(
    reports.filter((report) => tradeOf(report.event) !== undefined),
    (report) => report.venue,
  );
  const known = new Set<string>();
  for (const [venue, trades] of byVenue) {
    const venueExecutionIds = trades.flatMap(
      (report) => tradeOf(report.event)?.venueExecutionId ?? [],
    );
    const found = await findKnownExecutions(tx, { tenantId, venue, venueExecutionIds });
    for (const id of found) known.add(`${venue}/${id}`);
  }
  return known;
}

function changesOf(
  reports: readonly InboxReport[],
  submissions: ReadonlyMap<string, Submission>,
  known: Set<string>,
): Changes {
  const changes: Changes = {
    executions: [],
    submissions: [],
    orders: [],
    positions: [],
    liquidations: [],
    parked: new Map(),
  };
  for (const [clientOrderId, own] of Map.groupBy(reports, (report) => report.clientOrderId)) {
    const submission = submissions.get(clientOrderId);
    if (submission === undefined) {
      park(changes, own, 'no order of ours has this client order id');
    } else {
      const busts = own.filter((report) => report.event.type === 'bust');
      park(changes, busts, 'the venue has declared an execution void');
      const others = own.filter((report) => report.event.type !== 'bust');
      if (others.length > 0) addProgress(changes, { submission, reports: others, known });
    }
  }
  return changes;
}

function park(changes: Changes, reports: readonly InboxReport[], reason: string): void {
  for (const { venue, reportId } of reports) changes.parked.set(`${venue}/${reportId}`, reason);
}

interface Told {
  readonly submission: Submission;
  readonly reports: readonly InboxReport[];
  readonly known: Set<string>;
}

function addProgress(changes: Changes, { submission, reports, known }: Told): void {
  const news = reports.map((report): News & { report: InboxReport } => {
    const trade = tradeOf(report.event);
    const key = `${report.venue}/${trade?.venueExecutionId}`;
    const isNew = trade !== undefined && !known.has(key);
    if (isNew) known.add(key);
    return { report, event: report.event, trade: isNew ? trade : undefined };
  });
  const progress = progressOf(submission, news);
  switch (progress.type) {
    case 'impossible':
      park(changes, reports, progress.reason);
      return;
    case 'repeated':
      return;
    case 'working':
    case 'done': {
      const executions = news.flatMap((one) => executionOf(submission, one) ?? []);
      changes.executions.push(...executions);
      write(changes, { submission, progress, executions });
      return;
    }
    default:
      assertNever(progress);
  }
}

function executionOf(
  { clientOrderId, order }: Submission,
  { report, trade }: News & { report: InboxReport },
): NewExecution | undefined {
  if (trade === undefined) return undefined;
  const { lastQuantity: quantity, lastPrice: price, venueExecutionId } = trade;
  return {
    executionId: newId<'execution'>(),
    movementId: newId<'movement'>(),
    venue: report.venue,
    venueExecutionId,
    clientOrderId,
    orderId: order.orderId,
    liquidationId: order.liquidationId,
    accountId: order.accountId,
    isin: order.isin,
    quantity,
    price,
    proceeds: proceedsOf({ quantity, price }),
    executedAt: report.transactionAt,
  };
}

interface Step {
  readonly submission: Submission;
  readonly progress: Extract<Progress, { type: 'working' | 'done' }>;
  readonly executions: readonly NewExecution[];
}

function write(changes: Changes, { submission, progress, executions }: Step): void {
  const { clientOrderId, order } = submission;
  const { orderId, liquidationId, accountId, isin } = order;
  const isDone = progress.type === 'done';
  const filledQuantity = sum(executions.map((execution) => execution.quantity));
  const proceeds = sum(executions.map((execution) => execution.proceeds));
  const to = stateAfter(isDone ? progress.result : undefined);
  const isEnded = to.status !== 'PROCESSING';
  changes.submissions.push({
    clientOrderId,
    isDone,
    executedQuantity: submission.executedQuantity.plus(filledQuantity),
    final: progress.final,
  });
  changes.orders.push({ orderId, liquidationId, filledQuantity, proceeds, to });
  const freed = isEnded ? unsold(order, filledQuantity) : zero;
  changes.positions.push({ accountId, isin, sold: filledQuantity, freed });
  changes.liquidations.push({ liquidationId, proceeds, ended: isEnded ? 1 : 0 });
}

function unsold(order: Submission['order'], justFilled: Decimal): Decimal {
  return order.quantity.minus(order.filledQuantity).minus(justFilled);
}

function stateAfter(result: OrderResult | undefined): OrderChange['to'] {
  const leads = orderTransitions.PROCESSING;
  if (result === undefined) return { status: 'PROCESSING', submitAfterMs: undefined };
  switch (result.type) {
    case 'filled':
      return { status: leads.filled };
    case 'cancelled':
      return { status: leads.cancelled, reason: result.reason };
    case 'tried_again':
      return { status: leads.tried_again, submitAfterMs: postponedWaitMs };
    default:
      return assertNever(result);
  }
}
