// What most tests of deliveries begin with: a tenant, a receiver, a clock that stands still, and ways
// to fill the log and to compare it with what arrived.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { WebhookEvent } from '@unwind/client/webhooks';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { type Replay, type Replayed, replayWebhook } from '../../src/deliveries/replay.ts';
import { type AccountId, newId, type TenantId } from '../../src/ids.ts';
import type { Webhook, WebhookSettings } from '../../src/webhooks/webhook.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase, type TestDatabaseOptions } from '../support/database.ts';
import { type Received, startReceiver, type TestReceiver } from './receiver.ts';
import {
  type DelivererOptions,
  deliverDue,
  eventsOf,
  eventsOfLiquidation,
  keysOf,
  makeTenantWithKeys,
  publishAll,
  startDeliverer,
  stateOf,
  subscribe,
  writeEvents,
} from './subscriptions.ts';

export interface World {
  readonly sql: Sql;
  readonly clock: TestClock;
  readonly tenantId: TenantId;
  readonly receiver: TestReceiver;
}

export async function newWorld(t: TestContext, options: TestDatabaseOptions = {}): Promise<World> {
  const { sql } = await createTestDatabase(t, options);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  return { sql, clock, tenantId, receiver: await startReceiver(t, clock) };
}

export function subscribeTo(
  world: World,
  settings: Partial<WebhookSettings> = {},
): Promise<Webhook> {
  const { sql, clock, tenantId, receiver } = world;
  return subscribe(sql, clock, { tenantId, url: receiver.url, ...settings });
}

/** Asks for a replay as a client does, each time with a signature of its own. */
export function askReplay(
  { sql, clock, tenantId }: World,
  { webhookId }: Webhook,
  replay: Replay,
): Promise<Replayed> {
  const signature = { basesSha256: [randomBytes(32)], expiresAt: later(clock.now(), 330_000) };
  const contract = '2023' as const;
  const caller = { tenantId, scopes: [], contract, signature, act: undefined };
  return replayWebhook({ sql, clock }, caller, { webhookId, replay });
}

/** Writes and publishes the three events of one liquidation for each account. */
export async function logLiquidations(
  { sql, clock, tenantId }: World,
  accountIds: readonly AccountId[],
  padding = '',
): Promise<void> {
  for (const accountId of accountIds) {
    const events = eventsOfLiquidation(accountId);
    await writeEvents(sql, { tenantId, events, at: clock.now(), padding });
  }
  await publishAll(sql);
}

/** Writes and publishes the events of a second liquidation of an account. */
export async function logLater(world: World, accountId: AccountId): Promise<void> {
  const { sql, clock, tenantId } = world;
  await writeEvents(sql, { tenantId, events: eventsOfLiquidation(accountId, 2), at: clock.now() });
  await publishAll(sql);
}

export function newAccounts(count: number): readonly AccountId[] {
  return Array.from({ length: count }, () => newId<'account'>());
}

export interface LoggedHere {
  readonly id: string;
  readonly at: number;
  readonly accountId: string;
}

/** The log of the tenant. */
export async function logOf({ sql, tenantId }: World): Promise<readonly LoggedHere[]> {
  const rows = await sql<{ event_id: string; position: string; account_id: string }[]>`
    select e.event_id, e.position, e.account_id
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.position is not null
    order by e.position`;
  return rows.map((row) => ({
    id: row.event_id,
    at: Number(row.position),
    accountId: row.account_id,
  }));
}

/** Ids in the order of their first arrival, whatever was answered. */
export async function arrivals(world: World): Promise<readonly string[]> {
  const { sql, tenantId, receiver } = world;
  const events = await eventsOf(receiver.received, await keysOf(sql, tenantId));
  return [...new Set(events.map((event) => event.id))];
}

/**
 * The promise of deliveries: exactly these events have arrived, those of each account in the order in
 * which they happened; and in that order they were taken, too.
 */
export async function assertArrived(
  world: World,
  expected?: readonly LoggedHere[],
  receiver: TestReceiver = world.receiver,
): Promise<void> {
  const log = expected ?? (await logOf(world));
  await eventsOf(receiver.received, await keysOf(world.sql, world.tenantId));
  for (const requests of [receiver.received, receiver.taken]) {
    const arrived = [...new Set(requests.flatMap(idsIn))];
    assert.deepEqual(arrived.toSorted(), log.map(({ id }) => id).toSorted(), 'exactly these');
    const places = new Map(arrived.map((id, place) => [id, place]));
    for (const [accountId, own] of Map.groupBy(log, (event) => event.accountId)) {
      const order = own.map(({ id }) => places.get(id) ?? -1);
      const ascending = order.toSorted((a, b) => a - b);
      assert.deepEqual(order, ascending, `the order of account ${accountId}`);
    }
  }
}

/** The ids of the events of a request. */
export function idsIn({ body }: Received): readonly string[] {
  const content: WebhookEvent | { payload: readonly WebhookEvent[] } = JSON.parse(
    Buffer.from(body).toString(),
  );
  return ('payload' in content ? content.payload : [content]).map(({ id }) => id);
}

/** Advances the clock from retry to retry and delivers, until nothing is left to deliver. */
export async function deliverAll(
  t: TestContext,
  world: World,
  webhook: Webhook,
  options: Partial<DelivererOptions> = {},
): Promise<void> {
  const { sql, clock } = world;
  const deliverer = startDeliverer(t, sql, { clock, ...options });
  const turnsMax = 500;
  for (let turn = 0; turn < turnsMax; turn += 1) {
    await deliverDue(deliverer);
    const state = await stateOf(sql, webhook);
    const { offset, head, nextAttemptAt, blockedDueAt } = state;
    if (offset === head && blockedDueAt === null) return;
    const isResting = nextAttemptAt > clock.now();
    const due = offset < head || isResting ? nextAttemptAt : (blockedDueAt ?? nextAttemptAt);
    assert.ok(due > clock.now(), `nothing is due although ${JSON.stringify(state)}`);
    clock.set(due);
  }
  assert.fail(`not delivered after ${turnsMax} retries`);
}
