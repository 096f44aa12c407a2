// SIGKILL in the middle of the work, in small; `run.ts` does the same for as long as one likes.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runCycle } from './cycle.ts';
import { totalOf } from './report.ts';

test('whenever the service is killed, everything acknowledged is done exactly once', async (t) => {
  const seed = randomInt(1_000_000);
  t.diagnostic(`seed ${seed}: node test/crash/run.ts --liquidations 200 --seed ${seed}`);
  const report = await runCycle(t, { seed, liquidations: 200, kills: 3 });
  const { lines, faults } = totalOf([report]);
  for (const [name, value] of lines) t.diagnostic(`${name}: ${value}`);
  assert.deepEqual(faults, []);
  assert.deepEqual([report.duplicates, report.losses], [0, 0]);
  assert.equal(report.kills, 3, 'it was killed, and killed again while it recovered');
});
