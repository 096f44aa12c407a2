// A few seeds of the simulation, and that a seed is the same run every time. Many more by hand:
// `npm run test:simulation`.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import { commandFor, told } from './report.ts';
import { type Outcome, simulate } from './world.ts';

interface Run extends Outcome {
  readonly history: readonly string[];
}

async function run(t: TestContext, seed: number, liquidations: number): Promise<Run> {
  const database = await createTestDatabase(t);
  const history: string[] = [];
  const trace = (line: string) => history.push(line);
  const outcome = await simulate({ seed, liquidations, database, trace });
  t.diagnostic(told(seed, outcome));
  const repeat = commandFor({ seed, liquidations });
  const shown = [...outcome.last.slice(-20), ...outcome.faults, `repeat it: ${repeat}`];
  assert.ok(outcome.faults.length === 0, shown.join('\n'));
  return { ...outcome, history };
}

for (const seed of [1, 2]) {
  test(`nothing is sold twice, lost or told out of order, whatever happens: seed ${seed}`, async (t) => {
    await run(t, seed, 12);
  });
}

test('a seed is the same run every time: every statement, answer, event and delivery', async (t) => {
  const first = await run(t, 5, 8);
  const second = await run(t, 5, 8);
  const parting = first.history.findIndex((line, i) => line !== second.history[i]);
  const shown = (history: readonly string[]) => history.slice(parting, parting + 3).join('\n');
  assert.equal(
    parting,
    -1,
    `at line ${parting}\n${shown(first.history)}\n\n${shown(second.history)}`,
  );
  assert.equal(first.digest, second.digest);
  assert.ok(first.history.length > 500, 'there is a history to compare');
});
