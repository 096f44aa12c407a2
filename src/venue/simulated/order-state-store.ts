// The statements about orders that the simulated venue has taken: what each has come to at one instant,
// and the end of what was still to come. The caller holds the session, so no report is sent meanwhile.

import type { Tx } from '../../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../../db/row.ts';
import { type Fragment, fragment } from '../../db/sql.ts';
import type { TenantId } from '../../ids.ts';
import { type Decimal, decimal } from '../../money.ts';
import type { OrderReference } from '../venue.ts';

/** Locks the session: from here to the commit no other transaction numbers a report or cancels. */
export async function lockSession(tx: Tx): Promise<void> {
  await tx`select s.last_number from simulated_venue.session s for update`;
}

/** What an order the venue took has come to. */
export interface OrderState {
  readonly tenantId: TenantId;
  readonly clientOrderId: string;
  readonly venueOrderId: string;
  readonly quantity: Decimal;
  /** Fixed when it was taken. */
  readonly price: Decimal;
  /** Whether its end has happened, reported or not. */
  readonly isFinal: boolean;
  /** Whether an earlier request to cancel it was accepted. */
  readonly isCancelled: boolean;
  /** Executed until then, without what was declared void. */
  readonly soldQuantity: Decimal;
  /** Executions until then, void ones among them. */
  readonly executions: number;
  /** The last execution that is not void. */
  readonly lastExecution: { readonly id: string; readonly quantity: Decimal } | undefined;
}

type StateRow = RowOf<Omit<OrderState, 'lastExecution'>> & {
  readonly last_id: string | null;
  readonly last_quantity: string | null;
};

/** The states of those of these orders that the venue has accepted, at an instant of the market. */
export function findOrderStates(
  tx: Tx,
  which: { orders: readonly OrderReference[]; at: Date },
): Promise<readonly OrderState[]> {
  const { orders, at } = which;
  const isAsked = fragment`(j.firm, j.client_order_id) in (
    select n.tenant_id, n.client_order_id
    from ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
  )`;
  return findStates(tx, { where: isAsked, at, limit: orders.length });
}

/** Orders whose end has not happened yet; of one instrument only, where one is named. */
export function findWorkingOrders(
  tx: Tx,
  which: { isin: string | undefined; without: readonly string[]; at: Date; limit: number },
): Promise<readonly OrderState[]> {
  const { isin, without, at, limit } = which;
  const isWorking = fragment`
    (${isin ?? null}::text is null or j.isin = ${isin ?? null}::text)
    and j.isin <> all (${without}::text[])
    and not exists (
      select
      from simulated_venue.reports e
      where e.firm = j.firm
        and e.client_order_id = j.client_order_id
        and e.type not in ('trade', 'bust')
        and (e.transaction_at <= ${at} or e.number is not null)
    )`;
  return findStates(tx, { where: isWorking, at, limit });
}

async function findStates(
  tx: Tx,
  which: { where: Fragment; at: Date; limit: number },
): Promise<readonly OrderState[]> {
  const { where, at, limit } = which;
  const rows = await tx<StateRow[]>`
    select
      j.firm as tenant_id, j.client_order_id, j.venue_order_id, j.quantity, j.price,
      coalesce(r.is_final, false) as is_final,
      exists (
        select
        from simulated_venue.cancels c
        where c.firm = j.firm
          and c.client_order_id = j.client_order_id
          and c.outcome = 'accepted'
      ) as is_cancelled,
      coalesce(r.sold_quantity, 0) as sold_quantity,
      r.executions,
      r.valid_ids[1] as last_id,
      r.valid_quantities[1] as last_quantity
    from simulated_venue.journal j
    cross join lateral (
      select
        bool_or(h.type not in ('trade', 'bust')) as is_final,
        count(h.last_quantity)::integer as executions,
        sum(h.last_quantity) filter (where not h.is_void) as sold_quantity,
        array_agg(h.venue_execution_id order by h.transaction_at desc, h.cumulative_quantity desc)
          filter (where h.last_quantity is not null and not h.is_void) as valid_ids,
        array_agg(h.last_quantity order by h.transaction_at desc, h.cumulative_quantity desc)
          filter (where h.last_quantity is not null and not h.is_void) as valid_quantities
      from (
        select
          r.*,
          exists (
            select
            from simulated_venue.reports b
            where b.firm = r.firm
              and b.venue_execution_id = r.venue_execution_id
              and b.type = 'bust'
              and (b.transaction_at <= ${at} or b.number is not null)
          ) as is_void
        from simulated_venue.reports r
        where r.firm = j.firm
          and r.client_order_id = j.client_order_id
          and r.copy = 0
          and (r.transaction_at <= ${at} or r.number is not null)
      ) h
    ) r
    where j.outcome = 'accepted'
      and ${where}
    order by j.firm, j.entry
    limit ${limit}`;
  return rows.map(toState);
}

function toState({ last_id: id, last_quantity: quantity, ...row }: StateRow): OrderState {
  const decimals = { quantity: decimal, price: decimal, soldQuantity: decimal };
  return {
    ...thingOf<Omit<OrderState, 'lastExecution'>>(row, decimals),
    lastExecution:
      id === null || quantity === null ? undefined : { id, quantity: decimal(quantity) },
  };
}

/** Takes back what was planned for orders after an instant: it has not happened yet. */
export async function dropPlans(
  tx: Tx,
  which: { orders: readonly OrderReference[]; after: Date },
): Promise<void> {
  const { orders, after } = which;
  await tx`
    delete from simulated_venue.reports r
    using ${rowsOf(orders).as('n (tenant_id uuid, client_order_id text)')}
    where r.firm = n.tenant_id
      and r.client_order_id = n.client_order_id
      and r.number is null
      and r.transaction_at > ${after}`;
}
