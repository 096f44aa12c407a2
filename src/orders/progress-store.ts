// The statements by which reports change submissions and orders: locked in the one order of locks, and
// written set by set.

import type { Tx } from '../db/connect.ts';
import { type RowOf, rowsOf } from '../db/row.ts';
import type { LiquidationId, OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { nextChangesOf } from './liquidations-named.ts';
import {
  type Order,
  type OrderState,
  type OrderStatus,
  type Submission,
  type SubmissionOutcome,
  submissionTransitions,
} from './order.ts';

type SubmissionRow = RowOf<Omit<Submission, 'final' | 'order'>> &
  Omit<RowOf<Order>, 'quantity' | 'status'> & {
    final_quantity: string | null;
    outcome: SubmissionOutcome | null;
    reason: string | null;
    order_quantity: string;
    order_status: OrderStatus;
  };

/**
 * Locks and reads the submissions of these client order ids with their orders, after the accounts
 * and liquidations they belong to: the one order in which everybody locks.
 */
export async function lockSubmissions(
  tx: Tx,
  tenantId: TenantId,
  clientOrderIds: readonly string[],
): Promise<ReadonlyMap<string, Submission>> {
  const ids = clientOrderIds.map((clientOrderId) => ({ tenantId, clientOrderId }));
  const named = rowsOf(ids).as('n (tenant_id uuid, client_order_id text)');
  await tx`
    select a.account_id
    from unwind.accounts a
    where (a.tenant_id, a.account_id) in (
        select o.tenant_id, o.account_id
        from ${named}
        join unwind.submissions s using (tenant_id, client_order_id)
        join unwind.orders o on o.tenant_id = s.tenant_id and o.order_id = s.order_id
      )
    order by a.account_id
    for no key update`;
  await tx`
    select l.liquidation_id
    from unwind.liquidations l
    where (l.tenant_id, l.liquidation_id) in (
        select s.tenant_id, s.liquidation_id
        from ${named}
        join unwind.submissions s using (tenant_id, client_order_id)
      )
    order by l.liquidation_id
    for no key update`;
  const rows = await tx<SubmissionRow[]>`
    select
      s.client_order_id, s.status, s.quantity, s.executed_quantity, s.busted_quantity,
      s.final_quantity, s.outcome, s.reason,
      s.halt_cancel_at is not null as is_cancelled_by_halt, o.order_id, o.liquidation_id, o.account_id, o.isin, o.currency,
      o.quantity as order_quantity,
      o.filled_quantity, o.corrected_quantity, o.status as order_status, o.submissions
    from ${named}
    join unwind.submissions s using (tenant_id, client_order_id)
    join unwind.orders o on o.tenant_id = s.tenant_id and o.order_id = s.order_id
    order by o.order_id, s.client_order_id
    for no key update of s, o`;
  return new Map(rows.map((row) => [row.client_order_id, toSubmission(row)]));
}

function toSubmission(row: SubmissionRow): Submission {
  const { outcome, final_quantity: finalQuantity } = row;
  return {
    clientOrderId: row.client_order_id,
    status: row.status,
    quantity: decimal(row.quantity),
    executedQuantity: decimal(row.executed_quantity),
    bustedQuantity: decimal(row.busted_quantity),
    final:
      outcome === null || finalQuantity === null
        ? undefined
        : { outcome, quantity: decimal(finalQuantity), reason: row.reason ?? undefined },
    isCancelledByHalt: row.is_cancelled_by_halt,
    order: {
      orderId: row.order_id,
      liquidationId: row.liquidation_id,
      accountId: row.account_id,
      isin: row.isin,
      currency: row.currency,
      quantity: decimal(row.order_quantity),
      filledQuantity: decimal(row.filled_quantity),
      correctedQuantity: decimal(row.corrected_quantity),
      status: row.order_status,
      submissions: row.submissions,
    },
  };
}

export interface SubmissionChange {
  readonly clientOrderId: string;
  readonly isDone: boolean;
  readonly executedQuantity: Decimal;
  readonly bustedQuantity: Decimal;
  readonly final: Submission['final'];
}

/** Writes how far submissions are executed and which final report they have. */
export async function updateSubmissions(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly SubmissionChange[]; now: Date },
): Promise<number> {
  const { tenantId, changes, now } = batch;
  const written = changes.map(({ final, ...change }) => {
    return { ...change, ...final, finalQuantity: final?.quantity };
  });
  const rows = await tx`
    update unwind.submissions s
    set
      status = case
        when n.is_done then ${submissionTransitions.WORKING.reported}
        else s.status
      end,
      executed_quantity = n.executed_quantity,
      busted_quantity = n.busted_quantity,
      final_quantity = n.final_quantity,
      outcome = n.outcome,
      reason = n.reason,
      lease_holder = case when n.is_done then null else s.lease_holder end,
      lease_expires_at = case when n.is_done then null else s.lease_expires_at end,
      updated_at = ${now}
    from ${rowsOf(written, { tenantId }).as(`n (
      tenant_id uuid, client_order_id text, is_done boolean, executed_quantity numeric,
      busted_quantity numeric, final_quantity numeric, outcome text, reason text
    )`)}
    where s.tenant_id = n.tenant_id
      and s.client_order_id = n.client_order_id
      and (s.status <> 'DONE' or n.is_done)`;
  return rows.count;
}

export interface OrderChange {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  /** Quantity and proceeds of new executions, less those of new busts. */
  readonly filledQuantity: Decimal;
  readonly proceeds: Decimal;
  /** The part of the quantity that comes after the end. */
  readonly correctedQuantity: Decimal;
  /** Undefined: it stays as it is. */
  readonly to: Exclude<OrderState, { status: 'NEW' }> | undefined;
}

/**
 * Adds executions to orders, one change each, and ends them: whatever changes its state is guarded by
 * being PROCESSING.
 */
export async function updateOrders(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly OrderChange[]; now: Date },
): Promise<number> {
  const { tenantId, changes, now } = batch;
  const named = rowsOf(changes, { tenantId }).as('d (tenant_id uuid, liquidation_id uuid)');
  const written = changes.map(({ to, ...change }) => ({ ...change, ...to }));
  const rows = await tx`
    with changes as materialized (${nextChangesOf(named, now)})
    update unwind.orders o
    set
      filled_quantity = o.filled_quantity + n.filled_quantity,
      corrected_quantity = o.corrected_quantity + n.corrected_quantity,
      proceeds = o.proceeds + n.proceeds,
      status = coalesce(n.status, o.status),
      cancellation_reason = case
        when n.status is null then o.cancellation_reason
        else n.reason
      end,
      submit_at = case
        when n.status is null then o.submit_at
        else (select unwind.market_time(${now})) + n.submit_after_ms * interval '1 millisecond'
      end,
      updated_at = ${now},
      status_at = case when n.status <> o.status then c.at else o.status_at end,
      ended_at = case
        when n.status is null then o.ended_at
        when n.status <> 'PROCESSING' then ${now}::timestamptz
      end
    from ${rowsOf(written, { tenantId }).as(`n (
      tenant_id uuid, order_id uuid, liquidation_id uuid, filled_quantity numeric,
      corrected_quantity numeric, proceeds numeric, status text, reason text, submit_after_ms integer
    )`)}
    join changes c on c.liquidation_id = n.liquidation_id
    where o.tenant_id = n.tenant_id
      and o.order_id = n.order_id
      and (n.status is null or o.status = 'PROCESSING')`;
  return rows.count;
}
