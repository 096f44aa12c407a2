// The statements of orders before they are at the venue: placed, found to be sent, or stopped unsent.

import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { holdOffHalts, isAllHaltedSql, isHaltedSql, ofOrder } from '../halts/halts-store.ts';
import type { LiquidationId, OrderId, TenantId } from '../ids.ts';
import { accountCurrency } from '../money.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';
import { liquidationsNamed, nextChangesOf } from './liquidations-named.ts';
import { orderTransitions, type PlannedOrder } from './order.ts';

/** SQL: places orders, due at once, and returns tenant_id, account_id, isin and quantity of each. */
export function ordersPlacedSql(batch: {
  readonly tenantId: TenantId;
  readonly orders: readonly PlannedOrder[];
  readonly now: Date;
}): Fragment {
  const { tenantId, orders, now } = batch;
  const named = rowsOf(orders, { tenantId }).as('d (tenant_id uuid, liquidation_id uuid)');
  return fragment`
    insert into unwind.orders (
      tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status,
      submit_at, created_at, updated_at, status_at, venue, symbol, currency
    )
    with changes as materialized (${nextChangesOf(named, now)})
    select
      ${tenantId}, n.order_id, n.liquidation_id, n.account_id, n.isin, n.round, n.quantity, 'NEW',
      (select unwind.market_time(${now})), ${now}, ${now}, changes.at, n.venue, n.symbol, n.currency
    from ${rowsOf(orders).as(`n (
      order_id uuid, liquidation_id uuid, account_id uuid, isin text, round integer,
      quantity numeric, venue text, symbol text, currency text
    )`)}
    join changes on changes.liquidation_id = n.liquidation_id
    returning tenant_id, account_id, isin, quantity`;
}

/**
 * SQL: ends orders of liquidations that are due to be sent, and leaves alone those at the venue. Returns
 * tenant_id, liquidation_id, account_id, isin and unsold, the quantity, of each.
 */
export function ordersStoppedSql(batch: {
  readonly tenantId: TenantId;
  readonly liquidationIds: readonly LiquidationId[];
  readonly now: Date;
}): Fragment {
  const { tenantId, liquidationIds, now } = batch;
  return fragment`
    with changes as materialized (
      select l.tenant_id, l.liquidation_id, l.stop_reason, changed.at
      from ${liquidationsNamed(tenantId, liquidationIds)}
      join unwind.liquidations l using (tenant_id, liquidation_id)
      cross join lateral unwind.next_changes(
        l.tenant_id, l.liquidation_id, l.updated_at, ${now}
      ) as changed
    )
    update unwind.orders o
    set
      status = ${orderTransitions.NEW.stopped},
      cancellation_reason = 'not sent any more: ' || c.stop_reason,
      submit_at = null,
      updated_at = ${now},
      status_at = c.at,
      ended_at = ${now}
    from changes c
    where o.tenant_id = c.tenant_id
      and o.liquidation_id = c.liquidation_id
      and o.status in ('NEW', 'PROCESSING')
      and o.submit_at is not null
    returning
      o.tenant_id, o.liquidation_id, o.account_id, o.isin,
      o.quantity - o.filled_quantity + o.corrected_quantity as unsold`;
}

/** An order that is due to be sent, as its row says. */
export interface DueOrder {
  readonly tenantId: TenantId;
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly isin: string;
  readonly symbol: string | undefined;
  readonly currency: string;
  /** What is left to sell. */
  readonly quantity: string;
  /** Client order ids used for it before. */
  readonly submissions: number;
}

/**
 * Locks orders that are due to be sent to a venue, of the next tenant that has some, none while it is
 * closed or in a currency without a rate, and no more than half of what may still be with it: the next tenant finds room as well
 * (claims at the same instant may go beyond the limit by a batch each). Where no tenant has any, what is
 * there is not counted: a second loop asks often.
 * Both orders are those of the index orders_to_submit: any other would read every order there
 * ever was.
 */
