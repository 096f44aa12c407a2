// Verifies the trail: every row that was recorded hashes to its record, every act and record to its seal, every
// seal follows the one before it, and nothing is there that none of them holds. What was signed outside the
// database is compared in verify-checkpoints.ts.

import { createHash } from 'node:crypto';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import { verifiedFindingsMax, verifiedRowsAtOnce, verifiedSealsAtOnce } from '../limits.ts';
import { findChain } from './chain-store.ts';
import { type FindingKind, Findings } from './finding.ts';
import type { RecordedRows } from './records-store.ts';
import {
  findActsInNoSeal,
  findContradictions,
  findRecordedRows,
  findRecordsInNoSeal,
  findRowsInNoRecord,
  findSealedActs,
  findSealedRecords,
  findSeals,
  findTrailTenants,
  type HashedRow,
  openForReading,
  type RecordedRow,
  type RecordRow,
  type StoredSeal,
} from './verify-store.ts';

/** How long one statement may take, in ms: some read whole tables. */
const statementTimeoutMs = 600_000;

/** Acts or records of a seal read at once: each names the rows of one statement, some thousands in an import. */
const entriesMax = 100;

/** How much older than the seal before its own something may say it is, in ms: an import takes so long at most. */
const lateMsMax = 75 * 60_000;

/** For how long an act may be in no seal, in ms. Sealing takes a second. */
const unsealedMsMax = 60_000;

export interface TrailReport {
  readonly chainId: string;
  readonly counts: {
    tenants: number;
    seals: number;
    acts: number;
    records: number;
    rows: number;
    /** Not sealed yet. */
    unsealed: number;
  };
  /** Since when something is not sealed. */
  readonly unsealedSince: Date | undefined;
  readonly findings: Findings;
}

/** What is done with the end of each chain, once the chain is verified. */
export type AtEnd = (tx: Tx, report: TrailReport) => Promise<void>;

interface Verification {
  readonly tx: Tx;
  readonly tables: readonly RecordedRows[];
  readonly now: Date;
  readonly entriesAtOnce: number;
  readonly report: TrailReport & { unsealedSince: Date | undefined };
}

/** What is verified, and when. */
export interface ToVerify {
  readonly tables: readonly RecordedRows[];
  readonly now: Date;
  /** Acts or records of a seal that are read at once; default 100. */
  readonly entriesAtOnce?: number;
}

/** Verifies all of it, as it is at one instant. Changes nothing, and waits for no lock. */
export function verifyTrail(
  sql: Sql,
  which: ToVerify,
  further: AtEnd = async () => {},
): Promise<TrailReport> {
  const work = (tx: Tx) => verifyWithin(tx, which, further);
  return inTransaction(sql, work, { isolation: 'repeatable read', statementTimeoutMs });
}

/** The same as a transaction sees it, in which nothing can be written from then on. */
export async function verifyWithin(
  tx: Tx,
  { tables, now, entriesAtOnce = entriesMax }: ToVerify,
  further: AtEnd,
): Promise<TrailReport> {
  await openForReading(tx);
  const { chainId } = await findChain(tx);
  const counts = { tenants: 0, seals: 0, acts: 0, records: 0, rows: 0, unsealed: 0 };
  const findings = new Findings(verifiedFindingsMax);
  const report = { chainId, counts, unsealedSince: undefined, findings };
  for (const tenantId of await findTrailTenants(tx)) {
    await verifyTenant({ tx, tables, now, entriesAtOnce, report }, tenantId);
  }
  await further(tx, report);
  return report;
}

async function verifyTenant(verification: Verification, tenantId: TenantId): Promise<void> {
  const { tx, tables, report } = verification;
  report.counts.tenants += 1;
  await verifySeals(verification, tenantId);
  await findUnsealed(verification, tenantId);
  const limit = verifiedFindingsMax;
  for (const table of tables) {
    const of = { tenantId, subject: table.noun };
    for (const id of await findRowsInNoRecord(tx, table, { tenantId, limit })) {
      report.findings.add('row_inserted', { ...of, id });
    }
    for (const { id, message } of await findContradictions(tx, table, { tenantId, limit })) {
      report.findings.add('row_contradicted', { ...of, id, more: `: it ${message}` });
    }
  }
}

