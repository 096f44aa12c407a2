// The statements of the simulated venue, in its own schema: the journal of everything submitted, the
// reports it owes, and the one sequence in which it sends them.

import type { Sql, Tx } from '../../db/connect.ts';
import { rowsOf } from '../../db/row.ts';
import type { TenantId } from '../../ids.ts';
import { accountCurrency, type Decimal, decimal } from '../../money.ts';
import {
  type CancelOutcome,
  columnsOf,
  type NewOrder,
  type OrderReference,
  type ReportRow,
  toReport,
  type VenueReport,
} from '../venue.ts';
import type { ScheduledReport } from './schedule.ts';

/**
 * The market's prices, by `priceKey`; missing where none was imported. The book has them in EUR: what is
 * quoted in another currency costs that much in it, to four decimals.
 */
export async function findPrices(
  tx: Tx,
  orders: readonly NewOrder[],
): Promise<ReadonlyMap<string, Decimal>> {
  const named = orders.map(({ currency = accountCurrency, ...order }) => ({ ...order, currency }));
  const rows = await tx<{ tenant_id: string; isin: string; currency: string; price: string }[]>`
    select distinct
      p.tenant_id, p.isin, n.currency,
      case when r.rate is null then p.price else greatest(round(p.price / r.rate, 4), 0.0001) end as price
    from ${rowsOf(named).as('n (tenant_id uuid, isin text, currency text)')}
    join unwind.prices p on p.tenant_id = n.tenant_id and p.isin = n.isin
    left join lateral (
      select r.rate
      from unwind.rates r
      where n.currency <> ${accountCurrency}
        and r.tenant_id = n.tenant_id
        and r.currency = n.currency
      order by r.as_of desc
      limit 1
    ) r on true`;
  return new Map(rows.map((row) => [priceKey(row.tenant_id, row), decimal(row.price)]));
}

/** Names a price: what it is of, for whom, and in which currency. */
export function priceKey(
  tenantId: string,
  { isin, currency = accountCurrency }: Pick<NewOrder, 'isin' | 'currency'>,
): string {
  return `${tenantId}/${isin}/${currency}`;
}

export interface JournalEntry extends NewOrder {
  readonly decision:
    | { readonly outcome: 'accepted'; readonly venueOrderId: string; readonly price: Decimal }
    | { readonly outcome: 'rejected'; readonly reason: string; readonly temporary: boolean };
}

/** Enters orders that were never seen before. @returns the client order ids that were new. */
export async function enterOrders(
  tx: Tx,
  batch: { entries: readonly JournalEntry[]; receivedAt: Date },
): Promise<ReadonlySet<string>> {
  const { entries, receivedAt } = batch;
  const decided = entries.map(({ decision, ...entry }) => {
    return { temporary: false, ...entry, ...decision };
  });
  const rows = await tx<{ firm: string; client_order_id: string }[]>`
    insert into simulated_venue.journal (
      firm, client_order_id, isin, side, quantity, outcome, venue_order_id, price, reason,
      temporary, received_at
    )
    select
      n.tenant_id, n.client_order_id, n.isin, 'SELL', n.quantity, n.outcome, n.venue_order_id,
      n.price, n.reason, n.temporary, ${receivedAt}
    from ${rowsOf(decided).as(`n (
      tenant_id uuid, client_order_id text, isin text, quantity numeric, outcome text,
      venue_order_id text, price numeric, reason text, temporary boolean
    )`)}
    on conflict (firm, client_order_id) where outcome <> 'repeated' do nothing
    returning firm, client_order_id`;
  return new Set(rows.map((row) => `${row.firm}/${row.client_order_id}`));
}

/** Enters orders whose client order id was used before: journalled, and rejected as repeats. */
export async function enterRepeats(
  tx: Tx,
  batch: { orders: readonly NewOrder[]; receivedAt: Date },
): Promise<void> {
  const { orders, receivedAt } = batch;
  if (orders.length === 0) return;
  await tx`
    insert into simulated_venue.journal (
      firm, client_order_id, isin, side, quantity, outcome, received_at
    )
    select n.tenant_id, n.client_order_id, n.isin, 'SELL', n.quantity, 'repeated', ${receivedAt}
    from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text, isin text, quantity numeric)')}`;
}

export interface OwedReport {
  readonly reportId: string;
  readonly tenantId: TenantId;
  readonly clientOrderId: string;
  readonly venueOrderId: string;
  readonly report: ScheduledReport;
}

