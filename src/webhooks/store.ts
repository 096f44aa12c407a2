// The statements of webhook subscriptions: management by requests, and the claims of deliveries.

import type { SigningAlgorithm } from '../auth/signing-keys.ts';
import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import { placeLength } from '../holder.ts';
import type { EventId, TenantId, WebhookId } from '../ids.ts';
import type { LoggedEvent, SignatureVersion, Webhook, WebhookType } from './webhook.ts';

interface WebhookRow {
  tenant_id: TenantId;
  webhook_id: WebhookId;
  title: string;
  url: string;
  enabled: boolean;
  types: WebhookType[];
  delay_s: number | null;
  max_package_size: number | null;
  signature_version: SignatureVersion;
  signature_algorithm: SigningAlgorithm;
  created_at: Date;
  updated_at: Date;
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    tenantId: row.tenant_id,
    webhookId: row.webhook_id,
    title: row.title,
    url: row.url,
    enabled: row.enabled,
    types: row.types,
    delayS: row.delay_s ?? undefined,
    maxPackageSize: row.max_package_size ?? undefined,
    signatureVersion: row.signature_version,
    signatureAlgorithm: row.signature_algorithm,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const columns = fragment`
    w.tenant_id, w.webhook_id, w.title, w.url, w.enabled, w.types, w.delay_s, w.max_package_size,
    w.signature_version, w.signature_algorithm, w.created_at, w.updated_at`;

/** Subscriptions of a tenant, locked against a second creation meanwhile. */
export async function countWebhooks(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx`
    select t.tenant_id
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}`;
  return rows[0]?.count ?? 0;
}

/** Adds a subscription; it gets the events that are published from now on. */
export async function insertWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx`
    insert into unwind.webhooks (
      tenant_id, webhook_id, title, url, enabled, types, delay_s, max_package_size,
      signature_version, signature_algorithm, position, next_attempt_at, created_at, updated_at
    )
    values (
      ${webhook.tenantId}, ${webhook.webhookId}, ${webhook.title}, ${webhook.url},
      ${webhook.enabled}, ${webhook.types}, ${webhook.delayS ?? null},
      ${webhook.maxPackageSize ?? null}, ${webhook.signatureVersion}, ${webhook.signatureAlgorithm},
      coalesce(
        (select h.position from unwind.event_heads h where h.tenant_id = ${webhook.tenantId}),
        0
      ),
      ${webhook.createdAt}, ${webhook.createdAt}, ${webhook.updatedAt}
    )`;
}

export interface WebhookKey {
  readonly tenantId: TenantId;
  readonly webhookId: WebhookId;
}

export async function findWebhook(
  sql: SqlOrTx,
  { tenantId, webhookId }: WebhookKey,
): Promise<Webhook | undefined> {
  const rows = await sql<WebhookRow[]>`
    select ${columns}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  return rows[0] && toWebhook(rows[0]);
}

/** Like `findWebhook`, locked for a change. */
export async function lockWebhook(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
): Promise<Webhook | undefined> {
  const rows = await tx<WebhookRow[]>`
    select ${columns}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}
    for update`;
  return rows[0] && toWebhook(rows[0]);
}

/** One page of a tenant's subscriptions, oldest first. */
export async function listWebhooks(
  sql: Sql,
  page: { tenantId: TenantId; offset: number; limit: number },
): Promise<{ webhooks: readonly Webhook[]; totalCount: number }> {
  const [rows, counts] = await Promise.all([
    sql<WebhookRow[]>`
      select ${columns}
      from unwind.webhooks w
      where w.tenant_id = ${page.tenantId}
      order by w.created_at, w.webhook_id
      offset ${page.offset}
      limit ${page.limit}`,
    sql<{ count: number }[]>`
      select count(*)::integer as count
      from unwind.webhooks w
      where w.tenant_id = ${page.tenantId}`,
  ]);
  return { webhooks: rows.map(toWebhook), totalCount: counts[0]?.count ?? 0 };
}

/** Writes the settings of a locked subscription; a new chance starts at once. */
export async function updateWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx`
    update unwind.webhooks w
    set
      title = ${webhook.title},
      url = ${webhook.url},
      enabled = ${webhook.enabled},
      types = ${webhook.types},
      delay_s = ${webhook.delayS ?? null},
      max_package_size = ${webhook.maxPackageSize ?? null},
      signature_version = ${webhook.signatureVersion},
      signature_algorithm = ${webhook.signatureAlgorithm},
      next_attempt_at = ${webhook.updatedAt},
      updated_at = ${webhook.updatedAt}
    where w.tenant_id = ${webhook.tenantId}
      and w.webhook_id = ${webhook.webhookId}`;
}

/** @returns whether there was such a subscription. */
export async function deleteWebhook(tx: Tx, { tenantId, webhookId }: WebhookKey): Promise<boolean> {
  const rows = await tx`
    delete from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  return rows.count === 1;
}

