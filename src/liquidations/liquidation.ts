// A liquidation and the decision what it does next. Pure: what the account holds goes in, the next
// step comes out; release and every later round ask the same question.

import type { AccountId, LiquidationId, OrderId } from '../ids.ts';
import { type Decimal, sellable } from '../money.ts';

export type LiquidationStatus = 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';

/** Where each status may go; constraints of the table mirror it. */
export const liquidationTransitions = {
  NEW: ['PROCESSING', 'FILLED', 'CANCELLED'],
  PROCESSING: ['FILLED', 'CANCELLED'],
  FILLED: [],
  CANCELLED: [],
} as const satisfies Record<LiquidationStatus, readonly LiquidationStatus[]>;

/** Why a liquidation ended: `flat` when FILLED, all others when CANCELLED. */
export type EndReason = 'flat' | 'client' | 'refused' | 'limit' | 'abandoned';

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

export interface NewOrder {
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly isin: string;
  readonly round: number;
  readonly quantity: Decimal;
}

export type NextStep =
  | { readonly type: 'sell'; readonly sales: readonly { isin: string; quantity: Decimal }[] }
  | { readonly type: 'wait' }
  | { readonly type: 'end'; readonly status: 'FILLED'; readonly reason: 'flat' }
  | { readonly type: 'end'; readonly status: 'CANCELLED'; readonly reason: 'refused' | 'limit' };

/**
 * What a liquidation without open orders does next: sells what can be sold now, waits for what is
 * locked or halted, or ends (decisions, points 2, 3 and 5). `exhausted` when its rounds or its age
 * have reached their limit: then it ends with what was sold.
 */
export function nextStep(holdings: readonly Holding[], exhausted: boolean): NextStep {
  const open = holdings.filter((holding) => !holding.refused);
  const sales = open.flatMap((holding) => {
    const quantity = sellableNow(holding);
    return quantity.gt('0') ? [{ isin: holding.isin, quantity }] : [];
  });
  const unsold = open.some(({ quantity, fractional }) => sellable(quantity, fractional).gt('0'));
  if (unsold && exhausted) return { type: 'end', status: 'CANCELLED', reason: 'limit' };
  if (sales.length > 0) return { type: 'sell', sales };
  if (unsold) return { type: 'wait' };
  const refused = holdings.some((holding) => holding.refused && holding.quantity.gt('0'));
  if (refused) return { type: 'end', status: 'CANCELLED', reason: 'refused' };
  return { type: 'end', status: 'FILLED', reason: 'flat' };
}

function sellableNow({ quantity, locked, held, fractional, tradable }: Holding): Decimal {
  const free = quantity.minus(locked).minus(held);
  return tradable ? sellable(free, fractional) : free.times('0');
}
