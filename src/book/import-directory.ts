// Imports the book of one client from a directory: users, accounts, instruments, prices and
// positions. It answers for each file being imported wholly or not at all, and for every bad line
// being reported; what a line must be is in import-file.ts, what the database must say to it in
// import-store.ts.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { whyUnreadable } from '../file-fault.ts';
import type { TenantId } from '../ids.ts';
import type { Act } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { type BookFile, bookFileNames, bookFiles, readRow } from './import-file.ts';
import {
  badLinesListedMax,
  ignoredNamesListedMax,
  importLockMsMax,
  importStatementMsMax,
} from './import-limits.ts';
import {
  type BadLine,
  type BadLines,
  byLine,
  type FileReport,
  faultReason,
  type ImportProgress,
  type ImportReport,
  isSince,
  joinBadLines,
} from './import-report.ts';
import {
  analyseBook,
  findFaults,
  hasClient,
  lockBook,
  openStaging,
  readLatestInstant,
  type StagedLine,
  settleStaging,
  stageLines,
  writeStaged,
} from './import-store.ts';
import { readCsv } from './read-csv.ts';

export interface ImportRequest {
  readonly tenantId: TenantId;
  readonly directory: string;
  /** What the trail keeps of a file that has changed something. */
  actOf?(file: string, now: Date, detail: string): Act;
  onProgress?(progress: ImportProgress): void;
  /** Called with each file's report as soon as it is settled, also when a later file throws. */
  onFile?(report: FileReport): void;
}

/** There is nothing to import, or no client to import it for; nothing was imported. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/**
 * Imports what is there of a book, file by file, each in one transaction.
 *
 * A file with bad lines changes nothing; the files after it are still checked and imported, as far
 * as they do not refer to what it would have brought. What a file does not name stays as it is.
 * Repeating an import changes nothing. Accounts named in `accounts.csv` and `positions.csv` are
 * locked from the end of the reading to the commit, so no liquidation starts on what is about to change:
 * a request for one meanwhile waits, and may be refused for waiting too long.
 *
 * @throws ImportError, and whatever file system or database are in trouble with: the file under way
 *   is not imported then, those before it are.
 */
export async function importDirectory(
  sql: Sql,
  clock: Clock,
  request: ImportRequest,
): Promise<ImportReport> {
  if (!(await hasClient(sql, request.tenantId))) {
    throw new ImportError(`there is no client ${request.tenantId}`);
  }
  const names = await namesIn(request.directory);
  const present = bookFiles.filter(({ name }) => names.includes(name));
  if (present.length === 0) {
    const wanted = bookFileNames.join(', ');
    throw new ImportError(`${request.directory} holds none of ${wanted}`);
  }
  const files: FileReport[] = [];
  for (const file of present) {
    const report = await importFile(sql, clock, { file, request });
    request.onFile?.(report);
    files.push(report);
  }
  const hasChanged = files.some((file) => {
    return file.outcome === 'imported' && file.inserted + file.changed > 0;
  });
  if (hasChanged) await analyseBook(sql);
  const ignored = names.filter((name) => !present.some((file) => file.name === name)).sort();
  return {
    files,
    ignored: ignored.slice(0, ignoredNamesListedMax),
    ignoredCount: ignored.length,
  };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    throw new ImportError(`${directory} cannot be read: ${whyUnreadable(error)}`, { cause: error });
  }
}

/** Imports one file; a transaction that lost against another reads it again from its beginning. */
function importFile(
  sql: Sql,
  clock: Clock,
  { file, request }: { readonly file: BookFile; readonly request: ImportRequest },
): Promise<FileReport> {
  const { tenantId } = request;
  const work = async (tx: Tx): Promise<FileReport> => {
    const now = clock.now();
    const { lines, lastLine, isWhole, bad } = await stage(tx, { file, request, now });
    request.onProgress?.({ step: 'checking', file: file.name, lines });
    // A file that is refused anyway need not hold anybody up.
    if (bad.count === 0) await lockBook(tx, file, tenantId);
    const faults = await findFaults(tx, file, tenantId);
    const { listed, count } = joinBadLines(bad, {
      listed: faults.map((fault) => ({ line: fault.line, reason: faultReason(file, fault) })),
      count: faults[0]?.total ?? 0,
    });
    if (count > 0) {
      const isOld = faults.some(({ fault }) => isSince(fault));
      const refused = { lines, badLines: listed, badLineCount: count, isWhole, isOld };
      return { outcome: 'refused', file: file.name, ...refused };
    }
    const { inserted, changed } = await writeStaged(tx, file, {
      tenantId,
      now,
      lastLine,
      onWritten: (rows) => request.onProgress?.({ step: 'writing', file: file.name, ...rows }),
    });
    const unchanged = lines - inserted - changed;
    if (inserted + changed > 0) {
      const detail = `${inserted} new, ${changed} changed, ${unchanged} as before`;
      await recordAct(tx, tenantId, request.actOf?.(file.name, now, detail));
    }
    return { outcome: 'imported', file: file.name, lines, inserted, changed, unchanged };
  };
  return inTransaction(sql, work, {
    statementTimeoutMs: importStatementMsMax,
    lockTimeoutMs: importLockMsMax,
  });
}

interface Staged {
  /** Below the header, good and bad. */
  readonly lines: number;
  readonly lastLine: number;
  readonly isWhole: boolean;
  readonly bad: BadLines;
}

/** Reads a file, stages the lines that are right by themselves and reports the others. */
async function stage(
  tx: Tx,
  work: { file: BookFile; request: ImportRequest; now: Date },
): Promise<Staged> {
  const { file, request, now } = work;
  const reading = { latest: await readLatestInstant(tx, now) };
  const path = join(request.directory, file.name);
  const badLines: BadLine[] = [];
  const result = { lines: 0, lastLine: 0, isWhole: true, badCount: 0 };
  await openStaging(tx, file);
  for await (const part of readCsv(path, Object.keys(file.columns))) {
    const good: StagedLine[] = [];
    const bad = [...part.badLines];
    for (const { line, fields } of part.lines) {
      const read = readRow(file, fields, reading);
      if ('row' in read) good.push({ line, row: read.row });
      else bad.push({ line, reason: read.fault });
    }
    bad.sort(byLine);
    if (good.length > 0) await stageLines(tx, file, good);
    result.lines = part.linesRead;
    result.lastLine = good.at(-1)?.line ?? result.lastLine;
    result.isWhole &&= part.isWhole;
    result.badCount += bad.length;
    badLines.push(...bad.slice(0, badLinesListedMax - badLines.length));
    const { linesRead, bytesRead, bytesTotal } = part;
    request.onProgress?.({ step: 'reading', file: file.name, linesRead, bytesRead, bytesTotal });
  }
  await settleStaging(tx, file);
  return { ...result, bad: { listed: badLines, count: result.badCount } };
}
