// Which database the settings mean, one given by URL or the embedded one, and how it is made ready: it
// answers, it is fit, it is for this mode, its schema is of this version.

import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { checkDatabase } from '../db/check-database.ts';
import { type ConnectOptions, connect, type Sql } from '../db/connect.ts';
import { DatabaseFaultError, databaseFault } from '../db/fault.ts';
import { type Migration, migrate, refuseOtherSchema } from '../db/migrate.ts';
import type { EmbeddedLog } from '../embedded/embedded.ts';
import { moveOrderOn } from '../trail/chain-store.ts';
import { type Config, ConfigError } from './config.ts';
import { findMode, hasClients, insertMode } from './mode-store.ts';

export type DatabaseConfig = Pick<Config, 'database' | 'home' | 'mode' | 'isModeStated'>;

export interface Database {
  /** Settings for every pool on it. */
  readonly options: Pick<ConnectOptions, 'url' | 'prepare' | 'sessionSettings'>;
  /** The embedded database is left, and stopped when no other process uses it. Idempotent. */
  close(): Promise<void>;
}

/** @param onLost called when the embedded database died and could not be started again. */
export async function openDatabase(
  { database, home }: DatabaseConfig,
  log: EmbeddedLog,
  onLost?: (error: unknown) => void,
): Promise<Database> {
  const { url, prepare, sessionSettings } = database;
  if (url !== undefined)
    return { options: { url, prepare, sessionSettings }, close: async () => {} };
  const { startEmbedded } = await import('../embedded/embedded.ts');
  const embedded = await startEmbedded({ home, log, ...(onLost ? { onLost } : {}) });
  return { options: { url: embedded.url }, close: () => embedded.stop() };
}

/**
 * Runs a command on the database with a small pool of its own, and closes both afterwards.
 *
 * @throws ConfigError when the database is for the other mode, DatabaseFaultError when it cannot be used.
 */
export async function withDatabase<T>(
  config: DatabaseConfig,
  log: EmbeddedLog,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(config, log);
  try {
    const sql = connect({ ...database.options, max: 4, applicationName: 'unwind command' });
    try {
      await refuseOtherMode(sql, config);
      return await work(sql);
    } catch (error) {
      throw explained(error, database.options.url);
    } finally {
      await sql.end();
    }
  } finally {
    await database.close();
  }
}

/**
 * Brings a database to this version, in the order in which nothing is changed in a wrong one.
 *
 * @param migrates false: a database of another schema is refused instead.
 */
export async function prepareDatabase(
  sql: Sql,
  clock: Clock,
  config: DatabaseConfig,
  migrates = true,
): Promise<readonly Migration[]> {
  await checkDatabase(sql);
  if (!migrates) await refuseOtherSchema(sql);
  await refuseOtherMode(sql, config);
  const applied = migrates ? await migrate(sql) : [];
  await recordMode(sql, clock, config);
  await moveOrderOn(sql);
  return applied;
}

/** How long to wait for a database before the next try, in ms; it doubles from try to try. */
const waitMs = { first: 500, longest: 15_000 };

export interface Waiting {
  readonly url: string;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called before each wait, with the words of the fault. */
  readonly onWait: (fault: string, waitMs: number) => void;
  /** Called once when it answers after all. */
  readonly onReached: () => void;
}

/**
 * Waits for a database that is down. @throws DatabaseFaultError for what does not pass, such as a wrong
 * password; the reason of the signal when it ends the wait.
 */
export async function reachDatabase(sql: Sql, waiting: Waiting): Promise<void> {
  const { url, signal, onWait, onReached } = waiting;
  for (let tries = 0; ; tries += 1) {
    try {
      await checkDatabase(sql);
      if (tries > 0) onReached();
      return;
    } catch (error) {
      const reported = explained(error, url);
      if (!(reported instanceof DatabaseFaultError && reported.fault.passes)) throw reported;
      signal.throwIfAborted();
      const ms = Math.min(waitMs.first * 2 ** tries, waitMs.longest);
      onWait(reported.message, ms);
      await wait(ms * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }
}

/** The error in words where it is trouble of the database; others come back as they are. */
export function explained(error: unknown, url: string): unknown {
  if (error instanceof DatabaseFaultError) return error;
  const fault = databaseFault(error, url);
  return fault === undefined ? error : new DatabaseFaultError(fault, { cause: error });
}

type ModeOfProcess = Pick<Config, 'mode' | 'isModeStated'>;

/**
 * A database is for one mode from its first migration on, so that no process without UNWIND_MODE makes a
 * sandbox of a live database, and no live process sells what was invented in a sandbox. Called before
 * anything in it is changed. @throws ConfigError when it is for the other mode.
 */
async function refuseOtherMode(sql: Sql, config: ModeOfProcess): Promise<void> {
  const recorded = await findMode(sql);
  if (recorded === undefined || recorded.mode === config.mode) return;
  const since = `This database is ${recorded.mode} since ${recorded.recordedAt.toISOString()}`;
  if (recorded.mode === 'live') {
    throw new ConfigError(
      config.isModeStated
        ? `${since}, and UNWIND_MODE is sandbox. A sandbox needs a database of its own: ` +
            'set DATABASE_URL or UNWIND_HOME to another one.'
        : `${since}, and without UNWIND_MODE a process is a sandbox. Set UNWIND_MODE=live, or for a ` +
            'sandbox set DATABASE_URL or UNWIND_HOME to another database.',
    );
  }
  throw new ConfigError(
    `${since}, and UNWIND_MODE is live. Live mode needs a database that was never a sandbox: ` +
      'set DATABASE_URL or UNWIND_HOME to another one.',
  );
}

/**
 * Records the mode of a database that has none yet. Idempotent. @throws ConfigError when another process
 * has recorded the other mode, and when a database with clients, which is older than modes, would get
 * the default.
 */
async function recordMode(sql: Sql, clock: Clock, config: ModeOfProcess): Promise<void> {
  if ((await findMode(sql)) === undefined) {
    if (!config.isModeStated && (await hasClients(sql))) {
      throw new ConfigError(
        'This database has clients, and its mode was never recorded. Set UNWIND_MODE to sandbox or ' +
          'live, as it was used until now: this start records it for good.',
      );
    }
    await insertMode(sql, { mode: config.mode, now: clock.now() });
  }
  await refuseOtherMode(sql, config);
}
