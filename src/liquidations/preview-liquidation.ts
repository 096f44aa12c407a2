// What a liquidation of an account would do now: the decision of the release (`nextStep`), asked of what the
// account holds at this moment, position by position, with what the pre-trade controls would stop. Nothing
// is locked, and nothing is stored.

import { assertNever } from '../assert.ts';
import { type Clock, later } from '../clock.ts';
import { previewStops } from '../controls/check-orders.ts';
import type { Finding } from '../controls/control.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import { positionsMax as usualPositionsMax } from '../limits.ts';
import { type Decimal, plain, proceedsOf, sellable, sum, zero } from '../money.ts';
import type { Refusal } from '../refusal.ts';
import { findOpenings, type Opening } from '../venue/calendar-store.ts';
import { refusalOf } from './create-liquidation.ts';
import { type NextStep, nextStep, type Sale, venuesNeeded } from './liquidation.ts';
import { findHoldings, findSituation, type SeenHolding, type Situation } from './preview-store.ts';

/** Why units are not sold, in the words of `unwind_v1.position_waits`; `held`: an open order sells them. */
export const unsoldReasons = [
  'fraction',
  'odd_lot',
  'inactive',
  'unlisted',
  'locked',
  'held',
  'halted',
  'no_rate',
] as const;

export type UnsoldReason = (typeof unsoldReasons)[number];

/** Units of a position that would not be sold. */
export interface Unsold {
  readonly reason: UnsoldReason;
  readonly quantity: Decimal;
  /** For a person. */
  readonly detail: string | undefined;
}

export interface PreviewPosition {
  readonly holding: SeenHolding;
  /** What is sold at once; with `unsold` it adds up to what is held. */
  readonly sold: Decimal;
  readonly unsold: readonly Unsold[];
  /** The controls that would stop its order if it was sent now. */
  readonly stops: readonly Finding[];
  /** Its venue when the release is due. */
  readonly opening: Opening | undefined;
  /** Of what is sold, in EUR; undefined: the book has no price. */
  readonly value: Decimal | undefined;
}

/** When a liquidation that is created now would be released. */
export interface PreviewRelease {
  /** On the market clock: its delay is over. */
  readonly dueAt: Date;
  /** Not before; undefined: not foreseeable. */
  readonly expectedAt: Date | undefined;
  /** What holds it after its delay. */
  readonly waiting:
    | { readonly reason: 'halted'; readonly detail: string }
    | { readonly reason: 'venue_closed'; readonly venues: readonly string[] }
    | undefined;
}

export interface Preview {
  readonly accountId: AccountId;
  /** On the market clock. */
  readonly marketAt: Date;
  readonly now: Date;
  /** Why a liquidation would be refused. */
  readonly refusal: Refusal | undefined;
  readonly runningId: LiquidationId | undefined;
  readonly release: PreviewRelease;
  /** What the release does. */
  readonly step: NextStep;
  /** By ISIN; none of an account that is too large. */
  readonly positions: readonly PreviewPosition[];
  /** EUR: what the new liquidation shows as its expected amount. */
  readonly cashAmount: string;
}

/** Undefined where the tenant has no such account. One snapshot of the database. */
export async function previewLiquidation(
  sql: Sql,
  clock: Clock,
  account: {
    readonly tenantId: TenantId;
    readonly accountId: AccountId;
    /** Whether the tenant may have one more open. */
    readonly hasRoom: boolean;
  },
  settings: { readonly releaseDelayMs: number; readonly positionsMax?: number },
): Promise<Preview | undefined> {
  const { releaseDelayMs, positionsMax = usualPositionsMax } = settings;
  const { tenantId, accountId } = account;
  const now = clock.now();
  const seen = await inTransaction(
    sql,
    async (tx) => {
      const which = { tenantId, accountId, positionsMax, now };
      const situation = await findSituation(tx, which);
      if (situation === undefined) return undefined;
      const { venues, rateAgeMsMax, marketAt } = situation;
      const terms = { tenantId, accountId, venues, rateAgeMsMax, now };
      const holdings = situation.isTooLarge ? [] : await findHoldings(tx, terms);
      const mics = venues.map(({ mic }) => mic);
      const openings = await findOpenings(tx, {
        venues: mics,
        at: later(marketAt, releaseDelayMs),
      });
      const step = nextStep(holdings, false);
      const stops = await findStops(tx, { tenantId, step, openings, now });
      return { situation, holdings, openings, step, stops };
    },
    { isolation: 'repeatable read' },
  );
  if (seen === undefined) return undefined;
  const { situation, holdings, openings, step, stops } = seen;
  const { accountStatus, runningId, isTooLarge, marketAt } = situation;
  const verdict = {
    account_status: accountStatus,
    running_id: runningId ?? null,
    is_too_large: isTooLarge,
  };
  const dueAt = later(marketAt, releaseDelayMs);
  return {
    accountId,
    marketAt,
    now,
    refusal: refusalOf(verdict, account),
    runningId,
    release: { dueAt, ...expectationOf(step, { situation, openings, dueAt }) },
    step,
    positions: holdings.map((holding) => positionOf(holding, { step, openings, stops })),
    cashAmount: situation.cashAmount,
  };
}

/**
 * What controls would stop, by ISIN: the orders of one venue after those of another, as they are claimed; those of
 * closed ones last.
 */
