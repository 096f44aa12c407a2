// Deliveries end to end: a logged event, a deliverer on a real database, a real receiver that
// verifies. The clock stands still until a test moves it, so every retry is due exactly when asked.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { singlesAtOnceMax } from '../../src/deliveries/limits.ts';
import { retryGapMs, type Webhook } from '../../src/webhooks/webhook.ts';
import { eventually } from '../support/condition.ts';
import { type Reaction, startReceiver } from './receiver.ts';
import { deliverDue, eventsOf, keysOf, startDeliverer, stateOf } from './subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
} from './world.ts';

const signatures = [
  { signatureVersion: '6', signatureAlgorithm: 'ecdsa-p521' },
  { signatureVersion: '15', signatureAlgorithm: 'ed25519' },
  { signatureVersion: '9421', signatureAlgorithm: 'ed25519' },
] as const;

for (const signature of signatures) {
  test(`point 15: version ${signature.signatureVersion}: the whole log, each event once`, async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, signature);
    await logLiquidations(world, newAccounts(4));
    await deliverAll(t, world, webhook);
    await assertArrived(world);
    assert.equal(world.receiver.received.length, 12, 'one event a request, no repeats');
    const { offset, attempts, lastOutcome, isLeased } = await stateOf(world.sql, webhook);
    const expected = { offset: 12, attempts: 0, lastOutcome: 'answered 204', isLeased: false };
    assert.deepEqual({ offset, attempts, lastOutcome, isLeased }, expected);
  });
}

test('point 15: a receiver that fails every third time still gets everything in order', async (t) => {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(5));
  const troubles: readonly Reaction[] = [{ status: 500 }, 'close', { status: 302 }];
  world.receiver.react = (number) => {
    return number % 3 === 0
      ? (troubles[(number / 3) % troubles.length] ?? 'close')
      : { status: 200 };
  };
  await deliverAll(t, world, webhook);
  await assertArrived(world);
  // Each failure costs one repeat; what was taken behind a doubt at the end of a claim comes again, too.
  const { length } = world.receiver.received;
  assert.ok(length >= 15 + 7 && length <= 15 + 7 + singlesAtOnceMax, `${length} requests`);
});

test('point 15: the mark never passes an event that was not taken, unless its account is held', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver, tenantId } = world;
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(6));
  const log = await logOf(world);
  const keys = await keysOf(sql, tenantId);
  const deliverer = startDeliverer(t, sql, { clock });
  const taken = new Set<string>();
  let left = 0;
  receiver.react = async (number, delivery) => {
    if (left === 0 || number % 5 === 0) return { status: 503 };
    left -= 1;
    const [event] = await eventsOf([delivery], keys);
    taken.add(event?.id ?? '');
    return { status: 200 };
  };
  for (const quota of [0, 1, 3, 0, 5, 2, 100, 100, 100, 100]) {
    left = quota;
    const { nextAttemptAt, blockedDueAt } = await stateOf(sql, webhook);
    const due = [nextAttemptAt, blockedDueAt ?? nextAttemptAt].map((at) => at.getTime());
    clock.set(new Date(Math.max(...due, clock.now().getTime())));
    await deliverDue(deliverer);
    const { offset } = await stateOf(sql, webhook);
    const held = await blockedAfter(sql, webhook);
    for (const { at, id, accountId } of log.filter((event) => event.at <= offset)) {
      const isHeld = (held.get(accountId) ?? Number.POSITIVE_INFINITY) < at;
      assert.ok(taken.has(id) || isHeld, `${at} of ${offset}`);
    }
  }
  receiver.react = () => ({ status: 200 });
  await deliverAll(t, world, webhook);
  await assertArrived(world);
});

/** Up to where blocked accounts are delivered. */
async function blockedAfter(
  sql: Sql,
  { webhookId }: Webhook,
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ account_id: string; after: string }[]>`
    select b.account_id, b.acknowledged_offset as after
    from unwind.blocked_accounts b
    where b.webhook_id = ${webhookId}`;
  return new Map(rows.map((row) => [row.account_id, Number(row.after)]));
}

