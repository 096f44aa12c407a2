// What controls find, at their very limits: pure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import {
  DayValue,
  findingsOf,
  type Limits,
  noLimits,
  type OrderFacts,
  type OrderLimits,
  strictest,
} from '../../src/controls/control.ts';
import { type Decimal, decimal, sum, zero } from '../../src/money.ts';
import { fc } from '../support/properties.ts';

const now = new Date('2026-03-02T10:00:00.000Z');

interface Told {
  readonly quantity?: string;
  readonly price?: string | undefined;
  readonly ageMs?: number;
  readonly executed?: string;
}

function facts({ quantity = '1', price, ageMs = 0, executed }: Told): OrderFacts {
  return {
    quantity: decimal(quantity),
    price: price === undefined ? undefined : { price: decimal(price), at: later(now, -ageMs) },
    executedPrice: executed === undefined ? undefined : decimal(executed),
  };
}

const limits = (over: Partial<Limits>): Limits => ({ ...noLimits, ...over });

test('each control stops what is beyond its limit, and nothing that is at it', () => {
  const quantity = limits({ orderQuantityMax: decimal('10') });
  const value = limits({ orderValueMax: decimal('100') });
  const age = limits({ priceAgeMaxS: 60 });
  const collar = limits({ priceCollarPercent: decimal('5') });
  const cases: readonly [what: string, Told, Limits, found: string | undefined][] = [
    ['no limit', { quantity: '1000000' }, noLimits, undefined],
    ['units at the limit', { quantity: '10' }, quantity, undefined],
    [
      'units beyond it',
      { quantity: '10.000000000000001' },
      quantity,
      'order_quantity: 10.000000000000001 units, at most 10',
    ],
    ['value at the limit', { quantity: '8', price: '12.5' }, value, undefined],
    [
      'value beyond it by less than a cent',
      { quantity: '8', price: '12.500000000001' },
      value,
      'order_value: EUR 100.01, at most EUR 100',
    ],
    ['value without a price', {}, value, 'order_value: no price is known'],
    ['a price as old as may be', { price: '1', ageMs: 60_000 }, age, undefined],
    [
      'a price that is older',
      { price: '1', ageMs: 60_001 },
      age,
      'price_age: the last price is 60 s old, at most 60 s',
    ],
    ['no price at all', {}, age, 'price_age: no price is known'],
    ['sold at the lower end of the collar', { price: '20', executed: '19' }, collar, undefined],
    ['sold at the upper end of the collar', { price: '20', executed: '21' }, collar, undefined],
    [
      'sold below it',
      { price: '20', executed: '18.99' },
      collar,
      'price_collar: the last price is EUR 20, sold last for EUR 18.99, more than 5 % away',
    ],
    [
      'sold above it',
      { price: '20', executed: '21.000000000001' },
      collar,
      'price_collar: the last price is EUR 20, sold last for EUR 21.000000000001, more than 5 % away',
    ],
    ['not sold lately', { price: '20' }, collar, undefined],
    ['sold, and no price any more', { executed: '20' }, collar, 'price_collar: no price is known'],
  ];
  for (const [what, told, of, found] of cases) {
    const [first, ...others] = findingsOf(facts(told), of, now);
    assert.equal(first && `${first.control}: ${first.detail}`, found, what);
    assert.deepEqual(others, [], what);
  }
});

test('an order that breaks several controls names each', () => {
  const all = limits({
    orderQuantityMax: decimal('1'),
    orderValueMax: decimal('1'),
    priceAgeMaxS: 1,
    priceCollarPercent: decimal('1'),
  });
  const found = findingsOf(
    facts({ quantity: '2', price: '5', ageMs: 5_000, executed: '9' }),
    all,
    now,
  );
  assert.deepEqual(
    found.map(({ control }) => control),
    ['order_quantity', 'order_value', 'price_age', 'price_collar'],
  );
});

test('of the limits of the tenant and of all the stricter holds', () => {
  const own = limits({ orderValueMax: decimal('10'), priceAgeMaxS: 60 });
  const ofAll = limits({
    orderValueMax: decimal('20'),
    priceAgeMaxS: 30,
    orderQuantityMax: decimal('3'),
  });
  const { rejections: _, fourEyesMax: __, ...none } = noLimits;
  const expected = {
    ...none,
    orderValueMax: decimal('10'),
    priceAgeMaxS: 30,
    orderQuantityMax: decimal('3'),
  };
  const orders = [own, ofAll];
  assert.deepEqual(orders.reduce<OrderLimits>(strictest, none), expected);
  assert.deepEqual(orders.toReversed().reduce<OrderLimits>(strictest, none), expected);
});

test('the value of a day is never exceeded by what passes, and nothing that fits is stopped', () => {
  const cents = fc.bigInt({ min: 1n, max: 100_000n });
  const amount = (n: bigint): Decimal =>
    decimal(`${n / 100n}.${String(n % 100n).padStart(2, '0')}`);
  const property = fc.property(
    fc.array(fc.record({ quantity: cents, price: cents }), { maxLength: 30 }),
    cents.map((n) => n * 1_000n),
    cents,
    (orders, max, before) => {
      const day = new DayValue(amount(max), amount(before));
      let total = amount(before);
      for (const { quantity, price } of orders) {
        const one = {
          quantity: amount(quantity),
          price: { price: amount(price), at: now },
          executedPrice: undefined,
        };
        const next = sum([total, amount(price).times(amount(quantity))]);
        const finding = day.findingOf(one);
        assert.equal(finding === undefined, !next.gt(amount(max)));
        if (finding !== undefined) continue;
        day.add(one);
        total = next;
      }
      assert.ok(total.eq(amount(before)) || !total.gt(amount(max)));
    },
  );
  fc.assert(property);
  const empty = new DayValue(decimal('1'), zero);
  assert.equal(empty.findingOf(facts({}))?.detail, 'no price is known');
});
