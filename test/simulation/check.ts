// What must be true after a simulated run: the audit is clean, and beyond it, what customers were
// told, what the venue wrote down and what receivers got agree with what the database says. Each
// violation is one sentence.

import Big from 'big.js';
import { runAudit } from '../../src/audit/run-audit.ts';
import { recordedMovements } from '../../src/book/store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { recordedExecutions } from '../../src/executions/executions-store.ts';
import { verifyTrail } from '../../src/trail/verify-trail.ts';
import { faultsOfDeliveries, readEventRows } from './check-deliveries.ts';
import type { Wish } from './customers.ts';
import type { Keeper } from './keeper.ts';
import type { Market } from './market.ts';
import type { BatchWish } from './operators.ts';

const shownMax = 5;

/** Checks that go by the clock of the database, which is years behind the simulated one. */
const byRealClock: ReadonlySet<string> = new Set(['log_is_kept_for_its_time']);

/** @param isUndisturbed nothing went wrong but at the venue and at receivers. */
export async function faultsOf(
  sql: Sql,
  market: Market,
  of: { isUndisturbed: boolean; now: Date; keeper: Keeper | undefined },
): Promise<readonly string[]> {
  const { isUndisturbed, now, keeper } = of;
  const report = await runAudit(sql);
  const trail = await verifyTrail(sql, {
    tables: [recordedMovements, recordedExecutions],
    now,
  });
  const audited = report.results
    .filter(({ check, total }) => total > 0 && !byRealClock.has(check.name))
    .map(({ check, total, differences }) => {
      const shown = differences.slice(0, shownMax).map((one) => JSON.stringify(one));
      return `audit ${check.name}: ${total} differences\n${shown.join('\n')}`;
    });
  return [
    ...audited,
    ...trail.findings.listed.map(({ message }) => `the trail: ${message}`),
    ...(trail.counts.seals === 0 ? ['the trail: nothing was ever sealed'] : []),
    ...(await faultsOfAnswers(sql, market)),
    ...(await faultsOfEvents(sql)),
    ...(await faultsOfDeliveries(sql, market.receivers, { isUndisturbed })),
    ...(await faultsOfSales(sql, market, keeper)),
    ...(await faultsOfBatches(sql, market)),
  ];
}

interface LiquidationRow {
  readonly liquidation_id: string;
  readonly account_id: string;
  readonly status: string;
  readonly end_reason: string | null;
  readonly proceeds: string;
  readonly orders: number;
  readonly is_in_batch: boolean;
}

/** Every acknowledged request is there, once, and cancelled exactly where its client was told so. */
async function faultsOfAnswers(sql: Sql, { wishes }: Market): Promise<readonly string[]> {
  const rows = await sql<LiquidationRow[]>`
    select
      l.liquidation_id, l.account_id, l.status, l.end_reason, l.proceeds,
      (
        select count(*)::integer
        from unwind_v1.orders o
        where o.tenant_id = l.tenant_id
          and o.liquidation_id = l.liquidation_id
      ) as orders,
      exists (
        select
        from unwind_v1.batch_liquidations b
        where b.liquidation_id = l.liquidation_id
      ) as is_in_batch
    from unwind_v1.liquidations l`;
  const byId = new Map(rows.map((row) => [row.liquidation_id, row]));
  const faults = wishes.flatMap((wish) => {
    const row = byId.get(wish.liquidationId ?? '');
    const fault = faultOfAnswer(wish, row);
    return fault === undefined ? [] : [`account ${wish.accountId}: ${fault}`];
  });
  const alone = rows.filter((row) => !row.is_in_batch).length;
  if (alone > wishes.length) faults.push(`${alone} for ${wishes.length} wishes`);
  return faults;
}

function faultOfAnswer(wish: Wish, row: LiquidationRow | undefined): string | undefined {
  if (wish.answers.size > 1) return 'one request was answered in two ways';
  if (wish.isRefused && wish.liquidationId === undefined) return undefined;
  if (wish.liquidationId === undefined) return 'the request was never answered';
  if (row === undefined) return 'acknowledged and not there';
  const isCancelled = row.end_reason === 'client';
  if (isCancelled !== (wish.cancel === 'cancelled')) {
    return `${row.status} ${row.end_reason}, its client was told ${wish.cancel}`;
  }
  if (isCancelled && (row.orders > 0 || Number(row.proceeds) > 0)) return 'cancelled, but sold';
  if (!['FILLED', 'CANCELLED'].includes(row.status)) return `never ends: ${row.status}`;
  return undefined;
}

