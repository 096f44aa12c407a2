// The price the simulated venue fixes when it accepts an order. Pure: the same order at the same
// instant always gets the same.

import { assertNever } from '../../assert.ts';
import { type Decimal, decimal } from '../../money.ts';
import { sandboxInstrument } from './behaviour.ts';
import { randomOf } from './random.ts';

/** Where no price was imported either. */
const defaultPrice = decimal('100');

const cent = decimal('0.01');

/** In the currency of the order, a unit. */
export function priceOf(order: {
  isin: string;
  clientOrderId: string;
  seed: string;
  imported: Decimal | undefined;
  at: Date;
}): Decimal {
  const { price } = sandboxInstrument(order.isin);
  switch (price.type) {
    case 'imported':
      return order.imported ?? defaultPrice;
    case 'fixed':
      return decimal(price.price);
    case 'wandering':
      return cent.times(decimal(String(8_000 + (randomOf('price', order) % 4_000))));
    case 'swinging':
      return cent.times(decimal(String(swingCents(order.at))));
    default:
      return assertNever(price);
  }
}

/** 200.00 EUR at the full hour, 300.00 half an hour later, and back. */
function swingCents(at: Date): number {
  const second = Math.floor(at.getTime() / 1_000) % 3_600;
  const upTo = second < 1_800 ? second : 3_600 - second;
  return 20_000 + Math.floor((upTo * 10_000) / 1_800);
}
