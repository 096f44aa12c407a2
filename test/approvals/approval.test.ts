// What needs a second person, and who is one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Asker,
  hasGrown,
  isSamePerson,
  passedLimit,
  totalOf,
} from '../../src/approvals/approval.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { newId } from '../../src/ids.ts';
import { decimal, plain } from '../../src/money.ts';
import { fc } from '../support/properties.ts';

const [a, b] = [newId<'tenant'>(), newId<'tenant'>()];
const held = (tenantId: typeof a, value: string | undefined) => {
  return { tenantId, value: value === undefined ? undefined : decimal(value) };
};
const limit = (tenantId: typeof a, max: string) => ({ tenantId, max: decimal(max) });

test('what is equal to a limit keeps it, and what is not known passes every limit', () => {
  const passed = (value: string | undefined, max: string) => {
    return passedLimit([held(a, value)], [limit(a, max)]) !== undefined;
  };
  assert.equal(passed('100.000000000001', '100'), true);
  assert.equal(passed('100', '100'), false);
  assert.equal(passed(undefined, '100'), true);
  assert.equal(passedLimit([], [limit(a, '1')]), undefined, 'a halt that holds nothing');
  assert.equal(passedLimit([held(a, '5')], []), undefined, 'without limits');
  assert.equal(totalOf([held(a, '1'), held(b, undefined)]), undefined);
});

test('a limit of one tenant is about what is held of it, one across all about the total', () => {
  const both = [held(a, '60'), held(b, '60')];
  const passed = (limits: Parameters<typeof passedLimit>[1]) => passedLimit(both, limits);
  assert.equal(passed([limit(a, '60'), limit(b, '60')]), undefined);
  assert.equal(passed([limit(everyTenant, '120')]), undefined);
  const smallest = passed([limit(everyTenant, '119'), limit(a, '59'), limit(b, '60')]);
  assert.equal(smallest && plain(smallest), '59');
});

test('a limit is passed exactly where the sum is more', () => {
  const cents = fc.bigInt({ min: 0n, max: 10n ** 24n });
  const text = (n: bigint) => `${n / 100n}.${String(n % 100n).padStart(2, '0')}`;
  fc.assert(
    fc.property(fc.array(cents, { maxLength: 5 }), cents, (values, max) => {
      const all = values.map((value) => held(newId<'tenant'>(), text(value)));
      const isPassed = passedLimit(all, [limit(everyTenant, text(max))]) !== undefined;
      assert.equal(isPassed, values.reduce((x, y) => x + y, 0n) > max);
    }),
  );
});

test('what has grown is more than a tenth above what was asked for, or has no value any more', () => {
  const grown = (asked: string | undefined, now: string | undefined) => {
    return hasGrown(
      asked === undefined ? asked : decimal(asked),
      now === undefined ? now : decimal(now),
    );
  };
  assert.equal(grown('10', '11'), false);
  assert.equal(grown('10', '11.000000000000001'), true);
  assert.equal(grown('10', '0'), false);
  assert.equal(grown('10', undefined), true);
  assert.equal(grown(undefined, '1000000'), false, 'who approves knew that it was not known');
  assert.equal(grown(undefined, undefined), false);
});

test('one person is one however the name is written, and so is one key whatever name it gives', () => {
  const ask = (person: string, kind: Asker['kind'], actor: string): Asker => ({
    ...{ person, kind, actor },
  });
  const first = ask('A. Risk', 'client', 'key 1');
  const same = [
    ask('A. Risk', 'client', 'key 2'),
    ask('a.  RISK ', 'client', 'key 2'),
    ask('Ａ. Risk', 'client', 'key 2'),
    ask('A. \u200dRisk', 'client', 'key 2'),
    ask('a. risk', 'person', 'a. risk'),
    ask('A. Risk', 'command', 'ops@db-1'),
    ask('B. Desk', 'client', 'key 1'),
  ];
  for (const one of same) assert.equal(isSamePerson(first, one), true, JSON.stringify(one));
  const others = [ask('B. Desk', 'client', 'key 2'), ask('B. Desk', 'person', 'B. Desk')];
  for (const one of others) assert.equal(isSamePerson(first, one), false, JSON.stringify(one));
});
