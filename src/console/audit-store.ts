// The statements of audits that people ran at the console. One runs at a time; whose process has died gives way.

import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { Id } from '../ids.ts';

export type AuditId = Id<'audit'>;

export interface AuditRun {
  readonly id: AuditId;
  readonly person: string;
  /** RUNNING also says one whose process has died; `isLost` separates them. */
  readonly status: 'RUNNING' | 'DONE' | 'FAILED';
  readonly isLost: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  readonly checksDone: number;
  readonly checksTotal: number;
  readonly differences: number | undefined;
  readonly failure: string | undefined;
}

/** Begins one, unless one runs. @returns whether it has begun. */
export async function insertAudit(
  tx: Tx,
  audit: { id: AuditId; person: string; now: Date; leaseExpiresAt: Date },
): Promise<boolean> {
  const { id, person, now, leaseExpiresAt } = audit;
  await tx`
    update unwind.console_audits a
    set
      status = 'FAILED',
      ended_at = ${now},
      lease_expires_at = null,
      failure = 'The process that ran it has ended.'
    where a.status = 'RUNNING'
      and a.lease_expires_at < ${now}`;
  const rows = await tx`
    insert into unwind.console_audits (
      audit_id, person, status, started_at, lease_expires_at, checks_done, checks_total
    )
    values (${id}, ${person}, 'RUNNING', ${now}, ${leaseExpiresAt}, 0, 0)
    on conflict ((true)) where status = 'RUNNING' do nothing`;
  return rows.count > 0;
}

/** Says that it still runs, and how far it is. @returns false: it does not count any more. */
export async function beatAudit(
  sql: Sql,
  audit: { id: AuditId; checksDone: number; checksTotal: number; leaseExpiresAt: Date },
): Promise<boolean> {
  const rows = await sql`
    update unwind.console_audits a
    set
      checks_done = ${audit.checksDone},
      checks_total = ${audit.checksTotal},
      lease_expires_at = ${audit.leaseExpiresAt}
    where a.audit_id = ${audit.id}
      and a.status = 'RUNNING'`;
  return rows.count > 0;
}

/** What it found. @returns false: it did not count any more. */
export async function endAudit(
  sql: Sql,
  audit: { id: AuditId; now: Date; checks: number; differences: number; report: string },
): Promise<boolean> {
  const rows = await sql`
    update unwind.console_audits a
    set
      status = 'DONE',
      ended_at = ${audit.now},
      lease_expires_at = null,
      checks_done = ${audit.checks},
      checks_total = ${audit.checks},
      differences = ${audit.differences},
      report = ${audit.report}
    where a.audit_id = ${audit.id}
      and a.status = 'RUNNING'`;
  return rows.count > 0;
}

/** That nothing is known. @returns false: it did not count any more. */
export async function failAudit(
  sql: Sql,
  audit: { id: AuditId; now: Date; failure: string },
): Promise<boolean> {
  const rows = await sql`
    update unwind.console_audits a
    set
      status = 'FAILED',
      ended_at = ${audit.now},
      lease_expires_at = null,
      failure = left(${audit.failure}::text, 1000)
    where a.audit_id = ${audit.id}
      and a.status = 'RUNNING'`;
  return rows.count > 0;
}

/** Forgets all but the last. @returns how many. */
export async function forgetOldAudits(sql: Sql, kept: number): Promise<number> {
  const rows = await sql`
    delete from unwind.console_audits a
    where a.status <> 'RUNNING'
      and a.audit_id not in (
        select k.audit_id
        from unwind.console_audits k
        order by k.audit_id desc
        limit ${kept}
      )`;
  return rows.count;
}

/** The last ones, the newest first. */
export async function findAudits(
  sql: Sql,
  { now, limit }: { readonly now: Date; readonly limit: number },
): Promise<readonly AuditRun[]> {
  const rows = await sql<RowOf<AuditRun>[]>`
    select
      a.audit_id as id, a.person, a.status, coalesce(a.lease_expires_at < ${now}, false) as is_lost,
      a.started_at, a.ended_at, a.checks_done, a.checks_total, a.differences, a.failure
    from unwind.console_audits a
    order by a.audit_id desc
    limit ${limit}`;
  return rows.map((row) => thingOf<AuditRun>(row));
}

/** What one found, as JSON text; undefined: there is no such audit, or it is not done. */
export async function findAuditReport(sql: Sql, id: AuditId): Promise<string | undefined> {
  const rows = await sql<{ report: string | null }[]>`
    select a.report
    from unwind.console_audits a
    where a.audit_id = ${id}`;
  return rows[0]?.report ?? undefined;
}
