// What belongs to the service and to no client: sessions with venues and their messages, and audits begun at the
// console.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { later, systemStopwatch } from '../../src/clock.ts';
import { findAudits, insertAudit } from '../../src/console/audit-store.ts';
import { Audits } from '../../src/console/audits.ts';
import { beginSession } from '../../src/console/sessions.ts';
import { connect } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/ids.ts';
import { encodeFields } from '../../src/venue/fix/codec.ts';
import { giveAccounts } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { browserAt, signedIn } from './person.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const service = await startHttp({ after }, { sql, clock });
const operator = await signedIn(service, { sql, clock });
const viewer = await signedIn(service, { sql, clock, role: 'viewer' });
const root = '/console/operator';

interface ShownAudit {
  readonly id: string;
  readonly status: string;
  readonly differences?: number;
  readonly failure?: string;
}

async function audits(): Promise<readonly ShownAudit[]> {
  const { status, json } = await operator.send('GET', `${root}/audits`);
  assert.equal(status, 200);
  return json['data'] as readonly ShownAudit[];
}

/** Begins an audit and waits for its end. */
async function audit(): Promise<ShownAudit> {
  const begun = await operator.send('POST', `${root}/audits`);
  assert.equal(begun.status, 202, begun.text);
  await service.audits.ended();
  const [last] = await audits();
  assert.ok(last);
  assert.equal(last.id, begun.json['id']);
  return last;
}

test('an audit runs by itself, and its result is kept', async () => {
  const [account] = await giveAccounts(sql, client);
  const well = await audit();
  assert.deepEqual([well.status, well.differences], ['DONE', 0]);
  const where = { accountId: account.accountId };
  await sql`
    update unwind.positions p set quantity = quantity + 1 where p.account_id = ${where.accountId}`;
  const bad = await audit();
  assert.ok((bad.differences ?? 0) > 0);
  const { json } = await viewer.send('GET', `${root}/audits/${bad.id}`);
  const checks = json['checks'] as readonly { total: number; differences: object[] }[];
  const differing = checks.filter(({ total }) => total > 0);
  assert.match(JSON.stringify(differing), new RegExp(where.accountId));
  assert.equal(
    differing.reduce((sum, { total }) => sum + total, 0),
    bad.differences,
  );
  await sql`
    update unwind.positions p set quantity = quantity - 1 where p.account_id = ${where.accountId}`;
});

test('one audit runs at a time, of all processes; one whose process has died gives way', async () => {
  const id = newId<'audit'>();
  const now = clock.now();
  const begun = { id, person: 'somebody', now, leaseExpiresAt: later(now, 60_000) };
  assert.equal(await inTransaction(sql, (tx) => insertAudit(tx, begun)), true);
  const refused = await operator.send('POST', `${root}/audits`);
  assert.equal(refused.status, 409);
  assert.match(refused.text, /An audit runs already/);
  clock.advance(60_001);
  assert.equal((await audits())[0]?.status, 'LOST');
  assert.equal((await audit()).status, 'DONE');
  const given = (await audits()).find((one) => one.id === id);
  assert.deepEqual(
    [given?.status, given?.failure],
    ['FAILED', 'The process that ran it has ended.'],
  );
});

test('of many who begin one at once, one does', async () => {
  // The one that has begun does not end before all have asked: it reads what is locked here.
  const replies = await inTransaction(sql, async (tx) => {
    await tx`lock table simulated_venue.journal in access exclusive mode`;
    return Promise.all([1, 2, 3, 4].map(() => operator.send('POST', `${root}/audits`)));
  });
  await service.audits.ended();
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [202, 409, 409, 409]);
});

test('an audit that cannot be run says why, and the next one runs', async () => {
  const broken = new Audits({
    ...{ sql, clock, stopwatch: systemStopwatch },
    openPool: () =>
      connect({ url: 'postgres://127.0.0.1:1/none', max: 4, applicationName: 'none' }),
    log: { error: () => assert.fail('told in its row') },
  });
  const id = await broken.begin('somebody');
  await broken.ended();
  const [last] = await findAudits(sql, { now: clock.now(), limit: 1 });
  assert.deepEqual([last?.id, last?.status], [id, 'FAILED']);
  assert.match(last?.failure ?? '', /ECONNREFUSED/);
  assert.equal((await audit()).status, 'DONE');
});

