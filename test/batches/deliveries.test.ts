// Events of batches go to subscriptions that name them, and to no other, also where a receiver refuses some.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ofTypes, type WebhookType } from '../../src/webhooks/webhook.ts';
import { publishAll } from '../deliveries/subscriptions.ts';
import { deliverAll, newWorld, subscribeTo, type World } from '../deliveries/world.ts';
import { makeBook } from '../support/book.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { isin, makeBatch } from './world.ts';

/** Two accounts sold by a batch. */
async function sellTwo({ sql, clock, tenantId }: World): Promise<void> {
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '10' }],
    accounts: Array.from({ length: 2 }, () => ({ positions: [{ isin, quantity: '1' }] })),
  });
  await makeBatch(sql, clock, { tenantId, accounts });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (let i = 0; i < 2; i += 1) {
    await runUntilIdle(steps);
    clock.advance(1_000);
  }
  await publishAll(sql);
}

/** What a subscription to these kinds has taken, by kind, in the order in which it came first. */
async function takenBy(t: TestContext, types: readonly WebhookType[]): Promise<readonly string[]> {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world, { types });
  await sellTwo(world);
  world.receiver.react = (number) => ({ status: number % 3 === 1 ? 500 : 200 });
  await deliverAll(t, world, webhook);
  const bodies = world.receiver.taken.map(({ body }) => JSON.parse(Buffer.from(body).toString()));
  const seen = new Map(bodies.map(({ id, type }: { id: string; type: string }) => [id, type]));
  return [...seen.values()];
}

const ofBatch = ['BATCH.CREATED', 'BATCH.STARTED', 'BATCH.COMPLETED'];
const isOfBatch = (type: string) => type.startsWith('BATCH.');

test('a subscription to all kinds gets the published ones', async (t) => {
  const taken = await takenBy(t, ['ALL']);
  assert.equal(taken.length, 6);
  assert.ok(!taken.some(isOfBatch));
});

test('a subscription to batches gets their events alone, in order', async (t) => {
  assert.deepEqual(await takenBy(t, ['BATCH']), ofBatch);
});

test('a subscription to both gets both', async (t) => {
  const taken = await takenBy(t, ['ALL', 'BATCH']);
  assert.equal(taken.length, 9);
  assert.deepEqual(taken.filter(isOfBatch), ofBatch);
});

test('of a page without events of batches nothing is left out, and no other list is made', () => {
  const all = { types: ['ALL'] as const, excludedTypes: [] };
  assert.equal(ofTypes(all, []).length, 0);
  const none = [] as const;
  assert.equal(ofTypes(all, none), none);
});
