// The statements of cancelling at the simulated venue: what an order has come to at one instant, and
// the end of what was still to come. The caller holds the session, so no report is sent meanwhile.

import type { Tx } from '../../db/connect.ts';
import type { TenantId } from '../../ids.ts';
import { type Decimal, decimal } from '../../money.ts';
import type { CancelOutcome, OrderReference } from '../venue.ts';

/** Locks the session: from here to the commit no report is numbered and nobody else cancels. */
export async function lockSession(tx: Tx): Promise<void> {
  await tx`select s.last_number from simulated_venue.session s for update`;
}

/** What an order the venue knows has come to. */
export interface OrderState {
  readonly firm: TenantId;
  readonly clientOrderId: string;
  /** Undefined of a refused one. */
  readonly venueOrderId: string | undefined;
  /** Whether its end has happened, told or not. */
  readonly isFinal: boolean;
  /** Whether an earlier request to cancel it was accepted. */
  readonly isCancelled: boolean;
  /** Executed until then. */
  readonly soldQuantity: Decimal;
}

interface StateRow {
  readonly firm: TenantId;
  readonly client_order_id: string;
  readonly venue_order_id: string | null;
  readonly is_final: boolean;
  readonly is_cancelled: boolean;
  readonly sold_quantity: string;
}

/** The states of those of these orders that the venue has received, at an instant of the market. */
export async function findOrderStates(
  tx: Tx,
  which: { orders: readonly OrderReference[]; at: Date },
): Promise<readonly OrderState[]> {
  const { orders, at } = which;
  const rows = await tx<StateRow[]>`
    select
      j.firm, j.client_order_id, j.venue_order_id,
      j.outcome = 'refused' or coalesce(r.is_final, false) as is_final,
      exists (
        select
        from simulated_venue.cancels c
        where c.firm = j.firm
          and c.client_order_id = j.client_order_id
          and c.outcome = 'accepted'
      ) as is_cancelled,
      coalesce(r.sold_quantity, 0) as sold_quantity
    from (
      select distinct n.firm, n.client_order_id
      from unnest(
        ${orders.map((order) => order.tenantId)}::uuid[],
        ${orders.map((order) => order.clientOrderId)}::text[]
      ) as n (firm, client_order_id)
    ) n
    join simulated_venue.journal j
      on j.firm = n.firm
      and j.client_order_id = n.client_order_id
      and j.outcome <> 'repeated'
    cross join lateral (
      select
        bool_or(r.type not in ('trade', 'bust')) as is_final,
        sum(r.last_quantity) filter (where r.copy = 0 and b.report is null) as sold_quantity
      from simulated_venue.reports r
      left join simulated_venue.reports b
        on b.firm = r.firm
        and b.venue_execution_id = r.venue_execution_id
        and b.type = 'bust'
        and b.copy = 0
        and r.type <> 'bust'
        and b.transaction_at <= ${at}
      where r.firm = j.firm
        and r.client_order_id = j.client_order_id
        and (r.transaction_at <= ${at} or r.number is not null)
    ) r`;
  return rows.map((row) => ({
    firm: row.firm,
    clientOrderId: row.client_order_id,
    venueOrderId: row.venue_order_id ?? undefined,
    isFinal: row.is_final,
    isCancelled: row.is_cancelled,
    soldQuantity: decimal(row.sold_quantity),
  }));
}

/** Takes back what was planned for orders after an instant: it has not happened yet. */
export async function dropPlans(
  tx: Tx,
  which: { orders: readonly OrderReference[]; after: Date },
): Promise<void> {
  const { orders, after } = which;
  await tx`
    delete from simulated_venue.reports r
    using unnest(
      ${orders.map((order) => order.tenantId)}::uuid[],
      ${orders.map((order) => order.clientOrderId)}::text[]
    ) as n (firm, client_order_id)
    where r.firm = n.firm
      and r.client_order_id = n.client_order_id
      and r.number is null
      and r.transaction_at > ${after}`;
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
