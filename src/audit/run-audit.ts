// Runs the audit: recomputes from executions and movements what positions, orders, liquidations and
// events must be, reconciles with the venue's journal, and tells what differs. What must hold is
// said by the checks; how it is shown is left to print-report.ts.

import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Check, Difference } from './check.ts';
import { checks } from './checks.ts';
import { type AuditCounts, countEverything, findDifferences, openSnapshot } from './store.ts';

/** Differences that one check names; their number is told in full. A page a person can read. */
export const differencesShownMax = 100;

/**
 * Give the pool of an audit this statement timeout (`connect`), in ms: a check reads whole tables,
 * for which the one that suits requests may be too short.
 */
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
 * @throws when a check cannot be run; nothing is known then.
 */
export function runAudit(sql: Sql): Promise<AuditReport> {
  return inTransaction(sql, auditSnapshot, { isolation: 'repeatable read' });
}

/** Runs all checks in a transaction of the caller, which can only be read from afterwards. */
export async function auditSnapshot(tx: Tx): Promise<AuditReport> {
  const startedAt = performance.now();
  const at = await openSnapshot(tx);
  const counts = await countEverything(tx);
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await runCheck(tx, check));
  const total = results.reduce((before, result) => before + result.total, 0);
  return { at, counts, results, total, durationMs: performance.now() - startedAt };
}

async function runCheck(tx: Tx, { name, says, sql }: Check): Promise<CheckResult> {
  const startedAt = performance.now();
  try {
    const { total, first } = await findDifferences(tx, { name, says, sql }, differencesShownMax);
    const durationMs = performance.now() - startedAt;
    return { check: { name, says }, total, differences: first, durationMs };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the check ${name} could not be run: ${reason}`, { cause: error });
  }
}
