// A record of progress that comes after the lease of its session has gone to a newer one is no record:
// also where both are written by one statement, and where both sessions belong to one process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { Block } from '../../src/deliveries/delivery.ts';
import {
  type ClaimedWebhook,
  claimWebhooks,
  lockDelivery,
  renewLeases,
} from '../../src/deliveries/delivery-store.ts';
import {
  type LoggedAttempt,
  type Progress,
  recordProgress,
} from '../../src/deliveries/progress-store.ts';
import type { Replay } from '../../src/deliveries/replay.ts';
import { type AccountId, newId } from '../../src/ids.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { eventually } from '../support/condition.ts';
import { untilLocked } from '../support/locks.ts';
import { startReceiver } from './receiver.ts';
import { deliverDue, startDeliverer, stateOf, subscribe } from './subscriptions.ts';
import {
  askReplay,
  deliverAll,
  idsIn,
  logLater,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
  type World,
} from './world.ts';

/** Claims everything that is due, in the next epoch. */
async function claimAll({ sql, clock }: World, holder: string): Promise<readonly ClaimedWebhook[]> {
  clock.advance(10_000);
  const now = clock.now();
  return claimWebhooks(sql, { holder, leaseExpiresAt: later(now, 10_000), now, limit: 10 });
}

function blockedAt(offset: number, at: Date): Block {
  const failing = { failingSince: at, lastAttemptAt: at, lastOutcome: 'answered 500' };
  const due = { nextAttemptAt: later(at, 1_000), attempts: 1, status: 'blocked' } as const;
  return { requestId: newId(), acknowledged: new Map(), upTo: offset, ...due, ...failing };
}

function attemptAt(place: number, at: Date): LoggedAttempt {
  const what = { kind: 'delivery', durationMs: 1, outcome: 'answered 500', status: 500 } as const;
  const ids = { attemptId: newId(), firstEventId: undefined, lastEventId: undefined };
  return { place, at, response: '', attempt: 1, events: 1, faults: [], ...what, ...ids };
}

/** A record that says of one account that it is blocked, and of one place what stands there. */
function recordOf(
  { webhook, epoch, standing }: ClaimedWebhook,
  { offset, accountId, at }: { offset: number; accountId: AccountId; at: Date },
): Progress {
  const block = { ...blockedAt(offset, at), acknowledged: new Map([[accountId, offset]]) };
  return {
    webhook,
    epoch,
    standing: { ...standing, offset },
    blockedDueAt: block.nextAttemptAt,
    blockedCount: 1,
    fullOffset: undefined,
    acknowledgedCount: offset,
    failedCount: 1,
    gap: undefined,
    disable: false,
    release: false,
    blocks: new Map([[accountId, block]]),
    attempts: [attemptAt(200, at)],
  };
}

for (const order of ['before', 'behind'] as const) {
  test(`a stale record ${order} the newer one of its batch changes nothing, and its session sees that`, async (t) => {
    const world = await newWorld(t);
    const { sql, clock } = world;
    const [webhook, neighbour] = [await subscribeTo(world), await subscribeTo(world)];
    await logLiquidations(world, newAccounts(64));
    const holder = newId();
    const [stale, current] = [await claimAll(world, holder), await claimAll(world, holder)];
    const accountId = newId<'account'>();
    const of = (claims: readonly ClaimedWebhook[], { webhookId }: Webhook, offset: number) => {
      const found = claims.find((one) => one.webhook.webhookId === webhookId);
      assert.ok(found !== undefined);
      return recordOf(found, { offset, accountId, at: clock.now() });
    };
    const [old, own, other] = [
      of(stale, webhook, 192),
      of(current, webhook, 1),
      of(current, neighbour, 5),
    ];
    const record = async (one: Progress) => {
      const pair = order === 'before' ? [one, own] : [own, one];
      const outcomes = await recordProgress(sql, holder, [...pair, other]);
      const expected = order === 'before' ? [false, true, true] : [true, false, true];
      assert.deepEqual(
        outcomes.map((changedAt) => changedAt !== undefined),
        expected,
      );
      assert.equal((await stateOf(sql, webhook)).offset, 1);
      assert.equal((await stateOf(sql, neighbour)).offset, 5);
    };
    // Alone with its offset, and with rows that the newer one writes as well.
    await record({ ...old, blocks: new Map(), attempts: [], release: true });
    await record(old);
    await record({ ...old, blocks: new Map([[accountId, undefined]]) });
    const blocked = await sql<{ webhook_id: string; after: string }[]>`
      select h.webhook_id, h.acknowledged_offset as after
      from unwind.blocked_accounts h
      order by h.acknowledged_offset`;
    assert.deepEqual(
      [...blocked].map((row) => [row.webhook_id, Number(row.after)]),
      [
        [webhook.webhookId, 1],
        [neighbour.webhookId, 5],
      ],
    );
    const attempts = await sql<{ attempt_id: string }[]>`
      select a.attempt_id
      from unwind.delivery_attempts a`;
    const written = [own, other].map((one) => one.attempts[0]?.attemptId);
    assert.deepEqual(attempts.map((row) => row.attempt_id).toSorted(), written.toSorted());
  });
}

