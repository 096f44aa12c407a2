// Idempotency keys: the same order again, another one under the same key, and many at once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { AccountOfUser } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, type Reply, send, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const elsewhere = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

/** Asks with a key; every time signed anew. */
function ask(account: AccountOfUser, key: string): Promise<Reply> {
  const { target, content } = toLiquidate(account, key);
  return api.call('POST', target, content);
}

/** Asks many times at once, half of them at another process. */
async function askAtOnce(
  times: number,
  orderOf: (at: number) => [account: AccountOfUser, key: string],
): Promise<readonly Reply[]> {
  const orders = Array.from({ length: times }, (_, at) => toLiquidate(...orderOf(at)));
  const signed = orders.map(({ target, content }) => api.signed('POST', target, content));
  const messages = await Promise.all(signed);
  return Promise.all(messages.map((message, at) => send(at % 2 ? elsewhere : service, message)));
}

/** The first response again: its bytes, and a header that says so. */
function assertReplayed(reply: Reply, first: Reply): void {
  assertSuccess(reply, 202);
  assert.equal(reply.text, first.text);
  assert.equal(reply.headers['idempotency-replayed'], 'true');
  assert.notEqual(reply.headers['upvest-request-id'], first.headers['upvest-request-id']);
}

async function countLiquidations({ accountId }: AccountOfUser): Promise<string> {
  const rows = await sql<{ counts: string }[]>`
    select
      (select count(*) from unwind.liquidations l where l.account_id = ${accountId})
      || ' liquidations, '
      || (select count(*) from unwind.events e where e.account_id = ${accountId})
      || ' events' as counts`;
  return rows[0]?.counts ?? '';
}

const one = '1 liquidations, 1 events';

test('point 9: the same order again gets the first answer, also after the liquidation moved on', async () => {
  const [account] = await giveAccounts(sql, client);
  const key = randomUUID();
  const first = await ask(account, key);
  assertSuccess(first, 202);
  assert.equal(first.headers['idempotency-replayed'], undefined);
  const before = await recordsOf(sql);
  assertReplayed(await ask(account, key), first);
  assert.deepEqual(await recordsOf(sql), before);

  await steps.release();
  assertReplayed(await ask(account, key), first);
  clock.advance(1_000);
  await runUntilIdle(steps);
  const path = `/accounts/${account.accountId}/liquidations/${first.json['id']}`;
  assert.equal((await api.call('GET', path)).json['status'], 'FILLED');
  assertReplayed(await ask(account, key), first);
  await sql`
    update unwind.accounts
    set status = 'CLOSED'
    where account_id = ${account.accountId}`;
  assertReplayed(await ask(account, key), first);
});

test('point 9: the answer is remembered by all processes', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const first = await api.call('POST', target, content);
  assertReplayed(await send(elsewhere, await api.signed('POST', target, content)), first);
});

test('point 9: a key in other letters and without dashes is the same key', async () => {
  const [account] = await giveAccounts(sql, client);
  const key = randomUUID();
  const first = await ask(account, key);
  const bare = key.replaceAll('-', '');
  const forms = [key.toUpperCase(), bare, bare.toUpperCase(), key.replace('-', '')];
  for (const form of forms) assertReplayed(await ask(account, form), first);
  assert.equal(await countLiquidations(account), one);
});

test('point 9: another order under the same key is 422', async () => {
  const [account, another] = await giveAccounts(sql, client, [{}, {}]);
  assert.ok(another);
  // The same user: then the bodies are the same, and only the paths differ.
  const { accountId: anotherId } = another;
  await sql`
    update unwind.accounts
    set user_id = ${account.userId}
    where account_id = ${anotherId}`;
  const key = randomUUID();
  const first = await ask(account, key);
  const used = 'The idempotency key was used for another request.';
  const elsewise = await ask({ ...account, accountId: anotherId }, key);
  assertProblem(elsewise, 'unprocessable_content', used);
  const { target } = toLiquidate(account);
  const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
  // The same to JSON, but not the same bytes.
  const body = `{ "user_id": "${account.userId}" }`;
  const other = await api.call('POST', target, { body, headers });
  assertProblem(other, 'unprocessable_content', used);
  assertReplayed(await ask(account, key), first);
  assert.equal(await countLiquidations(another), '0 liquidations, 0 events');
});

