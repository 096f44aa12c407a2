// Batches over HTTP: made once, looked at, listed, steered; their accounts, events and streams; what is refused.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { accountsOfBatchMax, batchLookMs } from '../../src/batches/limits.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, type Reply, send, startHttp } from '../support/http.ts';
import { onlyLong } from '../support/length.ts';
import { type Api, apiOf, giveAccounts, keyOf, liquidate, toBatch } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
// A second of work, which a busy machine may stretch beyond what a request usually has.
const timeouts = { requestMs: 300_000, deadlineMs: 300_000 };
const service = await startHttp({ after }, { sql, clock, timeouts });
const steps = engineSteps(sql, clock, { delayMs: 0 });
const by = { reason: 'The product ends', person: 'A. Risk' };

async function begin(accounts = 2) {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const own = await giveAccounts(
    sql,
    client,
    Array.from({ length: accounts }, () => ({})),
  );
  const make = (json: object, key: string = randomUUID()) => {
    return api.call('POST', '/batches', { json: { ...by, ...json }, headers: keyOf(key) });
  };
  const steer = (id: unknown, act: string, json: object = by) => {
    return api.call('POST', `/batches/${id}/${act}`, { json, headers: keyOf(randomUUID()) });
  };
  const named = own.map(({ accountId }) => ({ account_id: accountId }));
  return { client, api, own, named, make, steer };
}

async function runToEnd(): Promise<void> {
  await runUntilIdle(steps);
  clock.advance(batchLookMs);
  await runUntilIdle(steps);
}

function idsIn(reply: Reply, name: string): readonly unknown[] {
  const { data } = reply.json as unknown as { data: readonly Record<string, unknown>[] };
  return data.map((one) => one[name]);
}

test('a batch is made once for each key, and sells each account', async () => {
  const { api, own, named, make } = await begin();
  const [first, second] = own;
  assert.ok(first && second);
  await liquidate(api, first);
  const key = randomUUID();
  const wish = { accounts: [...named].reverse(), rate: 6_000, in_progress_max: 10 };
  const made = await make(wish, key);
  assertSuccess(made, 201);
  const { id, created_at: _, updated_at: __, start_at: startAt, ...rest } = made.json;
  assert.equal(startAt, clock.now().toISOString());
  assert.deepEqual(rest, {
    ...{ status: 'SCHEDULED', ...by, rate: 6_000, in_progress_max: 10 },
    accounts: { total: 2, waiting: 2, started: 0, refused: 0, cancelled: 0 },
    liquidations: { new: 0, processing: 0, filled: 0, cancelled: 0 },
    money: { currency: 'EUR', cash_amount: '0.00', proceeds: '0.00' },
  });
  const again = await make(wish, key);
  assert.deepEqual([again.status, again.text], [201, made.text]);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assertProblem(await make({ ...wish, rate: 1 }, key), 'unprocessable_content', /another request/);
  // Its rate lets the second one follow a little later.
  for (let i = 0; i < 2; i += 1) await runToEnd();
  const ended = await api.call('GET', `/batches/${id}`);
  assert.equal(ended.json['status'], 'COMPLETED');
  assert.deepEqual(ended.json['money'], {
    ...{ currency: 'EUR', cash_amount: '2083.50', proceeds: '2083.50' },
  });
  const accounts = await api.call('GET', `/batches/${id}/accounts`);
  assert.deepEqual(idsIn(accounts, 'account_id'), own.map(({ accountId }) => accountId).toSorted());
  const { data } = accounts.json as unknown as {
    data: { status: string; refusal?: { code: string }; liquidation?: { status: string } }[];
  };
  assert.deepEqual(
    data.map((one) => [one.status, one.refusal?.code, one.liquidation?.status]),
    [
      ['REFUSED', 'liquidation_running', undefined],
      ['STARTED', undefined, 'FILLED'],
    ],
  );
});

test('accounts are listed by what became of them, in pages', async () => {
  const { api, own, named, make } = await begin(5);
  const [first] = own;
  assert.ok(first);
  await liquidate(api, first);
  const { id } = (await make({ accounts: named, in_progress_max: 2 })).json;
  while ((await steps.start()) > 0);
  const list = (query: string) => api.call('GET', `/batches/${id}/accounts${query}`);
  const ids = async (query: string) => idsIn(await list(query), 'number');
  assert.deepEqual(await ids('?status=REFUSED'), [1]);
  assert.deepEqual(await ids('?status=STARTED'), [2, 3]);
  assert.deepEqual(await ids('?liquidation_status=NEW'), [2, 3]);
  assert.deepEqual(await ids('?status=WAITING'), [4, 5]);
  assert.deepEqual(await ids('?liquidation_status=FILLED'), []);
  const page = await list('?limit=3');
  const { next, has_more: hasMore } = page.json['meta'] as { next: string; has_more: boolean };
  assert.ok(hasMore);
  assert.deepEqual([...idsIn(page, 'number'), ...(await ids(`?cursor=${next}`))], [1, 2, 3, 4, 5]);
});

