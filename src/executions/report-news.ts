// What the reports of one submission say that is not recorded yet: new executions, and executions that
// are void. Pure; what becomes of the order is left to report-changes.ts.

import { type Rate, rateKey } from '../book/store.ts';
import { newId } from '../ids.ts';
import { accountCurrency, type Decimal, proceedsOf, sum } from '../money.ts';
import type { News, Submission } from '../orders/order.ts';
import type { ClaimedReport } from '../venue/inbox-store.ts';
import { type ReportEvent, tradeOf } from '../venue/venue.ts';
import type {
  Bust,
  BustedExecution,
  ExecutionName,
  KnownExecution,
  NewExecution,
} from './executions-store.ts';

export interface InboxReport extends ClaimedReport {
  readonly event: ReportEvent;
}

/** What is recorded of the executions that a batch names, by venue and its name there. */
export interface Known {
  readonly executions: ReadonlyMap<string, KnownExecution>;
  readonly busts: ReadonlyMap<string, Bust>;
  /** Of the currencies that orders are sold in, at the instants of their executions, by `rateKey`. */
  readonly rates: ReadonlyMap<string, Rate>;
}

/** An execution that is busted, with what it had sold. */
export interface BustedSale extends BustedExecution {
  readonly order: Submission['order'];
  readonly quantity: Decimal;
  readonly proceeds: Decimal;
  /** Units it had sold that the account did not have; undefined for one of the same batch. */
  readonly uncovered: Decimal | undefined;
}

export function nameOf({ venue, venueExecutionId }: ExecutionName): string {
  return `${venue}/${venueExecutionId}`;
}

/** The execution that a report is about, be it new or void. */
export function executionNameIn({ venue, event }: InboxReport): ExecutionName | undefined {
  const trade = tradeOf(event);
  if (trade !== undefined) return { venue, venueExecutionId: trade.venueExecutionId };
  if (event.type === 'bust') return { venue, venueExecutionId: event.venueExecutionId };
  return undefined;
}

interface Asked {
  readonly submission: Submission;
  readonly reports: readonly InboxReport[];
  readonly known: Known;
  /** Executions in earlier reports of the batch. */
  readonly seen: Set<string>;
}

/** What the reports of one submission say that is not recorded yet. */
export interface SubmissionNews {
  readonly submission: Submission;
  readonly reports: readonly InboxReport[];
  readonly news: readonly News[];
  readonly executions: readonly NewExecution[];
  readonly busts: readonly Bust[];
  readonly busted: readonly BustedSale[];
  readonly contradiction: string | undefined;
}

export function readNews({ submission, reports, known, seen }: Asked): SubmissionNews {
  const { clientOrderId, order } = submission;
  const executions = new Map<string, NewExecution>();
  const busts = new Map<string, Bust>();
  let contradiction: string | undefined;
  const contradict = (other: { clientOrderId: string } | undefined) => {
    if (other !== undefined && other.clientOrderId !== clientOrderId) {
      contradiction = 'the execution belongs to another order';
    }
  };
  for (const report of reports) {
    const name = executionNameIn(report);
    if (name === undefined) continue;
    const key = nameOf(name);
    contradict(known.executions.get(key));
    contradict(known.busts.get(key));
    if (report.event.type === 'bust') {
      const { transactionAt } = report;
      if (!known.busts.has(key)) busts.set(key, { ...name, clientOrderId, transactionAt });
    } else if (!known.executions.has(key) && !executions.has(key)) {
      if (seen.has(key)) contradiction = 'the execution belongs to another order';
      const execution = executionOf(submission, report, known);
      if (typeof execution === 'string') contradiction = execution;
      else if (execution !== undefined) executions.set(key, execution);
    }
  }
  for (const key of executions.keys()) seen.add(key);
  const busted: BustedSale[] = [];
  const take = (execution: Sold, { transactionAt: at }: Bust) => {
    const { executionId, quantity, proceeds, uncovered } = execution;
    const movementId = newId<'movement'>();
    busted.push({ executionId, movementId, at, order, quantity, proceeds, uncovered });
  };
  for (const [key, bust] of busts) {
    const execution = known.executions.get(key);
    if (execution !== undefined) take(execution, bust);
  }
  for (const [key, execution] of executions) {
    const bust = busts.get(key) ?? known.busts.get(key);
    if (bust !== undefined) take({ ...execution, uncovered: undefined }, bust);
  }
  return {
    submission,
    reports,
    news: newsOf(reports, [...executions.values()], busted),
    executions: [...executions.values()],
    busts: [...busts.values()],
    busted,
    contradiction,
  };
}

type Sold = Pick<KnownExecution, 'executionId' | 'quantity' | 'proceeds'> & {
  readonly uncovered: Decimal | undefined;
};

/** The reports, each new execution with the first that has it; the first report has what is void. */
function newsOf(
  reports: readonly InboxReport[],
  executions: readonly NewExecution[],
  busted: readonly BustedSale[],
): readonly News[] {
  const fresh = new Set(executions.map(nameOf));
  return reports.map(({ venue, event }, i): News => {
    const trade = tradeOf(event);
    const isFirst = trade !== undefined && fresh.delete(`${venue}/${trade.venueExecutionId}`);
    const hasBusts = i === 0 && busted.length > 0;
    const voided = hasBusts ? sum(busted.map((one) => one.quantity)) : undefined;
    return { event, trade: isFirst ? trade : undefined, busted: voided };
  });
}

/** The execution of a report, or what stands against booking it. */
function executionOf(
  { clientOrderId, order }: Submission,
  { venue, event, transactionAt }: InboxReport,
  { rates }: Known,
): NewExecution | string | undefined {
  const trade = tradeOf(event);
  if (trade === undefined) return undefined;
  const { lastQuantity: quantity, lastPrice: price, venueExecutionId } = trade;
  const { currency } = order;
  if (trade.currency !== undefined && trade.currency !== currency) {
    return `the execution is in ${trade.currency}, its order in ${currency}`;
  }
  const rate = rates.get(rateKey({ currency, at: transactionAt }));
  if (rate === undefined && currency !== accountCurrency) return `there is no rate for ${currency}`;
  return {
    executionId: newId<'execution'>(),
    movementId: newId<'movement'>(),
    venue,
    venueExecutionId,
    clientOrderId,
    orderId: order.orderId,
    liquidationId: order.liquidationId,
    accountId: order.accountId,
    isin: order.isin,
    quantity,
    price,
    proceeds: proceedsOf({ quantity, price, ...(rate === undefined ? {} : { rate: rate.rate }) }),
    currency,
    rate,
    executedAt: transactionAt,
  };
}
