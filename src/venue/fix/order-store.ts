// The rows of orders at FIX venues: what is to be sent, what became of it, and the reports that the
// service reads. Only the writer of the session changes an order once it is queued.

import type { Sql, SqlOrTx, Tx } from '../../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../../db/row.ts';
import { type Fragment, fragment } from '../../db/sql.ts';
import { decimal } from '../../money.ts';
import {
  columnsOf,
  type NewOrder,
  type OrderReference,
  type ReportRow,
  toReport,
  type VenueReport,
} from '../venue.ts';
import type { FixOrder, NewReport } from './order.ts';

type OrderRow = RowOf<Omit<FixOrder, 'rejection'>> & {
  readonly rejection: string | null;
  readonly is_rejection_temporary: boolean | null;
};

const orderColumns = fragment`
  o.tenant_id, o.client_order_id, o.isin, o.symbol, o.currency, o.quantity, o.status,
  to_char(o.sent_on, 'YYYYMMDD') as sent_on, o.venue_order_id, o.cumulative_quantity, o.rejection,
  o.is_rejection_temporary`;

function toOrder(row: OrderRow): FixOrder {
  const { rejection: reason, is_rejection_temporary: isTemporary, ...order } = row;
  const rejection = reason === null ? undefined : { reason, isTemporary: isTemporary ?? false };
  const decimals = { quantity: decimal, cumulativeQuantity: decimal };
  return { ...thingOf<Omit<FixOrder, 'rejection'>>(order, decimals), rejection };
}

/**
 * Queues orders that were never seen before, to be sent in this order.
 * @returns the client order ids that are new, as `tenant/client order id`.
 */
export async function queueOrders(
  tx: Tx,
  { venue, orders, now }: { venue: string; orders: readonly NewOrder[]; now: Date },
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ tenant_id: string; client_order_id: string }[]>`
    with given as materialized (
      select n.tenant_id, n.client_order_id, n.isin, n.quantity, n.symbol, n.currency, n.place
      from ${rowsOf(orders).as(`n (
        tenant_id uuid, client_order_id text, isin text, quantity numeric, symbol text,
        currency text, place for ordinality
      )`)}
    ),
    entered as (
      insert into unwind.fix_orders (
        tenant_id, client_order_id, venue, isin, quantity, status, queued_at, cumulative_quantity,
        cancel_requests, symbol, currency
      )
      select
        g.tenant_id, g.client_order_id, ${venue}, g.isin, g.quantity, 'QUEUED', ${now}, 0, 0, g.symbol,
        g.currency
      from given g
      order by g.tenant_id, g.client_order_id
      on conflict do nothing
      returning tenant_id, client_order_id
    ),
    queued as (
      insert into unwind.fix_outbox (venue, type, tenant_id, client_order_id)
      select ${venue}, 'D', e.tenant_id, e.client_order_id
      from entered e
      join given g on g.tenant_id = e.tenant_id and g.client_order_id = e.client_order_id
      order by g.place
      returning tenant_id, client_order_id
    )
    select q.tenant_id, q.client_order_id
    from queued q`;
  return new Set(rows.map((row) => `${row.tenant_id}/${row.client_order_id}`));
}

/**
 * Orders of a venue by tenant and client order id; those it does not have are missing, and so are, where
 * only answered ones are asked for, those about which the venue has not spoken.
 */
export async function findOrders(
  sql: SqlOrTx,
  of: { venue: string; orders: readonly OrderReference[]; isAnswered?: true },
): Promise<readonly FixOrder[]> {
  const { venue, orders, isAnswered = false } = of;
  const rows = await sql<OrderRow[]>`
    select ${orderColumns}
    from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
    join unwind.fix_orders o using (tenant_id, client_order_id)
    where o.venue = ${venue}
      and (not ${isAnswered}::boolean or o.status in ('WORKING', 'DONE'))`;
  return rows.map(toOrder);
}

/** An order with what was reported of it. */
export interface KnownOrder {
  readonly order: FixOrder;
  /** Under which ids its executions were reported, by FIX 17. */
  readonly executions: ReadonlyMap<string, string>;
}

