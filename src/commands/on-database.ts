// The database of a command: opened, at the right schema, with its clock.

import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { DatabaseClock } from '../db/database-clock.ts';
import { refuseOtherSchema } from '../db/migrate.ts';
import { drawIdsFrom, parseId, type TenantId } from '../ids.ts';
import type { Config } from '../settings/config.ts';
import { prepareDatabase, withDatabase } from '../settings/database.ts';
import { moveOrderOn } from '../trail/chain-store.ts';
import { type OnDatabase, outputTo, type Work } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

/** Runs the work of a command on a database whose schema is current. */
export function onDatabase(config: Config, log: Logger, work: Work<OnDatabase>): Promise<number> {
  return onUnchanged(config, log, async (on, settings) => {
    await moveOrderOn(on.sql);
    return work(on, settings);
  });
}

/** The same, for a command that only reads. */
export function onUnchanged(config: Config, log: Logger, work: Work<OnDatabase>): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    await refuseOtherSchema(sql);
    const clock = await clockOf(sql, log);
    return work({ sql, clock, stdout: outputTo(process.stdout) }, config);
  });
}

/** Runs it on a database that is brought up to this version first. */
export function onMigrated(config: Config, log: Logger, work: Work<OnDatabase>): Promise<number> {
  return withDatabase(config, log, async (sql) => {
    const clock = await clockOf(sql, log);
    await prepareDatabase(sql, clock, config);
    return work({ sql, clock, stdout: outputTo(process.stdout) }, config);
  });
}

/** The time of the database, also for the ids that the command makes. */
async function clockOf(sql: Sql, log: Logger): Promise<Clock> {
  const clock = await DatabaseClock.read(sql, { log });
  drawIdsFrom(clock);
  return clock;
}

/** @throws UsageError where there is none. */
export async function sandboxTenant(config: Config): Promise<TenantId> {
  const { readSandboxClient } = await import('../sandbox/sandbox-client.ts');
  const sandbox = await readSandboxClient(config.home);
  const tenantId = sandbox && parseId<'tenant'>(sandbox.client_id);
  if (tenantId === undefined) {
    throw new UsageError(
      `there is no sandbox client in ${config.home} yet: run "unwind start" once, or name a client.`,
    );
  }
  return tenantId;
}

/** @throws RefusedError where there is no such client. */
export async function refuseUnknownClient(sql: Sql, client: TenantId): Promise<void> {
  const { hasClient } = await import('../book/import-store.ts');
  if (await hasClient(sql, client)) return;
  throw new RefusedError(`there is no client ${client}: "unwind clients" lists them.`);
}
