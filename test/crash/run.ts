// Crash runs by hand, as long as one likes:
//
//   npm run test:crash -- --cycles 20 --seed 42
//
// Prints a line for each cycle and tables at the end; exits with 1 if anything was wrong. The seed of
// a cycle repeats what was drawn by lot (faults, points, moments, accounts); the rest is up to the
// clock. A world (database, processes) serves `--world` cycles (25), then comes a new one.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { cleanly } from './cleanly.ts';
import { type CycleReport, runCycle } from './cycle.ts';
import { linesOf, pointLinesOf } from './report.ts';
import { describeStuck } from './stuck.ts';
import { type VenueKind, World } from './world.ts';

process.exitCode = await main();

/** @returns the exit code: 0 all was well, 1 something was wrong, 2 it could not be run. */
async function main(): Promise<number> {
  try {
    return await run(readArguments());
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
}

async function run(options: ReturnType<typeof readArguments>): Promise<number> {
  const { cycles, seed, world: cyclesOfWorld, venue } = options;
  const stopping = stopOnSignal();
  const reports: CycleReport[] = [];
  let broken = 0;
  for (let done = 0; done < cycles && !stopping.aborted; ) {
    const count = Math.min(cyclesOfWorld, cycles - done);
    const seeds = Array.from({ length: count }, (_, i) => seed + done + i);
    done += count;
    broken += await runWorld({ seeds, venue, stopping }, (report) => reports.push(report));
  }
  if (reports.length > 0) {
    print(pointLinesOf(reports));
    print(linesOf(reports));
  }
  const isWell = broken === 0 && reports.every((report) => report.faults.length === 0);
  return isWell ? 0 : 1;
}

/** @returns 1 when the world broke: later cycles would only tell of the earlier fault. */
async function runWorld(
  of: { seeds: readonly number[]; venue: VenueKind; stopping: AbortSignal },
  onReport: (report: CycleReport) => void,
): Promise<number> {
  const { seeds, venue, stopping } = of;
  return cleanly(async (t) => {
    const world = await World.start(t, seeds[0] ?? 0, venue);
    for (const seed of seeds) {
      if (stopping.aborted) return 0;
      const begunAt = performance.now();
      try {
        const report = await runCycle(world, { seed });
        onReport(report);
        tell(report, venue, performance.now() - begunAt);
        if (report.faults.length > 0) return 1;
      } catch (error) {
        process.stdout.write(`seed ${seed}: broke off\n${repeat(seed, venue)}`);
        process.stdout.write(`${error instanceof Error ? error.stack : error}\n`);
        for (const line of await describeStuck(world)) process.stdout.write(`  ${line}\n`);
        return 1;
      }
    }
    return 0;
  });
}

function tell(report: CycleReport, venue: VenueKind, ms: number): void {
  const what = report.struck.map(({ fault }) => {
    return 'at' in fault ? `${fault.kind} at ${fault.at}` : fault.kind;
  });
  const verdict = report.faults.length === 0 ? 'well' : `${report.faults.length} faults`;
  const seconds = (ms / 1_000).toFixed(1);
  process.stdout.write(`seed ${report.seed}, ${seconds} s, ${what.join(', ')}: ${verdict}\n`);
  for (const fault of report.faults) process.stdout.write(`  ${fault}\n`);
  if (report.faults.length > 0) process.stdout.write(repeat(report.seed, venue));
}

function repeat(seed: number, venue: VenueKind): string {
  return `  repeat: npm run test:crash -- --cycles 1 --venue ${venue} --seed ${seed}\n`;
}

function print(lines: readonly (readonly [string, string])[]): void {
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  process.stdout.write('\n');
  for (const [name, value] of lines) process.stdout.write(`${name.padEnd(width)}${value}\n`);
}

/** Ctrl-C ends the run after the cycle under way, with its tables. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  return stopping.signal;
}

/** @throws Error that names what is wrong. */
function readArguments() {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      world: { type: 'string', default: '25' },
      venue: { type: 'string', default: 'simulated' },
    },
  });
  const read = (name: keyof typeof values, min: number): number => {
    const value = /^[0-9]{1,9}$/.test(values[name]) ? Number(values[name]) : Number.NaN;
    if (value >= min) return value;
    throw new RangeError(`--${name} is no whole number from ${min} on`);
  };
  const venue: VenueKind = values.venue === 'fix' ? 'fix' : 'simulated';
  if (values.venue !== venue) throw new RangeError('--venue is neither simulated nor fix');
  return { cycles: read('cycles', 1), seed: read('seed', 0), world: read('world', 1), venue };
}
