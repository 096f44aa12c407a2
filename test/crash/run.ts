// Crash runs by hand, as long as one likes:
//
//   node test/crash/run.ts --cycles 20 --liquidations 200 --kills 5 --seed 42
//
// Prints a line for each cycle and a table at the end; exits with 1 if anything was wrong. The seed
// of a cycle repeats what was drawn by lot; the rest is up to the clock.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { cleanly } from './cleanly.ts';
import { type CycleReport, runCycle } from './cycle.ts';
import { totalOf } from './report.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const { cycles, liquidations, kills, seed } = readArguments();
  const reports: CycleReport[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const begunAt = performance.now();
    const report = await cleanly((t) => runCycle(t, { seed: seed + cycle, liquidations, kills }));
    reports.push(report);
    const seconds = ((performance.now() - begunAt) / 1_000).toFixed(1);
    const verdict = report.faults.length === 0 ? 'well' : `${report.faults.length} faults`;
    process.stdout.write(
      `cycle ${cycle + 1} of ${cycles}, seed ${seed + cycle}, ${seconds} s: ${verdict}\n`,
    );
    for (const fault of report.faults) process.stdout.write(`  ${fault}\n`);
  }
  const total = totalOf(reports);
  for (const [name, value] of total.lines) process.stdout.write(`${name.padEnd(38)}${value}\n`);
  return total.faults.length === 0 ? 0 : 1;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '1' },
      liquidations: { type: 'string', default: '200' },
      kills: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
    },
  });
  const read = (name: keyof typeof values): number => {
    const text = values[name];
    if (!/^[0-9]{1,9}$/.test(text)) throw new RangeError(`--${name} is no whole number`);
    return Number(text);
  };
  return {
    cycles: read('cycles'),
    liquidations: read('liquidations'),
    kills: read('kills'),
    seed: read('seed'),
  };
}
