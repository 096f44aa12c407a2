// What a venue, a network or a wrong profile may do: every fault has a clear reason, stops what must not
// go on, and loses nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/ids.ts';
import { checkVenue } from '../../src/venue/fix/check-venue.ts';
import { fieldOf } from '../../src/venue/fix/codec.ts';
import { forgetMessages } from '../../src/venue/fix/message-store.ts';
import {
  closeFixProblem,
  countFixWaiting,
  findFixWaiting,
  findSessions,
  resetSession,
  resumeSession,
} from '../../src/venue/fix/operate-store.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { ScriptedVenue } from './scripted.ts';
import { openScripted as open } from './scripted-world.ts';

const patienceMs = 120_000;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const mic = 'XTST';

test('a venue that skips, reorders and repeats reports: each counts once, in its order', async (t) => {
  const { venue, submit, until, reports } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  const trade = (number: number, id: number, cumulative: number, status = 1) => {
    venue.report(number, order, `17=E${id}|150=F|39=${status}|32=2.5|31=10|14=${cumulative}`);
  };
  venue.report(3, order, '17=A|150=0|39=0|14=0');
  trade(6, 3, 7.5);
  trade(5, 2, 5);
  const asked = await venue.next('2');
  assert.equal(fieldOf(asked, 7), '4');
  trade(4, 1, 2.5);
  trade(7, 3, 7.5);
  trade(8, 4, 10, 2);
  assert.equal((await outcome)[0]?.type, 'accepted');
  await until('ready');
  await eventually(
    'the last report is there',
    async () => (await reports()).length === 4,
    patienceMs,
  );
  assert.deepEqual(await reports(), [
    'trade 2.5 of 2.5',
    'trade 2.5 of 5',
    'trade 2.5 of 7.5',
    'filled 2.5 of 10',
  ]);
});

test('a correction is a bust and a trade; a bust names the execution it was reported as', async (t) => {
  const { venue, submit, until, fix } = await open(t);
  await venue.logOn();
  await until('ready');
  submit().outcome.catch(() => {});
  const order = await venue.next('D');
  venue.report(3, order, '17=E1|150=F|39=1|32=4|31=10|14=4');
  venue.report(4, order, '17=E2|19=E1|150=G|39=1|32=3|31=11|14=3');
  venue.report(5, order, '17=E3|19=E2|150=H|39=1|14=0');
  const find = async () => {
    const all = await fix.venue.reports({ after: 0, limit: 10 });
    return all.length === 4 && all;
  };
  const found = await eventually('all of it is reported', find, patienceMs);
  const ids = found.map(({ event }) => {
    if (event.type === 'bust') return `bust ${event.venueExecutionId}`;
    return 'trade' in event ? `${event.type} ${event.trade.venueExecutionId}` : event.type;
  });
  const [first = '', second = '', third = '', fourth = ''] = ids;
  assert.match(first, /^trade \d{8}-[A-Z2-7]{20}-E1$/);
  assert.equal(second, first.replace('trade', 'bust'));
  assert.match(third, /^trade \d{8}-[A-Z2-7]{20}-E2$/);
  assert.equal(fourth, third.replace('trade', 'bust'));
});

test('garbage between messages is ignored, and the session goes on', async (t) => {
  const { venue, submit, until, reports } = await open(t);
  await venue.logOn();
  await until('ready');
  venue.raw(Buffer.from('\x00\xff8=FIX.4.4\x019=garbage\x01rubbish', 'latin1'));
  submit().outcome.catch(() => {});
  const order = await venue.next('D');
  venue.report(3, order, '17=E1|150=F|39=2|32=10|31=10|14=10');
  await eventually('it is filled', async () => (await reports()).length === 1, patienceMs);
  assert.deepEqual(await reports(), ['filled 10 of 10']);
});

const refusals: readonly { of: string; answer: (venue: ScriptedVenue) => void; reason: RegExp }[] =
  [
    {
      of: 'another heartbeat',
      answer: (venue) => venue.send('35=A|34=1|98=0|108=60'),
      reason: /HeartBtInt \(108\) is 60, not 30; set heartbeat_s of the profile/,
    },
    {
      of: 'another CompID',
      answer: (venue) => venue.send('35=A|34=1|98=0|108=30', { from: 'SOMEBODY' }),
      reason: /field 49 is SOMEBODY, not ACCEPTOR; compare sender_comp_id and target_comp_id/,
    },
    {
      of: 'a refusal',
      answer: (venue) => venue.send('35=5|34=1|58=unknown user'),
      reason: /refused the Logon: unknown user; ask the venue/,
    },
  ];
for (const { of, answer, reason } of refusals) {
  test(`a Logon answered by ${of} stops the session until a person resumes it`, async (t) => {
    const { sql, venue, until, submit } = await open(t);
    await venue.next('A');
    answer(venue);
    const failed = await until('failed');
    assert.match(failed.reason, reason);
    await assert.rejects(submit().outcome, /the session with XTST is failed/);
    const [waiting] = await findFixWaiting(sql, 10);
    assert.deepEqual(
      [waiting?.id, waiting?.reason],
      ['fix/XTST', `the session has failed: ${failed.reason}`],
    );
    const { connections } = venue;
    const command = {
      venue: mic,
      reason: 'mended',
      nextIn: 1,
      nextOut: undefined,
      now: new Date(),
    };
    assert.equal(await inTransaction(sql, (tx) => resumeSession(tx, command)), 'done');
    await venue.logOn();
    await until('ready');
    assert.equal(venue.connections, connections + 1);
  });
}

test('a venue that hangs up without a word leaves a hint at what it may not know', async (t) => {
  const { venue, until } = await open(t);
  await venue.next('A');
  venue.cut();
  const { reason } = await until('disconnected');
  assert.match(reason, /has not answered the Logon: compare CompIDs, logon_fields and certificate/);
});

