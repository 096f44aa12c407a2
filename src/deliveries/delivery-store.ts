// The statements that claim subscriptions and keep the claims. Each works on many subscriptions at
// once. Every write is fenced by holder and epoch; rows are locked in the order of their ids, so that
// no two of them deadlock.

import type { Sql } from '../db/connect.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { toWebhook, type WebhookKey, type WebhookRow, webhookColumns } from '../webhooks/store.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import { placeLength } from '../work/holder.ts';
import type { Standing } from './delivery.ts';
import type { Hold } from './hold.ts';

/** A part of the log that was dropped before a subscription had read it. */
export interface Gap {
  readonly after: number;
  readonly upTo: number;
}

/** A subscription claimed for delivery: in which epoch, and where it stands. */
export interface ClaimedWebhook {
  readonly webhook: Webhook;
  readonly epoch: number;
  readonly standing: Standing;
  /** Where the log ended when the claim was made, and up to where nothing was promised then. */
  readonly head: number;
  readonly droppedTo: number;
  /** Not told yet. */
  readonly gap: Gap | undefined;
  readonly takenCount: number;
  readonly failedCount: number;
}

type ClaimedRow = WebhookRow & {
  lease_epoch: number;
  position: string;
  head: string;
  dropped_to: string;
  gap_up_to: string | null;
  attempts: number;
  failing_since: Date | null;
  next_attempt_at: Date;
  last_attempt_at: Date | null;
  last_success_at: Date | null;
  last_outcome: string | null;
  taken_count: string;
  failed_count: string;
};

/**
 * Claims enabled subscriptions whose next attempt is due and that have something to send: events
 * behind their mark, a hold that is due, or a full package before its delay is over. Of each tenant
 * those that are due for the longest, as many as its share, and of all tenants in turn.
 */
export async function claimWebhooks(
  sql: Sql,
  claim: {
    holder: string;
    leaseExpiresAt: Date;
    now: Date;
    limit: number;
    /** How many of tenants that have some already. */
    shares?: ReadonlyMap<TenantId, number>;
  },
): Promise<readonly ClaimedWebhook[]> {
  const { limit, shares = new Map<TenantId, number>() } = claim;
  const given = [...shares].map(([tenant_id, own]) => ({ tenant_id, share: own }));
  const rows = await sql<ClaimedRow[]>`
    with open as (
      select
        w.tenant_id, w.webhook_id, w.next_attempt_at, h.position as head, h.dropped_to,
        row_number() over (
          partition by w.tenant_id
          order by w.next_attempt_at, w.webhook_id
        ) as place
      from unwind.webhooks w
      join unwind.event_heads h on h.tenant_id = w.tenant_id
      where w.enabled
        and (w.lease_expires_at is null or w.lease_expires_at <= ${claim.now})
        and (
          (
            w.next_attempt_at <= ${claim.now}
            and (w.position < h.position or w.hold_due_at <= ${claim.now})
          )
          or w.full_at <= h.position
        )
    ),
    due as (
      select w.tenant_id, w.webhook_id, o.head, o.dropped_to
      from open o
      left join json_to_recordset(${recordsOf(given)}::json) as s (tenant_id uuid, share integer)
        on s.tenant_id = o.tenant_id
      join unwind.webhooks w
        on w.tenant_id = o.tenant_id
        and w.webhook_id = o.webhook_id
        and w.enabled
        and (w.lease_expires_at is null or w.lease_expires_at <= ${claim.now})
      where o.place <= coalesce(s.share, ${limit}::integer)
      order by o.place, o.next_attempt_at
      limit ${limit}
      for update of w skip locked
    )
    update unwind.webhooks w
    set
      lease_holder = ${claim.holder},
      lease_epoch = w.lease_epoch + 1,
      lease_expires_at = ${claim.leaseExpiresAt}
    from due
    where w.tenant_id = due.tenant_id
      and w.webhook_id = due.webhook_id
    returning
      ${webhookColumns}, w.lease_epoch, w.position, due.head, due.dropped_to, w.gap_up_to,
      w.attempts, w.failing_since, w.next_attempt_at, w.last_attempt_at, w.last_success_at,
      w.last_outcome, w.taken_count, w.failed_count`;
  return rows.map(toClaimed);
}

function toClaimed(row: ClaimedRow): ClaimedWebhook {
  const position = Number(row.position);
  const droppedTo = Number(row.dropped_to);
  const isUntold = position < droppedTo && Number(row.gap_up_to ?? 0) < droppedTo;
  return {
    webhook: toWebhook(row),
    epoch: row.lease_epoch,
    standing: {
      position,
      attempts: row.attempts,
      failingSince: row.failing_since ?? undefined,
      nextAttemptAt: row.next_attempt_at,
      lastAttemptAt: row.last_attempt_at ?? undefined,
      lastSuccessAt: row.last_success_at ?? undefined,
      lastOutcome: row.last_outcome ?? undefined,
    },
    head: Number(row.head),
    droppedTo,
    gap: isUntold ? { after: position, upTo: droppedTo } : undefined,
    takenCount: Number(row.taken_count),
    failedCount: Number(row.failed_count),
  };
}