test('batches are listed, paused, resumed and cancelled', async () => {
  const { api, named, make, steer } = await begin();
  const [one, two] = named;
  const late = { start_at: '2100-01-01T00:00:00Z' };
  const first = String((await make({ accounts: [one], ...late })).json['id']);
  const second = String((await make({ accounts: [two], ...late })).json['id']);
  assert.deepEqual(idsIn(await api.call('GET', '/batches'), 'id'), [second, first]);
  const page = await api.call('GET', '/batches?limit=1');
  const { next } = page.json['meta'] as { next: string };
  assert.deepEqual(idsIn(await api.call('GET', `/batches?cursor=${next}`), 'id'), [first]);
  const paused = await steer(first, 'pause', { reason: 'Prices', person: 'B. Desk' });
  assertSuccess(paused, 200);
  assert.deepEqual(
    [paused.json['status'], paused.json['steered_by'], paused.json['steer_reason']],
    ['PAUSED', 'B. Desk', 'Prices'],
  );
  assert.deepEqual(idsIn(await api.call('GET', '/batches?status=PAUSED'), 'id'), [first]);
  assertProblem(await steer(first, 'pause'), 'conflict', /PAUSED; only one that is SCHEDULED/);
  assert.equal((await steer(first, 'resume')).json['status'], 'SCHEDULED');
  assert.equal((await steer(first, 'cancel')).json['status'], 'CANCELLING');
  await runToEnd();
  const { json } = await api.call('GET', `/batches/${first}`);
  assert.deepEqual(
    [json['status'], json['accounts']],
    ['CANCELLED', { total: 1, waiting: 0, started: 0, refused: 0, cancelled: 1 }],
  );
  await steer(second, 'cancel');
});

test('what is wrong with a batch is refused, and nothing is made', async () => {
  const { api, named, make } = await begin();
  const [one] = named;
  const refused = async (json: object, detail: RegExp) => {
    assertProblem(await make(json), 'bad_request', detail);
  };
  await refused({ accounts: [...named, one] }, /accounts\/2 names the account of \/accounts\/0/);
  await refused({ accounts: [] }, /\/accounts/);
  await refused({ accounts: [{ account_id: 'x' }] }, /\/accounts\/0\/account_id/);
  await refused({ accounts: [one?.account_id] }, /\/accounts\/0/);
  await refused({ accounts: named, rate: 0 }, /\/rate/);
  await refused({ accounts: named, rate: 1.5 }, /\/rate/);
  await refused({ accounts: named, in_progress_max: 0 }, /\/in_progress_max/);
  await refused({ accounts: named, start_at: 'tomorrow' }, /start_at is no RFC 3339/);
  await refused({ accounts: named, reason: '' }, /\/reason/);
  await refused({ accounts: named, person: 'A\u202e' }, /\/person has characters/);
  assert.deepEqual(idsIn(await api.call('GET', '/batches'), 'id'), []);
});

test('events of a batch come to those alone that ask for them by name', async () => {
  const { api, named, make } = await begin();
  const { id } = (await make({ accounts: named })).json;
  await runToEnd();
  const types = async (query: string) => idsIn(await api.call('GET', `/events${query}`), 'type');
  const all = await types('');
  assert.ok(all.length === 6 && all.every((type) => /^ACCOUNT_LIQUIDATION/.test(String(type))));
  assert.deepEqual(await types('?type=BATCH'), [
    ...['BATCH.CREATED', 'BATCH.STARTED', 'BATCH.COMPLETED'],
  ]);
  assert.deepEqual(await types('?type=BATCH.STARTED'), ['BATCH.STARTED']);
  const own = await readStream(api, `/stream?after=e0&batch_id=${id}`, 3);
  assert.deepEqual(own, ['BATCH.CREATED', 'BATCH.STARTED', 'BATCH.COMPLETED']);
  const published = await readStream(api, '/stream?after=e0', 6);
  assert.deepEqual(published, all);
  const nobody = await api.call('GET', `/stream?batch_id=${randomUUID()}`);
  assertProblem(nobody, 'not_found', 'There is no such batch.');
  const both = `/stream?batch_id=${id}&account_liquidation_id=${randomUUID()}`;
  assertProblem(await api.call('GET', both), 'bad_request', /do not go together/);
});

