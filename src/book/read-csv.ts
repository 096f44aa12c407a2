// Reads one file of comma separated values as a stream of lines: RFC 4180, a header first, UTF-8
// with or without byte order mark, lines ended by LF or CRLF. It answers for the form of the file
// (columns, quotes, sizes, encoding); what stands in the fields is left to the caller.

import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { type CsvLine, CsvSheet } from './csv-sheet.ts';
import { csvFileBytesMax, csvLinesMax, stagedLinesMax } from './import-limits.ts';
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
// Not csv-parse's own `bom`: it also takes UTF-16, whose lines cannot be counted here.
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads a file part by part, at most `stagedLinesMax` good lines each; a part may be empty.
 *
 * A line that is wrong by itself is reported and passed over. Where nothing sensible can follow (wrong
 * header, quotes that do not close, a line or file too long, a file that changes while it is read)
 * the reading ends with the bad line that says so. Errors of the file system are thrown.
 */
export async function* readCsv(
  path: string,
  columns: readonly string[],
  linesMax = csvLinesMax,
): AsyncGenerator<CsvPart, void> {
  // Asked before it is opened, which would wait for ever for the writer of a named pipe.
  const found = await stat(path);
  if (!found.isFile()) return yield brokenPart('this is not a regular file');
  if (found.size > csvFileBytesMax) {
    const reason = `the file has ${found.size} bytes, at most ${csvFileBytesMax} are allowed`;
    return yield brokenPart(reason);
  }
  const file = await open(path, 'r');
  try {
    const source: Source = { file, bytesTotal: found.size, bytesRead: 0 };
    const sheet = new CsvSheet(columns, linesMax);
    yield* readParts(source, sheet);
    if (hasChanged(found, await file.stat())) {
      yield { ...brokenPart('the file changed while it was read'), ...progressOf(source, sheet) };
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
    ...progressOf(source, sheet),
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

function progressOf({ bytesRead, bytesTotal }: Source, { linesRead }: CsvSheet) {
  return { linesRead, bytesRead, bytesTotal };
}

/** What is wrong with the file as a whole, as when it cannot be read. */
function brokenPart(reason: string): CsvPart {
  const badLines = [{ line: undefined, reason }];
  return { lines: [], badLines, linesRead: 0, bytesRead: 0, bytesTotal: 0, isWhole: false };
}

function hasChanged(before: Stats, after: Stats): boolean {
  return before.size !== after.size || before.mtimeMs !== after.mtimeMs;
}
