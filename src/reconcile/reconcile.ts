// Compares the record of a venue or custodian with ours and names every difference, both ways. It reads only;
// however long the record is, it holds a page of it.

import { readRow } from '../book/import-file.ts';
import { badLinesListedMax } from '../book/import-limits.ts';
import type { BadLine } from '../book/import-report.ts';
import { readCsv } from '../book/read-csv.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import {
  type Compared,
  compare,
  type DayRange,
  findDays,
  findDifferences,
  openComparison,
  type RecordLine,
  stageRecord,
} from './reconcile-store.ts';
import { type RecordDifference, recordColumns, recordNames } from './record.ts';

export interface Reconciliation {
  readonly venue: string;
  /** The path of the record. */
  readonly file: string;
  /** Undefined: the days of the record. */
  readonly days: DayRange | undefined;
  /** Undefined: executions of all clients. */
  readonly tenantId: TenantId | undefined;
  /** No instant of the record is later. */
  readonly now: Date;
  /** Called once, before the differences. */
  onCompared(compared: Compared, days: DayRange): void;
  /** Called for each page of them. */
  onDifferences(differences: readonly RecordDifference[]): void;
}

export type Reconciled =
  | ({ readonly outcome: 'compared' } & Compared)
  /** The record cannot be judged: nothing was compared. */
  | {
      readonly outcome: 'unreadable';
      readonly badLines: readonly BadLine[];
      readonly count: number;
    }
  /** It has no line, and no days were named. */
  | { readonly outcome: 'empty' };

/** A comparison reads whole tables: longer than a request may take, in ms. */
const statementMsMax = 600_000;
const pageRows = 1_000;

/** @throws trouble of the file system. */
export function reconcile(sql: Sql, asked: Reconciliation): Promise<Reconciled> {
  const work = async (tx: Tx): Promise<Reconciled> => {
    const { badLines, count } = await stage(tx, asked);
    if (count > 0) return { outcome: 'unreadable', badLines, count };
    const days = asked.days ?? (await findDays(tx));
    if (days === undefined) return { outcome: 'empty' };
    const { venue, tenantId } = asked;
    const compared = await compare(tx, { venue, days, tenantId });
    asked.onCompared(compared, days);
    for (let after = 0; after < compared.differences; after += pageRows) {
      asked.onDifferences(await findDifferences(tx, { after, limit: pageRows }));
    }
    return { outcome: 'compared', ...compared };
  };
  return inTransaction(sql, work, {
    isolation: 'repeatable read',
    statementTimeoutMs: statementMsMax,
  });
}

async function stage(tx: Tx, { file, now }: Reconciliation) {
  const badLines: BadLine[] = [];
  let count = 0;
  await openComparison(tx);
  for await (const part of readCsv(file, recordNames)) {
    const good: RecordLine[] = [];
    const bad = [...part.badLines];
    for (const { line, fields } of part.lines) {
      const read = readRow({ columns: recordColumns }, fields, { latest: now });
      if ('row' in read) good.push({ line, row: read.row });
      else bad.push({ line, reason: read.fault });
    }
    if (good.length > 0) await stageRecord(tx, good);
    count += bad.length;
    badLines.push(...bad.slice(0, badLinesListedMax - badLines.length));
  }
  return { badLines, count };
}
