// What a liquidation does next, by what its account holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOf, type Holding, nextStep, type Route } from '../../src/liquidations/liquidation.ts';
import { decimal, plain } from '../../src/money.ts';
import { fc } from '../support/properties.ts';

interface Sketch {
  quantity?: string;
  locked?: string;
  held?: string;
  fractional?: boolean;
  tradable?: boolean;
  rejected?: boolean;
  isListed?: boolean;
  lotSize?: string;
}

const xsim: Route = { venue: 'XSIM', symbol: undefined, currency: 'EUR' };

function makeHolding(sketch: Sketch, i = 0): Holding {
  const { fractional = true, tradable = true, rejected = false } = sketch;
  const { isListed = true, lotSize } = sketch;
  return {
    isin: `XX000000000${i}`,
    quantity: decimal(sketch.quantity ?? '10'),
    locked: decimal(sketch.locked ?? '0'),
    held: decimal(sketch.held ?? '0'),
    fractional,
    tradable,
    rejected,
    route: isListed ? xsim : undefined,
    lotSize: lotSize === undefined ? undefined : decimal(lotSize),
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
    ['listed nowhere', [{ isListed: false }], 'wait'],
    ['listed nowhere beside another', [{ isListed: false }, {}], 'sell 10'],
    ['as many lots as there are', [{ quantity: '250.5', lotSize: '100' }], 'sell 200'],
    ['lots of a free part', [{ quantity: '250', locked: '51', lotSize: '100' }], 'sell 100'],
    ['less than a lot is free', [{ quantity: '250', locked: '200', lotSize: '100' }], 'wait'],
    ['less than a lot is not sellable', [{ quantity: '99', lotSize: '100' }], 'FILLED flat'],
    ['a lot of a fraction', [{ quantity: '1.2345', lotSize: '0.01' }], 'sell 1.23'],
    [
      'a lot of a fraction, whole units',
      [{ quantity: '1.2345', lotSize: '0.01', fractional: false }],
      'sell 1',
    ],
    ['halted beside another', [{ tradable: false }, {}], 'sell 10'],
    [
      'halted rest below a unit',
      [{ quantity: '0.5', fractional: false, tradable: false }],
      'FILLED flat',
    ],
    ['rejected', [{ rejected: true }], 'CANCELLED rejected'],
    ['rejected beside another', [{ rejected: true }, {}], 'sell 10'],
    ['rejected beside a halted one', [{ rejected: true }, { tradable: false }], 'wait'],
    ['rejected after all was sold', [{ rejected: true, quantity: '0' }], 'FILLED flat'],
    ['rejected, and locked', [{ rejected: true, locked: '10' }], 'CANCELLED rejected'],
    ['held by an open order', [{ held: '10' }], 'wait'],
  ];
  for (const [name, sketches, expected] of cases) assert.equal(told(sketches), expected, name);
});

test('point 3: a liquidation at its limit ends with what was sold', () => {
  assert.equal(told([{}], true), 'CANCELLED limit');
  assert.equal(told([{ locked: '10' }], true), 'CANCELLED limit');
  assert.equal(told([], true), 'FILLED flat');
  assert.equal(told([{ rejected: true }], true), 'CANCELLED rejected');
});

test('one that is stopped ends with what was sold, unless nothing is left', () => {
  const ends = (sketches: readonly Sketch[]) => {
    return nextStep(sketches.map(makeHolding), false, 'abandoned');
  };
  assert.deepEqual(ends([{}]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([{ locked: '10' }]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([{ rejected: true }]), { type: 'end', reason: 'abandoned' });
  assert.deepEqual(ends([]), { type: 'end', reason: 'flat' });
  assert.deepEqual(ends([{ quantity: '0.5', fractional: false }]), { type: 'end', reason: 'flat' });
});

test('point 3: never sells more than is free, nor what was rejected or is halted', () => {
  const sketch = fc.record({
    whole: fc.integer({ min: 0, max: 1_000 }),
    thousandths: fc.integer({ min: 0, max: 999 }),
    lockedShare: fc.integer({ min: 0, max: 4 }),
    fractional: fc.boolean(),
    tradable: fc.boolean(),
    rejected: fc.boolean(),
    lot: fc.option(fc.constantFrom('0.01', '1', '7', '100'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(sketch, { maxLength: 10 }), (sketches) => {
      const holdings = sketches.map((one, i): Holding => {
        const quantity = decimal(`${one.whole}.${String(one.thousandths).padStart(3, '0')}`);
        const locked = quantity.times(String(one.lockedShare)).times('0.25');
        const { fractional, tradable, rejected } = one;
        const isin = `XX00000000${String(i).padStart(2, '0')}`;
        const lotSize = one.lot === undefined ? undefined : decimal(one.lot);
        const rest = { route: xsim, lotSize };
        return {
          isin,
          quantity,
          locked,
          held: decimal('0'),
          fractional,
          tradable,
          rejected,
          ...rest,
        };
      });
      const step = nextStep(holdings, false);
      if (step.type !== 'sell') return;
      for (const sale of step.sales) {
        const holding = holdings.find((one) => one.isin === sale.isin);
        assert.ok(holding?.tradable && !holding.rejected);
        assert.ok(sale.quantity.gt('0'));
        assert.ok(sale.quantity.plus(holding.locked).lte(holding.quantity));
        if (!holding.fractional) assert.ok(sale.quantity.mod('1').eq('0'));
        if (holding.lotSize) assert.ok(sale.quantity.mod(holding.lotSize).eq('0'));
      }
    }),
  );
});

test('an end names what stays in the account since it is less than a lot', () => {
  const noteOf = (sketches: readonly Sketch[]) => {
    const step = nextStep(sketches.map(makeHolding), false);
    return step.type === 'end' ? step.note : step.type;
  };
  assert.equal(
    noteOf([{ quantity: '50.5', lotSize: '100' }, { quantity: '0' }]),
    'less than a lot stays in the account: 50.5 XX0000000000 (lots of 100 at XSIM)',
  );
  assert.equal(noteOf([{ quantity: '0.5', fractional: false, lotSize: '1' }]), undefined);
  const many = Array.from({ length: 40 }, () => ({ quantity: '5', lotSize: '10' }));
  assert.equal(noteOf(many)?.length, 500);
});
