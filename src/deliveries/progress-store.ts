// The one statement that records what came of deliveries: marks, holds and the delivery log of many
// subscriptions in one commit, each fenced by holder and epoch.

import type { Sql } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { AccountId, EventId } from '../ids.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import type { Standing } from './delivery.ts';
import { type Gap, keyRecord, recordsOf } from './delivery-store.ts';
import type { Hold } from './hold.ts';

/** One attempt as the delivery log keeps it. */
export interface LoggedAttempt {
  /** Where in the log it is written, over what stood there. */
  readonly place: number;
  readonly attemptId: string;
  readonly kind: 'delivery' | 'test' | 'gap' | 'warning';
  readonly at: Date;
  readonly durationMs: number;
  readonly outcome: string;
  readonly status: number | undefined;
  /** The first characters of the answer. */
  readonly answer: string;
  /** The number of the attempt. */
  readonly attempt: number;
  readonly events: number;
  readonly firstEventId: EventId | undefined;
  readonly lastEventId: EventId | undefined;
}

/** The columns of `LoggedAttempt`, in the order in which they are written. */
export const attemptColumns = fragment`
      tenant_id, webhook_id, place, attempt_id, kind, attempted_at, duration_ms, outcome, status,
      answer, attempt, events, first_event_id, last_event_id`;

/** An attempt is written over the one that had its place. */
export const overOlderAttempt = fragment`
    on conflict (tenant_id, webhook_id, place) do update
    set
      attempt_id = excluded.attempt_id,
      kind = excluded.kind,
      attempted_at = excluded.attempted_at,
      duration_ms = excluded.duration_ms,
      outcome = excluded.outcome,
      status = excluded.status,
      answer = excluded.answer,
      attempt = excluded.attempt,
      events = excluded.events,
      first_event_id = excluded.first_event_id,
      last_event_id = excluded.last_event_id`;

/** How far a claimed subscription has come since it was last recorded. */
export interface Progress {
  readonly webhook: Webhook;
  readonly epoch: number;
  readonly standing: Standing;
  readonly holdDueAt: Date | undefined;
  readonly fullAt: number | undefined;
  readonly takenCount: number;
  readonly failedCount: number;
  readonly gap: (Gap & { readonly noticedAt: Date }) | undefined;
  /** The receiver is gone. */
  readonly disable: boolean;
  /** Gives the lease back. */
  readonly release: boolean;
  readonly holds: ReadonlyMap<AccountId, Hold | undefined>;
  readonly attempts: readonly LoggedAttempt[];
}

/**
 * Records progress. Where the settings of a subscription were changed meanwhile, the outcome was
 * that of the old ones: the new ones keep their chance. A batch may hold records of an old and a new
 * claim of one subscription: each row that is written names its record (`n`), never the subscription
 * alone.
 *
 * @returns for each record, in their order, when the settings last changed; undefined where the
 *   lease is another claim's: nothing of that record was written.
 */
export async function recordProgress(
  sql: Sql,
  holder: string,
  all: readonly Progress[],
): Promise<readonly (Date | undefined)[]> {
  const rows = await sql<{ n: number; updated_at: Date }[]>`
    with ${oursUpdated(holder, all)},
    held as (${holdsWritten(all)}),
    in_step as (${holdsRemoved(all)}),
    logged as (${attemptsWritten(all)})
    select o.n, o.updated_at
    from ours o`;
  const changedAt = new Map(rows.map((row) => [row.n, row.updated_at]));
  return all.map((_, n) => changedAt.get(n));
}

/** CTEs: `ours` are the records whose lease is still theirs, written as the new standing. */
function oursUpdated(holder: string, all: readonly Progress[]): Fragment {
  return fragment`
    given as (
      select g.*
      from json_to_recordset(${recordsOf(all.map(progressRecord))}::json) as g (
        n integer, tenant_id uuid, webhook_id uuid, epoch integer, updated_at timestamptz, position bigint,
        attempts integer, failing_since timestamptz, next_attempt_at timestamptz,
        hold_due_at timestamptz, full_at bigint, last_attempt_at timestamptz,
        last_success_at timestamptz, last_outcome text, taken_count bigint, failed_count bigint,
        gap_after bigint, gap_up_to bigint, gap_noticed_at timestamptz, disable boolean,
        release boolean
      )
    ),
    locked as (
      select g.n, w.tenant_id, w.webhook_id
      from given g
      join unwind.webhooks w
        on w.tenant_id = g.tenant_id
        and w.webhook_id = g.webhook_id
        and w.lease_epoch = g.epoch
      where w.lease_holder = ${holder}
      order by w.tenant_id, w.webhook_id
      for update of w
    ),
    ours as (
      update unwind.webhooks w
      set
        position = g.position,
        attempts = case when w.updated_at = g.updated_at then g.attempts else w.attempts end,
        failing_since = case
          when w.updated_at = g.updated_at then g.failing_since
          else w.failing_since
        end,
        next_attempt_at = case
          when w.updated_at = g.updated_at then g.next_attempt_at
          else w.next_attempt_at
        end,
        hold_due_at = g.hold_due_at,
        full_at = case when w.updated_at = g.updated_at then g.full_at end,
        last_attempt_at = g.last_attempt_at,
        last_success_at = g.last_success_at,
        last_outcome = g.last_outcome,
        taken_count = g.taken_count,
        failed_count = g.failed_count,
        gap_after = coalesce(g.gap_after, w.gap_after),
        gap_up_to = coalesce(g.gap_up_to, w.gap_up_to),
        gap_noticed_at = coalesce(g.gap_noticed_at, w.gap_noticed_at),
        enabled = w.enabled and not (g.disable and w.updated_at = g.updated_at),
        lease_holder = case when not g.release then w.lease_holder end,
        lease_expires_at = case when not g.release then w.lease_expires_at end
      from locked l
      join given g on g.n = l.n
      where w.tenant_id = l.tenant_id
        and w.webhook_id = l.webhook_id
      returning g.n, w.tenant_id, w.webhook_id, w.updated_at
    )`;
}

