// Receivers that take nothing for days: who is told, what a sandbox removes and live mode keeps, and
// what gives a subscription a new chance.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { listAttempts, readDeliveryState } from '../../src/deliveries/history-store.ts';
import { removeFailingWebhooks } from '../../src/deliveries/manage-webhooks.ts';
import { receiverAgent } from '../../src/egress/post.ts';
import { stepsOfProcess } from '../../src/engine.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { findWebhook } from '../../src/webhooks/store.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { usualEndLimits } from '../support/engine.ts';
import { startReceiver } from './receiver.ts';
import { changeSettings, deliverDue, startDeliverer, stateOf, testSeal } from './subscriptions.ts';
import {
  arrivals,
  assertArrived,
  deliverAll,
  logLiquidations,
  newAccounts,
  newWorld,
  subscribeTo,
  type World,
} from './world.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Line {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A world whose receiver answers 500, with a subscription that has begun to fail. */
async function newFailing(t: TestContext) {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  receiver.react = () => ({ status: 500 });
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(2));
  const lines: Line[] = [];
  const onLog = (fields: object, message: string) => lines.push({ ...fields, message });
  const deliverer = startDeliverer(t, sql, { clock, onLog });
  const failingSince = clock.now();
  await deliverDue(deliverer);
  return { world, webhook, deliverer, lines, failingSince };
}

test('a receiver that acknowledges nothing is reported once a day, where people look', async (t) => {
  const { world, webhook, deliverer, lines, failingSince } = await newFailing(t);
  const { sql, clock } = world;
  const warnings = () => lines.filter(({ message }) => message === 'webhook.failing_for_days');
  for (let hours = 5; hours <= 75; hours += 5) {
    clock.set(later(failingSince, hours * hourMs));
    await deliverDue(deliverer);
    assert.equal(warnings().length, Math.floor(hours / 24), `after ${hours} hours`);
  }
  const [first] = warnings();
  assert.deepEqual([first?.['webhook'], first?.['days']], [webhook.webhookId, 1]);
  const attempts = await listAttempts(sql, webhook, { limit: 500, result: 'failed' });
  const told = attempts.filter(({ kind }) => kind === 'warning');
  assert.deepEqual(
    told.map(({ outcome, events }) => [outcome, events]),
    ['3 days', '2 days', 'a day'].map((time) => [`nothing was acknowledged for ${time}`, 0]),
  );
  const state = await readDeliveryState(sql, webhook, 1);
  assert.deepEqual(state?.failingSince, failingSince);
  assert.equal(state?.lastOutcome, 'answered 500', 'what a receiver said is still what it said');
  world.receiver.react = () => ({ status: 200 });
  await deliverAll(t, world, webhook);
  await assertArrived(world);
  assert.equal((await readDeliveryState(sql, webhook, 1))?.failingSince, undefined);
});

describe('a subscription that has taken nothing for thirty days', () => {
  test('is removed in a sandbox, which says so, and no other is', async (t) => {
    const { world, webhook, lines, failingSince } = await newFailing(t);
    const { sql, clock } = world;
    const disabled = await subscribeTo(world);
    const good = await startReceiver(t, clock);
    const taking = await subscribeTo(world, { url: good.url });
    await sql`
      update unwind.webhooks w
      set enabled = false
      where w.webhook_id = ${disabled.webhookId}`;
    await sql`
      update unwind.deliveries d
      set attempts = 9, failing_since = ${failingSince}
      where d.webhook_id = ${disabled.webhookId}`;
    const log = { warn: (fields: object, message: string) => lines.push({ ...fields, message }) };
    const removed = (at: Date) => removeFailingWebhooks(sql, at, log);
    assert.equal(await removed(later(failingSince, 30 * dayMs)), 0, 'not a millisecond early');
    assert.equal(await removed(later(failingSince, 30 * dayMs + 1)), 1);
    assert.equal(await findWebhook(sql, webhook), undefined);
    assert.ok(await findWebhook(sql, disabled));
    assert.ok(await findWebhook(sql, taking));
    const { tenantId, webhookId, url } = webhook;
    assert.deepEqual(lines.at(-1), {
      tenant: tenantId,
      webhook: webhookId,
      url,
      failingSince,
      lastOutcome: 'answered 500',
      message: 'webhook.removed',
    });
  });

  for (const [mode, isKept] of [
    ['sandbox', false],
    ['live', true],
  ] as const) {
    test(`is ${isKept ? 'kept' : 'removed'} by the cleaning of a ${mode} service`, async (t) => {
      const { world, webhook } = await newFailing(t);
      const { sql, clock } = world;
      clock.advance(31 * dayMs);
      const agent = receiverAgent({ policy: { allowLoopback: true }, timeoutMs: 1_000 });
      t.after(() => agent.close());
      const quiet = () => {};
      const { steps } = stepsOfProcess({
        sql,
        clock,
        venues: [simulatedVenue(sql, clock, 0)],
        seal: testSeal,
        agent,
        webhookTimeoutMs: 1_000,
        removesFailingWebhooks: mode === 'sandbox',
        endLimits: usualEndLimits,
        starts: { releaseDelayMs: 0 },
        log: { info: quiet, warn: quiet, error: quiet },
      });
      await steps.clean();
      assert.equal((await findWebhook(sql, webhook)) !== undefined, isKept);
    });
  }
});

