// The statement that reads what accounts hold when their liquidations move on, and where each of it is sold.

import type { Tx } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import { isHaltedSql } from '../halts/halts-store.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { accountCurrency, decimal } from '../money.ts';
import { liquidationsNamed } from '../orders/liquidations-named.ts';
import type { TradingVenue } from '../venue/venue.ts';
import type { Holding, Route } from './liquidation.ts';

interface HoldingRow {
  liquidation_id: LiquidationId;
  isin: string;
  quantity: string;
  locked: string;
  held: string;
  fractional: boolean;
  tradable: boolean;
  refused: boolean;
  venue: string | null;
  symbol: string | null;
  currency: string;
  lot_size: string | null;
}

const ofPosition = {
  tenantId: fragment`p.tenant_id`,
  accountId: fragment`p.account_id`,
  isin: fragment`p.isin`,
  venue: fragment`r.venue`,
};

/**
 * Locks and reads what the accounts of these liquidations hold, with the venue that each of it is sold at,
 * the first of those named that suits.
 */
export async function lockHoldings(
  tx: Tx,
  which: {
    readonly tenantId: TenantId;
    readonly liquidationIds: readonly LiquidationId[];
    readonly venues: readonly TradingVenue[];
    /** What is sold in another currency needs a rate that is no older, in ms. */
    readonly rateAgeMsMax: number;
    readonly now: Date;
  },
): Promise<ReadonlyMap<LiquidationId, readonly Holding[]>> {
  const { tenantId, liquidationIds, venues, rateAgeMsMax, now } = which;
  const mics = venues.map(({ mic }) => mic);
  const currencies = venues.map(({ currency }) => currency);
  // Joined by the tenant alone, ids and positions would be held against each other, each against all.
  const rows = await tx<HoldingRow[]>`
    with l as materialized (
      select l.tenant_id, l.liquidation_id, l.account_id
      from ${liquidationsNamed(tenantId, liquidationIds)}
      join unwind.liquidations l
        on l.tenant_id = n.tenant_id
        and l.liquidation_id = n.liquidation_id
    )
    select
      l.liquidation_id, p.isin, p.quantity, p.locked, p.held, i.fractional, r.venue, r.symbol, c.currency,
      r.lot_size,
      i.trading_status = 'ACTIVE' and not exists (
        select
        from unwind.venue_halts h
        where h.venue = r.venue
          and h.isin = p.isin
      ) and (
        c.currency = ${accountCurrency}
        or unwind.has_rate(
          p.tenant_id, c.currency, (select unwind.market_time(${now})),
          ${rateAgeMsMax} * interval '1 millisecond'
        )
      ) and not ${isHaltedSql(ofPosition)} as tradable,
      exists (
        select
        from unwind.orders o
        where o.tenant_id = l.tenant_id
          and o.liquidation_id = l.liquidation_id
          and o.isin = p.isin
          and o.status = 'CANCELLED'
      ) as refused
    from l
    join unwind.positions p on p.tenant_id = l.tenant_id and p.account_id = l.account_id
    join unwind.instruments i on i.tenant_id = p.tenant_id and i.isin = p.isin
    cross join lateral unwind.routes(p.tenant_id, p.isin, ${mics}::text[]) as r
    cross join lateral (
      select coalesce(
        r.currency, (${currencies}::text[])[array_position(${mics}::text[], r.venue)], ${accountCurrency}
      ) as currency
    ) c
    where p.quantity > 0
    order by p.account_id, p.isin
    for no key update of p`;
  const holdings = new Map<LiquidationId, Holding[]>(liquidationIds.map((id) => [id, []]));
  for (const row of rows) {
    holdings.get(row.liquidation_id)?.push({
      isin: row.isin,
      quantity: decimal(row.quantity),
      locked: decimal(row.locked),
      held: decimal(row.held),
      fractional: row.fractional,
      tradable: row.tradable,
      refused: row.refused,
      route: routeOf(row),
      lotSize: row.lot_size === null ? undefined : decimal(row.lot_size),
    });
  }
  return holdings;
}

function routeOf({ venue, symbol, currency }: HoldingRow): Route | undefined {
  return venue === null ? undefined : { venue, symbol: symbol ?? undefined, currency };
}