/** Goes through the chain of a tenant from its beginning. */
async function verifySeals(verification: Verification, tenantId: TenantId): Promise<void> {
  const { tx, report } = verification;
  let before: StoredSeal | undefined;
  for (;;) {
    const after = before?.number ?? '0';
    const seals = await findSeals(tx, { tenantId, after, limit: verifiedSealsAtOnce });
    for (const seal of seals) {
      verifyLink(verification, tenantId, { seal, before });
      await verifyEntries(verification, tenantId, { seal, before });
      before = seal;
      report.counts.seals += 1;
    }
    if (seals.length < verifiedSealsAtOnce) return;
  }
}

interface SealAndBefore {
  readonly seal: StoredSeal;
  readonly before: StoredSeal | undefined;
}

/** A seal by itself, and beside the one before it. */
function verifyLink(
  { report: { chainId, findings } }: Verification,
  tenantId: TenantId,
  { seal, before }: SealAndBefore,
): void {
  const of = { tenantId, subject: 'seal', id: seal.number };
  const expected = BigInt(before?.number ?? 0) + 1n;
  if (BigInt(seal.number) !== expected) {
    const many =
      BigInt(seal.number) - 1n === expected ? '' : `, nor are those up to ${seal.number}`;
    findings.add('seal_missing', { ...of, id: String(expected), more: many });
  } else {
    const previous = before?.hash ?? hashOf(`chain/1 ${chainId} ${tenantId}`);
    if (!seal.previous.equals(previous)) findings.add('seal_unlinked', of);
  }
  if (!seal.hash.equals(hashOf(seal.text))) findings.add('seal_edited', of);
  if (before !== undefined && seal.sealed_at < before.sealed_at) findings.add('seal_backdated', of);
}

/** What a seal holds, against what is there: so much at once, since an import may have all of it in one seal. */
async function verifyEntries(
  verification: Verification,
  tenantId: TenantId,
  { seal, before }: SealAndBefore,
): Promise<void> {
  const { tx, report, entriesAtOnce } = verification;
  const orders = { first: seal.first_order, last: seal.last_order };
  for (const page of pagesOf(seal.act_ids, seal.act_hashes, entriesAtOnce)) {
    await compare(
      verification,
      { ...page, tenantId, noun: 'act', before },
      (ids) => findSealedActs(tx, { tenantId, ids, orders }),
      (ids) => findSealedActs(tx, { tenantId, ids, orders: undefined }),
    );
  }
  report.counts.acts += seal.act_ids.length;
  for (const page of pagesOf(seal.record_ids, seal.record_hashes, entriesAtOnce)) {
    const found: RecordRow[] = [];
    const keep = async (ids: readonly string[], where: typeof orders | undefined) => {
      const rows = await findSealedRecords(tx, { tenantId, ids, orders: where });
      found.push(...rows);
      return rows;
    };
    await compare(
      verification,
      { ...page, tenantId, noun: 'record', before },
      (ids) => keep(ids, orders),
      (ids) => keep(ids, undefined),
    );
    await verifyRows(verification, tenantId, { records: found, before });
  }
  report.counts.records += seal.record_ids.length;
}

/** Ids with their hashes of 32 bytes each, so many at once. */
function* pagesOf(ids: readonly string[], hashes: Buffer, limit: number) {
  for (let from = 0; from < ids.length; from += limit) {
    const to = from + limit;
    yield { ids: ids.slice(from, to), hashes: hashes.subarray(32 * from, 32 * to) };
  }
}

/** Rows of the book against the records that hold them. */
async function verifyRows(
  verification: Verification,
  tenantId: TenantId,
  {
    records,
    before,
  }: { readonly records: readonly RecordRow[]; readonly before?: StoredSeal | undefined },
): Promise<void> {
  const { tx, tables, report } = verification;
  for (const table of tables) {
    let ids: string[] = [];
    let hashes: Buffer[] = [];
    const look = async () => {
      const { noun } = table;
      const expected = { tenantId, ids, hashes: Buffer.concat(hashes), noun, before };
      await compare(verification, expected, (some) => {
        return findRecordedRows(tx, table, { tenantId, ids: some });
      });
      report.counts.rows += ids.length;
      ids = [];
      hashes = [];
    };
    for (const record of records.filter(({ kind }) => kind === table.kind)) {
      ids.push(...record.ids);
      hashes.push(record.hashes.subarray(0, 32 * record.ids.length));
      if (ids.length >= verifiedRowsAtOnce) await look();
    }
    if (ids.length > 0) await look();
  }
}

