// How a program of PostgreSQL is run as a child, and initdb, which makes a data directory. The
// server itself is left to embedded-process.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { Account } from './embedded-account.ts';
import type { Binaries } from './embedded-binaries.ts';
import { EmbeddedError, systemCode } from './embedded-error.ts';

const limits = {
  initdbMs: 120_000,
  shownBytes: 2_000, // how much of what initdb says goes into an error message
};

// Written into postgresql.conf once, where an owner may change them. Durability is PostgreSQL's
// default and stays. `terse` keeps the values of rows out of the log.
const firstSettings: Readonly<Record<string, string>> = {
  max_connections: '100',
  shared_buffers: '128MB',
  // A first import or burst fills empty tables; plans should not wait a minute to know of it.
  autovacuum_naptime: '10s',
  max_wal_size: '1GB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %a: ',
  log_error_verbosity: 'terse',
};

/**
 * Makes a data directory: UTF-8, the built-in C.UTF-8 order (the same on every system), checksums,
 * passwords by SCRAM, user `unwind`. Everything is on disk when it returns. Throws `EmbeddedError`
 * `init_failed` with what initdb said.
 */
export async function runInitdb(options: {
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly data: string;
  readonly passwordFile: string;
}): Promise<void> {
  const settings = Object.entries(firstSettings).flatMap(([key, value]) => [
    '--set',
    `${key}=${value}`,
  ]);
  const child = spawn(
    options.binaries.initdb,
    [
      `--pgdata=${options.data}`,
      '--username=unwind',
      `--pwfile=${options.passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--data-checksums',
      '--no-instructions',
      ...settings,
    ],
    {
      ...identity(options.account),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limits.initdbMs,
      killSignal: 'SIGKILL',
    },
  );
  let said = '';
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-limits.shownBytes);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  try {
    const [code, signal] = await once(child, 'close');
    if (code !== 0) {
      throw new EmbeddedError(
        'init_failed',
        `The built-in database could not be made in ${options.data} (initdb ended with ` +
          `${code ?? signal}):\n${said.trim()}`,
      );
    }
  } catch (error) {
    throw await explainSpawn(error, options.binaries.initdb);
  }
}

/**
 * What a child is run with: the account, a directory it may stand in, and an environment without
 * our secrets and without settings meant for other servers (PGPORT).
 */
export function identity(account: Account | undefined) {
  return {
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
}

/**
 * Gives words to a program that is there and yet "not found" when run: what is missing is its
 * loader, since it is made for another C library. Other errors come back as they are.
 */
export async function explainSpawn(error: unknown, program: string): Promise<unknown> {
  if (systemCode(error) !== 'ENOENT' || !(await stat(program).catch(() => null))) return error;
  return new EmbeddedError(
    'unsupported_platform',
    'The built-in database does not run on this system (it needs glibc, which Alpine Linux and ' +
      'its like do not have). Set DATABASE_URL to use a PostgreSQL of your own.',
    { cause: error },
  );
}

/** True when some process has this number, be it one that may not be looked at. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
