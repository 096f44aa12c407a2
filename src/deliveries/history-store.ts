// The statements by which people look at a subscription's deliveries: where it stands and its last
// attempts; and the removal of those that have failed for very long.

import type { Sql } from '../db/connect.ts';
import type { AccountId, EventId, TenantId, WebhookId } from '../ids.ts';
import { takenAttemptsKept } from '../limits.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import { attemptColumns, type LoggedAttempt, overOlderAttempt } from './progress-store.ts';

/** An account that is out of step, as it is shown. */
export interface HeldAccount {
  readonly accountId: AccountId;
  readonly status: 'retrying' | 'set_aside';
  readonly failingSince: Date | undefined;
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly lastOutcome: string | undefined;
}

/** Where the deliveries of a subscription stand. */
export interface DeliveryState {
  readonly position: number;
  /** Events of the log behind the mark, of whatever kind. */
  readonly behind: number;
  readonly attempts: number;
  readonly failingSince: Date | undefined;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | undefined;
  readonly lastSuccessAt: Date | undefined;
  readonly lastOutcome: string | undefined;
  readonly retrying: number;
  readonly setAside: number;
  /** The first of the accounts that are out of step, those set aside before the others. */
  readonly held: readonly HeldAccount[];
  /** What was dropped before it was read; `noticedAt` is undefined until a delivery came by. */
  readonly gap:
    | { readonly after: number; readonly upTo: number; readonly noticedAt: Date | undefined }
    | undefined;
}

export async function readDeliveryState(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  heldMax: number,
): Promise<DeliveryState | undefined> {
  const [rows, held] = await Promise.all([
    sql<
      {
        position: string;
        head: string;
        dropped_to: string;
        attempts: number;
        failing_since: Date | null;
        next_attempt_at: Date;
        last_attempt_at: Date | null;
        last_success_at: Date | null;
        last_outcome: string | null;
        gap_after: string | null;
        gap_up_to: string | null;
        gap_noticed_at: Date | null;
        retrying: number;
        set_aside: number;
      }[]
    >`
      select
        w.position, coalesce(h.position, 0) as head, coalesce(h.dropped_to, 0) as dropped_to,
        w.attempts, w.failing_since, w.next_attempt_at, w.last_attempt_at, w.last_success_at,
        w.last_outcome, w.gap_after, w.gap_up_to, w.gap_noticed_at, o.retrying, o.set_aside
      from unwind.webhooks w
      left join unwind.event_heads h on h.tenant_id = w.tenant_id
      cross join lateral (
        select
          count(*) filter (where o.status = 'retrying')::integer as retrying,
          count(*) filter (where o.status = 'set_aside')::integer as set_aside
        from unwind.webhook_holds o
        where o.tenant_id = w.tenant_id
          and o.webhook_id = w.webhook_id
      ) o
      where w.tenant_id = ${tenantId}
        and w.webhook_id = ${webhookId}`,
    readHeldAccounts(sql, { tenantId, webhookId }, heldMax),
  ]);
  const [row] = rows;
  if (row === undefined) return undefined;
  const position = Number(row.position);
  const droppedTo = Number(row.dropped_to);
  const isUnread = position < droppedTo && Number(row.gap_up_to ?? 0) < droppedTo;
  const told = row.gap_after !== null && {
    after: Number(row.gap_after),
    upTo: Number(row.gap_up_to),
    noticedAt: row.gap_noticed_at ?? undefined,
  };
  const gap = isUnread ? { after: position, upTo: droppedTo, noticedAt: undefined } : told;
  return {
    position,
    behind: Number(row.head) - position,
    attempts: row.attempts,
    failingSince: row.failing_since ?? undefined,
    nextAttemptAt: row.next_attempt_at,
    lastAttemptAt: row.last_attempt_at ?? undefined,
    lastSuccessAt: row.last_success_at ?? undefined,
    lastOutcome: row.last_outcome ?? undefined,
    retrying: row.retrying,
    setAside: row.set_aside,
    held,
    gap: gap === false ? undefined : gap,
  };
}

