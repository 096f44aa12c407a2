// Receivers that fail in one place or at some times: what is held, set aside and replayed, and that
// nobody else waits for it. End to end: real log, real requests, real signatures.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { listAttempts, readDeliveryState } from '../../src/deliveries/history-store.ts';
import { resumeSetAside, setOffsetBack } from '../../src/deliveries/replay-store.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { eventually } from '../support/condition.ts';
import { times } from '../support/length.ts';
import { startReceiver } from './receiver.ts';
import { deliverDue, startDeliverer, stateOf } from './subscriptions.ts';
import {
  arrivals,
  assertArrived,
  deliverAll,
  logLater,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
  type World,
} from './world.ts';

/** Signatures that take little time, where hundreds are made and none of them matters. */
const quick = { signatureVersion: '15', signatureAlgorithm: 'ed25519' } as const;

/** The receiver refuses whatever carries events of an account. */
function refuse(world: World, accountId: string): void {
  world.receiver.react = (_number, { body }) => {
    return { status: Buffer.from(body).toString().includes(accountId) ? 500 : 200 };
  };
}

/** Delivers while others have events, until the account is set aside. */
async function untilSetAside(t: TestContext, world: World, webhook: Webhook): Promise<void> {
  const { sql, clock } = world;
  const deliverer = startDeliverer(t, sql, { clock, setAsideAfterMs: 60_000 });
  for (let turn = 0; turn < 40; turn += 1) {
    await logLiquidations(world, newAccounts(1));
    await deliverDue(deliverer);
    const state = await readDeliveryState(sql, webhook, 10);
    if (state?.setAside === 1) return;
    clock.advance(10_000);
  }
  assert.fail('the account was never set aside');
}

for (const packaging of [{}, { maxPackageSize: 4_000 }]) {
  describe(`with ${JSON.stringify(packaging)}`, () => {
    test('an account that is refused while others are taken is set aside, and shown', async (t) => {
      const world = await newWorld(t);
      const { sql, receiver } = world;
      const webhook = await subscribeTo(world, packaging);
      const [bad] = newAccounts(1);
      assert.ok(bad);
      await logLiquidations(world, newAccounts(2));
      await logLiquidations(world, [bad]);
      refuse(world, bad);
      await untilSetAside(t, world, webhook);
      const log = await logOf(world);
      const { offset, head, attempts } = await stateOf(sql, webhook);
      assert.deepEqual([offset, attempts], [head, 0], 'the rest goes on');
      const state = await readDeliveryState(sql, webhook, 10);
      const [held] = state?.blocked ?? [];
      assert.deepEqual(
        [held?.accountId, held?.status, held?.lastOutcome],
        [bad, 'set_aside', 'answered 500'],
      );
      const requests = receiver.received.length;
      world.clock.advance(86_400_000);
      assert.equal(await deliverDue(startDeliverer(t, sql, { clock: world.clock })), 0);
      assert.equal(receiver.received.length, requests, 'nothing more is sent of it');

      receiver.react = () => ({ status: 200 });
      const wish = { accountId: undefined, now: world.clock.now() };
      const { resumed } = await inTransaction(sql, (tx) => resumeSetAside(tx, webhook, wish));
      assert.equal(resumed, 1);
      await deliverAll(t, world, webhook);
      await assertArrived(world, log);
      assert.equal((await stateOf(sql, webhook)).blocked, 0, 'and it is in step again');
    });
  });
}

test('what happens later in an account set aside waits with it', async (t) => {
  const world = await newWorld(t);
  const { sql, receiver } = world;
  const webhook = await subscribeTo(world);
  const [bad] = newAccounts(1);
  assert.ok(bad);
  await logLiquidations(world, newAccounts(1));
  await logLiquidations(world, [bad]);
  refuse(world, bad);
  await untilSetAside(t, world, webhook);
  const before = new Set((await logOf(world)).map(({ id }) => id));
  await logLater(world, bad);
  await deliverDue(startDeliverer(t, sql, { clock: world.clock }));
  const later = (await logOf(world)).filter(({ id }) => !before.has(id));
  assert.equal(later.length, 3);
  const arrived = new Set(await arrivals(world));
  assert.ok(later.every(({ id }) => !arrived.has(id)));
  receiver.react = () => ({ status: 200 });
  const wish = { accountId: undefined, now: world.clock.now() };
  await inTransaction(sql, (tx) => resumeSetAside(tx, webhook, wish));
  await deliverAll(t, world, webhook);
  await assertArrived(world);
});

