// Parts of statements that find the liquidations of a batch by their whole keys: the tenant stands beside
// each id, since a condition on the tenant alone is a plan that reads all that it has (decision 6).

import { type Fragment, fragment } from '../db/sql.ts';
import type { LiquidationId, TenantId } from '../ids.ts';

/** The keys of liquidations of one tenant, to be joined: `n (tenant_id, liquidation_id)`. */
export function liquidationsNamed(tenantId: TenantId, ids: readonly LiquidationId[]): Fragment {
  return fragment`
      unnest(${ids.map(() => tenantId)}::uuid[], ${ids}::uuid[]) as n (tenant_id, liquidation_id)`;
}

/**
 * Selects of liquidations when their next change is: `liquidation_id, at`. `named` is a table
 * `d (tenant_id, liquidation_id)` that names each once or more.
 */
export function nextChangesOf(named: Fragment, now: Date): Fragment {
  return fragment`
      select l.liquidation_id, c.at
      from (
        select distinct d.tenant_id, d.liquidation_id
        from ${named}
      ) as n
      join unwind.liquidations l using (tenant_id, liquidation_id)
      cross join lateral unwind.next_changes(
        l.tenant_id, l.liquidation_id, l.updated_at, ${now}
      ) as c`;
}