test('messages of a session are shown without passwords, and what waits of it with the command', async () => {
  await sql`
    insert into unwind.fix_sessions (
      venue, trading_day, is_reset_pending, next_out, next_in, last_report, status, reason,
      status_at, lease_epoch
    )
    values ('XFRA', '2026-01-05', false, 8, 9, 0, 'failed', 'MsgSeqNum too low', ${clock.now()}, 1)`;
  const fields = encodeFields([
    [553, 'unwind'],
    [554, 'swordfish'],
    [925, 'swordfish2'],
  ]);
  await sql`
    insert into unwind.fix_messages (venue, trading_day, direction, number, type, at, fields)
    values ('XFRA', '2026-01-05', 'out', 7, 'A', ${clock.now()}, ${fields})`;
  const { json } = await viewer.send('GET', `${root}/venues`);
  const [session] = json['sessions'] as readonly Record<string, unknown>[];
  assert.deepEqual([session?.['venue'], session?.['status']], ['XFRA', 'failed']);
  const [waiting] = json['waiting'] as readonly Record<string, unknown>[];
  assert.equal(waiting?.['id'], 'fix/XFRA');
  const messages = await viewer.send('GET', `${root}/venues/XFRA/messages`);
  assert.match(messages.text, /unwind/);
  assert.doesNotMatch(messages.text, /swordfish/);
  assert.deepEqual((await viewer.send('GET', `${root}/venues/XETR/messages`)).json['data'], []);
  assert.equal((await viewer.send('GET', `${root}/venues/x/messages`)).status, 404);
});

test('a session that has failed goes on as agreed, by an operator, and the trail says so', async () => {
  const resume = (json: object, by = operator, venue = 'XFRA') => {
    return by.send('POST', `${root}/venues/${venue}/resume`, { json });
  };
  const agreed = { reason: 'agreed by phone', next_in: 104 };
  assert.equal((await resume(agreed, viewer)).status, 403);
  assert.equal((await resume(agreed, operator, 'XNON')).status, 404);
  for (const wrong of [
    {},
    { reason: '' },
    { reason: 'a\u202eb' },
    { ...agreed, next_in: 0 },
    { ...agreed, next_out: '8' },
  ])
    assert.equal((await resume(wrong)).status, 400, JSON.stringify(wrong));
  const stateOf = async () => {
    const rows = await sql<{ status: string; reason: string; in: number; out: number }[]>`
      select s.status, s.reason, s.next_in::integer as in, s.next_out::integer as out
      from unwind.fix_sessions s
      where s.venue = 'XFRA'`;
    return rows[0];
  };
  assert.equal((await stateOf())?.status, 'failed');
  const done = await resume(agreed);
  assert.equal(done.status, 204, done.text);
  const after = { status: 'disconnected', reason: 'agreed by phone', in: 104, out: 8 };
  assert.deepEqual(await stateOf(), after);
  const { json } = await viewer.send('GET', `${root}/trail?operation=resume_fix_session`);
  const [act, ...others] = json['data'] as readonly Record<string, unknown>[];
  assert.deepEqual(others, []);
  const { actor, role, target, reason, detail } = act ?? {};
  assert.deepEqual(
    [actor, role, target, reason, detail],
    ['the operator', 'operator', '/venues/XFRA/fix', 'agreed by phone', '{"next_in":104}'],
  );

  await sql`
    update unwind.fix_sessions s
    set status = 'ready', lease_holder = gen_random_uuid(), lease_expires_at = ${later(clock.now(), 10_000)}
    where s.venue = 'XFRA'`;
  const refused = await resume(agreed);
  assert.deepEqual([refused.status, /has not failed/.test(refused.text)], [409, true]);
  assert.equal((await stateOf())?.status, 'ready');
});

const places = [
  ['GET', '/venues'],
  ['GET', '/venues/XFRA/messages'],
  ['POST', '/venues/XFRA/resume'],
  ['GET', '/trail'],
  ['GET', '/audits'],
  ['POST', '/audits'],
  ['GET', `/audits/${randomUUID()}`],
] as const;

test('who may look at some clients only sees none of it, nor does anybody who is not signed in', async () => {
  const limited = browserAt(service);
  const openId = { subject: 'x', tenants: [client.clientId], idToken: undefined };
  const id = await beginSession(sql, clock, {
    name: 'limited',
    role: 'risk',
    openId,
    origin: '203.0.113.7',
  });
  limited.cookie = `unwind_console${service.port}=${id}`;
  assert.equal((await limited.send('GET', '/console/session')).json['person'], 'limited');
  for (const [method, path] of places) {
    assert.equal((await limited.send(method, root + path)).status, 403, path);
    assert.equal((await browserAt(service).send(method, root + path)).status, 401, path);
    const headers = { 'sec-fetch-site': 'cross-site' };
    assert.equal((await operator.send(method, root + path, { headers })).status, 403, path);
  }
  assert.equal((await viewer.send('POST', `${root}/audits`)).status, 403, 'a viewer looks');
  assert.equal((await operator.send('GET', `${root}/audits/${randomUUID()}`)).status, 404);
  assert.equal((await operator.send('GET', `${root}/audits/x`)).status, 404);
});
