// The statements of the orders that controls have stopped: written down, cleared, released by a person, listed.

import type { SqlOrTx, Tx } from '../db/connect.ts';
import { pageOf, type ThingPage } from '../db/page.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import { newId, type OrderId, type TenantId } from '../ids.ts';
import type { ControlName, StopId } from './control.ts';

/** An order that a control stops. */
export interface NewStop {
  readonly orderId: OrderId;
  readonly control: ControlName;
  readonly detail: string;
}

/** The controls that orders pass since a person has released them, by order id. */
export async function findReleased(
  tx: Tx,
  { tenantId, orderIds }: { tenantId: TenantId; orderIds: readonly OrderId[] },
): Promise<ReadonlyMap<OrderId, ReadonlySet<ControlName>>> {
  const rows = await tx<{ order_id: OrderId; control: ControlName }[]>`
    select s.order_id, s.control
    from unwind.control_stops s
    where s.tenant_id = ${tenantId}
      and s.order_id = any (${orderIds}::uuid[])
      and s.released_at is not null`;
  const byOrder = Map.groupBy(rows, (row) => row.order_id);
  return new Map([...byOrder].map(([id, own]) => [id, new Set(own.map(({ control }) => control))]));
}

/**
 * Writes down which controls stop orders that were checked, and clears what they keep by now, under the locks of the
 * orders.
 */
export async function recordStops(
  tx: Tx,
  batch: {
    tenantId: TenantId;
    checked: readonly OrderId[];
    stops: readonly NewStop[];
    now: Date;
  },
): Promise<void> {
  const { tenantId, checked, stops, now } = batch;
  const named = stops.map((stop) => ({ ...stop, stopId: newId<'stop'>() }));
  await tx`
    with found as materialized (
      select n.stop_id, n.order_id, n.control, n.detail
      from ${rowsOf(named).as('n (stop_id uuid, order_id uuid, control text, detail text)')}
    ),
    cleared as (
      update unwind.control_stops s
      set cleared_at = ${now}
      where s.tenant_id = ${tenantId}
        and s.order_id = any (${checked}::uuid[])
        and s.cleared_at is null
        and s.released_at is null
        and not exists (
          select
          from found f
          where f.order_id = s.order_id
            and f.control = s.control
        )
    )
    insert into unwind.control_stops as s (
      tenant_id, stop_id, order_id, control, detail, stopped_at
    )
    select ${tenantId}, f.stop_id, f.order_id, f.control, f.detail, ${now}
    from found f
    order by f.order_id, f.control
    on conflict (tenant_id, order_id, control) do update
    set
      detail = excluded.detail,
      stopped_at = case when s.cleared_at is null then s.stopped_at else excluded.stopped_at end,
      cleared_at = null
    where s.released_at is null`;
}

/** An order that a control has stopped, as people see it. */
export interface Stop {
  readonly stopId: StopId;
  readonly orderId: OrderId;
  readonly accountId: string;
  readonly liquidationId: string;
  readonly isin: string;
  readonly venue: string;
  readonly quantity: string;
  readonly control: ControlName;
  readonly detail: string;
  readonly stoppedAt: Date;
  readonly release: { readonly at: Date; readonly by: string; readonly reason: string } | undefined;
}

type StopRow = RowOf<Omit<Stop, 'release'>> & {
  readonly released_at: Date | null;
  readonly released_by: string | null;
  readonly release_reason: string | null;
};

const stopColumns = fragment`
  s.stop_id, s.order_id, o.account_id, o.liquidation_id, o.isin, o.venue,
  trim_scale(o.quantity - o.filled_quantity + o.corrected_quantity)::text as quantity,
  s.control, s.detail, s.stopped_at, s.released_at, s.released_by, s.release_reason`;

function toStop(row: StopRow): Stop {
  const { released_at: at, released_by: by, release_reason: reason, ...stop } = row;
  const release = at === null ? undefined : { at, by: by ?? '', reason: reason ?? '' };
  return { ...thingOf<Omit<Stop, 'release'>>(stop), release };
}

/** SQL: whether an order waits to be sent: for the first time, or again since it may not have arrived. */
const isToBeSent = fragment`(
  o.submit_at is not null
  or exists (
    select
    from unwind.submissions n
    where n.tenant_id = o.tenant_id
      and n.order_id = o.order_id
      and n.status = 'SENDING'
  )
)`;

/** Orders of a tenant that are stopped now, the latest first; of all tenants where none is named. */
export async function findStops(
  sql: SqlOrTx,
  query: { tenantId: TenantId | undefined; below: StopId | undefined; limit: number },
): Promise<ThingPage<Stop, StopId>> {
  const { tenantId, below, limit } = query;
  const rows = await sql<StopRow[]>`
    select ${stopColumns}
    from unwind.control_stops s
    join unwind.orders o using (tenant_id, order_id)
    where (${tenantId ?? null}::uuid is null or s.tenant_id = ${tenantId ?? null})
      and s.cleared_at is null
      and s.released_at is null
      and ${isToBeSent}
      and (${below ?? null}::uuid is null or s.stop_id < ${below ?? null})
    order by s.stop_id desc
    limit ${limit}::bigint + 1`;
  return pageOf(rows, limit, { toThing: toStop, keyOf: ({ stopId }) => stopId });
}

/** An order that a control stops or has stopped. */
export interface StoppedOrder {
  readonly tenantId: TenantId;
  readonly orderId: OrderId;
}

/** The order that a stop is about, stopped still or not; of all tenants where none is named. */
export async function findStoppedOrder(
  sql: SqlOrTx,
  { tenantId, stopId }: { tenantId: TenantId | undefined; stopId: StopId },
): Promise<StoppedOrder | undefined> {
  const rows = await sql<RowOf<StoppedOrder>[]>`
    select s.tenant_id, s.order_id
    from unwind.control_stops s
    where s.stop_id = ${stopId}
      and (${tenantId ?? null}::uuid is null or s.tenant_id = ${tenantId ?? null})`;
  return rows[0] && thingOf<StoppedOrder>(rows[0]);
}

/**
 * Lets a stopped order pass the control, under the lock of the order.
 * @returns undefined where it is not stopped any more.
 */
export async function markReleased(
  tx: Tx,
  { tenantId, stopId }: { tenantId: TenantId; stopId: StopId },
  release: NonNullable<Stop['release']>,
): Promise<Stop | undefined> {
  const rows = await tx<StopRow[]>`
    update unwind.control_stops s
    set
      released_at = ${release.at},
      released_by = ${release.by},
      release_reason = ${release.reason}
    from unwind.orders o
    where s.tenant_id = ${tenantId}
      and s.stop_id = ${stopId}
      and s.cleared_at is null
      and s.released_at is null
      and o.tenant_id = s.tenant_id
      and o.order_id = s.order_id
      and ${isToBeSent}
    returning ${stopColumns}`;
  return rows[0] && toStop(rows[0]);
}
