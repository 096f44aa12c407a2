// The statements of a preview: whether the account could be liquidated now, and what it holds. What it holds is
// read by the statement that releases liquidations (holdings-store.ts), with what a person wants to know beside.

import type { AccountStatus } from '../book/account.ts';
import type { SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import { haltedBySql } from '../halts/halts-store.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import type { TradingVenue } from '../venue/venue.ts';
import {
  type HoldingRow,
  holdingsSql,
  type Obstacle,
  type SellingTerms,
  toHolding,
} from './holdings-store.ts';
import type { Holding } from './liquidation.ts';
import { isTooLargeSql } from './made-store.ts';
import { runningSql } from './store.ts';

interface OfAccount {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
}

/** An account that may be liquidated, and the market as the service knows it. */
export interface Situation {
  readonly accountStatus: AccountStatus;
  readonly runningId: LiquidationId | undefined;
  readonly isTooLarge: boolean;
  /** Who has halted all of it, and why; undefined: no one. */
  readonly haltedBy: string | undefined;
  readonly marketAt: Date;
  /** As the process recorded them that started last. */
  readonly venues: readonly TradingVenue[];
  readonly rateAgeMsMax: number;
  /** EUR: the indicative value that a new liquidation shows. */
  readonly cashAmount: string;
}

type SituationPart = Omit<Situation, 'venues' | 'rateAgeMsMax'>;

/** Undefined where the tenant has no such account. */
export async function findSituation(
  sql: SqlOrTx,
  which: OfAccount & { readonly positionsMax: number; readonly now: Date },
): Promise<Situation | undefined> {
  const { tenantId, accountId, now } = which;
  const whole = {
    tenantId: fragment`a.tenant_id`,
    accountId: fragment`a.account_id`,
    isin: fragment`null::text`,
    venue: fragment`null::text`,
  };
  const rows = await sql<
    (RowOf<SituationPart> & { venues: string[]; currencies: string[]; rate_age_ms: string })[]
  >`
    select
      a.status as account_status,
      (${runningSql(which)}) as running_id,
      ${isTooLargeSql(which, fragment`true`)} as is_too_large,
      ${haltedBySql(whole)} as halted_by,
      unwind.market_time(${now}) as market_at,
      t.venues, t.currencies,
      trunc(extract(epoch from t.rate_age_max) * 1000)::text as rate_age_ms,
      round(i.value, 2)::text as cash_amount
    from unwind.accounts a
    cross join unwind.trading t
    cross join lateral unwind.indicative_values(a.tenant_id, a.account_id, null) i
    where a.tenant_id = ${tenantId}
      and a.account_id = ${accountId}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { venues, currencies, rate_age_ms: rateAgeMs, ...situation } = row;
  return {
    ...thingOf<SituationPart>(situation),
    venues: venues.map((mic, i) => ({ mic, currency: currencies[i] ?? '' })),
    rateAgeMsMax: Number(rateAgeMs),
  };
}

/** A position as a preview sees it. */
export interface SeenHolding extends Holding {
  readonly name: string;
  /** Why it is not `tradable`. */
  readonly obstacle: Obstacle | undefined;
  /** In EUR; undefined: the book has none. */
  readonly price: Decimal | undefined;
  readonly pricedAt: Date | undefined;
  /** The currency of its venue. */
  readonly currency: string;
  /** Who has halted it, and why; undefined: no one but perhaps its venue. */
  readonly haltedBy: string | undefined;
  /** Where it is listed, by MIC; undefined: nowhere. */
  readonly listedAt: string | undefined;
  /** Of the last rate of its currency. */
  readonly rateAsOf: Date | undefined;
}

interface SeenRow extends HoldingRow {
  readonly name: string;
  readonly price: string | null;
  readonly priced_at: Date | null;
  readonly halted_by: string | null;
  readonly listed_at: string | null;
  readonly rate_as_of: Date | null;
}

/** What an account holds, by ISIN. Nothing is locked. */
export async function findHoldings(
  sql: SqlOrTx,
  which: OfAccount & SellingTerms,
): Promise<readonly SeenHolding[]> {
  const { tenantId, accountId, now } = which;
  const of = fragment`
    select ${tenantId}::uuid as tenant_id, null::uuid as liquidation_id, ${accountId}::uuid as account_id`;
  const ofHolding = {
    tenantId: fragment`s.tenant_id`,
    accountId: fragment`s.account_id`,
    isin: fragment`s.isin`,
    venue: fragment`s.venue`,
  };
  const rows = await sql<SeenRow[]>`
    select
      s.*, i.name, c.price, c.updated_at as priced_at,
      case when s.obstacle = 'halted' then ${haltedBySql(ofHolding)} end as halted_by,
      case when s.venue is null then (
        select string_agg(y.mic, ', ' order by y.mic)
        from unwind.listings y
        where y.tenant_id = s.tenant_id
          and y.isin = s.isin
      ) end as listed_at,
      case when s.obstacle = 'no_rate' then (
        select max(r.as_of)
        from unwind.rates r
        where r.tenant_id = s.tenant_id
          and r.currency = s.currency
          and r.as_of <= (select unwind.market_time(${now}))
      ) end as rate_as_of
    from (${holdingsSql(of, which)}) s
    join unwind.instruments i using (tenant_id, isin)
    left join unwind.prices c using (tenant_id, isin)
    order by s.isin`;
  return rows.map((row) => ({
    ...toHolding(row),
    name: row.name,
    obstacle: row.obstacle ?? undefined,
    price: row.price === null ? undefined : decimal(row.price),
    pricedAt: row.priced_at ?? undefined,
    currency: row.currency,
    haltedBy: row.halted_by ?? undefined,
    listedAt: row.listed_at ?? undefined,
    rateAsOf: row.rate_as_of ?? undefined,
  }));
}
