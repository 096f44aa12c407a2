// Compares the trail with what was signed outside the database: who owns the database can make all seals anew, but
// not the signatures.

import type { KeyObject } from 'node:crypto';
import type { Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { type Checkpoint, following, keyNameOf, readLine, type Signed } from './checkpoint.ts';
import { linesOf } from './checkpoint-file.ts';
import { findSealHashes, findSeals } from './verify-store.ts';
import type { TrailReport } from './verify-trail.ts';

export interface CheckpointsToVerify {
  readonly file: string;
  /** Public, or private. */
  readonly keys: readonly KeyObject[];
}

export interface CheckpointReport {
  readonly checkpoints: number;
  readonly lastAt: Date | undefined;
  /** Chains that the file has one after the other. */
  readonly chains: number;
}

/** Verifies the file by itself, and the trail against the last that it says of each chain. */
export async function verifyCheckpoints(
  tx: Tx,
  report: TrailReport,
  { file, keys }: CheckpointsToVerify,
): Promise<CheckpointReport> {
  const named = new Map(keys.map((key) => [keyNameOf(key), key]));
  let signed: Signed | undefined;
  let place = 0;
  let checkpoints = 0;
  const chains = new Set<string>();
  for await (const line of linesOf(file)) {
    place += 1;
    const of = { tenantId: undefined, subject: 'checkpoint', id: `in line ${place}` };
    const read = readLine(line, named);
    if (read.type === 'torn') continue;
    if (read.type === 'unsigned') {
      const more = `: key ${read.keyName ?? 'unknown'}`;
      report.findings.add('checkpoint_unsigned', { ...of, more });
      continue;
    }
    checkpoints += 1;
    chains.add(read.checkpoint.chainId);
    const next = following(signed, { line, checkpoint: read.checkpoint });
    for (const fault of next.faults) {
      const before = { ...of, id: `before line ${place}` };
      report.findings.add(fault, fault === 'checkpoint_missing' ? before : of);
    }
    // Who begins a new run has not looked at what the one before has signed.
    if (next.isNewRun && signed?.chainId === next.signed.chainId) {
      await compareWith(tx, report, { signed, file, named });
    }
    signed = next.signed;
  }
  if (signed !== undefined) await compareWith(tx, report, { signed, file, named });
  return { checkpoints, lastAt: signed?.at, chains: chains.size };
}

interface Source {
  readonly signed: Signed;
  readonly file: string;
  readonly named: ReadonlyMap<string, KeyObject>;
}

async function compareWith(tx: Tx, report: TrailReport, source: Source): Promise<void> {
  const { signed } = source;
  const { chainId, findings } = report;
  if (signed.chainId !== chainId) {
    const of = { tenantId: undefined, subject: 'chain', id: chainId };
    findings.add('chain_replaced', { ...of, more: `: ${signed.chainId}` });
    return;
  }
  for (const [tenantId, head] of signed.heads) {
    const hash = (await findSealHashes(tx, tenantId, [head.number])).get(head.number);
    const of = { tenantId, subject: 'chain of client', id: tenantId };
    if (hash === undefined) {
      const isThere = (await findSeals(tx, { tenantId, after: '0', limit: 1 })).length > 0;
      const more = `: up to seal ${head.number}, by ${signed.at.toISOString()}`;
      findings.add(isThere ? 'chain_cut' : 'chain_removed', { ...of, more });
    } else if (hash.toString('hex') !== head.hash) {
      const where = await firstDivergence(tx, tenantId, source);
      findings.add('chain_rewritten', { ...of, more: `: ${where}` });
    }
    await lookBehind(tx, report, { tenantId, after: head.number, signed });
  }
}

/** The first checkpoint that says another seal than there is now: what it signs before it is as it was. */
async function firstDivergence(tx: Tx, tenantId: TenantId, source: Source): Promise<string> {
  let good = '0';
  for await (const { heads } of checkpointsOf(source)) {
    const head = heads.get(tenantId);
    if (head === undefined) continue;
    const hash = (await findSealHashes(tx, tenantId, [head.number])).get(head.number);
    if (hash?.toString('hex') === head.hash) good = head.number;
    else return `some seal from ${BigInt(good) + 1n} to ${head.number} was made anew`;
  }
  return 'where is not known';
}

async function* checkpointsOf({ file, named, signed }: Source): AsyncGenerator<Checkpoint> {
  for await (const line of linesOf(file)) {
    const read = readLine(line, named);
    if (read.type === 'checkpoint' && read.checkpoint.chainId === signed.chainId) {
      yield read.checkpoint;
    }
  }
}

/** How much before its commit a seal takes its time, in ms: one statement. */
const sealingMsMax = 60_000;

/** What was sealed after a checkpoint is not dated before it. */
async function lookBehind(
  tx: Tx,
  { findings }: TrailReport,
  { tenantId, after, signed }: { tenantId: TenantId; after: string; signed: Signed },
): Promise<void> {
  const [next] = await findSeals(tx, { tenantId, after, limit: 1 });
  if (next === undefined) return;
  if (next.sealed_at.getTime() >= signed.at.getTime() - sealingMsMax) return;
  findings.add('seal_backdated', { tenantId, subject: 'seal', id: next.number });
}
