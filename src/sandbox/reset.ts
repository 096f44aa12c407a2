// Empties a sandbox, so that the same book can be sold again.

import type { Seal } from '../auth/seal.ts';
import type { Contract } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLockTimeout } from '../db/errors.ts';
import { ConfigError } from '../settings/config.ts';
import { type DatabaseConfig, prepareDatabase } from '../settings/database.ts';
import { findMode } from '../settings/mode-store.ts';
import type { Act } from '../trail/act.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { findChainId } from '../trail/chain-store.ts';
import { dropAll, findServices } from './reset-store.ts';
import { ensureSandboxClient, readSandboxClient } from './sandbox-client.ts';

/** What the trail keeps of a reset. */
type ActOf = (now: Date, detail: string) => Act;

const running = 'A service runs on this database: stop it, then run "unwind sandbox reset" again.';

/**
 * Removes what is in the database, makes its schema anew, and enters the client of this home again.
 *
 * @throws ConfigError where the database is no sandbox, or a service is connected to it.
 */
export async function resetSandbox(
  sql: Sql,
  clock: Clock,
  {
    seal,
    actOf,
    ...config
  }: DatabaseConfig & {
    readonly seal: Seal;
    readonly contract?: Contract;
    readonly actOf?: ActOf;
  },
): Promise<void> {
  if (config.mode !== 'sandbox') throw new ConfigError('Only a sandbox can be reset.');
  if ((await findMode(sql))?.mode !== 'sandbox') {
    throw new ConfigError('This database was never a sandbox: nothing was removed.');
  }
  if ((await findServices(sql)).length > 0) throw new ConfigError(running);
  const chainBefore = await findChainId(sql);
  try {
    await dropAll(sql);
  } catch (error) {
    throw isLockTimeout(error) ? new ConfigError(running, { cause: error }) : error;
  }
  await prepareDatabase(sql, clock, config);
  const detail = `a new chain begins; the one before was ${chainBefore ?? 'none'}`;
  await recordAct(sql, allTenants, actOf?.(clock.now(), detail));
  const { home, contract = '2023' } = config;
  const client = await readSandboxClient(home);
  if (client === undefined) return;
  await ensureSandboxClient(sql, clock, { home, seal, baseUrl: client.base_url, contract });
}
