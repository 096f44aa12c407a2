// Finds what an id names, whatever it is: a person who has one from a log or a message does not know the kind.

import type { Sql } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { TenantId } from '../ids.ts';

export const foundKinds = [
  'liquidation',
  'account',
  'order',
  'execution',
  'batch',
  'webhook',
  'instrument',
] as const;

export interface Found {
  readonly kind: (typeof foundKinds)[number];
  readonly id: string;
  /** The liquidation that it belongs to, where it belongs to one. */
  readonly liquidationId: string | undefined;
  readonly accountId: string | undefined;
}

/** What a text names in a tenant: an id of ours, a client order id (FIX 11) or an ISIN. */
export async function findNamed(
  sql: Sql,
  { tenantId, text }: { tenantId: TenantId; text: string },
): Promise<readonly Found[]> {
  const isUuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
  const rows = isUuid
    ? await findById(sql, { tenantId, id: text })
    : await findByName(sql, { tenantId, name: text });
  return rows.map((row) => thingOf<Found>(row));
}

function findById(sql: Sql, { tenantId, id }: { tenantId: TenantId; id: string }) {
  return sql<RowOf<Found>[]>`
    select 'liquidation' as kind, l.liquidation_id::text as id, l.liquidation_id, l.account_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId} and l.liquidation_id = ${id}
    union all
    select 'account', a.account_id::text, null::uuid, a.account_id
    from unwind.accounts a
    where a.tenant_id = ${tenantId} and a.account_id = ${id}
    union all
    select 'order', o.order_id::text, o.liquidation_id, o.account_id
    from unwind.orders o
    where o.tenant_id = ${tenantId} and o.order_id = ${id}
    union all
    select 'execution', e.execution_id::text, e.liquidation_id, e.account_id
    from unwind.executions e
    where e.tenant_id = ${tenantId} and e.execution_id = ${id}
    union all
    select 'batch', b.batch_id::text, null::uuid, null::uuid
    from unwind.batches b
    where b.tenant_id = ${tenantId} and b.batch_id = ${id}
    union all
    select 'webhook', w.webhook_id::text, null::uuid, null::uuid
    from unwind.webhooks w
    where w.tenant_id = ${tenantId} and w.webhook_id = ${id}`;
}

function findByName(sql: Sql, { tenantId, name }: { tenantId: TenantId; name: string }) {
  return sql<RowOf<Found>[]>`
    select 'order' as kind, o.order_id::text as id, o.liquidation_id, o.account_id
    from unwind.submissions s
    join unwind.orders o using (tenant_id, order_id)
    where s.tenant_id = ${tenantId} and s.client_order_id = ${name}
    union all
    select 'instrument', i.isin, null::uuid, null::uuid
    from unwind.instruments i
    where i.tenant_id = ${tenantId} and i.isin = upper(${name})`;
}
