// A liquidation and the decision what it does next. Pure: what the account holds goes in, the next
// step comes out; release and every later round ask the same question.

import { assert, assertNever } from '../assert.ts';
import { positionsMax } from '../limits.ts';
import { type Decimal, plain, sellable, zero } from '../money.ts';
import { follow, type Transitions } from '../state-machine.ts';

/** What each status of a liquidation carries. */
export type LiquidationState =
  | { readonly status: 'NEW' }
  | { readonly status: 'PROCESSING'; readonly openOrders: number }
  | { readonly status: 'FILLED' | 'SETTLED'; readonly endReason: 'flat' }
  | { readonly status: 'CANCELLED'; readonly endReason: Exclude<EndReason, 'flat'> };

export type LiquidationStatus = LiquidationState['status'];

/** Why a liquidation ended: `flat` when FILLED (and SETTLED), all others when CANCELLED. */
export type EndReason = 'flat' | 'client' | 'refused' | 'limit' | 'abandoned';

/** Why one is ended before it is flat, although its orders are open or it was never released. */
export type StopReason = 'limit' | 'abandoned';

/**
 * The life of a liquidation: it is released, ends because the account is flat, or is cancelled by its
 * client, by a final refusal, at its limit of rounds or age, or by an operator. What is FILLED is settled
 * where its contract knows that (`settle-liquidations.ts`).
 */
export const liquidationTransitions = {
  NEW: {
    released: 'PROCESSING',
    flat: 'FILLED',
    client: 'CANCELLED',
    limit: 'CANCELLED',
    abandoned: 'CANCELLED',
  },
  PROCESSING: {
    flat: 'FILLED',
    refused: 'CANCELLED',
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
  readonly refused: boolean;
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
      readonly reason: 'flat' | 'refused' | StopReason;
      /** For a person: what stays in the account since it is less than a lot. */
      readonly note?: string | undefined;
    };

/**
 * What a liquidation without open orders does next: sells what can be sold now, waits for what is
 * locked or halted, or ends (decisions, points 2, 3 and 5). `exhausted` when its rounds or its age
 * have reached their limit: then it ends with what was sold. So does one that is stopped, unless nothing
 * is left; what its own end has cancelled does not count as refused.
 */
export function nextStep(
  holdings: readonly Holding[],
  exhausted: boolean,
  stopReason?: StopReason,
): NextStep {
  const isLeft = ({ quantity, fractional, lotSize }: Holding) => {
    return sellable(quantity, fractional, lotSize).gt('0');
  };
  const note = oddLotsIn(holdings);
  const end = (reason: Extract<NextStep, { type: 'end' }>['reason']): NextStep => {
    return { type: 'end', reason, ...(note === undefined ? {} : { note }) };
  };
  if (stopReason !== undefined && holdings.some(isLeft)) return end(stopReason);
  const open = holdings.filter((holding) => !holding.refused);
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
  const refused = holdings.some((holding) => holding.refused && holding.quantity.gt('0'));
  if (refused) return end('refused');
  return end('flat');
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
  return sellable(quantity.minus(locked).minus(held), fractional, lotSize);
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
  const text = `less than a lot stays in the account: ${odd.join(', ')}`;
  return text.length > noteMax ? `${text.slice(0, noteMax - 1)}…` : text;
}
