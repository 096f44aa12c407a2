// Replays in the middle of deliveries, as requests ask for them: whatever is replayed comes again with
// the same ids and bytes, and the order of first arrivals stays.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Replay } from '../../src/deliveries/replay.ts';
import { deliverDue, startDeliverer } from './subscriptions.ts';
import {
  askReplay,
  assertArrived,
  deliverAll,
  idsIn,
  type LoggedHere,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
} from './world.ts';

interface Asked {
  /** Requests that had begun when it was answered. */
  readonly requests: number;
  readonly first: LoggedHere;
}

async function newReplays(t: TestContext, packaging: { readonly maxPackageSize?: number }) {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const quick = { signatureVersion: '15', signatureAlgorithm: 'ed25519' } as const;
  const webhook = await subscribeTo(world, { ...quick, ...packaging });
  const begunAt = clock.now();
  for (let i = 0; i < 3; i += 1) {
    await logLiquidations(world, newAccounts(3));
    clock.advance(1_000);
  }
  const log = await logOf(world);
  const [start, middle, last] = [log[0], log[13], log[20]];
  assert.ok(start && middle && last);
  const event = (one: LoggedHere): Replay => ({ type: 'event', eventId: one.id as never });
  const wishes = new Map<number, readonly [Replay, LoggedHere]>([
    [4, [event(start), start]],
    [9, [event(middle), middle]],
    [14, [{ type: 'from', at: begunAt }, start]],
    [17, [event(last), last]],
    [23, [{ type: 'from', at: later(begunAt, 1) }, log[9] ?? start]],
  ]);
  const asked: Asked[] = [];
  const ask = async (wish: Replay, first: LoggedHere): Promise<void> => {
    const { behind } = await askReplay(world, webhook, wish);
    asked.push({ requests: receiver.received.length, first });
    assert.ok(behind >= log.length - first.at + 1, 'all that follows comes again');
  };
  const asking: Promise<void>[] = [];
  receiver.react = async (number) => {
    const wish = wishes.get(number);
    if (wish !== undefined) asking.push(ask(...wish));
    await asking.at(-1);
    return { status: number % 3 === 0 ? 500 : 200 };
  };
  // Nobody claims a subscription while a replay has it locked: the rest follows the last of them.
  await deliverDue(startDeliverer(t, sql, { clock }));
  for (let i = 0; i < asking.length; i += 1) await asking[i];
  await deliverAll(t, world, webhook);
  await Promise.all(asking);
  await deliverAll(t, world, webhook);
  return { world, log, asked };
}

test('replays while events are delivered and refused: all of it again, in order, the same bytes', async (t) => {
  const { world, log, asked } = await newReplays(t, {});
  const { receiver } = world;
  assert.equal(asked.length, 5);
  await assertArrived(world);
  for (const { requests, first } of asked) {
    const again = new Set(receiver.received.slice(requests).flatMap(idsIn));
    const missing = log.filter(({ at, id }) => at >= first.at && !again.has(id));
    assert.deepEqual(missing, [], `from ${first.at} on`);
  }
  const bodies = receiver.received.map(({ body }) => Buffer.from(body).toString());
  assert.equal(new Set(bodies).size, log.length, 'one text for each event');
});

test('the same with packages', async (t) => {
  const { world, log, asked } = await newReplays(t, { maxPackageSize: 900 });
  const { receiver } = world;
  assert.ok(asked.length >= 3);
  await assertArrived(world);
  for (const { requests, first } of asked) {
    const again = new Set(receiver.received.slice(requests).flatMap(idsIn));
    assert.ok(log.every(({ at, id }) => at < first.at || again.has(id)));
  }
});
