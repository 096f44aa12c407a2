// What the statements of an import have in common: the shape of a file's rules, and writing in slices.

import type { Fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { writtenRowsMax } from './import-limits.ts';

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

/** SQL: what a line `s` of a file may be against, beside a key that stands in the file twice. */
export interface Rules {
  /** Further parts of the `with`, each after a comma. */
  readonly before: Fragment;
  readonly joins: Fragment;
  /** Branches of a `case` that gives the fault. */
  readonly faults: Fragment;
  /** The liquidation that runs on the account of the line. */
  readonly liquidationId: Fragment;
  /** When the account of the line moved last. */
  readonly movedAt: Fragment;
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
