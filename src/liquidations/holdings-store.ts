// The statement that reads what accounts hold when their liquidations move on, and where each of it is sold. A
// preview reads the same (preview-store.ts).

import type { Tx } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { isHaltedSql } from '../halts/halts-store.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { accountCurrency, decimal } from '../money.ts';
import { liquidationsNamed } from '../orders/liquidations-named.ts';
import type { TradingVenue } from '../venue/venue.ts';
import type { Holding, Route } from './liquidation.ts';

/** What keeps an instrument from being sold now. */
export type Obstacle = 'inactive' | 'halted' | 'no_rate';

export interface HoldingRow {
  readonly isin: string;
  readonly quantity: string;
  readonly locked: string;
  readonly held: string;
  readonly fractional: boolean;
  readonly obstacle: Obstacle | null;
  readonly rejected: boolean;
  readonly venue: string | null;
  readonly symbol: string | null;
  readonly currency: string;
  readonly lot_size: string | null;
}

/** Where and under what conditions things are sold. */
export interface SellingTerms {
  /** The first of them that suits is sold at. */
  readonly venues: readonly TradingVenue[];
  /** What is sold in another currency needs a rate that is no older, in ms. */
  readonly rateAgeMsMax: number;
  readonly now: Date;
}

const ofPosition = {
  tenantId: fragment`p.tenant_id`,
  accountId: fragment`p.account_id`,
  isin: fragment`p.isin`,
  venue: fragment`r.venue`,
};

/**
 * SQL: what accounts hold, a row for each position, with the venue that it is sold at.
 * @param of selects tenant_id, liquidation_id (null: of none) and account_id of each.
 */
export function holdingsSql(of: Fragment, { venues, rateAgeMsMax, now }: SellingTerms): Fragment {
  const mics = venues.map(({ mic }) => mic);
  const currencies = venues.map(({ currency }) => currency);
  // Joined by the tenant alone, ids and positions would be held against each other, each against all.
  return fragment`
    with l as materialized (${of})
    select
      l.liquidation_id, p.tenant_id, p.account_id, p.isin, p.quantity, p.locked, p.held, i.fractional, r.venue,
      r.symbol, c.currency, r.lot_size,
      case
        when i.trading_status <> 'ACTIVE' then 'inactive'
        when exists (
          select
          from unwind.venue_halts h
          where h.venue = r.venue
            and h.isin = p.isin
        ) then 'halted'
        when ${isHaltedSql(ofPosition)} then 'halted'
        when c.currency <> ${accountCurrency}
          and not unwind.has_rate(
            p.tenant_id, c.currency, (select unwind.market_time(${now})),
            ${rateAgeMsMax} * interval '1 millisecond'
          )
          then 'no_rate'
      end as obstacle,
      exists (
        select
        from unwind.orders o
        where o.tenant_id = l.tenant_id
          and o.liquidation_id = l.liquidation_id
          and o.isin = p.isin
          and o.status = 'CANCELLED'
      ) as rejected
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
    order by p.account_id, p.isin`;
}

/** Locks and reads what the accounts of these liquidations hold. */
export async function lockHoldings(
  tx: Tx,
  which: SellingTerms & {
    readonly tenantId: TenantId;
    readonly liquidationIds: readonly LiquidationId[];
  },
): Promise<ReadonlyMap<LiquidationId, readonly Holding[]>> {
  const { tenantId, liquidationIds } = which;
  const of = fragment`
      select l.tenant_id, l.liquidation_id, l.account_id
      from ${liquidationsNamed(tenantId, liquidationIds)}
      join unwind.liquidations l using (tenant_id, liquidation_id)`;
  const rows = await tx<(HoldingRow & { readonly liquidation_id: LiquidationId })[]>`
    ${holdingsSql(of, which)}
    for no key update of p`;
  const holdings = new Map<LiquidationId, Holding[]>(liquidationIds.map((id) => [id, []]));
  for (const row of rows) holdings.get(row.liquidation_id)?.push(toHolding(row));
  return holdings;
}

export function toHolding(row: HoldingRow): Holding {
  return {
    isin: row.isin,
    quantity: decimal(row.quantity),
    locked: decimal(row.locked),
    held: decimal(row.held),
    fractional: row.fractional,
    tradable: row.obstacle === null,
    rejected: row.rejected,
    route: routeOf(row),
    lotSize: row.lot_size === null ? undefined : decimal(row.lot_size),
  };
}

function routeOf({ venue, symbol, currency }: HoldingRow): Route | undefined {
  return venue === null ? undefined : { venue, symbol: symbol ?? undefined, currency };
}