test('a stale lease is not renewed beside the newer one of its subscription', async (t) => {
  const world = await newWorld(t);
  const { sql, clock } = world;
  const { tenantId, webhookId } = await subscribeTo(world);
  await logLiquidations(world, newAccounts(1));
  const holder = newId();
  await claimAll(world, holder);
  const [current] = await claimAll(world, holder);
  assert.ok(current !== undefined);
  const leases = [current.epoch - 1, current.epoch].map((epoch) => ({
    tenantId,
    webhookId,
    epoch,
  }));
  const expiresAt = later(clock.now(), 20_000);
  const renewed = await renewLeases(sql, leases, { holder, expiresAt });
  assert.deepEqual(
    renewed.map((changedAt) => changedAt !== undefined),
    [false, true],
  );
});

for (const status of [200, 500]) {
  test(`a replay overtakes a session whose last request is answered ${status}: all of it arrives`, async (t) => {
    // What waits behind the gate waits for as long as this test takes, on however slow a machine.
    const world = await newWorld(t, { lockTimeoutMs: 60_000 });
    const { sql, clock, tenantId, receiver } = world;
    const neighbourReceiver = await startReceiver(t, clock);
    // Rows are locked in the order of ids: what waits for the neighbour's holds no other.
    const neighbour = await subscribe(sql, clock, { tenantId, url: neighbourReceiver.url });
    const webhook = await subscribeTo(world);
    const [first, blocked, slow] = newAccounts(3);
    assert.ok(first && blocked && slow);
    for (const accountId of [first, blocked, slow]) await logLiquidations(world, [accountId]);
    await logLater(world, first);
    const log = await logOf(world);

    // The receiver refuses one account, and takes long for another one. Once the replay is asked for, it
    // takes everything, the blocked account last.
    const signal = () => Promise.withResolvers<void>();
    const [slowBegan, slowIsOver, replayBegan, neighbourBegan] = [
      signal(),
      signal(),
      signal(),
      signal(),
    ];
    const [slowMayEnd, neighbourMayEnd, blockedMayEnd] = [signal(), signal(), signal()];
    let isReplayed = false;
    let replayed = 0;
    receiver.react = async (_, { body, closed }) => {
      const text = Buffer.from(body).toString();
      if (isReplayed) {
        // Its second request begins once the first is settled.
        replayed += 1;
        if (replayed === 2) replayBegan.resolve();
        if (text.includes(blocked)) await blockedMayEnd.promise;
      } else if (text.includes(blocked)) {
        return { status: 500 };
      } else if (text.includes(slow)) {
        void closed.then(slowIsOver.resolve);
        slowBegan.resolve();
        await slowMayEnd.promise;
        return { status };
      }
      return { status: 200 };
    };
    neighbourReceiver.react = async () => {
      neighbourBegan.resolve();
      await neighbourMayEnd.promise;
      return { status: 200 };
    };
    const failures: object[] = [];
    const onLog = (fields: object) => void ('err' in fields && failures.push(fields));
    const deliverer = startDeliverer(t, sql, { clock, onLog });
    assert.equal(await deliverer.step(), 2);
    await slowBegan.promise;
    await neighbourBegan.promise;
    const blockedSince = await eventually('the account is blocked', async () => {
      clock.advance(60);
      await deliverer.step();
      const { blocked, nextAttemptAt } = await stateOf(sql, webhook);
      return blocked === 1 && nextAttemptAt;
    });
    // That was recorded just now, so what follows is recorded when the session ends.
    clock.set(blockedSince);

    // The gate: what the neighbour records waits for its row, and every later record behind it.
    const [gateCloses, gateOpens] = [signal(), signal()];
    const gate = inTransaction(sql, async (tx) => {
      await lockDelivery(tx, neighbour);
      gateCloses.resolve();
      await gateOpens.promise;
    });
    await gateCloses.promise;
    neighbourMayEnd.resolve();
    await untilLocked('a record waits at the gate', sql);
    const taken = receiver.taken.length;
    isReplayed = true;
    const start: Replay = { type: 'event', eventId: log[0]?.id as never };
    await askReplay(world, webhook, start);
    assert.equal(await deliverer.step(), 1, 'the process claims what it still has a session of');
    await Promise.race([slowIsOver.promise, replayBegan.promise]);
    slowMayEnd.resolve();
    await slowIsOver.promise;
    gateOpens.resolve();
    await gate;
    await eventually('the replay is recorded', async () => {
      clock.advance(60);
      await deliverer.step();
      return (await stateOf(sql, webhook)).offset > 0;
    });
    blockedMayEnd.resolve();
    await deliverer.drain();
    await deliverAll(t, world, webhook);
    assert.deepEqual(failures, []);
    const again = new Set(receiver.taken.slice(taken).flatMap(idsIn));
    assert.deepEqual(
      log.filter(({ id }) => !again.has(id)),
      [],
      'all of it was taken again',
    );
  });
}