/** Changes settings as a request does. */
async function change({ sql, clock }: World, webhook: Webhook, to: Partial<Webhook>) {
  const found = await findWebhook(sql, webhook);
  assert.ok(found !== undefined);
  await changeSettings(sql, { ...found, ...to, updatedAt: clock.now() });
}

describe('a new chance', () => {
  test('has who is enabled again after a long time, or gets another url; not who is renamed', async (t) => {
    const { world, webhook, failingSince } = await newFailing(t);
    const { sql, clock } = world;
    const since = async () => (await readDeliveryState(sql, webhook, 1))?.failingSince;
    clock.advance(dayMs);
    await change(world, webhook, { title: 'renamed', enabled: true });
    assert.deepEqual(await since(), failingSince);
    await change(world, webhook, { enabled: false });
    assert.deepEqual(await since(), failingSince);
    clock.advance(40 * dayMs);
    await change(world, webhook, { enabled: true });
    assert.equal(await since(), undefined);
    assert.equal(await removeFailingWebhooks(sql, clock.now(), { warn: () => {} }), 0);
    await deliverDue(startDeliverer(t, sql, { clock }));
    assert.deepEqual(await since(), clock.now(), 'it is counted from then on');
    await change(world, webhook, { url: 'https://hooks.example.test/' });
    assert.equal(await since(), undefined);
  });

  test('is not taken away by a failure of the old settings', async (t) => {
    const { world, webhook, deliverer } = await newFailing(t);
    const { sql, clock, receiver } = world;
    clock.advance(dayMs);
    receiver.react = async () => {
      clock.advance(1);
      const url = 'https://hooks.example.test/';
      await change(world, webhook, { url });
      return { status: 500 };
    };
    await deliverer.step();
    await deliverer.drain();
    const { attempts, nextAttemptAt } = await stateOf(sql, webhook);
    assert.deepEqual([attempts, nextAttemptAt], [0, clock.now()]);
    assert.equal((await readDeliveryState(sql, webhook, 1))?.failingSince, undefined);
  });
});

test('one event refused for ever, with nothing beside it, counts as a receiver that is down, until others come', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  const [bad, other] = newAccounts(2);
  assert.ok(bad && other);
  receiver.react = (_number, { body }) => {
    clock.advance(1); // what was taken after the last refusal is told by the time
    return { status: Buffer.from(body).includes(bad) ? 400 : 200 };
  };
  await logLiquidations(world, [bad]);
  const deliverer = startDeliverer(t, sql, { clock, setAsideAfterMs: 60_000 });
  for (let round = 1; round <= 20; round += 1) {
    await deliverDue(deliverer);
    const { attempts, offset, blocked, nextAttemptAt } = await stateOf(sql, webhook);
    assert.deepEqual({ attempts, offset, blocked }, { attempts: round, offset: 0, blocked: 0 });
    clock.set(nextAttemptAt);
  }
  await logLiquidations(world, [other]);
  await deliverDue(deliverer);
  assert.equal((await arrivals(world)).length, 1 + 3, 'all of the other account');
  const between = await readDeliveryState(sql, webhook, 1);
  assert.deepEqual([between?.attempts, between?.behind, between?.retrying], [0, 0, 1]);
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(11 * 60_000);
    await logLiquidations(world, newAccounts(1));
    await deliverDue(deliverer);
  }
  const state = await readDeliveryState(sql, webhook, 1);
  assert.deepEqual([state?.setAside, state?.behind], [1, 0], 'and the bad one is set aside');
});
