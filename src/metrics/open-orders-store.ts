// How many orders of each tenant are open, and how many of them are kept back, for a person who watches.

import type { Sql } from '../db/connect.ts';
import { isHaltedSql, ofOrder } from '../halts/halts-store.ts';
import type { TenantId } from '../ids.ts';
import { countedOpenMax } from '../limits.ts';

export interface OpenOrders {
  readonly open: number;
  /** Those of them that are not sent since a control has stopped them, or a halt holds them. */
  readonly held: number;
}

/** Counts orders that are not final, by tenant; a tenant without any is absent. */
export async function countOpenOrders(sql: Sql): Promise<ReadonlyMap<TenantId, OpenOrders>> {
  const rows = await sql<{ tenant_id: TenantId; open: number; held: number }[]>`
    select
      o.tenant_id,
      count(*)::integer as open,
      count(*) filter (
        where o.submit_at is not null
          and (s.order_id is not null or ${isHaltedSql(ofOrder)})
      )::integer as held
    from (
      select o.tenant_id, o.order_id, o.account_id, o.isin, o.venue, o.submit_at
      from unwind.orders o
      where o.ended_at is null
      limit ${countedOpenMax}
    ) o
    left join (
      select distinct s.tenant_id, s.order_id
      from unwind.control_stops s
      where s.cleared_at is null
        and s.released_at is null
    ) s using (tenant_id, order_id)
    group by o.tenant_id`;
  return new Map(rows.map(({ tenant_id, open, held }) => [tenant_id, { open, held }]));
}
