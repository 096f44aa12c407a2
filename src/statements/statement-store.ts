// The statements that read what a statement says: one snapshot of the liquidation, its sums and its executions.

import type { Tx } from '../db/connect.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import {
  type StatedExecution,
  type StatedInstrument,
  type StatementHead,
  statementType,
} from './statement.ts';

interface Which {
  readonly tenantId: TenantId;
  readonly liquidationId: LiquidationId;
}

/** A liquidation, and its proceeds as its row has them: the sum of its executions. */
export interface StatementSource {
  /** Undefined: it has not ended. */
  readonly head: StatementHead | undefined;
  readonly status: string;
  readonly proceeds: string;
}

/** Undefined where the tenant has no such liquidation. */
export async function findSource(tx: Tx, which: Which): Promise<StatementSource | undefined> {
  const rows = await tx<
    {
      status: string;
      proceeds: string;
      head: StatementHead['liquidation'] | null;
      executions: number;
      void: number;
      sold: string;
    }[]
  >`
    select
      l.status,
      round(l.proceeds, 2)::text as proceeds,
      case when l.ended_at is not null then json_strip_nulls(json_build_object(
        'id', l.liquidation_id,
        'account_id', l.account_id,
        'user_id', l.user_id,
        -- That its proceeds have settled since is no other end.
        'status', case l.status when 'SETTLED' then 'FILLED' else l.status end,
        'end_reason', l.end_reason,
        'created_at', unwind.instant(l.created_at),
        'released_at', unwind.instant(l.released_at),
        'ended_at', unwind.instant(l.ended_at),
        'corrected_at', unwind.instant(l.corrected_at)
      )) end as head,
      e.executions, e.void, e.sold
    from unwind.liquidations l
    cross join lateral (
      select
        count(*)::integer as executions,
        count(e.busted_at)::integer as void,
        round(coalesce(sum(e.proceeds) filter (where e.busted_at is null), 0), 2)::text as sold
      from unwind.orders o
      join unwind.executions e using (tenant_id, order_id)
      where o.tenant_id = l.tenant_id
        and o.liquidation_id = l.liquidation_id
    ) e
    where l.tenant_id = ${which.tenantId}
      and l.liquidation_id = ${which.liquidationId}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { status, proceeds, head, executions, sold } = row;
  if (head === null) return { status, proceeds, head: undefined };
  const totals: StatementHead['totals'] = {
    executions,
    void: row.void,
    proceeds: sold,
    currency: 'EUR',
    fees: null,
  };
  const all = {
    type: statementType,
    client_id: which.tenantId,
    liquidation: head,
    totals,
  } as const;
  return { status, proceeds, head: all };
}

/** What was sold of each instrument, by ISIN: no more than an account may hold and later brings. */
export async function findInstruments(tx: Tx, which: Which): Promise<readonly StatedInstrument[]> {
  return tx<StatedInstrument[]>`
    select
      e.isin,
      trim_scale(sum(e.quantity))::text as quantity,
      round(sum(e.proceeds), 2)::text as proceeds
    from unwind.orders o
    join unwind.executions e using (tenant_id, order_id)
    where o.tenant_id = ${which.tenantId}
      and o.liquidation_id = ${which.liquidationId}
      and e.busted_at is null
    group by e.isin
    order by e.isin`;
}

export async function findExecutions(
  tx: Tx,
  { tenantId, liquidationId, offset, limit }: Which & { offset: number; limit: number },
): Promise<readonly StatedExecution[]> {
  const rows = await tx<{ execution: StatedExecution }[]>`
    select
      json_strip_nulls(json_build_object(
        'id', e.execution_id,
        'order_id', e.order_id,
        'isin', e.isin,
        'venue', e.venue,
        'venue_execution_id', e.venue_execution_id,
        'venue_order_id', s.venue_order_id,
        'client_order_id', e.client_order_id,
        'quantity', trim_scale(e.quantity)::text,
        'price', trim_scale(e.price)::text,
        'price_currency', e.currency,
        'rate', trim_scale(e.rate)::text,
        'rate_as_of', unwind.instant(e.rate_as_of),
        'proceeds', round(e.proceeds, 2)::text,
        'executed_at', unwind.instant(e.executed_at),
        'void_at', unwind.instant(e.busted_at)
      )) as execution
    from (
      select e.*
      from unwind.orders o
      join unwind.executions e using (tenant_id, order_id)
      where o.tenant_id = ${tenantId}
        and o.liquidation_id = ${liquidationId}
      order by e.executed_at, e.execution_id
      offset ${offset}
      limit ${limit}
    ) e
    left join unwind.submissions s using (tenant_id, client_order_id)
    order by e.executed_at, e.execution_id`;
  return rows.map(({ execution }) => execution);
}