export async function claimToSubmit(
  tx: Tx,
  turn: ClaimTurn & {
    readonly venue: string;
    readonly inFlightMax: number;
    readonly rateAgeMsMax: number;
  },
): Promise<readonly DueOrder[]> {
  const { after, before, now, venue, limit, inFlightMax, rateAgeMsMax } = turn;
  await holdOffHalts(tx);
  const order = { tenantId: fragment`o.tenant_id`, subject: fragment`o.order_id::text` };
  const isDue = fragment`
    (select unwind.venue_is_open(${venue}, unwind.market_time(${now})))
    and o.venue = ${venue}
    and o.submit_at <= (select unwind.market_time(${now}))
    and (
      o.currency = ${accountCurrency}
      or unwind.has_rate(
        o.tenant_id, o.currency, (select unwind.market_time(${now})),
        ${rateAgeMsMax} * interval '1 millisecond'
      )
    )
    and ${mayBeWorked('submit', { ...order, now })}
    and not ${isAllHaltedSql(venue)}
    and not ${isHaltedSql(ofOrder)}`;
  const rows = await tx<RowOf<DueOrder>[]>`
    with turn as (
      select o.tenant_id
      from unwind.orders o
      where ${isDue}
        and o.tenant_id > ${after}
        and o.tenant_id < ${before}
      order by o.tenant_id, o.submit_at
      limit 1
      for no key update of o skip locked
    )
    select
      o.tenant_id, o.order_id, o.liquidation_id, o.isin, o.symbol, o.currency,
      o.quantity - o.filled_quantity + o.corrected_quantity as quantity,
      o.submissions
    from turn
    join unwind.orders o on o.tenant_id = turn.tenant_id
    where ${isDue}
    order by o.tenant_id, o.submit_at
    limit (
      select least(${limit}::bigint, (${inFlightMax}::bigint - count(*) + 1) / 2)
      from (
        select
        from unwind.submissions s
        where s.venue = ${venue}
          and s.status <> 'DONE'
          and exists (select from turn)
        limit ${inFlightMax}::bigint
      ) in_flight
    )
    for no key update of o skip locked`;
  return rows.map((row) => thingOf<DueOrder>(row));
}

/** Locks orders before what controls say of them is written, in the order in which claims do both. */
export async function lockOrders(
  tx: Tx,
  orders: readonly { readonly tenantId: TenantId; readonly orderId: OrderId }[],
): Promise<void> {
  await tx`
    select o.order_id
    from ${rowsOf(orders).as('n (tenant_id uuid, order_id uuid)')}
    join unwind.orders o using (tenant_id, order_id)
    order by o.order_id
    for no key update of o`;
}

/** Has due orders wait for so long, in ms of market time. @returns how many. */
export async function delayOrders(
  tx: Tx,
  batch: {
    readonly tenantId: TenantId;
    readonly orderIds: readonly OrderId[];
    readonly waitMs: number;
    readonly now: Date;
  },
): Promise<number> {
  const { tenantId, orderIds, waitMs, now } = batch;
  const rows = await tx`
    update unwind.orders o
    set submit_at = (select unwind.market_time(${now})) + ${waitMs} * interval '1 millisecond'
    where o.tenant_id = ${tenantId}
      and o.order_id = any (${orderIds}::uuid[])
      and o.submit_at is not null`;
  return rows.count;
}

/**
 * Gives unsent orders a venue that an older version placed without one: it knows a single one.
 * @returns how many.
 */
export async function adoptOrders(sql: Sql, venue: string, rows: number): Promise<number> {
  const adopted = await sql`
    update unwind.orders o
    set venue = ${venue}
    where (o.tenant_id, o.order_id) in (
      select n.tenant_id, n.order_id
      from unwind.orders n
      where n.venue is null
        and n.submit_at is not null
      limit ${rows}
      for no key update skip locked
    )`;
  return adopted.count;
}

/**
 * The client order ids under which orders are at a venue, or were last. @returns by order id, null for
 * one that was never sent; orders that the tenant does not have are missing.
 */
export async function findClientOrderIds(
  tx: Tx,
  which: { tenantId: TenantId; orderIds: readonly string[]; venue: string },
): Promise<ReadonlyMap<string, string | null>> {
  const { tenantId, orderIds, venue } = which;
  const rows = await tx<{ order_id: string; client_order_id: string | null }[]>`
    select
      o.order_id,
      (
        select s.client_order_id
        from unwind.submissions s
        where s.tenant_id = o.tenant_id
          and s.order_id = o.order_id
          and s.venue = ${venue}
        order by s.status = 'DONE', s.sent_at desc
        limit 1
      ) as client_order_id
    from unwind.orders o
    where o.tenant_id = ${tenantId}
      and o.order_id = any (${orderIds}::uuid[])`;
  return new Map(rows.map((row) => [row.order_id, row.client_order_id]));
}
