// Which events a subscription gets: disabled and enabled again, changed in flight, new, of some kinds
// only, and never another tenant's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import type { TestClock } from '../support/clock.ts';
import { startReceiver } from './receiver.ts';
import {
  changeSettings,
  deliverDue,
  makeTenantWithKeys,
  startDeliverer,
  stateOf,
} from './subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
} from './world.ts';

describe('410 Gone', () => {
  test('disables the subscription; enabled again it gets what it missed', async (t) => {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world);
    await logLiquidations(world, newAccounts(2));
    const deliverer = startDeliverer(t, sql, { clock });
    receiver.react = (number) => ({ status: number === 3 ? 410 : 200 });
    await deliverDue(deliverer);
    const gone = await stateOf(sql, webhook);
    assert.equal(gone.enabled, false);
    const sent = receiver.received.length;
    assert.ok(sent >= 3 && sent < 6, `${sent} requests`);
    clock.advance(86_400_000);
    assert.equal(await deliverDue(deliverer), 0, 'nothing more is sent');
    assert.equal(receiver.received.length, sent);
    await change(sql, clock, { ...webhook, enabled: true });
    await deliverAll(t, world, webhook);
    await assertArrived(world);
  });

  test('of an address that was changed meanwhile does not disable the new one', async (t) => {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world);
    await logLiquidations(world, newAccounts(1));
    const other = await startReceiver(t, world.clock);
    receiver.react = async () => {
      clock.advance(1);
      await change(sql, clock, { ...webhook, url: other.url });
      return { status: 410 };
    };
    const deliverer = startDeliverer(t, sql, { clock });
    await deliverDue(deliverer);
    const { enabled, offset, head } = await stateOf(sql, webhook);
    assert.deepEqual([enabled, offset], [true, head]);
    assert.deepEqual([receiver.received.length, other.received.length], [1, 3]);
  });
});

async function change(sql: Sql, clock: TestClock, webhook: Webhook): Promise<void> {
  await changeSettings(sql, { ...webhook, updatedAt: clock.now() });
}

test('point 15: a disabled subscription keeps its events until it is enabled', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world, { enabled: false });
  await logLiquidations(world, newAccounts(2));
  const deliverer = startDeliverer(t, sql, { clock });
  assert.equal(await deliverDue(deliverer), 0);
  assert.deepEqual([receiver.received.length, (await stateOf(sql, webhook)).offset], [0, 0]);
  await change(sql, clock, { ...webhook, enabled: true });
  await deliverAll(t, world, webhook);
  await assertArrived(world);
});

test('a new subscription gets what is published from then on', async (t) => {
  const world = await newWorld(t);
  await logLiquidations(world, newAccounts(2));
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(1));
  await deliverAll(t, world, webhook);
  await assertArrived(world, (await logOf(world)).slice(6));
});

test('events of kinds it does not take move the mark without a request', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const other = await subscribeTo(world, { types: ['ORDER', 'EXECUTION'] });
  const named = await startReceiver(t, world.clock);
  const taking = await subscribeTo(world, { types: ['ACCOUNT_LIQUIDATION'], url: named.url });
  await logLiquidations(world, newAccounts(2));
  const deliverer = startDeliverer(t, sql, { clock });
  await deliverDue(deliverer);
  assert.deepEqual([receiver.received.length, named.received.length], [0, 6]);
  assert.equal((await stateOf(sql, other)).offset, 6);
  assert.equal((await stateOf(sql, taking)).offset, 6);
  assert.equal(await deliverDue(deliverer), 0, 'and none of them is claimed again');
});

test('kinds that are left out of all are neither sent nor caught up with', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const none = await subscribeTo(world, { excludedTypes: ['ORDER', 'ACCOUNT_LIQUIDATION'] });
  const named = await startReceiver(t, clock);
  const others = { excludedTypes: ['ORDER', 'ACCOUNT'], url: named.url } as const;
  const most = await subscribeTo(world, others);
  const [bad, good] = newAccounts(2);
  assert.ok(bad && good);
  await logLiquidations(world, [good, bad]);
  // What was refused while others were taken is read again by itself, for its account.
  named.react = (number, { body }) => {
    return { status: number < 12 && Buffer.from(body).includes(bad) ? 500 : 200 };
  };
  await deliverAll(t, world, most);
  assert.equal(receiver.received.length, 0);
  assert.equal((await stateOf(sql, none)).offset, 6);
  await assertArrived(world, undefined, named);
});

test('another tenant’s events are never delivered', async (t) => {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world);
  const stranger = await makeTenantWithKeys(world.sql, world.clock);
  await logLiquidations({ ...world, tenantId: stranger }, newAccounts(3));
  await logLiquidations(world, newAccounts(1));
  await deliverAll(t, world, webhook);
  await assertArrived(world);
  assert.equal(world.receiver.received.length, 3);
});
