// `unwind keys rotate`: replaces the keys that sign a client's deliveries.

import type { Seal } from '../auth/seal.ts';
import {
  rotateSigningKeys,
  type SigningAlgorithm,
  signingAlgorithms,
} from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { actOfCommand } from './acting.ts';
import type { Output } from './run.ts';
import { RefusedError } from './usage-error.ts';

export interface KeysCommand {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly tenantId: TenantId;
  readonly stdout: Output;
}

export interface RotateOptions {
  /** Undefined: all of them. */
  readonly algorithm?: SigningAlgorithm;
  /** Hours that the new key is served before it signs. */
  readonly lead: number;
  /** Hours that the old key is served after it has signed. */
  readonly overlap: number;
}

const hourMs = 3_600_000;

/** Replaces keys and prints what was done as JSON. @throws RefusedError where there is no client. */
export async function runRotateKeys(
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
  stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  return 0;
}
