// The price of a limit order: the last price that is known of the instrument less the collar that the
// profile of the venue allows, rounded by its tick so that nothing is sold below the collar. Pure.

import { type Decimal, decimal } from '../../money.ts';
import type { LimitOrders } from './profile.ts';

/** The last price of an instrument, as the book has it. */
export interface LastPrice {
  readonly price: Decimal;
  readonly currency: string;
  readonly at: Date;
}

const hundredth = decimal('0.01');

/** @returns the limit (FIX 44), or why there is none. */
export function limitPriceOf(
  last: LastPrice | undefined,
  limits: LimitOrders,
  order: { isin: string; currency: string; now: Date },
): Decimal | string {
  const { isin, currency, now } = order;
  if (last === undefined) return `no price of ${isin} is known to set a limit by: import one`;
  if (last.currency !== currency) {
    return `the last price of ${isin} is in ${last.currency}, the order in ${currency}`;
  }
  const { price_age_max_s: ageMax } = limits;
  const ageS = Math.floor((now.getTime() - last.at.getTime()) / 1_000);
  if (ageMax !== undefined && ageS > ageMax) {
    return `the last price of ${isin} is ${ageS} s old, and ${ageMax} s are allowed: import a newer one`;
  }
  return below(last.price, limits);
}

/** A multiple of the tick, and at least one. */
function below(price: Decimal, { collar, tick_size }: LimitOrders): Decimal {
  const tick = decimal(tick_size);
  const [, amount = '0', unit] = /^([\d.]+) ?(%|ticks?)$/.exec(collar) ?? [];
  const off =
    unit === '%'
      ? price.times(decimal(amount)).times(hundredth)
      : tick.times(decimal(amount).toFixed());
  const lowest = price.minus(off);
  const rest = lowest.mod(tick);
  const rounded = rest.eq('0') ? lowest : lowest.minus(rest).plus(tick);
  return rounded.lt(tick) ? tick : rounded;
}
