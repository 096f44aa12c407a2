// What a profile makes of orders: a limit with a collar, the rate of messages, the trading day and the
// questions that begin it, and venues that cancel when the connection breaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal } from '../../src/money.ts';
import { fieldOf } from '../../src/venue/fix/codec.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { TooLateError } from '../../src/venue/venue.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { openScripted, type World } from './scripted-world.ts';

const patienceMs = 120_000;
const isin = 'DE0007164600';

async function price(world: World, text: string): Promise<void> {
  const { sql, tenantId } = world;
  await makeBook(sql, { tenantId, instruments: [{ isin, price: text }], accounts: [] });
}

const collared: Partial<FixProfile> = { limit_orders: { collar: '5%', tick_size: '0.05' } };

test('an order with a limit carries the last price less the collar, and is sent again as it was', async (t) => {
  const world = await openScripted(t, collared);
  const { sql, venue, until, submit } = world;
  await price(world, '100.01');
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  assert.deepEqual([fieldOf(order, 40), fieldOf(order, 44)], ['2', '95.05']);
  await sql`update unwind.prices p set price = 50 where p.isin = ${isin}`;
  venue.send(`35=2|34=3|7=${fieldOf(order, 34)}|16=0`);
  const again = await venue.next('D');
  assert.deepEqual([fieldOf(again, 43), fieldOf(again, 44)], ['Y', '95.05']);
  venue.report(4, again, '17=A|150=0|39=0|14=0');
  assert.equal((await outcome)[0]?.type, 'accepted');
});

test('an order with a limit whose instrument has no price is not sent, and may be tried again', async (t) => {
  const { venue, until, submit } = await openScripted(t, collared);
  await venue.logOn();
  await until('ready');
  assert.deepEqual(await submit().outcome, [
    {
      type: 'rejected',
      reason: `no price of ${isin} is known to set a limit by: import one`,
      temporary: true,
    },
  ]);
  const { nextOut } = await until('ready');
  assert.equal(nextOut, 3, 'a Logon and a TestRequest were sent, and nothing else');
});

test('an order that comes too late is not queued, and nothing of it is known', async (t) => {
  const clock = testClock(new Date().toISOString());
  const { sql, venue, fix, tenantId, until } = await openScripted(t, {}, clock);
  await venue.logOn();
  await until('ready');
  const order = { tenantId, clientOrderId: 'LATE', isin, quantity: decimal('1') };
  await assert.rejects(fix.venue.submit([order], clock.now()), TooLateError);
  assert.deepEqual(await fix.venue.lookUp([order]), [{ type: 'not_found' }]);
  assert.equal((await sql`select from unwind.fix_outbox`).count, 0);
});

test('no more messages are sent in a second than the venue takes', async (t) => {
  const clock = testClock(new Date().toISOString());
  const { sql, venue, until, submit } = await openScripted(t, { messages_per_s: 2 }, clock);
  await venue.logOn();
  await until('ready');
  const outcomes = Array.from({ length: 5 }, () => submit().outcome);
  const sent = async () => {
    const rows = await sql`select from unwind.fix_orders o where o.status = 'SENT'`;
    return rows.count;
  };
  const isQueued = async () => {
    const rows = await sql`select from unwind.fix_outbox`;
    return rows.count + (await sent()) === 5;
  };
  await eventually('all are queued', isQueued, patienceMs);
  for (const count of [2, 4, 5]) {
    await eventually(`${count} are sent`, async () => (await sent()) === count, patienceMs);
    // The queue is looked at again and again meanwhile: an answer to a TestRequest proves a turn.
    for (let turn = 0; turn < 3; turn += 1) {
      const number = 3 + [2, 4, 5].indexOf(count) * 3 + turn;
      venue.send(`35=1|34=${number}|112=turn-${number}`);
      await venue.next('0');
    }
    assert.equal(await sent(), count);
    clock.advance(1_000);
  }
  assert.ok((await Promise.all(outcomes)).flat().every(({ type }) => type === 'unknown'));
});

