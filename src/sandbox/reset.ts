// Empties a sandbox, so that the same book can be sold again.

import type { Seal } from '../auth/seal.ts';
import type { Contract } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLockTimeout } from '../db/errors.ts';
import { ConfigError } from '../settings/config.ts';
import { type DatabaseConfig, prepareDatabase } from '../settings/database.ts';
import { findMode } from '../settings/mode-store.ts';
import { dropAll, findServices } from './reset-store.ts';
import { ensureSandboxClient, readSandboxClient } from './sandbox-client.ts';

const running = 'A service runs on this database: stop it, then run "unwind sandbox reset" again.';

/**
 * Removes what is in the database, makes its schema anew, and enters the client of this home again.
 *
 * @throws ConfigError where the database is no sandbox, or a service is connected to it.
 */
export async function resetSandbox(
  sql: Sql,
  clock: Clock,
  { seal, ...config }: DatabaseConfig & { readonly seal: Seal; readonly contract?: Contract },
): Promise<void> {
  if (config.mode !== 'sandbox') throw new ConfigError('Only a sandbox can be reset.');
  if ((await findMode(sql))?.mode !== 'sandbox') {
    throw new ConfigError('This database was never a sandbox: nothing was removed.');
  }
  if ((await findServices(sql)).length > 0) throw new ConfigError(running);
  try {
    await dropAll(sql);
  } catch (error) {
    throw isLockTimeout(error) ? new ConfigError(running, { cause: error }) : error;
  }
  await prepareDatabase(sql, clock, config);
  const { home, contract = '2023' } = config;
  const client = await readSandboxClient(home);
  if (client === undefined) return;
  await ensureSandboxClient(sql, clock, { home, seal, baseUrl: client.base_url, contract });
}
