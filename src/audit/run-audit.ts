// Runs the audit: recomputes from executions and movements what positions, orders, liquidations and
// events must be, reconciles with the venue's journal, and names what differs. What must hold is
// said by the checks; how it is shown is left to commands/print-report.ts.

import { availableParallelism } from 'node:os';
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

/** Differences that one check names; their number is reported in full. A page a person can read. */
export const differencesShownMax = 100;

/** Connections that an audit uses at once, each for one check at a time. */
export const auditConnectionsMax = 4;

/** How long one check may take, in ms: it reads whole tables, so longer than any request. */
const checkTimeoutMs = 600_000;

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

/** How far an audit is. */
export interface AuditProgress {
  readonly checksDone: number;
  readonly checksTotal: number;
  /** The names of the checks that run now. */
  readonly running: readonly string[];
}

/**
 * Runs all checks on one snapshot, so that it is consistent while the service runs. Changes nothing
 * and waits for no lock.
 *
 * @param sql a pool of at least `auditConnectionsMax` connections.
 * @param onProgress called when a check begins or ends.
 * @throws when a check cannot be run; nothing is known then.
 */
export function runAudit(
  sql: Sql,
  onProgress?: (progress: AuditProgress) => void,
): Promise<AuditReport> {
  const options = { isolation: 'repeatable read', statementTimeoutMs: checkTimeoutMs } as const;
  const work = async (tx: Tx) => {
    const snapshot = await exportSnapshot(tx);
    return audit(tx, new Queue(onProgress), (queue) => {
      const beside = async (other: Tx) => {
        await enterSnapshot(other, snapshot);
        return takeChecks(other, queue);
      };
      const connections = Math.min(auditConnectionsMax, Math.max(2, availableParallelism()));
      const others = Array.from({ length: connections - 1 });
      return others.map(() => inTransaction(sql, beside, options));
    });
  };
  return inTransaction(sql, work, options);
}

/** Runs all checks in a transaction of the caller, which can only be read from afterwards. */
export function auditSnapshot(tx: Tx): Promise<AuditReport> {
  return audit(tx, new Queue(undefined), () => []);
}

/** The checks that are left, for any number of connections. */
class Queue {
  readonly #left = [...checks];
  readonly #running = new Set<string>();
  readonly #onProgress: ((progress: AuditProgress) => void) | undefined;

  constructor(onProgress: ((progress: AuditProgress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  /** The next check to run. */
  take(): Check | undefined {
    const check = this.#left.shift();
    if (check !== undefined) this.#running.add(check.name);
    this.#report();
    return check;
  }

  done({ name }: Check): void {
    this.#running.delete(name);
  }

  /** No further check is begun. */
  stop(): void {
    this.#left.length = 0;
  }

  #report(): void {
    this.#onProgress?.({
      checksDone: checks.length - this.#left.length - this.#running.size,
      checksTotal: checks.length,
      running: [...this.#running],
    });
  }
}

type Help = (queue: Queue) => readonly Promise<readonly CheckResult[]>[];

async function audit(tx: Tx, queue: Queue, help: Help): Promise<AuditReport> {
  const startedAt = performance.now();
  const at = await openSnapshot(tx);
  const counts = await countEverything(tx);
  const found = (await Promise.all([takeChecks(tx, queue), ...help(queue)])).flat();
  const results = checks.flatMap(({ name }) => found.filter(({ check }) => check.name === name));
  const total = results.reduce((before, result) => before + result.total, 0);
  return { at, counts, results, total, durationMs: performance.now() - startedAt };
}

async function takeChecks(tx: Tx, queue: Queue): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (let check = queue.take(); check !== undefined; check = queue.take()) {
    try {
      results.push(await runCheck(tx, check));
      queue.done(check);
    } catch (error) {
      queue.stop();
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the check ${check.name} failed: ${reason}`, { cause: error });
    }
  }
  return results;
}

async function runCheck(tx: Tx, check: Check): Promise<CheckResult> {
  const startedAt = performance.now();
  const { total, first } = await findDifferences(tx, check, differencesShownMax);
  const { name, says } = check;
  const durationMs = performance.now() - startedAt;
  return { check: { name, says }, total, differences: first, durationMs };
}
