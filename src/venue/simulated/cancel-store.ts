// The statements of requests to cancel at the simulated venue: which orders it refused, so that there
// is nothing to cancel, and the record of every request.

import type { Tx } from '../../db/connect.ts';
import { rowsOf } from '../../db/row.ts';
import type { CancelOutcome, OrderReference } from '../venue.ts';

/** Which of these orders were refused when they came. @returns `firm/client order id`. */
export async function findRefused(
  tx: Tx,
  orders: readonly OrderReference[],
): Promise<ReadonlySet<string>> {
  const rows = await tx<{ key: string }[]>`
    select concat(j.firm, '/', j.client_order_id) as key
    from simulated_venue.journal j
    where j.outcome = 'refused'
      and (j.firm, j.client_order_id) in (
        select n.tenant_id, n.client_order_id
        from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
      )`;
  return new Set(rows.map((row) => row.key));
}

/** Enters requests to cancel with what is answered to them. */
export async function enterCancels(
  tx: Tx,
  batch: {
    orders: readonly OrderReference[];
    outcomes: readonly CancelOutcome[];
    receivedAt: Date;
  },
): Promise<void> {
  const { orders, outcomes, receivedAt } = batch;
  await tx`
    insert into simulated_venue.cancels (firm, client_order_id, outcome, received_at)
    select n.firm, n.client_order_id, n.outcome, ${receivedAt}
    from unnest(
      ${orders.map((order) => order.tenantId)}::uuid[],
      ${orders.map((order) => order.clientOrderId)}::text[],
      ${outcomes.map((outcome) => outcome.type)}::text[]
    ) with ordinality as n (firm, client_order_id, outcome, place)
    order by n.place`;
}
