// The statements of ending liquidations before they are flat: the intent, and orders that are not at
// the venue.

import type { Sql, Tx } from '../db/connect.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { liquidationsNamed } from '../orders/liquidations-named.ts';
import { orderTransitions } from '../orders/order.ts';
import type { OrderReference } from '../venue/venue.ts';
import type { LiquidationStatus, StopReason } from './liquidation.ts';

export interface StopRequest {
  readonly liquidationId: LiquidationId;
  /** Undefined: of the only tenant that has it. */
  readonly tenantId: TenantId | undefined;
  readonly note: string;
  readonly now: Date;
}

export interface StopRow {
  readonly tenant_id: TenantId;
  /** As it was before this statement. */
  readonly status: LiquidationStatus;
  readonly stop_reason: StopReason | null;
  readonly stop_note: string | null;
  readonly stop_asked_at: Date | null;
  /** How many tenants have a liquidation of this id. */
  readonly tenants: number;
  /** Whether this statement has recorded the intent. */
  readonly is_asked: boolean;
}

/**
 * Records that a running liquidation is to be abandoned, unless it is being ended already, or of
 * several tenants.
 */
export async function askToStop(sql: Sql, request: StopRequest): Promise<StopRow | undefined> {
  const { liquidationId, tenantId, note, now } = request;
  const rows = await sql<StopRow[]>`
    with found as (
      select l.tenant_id, l.status, l.stop_reason, l.stop_note, l.stop_asked_at
      from unwind.tenants t
      join unwind.liquidations l
        on l.tenant_id = t.tenant_id
        and l.liquidation_id = ${liquidationId}
      where ${tenantId ?? null}::uuid is null or t.tenant_id = ${tenantId ?? null}
    ),
    asked as (
      update unwind.liquidations l
      set
        stop_reason = 'abandoned',
        stop_note = ${note},
        stop_asked_at = ${now},
        stop_at = ${now}
      from found f
      where l.tenant_id = f.tenant_id
        and l.liquidation_id = ${liquidationId}
        and l.status in ('NEW', 'PROCESSING')
        and l.stop_reason is null
        and (select count(*) from found) = 1
      returning l.tenant_id
    )
    select
      f.*,
      (select count(*)::integer from found) as tenants,
      exists (select from asked) as is_asked
    from found f`;
  return rows[0];
}

/**
 * Records that liquidations are to end for their age although they have open orders or were never
 * released; those that are idle end by themselves. @returns how many.
 */
export async function stopAged(
  sql: Sql,
  limit: { readonly ageMsMax: number; readonly rows: number; readonly now: Date },
): Promise<number> {
  const rows = await sql`
    update unwind.liquidations l
    set
      stop_reason = 'limit',
      stop_asked_at = ${limit.now},
      stop_at = ${limit.now}
    where (l.tenant_id, l.liquidation_id) in (
      select o.tenant_id, o.liquidation_id
      from unwind.liquidations o
      where o.status in ('NEW', 'PROCESSING')
        and (o.status = 'NEW' or o.open_orders > 0)
        and o.stop_reason is null
        and o.release_at <= (select unwind.market_time(${limit.now}))
          - ${limit.ageMsMax} * interval '1 millisecond'
      limit ${limit.rows}
      for update skip locked
    )`;
  return rows.count;
}

interface Stopping {
  readonly tenantId: TenantId;
  readonly liquidationIds: readonly LiquidationId[];
  readonly now: Date;
}

/**
 * Ends orders that are due to be sent, for the first time or again, and lets go what they hold.
 * Those at the venue are left alone. @returns the liquidation of each.
 */
export async function stopUnsentOrders(
  tx: Tx,
  { tenantId, liquidationIds, now }: Stopping,
): Promise<readonly LiquidationId[]> {
  const rows = await tx<{ liquidation_id: LiquidationId }[]>`
    with changes as materialized (
      select l.tenant_id, l.liquidation_id, l.stop_reason, changed.at
      from ${liquidationsNamed(tenantId, liquidationIds)}
      join unwind.liquidations l
        on l.tenant_id = n.tenant_id
        and l.liquidation_id = n.liquidation_id
      cross join lateral unwind.next_changes(l, ${now}) as changed
    ),
    stopped as (
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
        o.quantity - o.filled_quantity + o.corrected_quantity as freed
    ),
    let_go as (
      update unwind.positions p
      set held = p.held - s.freed
      from stopped s
      where p.tenant_id = s.tenant_id
        and p.account_id = s.account_id
        and p.isin = s.isin
    )
    select s.liquidation_id
    from stopped s`;
  return rows.map((row) => row.liquidation_id);
}

/** Looks at liquidations whose orders are at the venue again after a while. @returns their ids. */
export async function waitForVenue(
  tx: Tx,
  { tenantId, liquidationIds, until }: Omit<Stopping, 'now'> & { readonly until: Date },
): Promise<readonly LiquidationId[]> {
  const rows = await tx<{ liquidation_id: LiquidationId }[]>`
    update unwind.liquidations l
    set stop_at = ${until}
    from ${liquidationsNamed(tenantId, liquidationIds)}
    where l.tenant_id = n.tenant_id
      and l.liquidation_id = n.liquidation_id
      and l.open_orders > 0
    returning l.liquidation_id`;
  return rows.map((row) => row.liquidation_id);
}

/** What of these liquidations is at the venue of that name, or on its way there. */
export async function findAtVenue(
  tx: Tx,
  which: Omit<Stopping, 'now'> & { readonly venue: string },
): Promise<readonly OrderReference[]> {
  const { tenantId, liquidationIds, venue } = which;
  const rows = await tx<{ client_order_id: string }[]>`
    select s.client_order_id
    from ${liquidationsNamed(tenantId, liquidationIds)}
    join unwind.orders o
      on o.tenant_id = n.tenant_id
      and o.liquidation_id = n.liquidation_id
    join unwind.submissions s
      on s.tenant_id = o.tenant_id
      and s.order_id = o.order_id
    where o.status = 'PROCESSING'
      and s.status <> 'DONE'
      and s.venue = ${venue}
    order by s.client_order_id`;
  return rows.map((row) => ({ tenantId, clientOrderId: row.client_order_id }));
}
