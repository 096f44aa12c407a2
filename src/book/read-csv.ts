// Reads one file of comma separated values as a stream of lines: RFC 4180, a header first, UTF-8
// with or without byte order mark, lines ended by LF or CRLF. It answers for the form of the file
// (columns, quotes, sizes, encoding); what stands in the fields is left to the caller.

import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { type CsvLine, CsvSheet } from './csv-sheet.ts';
import { csvFileBytesMax, stagedLinesMax } from './import-limits.ts';
import type { BadLine } from './import-report.ts';

/** What was read since the last part. */
export interface CsvPart {
  readonly lines: readonly CsvLine[];
  readonly badLines: readonly BadLine[];
  /** Of the file so far: lines below the header, good and bad, and bytes. */
  readonly linesRead: number;
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** False when the file is broken: nothing after the last bad line was looked at. */
  readonly isWhole: boolean;
}

interface Source {
  readonly file: FileHandle;
  readonly bytesTotal: number;
  bytesRead: number;
}

const readBytes = 256 * 1024;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads a file part by part, at most `stagedLinesMax` good lines each; a part may be empty.
 *
 * A line that is wrong by itself is told and passed over. Where nothing sensible can follow (wrong
 * header, quotes that do not close, a line or file too long, a file that changes while it is read)
 * the reading ends with the bad line that says so. Errors of the file system are thrown.
 */
export async function* readCsv(
  path: string,
  columns: readonly string[],
): AsyncGenerator<CsvPart, void> {
  const file = await open(path, 'r');
  try {
    const atOpen = await file.stat();
    const source: Source = { file, bytesTotal: atOpen.size, bytesRead: 0 };
    const sheet = new CsvSheet(columns);
    if (atOpen.size > csvFileBytesMax) {
      const reason = `the file has ${atOpen.size} bytes, at most ${csvFileBytesMax} are allowed`;
      yield brokenPart(source, sheet, reason);
      return;
    }
    yield* readParts(source, sheet);
    if (hasChanged(atOpen, await file.stat())) {
      yield brokenPart(source, sheet, 'the file changed while it was read');
    }
  } finally {
    await file.close();
  }
}

async function* readParts(source: Source, sheet: CsvSheet): AsyncGenerator<CsvPart, void> {
  // Errors of both streams come out of the iteration below; the callback has nothing to add.
  pipeline(bytesOf(source, sheet), sheet.parser, () => {});
  let lines: CsvLine[] = [];
  const part = (upTo: number): CsvPart => ({
    lines,
    badLines: sheet.takeBadLines(upTo),
    linesRead: sheet.linesRead,
    bytesRead: source.bytesRead,
    bytesTotal: source.bytesTotal,
    isWhole: !sheet.isBroken,
  });
  for await (const line of sheet.parser as AsyncIterable<CsvLine>) {
    lines.push(line);
    if (lines.length === stagedLinesMax) {
      yield part(line.line);
      lines = [];
    }
  }
  sheet.end();
  yield part(Number.POSITIVE_INFINITY);
}

/** The bytes of the file without the byte order mark; ends early when the sheet is broken. */
async function* bytesOf(source: Source, sheet: CsvSheet): AsyncGenerator<Buffer, void> {
  while (!sheet.isBroken) {
    const { bytesRead, buffer } = await source.file.read(Buffer.allocUnsafe(readBytes));
    if (bytesRead === 0) return;
    const bytes = buffer.subarray(0, bytesRead);
    const isMarked = source.bytesRead === 0 && bytes.indexOf(byteOrderMark) === 0;
    source.bytesRead += bytesRead;
    yield isMarked ? bytes.subarray(byteOrderMark.length) : bytes;
  }
}

function brokenPart(source: Source, sheet: CsvSheet, reason: string): CsvPart {
  const { bytesRead, bytesTotal } = source;
  const badLines = [{ line: undefined, reason }];
  return { lines: [], badLines, linesRead: sheet.linesRead, bytesRead, bytesTotal, isWhole: false };
}

function hasChanged(before: Stats, after: Stats): boolean {
  return before.size !== after.size || before.mtimeMs !== after.mtimeMs;
}
