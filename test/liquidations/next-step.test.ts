// What a liquidation does next, by what its account holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endOf, type Holding, nextStep } from '../../src/liquidations/liquidation.ts';
import { decimal, plain } from '../../src/money.ts';

interface Sketch {
  quantity?: string;
  locked?: string;
  held?: string;
  fractional?: boolean;
  tradable?: boolean;
  refused?: boolean;
}

function makeHolding(sketch: Sketch, i = 0): Holding {
  const { fractional = true, tradable = true, refused = false } = sketch;
  return {
    isin: `XX000000000${i}`,
    quantity: decimal(sketch.quantity ?? '10'),
    locked: decimal(sketch.locked ?? '0'),
    held: decimal(sketch.held ?? '0'),
    fractional,
    tradable,
    refused,
  };
}

function told(sketches: readonly Sketch[], exhausted = false): string {
  const step = nextStep(sketches.map(makeHolding), exhausted);
  switch (step.type) {
    case 'sell':
      return `sell ${step.sales.map((sale) => plain(sale.quantity)).join(' ')}`;
    case 'wait':
      return 'wait';
    case 'end':
      return `${endOf('PROCESSING', step.reason).status} ${step.reason}`;
  }
}

test('next steps', () => {
  const cases: readonly [string, readonly Sketch[], string][] = [
    ['nothing held', [], 'FILLED flat'],
    ['sold out', [{ quantity: '0' }], 'FILLED flat'],
    ['one position', [{}], 'sell 10'],
    ['fractions', [{ quantity: '0.000000001' }], 'sell 0.000000001'],
    ['whole units only', [{ quantity: '10.9', fractional: false }], 'sell 10'],
    ['less than a unit is not sellable', [{ quantity: '0.9', fractional: false }], 'FILLED flat'],
    ['locked', [{ locked: '10' }], 'wait'],
    ['locked in part', [{ locked: '4' }], 'sell 6'],
    ['locked, whole units', [{ quantity: '10.9', locked: '0.95', fractional: false }], 'sell 9'],
    ['halted', [{ tradable: false }], 'wait'],
    ['halted beside another', [{ tradable: false }, {}], 'sell 10'],
    [
      'halted rest below a unit',
      [{ quantity: '0.5', fractional: false, tradable: false }],
      'FILLED flat',
    ],
    ['refused', [{ refused: true }], 'CANCELLED refused'],
    ['refused beside another', [{ refused: true }, {}], 'sell 10'],
    ['refused beside a halted one', [{ refused: true }, { tradable: false }], 'wait'],
    ['refused after all was sold', [{ refused: true, quantity: '0' }], 'FILLED flat'],
    ['refused, and locked', [{ refused: true, locked: '10' }], 'CANCELLED refused'],
    ['held by an open order', [{ held: '10' }], 'wait'],
  ];
  for (const [name, sketches, expected] of cases) assert.equal(told(sketches), expected, name);
});

test('point 3: a liquidation at its limit ends with what was sold', () => {
  assert.equal(told([{}], true), 'CANCELLED limit');
  assert.equal(told([{ locked: '10' }], true), 'CANCELLED limit');
  assert.equal(told([], true), 'FILLED flat');
  assert.equal(told([{ refused: true }], true), 'CANCELLED refused');
});

test('one that is stopped ends with what was sold, unless nothing is left', () => {
  const ends = (sketches: readonly Sketch[]) => {
    return nextStep(sketches.map(makeHolding), false, 'abandoned');
  };
  assert.deepEqual(ends([{}]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([{ locked: '10' }]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([{ refused: true }]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([]), { type: 'end', reason: 'flat' });
  assert.deepEqual(ends([{ quantity: '0.5', fractional: false }]), { type: 'end', reason: 'flat' });
});

test('point 3: never sells more than is free, nor what was refused or is halted', () => {
  const sketch = fc.record({
    whole: fc.integer({ min: 0, max: 1_000 }),
    thousandths: fc.integer({ min: 0, max: 999 }),
    lockedShare: fc.integer({ min: 0, max: 4 }),
    fractional: fc.boolean(),
    tradable: fc.boolean(),
    refused: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(sketch, { maxLength: 10 }), (sketches) => {
      const holdings = sketches.map((one, i): Holding => {
        const quantity = decimal(`${one.whole}.${String(one.thousandths).padStart(3, '0')}`);
        const locked = quantity.times(String(one.lockedShare)).times('0.25');
        const { fractional, tradable, refused } = one;
        const isin = `XX00000000${String(i).padStart(2, '0')}`;
        return { isin, quantity, locked, held: decimal('0'), fractional, tradable, refused };
      });
      const step = nextStep(holdings, false);
      if (step.type !== 'sell') return;
      for (const sale of step.sales) {
        const holding = holdings.find((one) => one.isin === sale.isin);
        assert.ok(holding?.tradable && !holding.refused);
        assert.ok(sale.quantity.gt('0'));
        assert.ok(sale.quantity.plus(holding.locked).lte(holding.quantity));
        if (!holding.fractional) assert.ok(sale.quantity.mod('1').eq('0'));
      }
    }),
  );
});
