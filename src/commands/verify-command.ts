// `unwind trail verify` and `unwind trail key`.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { access, constants, writeFile } from 'node:fs/promises';
import { recordedMovements } from '../book/store.ts';
import { recordedExecutions } from '../executions/executions-store.ts';
import { whyUnreadable } from '../file-fault.ts';
import { printableLine } from '../printable.ts';
import type { Config } from '../settings/config.ts';
import { newTrailKey, readTrailKey, trailKeyFileOf } from '../settings/trail-key.ts';
import { keyNameOf } from '../trail/checkpoint.ts';
import type { Finding } from '../trail/finding.ts';
import { type CheckpointReport, verifyCheckpoints } from '../trail/verify-checkpoints.ts';
import { type TrailReport, verifyTrail } from '../trail/verify-trail.ts';
import { type OnDatabase, type Output, printJson } from './run.ts';
import { UsageError } from './usage-error.ts';

export interface VerifyOptions {
  readonly checkpoint?: string;
  readonly key?: readonly string[];
  readonly json?: true;
}

/** Verifies the trail. @returns 0: it is whole; 1: something was found. */
export async function runVerify(
  { sql, clock, stdout }: OnDatabase,
  config: Pick<Config, 'trail' | 'home'>,
  { checkpoint: file = config.trail.file, key: keyFiles, json }: VerifyOptions,
): Promise<number> {
  if (file === undefined && keyFiles !== undefined) {
    throw new UsageError('--key needs --checkpoint: what the key has signed.');
  }
  if (file !== undefined) await refuseUnreadable(file);
  const keys = file === undefined ? [] : await keysOf(config, keyFiles);
  let signed: CheckpointReport | undefined;
  const which = { tables: [recordedMovements, recordedExecutions], now: clock.now() };
  const report = await verifyTrail(sql, which, async (tx, so) => {
    if (file !== undefined) signed = await verifyCheckpoints(tx, so, { file, keys });
  });
  if (json) printJson(stdout, jsonOf(report, signed));
  else stdout.write(textOf(report, signed, clock.now()));
  return report.findings.total === 0 ? 0 : 1;
}

async function refuseUnreadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`the checkpoints in ${file} cannot be read: ${whyUnreadable(error)}.`);
  }
}

async function keysOf(
  config: Pick<Config, 'trail' | 'home'>,
  files: readonly string[] = [trailKeyFileOf(config)],
): Promise<readonly KeyObject[]> {
  return Promise.all(files.map(readTrailKey));
}

function jsonOf(
  { chainId, counts, unsealedSince, findings }: TrailReport,
  signed?: CheckpointReport,
) {
  return {
    ok: findings.total === 0,
    chain: chainId,
    ...counts,
    unsealed_since: unsealedSince?.toISOString() ?? null,
    checkpoints: signed && {
      count: signed.checkpoints,
      chains: signed.chains,
      last_at: signed.lastAt?.toISOString() ?? null,
    },
    findings_total: findings.total,
    findings: findings.listed.map(({ kind, tenantId, subject, id, message }) => {
      return { kind, client_id: tenantId ?? null, subject, id, message };
    }),
  };
}

function textOf(
  { chainId, counts, unsealedSince, findings }: TrailReport,
  signed: CheckpointReport | undefined,
  now: Date,
): string {
  const { seals, acts, rows, unsealed } = counts;
  const age =
    unsealedSince && Math.max(0, Math.round((now.getTime() - unsealedSince.getTime()) / 1_000));
  const since = age === undefined ? '' : `, the oldest of them for ${age} s`;
  const lines = [
    `Chain ${chainId}: ${seals} seals over ${acts} acts and the ${rows} rows that were recorded.`,
    `Not sealed yet: ${unsealed}${since}.`,
    signedText(signed),
    ...findings.listed.map(lineOf),
    ...(findings.total > findings.listed.length
      ? [`and ${findings.total - findings.listed.length} more.`]
      : []),
    findings.total === 0
      ? 'All of it is as it was recorded.'
      : `${counted(findings.total, 'finding')}.`,
  ];
  return `${lines.join('\n')}\n`;
}

function signedText(signed: CheckpointReport | undefined): string {
  if (signed === undefined) {
    return 'No checkpoint was given: the owner of the database could have made all seals anew.';
  }
  const { checkpoints, chains, lastAt } = signed;
  const before = chains > 1 ? `, of ${chains} chains one after the other` : '';
  return lastAt === undefined
    ? 'The file has no checkpoint.'
    : `Signed by ${counted(checkpoints, 'checkpoint')}${before}, the last of ${lastAt.toISOString()}.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function lineOf({ kind, tenantId, message }: Finding): string {
  const whose = tenantId === undefined ? '' : ` (client ${tenantId})`;
  return `  ${kind}: ${printableLine(message)}${whose}`;
}

/** Makes a key that signs checkpoints. @returns 0. */
export async function makeKey(file: string, stdout: Output): Promise<number> {
  const text = newTrailKey();
  const key = createPrivateKey(text);
  const pem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  await writeNew(file, text, 0o600);
  await writeNew(`${file}.pub`, pem, 0o644);
  stdout.write(
    `Made ${file}, which signs, and ${file}.pub, which verifies. Name: ${keyNameOf(key)}\n`,
  );
  return 0;
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx' });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
    throw new UsageError(`${file} is there already: a key is not written over.`);
  }
}