/** Fixes what will be reported about orders, and when, counted from an instant of the market. */
export async function scheduleReports(
  tx: Tx,
  batch: { owed: readonly OwedReport[]; from: Date },
): Promise<void> {
  const { owed, from } = batch;
  if (owed.length === 0) return;
  const rows = owed.map(({ report: { event, ...report }, ...one }) => {
    return { ...one, ...report, ...columnsOf(event) };
  });
  await tx`
    insert into simulated_venue.reports (
      firm, report, client_order_id, venue_order_id, due_at, transaction_at, type,
      venue_execution_id, last_quantity, last_price, cumulative_quantity, reason, copy
    )
    select
      n.tenant_id, n.report_id, n.client_order_id, n.venue_order_id,
      ${from}::timestamptz + n.sent_ms * interval '1 millisecond',
      ${from}::timestamptz + n.happens_ms * interval '1 millisecond',
      n.type, n.venue_execution_id, n.last_quantity, n.last_price, n.cumulative_quantity, n.reason,
      n.copy
    from ${rowsOf(rows).as(`n (
      tenant_id uuid, report_id uuid, client_order_id text, venue_order_id text, sent_ms bigint,
      happens_ms bigint, type text, venue_execution_id text, last_quantity numeric,
      last_price numeric, cumulative_quantity numeric, reason text, copy integer
    )`)}`;
}

export interface JournalRow {
  readonly firm: TenantId;
  readonly client_order_id: string;
  readonly outcome: 'accepted' | 'rejected';
  readonly venue_order_id: string | null;
  readonly reason: string | null;
  readonly temporary: boolean;
}

/** What was decided about orders, without repeats. */
export async function findDecisions(
  sql: Sql,
  orders: readonly OrderReference[],
): Promise<readonly JournalRow[]> {
  return sql<JournalRow[]>`
    select j.firm, j.client_order_id, j.outcome, j.venue_order_id, j.reason, j.temporary
    from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
    join simulated_venue.journal j
      on j.firm = n.tenant_id
      and j.client_order_id = n.client_order_id
      and j.outcome <> 'repeated'`;
}

/** Numbers reports that have become due, under the lock of the session, so without gap or race. */
export async function numberDueReports(tx: Tx, batch: { now: Date; limit: number }): Promise<void> {
  await tx`select s.last_number from simulated_venue.session s for update`;
  await tx`
    with due as (
      select
        r.firm, r.report,
        row_number() over (order by r.due_at, r.report) as place
      from simulated_venue.reports r
      where r.number is null
        and r.due_at <= (select unwind.market_time(${batch.now}))
      order by r.due_at, r.report
      limit ${batch.limit}
    ),
    session as (
      update simulated_venue.session s
      set last_number = s.last_number + (select count(*) from due)
      returning s.last_number - (select count(*) from due) as base
    )
    update simulated_venue.reports r
    set number = session.base + due.place
    from due, session
    where r.firm = due.firm
      and r.report = due.report`;
}

/** Numbered reports after a position, ascending. */
export async function findReports(
  sql: Sql,
  page: { after: number; limit: number },
): Promise<readonly VenueReport[]> {
  const rows = await sql<ReportRow[]>`
    select
      r.number, r.firm as tenant_id, r.client_order_id, r.transaction_at, r.type, r.venue_execution_id,
      r.last_quantity, r.last_price, r.cumulative_quantity, r.reason
    from simulated_venue.reports r
    where r.number > ${page.after}
    order by r.number
    limit ${page.limit}`;
  return rows.map(toReport);
}

/** Which of these orders were rejected when they came. @returns `firm/client order id`. */
export async function findRejected(
  tx: Tx,
  orders: readonly OrderReference[],
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ key: string }[]>`
    select concat(j.firm, '/', j.client_order_id) as key
    from simulated_venue.journal j
    where j.outcome = 'rejected'
      and (j.firm, j.client_order_id) in (
        select n.tenant_id, n.client_order_id
        from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
      )`;
  return new Set(rows.map((row) => row.key));
}

/** Enters requests to cancel with what is answered to them. */
export async function enterCancels(
  tx: Tx,
  batch: {
    orders: readonly OrderReference[];
    outcomes: readonly CancelOutcome[];
    receivedAt: Date;
  },
): Promise<void> {
  const { orders, outcomes, receivedAt } = batch;
  const answered = orders.map((order, i) => ({ ...order, outcome: outcomes[i]?.type }));
  await tx`
    insert into simulated_venue.cancels (firm, client_order_id, outcome, received_at)
    select n.tenant_id, n.client_order_id, n.outcome, ${receivedAt}
    from ${rowsOf(answered).as(`n (
      tenant_id uuid, client_order_id text, outcome text, place for ordinality
    )`)}
    order by n.place`;
}
