// What waits to be sent at a FIX venue: queued by each request (submit, cancel, look up), numbered and
// sent by the writer of the session, in one commit with what it makes of the order.

import { recheckOrders } from '../../controls/check-orders.ts';
import type { Sql, Tx } from '../../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../../db/row.ts';
import { fragment } from '../../db/sql.ts';
import { isHaltedSql } from '../../halts/halts-store.ts';
import type { OrderId, TenantId } from '../../ids.ts';
import { decimal, plain } from '../../money.ts';
import type { OrderReference } from '../venue.ts';
import type { LastPrice } from './limit-price.ts';
import type { Named } from './requests.ts';

export type RequestType = 'D' | 'F' | 'H';

/** One request with the order it is about. */
export interface QueuedRequest extends Named {
  readonly entry: number;
  readonly type: RequestType;
  readonly tenantId: TenantId;
  /** Cancel requests sent before. */
  readonly cancelRequests: number;
  readonly lastPrice: LastPrice | undefined;
  /** An order that is halted before it was sent. */
  readonly isHalted: boolean;
}

type PlainPart = Omit<QueuedRequest, 'entry' | 'lastPrice'>;

type QueuedRow = RowOf<PlainPart> & {
  readonly entry: string;
  readonly price: string | null;
  readonly price_currency: string;
  readonly price_at: Date;
};

/** SQL: what halts of an order `o` at a FIX venue are asked by. */
const ofFixOrder = {
  tenantId: fragment`o.tenant_id`,
  accountId: fragment`(
    select a.account_id
    from unwind.submissions s
    join unwind.orders a using (tenant_id, order_id)
    where s.tenant_id = o.tenant_id
      and s.client_order_id = o.client_order_id
  )`,
  isin: fragment`o.isin`,
  venue: fragment`o.venue`,
};

/** Whether something waits to be sent. */
export async function hasRequests(sql: Sql, venue: string): Promise<boolean> {
  const rows = await sql`
    select
    from unwind.fix_outbox b
    where b.venue = ${venue}
    limit 1`;
  return rows.count === 1;
}

/** Takes the next requests out of the queue, in their order; the caller holds off halts. */
export async function takeRequests(
  tx: Tx,
  { venue, limit }: { venue: string; limit: number },
): Promise<readonly QueuedRequest[]> {
  const rows = await tx<QueuedRow[]>`
    with due as materialized (
      select b.venue, b.entry
      from unwind.fix_outbox b
      where b.venue = ${venue}
      order by b.entry
      limit ${limit}
      for update
    ),
    taken as (
      delete from unwind.fix_outbox b
      using due
      where b.venue = due.venue
        and b.entry = due.entry
      returning b.entry, b.type, b.tenant_id, b.client_order_id
    )
    select
      t.entry, t.type, t.tenant_id, t.client_order_id, o.isin, o.symbol, o.currency, o.quantity,
      o.venue_order_id, o.cancel_requests,
      coalesce(round(p.price / r.rate, 12), p.price) as price,
      case when r.rate is null then p.currency else o.currency end as price_currency,
      p.updated_at as price_at,
      t.type = 'D' and ${isHaltedSql(ofFixOrder)} as is_halted
    from taken t
    join unwind.fix_orders o using (tenant_id, client_order_id)
    left join unwind.prices p using (tenant_id, isin)
    -- The book has prices in EUR: what is sold in another currency costs that much in it.
    left join lateral (
      select r.rate
      from unwind.rates r
      where o.currency <> p.currency
        and r.tenant_id = o.tenant_id
        and r.currency = o.currency
      order by r.as_of desc
      limit 1
    ) r on true
    where o.status <> 'DONE'
    order by t.entry`;
  return rows.map(({ entry, price, price_currency: currency, price_at: at, ...row }) => ({
    ...thingOf<PlainPart>(row, { quantity: decimal }),
    entry: Number(entry),
    lastPrice: price === null ? undefined : { price: decimal(price), currency, at },
  }));
}

/** Writes down that requests are committed to the session. */
export async function markSent(
  tx: Tx,
  batch: { requests: readonly QueuedRequest[]; day: string; now: Date },
): Promise<void> {
  const { requests, day, now } = batch;
  await tx`
    update unwind.fix_orders o
    set
      status = case when n.is_new and o.status = 'QUEUED' then 'SENT' else o.status end,
      sent_on = case when n.is_new then ${day}::date else o.sent_on end,
      sent_at = case when n.is_new then ${now} else o.sent_at end,
      cancel_requests = o.cancel_requests + n.cancels
    from (
      select r.tenant_id, r.client_order_id, bool_or(r.type = 'D') as is_new,
        count(*) filter (where r.type = 'F') as cancels
      from ${rowsOf(requests).as('r (tenant_id uuid, client_order_id text, type text)')}
      group by r.tenant_id, r.client_order_id
    ) as n
    where o.tenant_id = n.tenant_id
      and o.client_order_id = n.client_order_id`;
}

/** Those of the orders named that are halted; the caller holds off halts. */
export async function findHalted(
  tx: Tx,
  { venue, names }: { venue: string; names: readonly string[] },
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ client_order_id: string }[]>`
    select o.client_order_id
    from unwind.fix_orders o
    where o.venue = ${venue}
      and o.client_order_id = any (${names}::text[])
      and ${isHaltedSql(ofFixOrder)}`;
  return new Set(rows.map((row) => row.client_order_id));
}