test('accounts do not wait for one whose request is not answered', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world, quick);
  const [slow, first, ...others] = newAccounts(40);
  assert.ok(slow && first);
  const release = Promise.withResolvers<{ status: number }>();
  receiver.react = (_number, { body }) => {
    const isSlow = Buffer.from(body).toString().includes(slow);
    return isSlow ? release.promise : { status: 200 };
  };
  // What is logged at once is in the order of its ids; and nothing else is sent before a first one is taken.
  await logLiquidations(world, [first]);
  await logLiquidations(world, [slow, ...others]);
  const deliverer = startDeliverer(t, sql, { clock, timeoutMs: 60_000 });
  const log = await logOf(world);
  const haveTheirs = async () => {
    // Once is enough, unless the machine is so busy that the lease could not be renewed.
    await deliverer.step();
    return receiver.received.length >= log.length - 2;
  };
  await eventually('all others have theirs', haveTheirs, 60_000);
  const { offset } = await stateOf(sql, webhook);
  assert.ok(offset < log.length, 'the mark waits');
  release.resolve({ status: 200 });
  await deliverer.drain();
  await deliverAll(t, world, webhook);
  await assertArrived(world);
  assert.equal(receiver.mostOfOneAtOnce(), 1);
  assert.ok(receiver.mostAtOnce() > 1, 'several at once');
});

test('a receiver that takes nothing costs its own row, whatever it answers', async (t) => {
  for (const reaction of [{ status: 500 }, 'close', 'never'] as const) {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world, quick);
    await logLiquidations(world, newAccounts(20));
    receiver.react = () => reaction;
    const timeoutMs = reaction === 'never' ? 100 : 60_000;
    const deliverer = startDeliverer(t, sql, { clock, timeoutMs });
    for (let round = 0; round < 8; round += 1) {
      await deliverDue(deliverer);
      const { blocked, offset, attempts, nextAttemptAt } = await stateOf(sql, webhook);
      assert.deepEqual(
        { blocked, offset, attempts },
        { blocked: 0, offset: 0, attempts: round + 1 },
      );
      assert.ok(nextAttemptAt > clock.now());
      clock.set(nextAttemptAt);
    }
    assert.ok(receiver.received.length <= 4 + 7 * 2, `${receiver.received.length} requests`);
    receiver.react = () => ({ status: 200 });
    await deliverAll(t, world, webhook);
    await assertArrived(world);
  }
});

test('when a process dies after some were acknowledged, nothing is lost and the order stays', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world, quick);
  await logLiquidations(world, newAccounts(12));
  for (let death = 1; death <= 5; death += 1) {
    const stuck = Promise.withResolvers<{ status: number }>();
    const begun = receiver.received.length;
    receiver.react = (number) => (number > begun + 4 ? stuck.promise : { status: 200 });
    const dying = startDeliverer(t, sql, { clock, timeoutMs: 60_000 });
    await dying.step();
    await eventually('some are taken', () => receiver.received.length > begun + 4);
    // Nothing of it is recorded from now on: another has the lease.
    clock.advance(10_000);
    await sql`
      update unwind.deliveries d
      set lease_epoch = d.lease_epoch + 1, lease_holder = null, lease_expires_at = null
      where d.webhook_id = ${webhook.webhookId}`;
    stuck.resolve({ status: 200 });
    await dying.drain();
  }
  receiver.react = () => ({ status: 200 });
  await deliverAll(t, world, webhook);
  await assertArrived(world);
});

