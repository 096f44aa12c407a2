// A liquidation and the decision what it does next. Pure: what the account holds goes in, the next
// step comes out; release and every later round ask the same question.

import { assert, assertNever } from '../assert.ts';
import { positionsMax } from '../limits.ts';
import { type Decimal, plain, sellable, smaller, zero } from '../money.ts';
import { follow, type Transitions } from '../state-machine.ts';

/** What each status of a liquidation carries. */
export type LiquidationState =
  | { readonly status: 'NEW' }
  | { readonly status: 'PROCESSING'; readonly openOrders: number }
  | { readonly status: 'FILLED' | 'SETTLED'; readonly endReason: 'flat' }
  | { readonly status: 'CANCELLED'; readonly endReason: Exclude<EndReason, 'flat'> };

export type LiquidationStatus = LiquidationState['status'];

/** Why a liquidation ended: `flat` when FILLED (and SETTLED), all others when CANCELLED. */
export const endReasons = ['flat', 'client', 'rejected', 'limit', 'abandoned'] as const;

export type EndReason = (typeof endReasons)[number];

/** Why one is ended before it is flat, although its orders are open or it was never released. */
export type StopReason = 'limit' | 'abandoned';

/**
 * The life of a liquidation: it is released, ends because the account is flat, or is cancelled by its
 * client, by a final rejection, at its limit of rounds or age, or by an operator. What is FILLED is settled
 * where its contract knows that (`settle-liquidations.ts`).
 */
export const liquidationTransitions = {
  NEW: {
    released: 'PROCESSING',
    flat: 'FILLED',
    rejected: 'CANCELLED',
    client: 'CANCELLED',
    limit: 'CANCELLED',
    abandoned: 'CANCELLED',
  },
  PROCESSING: {
    flat: 'FILLED',
    rejected: 'CANCELLED',
    limit: 'CANCELLED',
    abandoned: 'CANCELLED',
  },
  FILLED: { settled: 'SETTLED' },
  SETTLED: {},
  CANCELLED: {},
} as const satisfies Transitions<LiquidationStatus>;

/** The end that a reason leads to. @throws ImpossibleState where the table has no such end. */
export function endOf(
  from: LiquidationStatus,
  reason: EndReason,
): Extract<LiquidationState, { endReason: unknown }> {
  const status = follow(liquidationTransitions, { from, cause: reason });
  if (reason === 'flat') {
    assert(status === 'FILLED', 'what is flat is FILLED');
    return { status, endReason: reason };
  }
  assert(status === 'CANCELLED', 'every other end is CANCELLED');
  return { status, endReason: reason };
}

/** Where an instrument is sold, and as what. */
export interface Route {
  /** Its MIC. */
  readonly venue: string;
  /** What the venue calls it; undefined: no listing says. */
  readonly symbol: string | undefined;
  readonly currency: string;
}

/** One instrument an account holds, as a liquidation sees it. */
export interface Holding {
  readonly isin: string;
  readonly quantity: Decimal;
  readonly locked: Decimal;
  /** What open orders of the liquidation are selling. */
  readonly held: Decimal;
  readonly fractional: boolean;
  /** False while its trading is halted, the instrument is INACTIVE, or its currency has no rate. */
  readonly tradable: boolean;
  /** Where it is sold; undefined: no listing says. */
  readonly route: Route | undefined;
  /** Of how many units its orders are multiples; undefined: of any. */
  readonly lotSize: Decimal | undefined;
  /** True when an order for it ended CANCELLED in this liquidation: never tried a second time. */
  readonly rejected: boolean;
  /** Units that the keeper of the holdings did not grant, and its reason; undefined: none. */
  readonly withheld?: Withheld | undefined;
}

export interface Withheld {
  readonly quantity: Decimal;
  readonly reason: string | undefined;
}

export interface Sale {
  readonly isin: string;
  readonly quantity: Decimal;
  readonly route: Route;
}

export type NextStep =
  | { readonly type: 'sell'; readonly sales: readonly Sale[] }
  | { readonly type: 'wait' }
  | {
      readonly type: 'end';
      readonly reason: 'flat' | 'rejected' | StopReason;
      /** For a person: what stays in the account since it is less than a lot. */
      readonly note?: string | undefined;
    };

/**
 * What a liquidation without open orders does next: sells what can be sold now, waits for what is
 * locked or halted, or ends (decisions, points 2, 3 and 5). `exhausted` when its rounds or its age
 * have reached their limit: then it ends with what was sold. So does one that is stopped, unless nothing
 * is left; what its own end has cancelled does not count as rejected.
 */
