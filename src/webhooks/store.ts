// The statements of webhook subscriptions as requests manage them; those of their delivery are in
// delivery-store.ts.

import type { SigningAlgorithm } from '../auth/signing-keys.ts';
import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { directionSql, type PageRange } from '../db/page.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId, WebhookId } from '../ids.ts';
import type { SignatureVersion, Webhook, WebhookType } from './webhook.ts';

/** A subscription as `webhookColumns` read it. */
export interface WebhookRow {
  tenant_id: TenantId;
  webhook_id: WebhookId;
  title: string;
  url: string;
  enabled: boolean;
  types: WebhookType[];
  excluded_types: WebhookType[];
  delay_s: number | null;
  max_package_size: number | null;
  signature_version: SignatureVersion;
  signature_algorithm: SigningAlgorithm;
  standard_headers: boolean;
  created_at: Date;
  updated_at: Date;
}

export function toWebhook(row: WebhookRow): Webhook {
  return {
    tenantId: row.tenant_id,
    webhookId: row.webhook_id,
    title: row.title,
    url: row.url,
    enabled: row.enabled,
    types: row.types,
    excludedTypes: row.excluded_types,
    delayS: row.delay_s ?? undefined,
    maxPackageSize: row.max_package_size ?? undefined,
    signatureVersion: row.signature_version,
    signatureAlgorithm: row.signature_algorithm,
    standardHeaders: row.standard_headers,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The settings of the subscription `w`. */
export const webhookColumns = fragment`
    w.tenant_id, w.webhook_id, w.title, w.url, w.enabled, w.types, w.excluded_types, w.delay_s,
    w.max_package_size, w.signature_version, w.signature_algorithm, w.standard_headers,
    w.created_at, w.updated_at`;

/** What a tenant's next subscription depends on, locked against a second creation meanwhile. */
export async function lockSubscriptions(
  tx: Tx,
  tenantId: TenantId,
): Promise<{ readonly count: number; readonly packageSizeDefault: number | undefined }> {
  const tenants = await tx<{ package_size_default: number | null }[]>`
    select t.package_size_default
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}`;
  const packageSizeDefault = tenants[0]?.package_size_default ?? undefined;
  return { count: rows[0]?.count ?? 0, packageSizeDefault };
}

/**
 * Says what new subscriptions of a tenant collect events to, in bytes, where they do not say; undefined:
 * they get one event a request. Idempotent. @returns whether there is such a tenant.
 */
export async function setPackageSizeDefault(
  sql: Sql,
  { tenantId, bytes }: { tenantId: TenantId; bytes: number | undefined },
): Promise<boolean> {
  const rows = await sql`
    update unwind.tenants t
    set package_size_default = ${bytes ?? null}
    where t.tenant_id = ${tenantId}`;
  return rows.count === 1;
}

/** Adds a subscription; it gets the events that are published from now on. */
export async function insertWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx`
    insert into unwind.webhooks (
      tenant_id, webhook_id, title, url, enabled, types, excluded_types, delay_s, max_package_size,
      signature_version, signature_algorithm, standard_headers, position, next_attempt_at,
      created_at, updated_at
    )
    values (
      ${webhook.tenantId}, ${webhook.webhookId}, ${webhook.title}, ${webhook.url},
      ${webhook.enabled}, ${webhook.types}, ${webhook.excludedTypes}, ${webhook.delayS ?? null},
      ${webhook.maxPackageSize ?? null}, ${webhook.signatureVersion}, ${webhook.signatureAlgorithm},
      ${webhook.standardHeaders},
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
    select ${webhookColumns}
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
    select ${webhookColumns}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}
    for update`;
  return rows[0] && toWebhook(rows[0]);
}

/** What a list of subscriptions can be sorted by, as SQL; texts by their characters' numbers. */
const sortedBy = {
  created_at: fragment`w.created_at`,
  updated_at: fragment`w.updated_at`,
  title: fragment`w.title collate "C"`,
  url: fragment`w.url collate "C"`,
  enabled: fragment`w.enabled`,
} as const satisfies Readonly<Record<string, Fragment>>;

export type WebhookSort = keyof typeof sortedBy;

/** One page of a tenant's subscriptions; those that are equal stand in the order of their ids. */
export async function listWebhooks(
  sql: Sql,
  page: PageRange & { readonly tenantId: TenantId; readonly sort: WebhookSort },
): Promise<{ webhooks: readonly Webhook[]; totalCount: number }> {
  const direction = directionSql(page.direction);
  const [rows, counts] = await Promise.all([
    sql<WebhookRow[]>`
      select ${webhookColumns}
      from unwind.webhooks w
      where w.tenant_id = ${page.tenantId}
      order by ${sortedBy[page.sort]} ${direction}, w.webhook_id ${direction}
      offset ${page.offset}
      limit ${page.limit}`,
    sql<{ count: number }[]>`
      select count(*)::integer as count
      from unwind.webhooks w
      where w.tenant_id = ${page.tenantId}`,
  ]);
  return { webhooks: rows.map(toWebhook), totalCount: counts[0]?.count ?? 0 };
}

/**
 * Writes the settings of a locked subscription. It is tried at once; another url, or being enabled
 * again, also begins a new count of failures: the old one says nothing about what is there now.
 */
export async function updateWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx`
    update unwind.webhooks w
    set
      title = ${webhook.title},
      url = ${webhook.url},
      enabled = ${webhook.enabled},
      types = ${webhook.types},
      excluded_types = ${webhook.excludedTypes},
      delay_s = ${webhook.delayS ?? null},
      max_package_size = ${webhook.maxPackageSize ?? null},
      signature_version = ${webhook.signatureVersion},
      signature_algorithm = ${webhook.signatureAlgorithm},
      standard_headers = ${webhook.standardHeaders},
      attempts = case when n.is_new then 0 else w.attempts end,
      failing_since = case when not n.is_new then w.failing_since end,
      full_at = null,
      next_attempt_at = ${webhook.updatedAt},
      updated_at = ${webhook.updatedAt}
    from unwind.webhooks o
    cross join lateral (
      select o.url <> ${webhook.url} or (${webhook.enabled} and not o.enabled) as is_new
    ) n
    where o.tenant_id = w.tenant_id
      and o.webhook_id = w.webhook_id
      and w.tenant_id = ${webhook.tenantId}
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
