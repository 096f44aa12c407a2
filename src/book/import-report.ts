// What an import reports: per file what changed, or why nothing of it was imported.

import { assertNever } from '../assert.ts';
import type { BookFile, BookFileName } from './import-file.ts';
import { badLinesListedMax } from './import-limits.ts';

export interface BadLine {
  /** Counted from 1, the header's; undefined where the file as a whole is meant. */
  readonly line: number | undefined;
  /** For people, one line of text without control characters. */
  readonly reason: string;
}

export interface ImportedFile {
  readonly outcome: 'imported';
  readonly file: BookFileName;
  /** Lines below the header; the sum of the three counts. */
  readonly lines: number;
  readonly inserted: number;
  readonly changed: number;
  readonly unchanged: number;
}

/** Nothing of the file was imported. */
export interface RefusedFile {
  readonly outcome: 'refused';
  readonly file: BookFileName;
  /** Lines below the header that were read. */
  readonly lines: number;
  /** The first bad lines, at most `badLinesListedMax`, in their order. */
  readonly badLines: readonly BadLine[];
  readonly badLineCount: number;
  /** False when the file is broken somewhere: what follows was not looked at. */
  readonly isWhole: boolean;
  /** Whether accounts have moved on since the file's snapshot of them: something was sold, say. */
  readonly isOld: boolean;
}

export type FileReport = ImportedFile | RefusedFile;

export interface ImportReport {
  /** In the order of the import, only those that are there. */
  readonly files: readonly FileReport[];
  /** Other names in the directory, sorted; at most `ignoredNamesListedMax`. */
  readonly ignored: readonly string[];
  readonly ignoredCount: number;
}

/** How far the import of one file is. */
export type ImportProgress =
  | {
      readonly step: 'reading';
      readonly file: BookFileName;
      readonly linesRead: number;
      readonly bytesRead: number;
      readonly bytesTotal: number;
    }
  | { readonly step: 'checking'; readonly file: BookFileName; readonly lines: number }
  | {
      readonly step: 'writing';
      readonly file: BookFileName;
      readonly rowsWritten: number;
      readonly rowsTotal: number;
    };

/** A bounded list of bad lines with the count of all. */
export interface BadLines {
  readonly listed: readonly BadLine[];
  readonly count: number;
}

/** Both together, in the order of their lines; each line stands in one of the two at most. */
export function joinBadLines(one: BadLines, other: BadLines): BadLines {
  const listed = [...one.listed, ...other.listed].sort(byLine).slice(0, badLinesListedMax);
  return { listed, count: one.count + other.count };
}

/** Compares by place in the file; what concerns the file as a whole comes first. */
export function byLine(a: BadLine, b: BadLine): number {
  return (a.line ?? 0) - (b.line ?? 0);
}

/** What is wrong with a staged line, as far as only the database can know; a row of SQL. */
export interface StagedFault {
  readonly line: number;
  readonly fault:
    | 'repeated'
    | 'user_unknown'
    | 'account_unknown'
    | 'instrument_unknown'
    | 'owner_while_running'
    | 'position_while_running'
    | 'moved_since'
    | 'sold_since'
    | 'delta_since'
    | 'rate_known'
    | 'rate_late';
  /** Of `repeated`: where the same key stands first. */
  readonly first_line: number | null;
  /** Of the two `…_while_running`. */
  readonly liquidation_id: string | null;
  /** Of the three `…_since`: the account's last movement. Of `rate_late`: the newest rate. */
  readonly moved_at: Date | null;
  /** Faults of the file in all, of which at most `badLinesListedMax` are listed. */
  readonly total: number;
}

/** Whether the account has moved on since the snapshot of the line. */
export function isSince(fault: StagedFault['fault']): boolean {
  return fault === 'moved_since' || fault === 'sold_since' || fault === 'delta_since';
}

/** The sentence that names a fault to people. */
export function faultReason(
  file: BookFile,
  { fault, first_line, liquidation_id, moved_at }: StagedFault,
): string {
  switch (fault) {
    case 'repeated':
      return `${file.key.join(' and ')}: the same as in line ${first_line}`;
    case 'user_unknown':
      return 'user_id: this client has no such user';
    case 'account_unknown':
      return 'account_id: this client has no such account';
    case 'instrument_unknown':
      return 'isin: this client has no such instrument';
    case 'owner_while_running':
      return `user_id: liquidation ${liquidation_id} runs, until its end the user stays`;
    case 'position_while_running':
      return (
        `account_id: liquidation ${liquidation_id} runs, until its end positions change only by ` +
        'credits and locks (unwind positions)'
      );
    case 'moved_since':
      return `as_of: older than the account's last movement or snapshot, at ${moved_at?.toISOString()}`;
    case 'sold_since':
      return `as_of: not after the account's last sale, at ${moved_at?.toISOString()}`;
    case 'delta_since':
      return `as_of: not after the account's last credit, lock or unlock, at ${moved_at?.toISOString()}`;
    case 'rate_known':
      return 'rate: another rate is known for that instant, and executions may be converted by it';
    case 'rate_late':
      return `as_of: not after the newest rate of the currency, of ${moved_at?.toISOString()}`;
    default:
      return assertNever(fault);
  }
}
