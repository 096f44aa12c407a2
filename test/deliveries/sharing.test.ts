// Places that tenants share: nobody takes all of them, and nobody waits while there is one to have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairSlots, shareOf } from '../../src/deliveries/sharing.ts';
import { fc } from '../support/properties.ts';

function asker(slots: FairSlots) {
  const granted: string[] = [];
  const ask = (tenantId: string, times = 1) => {
    for (let i = 0; i < times; i += 1) slots.ask(tenantId, () => granted.push(tenantId));
  };
  const countOf = (tenantId: string) => granted.filter((one) => one === tenantId).length;
  return { granted, ask, countOf };
}

test('one tenant has two thirds of the places at most, and the next has one at once', () => {
  const { ask, countOf } = asker(new FairSlots(192));
  ask('greedy', 1_000);
  assert.equal(countOf('greedy'), 128);
  ask('other');
  assert.equal(countOf('other'), 1);
});

test('a place that is given back goes to the next tenant in turn that may have it', () => {
  const slots = new FairSlots(3);
  const { granted, ask } = asker(slots);
  ask('a', 3);
  ask('b', 2);
  assert.deepEqual(granted, ['a', 'a', 'b']);
  slots.give('a');
  slots.give('a');
  slots.give('b');
  assert.deepEqual(granted.slice(3).toSorted(), ['a', 'b']);
});

test('who gives a place back has another of those that are left, also where its turn is later', () => {
  const slots = new FairSlots(5);
  const { granted, ask } = asker(slots);
  ask('a', 2);
  ask('b', 3);
  ask('a');
  assert.deepEqual(granted, ['a', 'a', 'b', 'b']);
  slots.give('a');
  assert.deepEqual(granted.slice(4), ['b', 'a']);
});

test('slots of one are as good as many: a tenant alone has it', () => {
  const slots = new FairSlots(1);
  const { granted, ask } = asker(slots);
  ask('a', 2);
  assert.deepEqual(granted, ['a']);
  slots.give('a');
  assert.deepEqual(granted, ['a', 'a']);
});

test('a place is taken only where there is one now', () => {
  const slots = new FairSlots(3);
  assert.deepEqual([slots.take('a'), slots.take('a'), slots.take('a')], [true, true, false]);
  assert.deepEqual([slots.take('b'), slots.take('c')], [true, false]);
  slots.give('a');
  assert.equal(slots.take('c'), true);
});

test('work that fails gives its place back', async () => {
  const slots = new FairSlots(1);
  await assert.rejects(slots.within('a', () => Promise.reject(new Error('it failed'))));
  assert.equal(await slots.within('b', async () => 'done'), 'done');
});

test('whatever is asked and given, no place is lost, and none of those who wait may have one', () => {
  const tenant = fc.constantFrom('a', 'b', 'c');
  const step = fc.record({ tenant, gives: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
      const slots = new FairSlots(max);
      const held = new Map<string, number>();
      const waiting = new Map<string, number>();
      const add = (counts: Map<string, number>, one: string, by: number) => {
        counts.set(one, (counts.get(one) ?? 0) + by);
      };
      const heldInAll = () => [...held.values()].reduce((sum, count) => sum + count, 0);
      for (const { tenant: one, gives } of steps) {
        if (gives && (held.get(one) ?? 0) > 0) {
          add(held, one, -1);
          slots.give(one);
        } else if (!gives) {
          add(waiting, one, 1);
          slots.ask(one, () => {
            add(waiting, one, -1);
            add(held, one, 1);
          });
        }
        const free = max - heldInAll();
        assert.ok(free >= 0);
        for (const [waits, count] of waiting) {
          const isDue = count > 0 && (held.get(waits) ?? 0) < 2 * free;
          assert.ok(!isDue, `${waits} waits although ${free} are free`);
        }
      }
    }),
  );
});

test('a share leaves some for others, and no tenant is without any while there is one', () => {
  assert.deepEqual(
    [shareOf(192, 0), shareOf(64, 128), shareOf(1, 0), shareOf(0, 0), shareOf(5, 60)],
    [128, 0, 1, 0, 0],
  );
});
