// A database that goes away in the middle of deliveries: the process that held a subscription gives it
// up as soon as the database is back, so that nobody waits for the lease to run out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { atPort, startProxy } from '../support/proxy.ts';
import { startReceiver } from './receiver.ts';
import {
  deliverDue,
  makeTenantWithKeys,
  startDeliverer,
  stateOf,
  subscribe,
} from './subscriptions.ts';
import { assertArrived, logLiquidations, newAccounts } from './world.ts';

test('once the database is back, deliveries go on without waiting for a lease', async (t) => {
  const { sql, url } = await createTestDatabase(t);
  const clock = testClock(); // stands still, so that no lease ever runs out
  const tenantId = await makeTenantWithKeys(sql, clock);
  const receiver = await startReceiver(t, clock);
  const world = { sql, clock, tenantId, receiver };
  const webhook = await subscribe(sql, clock, { tenantId, url: receiver.url });
  await logLiquidations(world, newAccounts(3));
  const proxy = await startProxy(t, Number(new URL(url).port));
  const behind = connect({
    url: atPort(url, proxy.port),
    max: 4,
    applicationName: 'unwind test',
    connectTimeoutMs: 60_000,
  });
  const messages: string[] = [];
  const onLog = (_fields: object, message: string) => messages.push(message);
  const deliverer = startDeliverer(t, behind, { clock, onLog });
  t.after(() => behind.end());
  receiver.react = () => {
    if (receiver.received.length === 1) proxy.goAway();
    return { status: 204 };
  };
  await deliverer.step();
  await deliverer.drain();
  assert.ok(messages.includes('webhook.delivery_failed'), messages.join());
  const held = await stateOf(sql, webhook);
  assert.ok(held.offset < held.head, 'how far it came could not be recorded');
  proxy.comeBack();
  await deliverDue(deliverer);
  const { offset, head } = await stateOf(sql, webhook);
  assert.equal(offset, head);
  await assertArrived(world);
});
