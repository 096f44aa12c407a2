// The statement that counts what a tenant has open.

import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';

/** How many liquidations of a tenant are NEW or PROCESSING, counted up to a limit. */
export async function countOpenLiquidations(
  sql: Sql,
  which: { tenantId: TenantId; max: number },
): Promise<number> {
  const rows = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from (
      select
      from unwind.liquidations l
      where l.tenant_id = ${which.tenantId}
        and l.status in ('NEW', 'PROCESSING')
      limit ${which.max}
    ) open`;
  return rows[0]?.count ?? 0;
}
