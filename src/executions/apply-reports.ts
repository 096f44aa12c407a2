// Applies what the venue reported: executions, busts, orders, movements of the book and the
// liquidation's amounts, in one commit for a batch of one tenant. Reports may be repeated, late or out
// of order; one that contradicts what is known is parked for a person, and the rest goes on.

import { assert } from '../assert.ts';
import {
  findRates,
  lockFreeQuantities,
  movePositions,
  type PositionChange,
  type PositionName,
} from '../book/store.ts';
import { brakeRejections } from '../controls/brake-rejections.ts';
import type { Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { reportBatchMax } from '../limits.ts';
import { settleProgress } from '../liquidations/progress-store.ts';
import { accountCurrency, type Decimal, plain, smaller, sum, zero } from '../money.ts';
import type { Submission } from '../orders/order.ts';
import { lockSubmissions, updateOrders, updateSubmissions } from '../orders/progress-store.ts';
import { reportAgain } from '../reservations/reservations-store.ts';
import { claimReports, clearReports } from '../venue/inbox-store.ts';
import { toReportEvent, tradeOf } from '../venue/venue.ts';
import { noteForPerson } from '../work/parked-store.ts';
import { batchWorker, type Worker } from '../work/work-batches.ts';
import {
  bustExecutions,
  findBusts,
  findKnownExecutions,
  insertBusts,
  insertExecutions,
  type Uncovered,
} from './executions-store.ts';
import { type Changes, type Correction, changesOf } from './report-changes.ts';
import { executionNameIn, type InboxReport, type Known, nameOf } from './report-news.ts';

/** One turn: applies reports of the next tenant that has some. @returns how many. */
export function reportApplier(worker: Worker): () => Promise<number> {
  const turn = batchWorker(worker, {
    step: 'apply',
    limit: reportBatchMax,
    claim: claimReports,
    subjectOf: ({ venue, reportId }) => `${venue}/${reportId}`,
    work: async (tx, { tenantId, rows, now }) => {
      const reports = rows.map((row) => ({ ...row, event: toReportEvent(row.columns) }));
      return [await apply(tx, { tenantId, reports, now })];
    },
    afterCommit: async (applied) => countChanges(worker, applied),
  });
  return async () => (await turn()).count;
}

interface Reports {
  readonly tenantId: TenantId;
  readonly reports: readonly InboxReport[];
  readonly now: Date;
}

/** Counts what was committed: orders that ended, and money that came or went. */
function countChanges({ count }: Worker, applied: readonly Changes[]): void {
  if (count === undefined) return;
  for (const { executions, busted, orders } of applied) {
    for (const { to } of orders) {
      if (to?.status === 'FILLED' || to?.status === 'CANCELLED') {
        count('orders', { outcome: to.status.toLowerCase() });
      }
    }
    const proceedsOf = (rows: readonly { readonly proceeds: Decimal }[]) => {
      return Number(plain(sum(rows.map(({ proceeds }) => proceeds))));
    };
    const currency = accountCurrency;
    if (executions.length > 0)
      count('proceeds', { currency, kind: 'sold' }, proceedsOf(executions));
    if (busted.length > 0) count('proceeds', { currency, kind: 'void' }, proceedsOf(busted));
  }
}

async function apply(tx: Tx, batch: Reports): Promise<Changes> {
  const { tenantId, reports, now } = batch;
  const clientOrderIds = [...new Set(reports.map((report) => report.clientOrderId))];
  const submissions = await lockSubmissions(tx, tenantId, clientOrderIds);
  const known = {
    ...(await findKnown(tx, batch)),
    rates: await findRatesFor(tx, batch, submissions),
  };
  const changes = changesOf(reports, submissions, known);
  const { executions, busts, busted, orders } = changes;
  const uncovered = await coverLateFills(tx, tenantId, changes);
  await insertExecutions(tx, { tenantId, executions, uncovered, now });
  await insertBusts(tx, { tenantId, busts, now });
  const voided = await bustExecutions(tx, { tenantId, busted, now });
  assert(voided === busted.length, 'an execution is busted once');
  const counts = await Promise.all([
    updateSubmissions(tx, { tenantId, changes: changes.submissions, now }),
    updateOrders(tx, { tenantId, changes: orders, now }),
  ]);
  assert(counts[0] === changes.submissions.length, 'a locked submission stays as it was');
  assert(counts[1] === orders.length, 'a locked order stays as it was');
  await movePositions(tx, { tenantId, changes: positionChanges(changes, uncovered) });
  await settleProgress(tx, { tenantId, changes: changes.liquidations, now });
  const notes = correctionsOf(changes, uncovered).map((one) => noteOf(one, uncovered));
  await noteForPerson(tx, { tenantId, notes, now });
  const liquidationIds = [...new Set(changes.corrections.map(({ order }) => order.liquidationId))];
  if (liquidationIds.length > 0) await reportAgain(tx, { tenantId, liquidationIds, now });
  await clearReports(tx, { tenantId, reports, parked: changes.parked });
  await brakeRejections(tx, { tenantId, venues: rejectingVenues(reports, changes), now });
  return changes;
}

/** Where orders were rejected just now. */
function rejectingVenues(
  reports: readonly InboxReport[],
  { submissions }: Changes,
): readonly string[] {
  const rejected = submissions.filter(
    ({ isDone, final }) => isDone && final?.outcome === 'rejected',
  );
  const ids = new Set(rejected.map(({ clientOrderId }) => clientOrderId));
  const own = reports.filter(({ clientOrderId }) => ids.has(clientOrderId));
  return [...new Set(own.map(({ venue }) => venue))].toSorted();
}

/** Nothing is asked where all is sold in the currency of accounts. */
async function findRatesFor(
  tx: Tx,
  { tenantId, reports }: Reports,
  submissions: ReadonlyMap<string, Submission>,
): Promise<Known['rates']> {
  const names = reports.flatMap(({ clientOrderId, event, transactionAt: at }) => {
    const currency = submissions.get(clientOrderId)?.order.currency ?? accountCurrency;
    return currency === accountCurrency || tradeOf(event) === undefined ? [] : [{ currency, at }];
  });
  return names.length === 0 ? new Map() : findRates(tx, { tenantId, names });
}

async function findKnown(tx: Tx, { tenantId, reports }: Reports): Promise<Omit<Known, 'rates'>> {
  const names = reports.flatMap((report) => executionNameIn(report) ?? []);
  if (names.length === 0) return { executions: new Map(), busts: new Map() };
  const executions = await findKnownExecutions(tx, { tenantId, names });
  const busts = await findBusts(tx, { tenantId, names });
  return {
    executions: new Map(executions.map((execution) => [nameOf(execution), execution])),
    busts: new Map(busts.map((bust) => [nameOf(bust), bust])),
  };
}

function keyOf({ accountId, isin }: PositionName): string {
  return `${accountId}/${isin}`;
}

/**
 * How many units of late fills are not in the account any more: what is locked or held by an order
 * of a later liquidation is not at hand either. Nothing else is asked when there are no late fills.
 */
async function coverLateFills(tx: Tx, tenantId: TenantId, changes: Changes): Promise<Uncovered> {
  const late = [...changes.late];
  const uncovered = new Map<string, Decimal>();
  if (late.length === 0) return uncovered;
  const free = new Map<string, Decimal>();
  for (const position of await lockFreeQuantities(tx, { tenantId, positions: late })) {
    free.set(keyOf(position), position.free);
  }
  const add = (position: PositionName, quantity: Decimal) => {
    const key = keyOf(position);
    free.set(key, (free.get(key) ?? zero).plus(quantity));
  };
  for (const change of changes.held) add(change, zero.minus(change.held));
  for (const execution of changes.executions) {
    if (!changes.late.has(execution)) add(execution, zero.minus(execution.quantity));
  }
  for (const { order, quantity, uncovered: known } of changes.busted) {
    if (known !== undefined) add(order, quantity.minus(known));
  }
  for (const execution of late) {
    const covered = smaller(execution.quantity, free.get(keyOf(execution)) ?? zero);
    add(execution, zero.minus(covered));
    uncovered.set(execution.executionId, execution.quantity.minus(covered));
  }
  return uncovered;
}

function positionChanges(
  changes: Changes,
  uncovered: ReadonlyMap<string, Decimal>,
): readonly PositionChange[] {
  const missing = (executionId: string) => uncovered.get(executionId) ?? zero;
  return [
    ...changes.held.map((change) => ({ ...change, quantity: zero })),
    ...changes.executions.map(({ executionId, accountId, isin, quantity }) => {
      return { accountId, isin, quantity: missing(executionId).minus(quantity), held: zero };
    }),
    ...changes.busted.map(({ executionId, order, quantity, uncovered: known }) => {
      const { accountId, isin } = order;
      const returned = quantity.minus(known ?? missing(executionId));
      return { accountId, isin, quantity: returned, held: zero };
    }),
  ];
}

/** What came after the end, and whatever else left units uncovered. */
function correctionsOf(
  { corrections, late }: Changes,
  uncovered: Uncovered,
): readonly Correction[] {
  const named = new Set(corrections.map(({ executionId }) => executionId));
  const others = [...late].filter(({ executionId }) => {
    return !named.has(executionId) && uncovered.get(executionId)?.gt('0') === true;
  });
  return [...corrections, ...others.map((one) => ({ type: 'fill', order: one, ...one }) as const)];
}

function noteOf(
  { type, executionId, order, quantity, proceeds }: Correction,
  uncovered: Uncovered,
): { subject: string; reason: string } {
  const what = `${plain(quantity)} ${order.isin} for EUR ${plain(proceeds)}`;
  const where = `order ${order.orderId} of liquidation ${order.liquidationId}`;
  const missing = uncovered.get(executionId);
  const short =
    missing?.gt('0') && type === 'fill'
      ? ` ${plain(missing)} of these units are not in account ${order.accountId} any more.`
      : '';
  const sentence =
    type === 'fill'
      ? `The venue sold ${what} after the end of ${where}.`
      : `The venue declared the sale of ${what} void after the end of ${where}.`;
  return { subject: `${type}/${executionId}`, reason: `${sentence}${short}` };
}
