// The statements by which people look at a subscription's deliveries: where it stands, and its last
// attempts.

import type { Sql } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { AccountId } from '../ids.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import type { Block, Standing } from './delivery.ts';
import { type StandingRow, standingOf } from './delivery-store.ts';
import { acknowledgedAttemptsKept } from './limits.ts';
import { attemptColumns, type LoggedAttempt, overOlderAttempt } from './progress-store.ts';

/** An account that is blocked, as it is shown. */
export interface BlockedAccount {
  readonly accountId: AccountId;
  readonly status: Exclude<Block['status'], 'doubted'>;
  readonly failingSince: Date | undefined;
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly lastOutcome: string | undefined;
}

/** Where the deliveries of a subscription stand. */
export interface DeliveryState extends Standing {
  /** Events of the log behind the offset, of whatever kind. */
  readonly behind: number;
  readonly retrying: number;
  readonly setAside: number;
  /** The first of the blocked accounts, those set aside before the others. */
  readonly blocked: readonly BlockedAccount[];
  /** What was dropped before it was read; `noticedAt` is undefined until a delivery came by. */
  readonly gap:
    | { readonly after: number; readonly upTo: number; readonly noticedAt: Date | undefined }
    | undefined;
}

export async function readDeliveryState(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  blockedMax: number,
): Promise<DeliveryState | undefined> {
  const [rows, blocked] = await Promise.all([
    sql<
      (StandingRow & {
        acknowledged_offset: string;
        head: string;
        dropped_to: string;
        gap_after: string | null;
        gap_up_to: string | null;
        gap_noticed_at: Date | null;
        retrying: number;
        set_aside: number;
      })[]
    >`
      select
        d.acknowledged_offset, coalesce(h.position, 0) as head,
        coalesce(h.dropped_to, 0) as dropped_to, d.attempts, d.failing_since, d.next_attempt_at,
        d.last_attempt_at, d.last_success_at, d.last_outcome, d.gap_after, d.gap_up_to,
        d.gap_noticed_at, b.retrying, b.set_aside
      from unwind.deliveries d
      left join unwind.event_heads h on h.tenant_id = d.tenant_id
      cross join lateral (
        select
          count(*) filter (where b.status <> 'set_aside')::integer as retrying,
          count(*) filter (where b.status = 'set_aside')::integer as set_aside
        from unwind.blocked_accounts b
        where b.tenant_id = d.tenant_id
          and b.webhook_id = d.webhook_id
      ) b
      where d.tenant_id = ${tenantId}
        and d.webhook_id = ${webhookId}`,
    readBlockedAccounts(sql, { tenantId, webhookId }, blockedMax),
  ]);
  const [row] = rows;
  if (row === undefined) return undefined;
  const offset = Number(row.acknowledged_offset);
  const droppedTo = Number(row.dropped_to);
  const isUnread = offset < droppedTo && Number(row.gap_up_to ?? 0) < droppedTo;
  const reported =
    row.gap_after === null
      ? undefined
      : {
          after: Number(row.gap_after),
          upTo: Number(row.gap_up_to),
          noticedAt: row.gap_noticed_at ?? undefined,
        };
  return {
    ...standingOf(row, offset),
    behind: Number(row.head) - offset,
    retrying: row.retrying,
    setAside: row.set_aside,
    blocked,
    gap: isUnread ? { after: offset, upTo: droppedTo, noticedAt: undefined } : reported,
  };
}

async function readBlockedAccounts(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  limit: number,
): Promise<readonly BlockedAccount[]> {
  const rows = await sql<RowOf<BlockedAccount>[]>`
    select
      b.account_id, b.status, b.failing_since, b.attempts, b.next_attempt_at, b.last_outcome
    from unwind.blocked_accounts b
    where b.tenant_id = ${tenantId}
      and b.webhook_id = ${webhookId}
    order by b.status = 'set_aside' desc, b.failing_since, b.account_id
    limit ${limit}`;
  return rows.map((row) => thingOf<BlockedAccount>(row));
}

/** The last attempts of a subscription, newest first. */
export async function listAttempts(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  which: { limit: number; result: 'acknowledged' | 'failed' | undefined },
): Promise<readonly LoggedAttempt[]> {
  const rows = await sql<RowOf<LoggedAttempt>[]>`
    select
      a.place, a.attempt_id, a.kind, a.attempted_at as at, a.duration_ms, a.outcome, a.status, a.response,
      a.attempt, a.events, a.first_event_id, a.last_event_id, a.faults
    from unwind.delivery_attempts a
    where a.tenant_id = ${tenantId}
      and a.webhook_id = ${webhookId}
      and (
        ${which.result ?? null}::text is null
        or (${which.result ?? null}::text = 'acknowledged') = (coalesce(a.status, 0) between 200 and 299)
      )
    order by a.attempted_at desc, a.attempt_id desc
    limit ${which.limit}`;
  return rows.map((row) => thingOf<LoggedAttempt>(row));
}

/** Places behind those of deliveries, for tests that a client asked for. */
const testPlaces = { first: acknowledgedAttemptsKept + 1_000, count: 20 };

/** Writes a test into the delivery log; nothing where the subscription is gone. */
export async function insertTestAttempt(
  sql: Sql,
  { tenantId, webhookId }: WebhookKey,
  attempt: Omit<LoggedAttempt, 'place' | 'kind' | 'faults'>,
): Promise<void> {
  const place = testPlaces.first + (Math.floor(attempt.at.getTime() / 1_000) % testPlaces.count);
  await sql`
    insert into unwind.delivery_attempts (
      ${attemptColumns}
    )
    select
      d.tenant_id, d.webhook_id, ${place}, ${attempt.attemptId}, 'test', ${attempt.at},
      ${attempt.durationMs}, ${attempt.outcome}, ${attempt.status ?? null}, ${attempt.response},
      ${attempt.attempt}, ${attempt.events}, ${attempt.firstEventId ?? null},
      ${attempt.lastEventId ?? null}, '{}'
    from unwind.deliveries d
    where d.tenant_id = ${tenantId}
      and d.webhook_id = ${webhookId}
    for key share of d
    ${overOlderAttempt}`;
}
