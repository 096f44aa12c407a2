// What `npm test` runs: a throwaway PostgreSQL, a template database with all migrations, and the
// tests. It answers for the database being there before the tests and gone after them; the tests
// make their own databases from the template (test/support/database.ts).
//
//   npm test                           what is not long by nature: browsers, services, packages
//   npm run test:long                  all tests, as CI runs them
//   npm run test:full                  all, and all seeds, cycles and rows of those that have no end of their own
//   npm test -- test/db                those of one room, also what is long
//   npm test -- test/db/errors.test.ts --test-name-pattern=gone
//
// With DATABASE_URL the databases are made on that server instead (its user must be allowed to).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './test-bundle.ts';
import { type Group, groupsOf, writeEntries } from './test-groups.ts';
import { type TestEnvironment, withTestServer } from './test-server.ts';

// Half of the time of a test is waiting, for PostgreSQL or for another process; so there are two processes
// at once for each core. A test that hangs is ended: one that waits for nothing takes less than a minute
// on an idle machine, and ten times that beside others.
const processesAtOnce = Math.min(2 * availableParallelism(), 8);
const defaultFlags = [
  '--enable-source-maps',
  // In MiB: most of what a test makes is garbage at once, and collecting it took a tenth of the processor time.
  '--max-semi-space-size=32',
  `--test-concurrency=${processesAtOnce}`,
  '--test-timeout=600000',
  `--test-reporter=${new URL('./test-reporter.ts', import.meta.url).href}`,
  '--test-reporter-destination=stdout',
];

/** What tests start as a process. */
const mainFile = 'src/main.ts';

// What Node has compiled is kept for the next process.
const compileCache = fileURLToPath(new URL('../node_modules/.cache/unwind', import.meta.url));

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(signal));
  }
  const isFull = args.includes('--full');
  const isShort = !isFull && !args.includes('--long') && args.every((arg) => arg.startsWith('--'));
  const given = {
    NODE_COMPILE_CACHE: compileCache,
    ...process.env,
    ...(isFull ? { UNWIND_TEST_FULL: '1' } : {}),
    ...(isShort ? { UNWIND_TEST_SHORT: '1' } : {}),
  };
  const others = args.filter((arg) => arg !== '--long' && arg !== '--full');
  const flags = others.filter((arg) => arg.startsWith('--'));
  const paths = others.filter((arg) => !arg.startsWith('--'));
  // While the server starts. What is wrong with it is said where it is waited for.
  const preparing = prepare(paths.length === 0 ? ['test'] : paths, { isShort });
  preparing.catch(() => {});
  return withTestServer(async (environment) => {
    const tests = await preparing;
    if (tests === undefined) return 1;
    return runTests(tests, flags, stopping.signal, { ...given, ...environment });
  });
}

/** What is to be run, and from where. */
interface Tests {
  readonly groups: readonly Group[];
  readonly bundled: ReadonlyMap<string, string>;
}

/** @returns undefined where there is nothing to run, which it says. */
async function prepare(
  paths: readonly string[],
  { isShort }: { isShort: boolean },
): Promise<Tests | undefined> {
  const groups = await groupsOf(paths, { isShort });
  if (groups.length === 0) {
    console.error(`There is no test file in ${paths.join(', ')}.`);
    return undefined;
  }
  const bundled = await bundle([...groups.flat(), mainFile]);
  return bundled && { groups, bundled };
}

async function runTests(
  { groups, bundled }: Tests,
  flags: readonly string[],
  signal: AbortSignal,
  env: NodeJS.ProcessEnv & TestEnvironment,
): Promise<number> {
  if (signal.aborted) return 130;
  const directory = await mkdtemp(join(env.UNWIND_TEST_DIRECTORY, 'processes-'));
  const { entries, index } = await writeEntries(directory, groups, bundled);
  const child = spawn(process.execPath, ['--test', ...defaultFlags, ...flags, ...entries], {
    env: { ...env, UNWIND_TEST_GROUPS: index, UNWIND_TEST_MAIN: bundled.get(mainFile) },
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child from the terminal as well; a second signal does no harm.
  const forward = () => child.kill('SIGTERM');
  signal.addEventListener('abort', forward);
  try {
    const [code] = await once(child, 'exit');
    return signal.aborted ? 130 : (code ?? 1);
  } finally {
    signal.removeEventListener('abort', forward);
  }
}
