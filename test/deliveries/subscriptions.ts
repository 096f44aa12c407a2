// Tenants, subscriptions and logged events for the tests of deliveries, by the functions that the
// service itself uses; only the events are written by hand, since no liquidation is needed for
// them.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { WebhookEvent } from '@unwind/client/webhooks';
import { type DeliveryKeys, readDeliveryKeys } from '../../packages/client/src/deliveries.ts';
import { createClient } from '../../src/auth/create-client.ts';
import { type Seal, sealKeyBytes, sealWith } from '../../src/auth/seal.ts';
import { findPublicJwks } from '../../src/auth/signing-keys.ts';
import type { Clock } from '../../src/clock.ts';
import type { Sql, SqlOrTx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { Deliverer } from '../../src/deliveries/deliver-events.ts';
import {
  followSettings,
  insertDelivery,
  lockDelivery,
} from '../../src/deliveries/delivery-store.ts';
import { receiverAgent } from '../../src/egress/post.ts';
import { eventPublisher } from '../../src/events/publish-events.ts';
import {
  type AccountId,
  type EventId,
  newId,
  parseId,
  type TenantId,
  type WebhookId,
} from '../../src/ids.ts';
import { tunnelReceiver } from '../../src/tunnels/serve-tunnels.ts';
import { insertWebhook, lockWebhook, updateWebhook } from '../../src/webhooks/store.ts';
import { usualSettings, type Webhook, type WebhookSettings } from '../../src/webhooks/webhook.ts';
import { testClock } from '../support/clock.ts';
import type { AfterTest } from '../support/database.ts';
import { readDelivery } from '../support/deliveries.ts';
import { quietWorker } from '../support/engine.ts';
import type { Received } from './receiver.ts';

export const testSeal: Seal = sealWith(randomBytes(sealKeyBytes));

/** Makes a tenant with the keys that sign its deliveries. */
export async function makeTenantWithKeys(sql: Sql, clock: Clock): Promise<TenantId> {
  const { clientId } = await createClient(sql, clock, testSeal, {
    name: 'Receiver',
    scopes: [],
    signaturePolicy: 'compatible',
    publicKeysPem: [],
  });
  return clientId;
}

/** The keys of a tenant as its receiver gets them. */
export async function keysOf(
  sql: Sql,
  tenantId: TenantId,
  now = new Date('2026-01-05T09:00:00.000Z'),
): Promise<DeliveryKeys> {
  const jwks = await findPublicJwks(sql, tenantId, now);
  return readDeliveryKeys({ keys: jwks.map((jwk) => JSON.parse(jwk)) });
}

const usual: Omit<WebhookSettings, 'url'> = { ...usualSettings, title: 'test', enabled: true };

/** Subscribes to everything that is published from now on. */
export async function subscribe(
  sql: Sql,
  clock: Clock,
  settings: Partial<WebhookSettings> & { readonly tenantId: TenantId; readonly url: string },
): Promise<Webhook> {
  const now = clock.now();
  const webhookId = newId<'webhook'>();
  const webhook = { ...usual, ...settings, webhookId, createdAt: now, updatedAt: now };
  await inTransaction(sql, async (tx) => {
    await insertWebhook(tx, webhook);
    await insertDelivery(tx, webhook);
  });
  return webhook;
}

/** Writes other settings of a subscription, as a change of them does. */
export async function changeSettings(sql: Sql, changed: Webhook): Promise<void> {
  await inTransaction(sql, async (tx) => {
    await lockDelivery(tx, changed);
    const before = await lockWebhook(tx, changed);
    assert.ok(before !== undefined);
    await updateWebhook(tx, changed);
    await followSettings(tx, before, changed);
  });
}

export interface WrittenEvent {
  readonly eventId: EventId;
  readonly accountId: AccountId;
  /** Which liquidation of the account, from 1, and which of its events, from 1. */
  readonly sequence: number;
  readonly number: number;
}

const statuses = ['NEW', 'PROCESSING', 'FILLED'] as const;

/** The three events of one liquidation of an account. Their ids have no order on purpose. */
export function eventsOfLiquidation(
  accountId: AccountId,
  sequence = 1,
): readonly (WrittenEvent & { status: string; liquidationId: string })[] {
  const liquidationId = newId<'liquidation'>();
  return statuses.map((status, i) => {
    const eventId = parseId<'event'>(randomUUID());
    assert.ok(eventId !== undefined);
    return { eventId, accountId, sequence, number: i + 1, status, liquidationId };
  });
}

/**
 * Writes events without a offset, as the commits of liquidations do; `padding` makes their
 * objects longer.
 */
export async function writeEvents(
  sql: SqlOrTx,
  batch: {
    readonly tenantId: TenantId;
    readonly events: ReturnType<typeof eventsOfLiquidation>;
    readonly at: Date;
    readonly padding?: string;
  },
): Promise<void> {
  const { tenantId, events, at, padding = '' } = batch;
  for (const { eventId, accountId, liquidationId, sequence, number, status } of events) {
    const object = JSON.stringify({
      account_id: accountId,
      cash_amount: '0.00',
      created_at: at.toISOString(),
      currency: 'EUR',
      id: liquidationId,
      orders: [],
      status,
      updated_at: at.toISOString(),
      ...(padding === '' ? {} : { padding }),
    });
    await sql`
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      values (
        ${tenantId}, ${eventId}, ${accountId}, ${liquidationId}, ${sequence}, ${number},
        ${`ACCOUNT_LIQUIDATION.${status}`}, ${object}, ${at}
      )`;
  }
}

/** Gives all events that wait for it their offset. */
export async function publishAll(sql: Sql): Promise<void> {
  const publish = eventPublisher(quietWorker(sql, testClock()));
  const turnsMax = 1_000;
  for (let turn = 0; turn < turnsMax; turn += 1) {
    if ((await publish()) === 0) return;
  }
  assert.fail(`there are still events to publish after ${turnsMax} turns`);
}

export interface DelivererOptions {
  readonly clock: Clock;
  readonly timeoutMs?: number;
  readonly setAsideAfterMs?: number;
  /** Waits in the middle of a request. */
  readonly pause?: (ms: number) => Promise<void>;
  /** Default true. */
  readonly isSandbox?: boolean;
  /** What seals the keys of its tenants, if not the seal of these tests. */
  readonly seal?: Seal;
  /** Called with every line of its log. */
  readonly onLog?: (fields: object, message: string) => void;
}

/** A deliverer as a process has one, with connections of its own; they end with the test. */
export function startDeliverer(t: AfterTest, sql: Sql, options: DelivererOptions): Deliverer {
  const { isSandbox = true, pause } = options;
  const { clock, timeoutMs = 60_000, setAsideAfterMs, seal = testSeal, onLog = () => {} } = options;
  const agent = receiverAgent({ policy: { allowLoopback: true }, timeoutMs });
  const deliverer = new Deliverer({
    sql,
    clock,
    seal,
    agent,
    inner: tunnelReceiver({ sql, clock }),
    isSandbox,
    ...(pause === undefined ? {} : { pause }),
    holder: newId<'process'>(),
    timeoutMs,
    ...(setAsideAfterMs === undefined ? {} : { setAsideAfterMs }),
    log: { info: onLog, warn: onLog, error: onLog },
    onDone: () => {},
  });
  t.after(async () => {
    await deliverer.stop();
    await agent.close();
  });
  return deliverer;
}

/** Delivers whatever is due at this instant of the clock. @returns how many claims it took. */
export async function deliverDue(deliverer: Deliverer): Promise<number> {
  const claimsMax = 10_000;
  for (let claims = 0; claims < claimsMax; ) {
    const claimed = await deliverer.step();
    await deliverer.drain();
    if (claimed === 0) return claims;
    claims += claimed;
  }
  return assert.fail(`there is still something due after ${claimsMax} claims`);
}

export interface WebhookState {
  readonly offset: number;
  readonly head: number;
  readonly attempts: number;
  readonly enabled: boolean;
  readonly nextAttemptAt: Date;
  readonly lastOutcome: string | null;
  readonly isLeased: boolean;
  readonly leaseExpiresAt: Date | null;
  readonly epoch: number;
  /** Accounts that are out of step, and when the first of them is due. */
  readonly blocked: number;
  readonly blockedDueAt: Date | null;
}

/** What the database holds of a subscription. */
export async function stateOf(
  sql: Sql,
  { tenantId, webhookId }: { tenantId: TenantId; webhookId: WebhookId },
): Promise<WebhookState> {
  const [row] = await sql<
    {
      acknowledged_offset: string;
      head: string;
      attempts: number;
      enabled: boolean;
      next_attempt_at: Date;
      last_outcome: string | null;
      lease_holder: string | null;
      lease_expires_at: Date | null;
      lease_epoch: number;
      blocked: number;
      blocked_count: number;
      blocked_due_at: Date | null;
    }[]
  >`
    select
      d.acknowledged_offset, coalesce(h.position, 0) as head, d.attempts, w.enabled,
      d.next_attempt_at, d.last_outcome, d.lease_holder, d.lease_expires_at, d.lease_epoch,
      d.blocked_count, d.blocked_due_at,
      (
        select count(*)::integer
        from unwind.blocked_accounts b
        where b.tenant_id = w.tenant_id
          and b.webhook_id = w.webhook_id
      ) as blocked
    from unwind.webhooks w
    join unwind.deliveries d
      on d.tenant_id = w.tenant_id
      and d.webhook_id = w.webhook_id
    left join unwind.event_heads h on h.tenant_id = w.tenant_id
    where w.tenant_id = ${tenantId}
      and w.webhook_id = ${webhookId}`;
  assert.ok(row !== undefined, 'the subscription is there');
  assert.equal(row.blocked_count, row.blocked, 'blocked accounts are counted');
  return {
    offset: Number(row.acknowledged_offset),
    head: Number(row.head),
    attempts: row.attempts,
    enabled: row.enabled,
    nextAttemptAt: row.next_attempt_at,
    lastOutcome: row.last_outcome,
    isLeased: row.lease_holder !== null,
    leaseExpiresAt: row.lease_expires_at,
    epoch: row.lease_epoch,
    blocked: row.blocked,
    blockedDueAt: row.blocked_due_at,
  };
}

/** Verifies deliveries and gives their events in the order of arrival, repeats included. */
export async function eventsOf(
  deliveries: readonly Received[],
  keys: DeliveryKeys,
): Promise<readonly WebhookEvent[]> {
  const packages = await Promise.all(
    deliveries.map((one) => readDelivery(one, keys, one.receivedAt)),
  );
  return packages.flat();
}