test('replay moves the mark back, and events come again with the same id and bytes', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(4));
  await deliverAll(t, world, webhook);
  const first = receiver.received.map(({ body }) => Buffer.from(body).toString()).toSorted();
  const to = { offset: 0, now: clock.now() };
  await inTransaction(sql, (tx) => setOffsetBack(tx, webhook, to));
  await deliverAll(t, world, webhook);
  const all = receiver.received.map(({ body }) => Buffer.from(body).toString());
  assert.deepEqual(all.slice(12).toSorted(), first);
  await inTransaction(sql, (tx) => setOffsetBack(tx, webhook, { ...to, offset: 1_000 }));
  assert.equal((await stateOf(sql, webhook)).offset, 12, 'it never goes forward');
});

test('a replay while events are delivered loses nothing', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(6));
  const deliverer = startDeliverer(t, sql, { clock });
  receiver.react = async (number) => {
    if (number === 5) {
      const to = { offset: 0, now: clock.now() };
      await inTransaction(sql, (tx) => setOffsetBack(tx, webhook, to));
    }
    return { status: 200 };
  };
  await deliverDue(deliverer);
  await deliverAll(t, world, webhook);
  assert.ok(receiver.received.length > 18, 'what was delivered before came again');
  await assertArrived(world);
});

test('the delivery log keeps what was said, and never more than its places', async (t) => {
  const world = await newWorld(t);
  const { sql, receiver } = world;
  const webhook = await subscribeTo(world, quick);
  await logLiquidations(world, newAccounts(100));
  receiver.react = (number) => ({ status: number % 3 === 0 ? 503 : 201 });
  await deliverAll(t, world, webhook);
  const [counts] = await sql<{ taken: string; failed: string; kept: string }[]>`
    select
      d.acknowledged_count as taken, d.failed_count as failed,
      (
        select count(*)
        from unwind.delivery_attempts a
        where a.webhook_id = d.webhook_id
      ) as kept
    from unwind.deliveries d
    where d.webhook_id = ${webhook.webhookId}`;
  assert.equal(Number(counts?.taken), 300);
  assert.equal(Number(counts?.taken) + Number(counts?.failed), receiver.received.length);
  assert.equal(Number(counts?.kept), 200 + Number(counts?.failed), 'two hundred were written over');
  const all = await listAttempts(sql, webhook, { limit: 500, result: undefined });
  const failed = await listAttempts(sql, webhook, { limit: 500, result: 'failed' });
  assert.equal(failed.length, Number(counts?.failed));
  assert.ok(failed.every(({ status, outcome }) => status === 503 && outcome === 'answered 503'));
  const times = all.map(({ at }) => at.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
  );
});

test('many subscriptions of which one never answers and one always fails', async (t) => {
  const world = await newWorld(t);
  const { sql, clock } = world;
  const [silent, failing] = [await startReceiver(t, clock), await startReceiver(t, clock)];
  silent.react = () => 'never';
  failing.react = () => ({ status: 500 });
  const good = await startReceiver(t, clock);
  const url = (receiver: { port: number }, i: number) => `http://127.0.0.1:${receiver.port}/${i}`;
  const webhooks: Webhook[] = [];
  const count = times({ short: 38, long: 98 });
  for (let i = 0; i < count; i += 1) {
    webhooks.push(await subscribeTo(world, { url: url(good, i), ...quick }));
  }
  await subscribeTo(world, { url: url(silent, count) });
  await subscribeTo(world, { url: url(failing, count + 1) });
  await logLiquidations(world, newAccounts(5));
  const deliverer = startDeliverer(t, sql, { clock, timeoutMs: 60_000 });
  await deliverer.step();
  await eventually('all the others have theirs', () => good.received.length >= count * 15, 300_000);
  assert.equal(good.received.length, count * 15);
  for (const webhook of webhooks.slice(0, 3)) {
    // What was taken is recorded a moment later.
    await eventually('its mark has gone on', async () => {
      return (await stateOf(sql, webhook)).offset === 15;
    });
  }
  await deliverer.stop();
});
