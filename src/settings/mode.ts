// A database is for one mode from its first migration on, so that no process without UNWIND_MODE makes a
// sandbox of a live database, and no live process sells what was invented in a sandbox.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type Config, ConfigError } from './config.ts';
import { findMode, hasClients, insertMode } from './mode-store.ts';

type ModeOfProcess = Pick<Config, 'mode' | 'isModeStated'>;

/** Before anything in the database is changed. @throws ConfigError when it is for the other mode. */
export async function refuseOtherMode(sql: Sql, config: ModeOfProcess): Promise<void> {
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
export async function recordMode(sql: Sql, clock: Clock, config: ModeOfProcess): Promise<void> {
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
