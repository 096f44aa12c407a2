// Runs the simulation by hand: one seed to repeat what a run found, or many to find something.
//
//   npm run test:simulation -- --seed 7 --liquidations 300
//   npm run test:simulation -- --seed 1 --minutes 10          as many seeds as fit, from 1 on
//   npm run test:simulation -- --seed 7 --trace               every step of it
//
// Several seeds run in as many processes as there are cores (`--jobs`), each one step at a time.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from '../../src/db/connect.ts';
import { withTestServer } from '../../tools/test-server.ts';
import { testAdminUrl } from '../support/database.ts';
import { processorSeconds } from './processor.ts';
import { commandFor, told } from './report.ts';
import { runSeed } from './worker.ts';
import type { Outcome } from './world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    liquidations: { type: 'string', default: '300' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    trace: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
const liquidations = Number(values.liquidations);
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const seedsMax = minutes === undefined ? Number(values.seeds) : Number.POSITIVE_INFINITY;
const jobs = Math.min(Number(values.jobs), seedsMax);
const begunAt = performance.now();
const minutesSpent = () => (performance.now() - begunAt) / 60_000;

/** Seeds in their order, until there are enough or one has failed. */
const progress = { next: first, done: 0, failed: 0, steps: 0 };

function takeSeed(): number | undefined {
  const isLate = minutes !== undefined && minutesSpent() >= minutes;
  if (progress.failed > 0 || isLate || progress.next >= first + seedsMax) return undefined;
  progress.next += 1;
  return progress.next - 1;
}

type RunOne = (seed: number) => Promise<Outcome>;

async function work(run: RunOne): Promise<void> {
  for (let seed = takeSeed(); seed !== undefined; seed = takeSeed()) {
    const outcome = await run(seed);
    progress.done += 1;
    progress.steps += outcome.steps;
    console.log(told(seed, outcome));
    if (outcome.faults.length === 0) continue;
    progress.failed += 1;
    const faults = outcome.faults.map((fault) => `FAULT: ${fault}`);
    console.error([...outcome.last, ...faults].join('\n'));
    console.error(`repeat it: ${commandFor({ seed, liquidations })}`);
  }
}

async function workApart(): Promise<void> {
  const path = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = fork(path, { serialization: 'advanced' });
  try {
    await work((seed) => ask(child, seed));
  } finally {
    child.disconnect();
  }
}

async function ask(child: ChildProcess, seed: number): Promise<Outcome> {
  const answered = once(child, 'message') as Promise<[Outcome]>;
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that ran seed ${seed} has ended with ${code}`);
  });
  ended.catch(() => {});
  child.send({ seed, liquidations, trace: false });
  const [outcome] = await Promise.race([answered, ended]);
  return outcome;
}

async function runSeeds(): Promise<number> {
  const { trace } = values;
  const admin = connect({ url: testAdminUrl(), max: 1, applicationName: 'unwind simulation' });
  const before = await processorSeconds(admin);
  const isOne = trace || jobs === 1;
  if (isOne) await work((seed) => runSeed({ seed, liquidations, trace }));
  else await Promise.all(Array.from({ length: jobs }, workApart));
  const { done, failed, steps } = progress;
  const spent = ((await processorSeconds(admin)) ?? Number.NaN) - (before ?? Number.NaN);
  await admin.end();
  const all = done * liquidations;
  const perMinute = (count: number, minutes: number) => Math.round(count / minutes);
  console.log(
    `${done} seeds, ${all} liquidations, ${perMinute(all, minutesSpent())} a minute; ` +
      `of one core's time ${spent.toFixed(1)} s: ${perMinute(all, spent / 60)} liquidations ` +
      `and ${perMinute(steps, spent / 60)} steps a minute`,
  );
  return failed;
}

assert.ok(jobs >= 1, '--jobs and --seeds are at least 1');
process.exitCode = await withTestServer(async (environment) => {
  Object.assign(process.env, environment);
  return (await runSeeds()) > 0 ? 1 : 0;
});
