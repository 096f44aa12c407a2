// The statements of what a halt stops, or would stop, as it is now.

import type { SqlOrTx } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { HaltTarget } from './halt.ts';
import { isCoveredSql, ofOrder } from './halts-store.ts';

export interface HaltEffect {
  /** Liquidations that are not released; of an instrument or venue none, since they are released all the same. */
  readonly liquidations: number;
  /** Positions of running liquidations that have no order yet: none is placed, or the one that is placed is not sent. */
  readonly positions: number;
  /** Orders that are not sent. */
  readonly orders: number;
  /** Orders that are at a venue, or on their way: they go on, or are cancelled there. */
  readonly ordersAtVenue: number;
}

export async function findHaltEffect(sql: SqlOrTx, target: HaltTarget): Promise<HaltEffect> {
  const isWhole = target.isin === undefined && target.venue === undefined;
  const ofLiquidation = {
    tenantId: fragment`l.tenant_id`,
    accountId: fragment`l.account_id`,
    isin: fragment`null::text`,
    venue: fragment`null::text`,
  };
  const rows = await sql<
    { liquidations: number; positions: number; orders: number; at_venue: number }[]
  >`
    select
      (
        select count(*)::integer
        from unwind.liquidations l
        where ${isWhole}
          and l.status = 'NEW'
          and ${isCoveredSql(target, ofLiquidation)}
      ) as liquidations,
      (
        select count(*)::integer
        from (${unorderedSql(target)}) as u
      ) as positions,
      count(*) filter (where o.submit_at is not null)::integer as orders,
      count(*) filter (where o.submit_at is null)::integer as at_venue
    from unwind.orders o
    where o.status in ('NEW', 'PROCESSING')
      and ${isCoveredSql(target, ofOrder)}`;
  const [row] = rows;
  return {
    liquidations: row?.liquidations ?? 0,
    positions: row?.positions ?? 0,
    orders: row?.orders ?? 0,
    ordersAtVenue: row?.at_venue ?? 0,
  };
}

/**
 * SQL: what running liquidations have no order for and could sell, as far as a target covers it, in units: neither
 * what is locked nor a fraction that is not sold.
 */
export function unorderedSql(target: HaltTarget): Fragment {
  const venue = target.venue ?? null;
  const ofPosition = {
    tenantId: fragment`l.tenant_id`,
    accountId: fragment`l.account_id`,
    isin: fragment`p.isin`,
    venue: fragment`r.venue`,
  };
  return fragment`
    select p.tenant_id, p.isin, s.quantity
    from unwind.liquidations l
    join unwind.positions p using (tenant_id, account_id)
    join unwind.instruments i using (tenant_id, isin)
    cross join lateral (
      select unwind.sellable(p.quantity - p.locked - p.held, i.fractional) as quantity
    ) s
    -- Where it would be sold is asked of a halt of a venue alone.
    left join lateral unwind.routes(
      p.tenant_id, p.isin, case when ${venue}::text is not null then (select t.venues from unwind.trading t) end
    ) as r on ${venue}::text is not null
    where l.status in ('NEW', 'PROCESSING')
      and s.quantity > 0
      and ${isCoveredSql(target, ofPosition)}
      and not exists (
        select
        from unwind.orders o
        where o.tenant_id = l.tenant_id
          and o.liquidation_id = l.liquidation_id
          and o.isin = p.isin
          and o.status = 'CANCELLED'
      )`;
}
