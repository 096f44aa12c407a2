// The statements that requests read orders and executions by. One statement each, its objects rendered
// by the database. A page is first the keys of its rows, from the index it is sorted by; then they are
// fetched and rendered: what an offset skips costs no more than its entries in that index.

import type { Sql } from '../db/connect.ts';
import { directionSql, type Page, type PageRange, type PageRow, toPage } from '../db/page.ts';
import type { AccountId, Id, OrderId, TenantId } from '../ids.ts';

export async function findOrderObject(
  sql: Sql,
  which: { tenantId: TenantId; orderId: OrderId },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select unwind.order_object(o) as object
    from unwind.orders o
    where o.tenant_id = ${which.tenantId}
      and o.order_id = ${which.orderId}`;
  return rows[0]?.object;
}

/** One page of an account's orders by id; undefined where the tenant has no such account. */
export async function findOrderPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId; accountId: AccountId },
): Promise<Page | undefined> {
  const direction = directionSql(q.direction);
  const rows = await sql<PageRow[]>`
    with page as materialized (
      select o.order_id
      from unwind.orders o
      where o.tenant_id = ${q.tenantId}
        and o.account_id = ${q.accountId}
      order by o.order_id ${direction}
      offset ${q.offset}
      limit ${q.limit}
    )
    select
      coalesce((
        select string_agg(unwind.order_object(o), ',' order by o.order_id ${direction})
        from page p
        join unwind.orders o on o.tenant_id = ${q.tenantId} and o.order_id = p.order_id
      ), '') as objects,
      (select count(*)::integer from page) as count,
      (
        select count(*)
        from unwind.orders o
        where o.tenant_id = ${q.tenantId}
          and o.account_id = ${q.accountId}
      ) as total_count
    from unwind.accounts a
    where a.tenant_id = ${q.tenantId}
      and a.account_id = ${q.accountId}`;
  const [row] = rows;
  return row && toPage(row);
}

export async function findExecutionObject(
  sql: Sql,
  which: { tenantId: TenantId; orderId: OrderId; executionId: Id<'execution'> },
): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select unwind.execution_object(e) as object
    from unwind.executions e
    where e.tenant_id = ${which.tenantId}
      and e.order_id = ${which.orderId}
      and e.execution_id = ${which.executionId}`;
  return rows[0]?.object;
}

/** One page of an order's executions by id; undefined where the tenant has no such order. */
export async function findExecutionPage(
  sql: Sql,
  q: PageRange & { tenantId: TenantId; orderId: OrderId },
): Promise<Page | undefined> {
  const rows = await sql<PageRow[]>`
    with page as materialized (
      select e.execution_id
      from unwind.executions e
      where e.tenant_id = ${q.tenantId}
        and e.order_id = ${q.orderId}
      order by e.execution_id
      offset ${q.offset}
      limit ${q.limit}
    )
    select
      coalesce((
        select string_agg(unwind.execution_object(e), ',' order by e.execution_id)
        from page p
        join unwind.executions e
          on e.tenant_id = ${q.tenantId}
          and e.execution_id = p.execution_id
      ), '') as objects,
      (select count(*)::integer from page) as count,
      (
        select count(*)
        from unwind.executions e
        where e.tenant_id = ${q.tenantId}
          and e.order_id = ${q.orderId}
      ) as total_count
    from unwind.orders o
    where o.tenant_id = ${q.tenantId}
      and o.order_id = ${q.orderId}`;
  const [row] = rows;
  return row && toPage(row);
}