/** The ways the events of one liquidation may go. */
const courses: ReadonlySet<string> = new Set([
  'NEW FILLED',
  'NEW CANCELLED',
  'NEW PROCESSING FILLED',
  'NEW PROCESSING CANCELLED',
]);

/** Events of each liquidation in a legal order. */
async function faultsOfEvents(sql: Sql): Promise<readonly string[]> {
  const rows = await readEventRows(sql);
  const own = rows.filter(({ type }) => !type.startsWith('BATCH.'));
  return [...Map.groupBy(own, (row) => row.liquidation_id)].flatMap(([id, events]) => {
    const course = events.map((event) => event.type.split('.')[1]).join(' ');
    return courses.has(course) ? [] : [`liquidation ${id}: its events are ${course}`];
  });
}

interface SaleRow {
  readonly account_id: string;
  readonly isin: string;
  readonly client_order_id: string;
  readonly liquidation_id: string;
  readonly venue_execution_id: string;
  readonly quantity: string;
  readonly price: string;
}

/** What the venue says it sold: never more than was held, and paid for to the cent. */
async function faultsOfSales(
  sql: Sql,
  { held, credits }: Market,
  keeper: Keeper | undefined,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const twice = await sql<{ client_order_id: string }[]>`
    select j.client_order_id
    from unwind_v1.venue_journal j
    where j.outcome <> 'repeated'
    group by j.tenant_id, j.client_order_id
    having count(*) > 1`;
  for (const row of twice) faults.push(`${row.client_order_id} was taken twice by the venue`);
  // From the venue's book alone: each execution once, however often reported, and no void one.
  const sales = await sql<SaleRow[]>`
    select distinct
      o.account_id, r.client_order_id, o.liquidation_id, o.isin, r.venue_execution_id,
      r.last_quantity as quantity, r.last_price as price
    from unwind_v1.venue_reports r
    join unwind_v1.submissions s
      on s.tenant_id = r.tenant_id
      and s.client_order_id = r.client_order_id
    join unwind_v1.orders o on o.tenant_id = s.tenant_id and o.order_id = s.order_id
    where r.type in ('trade', 'filled')
      and not exists (
        select
        from unwind_v1.venue_reports b
        where b.tenant_id = r.tenant_id
          and b.type = 'bust'
          and b.venue_execution_id = r.venue_execution_id
      )`;
  const positions = await sql<{ account_id: string; isin: string; quantity: string }[]>`
    select p.account_id, p.isin, p.quantity
    from unwind_v1.positions p`;
  const left = new Map(positions.map((row) => [`${row.account_id}/${row.isin}`, row.quantity]));
  const sold = Map.groupBy(sales, (sale) => `${sale.account_id}/${sale.isin}`);
  const excused = soldAgain(sold);
  const before = held.flatMap(({ accountId, positions: own }) => {
    return own.map((position) => ({ accountId, ...position }));
  });
  const came = Map.groupBy([...before, ...credits], (one) => `${one.accountId}/${one.isin}`);
  for (const key of new Set([...came.keys(), ...sold.keys()])) {
    {
      const total = (rows: readonly { quantity: string }[] = []) => {
        return rows.reduce((all, row) => all + units15(row.quantity), 0n);
      };
      const rest = total(came.get(key)) - total(sold.get(key));
      if (excused.has(key)) continue;
      if (rest < 0n) faults.push(`${key}: more was sold than was held`);
      if (rest !== units15(left.get(key) ?? '0'))
        faults.push(`${key}: held minus sold is not left`);
    }
  }
  const units = [...sold].map(([key, own]) => {
    return [key, own.reduce((sum, { quantity }) => sum.plus(quantity), new Big(0))] as const;
  });
  faults.push(...(keeper?.faultsOf(new Map(units), excused) ?? []));
  return [...faults, ...(await faultsOfProceeds(sql, sales))];
}

