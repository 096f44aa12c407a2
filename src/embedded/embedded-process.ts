// Runs the server on a data directory and ends it. It answers for knowing whether a server really
// runs there; who shares it, and when to start it, is left to embedded.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, readlink, realpath, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from './embedded-account.ts';
import type { Binaries } from './embedded-binaries.ts';
import type { Cluster } from './embedded-cluster.ts';
import { EmbeddedError, systemCode } from './embedded-error.ts';
import { explainSpawn, identity } from './embedded-program.ts';

/** What a server wrote into its `postmaster.pid`. It may be long dead. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly ready: boolean;
}

const limits = {
  logBytes: 10 * 1024 * 1024, // the log is emptied at a start when it is larger
  shownLogBytes: 2_000, // how much of the log goes into an error message
  startMs: 120_000,
  pollMs: 10,
  fastShutdownMs: 20_000, // a fast shutdown writes a checkpoint
  immediateShutdownMs: 5_000,
};

// After a crash PostgreSQL first brings its files to disk: one by one about a thousand calls, a
// second here; the whole file system at once a fraction of that, which only Linux can.
const systemSettings: Readonly<Record<string, string>> =
  process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {};

export interface LaunchOptions {
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly cluster: Cluster;
  readonly port: number;
  /** Settings for this start only, before those in postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>;
  /** Ends the wait, not the server. */
  readonly signal: AbortSignal;
}

export type Launch =
  | { readonly outcome: 'ready' | 'late' }
  | { readonly outcome: 'ended'; readonly said: string };

/**
 * Starts a server on the data directory and waits until it takes connections or has ended. The
 * server has a session of its own, so that Ctrl-C in the terminal reaches only us, and it outlives
 * this process.
 *
 * Answers `ready`, or `ended` with the last words of its log (another server may be running on the
 * directory: PostgreSQL itself allows only one), or `late` when it is still busy after two minutes
 * (recovering from a crash) or the signal ends the wait; then it is left running.
 */
export async function launch(options: LaunchOptions): Promise<Launch> {
  const { cluster, binaries } = options;
  const settings = { ...systemSettings, ...options.settings, listen_addresses: '127.0.0.1' };
  const log = await openLog(cluster.logFile);
  try {
    const before = (await log.stat()).size;
    const child = spawn(
      binaries.postgres,
      [
        ...['-D', cluster.data, '-p', String(options.port), '-k', ''],
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      { ...identity(options.account), detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    child.unref();
    const outcome = await readyOrEnded(cluster, child, options.signal);
    return outcome === 'ended'
      ? { outcome, said: await readFrom(cluster.logFile, before) }
      : { outcome };
  } catch (error) {
    throw await explainSpawn(error, binaries.postgres);
  } finally {
    await log.close();
  }
}

async function readyOrEnded(
  cluster: Cluster,
  child: ChildProcess,
  signal: AbortSignal,
): Promise<'ready' | 'ended' | 'late'> {
  let isEnded = false;
  const ended = once(child, 'exit').finally(() => {
    isEnded = true;
  });
  ended.catch(() => {}); // looked at below; this only says that it will be
  const deadline = performance.now() + limits.startMs;
  while (!isEnded) {
    const found = await readPostmaster(cluster);
    if (found !== undefined && found.pid === child.pid && found.ready) return 'ready';
    if (signal.aborted || performance.now() > deadline) return 'late';
    await Promise.race([ended, wait(limits.pollMs)]);
  }
  await ended;
  return 'ended';
}

/** Reads `postmaster.pid` of the data directory; undefined when there is none or it is half-written. */
export async function readPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  return parsePostmaster(await readIfThere(join(cluster.data, 'postmaster.pid')));
}

/** Reads the lines of a `postmaster.pid` (pidfile.h): pid, data, start, port, …, status. */
function parsePostmaster(text: string | undefined): Postmaster | undefined {
  const lines = text?.split('\n') ?? [];
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 0 && Number.isInteger(port) && port > 0
    ? { pid, port, ready: lines[7]?.trim() === 'ready' }
    : undefined;
}

/**
 * True when the process is a PostgreSQL server on this data directory, and not one that got the
 * same number after a crash. A process we may not look at belongs to another user.
 */
export async function runsOn(cluster: Cluster, pid: number): Promise<boolean> {
  const data = await realpath(cluster.data);
  if (process.platform === 'linux') {
    try {
      return (await readlink(`/proc/${pid}/cwd`)) === data; // the server works from there
    } catch {
      return false;
    }
  }
  const child = spawn('/bin/ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, 'close');
  return said.includes(cluster.data);
}

/**
 * Takes away a `postmaster.pid` whose process is not PostgreSQL. PostgreSQL does so itself when no
 * process has the number; when another process of its account has got it, it would refuse to start.
 */
export async function removeStale(cluster: Cluster, stale: Postmaster): Promise<void> {
  const file = join(cluster.data, 'postmaster.pid');
  const aside = join(cluster.data, `postmaster.pid.stale-${process.pid}`);
  try {
    await rename(file, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = parsePostmaster(await readIfThere(aside));
  if (taken !== undefined && taken.pid !== stale.pid) {
    await rename(aside, file); // a server has started in between: the file is its own
    return;
  }
  await rm(aside, { force: true });
}

/**
 * Ends the server: first as for a planned stop, breaking off connections (SIGINT), after a bounded
 * wait at once (SIGQUIT, which the next start recovers from), at last SIGKILL. Answers how it went.
 */
export async function endServer(
  cluster: Cluster,
  pid: number,
): Promise<'stopped' | 'forced' | 'killed'> {
  const steps = [
    { signal: 'SIGINT', ms: limits.fastShutdownMs, outcome: 'stopped' },
    { signal: 'SIGQUIT', ms: limits.immediateShutdownMs, outcome: 'forced' },
    { signal: 'SIGKILL', ms: limits.immediateShutdownMs, outcome: 'killed' },
  ] as const;
  for (const { signal, ms, outcome } of steps) {
    if (!(await runsOn(cluster, pid))) return 'stopped';
    sendSignal(pid, signal);
    const deadline = performance.now() + ms;
    while (performance.now() < deadline) {
      if (!(await runsOn(cluster, pid))) return outcome;
      await wait(limits.pollMs);
    }
  }
  throw new EmbeddedError('start_failed', `PostgreSQL (process ${pid}) could not be ended.`);
}

/** True when nothing listens on the port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE' || systemCode(error) === 'EACCES') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** To a process that may have ended by itself meanwhile. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

async function openLog(path: string) {
  const log = await open(path, 'a', 0o600);
  if ((await log.stat()).size > limits.logBytes) {
    await log.truncate(0);
  }
  return log;
}

async function readFrom(path: string, offset: number): Promise<string> {
  const text = await readFile(path);
  return text.subarray(offset).subarray(-limits.shownLogBytes).toString().trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
