// The statement that finds orders to send.

import type { Tx } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import type { LiquidationId, OrderId, TenantId } from '../ids.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';

/** An order that is due to be sent, as its row says. */
export interface DueOrder {
  readonly tenantId: TenantId;
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly isin: string;
  /** What is left to sell. */
  readonly quantity: string;
  /** Client order ids used for it before. */
  readonly submissions: number;
}

interface DueOrderRow {
  tenant_id: TenantId;
  order_id: OrderId;
  liquidation_id: LiquidationId;
  isin: string;
  quantity: string;
  submissions: number;
}

/**
 * Locks orders that are due to be sent, of the next tenant that has some, none while the venue is
 * closed, and no more than half of what may still be with it: whoever comes next finds room as well
 * (claims at the same instant may go beyond the limit by a batch each). Where nobody has any, what is
 * there is not counted: a second loop asks often.
 * Both orders are those of the index orders_to_submit: any other would read every order there
 * ever was.
 */
export async function claimToSubmit(
  tx: Tx,
  turn: ClaimTurn & { readonly venue: string; readonly inFlightMax: number },
): Promise<readonly DueOrder[]> {
  const { after, before, now, venue, limit, inFlightMax } = turn;
  const order = { tenantId: fragment`o.tenant_id`, subject: fragment`o.order_id::text` };
  const isDue = fragment`
    (select unwind.venue_is_open(${venue}, unwind.market_time(${now})))
    and o.submit_at <= (select unwind.market_time(${now}))
    and ${mayBeWorked('submit', { ...order, now })}`;
  const rows = await tx<DueOrderRow[]>`
    with turn as (
      select o.tenant_id
      from unwind.orders o
      where ${isDue}
        and o.tenant_id > ${after}
        and o.tenant_id < ${before}
      order by o.tenant_id, o.submit_at
      limit 1
    )
    select
      o.tenant_id, o.order_id, o.liquidation_id, o.isin,
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
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    orderId: row.order_id,
    liquidationId: row.liquidation_id,
    isin: row.isin,
    quantity: row.quantity,
    submissions: row.submissions,
  }));
}