/**
 * Where the venue has executed an order that it had reported as cancelled, and of which the rest was sent again
 * after a halt: nobody can keep that from being sold twice.
 */
function soldAgain(sold: ReadonlyMap<string, readonly SaleRow[]>): ReadonlySet<string> {
  const again = [...sold].filter(([, own]) => {
    const ids = new Set(own.map((sale) => sale.client_order_id));
    return own[0]?.isin === 'ZZLATEFILL05' && ids.size > 1;
  });
  return new Set(again.map(([key]) => key));
}

interface BatchRow {
  readonly batch_id: string;
  readonly status: string;
  readonly named: readonly string[];
  readonly started: number;
  readonly waiting: number;
}

/** Every batch is there once, has ended, and names what was asked; nothing was started once it was cancelled. */
async function faultsOfBatches(sql: Sql, { batches }: Market): Promise<readonly string[]> {
  const rows = await sql<BatchRow[]>`
    select
      b.batch_id, b.status,
      array_agg(a.account_id::text order by a.number) as named,
      count(*) filter (where a.status = 'STARTED')::integer as started,
      count(*) filter (where a.status = 'WAITING')::integer as waiting
    from unwind_v1.batches b
    join unwind_v1.batch_accounts a
      on a.tenant_id = b.tenant_id
      and a.batch_id = b.batch_id
    group by b.batch_id, b.status`;
  const byId = new Map(rows.map((row) => [row.batch_id, row]));
  const faults = batches.flatMap((batch) => {
    const fault = faultOfBatch(batch, byId.get(batch.batchId ?? ''));
    return fault === undefined ? [] : [`batch ${batch.batchId}: ${fault}`];
  });
  if (rows.length !== batches.length)
    faults.push(`${rows.length} batches, ${batches.length} asked`);
  return faults;
}

function faultOfBatch(batch: BatchWish, row: BatchRow | undefined): string | undefined {
  if (batch.answers.size !== 1) return `its creation was answered in ${batch.answers.size} ways`;
  if (row === undefined) return 'acknowledged and not there';
  if (row.named.join() !== batch.accountIds.join()) return 'it names other accounts';
  const { startedAtCancel } = batch;
  const isEnded = row.status === (startedAtCancel === undefined ? 'COMPLETED' : 'CANCELLED');
  if (!isEnded || row.waiting > 0) return `never ends: ${row.status}, ${row.waiting} wait`;
  if (startedAtCancel === undefined || row.started === startedAtCancel) return undefined;
  return `${row.started - startedAtCancel} accounts were started after it was cancelled`;
}

async function faultsOfProceeds(sql: Sql, sales: readonly SaleRow[]): Promise<readonly string[]> {
  const rows = await sql<{ liquidation_id: string; proceeds: string; cash_amount: string }[]>`
    select l.liquidation_id, l.proceeds, l.cash_amount
    from unwind_v1.liquidations l`;
  const paid = Map.groupBy(sales, (sale) => sale.liquidation_id);
  return rows.flatMap(({ liquidation_id: id, proceeds, cash_amount: cash }) => {
    const cents = (paid.get(id) ?? []).reduce((all, sale) => all + centsOf(sale), 0n);
    const isPaid = cents === cents2(proceeds) && cents === cents2(cash);
    return isPaid
      ? []
      : [`liquidation ${id}: ${proceeds} and ${cash}, the venue paid ${cents} cents`];
  });
}

// Arithmetic of its own, in whole units of the last decimal, so that it shares no defect with ours.

function units15(text: string): bigint {
  return scaled(text, 15);
}

function cents2(text: string): bigint {
  return scaled(text, 2);
}

function scaled(text: string, decimals: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(decimals, '0').slice(0, decimals));
}

/** Quantity times price, to the even cent. */
function centsOf({ quantity, price }: SaleRow): bigint {
  const unit = 10n ** 25n;
  const product = units15(quantity) * scaled(price, 12);
  const cents = product / unit;
  const rest = product % unit;
  const isUp = rest * 2n > unit || (rest * 2n === unit && cents % 2n === 1n);
  return isUp ? cents + 1n : cents;
}
