// The statements that requests read orders and executions by. One statement each, its objects rendered
// by the database. Pages are read as db/page.ts says: what an offset skips costs no more than its
// entries in the index that the page is sorted by.

import type { Sql } from '../db/connect.ts';
import { type Page, type PageRange, readPage } from '../db/page.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, Id, OrderId, TenantId } from '../ids.ts';
import { executionsOfOrderMax } from '../limits.ts';

/** An order as JSON text; `isCut` where it has more executions than it shows. Undefined where there is none. */
export async function findOrderObject(
  sql: Sql,
  which: { tenantId: TenantId; orderId: OrderId },
): Promise<{ readonly object: string; readonly isCut: boolean } | undefined> {
  const rows = await sql<{ object: string; is_cut: boolean }[]>`
    select
      unwind.order_object(o.tenant_id, o.order_id) as object,
      exists (
        select
        from unwind.executions e
        where e.tenant_id = o.tenant_id
          and e.order_id = o.order_id
        offset ${executionsOfOrderMax}
      ) as is_cut
    from unwind.orders o
    where o.tenant_id = ${which.tenantId}
      and o.order_id = ${which.orderId}`;
  const [row] = rows;
  return row && { object: row.object, isCut: row.is_cut };
}

/** One page of an account's orders by id; undefined where the tenant has no such account. */
export function findOrderPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId; accountId: AccountId },
): Promise<Page | undefined> {
  return readPage(sql, q, {
    rows: fragment`
      from unwind.orders o
      where o.tenant_id = ${q.tenantId}
        and o.account_id = ${q.accountId}`,
    key: fragment`o.order_id`,
    objectOf: (key) => fragment`
      select unwind.order_object(o.tenant_id, o.order_id) as object
      from unwind.orders o
      where o.tenant_id = ${q.tenantId}
        and o.order_id = ${key}`,
    owner: fragment`exists (
      select
      from unwind.accounts a
      where a.tenant_id = ${q.tenantId}
        and a.account_id = ${q.accountId}
    )`,
  });
}

// The day it settles on is shown where the contract of the liquidation has it.
const executionObject = fragment`
  unwind.execution_object(
    e.execution_id, e.order_id, e.quantity, e.price * coalesce(e.rate, 1), e.proceeds, e.executed_at,
    e.busted_at,
    (
      select e.settlement_date
      from unwind.liquidations l
      where l.tenant_id = e.tenant_id
        and l.liquidation_id = e.liquidation_id
        and l.contract = '2026'
    )
  ) as object`;

export async function findExecutionObject(
  sql: Sql,
  which: { tenantId: TenantId; orderId: OrderId; executionId: Id<'execution'> },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select ${executionObject}
    from unwind.executions e
    where e.tenant_id = ${which.tenantId}
      and e.order_id = ${which.orderId}
      and e.execution_id = ${which.executionId}`;
  return rows[0]?.object;
}

/** One page of an order's executions by id; undefined where the tenant has no such order. */
export function findExecutionPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId; orderId: OrderId },
): Promise<Page | undefined> {
  return readPage(sql, q, {
    rows: fragment`
      from unwind.executions e
      where e.tenant_id = ${q.tenantId}
        and e.order_id = ${q.orderId}`,
    key: fragment`e.execution_id`,
    objectOf: (key) => fragment`
      select ${executionObject}
      from unwind.executions e
      where e.tenant_id = ${q.tenantId}
        and e.execution_id = ${key}`,
    owner: fragment`exists (
      select
      from unwind.orders o
      where o.tenant_id = ${q.tenantId}
        and o.order_id = ${q.orderId}
    )`,
  });
}
