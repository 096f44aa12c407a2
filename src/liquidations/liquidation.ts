// A liquidation and the decision what it does next. Pure: what the account holds goes in, the next
// step comes out; release and every later round ask the same question.

import { assert } from '../assert.ts';
import { positionsMax } from '../limits.ts';
import { type Decimal, sellable } from '../money.ts';
import { follow, type Transitions } from '../state-machine.ts';

/** What each status of a liquidation carries. */
export type LiquidationState =
  | { readonly status: 'NEW' }
  | { readonly status: 'PROCESSING'; readonly openOrders: number }
  | { readonly status: 'FILLED'; readonly endReason: 'flat' }
  | { readonly status: 'CANCELLED'; readonly endReason: Exclude<EndReason, 'flat'> };

export type LiquidationStatus = LiquidationState['status'];

/** Why a liquidation ended: `flat` when FILLED, all others when CANCELLED. */
export type EndReason = 'flat' | 'client' | 'refused' | 'limit' | 'abandoned';

/** Why one is ended before it is flat, although its orders are open or it was never released. */
export type StopReason = 'limit' | 'abandoned';

/**
 * The life of a liquidation: it is released, ends because the account is flat, or is cancelled by its
 * client, by a final refusal, at its limit of rounds or age, or by an operator.
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
  FILLED: {},
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

/** One instrument an account holds, as a liquidation sees it. */
export interface Holding {
  readonly isin: string;
  readonly quantity: Decimal;
  readonly locked: Decimal;
  /** What open orders of the liquidation are selling. */
  readonly held: Decimal;
  readonly fractional: boolean;
  /** False while its trading is halted or the instrument is INACTIVE. */
  readonly tradable: boolean;
  /** True when an order for it ended CANCELLED in this liquidation: never tried a second time. */
  readonly refused: boolean;
}

export type NextStep =
  | { readonly type: 'sell'; readonly sales: readonly { isin: string; quantity: Decimal }[] }
  | { readonly type: 'wait' }
  | { readonly type: 'end'; readonly reason: 'flat' | 'refused' | StopReason };

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
  const isLeft = ({ quantity, fractional }: Holding) => sellable(quantity, fractional).gt('0');
  if (stopReason !== undefined && holdings.some(isLeft)) return { type: 'end', reason: stopReason };
  const open = holdings.filter((holding) => !holding.refused);
  const sales = open.flatMap((holding) => {
    const quantity = sellableNow(holding);
    return quantity.gt('0') ? [{ isin: holding.isin, quantity }] : [];
  });
  const unsold = open.some(isLeft);
  if (unsold && exhausted) return { type: 'end', reason: 'limit' };
  // What is too much for one round is sold in the next.
  if (sales.length > 0) return { type: 'sell', sales: sales.slice(0, positionsMax) };
  if (unsold) return { type: 'wait' };
  const refused = holdings.some((holding) => holding.refused && holding.quantity.gt('0'));
  if (refused) return { type: 'end', reason: 'refused' };
  return { type: 'end', reason: 'flat' };
}

function sellableNow({ quantity, locked, held, fractional, tradable }: Holding): Decimal {
  const free = quantity.minus(locked).minus(held);
  return tradable ? sellable(free, fractional) : free.times('0');
}
