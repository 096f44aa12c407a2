// What tests of the built-in database have in common: a home, processes that use it, and a look at
// the server from outside.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type Sql } from '../../src/db/connect.ts';
import type { EmbeddedLog, EmbeddedOptions } from '../../src/embedded/embedded.ts';
import { sendSignal } from '../../src/embedded/embedded-process.ts';
import { eventually } from './condition.ts';

export const isRoot = process.getuid?.() === 0;

export interface Home {
  readonly home: string;
  readonly systemDirectory: string;
  /** For what else the test needs; open to everyone, removed with the rest. */
  readonly root: string;
}

export const quiet: EmbeddedLog = { info: () => {}, warn: () => {}, error: () => {} };

/** Makes a place for a database. Behind the test's own hooks it ends what still runs there. */
export async function makeHome(t: TestContext): Promise<Home> {
  const root = await mkdtemp(join(tmpdir(), 'unwind-embedded-'));
  await chmod(root, 0o755);
  const home = join(root, 'home');
  t.after(async () => {
    t.after(async () => {
      const pid = await serverOf(home);
      if (pid !== null) {
        sendSignal(pid, 'SIGQUIT');
        await eventually('the server left behind ends', async () => !(await isAlive(pid)));
      }
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    });
  });
  return { home, systemDirectory: join(root, 'system'), root };
}

/** The process of the server that runs on a home, by its own file; null if none does. */
export async function serverOf(home: string): Promise<number | null> {
  const pid = await postmasterPid(home);
  return pid !== null && (await isAlive(pid)) ? pid : null;
}

/** The number in `postmaster.pid`, whatever has become of the process. */
export async function postmasterPid(home: string): Promise<number | null> {
  try {
    const text = await readFile(join(home, 'pg18/data/postmaster.pid'), 'utf8');
    return Number(text.split('\n')[0]);
  } catch {
    return null;
  }
}

/** False also for a process that has ended and only waits for its parent to take notice. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') {
    return true;
  }
  const target = await readlink(`/proc/${pid}/exe`).catch(() => null);
  return target !== null;
}

/** One connection to a database, closed with the test. */
export function client(t: TestContext, url: string): Sql {
  const sql = connect({ url, max: 1, applicationName: 'unwind test', connectTimeoutMs: 60_000 });
  t.after(() => sql.end());
  return sql;
}

export interface User {
  readonly child: ChildProcess;
  /** Everything it has said so far. */
  readonly said: readonly Readonly<Record<string, unknown>>[];
  /** Waits until it says a line with this member, and returns the member. */
  hears(member: string): Promise<unknown>;
  url(): Promise<string>;
  /** Asks it to leave, and waits until it has. */
  leave(): Promise<void>;
}

/** Starts a process that uses the database of a home; it does not outlive the test. */
export function startUser(t: TestContext, options: Omit<EmbeddedOptions, 'log' | 'onLost'>): User {
  const program = fileURLToPath(new URL('./embedded-user.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // a group of its own, as a terminal makes
  });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const said: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line)));
  const hears = async (member: string) => {
    const found = await eventually(`the process says ${member}`, () =>
      said.find((entry) => member in entry),
    );
    return found[member];
  };
  return {
    child,
    said,
    hears,
    url: async () => {
      const url = await hears('url');
      assert.ok(typeof url === 'string');
      return url;
    },
    leave: async () => {
      child.stdin?.end('leave\n');
      await hears('left');
      await eventually('the process ends', () => child.exitCode !== null);
    },
  };
}
