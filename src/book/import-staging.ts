// The way by which every file gets into the book: its lines are staged in a temporary table, compared
// with each other and with the book, and what differs is written in slices. This file has the shape
// of that way; the statements are in import-store.ts and import-positions-store.ts.

import type { Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import type { Row } from './import-file.ts';
import { writtenRowsMax } from './import-limits.ts';

/** A line that is right by itself. */
export interface StagedLine<Column extends string> {
  readonly line: number;
  readonly row: Row<Column>;
}

/** What is wrong with a staged line, as far as only the database can tell. */
export interface StagedFault {
  readonly line: number;
  readonly fault:
    | 'repeated'
    | 'user_unknown'
    | 'account_unknown'
    | 'instrument_unknown'
    | 'owner_while_running'
    | 'position_while_running'
    | 'stale';
  /** Of `repeated`: where the same key stands first. */
  readonly first_line: number | null;
  /** Of the two `…_while_running`. */
  readonly liquidation_id: string | null;
  /** Of `stale`: the account's last movement. */
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
  onWritten(rows: { rowsWritten: number; rowsTotal: number }): void;
}

/** How one file gets into the book; all within one transaction, in this order. */
export interface Staging<Column extends string> {
  /** Makes the empty staging table; it vanishes with the transaction. */
  open(tx: Tx): Promise<unknown>;
  load(tx: Tx, lines: readonly StagedLine<Column>[]): Promise<unknown>;
  /** Ends the loading: gives the planner its statistics. */
  settle(tx: Tx): Promise<unknown>;
  /** Locks the accounts named, where what may be done depends on their state. */
  lock(tx: Tx, tenantId: TenantId): Promise<unknown>;
  /** The bad lines among those staged, one fault each, in the order of lines. */
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
