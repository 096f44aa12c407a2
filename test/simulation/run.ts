// Runs the simulation by hand: one seed to repeat what a run found, or many to find something.
//
//   npm run test:simulation -- --seed 7 --liquidations 300
//   npm run test:simulation -- --seed 1 --minutes 10          as many seeds as fit, from 1 on
//   npm run test:simulation -- --seed 7 --trace               every step of it
//
// Seeds run in as many processes as there are cores (`--jobs`), each with a server of its own and one step at a time.
// With DATABASE_URL all share that one, and a seed is no more the same run each time.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SimulationApart } from './apart.ts';
import { commandFor, told } from './report.ts';

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
const jobs = values.trace ? 1 : Math.min(Number(values.jobs), seedsMax);
const begunAt = performance.now();
const minutesSpent = () => (performance.now() - begunAt) / 60_000;

/** Seeds in their order, until there are enough or one has failed. */
const progress = { next: first, done: 0, failed: 0, steps: 0, seconds: 0 };

function takeSeed(): number | undefined {
  const isLate = minutes !== undefined && minutesSpent() >= minutes;
  if (progress.failed > 0 || isLate || progress.next >= first + seedsMax) return undefined;
  progress.next += 1;
  return progress.next - 1;
}

async function work(): Promise<void> {
  const apart = new SimulationApart();
  try {
    for (let seed = takeSeed(); seed !== undefined; seed = takeSeed()) {
      const { outcome, seconds } = await apart.run({ seed, liquidations, trace: values.trace });
      progress.done += 1;
      progress.steps += outcome.steps;
      progress.seconds += seconds ?? Number.NaN;
      console.log(told(seed, outcome));
      if (outcome.faults.length === 0) continue;
      progress.failed += 1;
      const faults = outcome.faults.map((fault) => `FAULT: ${fault}`);
      console.error([...outcome.last, ...faults].join('\n'));
      console.error(`repeat it: ${commandFor({ seed, liquidations })}`);
    }
  } finally {
    await apart.end();
  }
}

assert.ok(jobs >= 1, '--jobs and --seeds are at least 1');
await Promise.all(Array.from({ length: jobs }, work));

const { done, failed, steps, seconds } = progress;
const all = done * liquidations;
const perMinute = (count: number, inSeconds: number) => Math.round((count * 60) / inSeconds);
console.log(
  `${done} seeds, ${all} liquidations, ${perMinute(all, 60 * minutesSpent())} a minute; ` +
    `of one core's time ${seconds.toFixed(1)} s: ${perMinute(all, seconds)} liquidations ` +
    `and ${perMinute(steps, seconds)} steps a minute`,
);
process.exitCode = failed > 0 ? 1 : 0;
