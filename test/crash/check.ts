// What must be true after a crash run, read from the published views and from what the receiver
// got. Each violation is one sentence; none is what a run has to end with.
import type { Sql } from '../../src/db/connect.ts';
import type { EndReason, LiquidationStatus } from '../../src/liquidations/liquidation.ts';
import type { Collector } from './collector.ts';
import type { Sale } from './seller.ts';

export interface Findings {
  readonly faults: readonly string[];
  readonly orders: number;
  readonly events: number;
  /** Events that arrived, counted once for each receiver. */
  readonly deliveries: number;
  /** Liquidations, orders at the venue or executions that are there twice. */
  readonly duplicates: number;
  /** Acknowledged liquidations or events that are missing. */
  readonly losses: number;
}

interface Run {
  readonly sales: readonly Sale[];
  readonly collectors: readonly Collector[];
}

/** Compares sales with the database of the service, which may still be running. */
export async function checkSales(sql: Sql, run: Run): Promise<Findings> {
  const ids = run.sales.map((sale) => sale.liquidationId);
  const outcomes = await checkOutcomes(sql, run.sales, ids);
  const arrived = await checkArrivals(sql, run, ids);
  const venue = await checkVenue(sql, ids);
  const contradicted = run.sales.filter((sale) => sale.contradictions > 0);
  return {
    faults: [
      ...outcomes.faults,
      ...arrived.faults,
      ...venue.faults,
      ...contradicted.map(({ liquidationId }) => {
        return `${liquidationId}: its POST was answered differently the second time`;
      }),
    ],
    orders: venue.orders,
    events: arrived.events,
    deliveries: arrived.deliveries,
    duplicates: outcomes.duplicates + venue.duplicates,
    losses: outcomes.losses + arrived.losses,
  };
}

async function checkOutcomes(sql: Sql, sales: readonly Sale[], ids: readonly string[]) {
  const rows = await sql<
    {
      liquidation_id: string;
      account_id: string;
      status: string;
      end_reason: string | null;
      cash_amount: string;
      left: string;
    }[]
  >`
    select
      l.liquidation_id, l.account_id, l.status, l.end_reason, l.cash_amount,
      (
        select coalesce(sum(p.quantity), 0)
        from unwind_v1.positions p
        where p.tenant_id = l.tenant_id
          and p.account_id = l.account_id
      ) as left
    from unwind_v1.liquidations l
    where l.liquidation_id = any (${ids}::uuid[])`;
  const faults: string[] = [];
  const byId = new Map(rows.map((row) => [row.liquidation_id, row]));
  let losses = 0;
  for (const sale of sales) {
    const row = byId.get(sale.liquidationId);
    if (row === undefined) {
      losses += 1;
      faults.push(`${sale.liquidationId}: acknowledged and not there`);
      continue;
    }
    const expected = expectedEnds(sale);
    const found = `${row.status} (${row.end_reason})`;
    if (!expected.includes(found)) {
      faults.push(`${sale.liquidationId}: ${found} instead of ${expected.join(' or ')}`);
    }
    if (row.status === 'FILLED' && Number(row.left) !== 0) {
      faults.push(`${sale.liquidationId}: FILLED, but ${row.left} units are left`);
    }
    if (row.end_reason === 'client' && row.cash_amount !== '0') {
      if (Number(row.cash_amount) !== 0) {
        faults.push(`${sale.liquidationId}: cancelled by its client, but sold`);
      }
    }
  }
  const accounts = new Set(rows.map((row) => row.account_id));
  return { faults, losses, duplicates: rows.length - accounts.size };
}

type End = `${LiquidationStatus} (${EndReason})`;

function expectedEnds({ candidate, cancelStatus, isOfCancelled }: Sale): readonly string[] {
  if (cancelStatus === 204) return ['CANCELLED (client)'];
  const isKeptInPart = candidate.isRefusedInPart || candidate.grantedMax !== undefined;
  const end: End = isKeptInPart ? 'CANCELLED (rejected)' : 'FILLED (flat)';
  return isOfCancelled ? [end, 'CANCELLED (client)'] : [end];
}

/** The orders in which the events of one liquidation may arrive first. */
const legal: ReadonlySet<string> = new Set([
  'NEW,PROCESSING,FILLED',
  'NEW,PROCESSING,CANCELLED',
  'NEW,CANCELLED',
]);

async function checkArrivals(sql: Sql, { sales, collectors }: Run, ids: readonly string[]) {
  const rows = await sql<EventRow[]>`
    select e.event_id, e.object
    from unwind_v1.events e
    where e.liquidation_id = any (${ids}::uuid[])
    order by e.account_id, e.sequence, e.number`;
  const all = collectors.map((collector) => checkCollector(collector, { sales, rows, ids }));
  return {
    faults: all.flatMap(({ faults }) => faults),
    losses: all.reduce((sum, { losses }) => sum + losses, 0),
    events: rows.length,
    deliveries: all.reduce((sum, { arrived }) => sum + arrived, 0),
  };
}

interface EventRow {
  readonly event_id: string;
  readonly object: string;
}

function checkCollector(
  { temper, events }: Collector,
  {
    sales,
    rows,
    ids,
  }: { sales: readonly Sale[]; rows: readonly EventRow[]; ids: readonly string[] },
) {
  const faults: string[] = [];
  const sold = new Set(ids);
  const own = events.filter((event) => sold.has(event.object.id));
  const arrived = new Map(own.map((event) => [event.id, event]));
  let losses = 0;
  for (const row of rows) {
    const event = arrived.get(row.event_id);
    if (event === undefined) {
      losses += 1;
      faults.push(`event ${row.event_id} never arrived`);
    } else if (JSON.stringify(event.object) !== row.object) {
      faults.push(`event ${row.event_id} arrived with another object`);
    }
  }
  if (arrived.size > rows.length) faults.push('events arrived that are in no log');
  const ofLiquidation = Map.groupBy(own, (event) => event.object.id);
  for (const { liquidationId } of sales) {
    const ofOne = ofLiquidation.get(liquidationId) ?? [];
    const statuses = ofOne.map((event) => event.object.status).join();
    if (!legal.has(statuses)) faults.push(`${liquidationId}: arrived as ${statuses}`);
  }
  const shown = faults.map((fault) => `who ${temper}: ${fault}`);
  return { faults: shown, losses, arrived: arrived.size };
}

async function checkVenue(sql: Sql, ids: readonly string[]) {
  const [row] = await sql<
    { orders: string; accepted_twice: string; parked: string; open: string }[]
  >`
    select
      (
        select count(*)
        from unwind_v1.orders o
        where o.liquidation_id = any (${ids}::uuid[])
      ) as orders,
      (
        select count(*) - count(distinct j.client_order_id)
        from unwind_v1.venue_journal j
        where j.outcome <> 'repeated'
      ) as accepted_twice,
      (select count(*) from unwind_v1.parked_reports) as parked,
      (
        select count(*)
        from unwind_v1.orders o
        where o.status not in ('FILLED', 'CANCELLED')
      ) as open`;
  const counted = { accepted_twice: 0, parked: 0, open: 0 };
  const faults = Object.keys(counted).flatMap((name) => {
    const count = Number(row?.[name as keyof typeof counted] ?? Number.NaN);
    return count === 0 ? [] : [`${count} ${name.replace('_', ' ')} at the venue or in its orders`];
  });
  // A repeat that the venue rejected sold nothing: a process may wake up late and send one.
  const duplicates = Number(row?.accepted_twice ?? 0);
  return { faults, duplicates, orders: Number(row?.orders ?? 0) };
}