test('an order that the venue asks for again is sent again as a repeat, and only once', async (t) => {
  const { venue, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome, clientOrderId } = submit();
  const first = await venue.next('D');
  venue.send(`35=2|34=3|7=${fieldOf(first, 34)}|16=0`);
  const again = await venue.next('D');
  assert.equal(fieldOf(again, 34), fieldOf(first, 34));
  assert.equal(fieldOf(again, 43), 'Y');
  assert.equal(fieldOf(again, 122), fieldOf(first, 52));
  assert.equal(fieldOf(again, 11), clientOrderId);
  venue.report(4, again, '17=A|150=0|39=0|14=0');
  assert.equal((await outcome)[0]?.type, 'accepted');
});

test('an order that was answered is not sent again: a gap fill stands for it', async (t) => {
  const { venue, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  venue.report(3, order, '17=A|150=0|39=0|14=0');
  await outcome;
  venue.send('35=2|34=4|7=1|16=0');
  const fill = await venue.next('4');
  assert.equal(fieldOf(fill, 34), '1');
  assert.equal(fieldOf(fill, 123), 'Y');
  assert.equal(Number(fieldOf(fill, 36)), Number(fieldOf(order, 34)) + 1);
});

test('an order that the venue cannot read is rejected for good', async (t) => {
  const { venue, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  venue.send(`35=3|34=3|45=${fieldOf(order, 34)}|371=59|372=D|373=5|58=bad TimeInForce`);
  assert.deepEqual(await outcome, [
    { type: 'rejected', reason: 'bad TimeInForce (field 59)', temporary: false },
  ]);
});

test('an order rejected because the venue is closed may be tried again', async (t) => {
  const { venue, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  venue.report(3, order, '17=R|150=8|39=8|103=2|14=0|58=closed');
  assert.deepEqual(await outcome, [{ type: 'rejected', reason: 'closed', temporary: true }]);
});

test('a report about an unknown order is kept for a person, and the session goes on', async (t) => {
  const { sql, venue, until } = await open(t);
  await venue.logOn();
  await until('ready');
  venue.send('35=8|34=3|37=V1|11=NOBODY|17=E1|150=F|39=2|32=1|31=1|14=1|55=X|54=2|151=0|6=0');
  const find = async () => (await findSessions(sql, systemClock.now()))[0]?.problems === 1;
  await eventually('the problem is counted', find, patienceMs);
  const [row] = await sql<{ problem: string }[]>`
    select m.problem from unwind.fix_messages m where m.direction = 'in' and m.problem is not null`;
  assert.equal(row?.problem, 'no order of ours is named NOBODY');
  const [waiting] = await findFixWaiting(sql, 10);
  assert.match(waiting?.id ?? '', /^fix\/XTST\/\d{8}\/3$/);
  assert.equal(waiting?.reason, 'message 3 of the venue (35=8): no order of ours is named NOBODY');
  const closing = { id: waiting?.id ?? '', actor: 'Ana', reason: 'asked them', now: new Date() };
  assert.equal(await closeFixProblem(sql, closing), true);
  assert.equal(await closeFixProblem(sql, closing), false);
  assert.deepEqual([(await findFixWaiting(sql, 10)).length, await countFixWaiting(sql)], [0, 0]);
  assert.equal((await findSessions(sql, systemClock.now()))[0]?.problems, 0);
});

test('numbers are not begun anew while orders are open', async (t) => {
  const { sql, venue, fix, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  venue.report(3, order, '17=A|150=0|39=0|14=0');
  await outcome;
  const command = { venue: mic, reason: 'agreed', now: new Date() };
  const reset = () => inTransaction(sql, (tx) => resetSession(tx, command));
  assert.equal(await reset(), 'running');
  await fix.keeper.stop();
  assert.equal(await reset(), 'orders open');
  assert.equal(
    await inTransaction(sql, (tx) => resetSession(tx, { ...command, venue: 'XXXX' })),
    'unknown',
  );
});

test('messages are forgotten after a time, and a gap fill stands for what is asked again', async (t) => {
  const { sql, venue, submit, until } = await open(t);
  await venue.logOn();
  await until('ready');
  submit().outcome.catch(() => {});
  const order = await venue.next('D');
  const page = { venue: mic, before: new Date(Date.now() + 60_000), limit: 2 };
  assert.equal(await forgetMessages(sql, page), 2);
  assert.ok((await forgetMessages(sql, { ...page, limit: 100 })) > 0);
  venue.send('35=2|34=3|7=1|16=0');
  const fill = await venue.next('4');
  assert.equal(fieldOf(fill, 34), '1');
  assert.equal(Number(fieldOf(fill, 36)), Number(fieldOf(order, 34)) + 1);
});

test('a venue is checked without trading: what was seen is said', async (t) => {
  const { sql } = await createTestDatabase(t);
  const venue = await ScriptedVenue.start(t);
  const profile: FixProfile = {
    type: 'fix',
    mic,
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port: venue.port,
    sender_comp_id: 'UNWIND',
    target_comp_id: 'ACCEPTOR',
  };
  const options = { sql, clock: systemClock, log: silent, holder: newId<'process'>() };
  venue.answersLogout = true;
  const checking = checkVenue({ ...options, profile });
  await venue.logOn();
  await venue.next('5');
  venue.send('35=5|34=3');
  assert.deepEqual(await checking, {
    isWell: true,
    seen: [
      'connected',
      'logged on, and the test request was answered: both sides are level',
      'logged out',
    ],
  });
  const nobody = await checkVenue({ ...options, profile: { ...profile, mic: 'XNON', port: 1 } });
  assert.equal(nobody.isWell, false);
  assert.match(nobody.seen.join(), /cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
});
