// What the responses of receivers mean for their subscriptions: what is broken for the events of one
// account does not pass for a receiver that is down, and who asks for it is left alone as a whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { later } from '../../src/clock.ts';
import { listAttempts, readDeliveryState } from '../../src/deliveries/history-store.ts';
import type { AccountId } from '../../src/ids.ts';
import { keptResponseMax } from '../../src/limits.ts';
import { portOf } from '../support/condition.ts';
import { deliverDue, startDeliverer, stateOf } from './subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  logLiquidations,
  newAccounts,
  newWorld,
  subscribeTo,
} from './world.ts';

type Answer = (socket: Socket) => void;

/**
 * A receiver that answers requests with events of one account in its own way and takes all others,
 * one on each connection. It ends with the test. @returns its URL, and the ids of what it took.
 */
async function startRaw(t: TestContext, bad: AccountId, answer: Answer) {
  const sockets = new Set<Socket>();
  const taken = new Set<string | undefined>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // the other side has hung up, as it may
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (!text.endsWith('"}')) return;
      if (text.includes(bad)) return answer(socket);
      taken.add(/"id":"([^"]+)"/.exec(text)?.[1]);
      socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${portOf(server)}/`, taken };
}

const refusing: readonly (readonly [what: string, answer: Answer])[] = [
  [
    'headers without measure',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`),
  ],
  ['another protocol', (socket) => socket.write('220 mail.example.test ready\r\n')],
  ['a reset', (socket) => socket.resetAndDestroy()],
  ['silence', () => {}],
];
/** At least four; on a busy machine some of the account that is taken are repeated. */
const turns = { min: 4, max: 100 };

describe('is refused, and costs its own account only:', () => {
  for (const [what, answer] of refusing) {
    test(what, async (t) => {
      const world = await newWorld(t);
      const { sql, clock } = world;
      const [bad, good] = newAccounts(2);
      assert.ok(bad && good);
      const receiver = await startRaw(t, bad, answer);
      const webhook = await subscribeTo(world, { url: receiver.url });
      await logLiquidations(world, [bad, good]);
      // Silence is given up by the clock of this machine, and with it what takes as long on a busy one.
      const timeoutMs = what === 'silence' ? 1_500 : 60_000;
      const deliverer = startDeliverer(t, sql, { clock, timeoutMs });
      const look = async () => {
        const state = await readDeliveryState(sql, webhook, 1);
        return [receiver.taken.size, state?.behind, state?.attempts, state?.retrying];
      };
      const expected = [3, 0, 0, 1];
      for (let turn = 1; turn <= turns.max; turn += 1) {
        await deliverDue(deliverer);
        const { nextAttemptAt, blockedDueAt } = await stateOf(sql, webhook);
        clock.set(blockedDueAt ?? nextAttemptAt);
        if (turn >= turns.min && isDeepStrictEqual(await look(), expected)) break;
      }
      assert.deepEqual(await look(), expected, 'all of the other account, and one of this');
    });
  }
});

test('of a long answer that is no text the delivery log keeps the beginning, as text', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(1));
  const nonsense = Buffer.concat([Buffer.from('no\0 \ud83d'), Buffer.alloc(100_000, 0xe2)]);
  receiver.react = () => ({ status: 500, body: nonsense });
  await deliverDue(startDeliverer(t, sql, { clock }));
  const [attempt] = await listAttempts(sql, webhook, { limit: 1, result: 'failed' });
  const answer = attempt?.response ?? '';
  assert.ok(answer.startsWith('no\u{fffd} \u{fffd}'), JSON.stringify(answer.slice(0, 20)));
  assert.ok(answer.length === keptResponseMax && answer.isWellFormed());
});

describe('a receiver that asks to be left alone', () => {
  const date = (clock: { now(): Date }, ms: number) => later(clock.now(), ms).toUTCString();
  const table = [
    { status: 429, asks: () => '90', waitsMs: 90_000 },
    { status: 503, asks: () => '90', waitsMs: 90_000 },
    { status: 429, asks: (clock: { now(): Date }) => date(clock, 90_000), waitsMs: 90_000 },
    { status: 503, asks: (clock: { now(): Date }) => date(clock, 90_000), waitsMs: 90_000 },
    { status: 503, asks: (clock: { now(): Date }) => date(clock, 86_400_000), waitsMs: 600_000 },
    { status: 429, asks: (clock: { now(): Date }) => date(clock, -90_000), waitsMs: 1_000 },
    { status: 429, asks: () => undefined, waitsMs: 1_000 },
  ] as const;
  for (const [i, { status, asks, waitsMs }] of table.entries()) {
    test(`by ${status} is left alone as a whole for ${waitsMs} ms (${i})`, async (t) => {
      const world = await newWorld(t);
      const { sql, clock, receiver } = world;
      const webhook = await subscribeTo(world);
      const asked = asks(clock);
      const headers = asked === undefined ? {} : { 'retry-after': asked };
      receiver.react = () => ({ status, headers });
      await logLiquidations(world, newAccounts(5));
      const deliverer = startDeliverer(t, sql, { clock });
      await deliverDue(deliverer);
      clock.advance(waitsMs - 1);
      await deliverDue(deliverer);
      assert.equal(receiver.received.length, 1, 'not an event of any account before');
      const { blocked, nextAttemptAt } = await stateOf(sql, webhook);
      assert.equal(blocked, 0, 'and no account is blamed');
      assert.ok(nextAttemptAt.getTime() - clock.now().getTime() <= waitsMs * 0.1 + 1);
      receiver.react = () => ({ status: 200 });
      await deliverAll(t, world, webhook);
      await assertArrived(world);
    });
  }
});