/** Orders of a venue by the client order ids it knows them under. */
export async function findOrdersNamed(
  sql: SqlOrTx,
  { venue, names }: { venue: string; names: readonly string[] },
): Promise<ReadonlyMap<string, KnownOrder>> {
  if (names.length === 0) return new Map();
  const rows = await sql<(OrderRow & { executions: readonly string[] })[]>`
    select
      ${orderColumns},
      -- Trades are named, and sorted, so that no index but that of the order fits: before a table has
      -- statistics, PostgreSQL would go through all trades of the venue, or all its reports, for each.
      array(
        select concat_ws(${between}, r.number, r.exec_id, r.venue_execution_id)
        from unwind.fix_reports r
        where r.venue = o.venue
          and r.client_order_id = o.client_order_id
          and r.type <> 'bust'
          and r.venue_execution_id is not null
      ) as executions
    from unwind.fix_orders o
    where o.venue = ${venue}
      and o.client_order_id = any (${[...new Set(names)]}::text[])`;
  return new Map(
    rows.map(({ executions, ...row }) => {
      const named = executions.map((text) => text.split(between));
      const pairs = named
        .toSorted(([a], [b]) => Number(a) - Number(b))
        .map(([, execId = '', id = '']) => [execId, id] as const);
      return [row.client_order_id, { order: toOrder(row), executions: new Map(pairs) }];
    }),
  );
}

/** The SOH, which no value of a field holds. */
const between = '\x01';

/** Writes what messages made of orders. */
export async function updateOrders(tx: Tx, orders: readonly FixOrder[]): Promise<void> {
  if (orders.length === 0) return;
  await tx`
    with moved as (
      select
    )
    ${updateOrdersSql(orders)}`;
}

/** The same as a piece of a statement in which `moved` has one row, or none where nothing may change. */
export function updateOrdersSql(orders: readonly FixOrder[]): Fragment {
  return fragment`
    update unwind.fix_orders o
    set
      status = n.status,
      venue_order_id = n.venue_order_id,
      cumulative_quantity = n.cumulative_quantity,
      rejection = n.reason,
      is_rejection_temporary = n.is_temporary
    from ${rowsOf(orders.map(({ rejection, ...order }) => ({ ...order, ...rejection }))).as(`n (
      tenant_id uuid, client_order_id text, status text, venue_order_id text,
      cumulative_quantity numeric, reason text, is_temporary boolean
    )`)}
    cross join moved
    where o.tenant_id = n.tenant_id
      and o.client_order_id = n.client_order_id`;
}

/** A report with the order it is about. */
export type ReportOfOrder = NewReport & { readonly order: FixOrder };

/** Adds reports to the sequence that the service reads; `first` is the number of the first one. */
export async function insertReports(
  tx: Tx,
  batch: { venue: string; first: number; reports: readonly ReportOfOrder[] },
): Promise<void> {
  const { venue, first, reports } = batch;
  if (reports.length === 0) return;
  await tx`
    with moved as (
      select ${first - 1}::bigint as last_report
    )
    ${insertReportsSql(venue, reports)}`;
}

/**
 * The same as a piece of a statement in which `moved` has the number of the last report before these, or
 * no row where nothing may change.
 */
export function insertReportsSql(venue: string, reports: readonly ReportOfOrder[]): Fragment {
  const rows = reports.map(({ event, order, ...report }, i) => {
    const { tenantId, clientOrderId } = order;
    return { ...report, ...columnsOf(event), tenantId, clientOrderId, place: i + 1 };
  });
  return fragment`
    insert into unwind.fix_reports (
      venue, number, tenant_id, client_order_id, type, exec_id, venue_execution_id, last_quantity,
      last_price, cumulative_quantity, reason, transaction_at, currency
    )
    select
      ${venue}, moved.last_report + n.place, n.tenant_id, n.client_order_id, n.type, n.exec_id, n.venue_execution_id,
      n.last_quantity, n.last_price, n.cumulative_quantity, n.reason, n.transaction_at, n.currency
    from ${rowsOf(rows).as(`n (
      place bigint, tenant_id uuid, client_order_id text, type text, exec_id text,
      venue_execution_id text, last_quantity numeric, last_price numeric,
      cumulative_quantity numeric, reason text, transaction_at timestamptz, currency text
    )`)}
    cross join moved`;
}

/** The reports of a venue after a number, ascending. */
export async function findReports(
  sql: Sql,
  { venue, after, limit }: { venue: string; after: number; limit: number },
): Promise<readonly VenueReport[]> {
  const rows = await sql<ReportRow[]>`
    select
      r.number, r.tenant_id, r.client_order_id, r.type, r.venue_execution_id, r.last_quantity,
      r.last_price, r.cumulative_quantity, r.reason, r.currency, r.transaction_at
    from unwind.fix_reports r
    where r.venue = ${venue}
      and r.number > ${after}
    order by r.number
    limit ${limit}`;
  return rows.map(toReport);
}