describe('after a failure', () => {
  test('the next attempt waits longer each time, and its success starts afresh', async (t) => {
    const world = await newWorld(t);
    const { sql, clock, receiver } = world;
    const webhook = await subscribeTo(world);
    await logLiquidations(world, newAccounts(1));
    const deliverer = startDeliverer(t, sql, { clock });
    receiver.react = () => ({ status: 500 });
    for (let failures = 1; failures <= 16; failures += 1) {
      assert.equal(await deliverDue(deliverer), 1, 'one attempt, not more');
      const { attempts, nextAttemptAt, offset } = await stateOf(sql, webhook);
      const gapMs = nextAttemptAt.getTime() - clock.now().getTime();
      assert.deepEqual({ attempts, offset }, { attempts: failures, offset: 0 });
      assert.ok(gapMs >= retryGapMs(failures, 0) && gapMs <= retryGapMs(failures, 1));
      clock.set(new Date(nextAttemptAt.getTime() - 1));
      assert.equal(await deliverDue(deliverer), 0, 'not a millisecond early');
      clock.set(nextAttemptAt);
    }
    receiver.react = () => ({ status: 200 });
    await deliverDue(deliverer);
    const { attempts, offset, head } = await stateOf(sql, webhook);
    assert.deepEqual({ attempts, offset }, { attempts: 0, offset: head });
  });

  const waits = [
    { asked: '120', waitsMs: 120_000 },
    { asked: '999999', waitsMs: 600_000 },
    { asked: '99999999999999999999', waitsMs: 600_000 },
    { asked: '9 ', waitsMs: 9_000 },
    { asked: '-1', waitsMs: 1_000 },
    { asked: '0', waitsMs: 1_000 },
  ];
  for (const { asked, waitsMs } of waits) {
    test(`Retry-After: ${asked} makes it ${waitsMs} ms`, async (t) => {
      const world = await newWorld(t);
      const { sql, clock, receiver } = world;
      const webhook = await subscribeTo(world);
      await logLiquidations(world, newAccounts(1));
      receiver.react = () => ({ status: 429, headers: { 'retry-after': asked } });
      await deliverDue(startDeliverer(t, sql, { clock }));
      const { nextAttemptAt } = await stateOf(sql, webhook);
      const gapMs = nextAttemptAt.getTime() - clock.now().getTime();
      assert.ok(gapMs >= waitsMs && gapMs <= waitsMs * 1.1, `${gapMs} ms`);
    });
  }

  const troubles: readonly (readonly [what: string, Reaction, outcome: RegExp])[] = [
    ['answers 500', { status: 500 }, /^answered 500$/],
    ['redirects', { status: 301, headers: { location: '/' } }, /^answered 301$/],
    ['closes the socket', 'close', /^UND_ERR_SOCKET$/],
    ['never answers', 'never', /^(no response in time|UND_ERR_HEADERS_TIMEOUT)$/],
  ];
  for (const [what, reaction, outcome] of troubles) {
    test(`a receiver that ${what} is shown as such and tried again`, async (t) => {
      const world = await newWorld(t);
      const { sql, clock, receiver } = world;
      const webhook = await subscribeTo(world);
      await logLiquidations(world, newAccounts(1));
      receiver.react = () => reaction;
      // Only who never answers is to be given up.
      const timeoutMs = reaction === 'never' ? 300 : 60_000;
      await deliverDue(startDeliverer(t, sql, { clock, timeoutMs }));
      const { lastOutcome, attempts, enabled, offset } = await stateOf(sql, webhook);
      assert.match(lastOutcome ?? '', outcome);
      assert.deepEqual({ attempts, enabled, offset }, { attempts: 1, enabled: true, offset: 0 });
      receiver.react = () => ({ status: 200 });
      await deliverAll(t, world, webhook);
      await assertArrived(world);
    });
  }

  test('one subscription does not hold up another', async (t) => {
    const world = await newWorld(t);
    const dead = await subscribeTo(world);
    const other = await startReceiver(t, world.clock);
    const alive = await subscribeTo(world, { url: other.url });
    world.receiver.react = () => 'never';
    await logLiquidations(world, newAccounts(3));
    const deliverer = startDeliverer(t, world.sql, { clock: world.clock, timeoutMs: 600_000 });
    await deliverer.step();
    const isAllThere = async () => (await stateOf(world.sql, alive)).offset === 9;
    await eventually('all of the other has arrived', isAllThere);
    assert.equal((await stateOf(world.sql, dead)).offset, 0);
    assert.equal(other.received.length, 9);
    await deliverer.stop();
  });
});
