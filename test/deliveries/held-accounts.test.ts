// Accounts out of step with a mark, by the thousand: what is looked at, and what is read ahead, stays
// small.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { later } from '../../src/clock.ts';
import { HeldAccounts } from '../../src/deliveries/held-accounts.ts';
import type { Hold } from '../../src/deliveries/hold.ts';
import { newId } from '../../src/ids.ts';
import { queueOf, startOfTime } from './queues.ts';

function holdDue(at: Date): Hold {
  return {
    requestId: newId(),
    afters: new Map([[newId<'account'>(), 0]]),
    upTo: 1,
    status: 'retrying',
    attempts: 3,
    failingSince: startOfTime,
    nextAttemptAt: at,
    lastAttemptAt: startOfTime,
    lastOutcome: 'answered 500',
  };
}

test('of thousands that are due a few are looked at and read, longest due first', () => {
  const dues = Array.from({ length: 5_000 }, (_, i) => holdDue(later(startOfTime, -i)));
  const held = new HeldAccounts(dues);
  let asked = 0;
  const due = held.due(startOfTime, () => {
    asked += 1;
    return true;
  });
  assert.deepEqual(due, dues.toReversed().slice(0, due.length));
  assert.ok(due.length >= 8 && due.length < 50, `${due.length} are tried next`);
  assert.ok(asked < 50, `${asked} were looked at`);
  assert.deepEqual(held.dueAt(), later(startOfTime, -4_999));
});

test('the events of a few are held in memory while requests are slow', () => {
  const dues = Array.from({ length: 5_000 }, () => holdDue(startOfTime));
  const queue = queueOf({ holds: dues });
  let reads = 0;
  for (;;) {
    const wanted = queue.wanted(startOfTime);
    if (wanted?.type !== 'held' || reads > 100) break;
    reads += 1;
    const [accountId] = wanted.hold.afters.keys();
    assert.ok(accountId !== undefined);
    const event = {
      position: 1,
      eventId: newId<'event'>(),
      accountId,
      type: 'ACCOUNT_LIQUIDATION.NEW',
      createdAt: startOfTime.toISOString(),
      text: '',
      bytes: 100,
    };
    queue.addHeld(wanted.hold, [event], 1);
  }
  assert.ok(reads >= 8 && reads < 50, `${reads} were read`);
});

test('whatever is held, replaced and freed, the order is that of the times', () => {
  const step = fc.record({ at: fc.integer({ min: 0, max: 5 }), replaces: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held = new HeldAccounts([]);
      let model: Hold[] = [];
      for (const { at, replaces } of steps) {
        const hold = holdDue(later(startOfTime, at));
        const [gone] = replaces ? model.splice(model.length >> 1, 1) : [];
        if (gone === undefined) held.hold(hold);
        else held.replace(gone, [hold]);
        model = [...model, hold];
        const sorted = model.toSorted(
          (a, b) => a.nextAttemptAt.getTime() - b.nextAttemptAt.getTime(),
        );
        const due = held.due(later(startOfTime, 3), () => true);
        const expected = sorted.filter((one) => one.nextAttemptAt <= later(startOfTime, 3));
        assert.deepEqual(due, expected.slice(0, due.length));
        assert.equal(due.length, Math.min(expected.length, 16));
        assert.deepEqual(held.dueAt(), sorted[0]?.nextAttemptAt);
      }
    }),
  );
});
