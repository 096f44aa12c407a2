// Point 11: a request that outlives its deadline is answered 504 and rolled back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const applicationName = 'hurried requests';
const timeouts = { deadlineMs: 300 };
// What is to succeed goes to a service that is in no hurry.
const patient = await startHttp({ after }, { sql, clock });
const api = await apiOf(patient, client);

async function start(t: AfterTest) {
  const own = connect({ url, max: 2, applicationName, lockTimeoutMs: 60_000 });
  const hurried = await startHttp(t, { sql: own, clock, timeouts });
  t.after(() => own.end());
  return { own, hurried };
}

const tooLong = /^The request took longer than 300 ms and was given up;/;

/** Backends of the service that run a statement or wait for a lock. */
async function busyBackends(): Promise<number> {
  const rows = await sql`
    select a.pid
    from pg_catalog.pg_stat_activity a
    where a.datname = current_database()
      and a.application_name = ${applicationName}
      and a.state = 'active'`;
  return rows.length;
}

test('point 11: what waits past the deadline is 504, rolled back, and can be sent again', async (t) => {
  const { hurried } = await start(t);
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const signed = await api.signed('POST', target, content);
  const before = await recordsOf(sql);
  await inTransaction(sql, async (tx) => {
    await tx`
      select 1
      from unwind.accounts a
      where a.account_id = ${account.accountId}
      for update`;
    assertProblem(await send(hurried, signed), 'gateway_timeout', tooLong);
    // The account is still held here: the statement ended because its connection did.
    await eventually('the statement has ended', async () => (await busyBackends()) === 0);
  });
  assert.deepEqual(await recordsOf(sql), before);
  const again = await api.call('POST', target, content);
  assertSuccess(again, 202);
  assert.equal(again.headers['idempotency-replayed'], undefined);
  const replayed = await api.call('POST', target, content);
  assert.equal(replayed.text, again.text);
});

test('point 11: a read that waits past the deadline is 504, and the service goes on', async (t) => {
  const { hurried } = await start(t);
  const signed = await api.signed('GET', '/webhooks');
  await inTransaction(sql, async (tx) => {
    await tx`lock table unwind.webhooks in access exclusive mode`;
    assertProblem(await send(hurried, signed), 'gateway_timeout', tooLong);
  });
  await eventually('it answers again', async () => {
    return (await send(hurried, await api.signed('GET', '/webhooks'))).status === 200;
  });
});

test('point 11: with every connection taken, the statement is never sent', async (t) => {
  const { own, hurried } = await start(t);
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const signed = await api.signed('POST', target, content);
  const before = await recordsOf(sql);
  const release = Promise.withResolvers<void>();
  const hold = () => inTransaction(own, () => release.promise);
  const held = Promise.all([hold(), hold()]);
  await eventually('both connections are taken', async () => {
    const rows = await sql`
      select a.pid
      from pg_catalog.pg_stat_activity a
      where a.datname = current_database()
        and a.application_name = ${applicationName}
        and a.state = 'idle in transaction'`;
    return rows.length === 2;
  });
  assertProblem(await send(hurried, signed), 'gateway_timeout', tooLong);
  release.resolve();
  await held;
  await eventually('it answers again', async () => {
    return (await send(hurried, await api.signed('GET', '/webhooks'))).status === 200;
  });
  assert.deepEqual(await recordsOf(sql), before);
});
