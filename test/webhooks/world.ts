// What most tests of deliveries begin with: a tenant, a receiver, a clock that stands still, and ways
// to fill the log and to compare it with what arrived.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { type AccountId, newId, type TenantId } from '../../src/ids.ts';
import type { Webhook, WebhookSettings } from '../../src/webhooks/webhook.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { startReceiver, type TestReceiver } from './receiver.ts';
import {
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

export async function newWorld(t: TestContext): Promise<World> {
  const { sql } = await createTestDatabase(t);
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

export function newAccounts(count: number): readonly AccountId[] {
  return Array.from({ length: count }, () => newId<'account'>());
}

/** The log of the tenant as it must arrive. */
export async function logOf({
  sql,
  tenantId,
}: World): Promise<readonly { id: string; at: number }[]> {
  const rows = await sql<{ event_id: string; position: string }[]>`
    select e.event_id, e.position
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.position is not null
    order by e.position`;
  return rows.map((row) => ({ id: row.event_id, at: Number(row.position) }));
}

/** Ids in the order of their first arrival. */
export async function arrivals(world: World): Promise<readonly string[]> {
  const { sql, tenantId, receiver } = world;
  const events = await eventsOf(receiver.received, await keysOf(sql, tenantId));
  return [...new Set(events.map((event) => event.id))];
}

/** Advances the clock by the longest gap and delivers, until the subscription is at the head. */
export async function deliverAll(t: TestContext, world: World, webhook: Webhook): Promise<void> {
  const { sql, clock } = world;
  const deliverer = startDeliverer(t, sql, { clock });
  const turnsMax = 200;
  for (let turn = 0; turn < turnsMax; turn += 1) {
    await deliverDue(deliverer);
    const { position, head, nextAttemptAt } = await stateOf(sql, webhook);
    if (position === head) return;
    clock.set(nextAttemptAt);
  }
  assert.fail(`not delivered after ${turnsMax} retries`);
}
