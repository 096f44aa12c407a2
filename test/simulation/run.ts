// Runs the simulation by hand: one seed to repeat what a run found, or many to find something.
//
//   npm run test:simulation -- --seed 7 --liquidations 300
//   npm run test:simulation -- --seed 1 --minutes 10          as many seeds as fit, from 1 on
//   npm run test:simulation -- --seed 7 --trace               every step of it
import { parseArgs } from 'node:util';
import { withTestServer } from '../../tools/test-server.ts';
import { createTestDatabase } from '../support/database.ts';
import { commandFor, told } from './report.ts';
import { type Outcome, simulate } from './world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    liquidations: { type: 'string', default: '300' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
const liquidations = Number(values.liquidations);
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const begunAt = performance.now();
const minutesSpent = () => (performance.now() - begunAt) / 60_000;

function isEnough(seedsDone: number): boolean {
  return minutes === undefined ? seedsDone >= Number(values.seeds) : minutesSpent() >= minutes;
}

async function runSeed(one: number): Promise<Outcome> {
  const closers: (() => Promise<void>)[] = [];
  const after = (close: () => Promise<void>) => closers.push(close);
  try {
    const database = await createTestDatabase({ after });
    const trace = values.trace ? { trace: (line: string) => console.log(line) } : {};
    return await simulate({ seed: one, liquidations, database, ...trace });
  } finally {
    for (const close of closers) await close();
  }
}

async function runSeeds(): Promise<number> {
  let failed = 0;
  let done = 0;
  for (; failed === 0 && !isEnough(done); done += 1) {
    const outcome = await runSeed(seed + done);
    console.log(told(seed + done, outcome));
    if (outcome.faults.length === 0) continue;
    failed += 1;
    console.error([...outcome.last, ...outcome.faults].join('\n'));
    console.error(`repeat it: ${commandFor({ seed: seed + done, liquidations })}`);
  }
  const perMinute = Math.round((done * liquidations) / minutesSpent());
  console.log(`${done} seeds, ${done * liquidations} liquidations, ${perMinute} a minute`);
  return failed;
}

process.exitCode = await withTestServer(async (environment) => {
  Object.assign(process.env, environment);
  return (await runSeeds()) > 0 ? 1 : 0;
});
