// Several processes on one database: a subscription has one sender at a time, a sender that lost
// its lease writes nothing, and a process that stops gives back its leases.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import type { Standing } from '../../src/deliveries/delivery.ts';
import { type ClaimedWebhook, claimWebhooks } from '../../src/deliveries/delivery-store.ts';
import { type Progress, recordProgress } from '../../src/deliveries/progress-store.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { startReceiver, type TestReceiver } from './receiver.ts';
import {
  eventsOfLiquidation,
  makeTenantWithKeys,
  publishAll,
  startDeliverer,
  stateOf,
  subscribe,
  writeEvents,
} from './subscriptions.ts';
import { assertArrived } from './world.ts';

interface World {
  readonly sql: Sql;
  readonly clock: TestClock;
  readonly tenantId: TenantId;
  readonly receiver: TestReceiver;
  readonly webhook: Webhook;
}

/** A subscription with the events of so many liquidations before it. */
async function newWorld(t: TestContext, liquidations: number): Promise<World> {
  const { sql } = await createTestDatabase(t, { max: 20 });
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const receiver = await startReceiver(t, clock);
  const webhook = await subscribe(sql, clock, { tenantId, url: receiver.url });
  for (let i = 0; i < liquidations; i += 1) {
    const events = eventsOfLiquidation(newId<'account'>());
    await writeEvents(sql, { tenantId, events, at: clock.now() });
  }
  await publishAll(sql);
  return { sql, clock, tenantId, receiver, webhook };
}

test('four processes never send of one account at the same time, and keep its order', async (t) => {
  const { sql, clock, tenantId, receiver, webhook } = await newWorld(t, 20);
  // Failures and short claims give the lease back in between, so that it changes hands.
  receiver.react = (number) => (number % 4 === 0 ? 'close' : { status: 200 });
  const deliverers = Array.from({ length: 4 }, () => startDeliverer(t, sql, { clock }));
  await eventually(
    'the whole log is delivered',
    async () => {
      await Promise.all(deliverers.map((deliverer) => deliverer.step()));
      await Promise.all(deliverers.map((deliverer) => deliverer.drain()));
      clock.advance(1_100);
      const { offset, head, blocked } = await stateOf(sql, webhook);
      return offset === head && blocked === 0;
    },
    60_000,
  );
  await assertArrived({ sql, clock, tenantId, receiver });
  assert.equal(receiver.mostOfOneAtOnce(), 1);
  assert.ok((await stateOf(sql, webhook)).epoch > 1, 'the lease did change hands');
});

test('no other process has a claimed subscription until the lease runs out', async (t) => {
  const { sql, clock } = await newWorld(t, 1);
  const claim = (holder: string) => {
    const now = clock.now();
    const leaseExpiresAt = new Date(now.getTime() + 10_000);
    return claimWebhooks(sql, { holder, leaseExpiresAt, now, limit: 10 });
  };
  const [first] = await claim(newId());
  assert.ok(first !== undefined);
  assert.deepEqual(await claim(newId()), []);
  clock.advance(9_999);
  assert.deepEqual(await claim(newId()), []);
  clock.advance(1);
  const [second] = await claim(newId());
  assert.equal(second?.epoch, first.epoch + 1);
});

test('many claims at once give a subscription to exactly one of them', async (t) => {
  const { sql, clock } = await newWorld(t, 1);
  const now = clock.now();
  const leaseExpiresAt = new Date(now.getTime() + 10_000);
  const claims = await Promise.all(
    Array.from({ length: 16 }, () => {
      return claimWebhooks(sql, { holder: newId(), leaseExpiresAt, now, limit: 10 });
    }),
  );
  assert.equal(claims.flat().length, 1);
});

test('who lost the lease writes nothing, neither success nor failure', async (t) => {
  const { sql, clock, webhook } = await newWorld(t, 1);
  const claimFor = async (holder: string) => {
    const now = clock.now();
    const leaseExpiresAt = new Date(now.getTime() + 1_000);
    const [claimed] = await claimWebhooks(sql, { holder, leaseExpiresAt, now, limit: 1 });
    assert.ok(claimed !== undefined);
    return claimed;
  };
  const [slow, quick] = [newId(), newId()];
  const lost = await claimFor(slow);
  clock.advance(1_000);
  const held = await claimFor(quick);
  const before = await stateOf(sql, webhook);
  const accountId = newId<'account'>();
  const progressOf = (claimed: ClaimedWebhook, standing: Partial<Standing>): Progress => ({
    webhook: claimed.webhook,
    epoch: claimed.epoch,
    standing: { ...claimed.standing, lastOutcome: 'late', ...standing },
    blockedDueAt: undefined,
    blockedCount: 0,
    fullOffset: undefined,
    acknowledgedCount: 7,
    failedCount: 7,
    gap: undefined,
    disable: false,
    release: true,
    blocks: new Map([[accountId, undefined]]),
    attempts: [],
  });
  const success = progressOf(lost, { offset: 3 });
  const failed = progressOf(lost, { attempts: 9, failingSince: clock.now() });
  const failure = { ...failed, disable: true };
  for (const progress of [success, failure]) {
    assert.deepEqual(await recordProgress(sql, slow, [progress]), [undefined]);
    // The right holder by an older claim of its own is as late.
    const stale = { ...progress, epoch: held.epoch - 1 };
    assert.deepEqual(await recordProgress(sql, quick, [stale]), [undefined]);
  }
  assert.deepEqual(await stateOf(sql, webhook), before);
  const mine = progressOf(held, { offset: 3, lastOutcome: 'mine' });
  const recorded = await recordProgress(sql, quick, [mine]);
  assert.deepEqual(recorded, [webhook.updatedAt]);
  assert.equal((await stateOf(sql, webhook)).lastOutcome, 'mine');
});

