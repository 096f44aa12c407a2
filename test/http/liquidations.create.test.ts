// What an order to liquidate an account is refused for, and that a refused one changes nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import type { AccountStatus } from '../../src/book/account.ts';
import type { AccountOfUser } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Content, makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, liquidate, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const neighbour = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const [account, another] = await giveAccounts(sql, client, [{}, {}]);
assert.ok(another);
const [theirs] = await giveAccounts(sql, neighbour);
const { target } = toLiquidate(account);

/** Sends an order that has to be refused; only the use of its signature may be recorded. */
async function refused(path: string, content: Content): Promise<Reply> {
  const before = await recordsOf(sql);
  const reply = await api.call('POST', path, content);
  assert.deepEqual(await recordsOf(sql), before);
  return reply;
}

/** A body in place of the right one, with a new key. */
function withBody(body: string | Buffer, type: string | undefined = 'application/json'): Content {
  return { body, headers: { 'idempotency-key': randomUUID(), 'content-type': type } };
}

function forAccount({ accountId, userId }: Pick<AccountOfUser, 'accountId' | 'userId'>) {
  const { target: path, content } = toLiquidate({ ...account, accountId, userId });
  return refused(path, content);
}

test('point 6: an account or a user that is not there, or not of each other', async () => {
  const noSuch = 'There is no such account of this user.';
  const { accountId, userId } = account;
  assertProblem(await forAccount({ accountId: theirs.accountId, userId }), 'not_found', noSuch);
  assertProblem(await forAccount({ accountId, userId: theirs.userId }), 'not_found', noSuch);
  assertProblem(await forAccount(theirs), 'not_found', noSuch);
  assertProblem(await forAccount({ accountId, userId: another.userId }), 'not_found', noSuch);
  const unknown = toLiquidate(await nobody());
  assertProblem(await refused(unknown.target, unknown.content), 'not_found', noSuch);
});

/** An account and a user of nobody. */
async function nobody(): Promise<AccountOfUser> {
  const [gone] = await giveAccounts(sql, client, [{ positions: [] }]);
  const { accountId, userId } = gone;
  await sql`delete from unwind.accounts where account_id = ${accountId}`;
  await sql`delete from unwind.users where user_id = ${userId}`;
  return gone;
}

test('point 6: the states of an account', async (t) => {
  const states: Readonly<Record<AccountStatus, 202 | 409>> = {
    PENDING_APPROVAL: 409,
    ACTIVE: 202,
    CLOSING: 202,
    CLOSED: 409,
    LOCKED: 409,
  };
  for (const [name, status] of Object.entries(states)) {
    await t.test(name, async () => {
      const [one] = await giveAccounts(sql, client, [{ status: name as AccountStatus }]);
      const { target: path, content } = toLiquidate(one);
      if (status === 202) return assertSuccess(await api.call('POST', path, content), 202);
      assertProblem(await refused(path, content), 'conflict', `The account is ${name}.`);
    });
  }
});

test('point 6: one is running already: the answer says which and where', async () => {
  const [busy] = await giveAccounts(sql, client);
  const path = await liquidate(api, busy);
  const order = toLiquidate(busy);
  const reply = await refused(order.target, order.content);
  const id = path.slice(path.lastIndexOf('/') + 1);
  assertProblem(reply, 'conflict', `Liquidation ${id} of this account is still running.`);
  assert.equal(reply.headers.location, path);
  const found = await api.call('GET', path);
  assert.equal(found.json['id'], id);
  // After its end the account can be liquidated again.
  assert.equal((await api.call('DELETE', path)).status, 204);
  assertSuccess(await api.call('POST', order.target, order.content), 202);
});

