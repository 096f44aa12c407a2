// The statements of webhook subscriptions as requests manage them; how far each is delivered is written by
// the room of deliveries.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { directionSql, type PageRange } from '../db/page.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId, WebhookId } from '../ids.ts';
import type { Webhook } from './webhook.ts';

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
  await tx`
    select
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
  const defaults = await tx<{ max_package_size: number }[]>`
    select f.max_package_size
    from unwind.webhook_defaults f
    where f.tenant_id = ${tenantId}`;
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}`;
  const packageSizeDefault = defaults[0]?.max_package_size;
  return { count: rows[0]?.count ?? 0, packageSizeDefault };
}

/**
 * Says what new subscriptions of a tenant collect events to, in bytes, where they do not say; undefined:
 * they get one event a request. Idempotent. @returns whether there is such a tenant.
 */
export async function setPackageSizeDefault(
  sql: SqlOrTx,
  { tenantId, bytes }: { tenantId: TenantId; bytes: number | undefined },
): Promise<boolean> {
  if (bytes === undefined) {
    await sql`
      delete from unwind.webhook_defaults f
      where f.tenant_id = ${tenantId}`;
  }
  const rows = await sql<{ tenant_id: TenantId }[]>`
    with written as (
      insert into unwind.webhook_defaults (tenant_id, max_package_size)
      select t.tenant_id, ${bytes ?? null}
      from unwind.tenants t
      where t.tenant_id = ${tenantId}
        and ${bytes ?? null}::integer is not null
      on conflict (tenant_id) do update
      set max_package_size = excluded.max_package_size
    )
    select t.tenant_id
    from unwind.tenants t
    where t.tenant_id = ${tenantId}`;
  return rows.length === 1;
}

/** Adds the settings of a subscription. */
export async function insertWebhook(tx: Tx, webhook: Webhook): Promise<void> {
  await tx`
    insert into unwind.webhooks (
      tenant_id, webhook_id, title, url, enabled, types, excluded_types, delay_s, max_package_size,
      signature_version, signature_algorithm, standard_headers, created_at, updated_at
    )
    values (
      ${webhook.tenantId}, ${webhook.webhookId}, ${webhook.title}, ${webhook.url},
      ${webhook.enabled}, ${webhook.types}, ${webhook.excludedTypes}, ${webhook.delayS ?? null},
      ${webhook.maxPackageSize ?? null}, ${webhook.signatureVersion}, ${webhook.signatureAlgorithm},
      ${webhook.standardHeaders}, ${webhook.createdAt}, ${webhook.updatedAt}
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
  const rows = await sql<RowOf<Webhook>[]>`
    select ${webhookColumns}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  return rows[0] && thingOf<Webhook>(rows[0]);
}

/** Like `findWebhook`, locked for a change. */
export async function lockWebhook(
  tx: Tx,
  { tenantId, webhookId }: WebhookKey,
): Promise<Webhook | undefined> {
  const rows = await tx<RowOf<Webhook>[]>`
    select ${webhookColumns}
    from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}
    for update`;
  return rows[0] && thingOf<Webhook>(rows[0]);
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
    sql<RowOf<Webhook>[]>`
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
  return { webhooks: rows.map((row) => thingOf<Webhook>(row)), totalCount: counts[0]?.count ?? 0 };
}

/** Writes the settings of a locked subscription. */
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
      updated_at = ${webhook.updatedAt}
    where w.tenant_id = ${webhook.tenantId}
      and w.webhook_id = ${webhook.webhookId}`;
}

/** Disables the subscriptions of the rows of a CTE that say so by `disables`: the receivers are gone. */
export function disabling(rows: Fragment): Fragment {
  return fragment`
    update unwind.webhooks w
    set enabled = false
    from ${rows} o
    where o.disables
      and w.tenant_id = o.tenant_id
      and w.webhook_id = o.webhook_id`;
}

/** @returns whether there was such a subscription. */
export async function deleteWebhook(tx: Tx, { tenantId, webhookId }: WebhookKey): Promise<boolean> {
  const rows = await tx`
    delete from unwind.webhooks w
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  return rows.count === 1;
}

/** What is reported of a subscription that was removed for failing. */
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
  const rows = await sql<RowOf<RemovedWebhook>[]>`
    delete from unwind.webhooks w
    using (
      select d.tenant_id, d.webhook_id, d.failing_since, d.last_outcome
      from unwind.deliveries d
      join unwind.webhooks f
        on f.tenant_id = d.tenant_id
        and f.webhook_id = d.webhook_id
        and f.enabled
      where d.failing_since < ${before}
      limit ${limit}
      for update of d
    ) d
    where w.tenant_id = d.tenant_id
      and w.webhook_id = d.webhook_id
    returning w.tenant_id, w.webhook_id, w.url, d.failing_since, d.last_outcome`;
  return rows.map((row) => thingOf<RemovedWebhook>(row));
}
