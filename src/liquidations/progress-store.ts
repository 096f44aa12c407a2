// The statements of the steps that move liquidations on by themselves: what accounts hold, and the
// writes of a whole batch. All of one batch belongs to one tenant and one commit. Which liquidations
// are due is asked in due-store.ts.

import { assert } from '../assert.ts';
import { heldChangedSql } from '../book/store.ts';
import type { Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import type { Decimal } from '../money.ts';
import { liquidationsNamed } from '../orders/liquidations-named.ts';
import type { PlannedOrder } from '../orders/order.ts';
import { ordersPlacedSql, ordersStoppedSql } from '../orders/order-store.ts';
import {
  type LiquidationState,
  type LiquidationStatus,
  liquidationTransitions,
} from './liquidation.ts';

/** Places orders, due at once, and holds the quantity each of them sells. */
export async function placeOrders(
  tx: Tx,
  batch: { tenantId: TenantId; orders: readonly PlannedOrder[]; now: Date },
): Promise<void> {
  const held = fragment`select p.tenant_id, p.account_id, p.isin, p.quantity as held from placed p`;
  await tx`
    with placed as (${ordersPlacedSql(batch)})
    ${heldChangedSql(held)}`;
}

/**
 * Ends orders that are due to be sent, for the first time or again, and lets go what they hold.
 * Those at the venue are left alone. @returns the liquidation of each.
 */
export async function stopUnsentOrders(
  tx: Tx,
  batch: { tenantId: TenantId; liquidationIds: readonly LiquidationId[]; now: Date },
): Promise<readonly LiquidationId[]> {
  const held = fragment`select s.tenant_id, s.account_id, s.isin, -s.unsold as held from stopped s`;
  const rows = await tx<{ liquidation_id: LiquidationId }[]>`
    with stopped as (${ordersStoppedSql(batch)}),
    let_go as (${heldChangedSql(held)})
    select s.liquidation_id
    from stopped s`;
  return rows.map((row) => row.liquidation_id);
}

/** How one claimed liquidation goes on. */
export interface Move {
  readonly liquidationId: LiquidationId;
  readonly from: LiquidationStatus;
  readonly to: Exclude<LiquidationState, { status: 'NEW' }>;
  /** Of an end: what it left in the account, for a person. */
  readonly note?: string | undefined;
}

/**
 * Moves claimed liquidations on, each guarded by the status it was claimed in; counts the event of
 * those whose status changes, and freezes their new amounts.
 *
 * @returns how many rows moved: all of them, since the caller holds their locks.
 */
export async function moveLiquidations(
  tx: Tx,
  batch: {
    readonly tenantId: TenantId;
    readonly moves: readonly Move[];
    readonly waitMs: { readonly first: number; readonly longest: number };
    readonly now: Date;
  },
): Promise<number> {
  const { tenantId, moves, waitMs, now } = batch;
  const named = moves.map(({ liquidationId, from, to, note }) => ({
    liquidationId,
    fromStatus: from,
    toStatus: to.status,
    newOrders: 'openOrders' in to ? to.openOrders : 0,
    endReason: 'endReason' in to ? to.endReason : undefined,
    endNote: note,
  }));
  const rows = await tx`
    update unwind.liquidations l
    set
      status = m.to_status,
      rounds = l.rounds + (m.new_orders > 0)::integer,
      open_orders = m.new_orders,
      released_at = case
        when m.to_status = 'CANCELLED' then l.released_at
        else coalesce(l.released_at, (select unwind.market_time(${now})))
      end,
      advance_at = case
        when m.to_status = 'PROCESSING' and m.new_orders = 0
          then (select unwind.market_time(${now})) + m.wait
      end,
      ended_at = case when m.to_status <> 'PROCESSING' then ${now}::timestamptz end,
      end_reason = m.end_reason,
      end_note = m.end_note,
      stop_at = case when m.to_status = 'PROCESSING' then l.stop_at end,
      settle_at = m.settle_at,
      awaits_reservation = false,
      cash_amount = m.cash_amount,
      event_count = l.event_count + (m.to_status <> m.from_status)::integer,
      updated_at = case
        when m.to_status = m.from_status and m.cash_amount = l.cash_amount then l.updated_at
        else m.changed_at
      end
    from (
      select
        n.tenant_id, n.liquidation_id, n.from_status, n.to_status, n.new_orders, n.end_reason, n.end_note,
        changed.at as changed_at,
        case
          when n.to_status = 'FILLED' and c.contract = '2026' then coalesce(
            unwind.settles_at(c.tenant_id, c.liquidation_id), (select unwind.market_time(${now}))
          )
        end as settle_at,
        case
          when n.to_status = n.from_status then least(
            greatest((${now}::timestamptz - c.updated_at) / 10, ${waitMs.first} * interval '1 millisecond'),
            ${waitMs.longest} * interval '1 millisecond'
          )
          else ${waitMs.first} * interval '1 millisecond'
        end as wait,
        c.proceeds + case when n.to_status = 'PROCESSING' then v.value else 0 end as cash_amount
      from ${rowsOf(named, { tenantId }).as(`n (
        tenant_id uuid, liquidation_id uuid, from_status text, to_status text, new_orders integer,
        end_reason text, end_note text
      )`)}
      join unwind.liquidations c using (tenant_id, liquidation_id)
      cross join lateral unwind.next_changes(
        c.tenant_id, c.liquidation_id, c.updated_at, ${now}
      ) as changed
      cross join lateral unwind.indicative_values(c.tenant_id, c.account_id, c.liquidation_id) as v
    ) as m
    where l.tenant_id = m.tenant_id
      and l.liquidation_id = m.liquidation_id
      and l.status = m.from_status
      and l.open_orders = 0`;
  return rows.count;
}

/**
 * Settles claimed liquidations, each with its event counted; of those whose executions settle later after all, only
 * when that is is written. @returns those that are SETTLED.
 */
export async function settleLiquidations(
  tx: Tx,
  batch: { tenantId: TenantId; liquidationIds: readonly LiquidationId[]; now: Date },
): Promise<readonly LiquidationId[]> {
  const { tenantId, liquidationIds, now } = batch;
  const rows = await tx<{ liquidation_id: LiquidationId; is_settled: boolean }[]>`
    update unwind.liquidations l
    set
      status = case when m.is_settled then ${liquidationTransitions.FILLED.settled} else l.status end,
      settle_at = m.settle_at,
      settled_at = case when m.is_settled then ${now}::timestamptz end,
      event_count = l.event_count + m.is_settled::integer,
      updated_at = case when m.is_settled then m.changed_at else l.updated_at end
    from (
      select
        c.tenant_id, c.liquidation_id, changed.at as changed_at,
        coalesce(s.settle_at, c.settle_at) as settle_at,
        coalesce(s.settle_at, c.settle_at) <= (select unwind.market_time(${now})) as is_settled
      from ${liquidationsNamed(tenantId, liquidationIds)}
      join unwind.liquidations c using (tenant_id, liquidation_id)
      cross join lateral (
        select unwind.settles_at(c.tenant_id, c.liquidation_id) as settle_at
      ) s
      cross join lateral unwind.next_changes(
        c.tenant_id, c.liquidation_id, c.updated_at, ${now}
      ) as changed
    ) as m
    where l.tenant_id = m.tenant_id
      and l.liquidation_id = m.liquidation_id
      and l.status = 'FILLED'
    returning l.liquidation_id, m.is_settled`;
  assert(rows.length === liquidationIds.length, 'a claimed liquidation stays as it was claimed');
  return rows.flatMap((row) => (row.is_settled ? row.liquidation_id : []));
}

/** What a batch of reports changes in one liquidation; several of one liquidation add up. */
export interface LiquidationChange {
  readonly liquidationId: LiquidationId;
  readonly proceeds: Decimal;
  /** Orders that became final. */
  readonly ended: number;
}

/**
 * Adds proceeds to liquidations, counts their open orders down and freezes their new amounts. The
 * caller holds their locks, so the last order of one is counted by exactly one commit; the
 * commit that counts it down to zero makes the liquidation due to be looked at. What comes after the end is added
 * as a correction, and changes nothing but amounts.
 */
export async function settleProgress(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly LiquidationChange[]; now: Date },
): Promise<void> {
  const { tenantId, changes, now } = batch;
  if (changes.length === 0) return;
  await tx`
    update unwind.liquidations l
    set
      proceeds = m.proceeds,
      open_orders = m.open_orders,
      advance_at = case
        when m.is_running and m.open_orders = 0 then (select unwind.market_time(${now}))
      end,
      cash_amount = m.cash_amount,
      corrected_at = case when m.is_running then null else ${now}::timestamptz end,
      corrected_proceeds = l.corrected_proceeds
        + case when m.is_running then 0 else m.proceeds - l.proceeds end,
      updated_at = case
        when m.cash_amount = l.cash_amount then l.updated_at
        else m.changed_at
      end
    from (
      select
        c.tenant_id,
        c.liquidation_id,
        changed.at as changed_at,
        c.proceeds + n.proceeds as proceeds,
        c.open_orders - n.ended as open_orders,
        c.status = 'PROCESSING' as is_running,
        c.proceeds + n.proceeds
          + case when c.status = 'PROCESSING' then v.value else 0 end as cash_amount
      from (
        select
          u.tenant_id, u.liquidation_id, sum(u.proceeds) as proceeds, sum(u.ended)::integer as ended
        from ${rowsOf(changes, { tenantId }).as(`u (
          tenant_id uuid, liquidation_id uuid, proceeds numeric, ended integer
        )`)}
        group by u.tenant_id, u.liquidation_id
      ) as n
      join unwind.liquidations c using (tenant_id, liquidation_id)
      cross join lateral unwind.next_changes(
        c.tenant_id, c.liquidation_id, c.updated_at, ${now}
      ) as changed
      cross join lateral unwind.indicative_values(c.tenant_id, c.account_id, c.liquidation_id) as v
    ) as m
    where l.tenant_id = m.tenant_id
      and l.liquidation_id = m.liquidation_id`;
}

