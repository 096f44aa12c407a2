// Deliveries end to end: a logged event, a deliverer on a real database, a real receiver that
// verifies. The clock stands still until a test moves it, so every retry is due exactly when asked.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { type AccountId, newId, type TenantId } from '../../src/ids.ts';
import { updateWebhook } from '../../src/webhooks/store.ts';
import { retryGapMs, type Webhook, type WebhookSettings } from '../../src/webhooks/webhook.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Reaction, startReceiver, type TestReceiver } from './receiver.ts';
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

interface World {
  readonly sql: Sql;
  readonly clock: TestClock;
  readonly tenantId: TenantId;
  readonly receiver: TestReceiver;
}

async function newWorld(t: TestContext): Promise<World> {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  return { sql, clock, tenantId, receiver: await startReceiver(t, clock) };
}

function subscribeTo(world: World, settings: Partial<WebhookSettings> = {}): Promise<Webhook> {
  const { sql, clock, tenantId, receiver } = world;
  return subscribe(sql, clock, { tenantId, url: receiver.url, ...settings });
}

/** Writes and publishes the three events of one liquidation for each account. */
async function logLiquidations(
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

function newAccounts(count: number): readonly AccountId[] {
  return Array.from({ length: count }, () => newId<'account'>());
}

/** The log of the tenant as it must arrive. */
async function logOf({ sql, tenantId }: World): Promise<readonly { id: string; at: number }[]> {
  const rows = await sql<{ event_id: string; position: string }[]>`
    select e.event_id, e.position
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.position is not null
    order by e.position`;
  return rows.map((row) => ({ id: row.event_id, at: Number(row.position) }));
}

/** Ids in the order of their first arrival. */
async function arrivals(world: World): Promise<readonly string[]> {
  const { sql, tenantId, receiver } = world;
  const events = await eventsOf(receiver.received, await keysOf(sql, tenantId));
  return [...new Set(events.map((event) => event.id))];
}

/** Advances the clock by the longest gap and delivers, until the subscription is at the head. */
async function deliverAll(t: TestContext, world: World, webhook: Webhook): Promise<void> {
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

const signatures = [
  { signatureVersion: '6', signatureAlgorithm: 'ecdsa-p521' },
  { signatureVersion: '15', signatureAlgorithm: 'ed25519' },
  { signatureVersion: '9421', signatureAlgorithm: 'ed25519' },
] as const;

for (const signature of signatures) {
  test(`version ${signature.signatureVersion}: the whole log, each event once`, async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, signature);
    await logLiquidations(world, newAccounts(4));
    await deliverAll(t, world, webhook);
    const log = await logOf(world);
    assert.deepEqual(
      await arrivals(world),
      log.map((event) => event.id),
    );
    assert.equal(world.receiver.received.length, 12, 'one event a request, no repeats');
    const { position, attempts, lastOutcome, isLeased } = await stateOf(world.sql, webhook);
    const expected = { position: 12, attempts: 0, lastOutcome: 'answered 204', isLeased: false };
    assert.deepEqual({ position, attempts, lastOutcome, isLeased }, expected);
  });
}

test('a receiver that fails every third time still gets everything in order', async (t) => {
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
  const log = await logOf(world);
  assert.deepEqual(
    await arrivals(world),
    log.map((event) => event.id),
  );
  assert.equal(world.receiver.received.length, 15 + 7, 'each of seven failures cost one repeat');
});

