// The statements that begin deliveries, claim subscriptions and keep the claims, for many of them at
// once. Every write is fenced by holder and epoch; rows are locked in the order of their ids, so that
// no two statements deadlock.

import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { type WebhookKey, webhookColumns } from '../webhooks/store.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import { placeLength } from '../work/holder.ts';
import type { Block, Standing } from './delivery.ts';
import type { Faults } from './fault.ts';

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
  /** Not reported yet. */
  readonly gap: Gap | undefined;
  readonly acknowledgedCount: number;
  readonly failedCount: number;
  /** What a client of a sandbox asks of its deliveries. */
  readonly faults?: Faults | undefined;
}

/** The columns of a standing; its offset is another number. */
export type StandingRow = RowOf<Omit<Standing, 'offset'>>;

type ClaimedRow = RowOf<Webhook> &
  StandingRow & {
    settings_at: Date;
    lease_epoch: number;
    acknowledged_offset: string;
    head: string;
    dropped_to: string;
    gap_up_to: string | null;
    acknowledged_count: string;
    failed_count: string;
  };

export function standingOf(row: StandingRow, offset: number): Standing {
  return {
    offset,
    attempts: row.attempts,
    failingSince: row.failing_since ?? undefined,
    nextAttemptAt: row.next_attempt_at,
    lastAttemptAt: row.last_attempt_at ?? undefined,
    lastSuccessAt: row.last_success_at ?? undefined,
    lastOutcome: row.last_outcome ?? undefined,
  };
}

/** Begins the delivery of a new subscription: it gets what is published from now on. */
export async function insertDelivery(
  tx: Tx,
  { tenantId, webhookId, updatedAt }: WebhookKey & { readonly updatedAt: Date },
): Promise<void> {
  await tx`
    insert into unwind.deliveries (
      tenant_id, webhook_id, settings_at, acknowledged_offset, next_attempt_at
    )
    values (
      ${tenantId}, ${webhookId}, ${updatedAt},
      coalesce(
        (select h.position from unwind.event_heads h where h.tenant_id = ${tenantId}),
        0
      ),
      ${updatedAt}
    )`;
}

/**
 * Locks the delivery of a subscription, before its settings where both are changed, so that no two
 * transactions wait for each other. @returns whether there is such a subscription.
 */
export async function lockDelivery(tx: Tx, { tenantId, webhookId }: WebhookKey): Promise<boolean> {
  const rows = await tx`
    select
    from unwind.deliveries d
    where d.tenant_id = ${tenantId}
      and d.webhook_id = ${webhookId}
    for update`;
  return rows.count === 1;
}

/**
 * Follows new settings of a locked subscription: it is tried at once. Another url, or being enabled
 * again, also begins a new count of failures, since the old one says nothing about what is there now.
 */
export async function followSettings(tx: Tx, before: Webhook, now: Webhook): Promise<void> {
  const { tenantId, webhookId, updatedAt } = now;
  const isNewReceiver = now.url !== before.url || (now.enabled && !before.enabled);
  await tx`
    update unwind.deliveries d
    set
      settings_at = ${updatedAt},
      attempts = case when ${isNewReceiver} then 0 else d.attempts end,
      failing_since = case when not ${isNewReceiver} then d.failing_since end,
      full_offset = null,
      next_attempt_at = ${updatedAt}
    where d.tenant_id = ${tenantId}
      and d.webhook_id = ${webhookId}`;
}