async function findStops(
  tx: Tx,
  what: {
    readonly tenantId: TenantId;
    readonly step: NextStep;
    readonly openings: readonly Opening[];
    readonly now: Date;
  },
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const { tenantId, step, openings, now } = what;
  const inTurn = openings.toSorted((a, b) => Number(b.isOpen) - Number(a.isOpen));
  const placeOf = ({ route }: Sale) => inTurn.findIndex(({ venue }) => venue === route.venue);
  const sales = step.type === 'sell' ? step.sales.toSorted((a, b) => placeOf(a) - placeOf(b)) : [];
  const orders = sales.map(({ isin, quantity }) => ({ isin, quantity: plain(quantity) }));
  const found = await previewStops(tx, { tenantId, orders, now });
  return new Map(orders.map(({ isin }, i) => [isin, found[i] ?? []]));
}

function expectationOf(
  step: NextStep,
  at: { situation: Situation; openings: readonly Opening[]; dueAt: Date },
): Omit<PreviewRelease, 'dueAt'> {
  const { haltedBy } = at.situation;
  if (haltedBy !== undefined) {
    return { expectedAt: undefined, waiting: { reason: 'halted', detail: haltedBy } };
  }
  const mics = at.openings.map(({ venue }) => venue);
  const needed = venuesNeeded(step, mics);
  const openings = at.openings.filter(({ venue }) => needed?.includes(venue));
  if (needed === undefined || openings.some(({ isOpen }) => isOpen)) {
    return { expectedAt: at.dueAt, waiting: undefined };
  }
  const [first] = openings
    .flatMap(({ opensAt }) => opensAt ?? [])
    .toSorted((a, b) => a.getTime() - b.getTime());
  return { expectedAt: first, waiting: { reason: 'venue_closed', venues: needed } };
}

function positionOf(
  holding: SeenHolding,
  seen: {
    readonly step: NextStep;
    readonly openings: readonly Opening[];
    readonly stops: ReadonlyMap<string, readonly Finding[]>;
  },
): PreviewPosition {
  const { step, openings, stops } = seen;
  const sales = step.type === 'sell' ? step.sales : [];
  const sold = sales.find(({ isin }) => isin === holding.isin)?.quantity ?? zero;
  const { price, route } = holding;
  return {
    holding,
    sold,
    unsold: unsoldOf(holding, sold),
    stops: stops.get(holding.isin) ?? [],
    opening: openings.find(({ venue }) => venue === route?.venue),
    value: price && proceedsOf({ quantity: sold, price }),
  };
}

/** What is not sold of a position, each unit by one reason, in the precedence of the views. */
function unsoldOf(holding: SeenHolding, sold: Decimal): readonly Unsold[] {
  const { quantity, locked, held, fractional, lotSize, route, obstacle } = holding;
  const inLots = (units: Decimal) => sellable(units, fractional, lotSize);
  const whole = sellable(quantity, fractional);
  const parts: [UnsoldReason, Decimal][] = [
    ['fraction', quantity.minus(whole)],
    ['odd_lot', whole.minus(inLots(quantity))],
  ];
  if (obstacle === 'inactive') parts.push(['inactive', inLots(quantity)]);
  else if (route === undefined) parts.push(['unlisted', inLots(quantity)]);
  else {
    const unlocked = inLots(quantity.minus(locked));
    const free = inLots(quantity.minus(locked).minus(held));
    parts.push(['locked', inLots(quantity).minus(unlocked)], ['held', unlocked.minus(free)]);
    if (obstacle !== undefined) parts.push([obstacle, free.minus(sold)]);
  }
  return parts.flatMap(([reason, units]) => {
    return units.gt(zero) ? [{ reason, quantity: units, detail: detailOf(reason, holding) }] : [];
  });
}

/** In the words of the views. */
function detailOf(reason: UnsoldReason, holding: SeenHolding): string | undefined {
  const { quantity, locked, route, lotSize, listedAt, haltedBy, currency, rateAsOf } = holding;
  switch (reason) {
    case 'fraction':
      return 'only whole units of the instrument are sold';
    case 'odd_lot':
      return (
        lotSize && route && `orders at ${route.venue} are multiples of ${plain(lotSize)} units`
      );
    case 'unlisted':
      return listedAt === undefined
        ? 'no listing says where it trades'
        : `listed at ${listedAt}, where the service does not trade`;
    case 'halted':
      return haltedBy ?? (route && `${route.venue} has halted it`);
    case 'no_rate':
      return rateAsOf === undefined
        ? `there is no rate for ${currency}`
        : `the last rate for ${currency} is of ${rateAsOf.toISOString()}`;
    case 'held':
      return 'open orders are selling it';
    case 'locked':
      return `${plain(locked)} of ${plain(quantity)} units are locked`;
    case 'inactive':
      return undefined;
    default:
      return assertNever(reason);
  }
}

/** What is sold in all, by the currency of its venue. */
export interface CurrencyTotal {
  readonly currency: string;
  readonly positions: number;
  /** EUR. */
  readonly value: Decimal;
  /** Positions among them that the book has no price for: their value is not in it. */
  readonly unpriced: number;
}

export function totalsOf(positions: readonly PreviewPosition[]): readonly CurrencyTotal[] {
  const selling = positions.filter(({ sold }) => sold.gt(zero));
  const byCurrency = Map.groupBy(selling, ({ holding }) => holding.currency);
  return [...byCurrency]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, some]) => ({
      currency,
      positions: some.length,
      value: sum(some.map(({ value }) => value ?? zero)),
      unpriced: some.filter(({ value }) => value === undefined).length,
    }));
}