async function readHeldAccounts(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  limit: number,
): Promise<readonly HeldAccount[]> {
  const rows = await sql<
    {
      account_id: AccountId;
      status: HeldAccount['status'];
      failing_since: Date | null;
      attempts: number;
      next_attempt_at: Date;
      last_outcome: string | null;
    }[]
  >`
    select
      h.account_id, h.status, h.failing_since, h.attempts, h.next_attempt_at, h.last_outcome
    from unwind.webhook_holds h
    where h.tenant_id = ${tenantId}
      and h.webhook_id = ${webhookId}
    order by h.status = 'set_aside' desc, h.failing_since, h.account_id
    limit ${limit}`;
  return rows.map((row) => ({
    accountId: row.account_id,
    status: row.status,
    failingSince: row.failing_since ?? undefined,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastOutcome: row.last_outcome ?? undefined,
  }));
}

/** The last attempts of a subscription, newest first. */
export async function listAttempts(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  which: { limit: number; result: 'taken' | 'failed' | undefined },
): Promise<readonly LoggedAttempt[]> {
  const rows = await sql<
    {
      place: number;
      attempt_id: string;
      kind: LoggedAttempt['kind'];
      attempted_at: Date;
      duration_ms: number;
      outcome: string;
      status: number | null;
      answer: string;
      attempt: number;
      events: number;
      first_event_id: EventId | null;
      last_event_id: EventId | null;
    }[]
  >`
    select
      a.place, a.attempt_id, a.kind, a.attempted_at, a.duration_ms, a.outcome, a.status, a.answer,
      a.attempt, a.events, a.first_event_id, a.last_event_id
    from unwind.webhook_attempts a
    where a.tenant_id = ${tenantId}
      and a.webhook_id = ${webhookId}
      and (
        ${which.result ?? null}::text is null
        or (${which.result ?? null}::text = 'taken') = (coalesce(a.status, 0) between 200 and 299)
      )
    order by a.attempted_at desc, a.attempt_id desc
    limit ${which.limit}`;
  return rows.map((row) => ({
    place: row.place,
    attemptId: row.attempt_id,
    kind: row.kind,
    at: row.attempted_at,
    durationMs: row.duration_ms,
    outcome: row.outcome,
    status: row.status ?? undefined,
    answer: row.answer,
    attempt: row.attempt,
    events: row.events,
    firstEventId: row.first_event_id ?? undefined,
    lastEventId: row.last_event_id ?? undefined,
  }));
}

/** Places behind those of deliveries, for attempts that somebody asked for. */
const testPlaces = { first: takenAttemptsKept + 1_000, count: 20 };

/** Writes a test into the delivery log; nothing where the subscription is gone. */
export async function insertTestAttempt(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  attempt: Omit<LoggedAttempt, 'place' | 'kind'>,
): Promise<void> {
  const place = testPlaces.first + (Math.floor(attempt.at.getTime() / 1_000) % testPlaces.count);
  await sql`
    insert into unwind.webhook_attempts (
      ${attemptColumns}
    )
    select
      w.tenant_id, w.webhook_id, ${place}, ${attempt.attemptId}, 'test', ${attempt.at},
      ${attempt.durationMs}, ${attempt.outcome}, ${attempt.status ?? null}, ${attempt.answer},
      ${attempt.attempt}, ${attempt.events}, ${attempt.firstEventId ?? null},
      ${attempt.lastEventId ?? null}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}
    for key share of w
    ${overOlderAttempt}`;
}

/** What is left to tell of a subscription that was removed for failing. */
export interface RemovedWebhook extends WebhookKey {
  readonly url: string;
  readonly failingSince: Date;
  readonly lastOutcome: string | undefined;
}

/** Removes enabled subscriptions that have failed since before an instant, at most so many. */
export async function deleteFailing(
  sql: Sql,
  before: Date,
  limit: number,
): Promise<readonly RemovedWebhook[]> {
  const rows = await sql<
    {
      tenant_id: TenantId;
      webhook_id: WebhookId;
      url: string;
      failing_since: Date;
      last_outcome: string | null;
    }[]
  >`
    delete from unwind.webhooks w
    where (w.tenant_id, w.webhook_id) in (
      select f.tenant_id, f.webhook_id
      from unwind.webhooks f
      where f.enabled
        and f.failing_since < ${before}
      limit ${limit}
    )
    returning w.tenant_id, w.webhook_id, w.url, w.failing_since, w.last_outcome`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    webhookId: row.webhook_id,
    url: row.url,
    failingSince: row.failing_since,
    lastOutcome: row.last_outcome ?? undefined,
  }));
}
