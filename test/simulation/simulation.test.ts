// A few seeds of the simulation, and that a seed is the same run every time, however busy the machine
// is. Many more by `npm run test:full`, and by hand: `npm run test:simulation`.
// Runs alone: it takes all of a core.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createTestDatabase } from '../support/database.ts';
import { isFull, onlyLong } from '../support/length.ts';
import { SimulationApart } from './apart.ts';
import { mutations } from './mistakes.ts';
import { commandFor, told } from './report.ts';
import { type Outcome, simulate } from './world.ts';

async function run(t: TestContext, seed: number, liquidations: number): Promise<void> {
  const database = await createTestDatabase(t, { fresh: true });
  const outcome = await simulate({ seed, liquidations, database });
  t.diagnostic(told(seed, outcome));
  const repeat = commandFor({ seed, liquidations });
  const shown = [...outcome.last.slice(-20), ...outcome.faults, `repeat it: ${repeat}`];
  assert.ok(outcome.faults.length === 0, shown.join('\n'));
}

/** Keeps a core busy until the test ends. */
function keepBusy(t: TestContext): void {
  const worker = new Worker('for (;;);', { eval: true });
  t.after(() => worker.terminate());
}

/** Ends a run that hangs; beside others a run of some seconds may take minutes. */
const timeout = 900_000;
const seeds = isFull ? { last: 12, liquidations: 100 } : { last: 1, liquidations: 12 };

for (let seed = 1; seed <= seeds.last; seed += 1) {
  test(`nothing is sold twice, lost or out of order, whatever happens: seed ${seed}`, {
    timeout,
  }, async (t) => {
    await run(t, seed, seeds.liquidations);
  });
}

const repeated = isFull ? [5, 11, 3333] : [5];

interface Run extends Outcome {
  readonly history: readonly string[];
}

/** Runs a seed as the command does. */
async function runApart(seed: number, liquidations: number): Promise<Run> {
  let printed = '';
  const apart = new SimulationApart((text) => {
    printed += text;
  });
  const { outcome } = await apart
    .run({ seed, liquidations, trace: true })
    .finally(() => apart.end());
  assert.deepEqual(outcome.faults, [], `repeat it: ${commandFor({ seed, liquidations })}`);
  return { ...outcome, history: printed.split('\n') };
}

for (const seed of repeated) {
  test(`seed ${seed} is the same run beside a busy core and beside another seed, to the last statement`, {
    timeout,
    ...onlyLong,
  }, async (t) => {
    const liquidations = isFull ? 100 : 12;
    const first = await runApart(seed, liquidations);
    keepBusy(t);
    const [second] = await Promise.all([
      runApart(seed, liquidations),
      runApart(seed + 1, liquidations),
    ]);
    const parting = first.history.findIndex((line, i) => line !== second.history[i]);
    const shown = (history: readonly string[]) => history.slice(parting, parting + 3).join('\n');
    assert.equal(
      parting,
      -1,
      `at line ${parting}\n${shown(first.history)}\n\n${shown(second.history)}`,
    );
    assert.equal(first.digest, second.digest);
    assert.ok(first.lockWaits > 0 || isFull, 'statements met');
    assert.ok(first.history.length > 500, 'there is a history to compare');
  });
}

test('every mistake that is planted to try the simulation still fits the sources', async () => {
  for (const mutation of mutations) {
    for (const { file = mutation.file, from } of mutation.edits) {
      const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
      assert.equal(text.split(from).length, 2, `${file}: ${from}`);
    }
  }
});
