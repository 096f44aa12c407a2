// Accounts out of step with a mark, by the thousand: what is looked at, and what is read ahead, stays
// small.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import { Accounts } from '../../src/deliveries/accounts.ts';
import type { Block } from '../../src/deliveries/delivery.ts';
import { newId } from '../../src/ids.ts';
import { fc } from '../support/properties.ts';
import { queueOf, startOfTime } from './queues.ts';

/** How often the accounts of a block were looked at. */
let looks = 0;

class WatchedMap<Key, Value> extends Map<Key, Value> {
  override keys() {
    looks += 1;
    return super.keys();
  }
}

function blockDue(at: Date): Block {
  return {
    requestId: newId(),
    acknowledged: new WatchedMap([[newId<'account'>(), 0]]),
    upTo: 1,
    status: 'blocked',
    attempts: 3,
    failingSince: startOfTime,
    nextAttemptAt: at,
    lastAttemptAt: startOfTime,
    lastOutcome: 'answered 500',
  };
}

test('of thousands that are due a few are looked at and read, longest due first', () => {
  const dues = Array.from({ length: 5_000 }, (_, i) => blockDue(later(startOfTime, -i)));
  const accounts = new Accounts(dues);
  looks = 0;
  const due = accounts.due(startOfTime);
  assert.deepEqual(due, dues.toReversed().slice(0, due.length));
  assert.ok(due.length >= 8 && due.length < 50, `${due.length} are tried next`);
  assert.ok(looks < 50, `${looks} were looked at`);
  assert.deepEqual(accounts.dueAt(), later(startOfTime, -4_999));
});

test('the events of a few blocks are in memory while requests are slow', () => {
  const dues = Array.from({ length: 5_000 }, () => blockDue(startOfTime));
  const queue = queueOf({ blocks: dues });
  let reads = 0;
  for (;;) {
    const wanted = queue.wanted(startOfTime);
    if (wanted?.type !== 'block' || reads > 100) break;
    reads += 1;
    const [accountId] = wanted.block.acknowledged.keys();
    assert.ok(accountId !== undefined);
    const event = {
      offset: 1,
      eventId: newId<'event'>(),
      accountId,
      type: 'ACCOUNT_LIQUIDATION.NEW',
      createdAt: startOfTime.toISOString(),
      text: '',
      bytes: 100,
    };
    queue.addBlocked(wanted.block, [event], 1);
  }
  assert.ok(reads >= 8 && reads < 50, `${reads} were read`);
});

test('whatever is blocked and replaced, the order is that of the times', () => {
  const step = fc.record({ at: fc.integer({ min: 0, max: 5 }), replaces: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const accounts = new Accounts([]);
      let model: Block[] = [];
      for (const { at, replaces } of steps) {
        const block = blockDue(later(startOfTime, at));
        const [gone] = replaces ? model.splice(model.length >> 1, 1) : [];
        if (gone === undefined) accounts.block(block);
        else accounts.replace(gone, [block]);
        model = [...model, block];
        const sorted = model.toSorted(
          (a, b) => a.nextAttemptAt.getTime() - b.nextAttemptAt.getTime(),
        );
        const due = accounts.due(later(startOfTime, 3));
        const expected = sorted.filter((one) => one.nextAttemptAt <= later(startOfTime, 3));
        assert.deepEqual(due, expected.slice(0, due.length));
        assert.equal(due.length, Math.min(expected.length, 16));
        assert.deepEqual(accounts.dueAt(), sorted[0]?.nextAttemptAt);
      }
    }),
  );
});
