// The pace of a batch: whatever turns come when, no minute has more accounts than the rate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowanceOf, estimatedEnd } from '../../src/batches/batch.ts';
import { batchBurstMs } from '../../src/batches/limits.ts';
import { fc } from '../support/properties.ts';
import { batchOf } from './batch-of.ts';

const epoch = Date.parse('2026-01-05T09:00:00Z');

/** Turns at these gaps, each of which may take so many. @returns the instant of each account, in ms. */
function run(rate: number, turns: readonly (readonly [gapMs: number, most: number])[]): number[] {
  const instants: number[] = [];
  let now = epoch;
  let pacedTo = new Date(epoch);
  for (const [gapMs, most] of turns) {
    now += gapMs;
    const allowance = allowanceOf(rate, pacedTo, new Date(now));
    const count = Math.min(allowance.count, most);
    for (let i = 0; i < count; i += 1) instants.push(now);
    if (count > 0) pacedTo = allowance.after(count);
  }
  return instants;
}

const turn = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 90_000 })),
  fc.oneof(fc.constant(500), fc.integer({ min: 0, max: 20 })),
);

test('no minute, wherever it begins, has more accounts than the rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.array(turn, { maxLength: 400 }),
      (rate, turns) => {
        const instants = run(rate, turns);
        for (const [i, at] of instants.entries()) {
          const before = instants[i - rate];
          if (before !== undefined)
            assert.ok(at - before >= 60_000, `${at - before} ms at ${rate} a minute`);
        }
      },
    ),
  );
});

test('a loop that looks often enough reaches 99 % of the rate', () => {
  for (const rate of [1, 7, 60, 1_000, 30_000]) {
    const minutes = 20;
    const turns = Array.from({ length: minutes * 600 }, () => [100, 500] as const);
    const count = run(rate, turns).length;
    const most = (60_000 / (60_000 + batchBurstMs)) * rate * minutes;
    assert.ok(count >= most * 0.99 - 1, `${count} of ${rate * minutes}`);
  }
});

test('a batch that has rested makes up for half a second, not for the rest', () => {
  const rested = allowanceOf(6_000, new Date(epoch), new Date(epoch + 3_600_000));
  assert.equal(rested.count, Math.floor(batchBurstMs / ((60_000 + batchBurstMs) / 6_000)) + 1);
});

test('the end is estimated by what has ended, and not sooner than the rate allows', () => {
  const figures = {
    fresh: 0,
    processing: 0,
    filled: 10,
    cancelled: 0,
    cashAmount: '0.00',
    proceeds: '0.00',
  };
  const startedAt = new Date(epoch);
  const now = new Date(epoch + 60_000);
  const look = { now, hasOpenEndedWait: false };
  const batch = batchOf({ status: 'RUNNING', accounts: 40, started: 10, startedAt });
  assert.equal(estimatedEnd(batch, figures, look)?.getTime(), now.getTime() + 180_000);
  const slow = batchOf({ ...batch, rate: 5 });
  assert.equal(estimatedEnd(slow, figures, look)?.getTime(), now.getTime() + 360_000);
  const rested = batchOf({ ...batch, pausedMs: 30_000 });
  assert.equal(estimatedEnd(rested, figures, look)?.getTime(), now.getTime() + 90_000);
  assert.equal(estimatedEnd(batchOf({ ...batch, status: 'PAUSED' }), figures, look), undefined);
  assert.equal(estimatedEnd(batch, { ...figures, filled: 0 }, look), undefined);
  assert.equal(estimatedEnd(batch, figures, { now, hasOpenEndedWait: true }), undefined);
});