/** Of `ours`: the holds as they are now. */
function holdsWritten(all: readonly Progress[]): Fragment {
  const holds = all.flatMap(holdRecords);
  return fragment`
    insert into unwind.webhook_holds (
      tenant_id, webhook_id, account_id, after, request_id, up_to, status, attempts,
      failing_since, next_attempt_at, last_attempt_at, last_outcome
    )
    select
      o.tenant_id, o.webhook_id, h.account_id, h.after, h.request_id, h.up_to, h.status,
      h.attempts, h.failing_since, h.next_attempt_at, h.last_attempt_at, h.last_outcome
    from json_to_recordset(${JSON.stringify(holds)}::json) as h (
      n integer, account_id uuid, after bigint, request_id uuid,
      up_to bigint, status text, attempts integer, failing_since timestamptz,
      next_attempt_at timestamptz, last_attempt_at timestamptz, last_outcome text
    )
    join ours o on o.n = h.n
    on conflict (tenant_id, webhook_id, account_id) do update
    set
      after = excluded.after,
      request_id = excluded.request_id,
      up_to = excluded.up_to,
      status = excluded.status,
      attempts = excluded.attempts,
      failing_since = excluded.failing_since,
      next_attempt_at = excluded.next_attempt_at,
      last_attempt_at = excluded.last_attempt_at,
      last_outcome = excluded.last_outcome`;
}

/** Of `ours`: accounts that are in step again have no hold. */
function holdsRemoved(all: readonly Progress[]): Fragment {
  const keys = all.flatMap(inStepRecords);
  return fragment`
    delete from unwind.webhook_holds h
    using json_to_recordset(${JSON.stringify(keys)}::json) as g (n integer, account_id uuid), ours o
    where o.n = g.n
      and h.tenant_id = o.tenant_id
      and h.webhook_id = o.webhook_id
      and h.account_id = g.account_id`;
}

/** Of `ours`: attempts, over what stood in their places. */
function attemptsWritten(all: readonly Progress[]): Fragment {
  const attempts = all.flatMap(attemptRecords);
  return fragment`
    insert into unwind.webhook_attempts (
      ${attemptColumns}
    )
    select
      o.tenant_id, o.webhook_id, a.place, a.attempt_id, a.kind, a.attempted_at, a.duration_ms,
      a.outcome, a.status, a.answer, a.attempt, a.events, a.first_event_id, a.last_event_id
    from json_to_recordset(${JSON.stringify(attempts)}::json) as a (
      n integer, place integer, attempt_id uuid, kind text,
      attempted_at timestamptz, duration_ms integer, outcome text, status integer, answer text,
      attempt integer, events integer, first_event_id uuid, last_event_id uuid
    )
    join ours o on o.n = a.n
    ${overOlderAttempt}`;
}

function progressRecord(progress: Progress): object {
  const { webhook, standing, gap } = progress;
  return {
    ...keyRecord(webhook),
    epoch: progress.epoch,
    updated_at: webhook.updatedAt,
    position: standing.position,
    attempts: standing.attempts,
    failing_since: standing.failingSince,
    next_attempt_at: standing.nextAttemptAt,
    hold_due_at: progress.holdDueAt,
    full_at: progress.fullAt,
    last_attempt_at: standing.lastAttemptAt,
    last_success_at: standing.lastSuccessAt,
    last_outcome: standing.lastOutcome,
    taken_count: progress.takenCount,
    failed_count: progress.failedCount,
    gap_after: gap?.after,
    gap_up_to: gap?.upTo,
    gap_noticed_at: gap?.noticedAt,
    disable: progress.disable,
    release: progress.release,
  };
}

function holdRecords({ holds }: Progress, n: number): readonly object[] {
  return [...holds].flatMap(([accountId, hold]) => {
    if (hold === undefined) return [];
    const record = {
      n,
      account_id: accountId,
      after: hold.afters.get(accountId),
      request_id: hold.requestId,
      up_to: hold.upTo,
      status: hold.status,
      attempts: hold.attempts,
      failing_since: hold.failingSince,
      next_attempt_at: hold.nextAttemptAt,
      last_attempt_at: hold.lastAttemptAt,
      last_outcome: hold.lastOutcome,
    };
    return [record];
  });
}

function inStepRecords({ holds }: Progress, n: number): readonly object[] {
  return [...holds].flatMap(([accountId, hold]) => {
    return hold === undefined ? [{ n, account_id: accountId }] : [];
  });
}

function attemptRecords({ attempts }: Progress, n: number): readonly object[] {
  return attempts.map((one) => ({
    n,
    place: one.place,
    attempt_id: one.attemptId,
    kind: one.kind,
    attempted_at: one.at,
    duration_ms: one.durationMs,
    outcome: one.outcome,
    status: one.status,
    answer: one.answer,
    attempt: one.attempt,
    events: one.events,
    first_event_id: one.firstEventId,
    last_event_id: one.lastEventId,
  }));
}
