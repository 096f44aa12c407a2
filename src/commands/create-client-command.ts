// `unwind clients create`: makes an API client with a key of its own and prints its secret, once.

import type { Logger } from 'pino';
import { createClient } from '../auth/create-client.ts';
import type { Scope } from '../auth/scope.ts';
import type { SignaturePolicy } from '../auth/store.ts';
import { systemClock } from '../clock.ts';
import { migrate } from '../db/migrate.ts';
import { withDatabase } from '../embedded/database.ts';
import type { Config } from '../settings/config.ts';
import { openKeyFile, refuseOtherKeyFile } from '../settings/key-file.ts';
import { readInputFile } from './input-file.ts';

export interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** A file in PEM. */
  readonly publicKey: string;
  readonly signaturePolicy: SignaturePolicy;
}

/** @throws UsageError, UnusableKeyError when there is no key in the file that can be used. */
export async function runCreateClient(
  config: Config,
  log: Logger,
  options: CreateOptions,
): Promise<number> {
  const { name, signaturePolicy } = options;
  const publicKeysPem = [(await readInputFile(options.publicKey)).toString('utf8')];
  const seal = await openKeyFile(config);
  const created = await withDatabase(config, log, async (sql) => {
    await migrate(sql);
    await refuseOtherKeyFile(sql, config, seal);
    const client = { name, scopes: options.scopes, signaturePolicy, publicKeysPem };
    return createClient(sql, systemClock, seal, client);
  });
  const { clientId, clientSecret, keyIds } = created;
  const shown = { client_id: clientId, client_secret: clientSecret, key_id: keyIds[0] };
  process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  return 0;
}