test('point 9: a refused order does not use up its key', async () => {
  const [account] = await giveAccounts(sql, client, [{ status: 'LOCKED' }]);
  const key = randomUUID();
  assertProblem(await ask(account, key), 'conflict', 'The account is LOCKED.');
  const { target } = toLiquidate(account);
  const headers = { 'idempotency-key': key };
  const wrong = await api.call('POST', target, { json: { user: account.userId }, headers });
  assertProblem(wrong, 'bad_request', /unknown members \(user\)/);
  await sql`
    update unwind.accounts
    set status = 'ACTIVE'
    where account_id = ${account.accountId}`;
  const first = await ask(account, key);
  assertSuccess(first, 202);
  assert.equal(first.headers['idempotency-replayed'], undefined);
  assertReplayed(await ask(account, key), first);
  assertProblem(await ask(account, randomUUID()), 'conflict', /still running/);
});

test('point 9: the same key of another client is another key', async () => {
  const neighbour = await makeApiClient(sql, clock);
  const [[account], [theirs]] = [
    await giveAccounts(sql, client),
    await giveAccounts(sql, neighbour),
  ];
  const key = randomUUID();
  assertSuccess(await ask(account, key), 202);
  const { target, content } = toLiquidate(theirs, key);
  const answer = await (await apiOf(service, neighbour)).call('POST', target, content);
  assertSuccess(answer, 202);
  assert.equal(answer.headers['idempotency-replayed'], undefined);
});

test('point 9: fifty of one order at once make one liquidation', async () => {
  const [account] = await giveAccounts(sql, client);
  const key = randomUUID();
  const replies = await askAtOnce(50, () => [account, key]);
  const accepted = replies.filter((reply) => reply.status === 202);
  const firsts = accepted.filter((reply) => reply.headers['idempotency-replayed'] === undefined);
  assert.equal(firsts.length, 1);
  assert.deepEqual(new Set(accepted.map((reply) => reply.text)), new Set([firsts[0]?.text]));
  for (const reply of replies.filter((other) => other.status !== 202)) {
    assertProblem(reply, 'conflict', /still running|try again/);
  }
  assert.equal(await countLiquidations(account), one);
});

test('point 9: fifty orders with keys of their own at once: one is accepted', async () => {
  const [account] = await giveAccounts(sql, client);
  const replies = await askAtOnce(50, () => [account, randomUUID()]);
  const accepted = replies.filter((reply) => reply.status === 202);
  assert.equal(accepted.length, 1);
  const running = `Liquidation ${accepted[0]?.json['id']} of this account is still running.`;
  for (const reply of replies.filter((other) => other.status !== 202)) {
    assertProblem(reply, 'conflict', running);
  }
  assert.equal(await countLiquidations(account), one);
});

test('point 9: orders for many accounts under one key at once: one is accepted', async () => {
  const accounts = await giveAccounts(
    sql,
    client,
    Array.from({ length: 20 }, () => ({})),
  );
  const key = randomUUID();
  const replies = await askAtOnce(20, (at) => [accounts[at] ?? accounts[0], key]);
  assert.equal(replies.filter((reply) => reply.status === 202).length, 1);
  for (const reply of replies.filter((other) => other.status !== 202)) {
    assertProblem(reply, 'unprocessable_content', /used for another request/);
  }
  const counts = await Promise.all(accounts.map(countLiquidations));
  assert.equal(counts.filter((count) => count === one).length, 1);
});

test('point 9: while another change of the account does not end, the answer is 409; later all is well', async (t) => {
  const [account] = await giveAccounts(sql, client);
  const impatient = connect({ url, max: 2, applicationName: 'impatient', lockTimeoutMs: 100 });
  t.after(() => impatient.end());
  const hurried = await startHttp(t, { sql: impatient, clock });
  const { target, content } = toLiquidate(account);
  await inTransaction(sql, async (tx) => {
    await tx`
      select a.account_id
      from unwind.accounts a
      where a.account_id = ${account.accountId}
      for update`;
    const reply = await send(hurried, await api.signed('POST', target, content));
    assertProblem(reply, 'conflict', /still running/);
  });
  assertSuccess(await send(hurried, await api.signed('POST', target, content)), 202);
});
