// `unwind keys`: lists and replaces the keys that sign a client's deliveries.

import { type Command, Option } from 'commander';
import type { Seal } from '../auth/seal.ts';
import {
  listSigningKeys,
  rotateSigningKeys,
  type SigningAlgorithm,
  signingAlgorithms,
} from '../auth/signing-keys.ts';
import type { TenantId } from '../ids.ts';
import { openKeyFile, refuseOtherKeyFile } from '../settings/key-file.ts';
import { actOfCommand } from './acting.ts';
import { clientId, hours } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { type OnClient, printJson, runForClient, runForReaderOf } from './run.ts';
import { tableOf } from './table.ts';
import { RefusedError } from './usage-error.ts';

export function addKeyCommands(program: Command): void {
  const keys = nounOf(program, 'keys');
  keys
    .command('list', { isDefault: true })
    .description('the keys of a client, and which of them signs now')
    .option('--client <id>', 'whose they are; default the sandbox client', clientId)
    .option('--all', 'and those that have ended')
    .option('--json', 'one JSON document instead of text')
    .action(({ client, ...options }: ListKeysOptions & { client?: TenantId }) => {
      return runForReaderOf(client, (to) => listKeys(to, options));
    });
  keys
    .command('rotate')
    .description('replace keys; the old ones verify until their end')
    .option('--client <id>', 'whose they are; default the sandbox client', clientId)
    .addOption(new Option('--algorithm <name>', 'only this one').choices(signingAlgorithms))
    .option('--lead <hours>', 'serve the new key so long before it signs', hours, 1)
    .option('--overlap <hours>', 'serve the old key so long after it has signed', hours, 168)
    .option('--json', 'one JSON document, which it prints anyway')
    .action(({ client, ...options }: RotateOptions & { client?: TenantId }) => {
      return runForClient(client, async (to, config) => {
        const seal = await openKeyFile(config);
        await refuseOtherKeyFile(to.sql, config, seal);
        return runRotateKeys({ ...to, seal }, options);
      });
    });
}

export interface KeysCommand extends OnClient {
  readonly seal: Seal;
}

export interface ListKeysOptions {
  /** Also those that have ended. */
  readonly all?: true;
  readonly json?: true;
}

export interface RotateOptions {
  /** Undefined: all of them. */
  readonly algorithm?: SigningAlgorithm;
  /** Hours that the new key is served before it signs. */
  readonly lead: number;
  /** Hours that the old key is served after it has signed. */
  readonly overlap: number;
}

/** Lists them, the newest first. @throws RefusedError where there is no client. */
export async function listKeys(
  { sql, clock, tenantId, stdout }: OnClient,
  { all, json }: ListKeysOptions,
): Promise<number> {
  const found = await listSigningKeys(sql, tenantId, clock.now());
  if (found.length === 0) throw new RefusedError(`there is no client ${tenantId}.`);
  const keys = all ? found : found.filter(({ status }) => status !== 'ended');
  if (json) {
    const shown = keys.map(({ keyId, algorithm, status, createdAt, signsFrom, endsAt }) => {
      const times = { created_at: createdAt, signs_from: signsFrom, ends_at: endsAt };
      return { key_id: keyId, algorithm, status, ...times };
    });
    return printJson(stdout, shown);
  }
  const rows = keys.map(({ keyId, algorithm, status, signsFrom, endsAt }) => {
    return [keyId, algorithm, status, signsFrom?.toISOString(), endsAt?.toISOString()];
  });
  const head = ['key', 'algorithm', 'status', 'signs from', 'ends'];
  stdout.write(tableOf([head, ...rows], stdout.isTTY === true));
  return 0;
}

const hourMs = 3_600_000;

/** Replaces keys and prints what was done as JSON. @throws RefusedError where there is no client. */
async function runRotateKeys(
  { sql, clock, seal, tenantId, stdout }: KeysCommand,
  { algorithm, lead, overlap }: RotateOptions,
): Promise<number> {
  const algorithms = algorithm === undefined ? signingAlgorithms : [algorithm];
  const rotation = { leadMs: lead * hourMs, overlapMs: overlap * hourMs };
  const act = actOfCommand(clock.now(), {
    ...{ operation: 'rotate_signing_keys', target: `/clients/${tenantId}/signing_keys` },
    detail: algorithms.join(' '),
  });
  const rotated = await rotateSigningKeys(sql, clock, {
    ...{ tenantId, seal, algorithms, rotation, act },
  });
  if (rotated.length === 0) throw new RefusedError(`there is no client ${tenantId}.`);
  const shown = rotated.map((one) => ({
    algorithm: one.algorithm,
    key_id: one.keyId,
    signs_from: one.signsFrom.toISOString(),
    old_key_ends_at: one.oldKeyEndsAt.toISOString(),
  }));
  return printJson(stdout, shown);
}
