// How many orders of each tenant are open, for a person who watches.

import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';

/** Orders that are counted at most: beyond, more makes no difference. */
const countedMax = 250_000;

/** Counts orders that are not final, by tenant; a tenant without any is absent. */
export async function countOpenOrders(sql: Sql): Promise<ReadonlyMap<TenantId, number>> {
  const rows = await sql<{ tenant_id: TenantId; orders: number }[]>`
    select
      o.tenant_id,
      count(*)::integer as orders
    from (
      select o.tenant_id
      from unwind.orders o
      where o.ended_at is null
      limit ${countedMax}
    ) o
    group by o.tenant_id`;
  return new Map(rows.map((row) => [row.tenant_id, row.orders]));
}