test('a delivery that outlives its lease leaves the work of the next holder alone', async (t) => {
  const { sql, clock, receiver, webhook } = await newWorld(t, 1);
  const lines: object[] = [];
  const frozen = startDeliverer(t, sql, { clock, onLog: (fields) => lines.push(fields) });
  const other = startDeliverer(t, sql, { clock });
  const resumed = Promise.withResolvers<{ status: number }>();
  receiver.react = (number) => (number === 1 ? resumed.promise : { status: 200 });
  await frozen.step();
  await eventually('its request has come', () => receiver.received.length === 1);
  clock.advance(60_000);
  assert.equal(await other.step(), 1, 'the lease has run out');
  await other.drain();
  const after = await stateOf(sql, webhook);
  assert.deepEqual([after.offset, after.isLeased], [3, false]);
  resumed.resolve({ status: 500 });
  await frozen.drain();
  assert.deepEqual(await stateOf(sql, webhook), after);
  assert.deepEqual(
    lines.map((line) => 'isOurs' in line && line.isOurs),
    [false],
  );
});

test('a lease is kept for as long as an attempt takes', async (t) => {
  const { sql, clock, receiver, webhook } = await newWorld(t, 1);
  const patient = startDeliverer(t, sql, { clock, timeoutMs: 600_000 });
  const other = startDeliverer(t, sql, { clock });
  const answer = Promise.withResolvers<{ status: number }>();
  receiver.react = (number) => (number === 1 ? answer.promise : { status: 200 });
  await patient.step();
  await eventually('its request has come', () => receiver.received.length === 1);
  for (let renewals = 1; renewals <= 3; renewals += 1) {
    const { leaseExpiresAt } = await stateOf(sql, webhook);
    assert.ok(leaseExpiresAt !== null);
    clock.set(new Date(leaseExpiresAt.getTime() - 1));
    const isRenewed = async () => {
      const now = (await stateOf(sql, webhook)).leaseExpiresAt;
      return now !== null && now > leaseExpiresAt;
    };
    await eventually('the lease is renewed', isRenewed, 30_000);
    clock.advance(1);
    assert.equal(await other.step(), 0, 'nobody else gets the subscription');
  }
  answer.resolve({ status: 200 });
  await patient.drain();
  assert.equal((await stateOf(sql, webhook)).isLeased, false);
  assert.equal(receiver.mostAtOnce(), 1);
});

test('who learns that the lease is lost breaks its attempt off', async (t) => {
  const { sql, clock, receiver, webhook } = await newWorld(t, 1);
  const deliverer = startDeliverer(t, sql, { clock, timeoutMs: 600_000 });
  receiver.react = () => 'never';
  await deliverer.step();
  await eventually('its request has come', () => receiver.received.length === 1);
  await sql`
    update unwind.deliveries d
    set lease_epoch = d.lease_epoch + 1
    where d.webhook_id = ${webhook.webhookId}`;
  const begunAt = performance.now();
  await deliverer.drain();
  assert.ok(performance.now() - begunAt < 300_000, 'long before the timeout of the attempt');
  const { attempts, offset, isLeased } = await stateOf(sql, webhook);
  assert.deepEqual({ attempts, offset, isLeased }, { attempts: 0, offset: 0, isLeased: true });
});

test('a stop gives back what waits, and cuts off a receiver that does not answer', async (t) => {
  const { sql, clock, receiver, webhook } = await newWorld(t, 1);
  receiver.react = (number) => (number === 2 ? 'never' : { status: 200 });
  const deliverer = startDeliverer(t, sql, { clock, timeoutMs: 600_000 });
  await deliverer.step();
  await eventually('the second request has come', () => receiver.received.length >= 2);
  const begunAt = performance.now();
  await deliverer.stop();
  assert.ok(performance.now() - begunAt < 300_000, 'long before the timeout of the attempt');
  const { offset, attempts, isLeased, nextAttemptAt } = await stateOf(sql, webhook);
  assert.deepEqual({ offset, attempts, isLeased }, { offset: 1, attempts: 0, isLeased: false });
  assert.deepEqual(nextAttemptAt, clock.now(), 'the next process goes on at once');
  assert.equal(await deliverer.step(), 0, 'it claims nothing more');
});
