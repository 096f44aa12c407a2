// Events delivered together: `delay` and `max_package_size`, end to end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deliverDue, startDeliverer, stateOf } from './subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
} from './world.ts';

describe('packages', () => {
  const sizeOf = (delivery: { body: Uint8Array }) => delivery.body.length;
  const countOf = (delivery: { body: Uint8Array }): number => {
    const content = JSON.parse(Buffer.from(delivery.body).toString());
    assert.deepEqual(Object.keys(content), ['payload']);
    return content.payload.length;
  };

  test('carry the log ascending and keep within their size', async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, { maxPackageSize: 2_000 });
    await logLiquidations(world, newAccounts(8));
    await deliverAll(t, world, webhook);
    const { received } = world.receiver;
    await assertArrived(world);
    assert.ok(received.length > 1 && received.length < 24, `${received.length} requests`);
    assert.ok(received.every((delivery) => sizeOf(delivery) <= 2_000));
    assert.equal(
      received.reduce((sum, delivery) => sum + countOf(delivery), 0),
      24,
    );
  });

  test('hold a larger event alone', async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, { maxPackageSize: 1_000 });
    await logLiquidations(world, newAccounts(1), 'x'.repeat(3_000));
    await deliverAll(t, world, webhook);
    assert.deepEqual(world.receiver.received.map(countOf), [1, 1, 1]);
    assert.ok(world.receiver.received.every((delivery) => sizeOf(delivery) > 3_000));
  });

  test('wait for the delay, then carry what came meanwhile', async (t) => {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world, { delayS: 30 });
    const deliverer = startDeliverer(t, sql, { clock });
    await logLiquidations(world, newAccounts(2));
    await deliverDue(deliverer);
    clock.advance(29_999);
    await logLiquidations(world, newAccounts(1));
    await deliverDue(deliverer);
    assert.equal(receiver.received.length, 0);
    clock.advance(1);
    await deliverDue(deliverer);
    assert.deepEqual(receiver.received.map(countOf), [9]);
    assert.equal((await stateOf(sql, webhook)).offset, 9);
  });

  test('that are full do not wait for the delay, the rest does', async (t) => {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world, { delayS: 30, maxPackageSize: 2_000 });
    const deliverer = startDeliverer(t, sql, { clock });
    await logLiquidations(world, newAccounts(8));
    await deliverDue(deliverer);
    const full = receiver.received.map(countOf);
    const sent = full.reduce((sum, count) => sum + count, 0);
    assert.ok(full.length > 1 && sent < 24, `${full.length} full packages at once`);
    assert.ok(receiver.received.every((one) => sizeOf(one) <= 2_000 && sizeOf(one) > 1_500));
    assert.equal((await stateOf(sql, webhook)).offset, sent);
    clock.advance(29_999);
    await deliverDue(deliverer);
    assert.equal(receiver.received.length, full.length);
    clock.advance(1);
    await deliverDue(deliverer);
    assert.deepEqual(receiver.received.slice(full.length).map(countOf), [24 - sent]);
    await assertArrived(world);
  });

  test('are sent again as a whole after a failure', async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, { maxPackageSize: 2_000 });
    await logLiquidations(world, newAccounts(4));
    world.receiver.react = (number) => ({ status: number % 2 === 1 ? 500 : 200 });
    await deliverAll(t, world, webhook);
    const bodies = world.receiver.received.map(({ body }) => Buffer.from(body).toString());
    assert.deepEqual(
      bodies.filter((_, i) => i % 2 === 0),
      bodies.filter((_, i) => i % 2 === 1),
    );
    await assertArrived(world);
  });

  test('go on beyond what is read from the log at once', async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, { maxPackageSize: 30_000, delayS: 30 });
    await logLiquidations(world, newAccounts(150));
    await deliverAll(t, world, webhook);
    assert.equal((await logOf(world)).length, 450);
    await assertArrived(world);
    assert.ok(world.receiver.received.every((delivery) => sizeOf(delivery) <= 30_000));
  });
});
