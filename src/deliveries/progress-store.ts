// The one statement that records what came of deliveries: offsets, blocked accounts and the delivery log
// of many subscriptions in one commit, each fenced by holder and epoch.

import type { Sql } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { AccountId, EventId } from '../ids.ts';
import { disabling } from '../webhooks/store.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import type { Block, Standing } from './delivery.ts';
import type { Gap } from './delivery-store.ts';
import type { FaultName } from './fault.ts';

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
  /** The first characters of the response. */
  readonly response: string;
  /** The number of the attempt. */
  readonly attempt: number;
  readonly events: number;
  readonly firstEventId: EventId | undefined;
  readonly lastEventId: EventId | undefined;
  readonly faults: readonly FaultName[];
}

/** The columns of `LoggedAttempt`, in the order in which they are written. */
export const attemptColumns = fragment`
      tenant_id, webhook_id, place, attempt_id, kind, attempted_at, duration_ms, outcome, status,
      response, attempt, events, first_event_id, last_event_id, faults`;

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
      response = excluded.response,
      attempt = excluded.attempt,
      events = excluded.events,
      first_event_id = excluded.first_event_id,
      last_event_id = excluded.last_event_id,
      faults = excluded.faults`;

/** How far a claimed subscription has come since it was last recorded. */
export interface Progress {
  readonly webhook: Webhook;
  readonly epoch: number;
  readonly standing: Standing;
  readonly blockedCount: number;
  readonly blockedDueAt: Date | undefined;
  readonly fullOffset: number | undefined;
  readonly acknowledgedCount: number;
  readonly failedCount: number;
  readonly gap: (Gap & { readonly noticedAt: Date }) | undefined;
  /** The receiver is gone. */
  readonly disable: boolean;
  /** Gives the lease back. */
  readonly release: boolean;
  /** Accounts that changed, with their block if they have one. */
  readonly blocks: ReadonlyMap<AccountId, Block | undefined>;
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
  const rows = await sql<{ n: number; settings_at: Date }[]>`
    with ${oursUpdated(holder, all)},
    blocked as (${blockedWritten(all)}),
    in_step as (${blockedRemoved(all)}),
    logged as (${attemptsWritten(all)}),
    disabled as (${disabling(fragment`ours`)})
    select o.n, o.settings_at
    from ours o`;
  const changedAt = new Map(rows.map((row) => [row.n, row.settings_at]));
  return all.map((_, n) => changedAt.get(n));
}

/** CTEs: `ours` are the records whose lease is still theirs, written as the new standing. */
function oursUpdated(holder: string, all: readonly Progress[]): Fragment {
  const given = all.map(({ webhook, standing, gap, ...progress }, n) => ({
    ...{ n, tenantId: webhook.tenantId, webhookId: webhook.webhookId },
    ...progress,
    ...standing,
    settingsAt: webhook.updatedAt,
    acknowledgedOffset: standing.offset,
    ...{ gapAfter: gap?.after, gapUpTo: gap?.upTo, gapNoticedAt: gap?.noticedAt },
  }));
  return fragment`
    given as (
      select g.*
      from ${rowsOf(given).asRecords(`g (
        n integer, tenant_id uuid, webhook_id uuid, epoch integer, settings_at timestamptz,
        acknowledged_offset bigint, blocked_count integer, blocked_due_at timestamptz,
        full_offset bigint, attempts integer, failing_since timestamptz,
        next_attempt_at timestamptz, last_attempt_at timestamptz, last_success_at timestamptz,
        last_outcome text, acknowledged_count bigint, failed_count bigint, gap_after bigint,
        gap_up_to bigint, gap_noticed_at timestamptz, disable boolean, release boolean
      )`)}
    ),
    locked as (
      select g.n, d.tenant_id, d.webhook_id
      from given g
      join unwind.deliveries d
        on d.tenant_id = g.tenant_id
        and d.webhook_id = g.webhook_id
        and d.lease_epoch = g.epoch
      where d.lease_holder = ${holder}
      order by d.tenant_id, d.webhook_id
      for update of d
    ),
    ours as (
      update unwind.deliveries d
      set
        acknowledged_offset = g.acknowledged_offset,
        recorded_epoch = g.epoch,
        blocked_count = g.blocked_count,
        blocked_due_at = g.blocked_due_at,
        attempts = case when d.settings_at = g.settings_at then g.attempts else d.attempts end,
        failing_since = case
          when d.settings_at = g.settings_at then g.failing_since
          else d.failing_since
        end,
        next_attempt_at = case
          when d.settings_at = g.settings_at then g.next_attempt_at
          else d.next_attempt_at
        end,
        full_offset = case when d.settings_at = g.settings_at then g.full_offset end,
        last_attempt_at = g.last_attempt_at,
        last_success_at = g.last_success_at,
        last_outcome = g.last_outcome,
        acknowledged_count = g.acknowledged_count,
        failed_count = g.failed_count,
        gap_after = coalesce(g.gap_after, d.gap_after),
        gap_up_to = coalesce(g.gap_up_to, d.gap_up_to),
        gap_noticed_at = coalesce(g.gap_noticed_at, d.gap_noticed_at),
        lease_holder = case when not g.release then d.lease_holder end,
        lease_expires_at = case when not g.release then d.lease_expires_at end
      from locked l
      join given g on g.n = l.n
      where d.tenant_id = l.tenant_id
        and d.webhook_id = l.webhook_id
      returning
        g.n, d.tenant_id, d.webhook_id, d.settings_at,
        g.disable and d.settings_at = g.settings_at as disables
    )`;
}

/** Of `ours`: the blocked accounts as they are now. */
function blockedWritten(all: readonly Progress[]): Fragment {
  const blocked = all.flatMap(({ blocks }, n) => {
    return [...blocks].flatMap(([accountId, block]) => {
      return block
        ? { ...block, n, accountId, acknowledgedOffset: block.acknowledged.get(accountId) }
        : [];
    });
  });
  return fragment`
    insert into unwind.blocked_accounts (
      tenant_id, webhook_id, account_id, acknowledged_offset, request_id, up_to, status, attempts,
      failing_since, next_attempt_at, last_attempt_at, last_outcome
    )
    select
      o.tenant_id, o.webhook_id, b.account_id, b.acknowledged_offset, b.request_id, b.up_to,
      b.status, b.attempts, b.failing_since, b.next_attempt_at, b.last_attempt_at, b.last_outcome
    from ${rowsOf(blocked).asRecords(`b (
      n integer, account_id uuid, acknowledged_offset bigint, request_id uuid, up_to bigint,
      status text, attempts integer, failing_since timestamptz, next_attempt_at timestamptz,
      last_attempt_at timestamptz, last_outcome text
    )`)}
    join ours o on o.n = b.n
    on conflict (tenant_id, webhook_id, account_id) do update
    set
      acknowledged_offset = excluded.acknowledged_offset,
      request_id = excluded.request_id,
      up_to = excluded.up_to,
      status = excluded.status,
      attempts = excluded.attempts,
      failing_since = excluded.failing_since,
      next_attempt_at = excluded.next_attempt_at,
      last_attempt_at = excluded.last_attempt_at,
      last_outcome = excluded.last_outcome`;
}

/** Of `ours`: accounts that are in step again have no row. */
function blockedRemoved(all: readonly Progress[]): Fragment {
  const inStep = all.flatMap(({ blocks }, n) => {
    return [...blocks].flatMap(([accountId, block]) => (block ? [] : { n, accountId }));
  });
  return fragment`
    delete from unwind.blocked_accounts b
    using ${rowsOf(inStep).asRecords('g (n integer, account_id uuid)')}, ours o
    where o.n = g.n
      and b.tenant_id = o.tenant_id
      and b.webhook_id = o.webhook_id
      and b.account_id = g.account_id`;
}

/** Of `ours`: attempts, over what stood in their places. */
function attemptsWritten(all: readonly Progress[]): Fragment {
  const attempts = all.flatMap((one, n) => one.attempts.map((attempt) => ({ ...attempt, n })));
  return fragment`
    insert into unwind.delivery_attempts (
      ${attemptColumns}
    )
    select
      o.tenant_id, o.webhook_id, a.place, a.attempt_id, a.kind, a.at, a.duration_ms,
      a.outcome, a.status, a.response, a.attempt, a.events, a.first_event_id, a.last_event_id,
      a.faults
    from ${rowsOf(attempts).asRecords(`a (
      n integer, place integer, attempt_id uuid, kind text, at timestamptz, duration_ms integer,
      outcome text, status integer, response text, attempt integer, events integer,
      first_event_id uuid, last_event_id uuid, faults text[]
    )`)}
    join ours o on o.n = a.n
    ${overOlderAttempt}`;
}
