// Tenants beside each other in one process: what one of them does to its own receivers is no affair
// of the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/ids.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { startReceiver } from './receiver.ts';
import {
  eventsOfLiquidation,
  makeTenantWithKeys,
  publishAll,
  startDeliverer,
  subscribe,
  writeEvents,
} from './subscriptions.ts';

test('200 subscriptions whose receiver never answers hold up no other', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const [greedy, other] = [
    await makeTenantWithKeys(sql, clock),
    await makeTenantWithKeys(sql, clock),
  ];
  const hanging = await startReceiver(t, clock);
  const well = await startReceiver(t, clock);
  hanging.react = () => 'never';
  const ed25519 = { signatureVersion: '15', signatureAlgorithm: 'ed25519' } as const;
  for (let i = 0; i < 200; i += 1) {
    await subscribe(sql, clock, { tenantId: greedy, url: hanging.url, ...ed25519 });
  }
  await subscribe(sql, clock, { tenantId: other, url: well.url, ...ed25519 });
  for (const tenantId of [greedy, other]) {
    const events = eventsOfLiquidation(newId<'account'>());
    await writeEvents(sql, { tenantId, events, at: clock.now() });
  }
  // What the greedy tenant has is due for longer.
  await sql`
    update unwind.deliveries d
    set next_attempt_at = d.next_attempt_at - interval '1 minute'
    where d.tenant_id = ${greedy}`;
  await publishAll(sql);
  const deliverer = startDeliverer(t, sql, { clock, timeoutMs: 60_000 });
  while ((await deliverer.step()) > 0) {}
  await eventually('everything of the other tenant has come', () => well.received.length === 3);
  await eventually('the greedy one has its share', () => hanging.mostAtOnce() > 120);
  assert.ok(hanging.mostAtOnce() <= 128, 'and no more');
});