export function nextStep(
  holdings: readonly Holding[],
  exhausted: boolean,
  stopReason?: StopReason,
): NextStep {
  const isLeft = ({ quantity, withheld, fractional, lotSize }: Holding) => {
    return sellable(quantity.minus(withheld?.quantity ?? zero), fractional, lotSize).gt('0');
  };
  const note = noteOf([oddLotsIn(holdings), withheldIn(holdings)]);
  const end = (reason: Extract<NextStep, { type: 'end' }>['reason']): NextStep => {
    return { type: 'end', reason, ...(note === undefined ? {} : { note }) };
  };
  if (stopReason !== undefined && holdings.some(isLeft)) return end(stopReason);
  const open = holdings.filter((holding) => !holding.rejected);
  const sales = open.flatMap((holding): readonly Sale[] => {
    const { isin, route } = holding;
    const quantity = sellableNow(holding);
    return route !== undefined && quantity.gt('0') ? [{ isin, quantity, route }] : [];
  });
  const unsold = open.some(isLeft);
  if (unsold && exhausted) return end('limit');
  // What is too much for one round is sold in the next.
  if (sales.length > 0) return { type: 'sell', sales: sales.slice(0, positionsMax) };
  if (unsold) return { type: 'wait' };
  const isRejected = holdings.some(({ rejected, withheld, quantity }) => {
    return quantity.gt('0') && (rejected || withheld?.quantity.gt('0') === true);
  });
  if (isRejected) return end('rejected');
  return end('flat');
}

/** The next step where nothing is sold that is not granted: it uses what was granted, or says what to ask for. */
export interface ReservedStep {
  /** `uses`: it sells by what was granted. `asks`: what it would sell has to be granted first. */
  readonly type: 'uses' | 'asks' | 'moves';
  readonly step: NextStep;
}

/**
 * What a liquidation does next whose holdings another party keeps. Of each instrument it sells what can be sold
 * now, and no more than was granted; what was not granted is left, for good. A grant of which nothing can be sold any
 * more is given up, and what can be sold instead is asked for.
 */
export function reservedStep(
  holdings: readonly Holding[],
  how: {
    readonly exhausted: boolean;
    readonly stopReason: StopReason | undefined;
    /** Units by ISIN; undefined: nothing is granted that is not used. */
    readonly granted: ReadonlyMap<string, Decimal> | undefined;
  },
): ReservedStep {
  const step = nextStep(holdings, how.exhausted, how.stopReason);
  if (step.type !== 'sell') return { type: 'moves', step };
  const byIsin = new Map(holdings.map((holding) => [holding.isin, holding]));
  const sales = step.sales.flatMap((sale): readonly Sale[] => {
    const holding = byIsin.get(sale.isin);
    const units = smaller(sale.quantity, how.granted?.get(sale.isin) ?? zero);
    if (holding === undefined || !units.gt('0')) return [];
    const quantity = sellable(units, holding.fractional, holding.lotSize);
    return quantity.gt('0') ? [{ ...sale, quantity }] : [];
  });
  if (sales.length > 0) return { type: 'uses', step: { type: 'sell', sales } };
  return { type: 'asks', step };
}

/**
 * The venues of which one has to be open for a NEW liquidation to be released with this step; undefined: it
 * needs none, since it ends.
 */
export function venuesNeeded(
  step: NextStep,
  venues: readonly string[],
): readonly string[] | undefined {
  switch (step.type) {
    case 'sell':
      return [...new Set(step.sales.map(({ route }) => route.venue))];
    case 'wait':
      return venues;
    case 'end':
      return undefined;
    default:
      return assertNever(step);
  }
}

function sellableNow(holding: Holding): Decimal {
  const { quantity, locked, held, fractional, tradable, route, lotSize } = holding;
  if (!tradable || route === undefined) return zero;
  const free = quantity
    .minus(locked)
    .minus(held)
    .minus(holding.withheld?.quantity ?? zero);
  return sellable(free.gt('0') ? free : zero, fractional, lotSize);
}

/** Characters of a note. */
const noteMax = 500;

/** What could be sold if it were not less than a lot; what less than a unit is, is not worth a note. */
function oddLotsIn(holdings: readonly Holding[]): string | undefined {
  const odd = holdings.flatMap(({ isin, quantity, fractional, lotSize, route }) => {
    if (lotSize === undefined || route === undefined) return [];
    const isOdd = sellable(quantity, fractional).gt('0');
    if (!isOdd || sellable(quantity, fractional, lotSize).gt('0')) return [];
    return [`${plain(quantity)} ${isin} (lots of ${plain(lotSize)} at ${route.venue})`];
  });
  if (odd.length === 0) return undefined;
  return `less than a lot stays in the account: ${odd.join(', ')}`;
}

/** What the keeper of the holdings did not grant, each with its reason. */
function withheldIn(holdings: readonly Holding[]): string | undefined {
  const kept = holdings.flatMap(({ isin, quantity, withheld }) => {
    if (withheld === undefined || !withheld.quantity.gt('0') || !quantity.gt('0')) return [];
    const { reason } = withheld;
    return [`${plain(withheld.quantity)} ${isin}${reason === undefined ? '' : ` (${reason})`}`];
  });
  return kept.length === 0
    ? undefined
    : `not granted by the keeper of the holdings: ${kept.join(', ')}`;
}

function noteOf(parts: readonly (string | undefined)[]): string | undefined {
  const text = parts.filter((part) => part !== undefined).join('; ');
  if (text === '') return undefined;
  return text.length > noteMax ? `${text.slice(0, noteMax - 1)}…` : text;
}
