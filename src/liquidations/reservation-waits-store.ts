// Which liquidations wait for the keeper of the holdings, who is asked before anything of them is sold. Who asks is
// reserve-holdings.ts.

import type { Sql, Tx } from '../db/connect.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { waitsEndedMax } from '../limits.ts';
import type { LiquidationKey } from './due-store.ts';

/** Leaves claimed liquidations until the keeper of the holdings has answered. */
export async function awaitReservations(
  tx: Tx,
  { tenantId, liquidationIds }: { tenantId: TenantId; liquidationIds: readonly LiquidationId[] },
): Promise<void> {
  await tx`
    update unwind.liquidations l
    set awaits_reservation = true
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = any (${liquidationIds}::uuid[])`;
}

/** Locks a liquidation that waits for the keeper, which has answered: it is looked at now. */
export async function endReservationWait(
  tx: Tx,
  which: LiquidationKey & { readonly now: Date },
): Promise<void> {
  await tx`
    update unwind.liquidations l
    set
      awaits_reservation = false,
      advance_at = case when l.advance_at is not null then (select unwind.market_time(${which.now})) end
    where l.tenant_id = ${which.tenantId}
      and l.liquidation_id = ${which.liquidationId}
      and l.awaits_reservation`;
}

/** Lets all be looked at that wait for a keeper, where none is asked any more, some at a time. @returns how many. */
export async function endReservationWaits(sql: Sql): Promise<number> {
  for (let ended = 0; ; ) {
    const rows = await sql`
      update unwind.liquidations l
      set awaits_reservation = false
      from (
        select w.tenant_id, w.liquidation_id
        from unwind.liquidations w
        where w.awaits_reservation
          and w.status in ('NEW', 'PROCESSING')
        order by w.tenant_id, w.liquidation_id
        limit ${waitsEndedMax}
        for no key update
      ) w
      where l.tenant_id = w.tenant_id
        and l.liquidation_id = w.liquidation_id
        and l.awaits_reservation`;
    ended += rows.count;
    if (rows.count < waitsEndedMax) return ended;
  }
}
