// The statements of ending liquidations before they are flat: the intent, and when they are looked at again.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { liquidationsNamed } from '../orders/liquidations-named.ts';
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
export async function askToStop(sql: SqlOrTx, request: StopRequest): Promise<StopRow | undefined> {
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
 * Records that liquidations are to end for their age although they have open orders, were never released or
 * wait for the keeper; those that are idle end by themselves. @returns how many.
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
        and (o.status = 'NEW' or o.open_orders > 0 or o.awaits_reservation)
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
}

/** Looks at liquidations whose orders are at the venue again after a while. @returns their ids. */
export async function waitForVenue(
  tx: Tx,
  { tenantId, liquidationIds, until }: Stopping & { readonly until: Date },
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