/** Locks the liquidations that run on these accounts: their steps hold and free quantity. */
export async function lockRunningLiquidations(
  tx: Tx,
  tenantId: TenantId,
  accountIds: readonly AccountId[],
): Promise<void> {
  await tx`
    select l.liquidation_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}
      and l.account_id = any (${accountIds}::uuid[])
      and l.status in ('NEW', 'PROCESSING')
    order by l.liquidation_id
    for no key update`;
}

/**
 * Follows a change of what accounts hold: liquidations that wait are looked at now, and running ones show
 * anew what is still to be sold. The caller holds their locks.
 */
export async function followDeltas(
  tx: Tx,
  which: { tenantId: TenantId; accountIds: readonly AccountId[]; now: Date },
): Promise<void> {
  const { tenantId, accountIds, now } = which;
  await tx`
    update unwind.liquidations l
    set advance_at = (select unwind.market_time(${now}))
    where l.tenant_id = ${tenantId}
      and l.account_id = any (${accountIds}::uuid[])
      and l.status = 'PROCESSING'
      and l.advance_at > (select unwind.market_time(${now}))`;
  await tx`
    update unwind.liquidations l
    set
      waits_for_venue = false,
      waits_for_venues = null
    where l.tenant_id = ${tenantId}
      and l.account_id = any (${accountIds}::uuid[])
      and l.status = 'NEW'
      and l.waits_for_venue`;
  await tx`
    update unwind.liquidations l
    set
      cash_amount = m.cash_amount,
      updated_at = m.changed_at
    from (
      select r.liquidation_id, changed.at as changed_at, r.proceeds + v.value as cash_amount
      from unwind.liquidations r
      cross join lateral unwind.next_changes(
        r.tenant_id, r.liquidation_id, r.updated_at, ${now}
      ) as changed
      cross join lateral unwind.indicative_values(r.tenant_id, r.account_id, r.liquidation_id) as v
      where r.tenant_id = ${tenantId}
        and r.account_id = any (${accountIds}::uuid[])
        and r.status in ('NEW', 'PROCESSING')
    ) as m
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = m.liquidation_id
      and l.cash_amount <> m.cash_amount`;
}
