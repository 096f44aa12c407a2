// Audits that people begin at the console: each runs beside the requests, on connections of its own, and its
// result is a row. A process that dies leaves a row whose lease ends, and the next audit takes its place.

import { type AuditProgress, type AuditReport, runAudit } from '../audit/run-audit.ts';
import { type Clock, later, type Stopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { auditsKept } from '../limits.ts';
import {
  type AuditId,
  beatAudit,
  endAudit,
  failAudit,
  forgetOldAudits,
  insertAudit,
} from './audit-store.ts';

/** Differences of one check that a kept audit names; their number is kept in full. */
const auditDifferencesKept = 20;

/** How often a running audit says that it runs, and after how long without that it counts as ended, in ms. */
const auditBeatMs = 5_000;
const auditLeaseMs = 60_000;

export interface AuditsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  /** Connections for one audit; it ends them, unless they are those of the requests. */
  readonly openPool: () => Sql;
  readonly log: { error(fields: object, message: string): void };
}

export class Audits {
  readonly #options: AuditsOptions;
  #running: { readonly pool: Sql; readonly ended: Promise<void> } | undefined;

  constructor(options: AuditsOptions) {
    this.#options = options;
  }

  /** Begins an audit and leaves it to itself. @returns its id; undefined: one runs already. */
  async begin(person: string): Promise<AuditId | undefined> {
    const { sql, clock, openPool } = this.#options;
    const id = newId<'audit'>();
    const now = clock.now();
    const leaseExpiresAt = later(now, auditLeaseMs);
    const hasBegun = await inTransaction(sql, (tx) => {
      return insertAudit(tx, { id, person, now, leaseExpiresAt });
    });
    if (!hasBegun) return undefined;
    const pool = openPool();
    this.#running = { pool, ended: this.#run(id, pool) };
    return id;
  }

  /** Breaks off what runs; its row says so. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    await this.#close(running.pool);
    await running.ended;
  }

  /** Resolves once nothing runs. */
  async ended(): Promise<void> {
    await this.#running?.ended;
  }

  async #run(id: AuditId, pool: Sql): Promise<void> {
    const { sql, clock, stopwatch, log } = this.#options;
    let progress: AuditProgress = { checksDone: 0, checksTotal: 0, running: [] };
    const beat = async () => {
      const { checksDone, checksTotal } = progress;
      const leaseExpiresAt = later(clock.now(), auditLeaseMs);
      const counts = await beatAudit(sql, { id, checksDone, checksTotal, leaseExpiresAt });
      // Another process believed this one dead: what it finds would be of no use to anybody.
      if (!counts) await this.#close(pool);
    };
    const failed = (error: unknown) => log.error({ err: error, audit_id: id }, 'audit.failed');
    const stopBeating = stopwatch.every(auditBeatMs, () => void beat().catch(failed));
    try {
      const report = await runAudit(pool, (now) => {
        progress = now;
      });
      const { total: differences, results } = report;
      const ended = { id, now: clock.now(), differences, checks: results.length };
      await endAudit(sql, { ...ended, report: reportText(report) });
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      await failAudit(sql, { id, now: clock.now(), failure }).catch(failed);
    } finally {
      stopBeating();
      this.#running = undefined;
      await this.#close(pool);
      await forgetOldAudits(sql, auditsKept).catch(failed);
    }
  }

  async #close(pool: Sql): Promise<void> {
    if (pool !== this.#options.sql) await pool.end();
  }
}

/** What is kept of a report: each check, and the first of its differences. */
function reportText({ at, counts, results, durationMs }: AuditReport): string {
  const checks = results.map(({ check, total, differences, durationMs: checkMs }) => ({
    name: check.name,
    says: check.says,
    total,
    duration_ms: Math.round(checkMs),
    differences: differences
      .slice(0, auditDifferencesKept)
      .map(({ tenantId, subject, subjectId, expected, found, message }) => {
        return { client_id: tenantId, subject, subject_id: subjectId, expected, found, message };
      }),
  }));
  return JSON.stringify({ at, counts, checks, duration_ms: Math.round(durationMs) });
}