const berlin = { time_zone: 'Europe/Berlin', reset_time: '06:00' };

/** A session whose trading day has changed while orders were open: each is as its name says. */
async function overnight(t: Parameters<typeof openScripted>[0], over: Partial<FixProfile>) {
  const clock = testClock('2026-01-05T12:00:00.000Z');
  const tolerant = { sending_time_tolerance_s: 3_600, trading_day: berlin, ...over };
  const world = await openScripted(t, tolerant, clock);
  const { venue, until, submit } = world;
  venue.clock = clock;
  await venue.logOn(1, '141=Y');
  await until('ready');
  const open = [submit(), submit()];
  const orders = [await venue.next('D'), await venue.next('D')];
  for (const [i, order] of orders.entries()) venue.report(3 + i, order, '17=A|150=0|39=0|14=0');
  for (const { outcome } of open) assert.equal((await outcome)[0]?.type, 'accepted');
  // 06:30 in Berlin.
  clock.set(new Date('2026-01-06T05:30:00.000Z'));
  venue.answersLogout = true;
  await venue.next('5');
  venue.send('35=5|34=5');
  const logon = await venue.next('A');
  return { ...world, orders, logon };
}

test('the first Logon after the reset time begins a trading day: both sides count from 1', async (t) => {
  const { venue, logon, until, orders } = await overnight(t, {});
  assert.deepEqual([fieldOf(logon, 34), fieldOf(logon, 141)], ['1', 'Y']);
  await venue.answerLogon(1, '141=Y');
  const asked = [await venue.next('H'), await venue.next('H')];
  const names = (messages: typeof asked) => messages.map((one) => fieldOf(one, 11)).toSorted();
  assert.deepEqual(names(asked), names(orders));
  await until('ready');
});

test('a mass status request begins the day, and what its answer leaves out is asked for', async (t) => {
  const { venue, logon, until, orders, reports } = await overnight(t, { status_requests: 'mass' });
  assert.equal(fieldOf(logon, 141), 'Y');
  await venue.answerLogon(1, '141=Y');
  const asked = await venue.next('AF');
  assert.equal(fieldOf(asked, 585), '7');
  await until('ready');
  const [first, second] = orders;
  assert.ok(first !== undefined && second !== undefined);
  const id = `584=${fieldOf(asked, 584)}|911=1|912=Y`;
  venue.report(3, first, `17=0|150=I|39=0|14=0|${id}`);
  const left = await venue.next('H');
  assert.equal(fieldOf(left, 11), fieldOf(second, 11));
  venue.report(4, second, '17=0|150=I|39=C|14=0|58=expired over night');
  await eventually('its end is reported', async () => (await reports()).length === 1, patienceMs);
  assert.deepEqual(await reports(), ['suspended of 0']);
});

test('a venue that has no order open says so, and each of ours is asked for', async (t) => {
  const { venue, orders } = await overnight(t, { status_requests: 'mass' });
  await venue.answerLogon(1, '141=Y');
  const asked = await venue.next('AF');
  const id = `584=${fieldOf(asked, 584)}|911=0`;
  venue.send(`35=8|34=3|37=NONE|11=NONE|17=0|150=I|39=8|103=5|14=0|${id}|55=X|54=2|151=0|6=0`);
  for (const _ of orders) await venue.next('H');
});

test('what a venue cancels with the connection is asked for at the next Logon, and tried again', async (t) => {
  const { venue, until, submit, reports } = await openScripted(t, { cancel_on_disconnect: true });
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  venue.report(3, order, '17=A|150=0|39=0|14=0');
  await outcome;
  venue.cut();
  await venue.logOn(4);
  const asked = await venue.next('H');
  assert.equal(fieldOf(asked, 11), fieldOf(order, 11));
  venue.report(6, order, '17=0|150=I|39=4|14=0|58=cancelled on disconnect');
  await eventually('its end is reported', async () => (await reports()).length === 1, patienceMs);
  assert.deepEqual(await reports(), ['suspended of 0']);
});
