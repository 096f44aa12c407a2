// Subscriptions, events for them, and what their receiver counts: what several scenarios need.

import { request } from 'undici';
import { systemClock } from '../src/clock.ts';
import type { Sql } from '../src/db/connect.ts';
import { createWebhook } from '../src/deliveries/manage-webhooks.ts';
import { newId, type TenantId } from '../src/ids.ts';
import { usualSettings, type Webhook } from '../src/webhooks/webhook.ts';
import type { Running } from './processes.ts';

const packageBytes = 64 * 1_024;

/** Subscribes to what is published from now on, in packages. */
export async function subscribe(
  sql: Sql,
  wish: { tenantId: TenantId; url: string; enabled: boolean; maxPackageSize?: number },
): Promise<Webhook> {
  const { tenantId, url, enabled, maxPackageSize = packageBytes } = wish;
  const policy = { allowLoopback: true };
  const signature = { basesSha256: [], expiresAt: systemClock.now() };
  return createWebhook(
    { sql, clock: systemClock, policy },
    { tenantId, scopes: [], contract: '2023' as const, signature, act: undefined },
    { ...usualSettings, title: 'Bench', url, enabled, maxPackageSize },
  );
}

/** Records so many events of each tenant, each of an account of its own, as a commit would. */
export async function recordEvents(
  sql: Sql,
  tenantIds: readonly TenantId[],
  eventsEach: number,
): Promise<void> {
  const slice = 10_000;
  const owners = tenantIds.flatMap((tenantId) =>
    Array.from({ length: eventsEach }, () => tenantId),
  );
  for (let from = 0; from < owners.length; from += slice) {
    const part = owners.slice(from, from + slice);
    await sql`
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      select
        n.tenant_id, n.event_id, n.account_id, n.liquidation_id, 1, 1, 'ACCOUNT_LIQUIDATION.NEW',
        concat(
          '{"account_id":"', n.account_id, '","cash_amount":"852.20",',
          '"created_at":"2026-01-05T09:00:00.000Z","currency":"EUR","id":"', n.liquidation_id,
          '","orders":[],"status":"NEW","updated_at":"2026-01-05T09:00:00.000Z","user_id":"',
          n.account_id, '"}'
        ),
        clock_timestamp()
      from unnest(
        ${part}::uuid[],
        ${part.map(() => newId<'event'>())}::uuid[],
        ${part.map(() => newId<'account'>())}::uuid[],
        ${part.map(() => newId<'liquidation'>())}::uuid[]
      ) as n (tenant_id, event_id, account_id, liquidation_id)`;
  }
}

/** What a receiver took since it was last asked. */
export interface Told {
  readonly requests: number;
  readonly events: number;
}

export async function toldBy({ url }: Running): Promise<Told> {
  const { body } = await request(url);
  return (await body.json()) as Told;
}

/** How old each event was when it came, since this was last asked. */
export async function lagsToldBy({ url }: Running): Promise<readonly number[]> {
  const { body } = await request(`${url}/lags`);
  return (await body.json()) as readonly number[];
}

/** Puts the offset of a subscription where it never was. */
export async function setOffset(sql: Sql, webhook: Webhook, offset: number): Promise<void> {
  await sql`
    update unwind.deliveries d
    set acknowledged_offset = ${offset}
    where d.webhook_id = ${webhook.webhookId}`;
}

export async function setEnabled(sql: Sql, webhook: Webhook, enabled: boolean): Promise<void> {
  await sql`
    update unwind.webhooks w
    set enabled = ${enabled}
    where w.webhook_id = ${webhook.webhookId}`;
}

/** How far a subscription has come in its log. */
export async function offsetOf(sql: Sql, webhook: Webhook): Promise<number> {
  const rows = await sql<{ acknowledged_offset: string }[]>`
    select d.acknowledged_offset
    from unwind.deliveries d
    where d.webhook_id = ${webhook.webhookId}`;
  return Number(rows[0]?.acknowledged_offset);
}