/** What controls are asked by. */
type Sellable = Pick<QueuedRequest, 'tenantId' | 'clientOrderId' | 'isin' | 'quantity'>;

/** Those of the orders that controls stop by now, by FIX 11; the caller holds off halts. */
export async function findStopped(
  tx: Tx,
  orders: readonly Sellable[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const stopped = new Set<string>();
  for (const [tenantId, own] of Map.groupBy(orders, (one) => one.tenantId)) {
    const rows = await tx<{ client_order_id: string; order_id: OrderId }[]>`
      select s.client_order_id, s.order_id
      from unwind.submissions s
      where s.tenant_id = ${tenantId}
        and s.client_order_id = any (${own.map(({ clientOrderId }) => clientOrderId)}::text[])`;
    const ids = new Map(rows.map((row) => [row.client_order_id, row.order_id]));
    const named = own.flatMap(({ clientOrderId, isin, quantity }) => {
      const orderId = ids.get(clientOrderId);
      return orderId === undefined ? [] : { orderId, isin, quantity: plain(quantity) };
    });
    const stops = await recheckOrders(tx, { tenantId, orders: named, now });
    const held = new Set(stops.map(({ orderId }) => orderId));
    for (const [name, orderId] of ids) if (held.has(orderId)) stopped.add(name);
  }
  return stopped;
}

/** Writes down that orders are about to be sent again. */
export async function markSentAgain(
  tx: Tx,
  { venue, names, now }: { venue: string; names: readonly string[]; now: Date },
): Promise<void> {
  await tx`
    update unwind.fix_orders o
    set sent_at = ${now}
    where o.venue = ${venue}
      and o.client_order_id = any (${names}::text[])
      and o.status = 'SENT'`;
}

/** Takes orders back that were not numbered yet. @returns those it took. */
export async function withdrawOrders(
  tx: Tx,
  orders: readonly OrderReference[],
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ tenant_id: string; client_order_id: string }[]>`
    delete from unwind.fix_outbox b
    using ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
    where b.tenant_id = n.tenant_id
      and b.client_order_id = n.client_order_id
      and b.type = 'D'
    returning b.tenant_id, b.client_order_id`;
  return new Set(rows.map((row) => `${row.tenant_id}/${row.client_order_id}`));
}

/** Queues requests to cancel open orders, unless one was queued a moment ago. */
export async function queueCancels(
  tx: Tx,
  batch: { orders: readonly OrderReference[]; now: Date; againAfterMs: number },
): Promise<void> {
  const { orders, now, againAfterMs } = batch;
  await tx`
    with asked as (
      update unwind.fix_orders o
      set cancel_asked_at = ${now}
      from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
      where o.tenant_id = n.tenant_id
        and o.client_order_id = n.client_order_id
        and o.status in ('QUEUED', 'SENT', 'WORKING')
        and (
          o.cancel_asked_at is null
          or o.cancel_asked_at
            < ${now}::timestamptz - ${againAfterMs}::integer * interval '1 millisecond'
        )
      returning o.venue, o.tenant_id, o.client_order_id
    )
    insert into unwind.fix_outbox (venue, type, tenant_id, client_order_id)
    select a.venue, 'F', a.tenant_id, a.client_order_id
    from asked a`;
}

/** Queues questions about orders that were sent and have no answer, unless they were asked lately. */
export async function queueStatusRequests(
  sql: Sql,
  batch: { orders: readonly OrderReference[]; now: Date; afterMs: number },
): Promise<void> {
  const { orders, now, afterMs } = batch;
  await sql`
    with asked as (
      update unwind.fix_orders o
      set asked_at = ${now}
      from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
      where o.tenant_id = n.tenant_id
        and o.client_order_id = n.client_order_id
        and o.status = 'SENT'
        and greatest(o.asked_at, o.sent_at)
          < ${now}::timestamptz - ${afterMs}::integer * interval '1 millisecond'
      returning o.venue, o.tenant_id, o.client_order_id
    )
    insert into unwind.fix_outbox (venue, type, tenant_id, client_order_id)
    select a.venue, 'H', a.tenant_id, a.client_order_id
    from asked a`;
}

/**
 * Queues a question about each order that was open before this connection, but for those named: those of
 * an earlier trading day, or of this one too. @returns how many.
 */
export async function queueQuestions(
  tx: Tx,
  of: {
    venue: string;
    day: string;
    isOfTodayToo: boolean;
    except: readonly string[];
    now: Date;
  },
): Promise<number> {
  const { venue, day, isOfTodayToo, except, now } = of;
  const rows = await tx`
    with open as (
      update unwind.fix_orders o
      set asked_at = ${now}
      where o.venue = ${venue}
        and o.status in ('SENT', 'WORKING')
        and (o.sent_on < ${day}::date or ${isOfTodayToo}::boolean)
        and o.client_order_id <> all (${except}::text[])
      returning o.venue, o.tenant_id, o.client_order_id
    )
    insert into unwind.fix_outbox (venue, type, tenant_id, client_order_id)
    select o.venue, 'H', o.tenant_id, o.client_order_id
    from open o`;
  return rows.count;
}