/**
 * Claims enabled subscriptions whose next attempt is due and that have something to send: events
 * behind their offset, a block that is due, or a full package before its delay is over. Of each tenant
 * those that are due for the longest, as many as its share, and of all tenants in turn. Settings that
 * are changed meanwhile are left to the next claim.
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
  const given = [...shares].map(([tenantId, share]) => ({ tenantId, share }));
  const rows = await sql<ClaimedRow[]>`
    with open as (
      select
        d.tenant_id, d.webhook_id, d.next_attempt_at, d.settings_at, h.position as head,
        h.dropped_to,
        row_number() over (
          partition by d.tenant_id
          order by d.next_attempt_at, d.webhook_id
        ) as place
      from unwind.deliveries d
      join unwind.webhooks w
        on w.tenant_id = d.tenant_id
        and w.webhook_id = d.webhook_id
        and w.enabled
      join unwind.event_heads h on h.tenant_id = d.tenant_id
      where (d.lease_expires_at is null or d.lease_expires_at <= ${claim.now})
        and (
          (
            d.next_attempt_at <= ${claim.now}
            and (d.acknowledged_offset < h.position or d.blocked_due_at <= ${claim.now})
          )
          or d.full_offset <= h.position
        )
    ),
    due as (
      select d.tenant_id, d.webhook_id, o.head, o.dropped_to
      from open o
      left join ${rowsOf(given).asRecords('s (tenant_id uuid, share integer)')}
        on s.tenant_id = o.tenant_id
      join unwind.deliveries d
        on d.tenant_id = o.tenant_id
        and d.webhook_id = o.webhook_id
        and d.settings_at = o.settings_at
        and (d.lease_expires_at is null or d.lease_expires_at <= ${claim.now})
      where o.place <= coalesce(s.share, ${limit}::integer)
      order by o.place, o.next_attempt_at
      limit ${limit}
      for update of d skip locked
    )
    update unwind.deliveries d
    set
      lease_holder = ${claim.holder},
      lease_epoch = d.lease_epoch + 1,
      lease_expires_at = ${claim.leaseExpiresAt}
    from due
    join unwind.webhooks w using (tenant_id, webhook_id)
    where d.tenant_id = due.tenant_id
      and d.webhook_id = due.webhook_id
    returning
      ${webhookColumns}, d.settings_at, d.lease_epoch, d.acknowledged_offset, due.head,
      due.dropped_to, d.gap_up_to, d.attempts, d.failing_since, d.next_attempt_at, d.last_attempt_at,
      d.last_success_at, d.last_outcome, d.acknowledged_count, d.failed_count`;
  return rows.map(toClaimed);
}

function toClaimed(row: ClaimedRow): ClaimedWebhook {
  const { settings_at, lease_epoch, acknowledged_offset, head, dropped_to, gap_up_to, ...others } =
    row;
  const { acknowledged_count, failed_count, attempts, failing_since, next_attempt_at, ...rest } =
    others;
  const { last_attempt_at, last_success_at, last_outcome, ...webhook } = rest;
  const offset = Number(acknowledged_offset);
  const droppedTo = Number(dropped_to);
  const isUnreported = offset < droppedTo && Number(gap_up_to ?? 0) < droppedTo;
  return {
    webhook: { ...thingOf<Webhook>(webhook), updatedAt: settings_at },
    epoch: lease_epoch,
    standing: standingOf(row, offset),
    head: Number(head),
    droppedTo,
    gap: isUnreported ? { after: offset, upTo: droppedTo } : undefined,
    acknowledgedCount: Number(acknowledged_count),
    failedCount: Number(failed_count),
  };
}

type BlockPart = Omit<Block, 'acknowledged' | 'upTo'>;

/**
 * The blocked accounts of claimed subscriptions, as blocks, in the order asked; undefined where the claim is
 * over. A replay that commits meanwhile lets go of them: a session that sent from its old offset without them
 * would send later events of an account first.
 */
export async function readBlocks(
  sql: Sql,
  claims: readonly (WebhookKey & { readonly epoch: number })[],
): Promise<readonly (readonly Block[] | undefined)[]> {
  const asked = claims.map((claim, n) => ({ ...claim, n }));
  const rows = await sql<
    (RowOf<BlockPart> & {
      n: number;
      account_id: AccountId | null;
      acknowledged_offset: string;
      up_to: string;
    })[]
  >`
    select
      g.n, b.account_id, b.acknowledged_offset, b.request_id, b.up_to, b.status, b.attempts,
      b.failing_since, b.next_attempt_at, b.last_attempt_at, b.last_outcome
    from ${rowsOf(asked).asRecords('g (n integer, tenant_id uuid, webhook_id uuid, epoch integer)')}
    join unwind.deliveries d
      on d.tenant_id = g.tenant_id
      and d.webhook_id = g.webhook_id
      and d.lease_epoch = g.epoch
    left join unwind.blocked_accounts b
      on b.tenant_id = d.tenant_id
      and b.webhook_id = d.webhook_id`;
  const byClaim = Map.groupBy(rows, (row) => row.n);
  return claims.map((_, n) => {
    const found = byClaim.get(n);
    if (found === undefined) return undefined;
    const blocked = found.flatMap(({ account_id, ...row }) => {
      return account_id === null ? [] : [{ account_id, ...row }];
    });
    const byRequest = Map.groupBy(blocked, (row) => row.request_id);
    return [...byRequest.values()].flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const own = [first, ...others].map((row) => {
        return [row.account_id, Number(row.acknowledged_offset)] as const;
      });
      const { n: _, account_id, acknowledged_offset, up_to, ...row } = first;
      const block = thingOf<BlockPart>(row);
      return [{ ...block, acknowledged: new Map(own), upTo: Number(up_to) }];
    });
  });
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
  const given = leases.map((one, n) => ({ ...one, n }));
  const rows = await sql<{ n: number; settings_at: Date }[]>`
    with ours as (
      select g.n, d.tenant_id, d.webhook_id
      from ${rowsOf(given).asRecords('g (n integer, tenant_id uuid, webhook_id uuid, epoch integer)')}
      join unwind.deliveries d
        on d.tenant_id = g.tenant_id
        and d.webhook_id = g.webhook_id
        and d.lease_epoch = g.epoch
      where d.lease_holder = ${lease.holder}
      order by d.tenant_id, d.webhook_id
      for update of d
    )
    update unwind.deliveries d
    set lease_expires_at = ${lease.expiresAt}
    from ours
    where d.tenant_id = ours.tenant_id
      and d.webhook_id = ours.webhook_id
    returning ours.n, d.settings_at`;
  const changedAt = new Map(rows.map((row) => [row.n, row.settings_at]));
  return leases.map((_, n) => changedAt.get(n));
}

/**
 * Ends the leases of processes that had the place of this holder before it: they are dead.
 * @returns how many.
 */
export async function endDeliveryLeases(
  sql: Sql,
  { holder, now }: { holder: string; now: Date },
): Promise<number> {
  const rows = await sql`
    update unwind.deliveries d
    set lease_expires_at = ${now}
    where d.lease_expires_at > ${now}
      and left(d.lease_holder::text, ${placeLength}) = left(${holder}, ${placeLength})
      and d.lease_holder <> ${holder}`;
  return rows.count;
}
