// What a check of the audit is. Each is one statement over whole sets of the published views
// `unwind_v1.*` and nothing else: no table, function or query of the engine, whose mistakes it
// would repeat. It leaves running them to run-audit.ts.

import { type Fragment, fragment } from '../db/sql.ts';

export interface Check {
  /** Unique, snake_case; programs may rely on it, so it stays. */
  readonly name: string;
  /** What is true when there is no difference. */
  readonly says: string;
  /**
   * One row for each difference, with the columns tenant_id (uuid), subject (what kind of thing),
   * subject_id, expected, found (null: nothing there) and message (all text). It has to be true of
   * every commit of a running service, not only of one at rest.
   */
  readonly sql: Fragment;
}

/** One thing that is not as it must be. */
export interface Difference {
  readonly check: string;
  /** Null where it is not known. */
  readonly tenantId: string | null;
  readonly subject: string;
  readonly subjectId: string;
  /** Null: nothing. */
  readonly expected: string | null;
  /** Null: nothing. */
  readonly found: string | null;
  readonly message: string;
}

// Sums over almost as many groups as rows are taken from sorted rows, since a hash table of that many
// sums takes memory by the hundred bytes: for a million orders, `orders_are_sums_of_executions` takes
// 2.7 s of processor time so, and 3.9 s without its inner `order by` (explain analyze). Sorted and
// partitioned is by the id first, and by the tenant last: rows that agree in the first column cost a
// further comparison.

// Records carry the clock of the process that wrote them and the instant at which its work began.
// Checks that compare such instants of different writers must not cry wolf: what may have come
// earlier or later than it says is given the benefit of the doubt.

/** SQL: how far the clocks of two processes may be apart. */
export const clockSkew = fragment`interval '5 seconds'`;

/** SQL: how long a claim or a request may take from the instant it records to its commit. */
export const requestTime = fragment`interval '10 seconds'`;

/** SQL: how long an import may take from the instant it records to its commit. */
export const importTime = fragment`interval '1 hour'`;