/** The accounts of subscriptions that are out of step, as holds, in the order asked. */
export async function readHolds(
  sql: Sql,
  keys: readonly WebhookKey[],
): Promise<readonly (readonly Hold[])[]> {
  const rows = await sql<
    {
      n: number;
      account_id: AccountId;
      after: string;
      request_id: string;
      up_to: string;
      status: Hold['status'];
      attempts: number;
      failing_since: Date | null;
      next_attempt_at: Date;
      last_attempt_at: Date | null;
      last_outcome: string | null;
    }[]
  >`
    select
      g.n, h.account_id, h.after, h.request_id, h.up_to, h.status, h.attempts, h.failing_since,
      h.next_attempt_at, h.last_attempt_at, h.last_outcome
    from json_to_recordset(${recordsOf(keys.map((key) => keyRecord(key)))}::json)
      as g (n integer, tenant_id uuid, webhook_id uuid)
    join unwind.webhook_holds h
      on h.tenant_id = g.tenant_id
      and h.webhook_id = g.webhook_id`;
  const byKey = Map.groupBy(rows, (row) => row.n);
  return keys.map((_, n) => {
    const byRequest = Map.groupBy(byKey.get(n) ?? [], (row) => row.request_id);
    return [...byRequest.values()].flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const own = [first, ...others].map((row) => [row.account_id, Number(row.after)] as const);
      const hold: Hold = {
        requestId: first.request_id,
        afters: new Map(own),
        upTo: Number(first.up_to),
        status: first.status,
        attempts: first.attempts,
        failingSince: first.failing_since ?? undefined,
        nextAttemptAt: first.next_attempt_at,
        lastAttemptAt: first.last_attempt_at ?? undefined,
        lastOutcome: first.last_outcome ?? undefined,
      };
      return [hold];
    });
  });
}

/** Where a log ends, and up to where nothing in it is promised any more. */
export interface LogEnds {
  readonly head: number;
  readonly droppedTo: number;
}

/** The ends of the logs of tenants. */
export async function readHeads(
  sql: Sql,
  tenantIds: readonly TenantId[],
): Promise<ReadonlyMap<TenantId, LogEnds>> {
  const rows = await sql<{ tenant_id: TenantId; position: string; dropped_to: string }[]>`
    select h.tenant_id, h.position, h.dropped_to
    from unwind.event_heads h
    where h.tenant_id = any (${tenantIds}::uuid[])`;
  return new Map(
    rows.map((row) => {
      const ends = { head: Number(row.position), droppedTo: Number(row.dropped_to) };
      return [row.tenant_id, ends];
    }),
  );
}

/**
 * Prolongs leases, among them perhaps an old and a new one of one subscription. @returns for each, in
 * their order, when its settings last changed; undefined where it is not ours any more.
 */
export async function renewLeases(
  sql: Sql,
  leases: readonly (WebhookKey & { epoch: number })[],
  lease: { holder: string; expiresAt: Date },
): Promise<readonly (Date | undefined)[]> {
  const given = leases.map((one) => ({ ...keyRecord(one), epoch: one.epoch }));
  const rows = await sql<{ n: number; updated_at: Date }[]>`
    with ours as (
      select g.n, w.tenant_id, w.webhook_id
      from json_to_recordset(${recordsOf(given)}::json)
        as g (n integer, tenant_id uuid, webhook_id uuid, epoch integer)
      join unwind.webhooks w
        on w.tenant_id = g.tenant_id
        and w.webhook_id = g.webhook_id
        and w.lease_epoch = g.epoch
      where w.lease_holder = ${lease.holder}
      order by w.tenant_id, w.webhook_id
      for update of w
    )
    update unwind.webhooks w
    set lease_expires_at = ${lease.expiresAt}
    from ours
    where w.tenant_id = ours.tenant_id
      and w.webhook_id = ours.webhook_id
    returning ours.n, w.updated_at`;
  const changedAt = new Map(rows.map((row) => [row.n, row.updated_at]));
  return leases.map((_, n) => changedAt.get(n));
}

/**
 * Ends the leases of those who held the place of this holder before it: they are dead.
 * @returns how many.
 */
export async function endDeliveryLeases(
  sql: Sql,
  { holder, now }: { holder: string; now: Date },
): Promise<number> {
  const rows = await sql`
    update unwind.webhooks w
    set lease_expires_at = ${now}
    where w.lease_expires_at > ${now}
      and left(w.lease_holder::text, ${placeLength}) = left(${holder}, ${placeLength})
      and w.lease_holder <> ${holder}`;
  return rows.count;
}

export function keyRecord({ tenantId, webhookId }: WebhookKey) {
  return { tenant_id: tenantId, webhook_id: webhookId };
}

/** Rows as a JSON text, each with its number `n`. */
export function recordsOf(rows: readonly object[]): string {
  return JSON.stringify(rows.map((row, n) => ({ n, ...row })));
}
