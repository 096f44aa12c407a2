// The statements of orders that a halt has cancelled at their venue.

import type { Tx } from '../db/connect.ts';
import { holdOffHalts, isCancelledByHaltSql, ofOrder } from '../halts/halts-store.ts';
import type { TenantId } from '../ids.ts';
import type { OrderReference } from '../venue/venue.ts';

/**
 * Marks what is at a venue, or on its way there, and is halted so that it is cancelled, unless it was marked a
 * moment ago. @returns what the venue is to be asked to cancel.
 */
export async function claimToCancel(
  tx: Tx,
  claim: {
    readonly venue: string;
    readonly now: Date;
    readonly againAfterMs: number;
    readonly limit: number;
  },
): Promise<readonly OrderReference[]> {
  const { venue, now, againAfterMs, limit } = claim;
  await holdOffHalts(tx);
  const rows = await tx<{ tenant_id: TenantId; client_order_id: string }[]>`
    with halted as (
      select s.tenant_id, s.client_order_id
      from unwind.submissions s
      join unwind.orders o using (tenant_id, order_id)
      where s.venue = ${venue}
        and s.status <> 'DONE'
        and (
          s.halt_cancel_at is null
          or s.halt_cancel_at <= ${now}::timestamptz - ${againAfterMs}::integer * interval '1 millisecond'
        )
        and ${isCancelledByHaltSql(ofOrder)}
      order by s.order_id, s.client_order_id
      limit ${limit}
      for no key update of s skip locked
    )
    update unwind.submissions s
    set halt_cancel_at = ${now}
    from halted h
    where s.tenant_id = h.tenant_id
      and s.client_order_id = h.client_order_id
      and s.status <> 'DONE'
    returning s.tenant_id, s.client_order_id`;
  return rows.map((row) => ({ tenantId: row.tenant_id, clientOrderId: row.client_order_id }));
}