test('a replay between a claim and the reading of its blocks: nothing arrives before what is blocked', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  const [accountId, other] = newAccounts(2);
  assert.ok(accountId && other);
  for (const each of [accountId, other]) await logLiquidations(world, [each]);
  const log = await logOf(world);
  receiver.react = async (_, { body }) => {
    return { status: Buffer.from(body).toString().includes(accountId) ? 500 : 200 };
  };
  const before = startDeliverer(t, sql, { clock });
  await eventually('the account is blocked', async () => {
    clock.advance(10_000);
    await deliverDue(before);
    const { blocked, offset, head } = await stateOf(sql, webhook);
    return blocked === 1 && offset === head;
  });

  await logLater(world, accountId);
  receiver.react = async () => ({ status: 200 });
  const refused = receiver.taken.length;
  clock.advance(600_000);
  const start: Replay = { type: 'event', eventId: log[0]?.id as never };
  let replays = 0;
  const between = beforeBlocks(sql, async () => {
    replays += 1;
    await askReplay(world, webhook, start);
  });
  await deliverDue(startDeliverer(t, between, { clock }));
  assert.equal(replays, 1);
  await deliverAll(t, world, webhook);
  const arrived = new Set(receiver.taken.slice(refused).flatMap(idsIn));
  const all = (await logOf(world)).filter((event) => event.accountId === accountId);
  const own = all.map(({ id }) => id);
  assert.deepEqual(
    [...arrived].filter((id) => own.includes(id)),
    own,
  );
});

/** The same pool, which does something else once before it reads the blocks of what was claimed. */
function beforeBlocks(sql: Sql, work: () => Promise<unknown>): Sql {
  let isDone = false;
  return new Proxy(sql, {
    apply: async (target, receiver, args) => {
      const [strings] = args;
      if (!isDone && strings.join('').includes('g.n, b.account_id')) {
        isDone = true;
        await work();
      }
      return Reflect.apply(target, receiver, args);
    },
  });
}
