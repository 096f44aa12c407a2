// Runs the audit: recomputes from executions and movements what positions, orders, liquidations and
// events must be, reconciles with the venue's journal, and tells what differs. What must hold is
// said by the checks; how it is shown is left to print-report.ts.

import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Check, Difference } from './check.ts';
import { checks } from './checks.ts';
import {
  type AuditCounts,
  countEverything,
  enterSnapshot,
  exportSnapshot,
  findDifferences,
  openSnapshot,
} from './store.ts';

/** Differences that one check names; their number is told in full. A page a person can read. */
export const differencesShownMax = 100;

/** Connections that an audit uses at once: half of what the smallest machine has cores for. */
export const auditConnectionsMax = 2;

/** How long one check may take, in ms: it reads whole tables, so longer than any request. */
export const auditStatementTimeoutMs = 600_000;

export interface CheckResult {
  readonly check: Pick<Check, 'name' | 'says'>;
  /** How many differences there are; at most the first hundred are in `differences`. */
  readonly total: number;
  readonly differences: readonly Difference[];
  readonly durationMs: number;
}

export interface AuditReport {
  /** The instant, by the clock of the database, of which all this is true. */
  readonly at: Date;
  readonly counts: AuditCounts;
  readonly results: readonly CheckResult[];
  /** Differences of all checks; 0 when all is well. */
  readonly total: number;
  readonly durationMs: number;
}

/**
 * Runs all checks on one snapshot, so that it is consistent while the service runs. Changes nothing
 * and waits for nobody.
 *
 * @param sql a pool of `auditConnectionsMax` connections that nobody else uses, with
 *   `auditStatementTimeoutMs`.
 * @throws when a check cannot be run; nothing is known then.
 */
export function runAudit(sql: Sql): Promise<AuditReport> {
  return inSnapshot(sql, async (tx) => {
    const snapshot = await exportSnapshot(tx);
    const rest = [...checks];
    return audit(tx, rest, () => {
      return inSnapshot(sql, async (other) => {
        await enterSnapshot(other, snapshot);
        return runChecks(other, rest);
      });
    });
  });
}

/** Runs all checks in a transaction of the caller, which can only be read from afterwards. */
export function auditSnapshot(tx: Tx): Promise<AuditReport> {
  return audit(tx, [...checks], async () => []);
}
