// Exact money: the code and the database round alike, half-even to the cent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal, plain, proceedsOf, sellable, sum } from '../../src/money.ts';
import { createTestDatabase } from '../support/database.ts';
import { fc } from '../support/properties.ts';

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const quantities = fc.tuple(digits(9), digits(15)).map(([a, b]) => `${BigInt(a)}.${b}`);
const prices = fc.tuple(digits(6), digits(12)).map(([a, b]) => `${BigInt(a)}.${b}`);

test('point 1: proceeds are rounded half-even to the cent', () => {
  const cases = [
    ['1', '0.005', '0'],
    ['1', '0.015', '0.02'],
    ['1', '0.025', '0.02'],
    ['1', '0.0250000000001', '0.03'],
    ['10', '85.22', '852.2'],
    ['0.000000000000001', '1', '0'],
    ['3', '0.335', '1'],
    ['123456789.123456789012345', '99999.123456789012', '12345570697135.32'],
  ] as const;
  for (const [quantity, price, expected] of cases) {
    const proceeds = proceedsOf({ quantity: decimal(quantity), price: decimal(price) });
    assert.equal(plain(proceeds), expected, `${quantity} × ${price}`);
  }
});

test('a decimal takes plain notation only and never a number', () => {
  for (const text of ['', ' 1', '1,5', 'NaN', 'Infinity', '0x10', '1.', '.5', '1e3', '+1', '--1']) {
    assert.throws(() => decimal(text), RangeError, JSON.stringify(text));
  }
  assert.throws(() => decimal(1 as unknown as string));
  assert.equal(plain(decimal('0.000000000000001')), '0.000000000000001');
});

test('only whole units of an instrument that is not fractional are sellable', () => {
  assert.equal(plain(sellable(decimal('7.999'), false)), '7');
  assert.equal(plain(sellable(decimal('7.999'), true)), '7.999');
  assert.equal(plain(sellable(decimal('0.5'), false)), '0');
});

test('point 1: the database rounds and cuts as the code does', async (t) => {
  const { sql } = await createTestDatabase(t);
  const cases = fc.sample(fc.tuple(quantities, prices), 2_000);
  cases.push(...['0.5', '1.5', '2.5', '3.5'].map((p): [string, string] => ['0.01', p]));
  const rows = await sql<{ cents: string; whole: string }[]>`
    select
      trim_scale(unwind.to_cents(n.quantity * n.price)) as cents,
      trim_scale(unwind.sellable(n.quantity, false)) as whole
    from unnest(
      ${cases.map(([quantity]) => quantity)}::numeric[],
      ${cases.map(([, price]) => price)}::numeric[]
    ) with ordinality as n (quantity, price, place)
    order by n.place`;
  assert.equal(rows.length, cases.length);
  for (const [i, row] of rows.entries()) {
    const [quantity, price] = (cases[i] ?? []).map((text) => decimal(text));
    assert.ok(quantity && price);
    assert.equal(row.cents, plain(proceedsOf({ quantity, price })), String(cases[i]));
    assert.equal(row.whole, plain(sellable(quantity, false)));
  }
});

test('a sum is exact', () => {
  fc.assert(
    fc.property(fc.array(quantities, { maxLength: 20 }), (texts) => {
      const scaled = texts.map((text) => {
        const [whole = '', part = ''] = text.split('.');
        return BigInt(whole) * 10n ** 15n + BigInt(part.padEnd(15, '0'));
      });
      const total = scaled.reduce((a, b) => a + b, 0n);
      const expected = decimal(
        `${total / 10n ** 15n}.${String(total % 10n ** 15n).padStart(15, '0')}`,
      );
      assert.ok(sum(texts.map(decimal)).eq(expected));
    }),
  );
});