/** A subscription claimed for delivery: who holds it, in which epoch, and its low-water mark. */
export interface ClaimedWebhook extends Webhook {
  readonly epoch: number;
  readonly position: number;
  /** Where the log ended when the claim was made. */
  readonly head: number;
  readonly attempts: number;
}

/** Claims enabled subscriptions with undelivered events whose next attempt is due. */
export async function claimWebhooks(
  sql: Sql,
  claim: { holder: string; leaseExpiresAt: Date; now: Date; limit: number },
): Promise<readonly ClaimedWebhook[]> {
  const rows = await sql<
    (WebhookRow & { lease_epoch: number; position: string; head: string; attempts: number })[]
  >`
    with due as (
      select w.tenant_id, w.webhook_id, h.position as head
      from unwind.webhooks w
      join unwind.event_heads h on h.tenant_id = w.tenant_id
      where w.enabled
        and w.position < h.position
        and w.next_attempt_at <= ${claim.now}
        and (w.lease_expires_at is null or w.lease_expires_at <= ${claim.now})
      order by w.next_attempt_at
      limit ${claim.limit}
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
    returning ${columns}, w.lease_epoch, w.position, due.head, w.attempts`;
  return rows.map((row) => ({
    ...toWebhook(row),
    epoch: row.lease_epoch,
    position: Number(row.position),
    head: Number(row.head),
    attempts: row.attempts,
  }));
}

/** Prolongs the lease of a claimed subscription. @returns false: no longer ours. */
export async function renewLease(
  sql: Sql,
  webhook: ClaimedWebhook,
  lease: { holder: string; leaseExpiresAt: Date },
): Promise<boolean> {
  const rows = await sql`
    update unwind.webhooks w
    set lease_expires_at = ${lease.leaseExpiresAt}
    where w.tenant_id = ${webhook.tenantId}
      and w.webhook_id = ${webhook.webhookId}
      and w.lease_holder = ${lease.holder}
      and w.lease_epoch = ${webhook.epoch}`;
  return rows.count === 1;
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

/** The events after a position of a tenant's log that are of these kinds, ascending. */
export async function readLog(
  sql: Sql,
  page: { tenantId: TenantId; types: readonly WebhookType[]; after: number; limit: number },
): Promise<readonly LoggedEvent[]> {
  const rows = await sql<
    { position: string; event_id: EventId; type: string; object: string; created_at: Date }[]
  >`
    select e.position, e.event_id, e.type, e.object, e.created_at
    from unwind.events e
    where e.tenant_id = ${page.tenantId}
      and e.position > ${page.after}
      and ('ALL' = any (${page.types}::text[])
        or split_part(e.type, '.', 1) = any (${page.types}::text[]))
    order by e.position
    limit ${page.limit}`;
  return rows.map((row) => ({
    position: Number(row.position),
    eventId: row.event_id,
    type: row.type,
    object: row.object,
    createdAt: row.created_at,
  }));
}

export interface DeliveryResult {
  readonly holder: string;
  /** The new low-water mark. */
  readonly position: number;
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly lastOutcome: string | undefined;
  readonly disable: boolean;
  readonly now: Date;
}

/**
 * Gives a claimed subscription back with what came of it. Where its settings were changed meanwhile,
 * the outcome was that of the old ones: the new ones keep their chance.
 *
 * @returns false: no longer ours, nothing was written.
 */
export async function releaseWebhook(
  sql: Sql,
  webhook: ClaimedWebhook,
  result: DeliveryResult,
): Promise<boolean> {
  const rows = await sql`
    update unwind.webhooks w
    set
      position = ${result.position},
      attempts = ${result.attempts},
      failing_since = case
        when ${result.attempts} > 0 then coalesce(w.failing_since, ${result.now})
      end,
      next_attempt_at = case
        when w.updated_at = ${webhook.updatedAt} then ${result.nextAttemptAt}
        else w.next_attempt_at
      end,
      last_attempt_at = case
        when ${result.lastOutcome ?? null}::text is null then w.last_attempt_at
        else ${result.now}
      end,
      last_outcome = coalesce(${result.lastOutcome ?? null}, w.last_outcome),
      enabled = w.enabled and not (${result.disable} and w.updated_at = ${webhook.updatedAt}),
      lease_holder = null,
      lease_expires_at = null
    where w.tenant_id = ${webhook.tenantId}
      and w.webhook_id = ${webhook.webhookId}
      and w.lease_holder = ${result.holder}
      and w.lease_epoch = ${webhook.epoch}`;
  return rows.count === 1;
}
