// The service and its commands as child processes, each on a home of its own. It answers for
// nothing being left behind: whatever a test has started is ended after it, the database included.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sendSignal } from '../../src/embedded/embedded-process.ts';
import { eventually } from '../support/condition.ts';
import {
  type AfterTest,
  afterAll,
  createTestDatabase,
  type TestDatabaseOptions,
  testDirectory,
} from '../support/database.ts';
import { mainFile } from '../support/main-file.ts';

const run = promisify(execFile);

/** A start takes seconds; on a busy machine the first one, which makes a database, many. */
export const patienceMs = 300_000;
const commandMsMax = 300_000;

export type Settings = Readonly<Record<string, string>>;

/** A directory for the service; after the test it is removed, and a database left in it ended. */
export async function newHome(t: AfterTest): Promise<string> {
  const directory = await mkdtemp(join(testDirectory(), 'unwind-service-'));
  await chmod(directory, 0o711); // where root runs it, PostgreSQL's own account has to pass
  const home = join(directory, 'home');
  // When the processes on this home have been ended.
  afterAll(t, async () => {
    await endDatabase(home);
    await rm(directory, { recursive: true, force: true });
  });
  return home;
}

/** Which homes have no database of their own but one of the server of the tests. */
const databaseUrls = new Map<string, string>();

/**
 * A directory for the service whose database is one of the server of the tests, with all migrations: for
 * tests that are not about the built-in database, which costs a second of processor time.
 */
export async function newHomeOnServer(
  t: AfterTest,
  options: Pick<TestDatabaseOptions, 'migrated'> = {},
): Promise<string> {
  const { url } = await createTestDatabase(t, { ...options, max: 1 });
  const home = await newHome(t);
  databaseUrls.set(home, url);
  return home;
}

/** Process ids of PostgreSQL servers on a home. */
export async function databasesOn(home: string): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pid=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, args = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return args.includes(`-D ${home}/`) ? [Number(pid)] : [];
  });
}

async function endDatabase(home: string): Promise<void> {
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    const pids = await databasesOn(home);
    if (pids.length === 0) return;
    for (const pid of pids) sendSignal(pid, signal);
    const isGone = async () => (await databasesOn(home)).length === 0;
    if (await within(10_000, isGone)) return;
  }
}

async function within(ms: number, ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await eventually('it is gone', ask, ms);
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the command line that goes on until it is stopped. */
export interface Launched {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  isRunning(): boolean;
  /** How it ended, once it has. */
  readonly ended: Promise<Ended>;
}

/** A service that may not be listening yet. */
export interface LaunchedService extends Launched {
  /** Where it listens, once it says so; fails if it ends before. */
  listening(): Promise<string>;
}

export interface RunningService extends LaunchedService {
  readonly url: string;
  /** From its start until it said where it listens. */
  readonly startMs: number;
}

export interface ServiceOptions {
  readonly home: string;
  /** Settings besides home and a free port. */
  readonly settings?: Settings;
  /** What follows `unwind start`. */
  readonly args?: readonly string[];
  /** Called now and then until it listens. */
  readonly whileStarting?: () => Promise<void>;
}

/** `unwind start`, once it says where it listens. Killed after the test if it still runs. */
export async function startService(t: AfterTest, options: ServiceOptions): Promise<RunningService> {
  const begunAt = performance.now();
  const launched = launchService(t, options);
  const url = await launched.listening();
  return { ...launched, url, startMs: performance.now() - begunAt };
}

/** `unwind start`, at once. Killed after the test if it still runs. */
export function launchService(t: AfterTest, options: ServiceOptions): LaunchedService {
  const launched = launchUnwind(t, ['start', ...(options.args ?? [])], options);
  const findUrl = async (): Promise<string | undefined> => {
    await options.whileStarting?.();
    const { stdout, stderr, isRunning } = launched;
    assert.ok(isRunning(), `it ended instead: ${stdout()}${stderr()}`);
    return /listens at (https?:\S+)/.exec(stdout())?.[1];
  };
  return {
    ...launched,
    listening: () => eventually('the service says where it listens', findUrl, patienceMs),
  };
}

/** A command that is not waited for. Killed after the test if it still runs. */
export function launchUnwind(
  t: AfterTest,
  args: readonly string[],
  options: ServiceOptions,
): Launched {
  const { child, stdout, stderr, ended } = spawnUnwind(t, args, options);
  const { pid } = child;
  assert.ok(pid !== undefined, 'the process could be started');
  return {
    pid,
    stdout,
    stderr,
    kill: (signal) => {
      child.kill(signal);
    },
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ended,
  };
}

export interface CommandResult extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runUnwind(
  t: AfterTest,
  args: readonly string[],
  options: ServiceOptions,
): Promise<CommandResult> {
  const { child, stdout, stderr, ended } = spawnUnwind(t, args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), commandMsMax);
  const how = await ended;
  clearTimeout(timer);
  return { ...how, stdout: stdout(), stderr: stderr() };
}

function spawnUnwind(t: AfterTest, args: readonly string[], options: ServiceOptions) {
  const child = spawn(process.execPath, [mainFile, ...args], {
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A child is closed when it has ended and its streams are read to their end.
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, stdout: collect(child.stdout), stderr: collect(child.stderr), ended };
}

/**
 * The environment of a program that a test starts: nothing of the one of the tests but what finds programs,
 * and what Node has compiled of ours, which halves the work of a start.
 */
export function programEnvironment(settings: Settings): Settings {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  const cache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
  return { PATH, HOME, ...cache, ...settings };
}

/** The same for a program on a home. */
export function environmentOf({ home, settings = {} }: ServiceOptions): Settings {
  const url = databaseUrls.get(home);
  const database = url === undefined ? {} : { DATABASE_URL: url };
  return programEnvironment({ UNWIND_HOME: home, PORT: '0', ...database, ...settings });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
