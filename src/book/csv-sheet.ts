// One reading of a file of comma separated values: gives the lines of a csv-parse stream their
// numbers, judges the header and the form of each line, and knows when to stop.

import { type CsvError, type InfoRecord, type Options, type Parser, parse } from 'csv-parse';
import { shown } from './import-fields.ts';
import { csvLineBytesMax } from './import-limits.ts';
import type { BadLine } from './import-report.ts';

/** One line with as many fields as there are columns, in the order of the columns. */
export interface CsvLine {
  /** Counted from 1, the header's. */
  readonly line: number;
  readonly fields: readonly string[];
}

export class CsvSheet {
  /** Takes the bytes of the file and gives a `CsvLine` for each good line. */
  readonly parser: Parser;
  readonly #columns: readonly string[];
  readonly #linesMax: number;
  /** Where each column stands in the file; undefined until the header was read. */
  #places: readonly number[] | undefined;
  readonly #badLines: BadLine[] = [];
  #isBroken = false;
  #lines = 0;
  /** Where the record begins that the parser is at. */
  #nextLine = 1;
  // csv-parse counts a carriage return as a line of its own where it does not end a record.
  #surplusBreaks = 0;

  constructor(columns: readonly string[], linesMax: number) {
    this.#columns = columns;
    this.#linesMax = linesMax;
    const options: Options<CsvLine, string[]> = {
      record_delimiter: ['\r\n', '\n'],
      max_record_size: csvLineBytesMax,
      // Both are no tolerance: they bring the wrong lines here instead of ending the stream, which
      // would lose the lines before them that were not taken yet.
      relax_column_count: true,
      skip_records_with_error: true,
      on_record: (fields: string[], info) => this.#take(fields, info),
      on_skip: (error) => this.#skip(error),
    };
    // Its types know records of another form only together with `columns`.
    this.parser = parse(options as unknown as Options);
  }

  /** True when nothing sensible can follow; the last bad line says why. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Lines below the header so far, good and bad; the parser runs ahead of what is taken of it. */
  get linesRead(): number {
    return this.#lines;
  }

  /** The bad lines up to this line that were not taken yet, in their order. */
  takeBadLines(upTo: number): readonly BadLine[] {
    const later = this.#badLines.findIndex(({ line }) => line !== undefined && line > upTo);
    return this.#badLines.splice(0, later === -1 ? this.#badLines.length : later);
  }

  /** To be called when the stream has ended. */
  end(): void {
    if (this.#places === undefined && !this.#isBroken) {
      this.#break(undefined, `the file is empty; its first line must be ${this.#header()}`);
    }
  }

  #take(fields: string[], info: InfoRecord): CsvLine | null {
    if (this.#isBroken) return null;
    const line = this.#lineOf(fields, info.lines);
    if (this.#places === undefined) {
      this.#readHeader(fields);
      return null;
    }
    const reason = formFault(fields, this.#columns.length);
    this.#lines += 1;
    if (this.#lines > this.#linesMax) {
      this.#break(line, `the file has more than ${this.#linesMax} lines`);
      return null;
    }
    if (reason !== undefined) {
      this.#badLines.push({ line, reason });
      return null;
    }
    return { line, fields: this.#places.map((place) => fields[place] ?? '') };
  }

  #skip(error: CsvError | undefined): undefined {
    if (this.#isBroken) return;
    const line = this.#nextLine;
    switch (error?.code) {
      case 'INVALID_OPENING_QUOTE': {
        if (this.#places === undefined) return this.#break(1, 'a quote stands inside a name');
        // The parser goes on, and reports each further quote of the record; once is enough.
        const next = Number(error['lines']) - this.#surplusBreaks + 1;
        if (next === line) return;
        this.#nextLine = next;
        this.#lines += 1;
        this.#badLines.push({ line, reason: 'a quote stands inside an unquoted field' });
        return;
      }
      case 'CSV_INVALID_CLOSING_QUOTE':
        return this.#break(line, 'text follows a closing quote');
      case 'CSV_QUOTE_NOT_CLOSED':
        return this.#break(line, 'a quoted field that begins here does not end');
      case 'CSV_MAX_RECORD_SIZE':
        return this.#break(line, `the line has more than ${csvLineBytesMax} bytes`);
      default:
        // Thrown into the parser, which ends the stream with it.
        throw error ?? new Error('csv-parse skipped a record without saying why');
    }
  }

  #break(line: number | undefined, reason: string): undefined {
    this.#badLines.push({ line, reason });
    this.#isBroken = true;
  }

  #readHeader(names: readonly string[]): void {
    const missing = this.#columns.filter((column) => !names.includes(column));
    const unknown = names.filter((name) => !this.#columns.includes(name));
    const repeated = names.filter((name, place) => names.indexOf(name) !== place);
    const faults = [
      ...missing.map((name) => `column ${name} is missing`),
      ...unknown.slice(0, this.#columns.length).map((name) => `column ${shown(name)} is unknown`),
      ...repeated.slice(0, this.#columns.length).map((name) => `${shown(name)} stands twice`),
    ];
    if (faults.length > 0) {
      this.#break(1, `${faults.join(', ')}; the first line must be ${this.#header()}`);
      return;
    }
    this.#places = this.#columns.map((column) => names.indexOf(column));
  }

  #header(): string {
    return this.#columns.join(',');
  }

  #lineOf(fields: readonly string[], lineOfEnd: number): number {
    let line = lineOfEnd - this.#surplusBreaks;
    for (const field of fields) {
      if (!/[\r\n]/.test(field)) continue;
      const returns = field.split('\r').length - 1;
      line -= returns + field.split('\n').length - 1;
      this.#surplusBreaks += returns;
    }
    this.#nextLine = lineOfEnd - this.#surplusBreaks + 1;
    return line;
  }
}

function formFault(fields: readonly string[], columns: number): string | undefined {
  if (fields.length !== columns) {
    return fields.length === 1 && fields[0] === ''
      ? 'the line is empty'
      : `the number of fields is ${fields.length}, not ${columns}`;
  }
  // What the decoder puts for bytes that are no UTF-8; no book means it.
  return fields.some((field) => field.includes('\uFFFD'))
    ? 'the line is not UTF-8 text'
    : undefined;
}