test('the mark never passes an event that was not taken', async (t) => {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(4));
  const log = await logOf(world);
  const keys = await keysOf(world.sql, world.tenantId);
  const deliverer = startDeliverer(t, world.sql, { clock: world.clock });
  let taken = 0;
  let left = 0;
  world.receiver.react = async (_number, delivery) => {
    if (left === 0) return { status: 503 };
    left -= 1;
    const [event] = await eventsOf([delivery], keys);
    assert.equal(event?.id, log[taken]?.id, 'the next event of the log and no other');
    taken += 1;
    return { status: 200 };
  };
  for (const quota of [0, 1, 3, 0, 5, 2, 100]) {
    left = quota;
    world.clock.set((await stateOf(world.sql, webhook)).nextAttemptAt);
    await deliverDue(deliverer);
    const { position } = await stateOf(world.sql, webhook);
    assert.equal(position, log[taken - 1]?.at ?? 0, `after ${taken} events`);
  }
  assert.equal(taken, log.length);
});

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
      const { attempts, nextAttemptAt, position } = await stateOf(sql, webhook);
      const gapMs = nextAttemptAt.getTime() - clock.now().getTime();
      assert.deepEqual({ attempts, position }, { attempts: failures, position: 0 });
      assert.ok(gapMs >= retryGapMs(failures, 0) && gapMs <= retryGapMs(failures, 1));
      clock.set(new Date(nextAttemptAt.getTime() - 1));
      assert.equal(await deliverDue(deliverer), 0, 'not a millisecond early');
      clock.set(nextAttemptAt);
    }
    receiver.react = () => ({ status: 200 });
    await deliverDue(deliverer);
    const { attempts, position, head } = await stateOf(sql, webhook);
    assert.deepEqual({ attempts, position }, { attempts: 0, position: head });
  });

  const waits = [
    { asked: '120', waitsMs: 120_000 },
    { asked: '999999', waitsMs: 600_000 },
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
    ['never answers', 'never', /^(no answer in time|UND_ERR_HEADERS_TIMEOUT)$/],
  ];
  for (const [what, reaction, outcome] of troubles) {
    test(`a receiver that ${what} is shown as such and tried again`, async (t) => {
      const world = await newWorld(t);
      const { sql, clock, receiver } = world;
      const webhook = await subscribeTo(world);
      await logLiquidations(world, newAccounts(1));
      receiver.react = () => reaction;
      await deliverDue(startDeliverer(t, sql, { clock, timeoutMs: 300 }));
      const { lastOutcome, attempts, enabled, position } = await stateOf(sql, webhook);
      assert.match(lastOutcome ?? '', outcome);
      assert.deepEqual(
        { attempts, enabled, position },
        { attempts: 1, enabled: true, position: 0 },
      );
      receiver.react = () => ({ status: 200 });
      await deliverAll(t, world, webhook);
      assert.deepEqual(
        await arrivals(world),
        (await logOf(world)).map((event) => event.id),
      );
    });
  }

  test('one subscription does not hold up another', async (t) => {
    const world = await newWorld(t);
    const dead = await subscribeTo(world);
    const other = await startReceiver(t, world.clock);
    const alive = await subscribeTo(world, { url: other.url });
    world.receiver.react = () => 'never';
    await logLiquidations(world, newAccounts(3));
    await deliverDue(startDeliverer(t, world.sql, { clock: world.clock, timeoutMs: 500 }));
    assert.equal((await stateOf(world.sql, alive)).position, 9);
    assert.equal((await stateOf(world.sql, dead)).position, 0);
    assert.equal(other.received.length, 9);
  });
});

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
    assert.deepEqual([gone.enabled, gone.position], [false, 2]);
    clock.advance(86_400_000);
    assert.equal(await deliverDue(deliverer), 0, 'nothing more is sent');
    await change(sql, clock, { ...webhook, enabled: true });
    await deliverAll(t, world, webhook);
    assert.deepEqual(
      await arrivals(world),
      (await logOf(world)).map((event) => event.id),
    );
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
    const { enabled, position, head } = await stateOf(sql, webhook);
    assert.deepEqual([enabled, position], [true, head]);
    assert.deepEqual([receiver.received.length, other.received.length], [1, 3]);
  });
});

async function change(sql: Sql, clock: TestClock, webhook: Webhook): Promise<void> {
  await inTransaction(sql, (tx) => updateWebhook(tx, { ...webhook, updatedAt: clock.now() }));
}

test('a disabled subscription keeps its events until it is enabled', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world, { enabled: false });
  await logLiquidations(world, newAccounts(2));
  const deliverer = startDeliverer(t, sql, { clock });
  assert.equal(await deliverDue(deliverer), 0);
  assert.deepEqual([receiver.received.length, (await stateOf(sql, webhook)).position], [0, 0]);
  await change(sql, clock, { ...webhook, enabled: true });
  await deliverAll(t, world, webhook);
  assert.deepEqual(
    await arrivals(world),
    (await logOf(world)).map((event) => event.id),
  );
});

test('a new subscription gets what is published from then on', async (t) => {
  const world = await newWorld(t);
  await logLiquidations(world, newAccounts(2));
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(1));
  await deliverAll(t, world, webhook);
  const log = await logOf(world);
  assert.deepEqual(
    await arrivals(world),
    log.slice(6).map((event) => event.id),
  );
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
  assert.equal((await stateOf(sql, other)).position, 6);
  assert.equal((await stateOf(sql, taking)).position, 6);
  assert.equal(await deliverDue(deliverer), 0, 'and none of them is claimed again');
});

test('another tenant’s events are never delivered', async (t) => {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world);
  const stranger = await makeTenantWithKeys(world.sql, world.clock);
  await logLiquidations({ ...world, tenantId: stranger }, newAccounts(3));
  await logLiquidations(world, newAccounts(1));
  await deliverAll(t, world, webhook);
  assert.deepEqual(
    await arrivals(world),
    (await logOf(world)).map((event) => event.id),
  );
  assert.equal(world.receiver.received.length, 3);
});

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
    assert.deepEqual(
      await arrivals(world),
      (await logOf(world)).map((event) => event.id),
    );
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
    assert.equal((await stateOf(sql, webhook)).position, 9);
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
    assert.deepEqual(
      await arrivals(world),
      (await logOf(world)).map((event) => event.id),
    );
  });

  test('go on beyond what is read from the log at once', async (t) => {
    const world = await newWorld(t);
    const webhook = await subscribeTo(world, { maxPackageSize: 30_000, delayS: 30 });
    await logLiquidations(world, newAccounts(150));
    await deliverAll(t, world, webhook);
    const log = await logOf(world);
    assert.equal(log.length, 450);
    assert.deepEqual(
      await arrivals(world),
      log.map((event) => event.id),
    );
    assert.ok(world.receiver.received.every((delivery) => sizeOf(delivery) <= 30_000));
  });
});
