// `unwind keys rotate`: replaces the keys that sign a client's deliveries.

import { Command, InvalidArgumentError, Option } from 'commander';
import type { Logger } from 'pino';
import {
  rotateSigningKeys,
  type SigningAlgorithm,
  signingAlgorithms,
} from './auth/signing-keys.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { withDatabase } from './database.ts';
import { migrate } from './db/migrate.ts';
import type { TenantId } from './ids.ts';
import { openKeyFile } from './key-file.ts';
import { UsageError } from './usage-error.ts';

interface RotateOptions {
  readonly client?: TenantId;
  readonly algorithm?: SigningAlgorithm;
  /** Hours that the new key is served before it signs. */
  readonly lead: number;
  /** Hours that the old key is served after it has signed. */
  readonly overlap: number;
}

/** What the command line gives its commands. */
interface CommandLine {
  readonly run: (command: (config: Config, log: Logger) => Promise<number>) => Promise<void>;
  readonly clientId: (text: string) => TenantId;
  readonly sandboxTenant: (config: Config) => Promise<TenantId>;
}

/** The command `keys`. */
export function keysCommand({ run, clientId, sandboxTenant }: CommandLine): Command {
  const keys = new Command('keys').description('keys that sign deliveries of webhooks');
  keys
    .command('rotate')
    .description('replace keys; the old ones verify until their end')
    .option('--client <id>', 'whose they are; default the sandbox client', clientId)
    .addOption(new Option('--algorithm <name>', 'only this one').choices(signingAlgorithms))
    .option('--lead <hours>', 'serve the new key so long before it signs', hours, 1)
    .option('--overlap <hours>', 'serve the old key so long after it has signed', hours, 168)
    .action((options: RotateOptions) =>
      run(async (config, log) => {
        const tenantId = options.client ?? (await sandboxTenant(config));
        process.stdout.write(await rotateKeys(config, log, { ...options, tenantId }));
        return 0;
      }),
    );
  return keys;
}

const hourMs = 3_600_000;
const hoursMax = 8_760;

/** Replaces keys. @returns what was done as JSON text. @throws UsageError where there is no client. */
async function rotateKeys(
  config: Config,
  log: Logger,
  options: RotateOptions & { readonly tenantId: TenantId },
): Promise<string> {
  const { tenantId, algorithm, lead, overlap } = options;
  const seal = await openKeyFile(config);
  const algorithms = algorithm === undefined ? signingAlgorithms : [algorithm];
  const rotation = { leadMs: lead * hourMs, overlapMs: overlap * hourMs };
  const rotated = await withDatabase(config, log, async (sql) => {
    await migrate(sql);
    return rotateSigningKeys(sql, systemClock, { tenantId, seal, algorithms, rotation });
  });
  if (rotated.length === 0) throw new UsageError(`there is no client ${tenantId}.`);
  const shown = rotated.map((one) => ({
    algorithm: one.algorithm,
    key_id: one.keyId,
    signs_from: one.signsFrom.toISOString(),
    old_key_ends_at: one.oldKeyEndsAt.toISOString(),
  }));
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

function hours(text: string): number {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= hoursMax) return value;
  throw new InvalidArgumentError(`It is no whole number from 0 to ${hoursMax}.`);
}
