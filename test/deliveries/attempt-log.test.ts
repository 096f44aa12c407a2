// What is told beside attempts: events of held accounts that were dropped before they were taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptLog, Notices } from '../../src/deliveries/attempt-log.ts';
import type { Block } from '../../src/deliveries/delivery.ts';
import { type AccountId, newId } from '../../src/ids.ts';
import { loggedEvent } from '../../src/webhooks/webhook.ts';
import { startOfTime } from './queues.ts';

const [one, two] = [newId<'account'>(), newId<'account'>()];

function holdOf(acknowledged: readonly (readonly [AccountId, number])[], attempts: number): Block {
  return {
    requestId: newId(),
    acknowledged: new Map(acknowledged),
    upTo: 9,
    status: attempts > 0 ? 'blocked' : 'catching_up',
    attempts,
    failingSince: attempts > 0 ? startOfTime : undefined,
    nextAttemptAt: startOfTime,
    lastAttemptAt: startOfTime,
    lastOutcome: undefined,
  };
}

/** What is told where the log is kept behind offset 8 and one event of `left` is still there. */
function toldOf(block: Block, left: readonly AccountId[]) {
  const attempts = new AttemptLog({ acknowledgedCount: 0, failedCount: 0 }, newId);
  const warned: object[] = [];
  const log = { warn: (fields: object) => void warned.push(fields) };
  const webhookId = newId<'webhook'>();
  const notices = new Notices({ webhookId, attempts, log, reportedUpTo: undefined });
  const events = left.map((accountId) => {
    return loggedEvent({
      offset: 9,
      eventId: newId<'event'>(),
      accountId,
      type: 'ACCOUNT_LIQUIDATION.NEW',
      object: '{}',
      createdAt: startOfTime.toISOString(),
    });
  });
  notices.lost(block, { events, droppedTo: 8, at: startOfTime });
  const told = attempts.take().map(({ kind, outcome }) => ({ kind, outcome }));
  assert.equal(warned.length, told.length, 'operators are told the same');
  return told;
}

test('a refused event that was dropped before it was acknowledged is reported', () => {
  assert.deepEqual(toldOf(holdOf([[one, 3]], 2), []), [
    {
      kind: 'gap',
      outcome: 'events of an account up to offset 8 were dropped before they were acknowledged',
    },
  ]);
});

test('of several accounts those are reported that have nothing left', () => {
  const [told, ...others] = toldOf(
    holdOf(
      [
        [one, 3],
        [two, 4],
      ],
      2,
    ),
    [two],
  );
  assert.match(told?.outcome ?? '', /^events of an account /);
  assert.deepEqual(others, []);
});

test('nothing is reported of what is still there, was acknowledged, or is behind what was dropped', () => {
  assert.deepEqual(toldOf(holdOf([[one, 3]], 2), [one]), []);
  assert.deepEqual(toldOf(holdOf([[one, 3]], 0), []), []);
  assert.deepEqual(toldOf(holdOf([[one, 8]], 2), []), []);
});
