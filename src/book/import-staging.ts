// The way by which every file gets into the book: its lines are staged in a temporary table,
// compared with each other and with the book, and what differs is written in slices. This file has
// the shape of that way and the words for what is wrong; the statements are in import-store.ts and
// its neighbours.

import { assertNever } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import type { BookFile, Row } from './import-file.ts';
import { writtenRowsMax } from './import-limits.ts';

/** A line that is right by itself. */
export interface StagedLine<Column extends string> {
  readonly line: number;
  readonly row: Row<Column>;
}

/** What is wrong with a staged line, as far as only the database can tell; a row of SQL. */
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
    | 'delta_since';
  /** Of `repeated`: where the same key stands first. */
  readonly first_line: number | null;
  /** Of the two `…_while_running`. */
  readonly liquidation_id: string | null;
  /** Of the three `…_since`: the account's last movement. */
  readonly moved_at: Date | null;
  /** Faults of the file in all, of which at most `badLinesListedMax` are listed. */
  readonly total: number;
}

export interface Counts {
  readonly inserted: number;
  readonly changed: number;
}

export interface Writing {
  readonly tenantId: TenantId;
  readonly now: Date;
  /** Number of the last line staged. */
  readonly lastLine: number;
  onWritten(rows: { rowsWritten: number; rowsTotal: number }): void;
}

/** How one file gets into the book; all within one transaction, in this order. */
export interface Staging<Column extends string> {
  /** Makes the empty staging table; it vanishes with the transaction. */
  open(tx: Tx): Promise<unknown>;
  load(tx: Tx, lines: readonly StagedLine<Column>[]): Promise<unknown>;
  /** Ends the loading: tells the planner the size of what it would take to be empty. */
  settle(tx: Tx): Promise<unknown>;
  /** Locks the accounts named, where what may be done depends on their liquidations. */
  lock?(tx: Tx, tenantId: TenantId): Promise<unknown>;
  /** What is wrong with staged lines, one fault a line, in their order. Called under the locks. */
  findFaults(tx: Tx, tenantId: TenantId): Promise<readonly StagedFault[]>;
  /** Writes what differs from the book; only after no fault was found. */
  write(tx: Tx, writing: Writing): Promise<Counts>;
}

/** Runs a writing statement for one slice of numbered rows after the other and adds up. */
export async function inSlices(
  rowsTotal: number,
  writing: Writing,
  writeSlice: (slice: { first: number; last: number }) => Promise<Counts>,
): Promise<Counts> {
  const counts = { inserted: 0, changed: 0 };
  for (let first = 1; first <= rowsTotal; first += writtenRowsMax) {
    const last = Math.min(first + writtenRowsMax - 1, rowsTotal);
    const { inserted, changed } = await writeSlice({ first, last });
    counts.inserted += inserted;
    counts.changed += changed;
    writing.onWritten({ rowsWritten: last, rowsTotal });
  }
  return counts;
}

/** A row of an upsert; `xmax` is 0 in a row that is new, and not in one that was updated. */
export interface Written {
  readonly is_new: boolean;
}

/** Counts the rows of an upsert that returns them. */
export async function countWritten(written: PromiseLike<readonly Written[]>): Promise<Counts> {
  const rows = await written;
  const inserted = rows.filter((row) => row.is_new).length;
  return { inserted, changed: rows.length - inserted };
}

/** Whether the account has moved on since the snapshot of the line. */
export function isSince(fault: StagedFault['fault']): boolean {
  return fault === 'moved_since' || fault === 'sold_since' || fault === 'delta_since';
}

/** The sentence that tells people a fault. */
export function faultReason<Column extends string>(
  file: BookFile<Column>,
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
    default:
      return assertNever(fault);
  }
}
