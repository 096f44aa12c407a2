// The limit of an order: never below the collar, a multiple of the tick, and nothing where no price can be
// relied on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal } from '../../src/money.ts';
import { limitPriceOf } from '../../src/venue/fix/limit-price.ts';
import { fc } from '../support/properties.ts';

const at = new Date('2026-01-05T10:00:00.000Z');
const order = { isin: 'DE0007164600', currency: 'EUR', now: at };
const last = (price: string) => ({ price: decimal(price), currency: 'EUR', at });

const cases: readonly (readonly [price: string, collar: string, tick: string, limit: string])[] = [
  ['100', '5%', '0.01', '95'],
  ['100.01', '5%', '0.05', '95.05'],
  ['100', '2.5%', '0.5', '97.5'],
  ['12.345', '10%', '0.01', '11.12'],
  ['100', '20 ticks', '0.01', '99.8'],
  ['100.004', '1 tick', '0.01', '100'],
  ['0.03', '50%', '0.05', '0.05'],
  ['0.03', '20 ticks', '0.01', '0.01'],
  ['7', '0%', '0.25', '7'],
];
for (const [price, collar, tick, limit] of cases) {
  test(`${price} less ${collar}, by ticks of ${tick}, is ${limit}`, () => {
    const found = limitPriceOf(last(price), { collar, tick_size: tick }, order);
    assert.equal(typeof found === 'string' ? found : found.toFixed(), limit);
  });
}

test('a limit is a multiple of its tick, not below the collar, and less than a tick above it', () => {
  const cents = (most: number) => fc.integer({ min: 1, max: most });
  fc.assert(
    fc.property(
      cents(10_000_000),
      cents(1_000),
      fc.integer({ min: 0, max: 99 }),
      (p, t, percent) => {
        const tick = decimal('0.01').times(String(t));
        const price = decimal('0.01').times(String(p));
        const limits = { collar: `${percent}%`, tick_size: tick.toFixed() };
        const limit = limitPriceOf({ ...last('1'), price }, limits, order);
        assert.ok(typeof limit !== 'string');
        const lowest = price.times(String(100 - percent)).times('0.01');
        assert.ok(limit.mod(tick).eq('0') && limit.gte(lowest) && limit.gt('0'));
        assert.ok(limit.minus(lowest).lt(tick));
      },
    ),
  );
});

test('no limit is set by a price that is missing, in another currency or too old', () => {
  const limits = { collar: '5%', tick_size: '0.01', price_age_max_s: 60 };
  assert.match(String(limitPriceOf(undefined, limits, order)), /no price of DE0007164600 .*import/);
  const inDollars = { ...order, currency: 'USD' };
  assert.match(String(limitPriceOf(last('1'), limits, inDollars)), /is in EUR, the order in USD/);
  const later = { ...order, now: new Date(at.getTime() + 61_000) };
  assert.match(String(limitPriceOf(last('1'), limits, later)), /61 s old, and 60 s are allowed/);
});