test('point 6: a body that is not what it must be', async (t) => {
  const user = account.userId;
  const notJson = 'The body is not JSON.';
  const bodies: readonly (readonly [body: string | Buffer, detail: RegExp | string])[] = [
    [' ', notJson],
    ['{', notJson],
    ['user_id', notJson],
    [`{'user_id':'${user}'}`, notJson],
    [`{"user_id":"${user}"}}`, notJson],
    [`{"user_id":"${user}",}`, notJson],
    [`{"user_id":"${user}"}\0`, notJson],
    [Buffer.from(`{"user_id":"${user}\xff"}`, 'latin1'), notJson],
    [Buffer.from(`{"user_id":"${user}"}`, 'utf16le'), notJson],
    [Buffer.from([0xef, 0xbb]), notJson],
    ['['.repeat(16_000), notJson],
    ['null', /must be object/],
    ['true', /must be object/],
    ['1', /must be object/],
    [`"${user}"`, /must be object/],
    [`[{"user_id":"${user}"}]`, /must be object/],
    ['{}', /must have required properties user_id/],
    ['{"user_id":null}', /\/user_id must be string/],
    ['{"user_id":1}', /\/user_id must be string/],
    [`{"user_id":["${user}"]}`, /\/user_id must be string/],
    ['{"user_id":""}', /\/user_id/],
    ['{"user_id":"me"}', /\/user_id/],
    [`{"user_id":"${user}0"}`, /\/user_id/],
    [`{"user_id":" ${user}"}`, /\/user_id/],
    [`{"user_id":"${user}\\n"}`, /\/user_id/],
    [`{"user_id":"${user}\\u0000"}`, /\/user_id/],
    [`{"user_id":"{${user}}"}`, /\/user_id/],
    [`{"user_id":"urn:uuid:${user}"}`, /\/user_id/],
    [`{"user_id":"${user.replaceAll('-', '')}"}`, /\/user_id/],
    [`{"USER_ID":"${user}"}`, /unknown members \(USER_ID\)/],
    [`{"user_id":"${user}","business_id":"${user}"}`, /unknown members \(business_id\)/],
    [`{"user_id":"${user}","a":1,"b":2}`, /unknown members \(a, b\)/],
    [`{"user_id":"${user}","__proto__":{}}`, /unknown members \(__proto__\)/],
    [`{"__proto__":{"user_id":"${user}"}}`, /__proto__|user_id/],
    [`{"user_id":"${user}","constructor":1}`, /unknown members \(constructor\)/],
  ];
  for (const [body, detail] of bodies) {
    await t.test(String(body).slice(0, 60), async () => {
      assertProblem(await refused(target, withBody(body)), 'bad_request', detail);
    });
  }
});

test('point 11: a body that is not said to be JSON in UTF-8', async (t) => {
  const body = JSON.stringify({ user_id: account.userId });
  const types = [
    undefined,
    '',
    'json',
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'application/json-patch+json',
    'application/problem+json',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=utf-8',
    'application/json, text/plain',
    '"application/json"',
  ];
  for (const type of types) {
    await t.test(String(type), async () => {
      const headers = { 'idempotency-key': randomUUID(), 'content-type': type };
      const reply = await refused(target, { body, headers });
      assertProblem(reply, 'unsupported_media_type', /application\/json in UTF-8|content-type/);
    });
  }
});

test('point 6: no body at all', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const without = await refused(target, { headers });
  assertProblem(without, 'unsupported_media_type', /application\/json/);
  const named = { ...headers, 'content-type': 'application/json' };
  assertProblem(await refused(target, { headers: named }), 'bad_request', 'The body is not JSON.');
});

test('point 11: JSON in UTF-8 may be said and written in several ways', async (t) => {
  const types = [
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json ; charset="UTF-8"',
  ];
  const bodies = [
    (user: string) => `{"user_id":"${user}"}`,
    (user: string) => ` \n{ "user_id" : "${user}" }\t\r\n`,
    (user: string) => `{"\\u0075ser_id":"${user}"}`,
    (user: string) => `{"user_id":"${user}"}`.padEnd(16_384),
  ];
  for (const [at, write] of bodies.entries()) {
    await t.test(types[at] ?? '', async () => {
      const [one] = await giveAccounts(sql, client);
      const { target: path } = toLiquidate(one);
      const reply = await api.call('POST', path, withBody(write(one.userId), types[at]));
      assertSuccess(reply, 202);
    });
  }
});

test('point 9: an idempotency key that is missing or malformed', async (t) => {
  const json = { user_id: account.userId };
  const without = await refused(target, { json });
  assertProblem(without, 'bad_request', 'The header idempotency-key is missing.');
  const key = randomUUID();
  const keys = ['', '1', 'key', `${key}0`, key.slice(1), `{${key}}`, `"${key}"`, `${key}, ${key}`];
  const version7 = account.accountId;
  const otherVariant = `${key.slice(0, 19)}c${key.slice(20)}`;
  for (const malformed of [...keys, version7, otherVariant, key.replace('-', '--')]) {
    await t.test(malformed, async () => {
      const reply = await refused(target, { json, headers: { 'idempotency-key': malformed } });
      assertProblem(reply, 'bad_request', /idempotency-key is no UUID of version 0 to 5/);
    });
  }
});

test('point 6: a malformed account id', async () => {
  const { content } = toLiquidate(account);
  for (const id of ['1', `${account.accountId}0`, '%2e%2e', 'a'.repeat(3_000)]) {
    const reply = await refused(`/accounts/${id}/liquidations`, content);
    assertProblem(reply, 'bad_request', 'The path parameter account_id is no UUID.');
  }
});