/** The types of the first events of a stream. */
async function readStream(api: Api, target: string, count: number): Promise<readonly string[]> {
  const headers = { accept: 'text/event-stream' };
  const message = await api.signed('GET', target, { headers });
  const opened = Promise.withResolvers<IncomingMessage>();
  httpRequest({
    host: '127.0.0.1',
    port: service.port,
    agent: false,
    path: target,
    headers: message.headers.flat(),
  })
    .on('response', opened.resolve)
    .on('error', opened.reject)
    .end();
  const response = await opened.promise;
  let text = '';
  const types = () => [...text.matchAll(/"type":"([A-Z_.]+)"}\n\n/g)].map(([, type = '']) => type);
  for await (const part of response.setEncoding('utf8')) {
    text += part;
    if (types().length >= count) break;
  }
  return types();
}

test('a batch names 100,000 accounts with their users, in one request', onlyLong, async () => {
  const { own, make, steer } = await begin(1);
  const [account] = own;
  assert.ok(account);
  const accounts = Array.from({ length: accountsOfBatchMax }, (_, i) => {
    return { account_id: i === 0 ? account.accountId : randomUUID(), user_id: account.userId };
  });
  const made = await make({ accounts });
  assertSuccess(made, 201);
  assert.equal((made.json['accounts'] as { total: number }).total, accountsOfBatchMax);
  const tooMany = await make({ accounts: [...accounts, { account_id: randomUUID() }] });
  assertProblem(tooMany, 'bad_request', /\/accounts/);
  await steer(made.json['id'], 'cancel');
});

test('a large body that is mostly brackets or names is not explained', async () => {
  const { api } = await begin(1);
  const post = (body: string) => {
    return api.call('POST', '/batches', {
      body,
      headers: { 'content-type': 'application/json', ...keyOf(randomUUID()) },
    });
  };
  const empty = await post(`{"accounts":[${'0,'.repeat(500_000)}0]}`);
  assertProblem(empty, 'bad_request', 'The body has more than 400000 values.');
  const deep = await post(`${'['.repeat(500_000)}${']'.repeat(500_000)}`);
  assertProblem(deep, 'bad_request', 'The body has more than 400000 values.');
  const members = Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`);
  const wide = await post(`{"accounts":[{${members.join(',')}}]}`);
  assertProblem(wide, 'bad_request', 'An object of the body has more than 1000 members.');
  const account = JSON.stringify({ ...by, accounts: [{ account_id: randomUUID() }] }).slice(0, -1);
  for (const count of [1, 100]) {
    const names = Array.from({ length: count }, (_, i) => `"${'k'.repeat(10_000)}${i}":0`);
    const long = await post(`${account},${names.join(',')}}`);
    assertProblem(long, 'bad_request', /k{400}/);
    assert.ok(long.text.length < 2_000, 'it does not repeat them all');
  }
});

test('a large body is read only for a client with a token for it', async () => {
  const { client, named, api, make } = await begin();
  const accounts = Array.from({ length: 1_000 }, () => ({ account_id: randomUUID() }));
  const content = toBatch({ ...client, accountId: named[0]?.account_id } as never, { accounts });
  const weak = await apiOf(service, client, ['batches:read']);
  const detail = /before it is read/;
  assertProblem(await weak.call('POST', '/batches', content), 'unauthorized', detail);
  const headers = { ...content.headers, authorization: 'Bearer c2Vj' };
  const unknown = await api.call('POST', '/batches', { ...content, headers });
  assertProblem(unknown, 'unauthorized', detail);
  assertSuccess(await make({ accounts, start_at: '2100-01-01T00:00:00Z' }), 201);
});

test('of one client one large body is read at a time', async () => {
  const { api } = await begin();
  const accounts = Array.from({ length: 20_000 }, () => ({ account_id: randomUUID() }));
  const [first, second] = [0, 1].map(() => {
    const json = { ...by, accounts, start_at: '2100-01-01T00:00:00Z' };
    return api.signed('POST', '/batches', { json, headers: keyOf(randomUUID()) });
  });
  assert.ok(first && second);
  const messages = await Promise.all([first, second]);
  const replies = await Promise.all(messages.map((message) => send(service, message)));
  const statuses = replies.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [201, 503]);
});
