// The statements of records: which rows of the book a statement has written, and the hash of each. A record is
// written by the statement that writes the rows, so from their commit on a row that is edited contradicts it.

import { type Fragment, fragment } from '../db/sql.ts';
import { newId } from '../ids.ts';
import { commitOrderSql } from './acts-store.ts';

/** A table whose rows never change once they are written. Its owner says so, and how a row reads. */
export interface RecordedRows {
  /** Name and version of the bytes: other columns are another version. */
  readonly kind: 'movement/1' | 'execution/1';
  /** For people. */
  readonly noun: string;
  /** The table under its alias, as the other pieces name it. */
  readonly from: Fragment;
  readonly tenantId: Fragment;
  readonly id: Fragment;
  readonly recordedAt: Fragment;
  /** All columns that never change, as bytes that no setting of a session changes. */
  readonly bytes: Fragment;
  /** SQL: rows of a tenant whose other columns contradict what is recorded, as id and message. */
  readonly contradictions?: (tenantId: string) => Fragment;
}

/** SQL: what a statement that writes such rows returns of each, for `recordSql`. */
export function recordedSql({ tenantId, id, bytes }: RecordedRows): Fragment {
  return fragment`${tenantId} as recorded_tenant, ${id} as recorded_id, ${bytes} as recorded_bytes`;
}

/** SQL: records rows by a select of what `recordedSql` names; nothing without a row. */
export function recordSql({ kind }: RecordedRows, rows: Fragment): Fragment {
  return fragment`
    insert into unwind.trail_records (tenant_id, commit_order, record_id, kind, ids, hashes)
    select
      r.recorded_tenant, ${commitOrderSql}, ${newId<'record'>()}, ${kind},
      array_agg(r.recorded_id order by r.recorded_id),
      string_agg(
        sha256(convert_to(${kind}, 'UTF8') || r.recorded_bytes),
        ''::bytea
        order by r.recorded_id
      )
    from (${rows}) as r
    group by r.recorded_tenant`;
}