interface Expected {
  readonly tenantId: TenantId;
  readonly ids: readonly string[];
  /** 32 bytes for each id. */
  readonly hashes: Buffer;
  readonly noun: string;
  readonly before: StoredSeal | undefined;
}

type Find = (ids: readonly string[]) => Promise<readonly (HashedRow | RecordedRow)[]>;

/**
 * Compares what is there with what was hashed.
 * @param findElsewhere where what was not found at its place may be instead.
 */
async function compare(
  { report: { findings } }: Verification,
  { tenantId, ids, hashes, noun, before }: Expected,
  find: Find,
  findElsewhere: Find = async () => [],
): Promise<void> {
  if (ids.length === 0) return;
  const isEntry = noun === 'act' || noun === 'record';
  const kindOf = (what: 'edited' | 'removed' | 'backdated' | 'inserted') => {
    return `${isEntry ? noun : 'row'}_${what}` as FindingKind;
  };
  const rows = Map.groupBy(await find(ids), ({ id }) => id);
  const missing = ids.filter((id) => !rows.has(id));
  const moved = missing.length === 0 ? [] : await findElsewhere(missing);
  for (const row of moved) rows.set(row.id, [row]);
  for (const [place, id] of ids.entries()) {
    const of = { tenantId, subject: noun, id };
    const named = rows.get(id) ?? [];
    const hash = hashes.subarray(32 * place, 32 * place + 32);
    const row = named.find((one) => hashOfRow(one, noun).equals(hash));
    if (named.length === 0) findings.add(kindOf('removed'), of);
    else if (row === undefined) findings.add(kindOf('edited'), of);
    else if (isBefore(row.at, before)) findings.add(kindOf('backdated'), of);
    for (const _ of named.slice(1)) findings.add(kindOf('inserted'), of);
  }
}

function hashOfRow(row: HashedRow | RecordedRow, noun: string): Buffer {
  return 'bytes' in row ? hashOf(`${noun}/1`, row.bytes) : hashOf(row.text);
}

function isBefore(at: Date | null, before: StoredSeal | undefined): boolean {
  return (
    at !== null && before !== undefined && at.getTime() < before.sealed_at.getTime() - lateMsMax
  );
}

/** What no seal holds: either it is too new, or it was put there. */
async function findUnsealed(verification: Verification, tenantId: TenantId): Promise<void> {
  const { tx, now, report } = verification;
  const { counts, findings } = report;
  for (const act of await findActsInNoSeal(tx, tenantId)) {
    const of = { tenantId, subject: 'act', id: act.id };
    if (act.isDue) {
      findings.add('act_inserted', of);
      continue;
    }
    counts.unsealed += 1;
    if (act.at !== null && now.getTime() - act.at.getTime() > unsealedMsMax) {
      findings.add('act_unsealed', of);
    }
    const { unsealedSince: since } = report;
    if (act.at !== null && (since === undefined || act.at < since)) report.unsealedSince = act.at;
  }
  const records = await findRecordsInNoSeal(tx, tenantId);
  for (const { isDue, id } of records) {
    if (isDue) findings.add('record_inserted', { tenantId, subject: 'record', id });
    else counts.unsealed += 1;
  }
  const all = records.map(({ id }) => id);
  for (const { ids } of pagesOf(all, Buffer.alloc(0), verification.entriesAtOnce)) {
    const page = await findSealedRecords(tx, { tenantId, ids, orders: undefined });
    await verifyRows(verification, tenantId, { records: page });
  }
}

function hashOf(text: string, bytes: Uint8Array = new Uint8Array()): Buffer {
  return createHash('sha256').update(text, 'utf8').update(bytes).digest();
}
