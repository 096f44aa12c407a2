// What an import tells: per file what changed, or why nothing of it was imported.

import type { BookFileName } from './import-file.ts';
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
