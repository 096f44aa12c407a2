// A test suite builds its own world by requests: users, accounts, instruments with prices, and units to
// sell. In live mode these routes do not exist; users can be read there as well.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { apiOf, marcel } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock('2026-01-05T09:00:00.000Z');
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const neighbour = await apiOf(service, await makeApiClient(sql, clock));

const post = (target: string, json: unknown, key = randomUUID(), as = api): Promise<Reply> => {
  return as.call('POST', target, { json, headers: { 'idempotency-key': key } });
};

async function made(target: string, json: unknown, as = api): Promise<Reply['json']> {
  const reply = await post(target, json, randomUUID(), as);
  assertSuccess(reply, 200);
  assert.equal(reply.text, JSON.stringify(reply.json), 'compact JSON');
  return reply.json;
}

const idOf = (object: Reply['json']) => String(object['id']);

test('a user is answered as it was described, by name, and read back the same', async () => {
  const user = await made('/users', marcel);
  const { id, ...said } = user;
  const at = '2026-01-05T09:00:00.000Z';
  assert.deepEqual(said, {
    ...marcel,
    postal_address: marcel.address,
    status: 'ACTIVE',
    created_at: at,
    updated_at: at,
  });
  assert.deepEqual(Object.keys(user), Object.keys(user).toSorted());
  assert.deepEqual(Object.keys(Object(user['address'])), Object.keys(marcel.address).toSorted());
  const read = await api.call('GET', `/users/${id}`);
  assertSuccess(read, 200);
  assert.equal(read.text, JSON.stringify(user));
});

test('what a user may be described by has the published limits', async (t) => {
  const { postal_address: _, ...minimal } = {
    first_name: 'Jo',
    last_name: 'Li',
    birth_date: '2000-02-29',
    nationalities: ['DE', 'AU'],
    address: { address_line1: 'Rosenweg 1', postcode: '45678', city: 'Berlin', country: 'DE' },
    postal_address: null,
  };
  const smallest = await made('/users', minimal);
  assert.deepEqual(smallest['postal_address'], smallest['address']);
  const odd = 'Zoë "Ω" \\ O’Neill\u2028';
  assert.equal((await made('/users', { ...minimal, last_name: odd }))['last_name'], odd);
  const wrong: Readonly<Record<string, object>> = {
    last_name: { ...minimal, last_name: 'L' },
    birth_date: { ...minimal, birth_date: '2001-02-29' },
    nationalities: { ...minimal, nationalities: [] },
    country: { ...minimal, address: { ...minimal.address, country: 'Germany' } },
    first_name: Object.fromEntries(
      Object.entries(minimal).filter(([name]) => name !== 'first_name'),
    ),
    email: { ...minimal, email: 'not an address' },
    confirmed_at: { ...minimal, fatca: { status: true, confirmed_at: 'yesterday' } },
    nickname: { ...minimal, nickname: 'Jo' },
  };
  for (const [member, json] of Object.entries(wrong)) {
    await t.test(member, async () => {
      assertProblem(await post('/users', json), 'bad_request', new RegExp(member));
    });
  }
});

test('users come in pages by their creation, and each client sees its own', async () => {
  const own = await apiOf(service, await makeApiClient(sql, clock));
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    clock.advance(1_000);
    ids.push(idOf(await made('/users', marcel, own)));
  }
  const page = await own.call('GET', '/users?limit=2&offset=1&order=DESC');
  assertSuccess(page, 200);
  const { data, meta } = page.json as { data: readonly { id: string }[]; meta: object };
  assert.deepEqual(
    data.map((user) => user.id),
    [ids[1], ids[0]],
  );
  assert.deepEqual(meta, {
    ...{ count: 2, limit: 2, offset: 1 },
    ...{ order: 'DESC', sort: 'created_at', total_count: 3 },
  });
  const foreign = await neighbour.call('GET', `/users/${ids[0]}`);
  assertProblem(foreign, 'not_found', 'There is no such user.');
});

test('an imported user shows what the book knows of it', async () => {
  const tenantId = client.clientId;
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [],
    accounts: [{ positions: [] }],
  });
  assert.ok(account);
  const read = await api.call('GET', `/users/${account.userId}`);
  assertSuccess(read, 200);
  const at = '2026-01-02T17:30:00.000Z';
  assert.deepEqual(read.json, {
    ...{ created_at: at, id: account.userId, status: 'ACTIVE', updated_at: at },
  });
});

test('accounts of a user are numbered, also when they are opened at the same time', async () => {
  const userId = idOf(await made('/users', marcel));
  const wanted = { user_id: userId, account_group_id: userId, type: 'TRADING' };
  const named = await made('/accounts', { ...wanted, type: 'PORTFOLIO', name: 'My "savings"' });
  const { id, created_at, updated_at, ...said } = named;
  assert.deepEqual(said, {
    account_group_id: userId,
    account_number: 1,
    name: 'My "savings"',
    status: 'ACTIVE',
    type: 'PORTFOLIO',
    users: [{ id: userId, type: 'OWNER' }],
  });
  const others = await Promise.all([0, 1, 2].map(() => made('/accounts', wanted)));
  const numbers = others.map((account) => Number(account['account_number']));
  assert.deepEqual(numbers.toSorted(), [2, 3, 4]);
  const read = await api.call('GET', `/accounts/${id}`);
  assert.equal(read.text, JSON.stringify(named));
});

test('an account needs a user of the client, and its group', async () => {
  const userId = idOf(await made('/users', marcel));
  const noUser = await post('/accounts', { user_id: randomUUID(), type: 'TRADING' });
  assertProblem(noUser, 'not_found', 'There is no such user.');
  const foreign = await post(
    '/accounts',
    { user_id: userId, type: 'TRADING' },
    randomUUID(),
    neighbour,
  );
  assertProblem(foreign, 'not_found', 'There is no such user.');
  const json = { user_id: userId, account_group_id: randomUUID(), type: 'TRADING' };
  assertProblem(await post('/accounts', json), 'not_found', /no such account group/);
  const other = await post('/accounts', { user_id: userId, type: 'SAVINGS' });
  assertProblem(other, 'bad_request', /\/type/);
});

test('a user is made once for a key, however often it is asked for', async () => {
  const key = randomUUID();
  const first = await post('/users', marcel, key);
  const again = await post('/users', marcel, key);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.text, first.text);
  const other = await post('/users', { ...marcel, first_name: 'Karl' }, key);
  assertProblem(other, 'unprocessable_content', /idempotency key was used/);
});

test('a user without open accounts is offboarded, and gets no further one', async () => {
  const userId = idOf(await made('/users', marcel));
  const target = `/users/${userId}`;
  const account = await made('/accounts', { user_id: userId, type: 'TRADING' });
  assertProblem(await api.call('DELETE', target), 'conflict', /accounts that are not CLOSED/);
  await sql`
    update unwind.accounts set status = 'CLOSED' where account_id = ${idOf(account)}`;
  clock.advance(1_000);
  for (const _ of [1, 2]) {
    const done = await api.call('DELETE', target);
    assert.deepEqual([done.status, done.text], [202, '']);
  }
  const read = await api.call('GET', target);
  assert.equal(read.json['status'], 'OFFBOARDED');
  assert.notEqual(read.json['updated_at'], read.json['created_at']);
  const more = await post('/accounts', { user_id: userId, type: 'TRADING' });
  assertProblem(more, 'conflict', /not ACTIVE/);
  const gone = await neighbour.call('DELETE', target);
  assertProblem(gone, 'not_found', 'There is no such user.');
});

test('instruments are recorded with their prices, all or none', async () => {
  const isin = 'DE0007236101';
  const put = async (one: object) => {
    return (await made('/tests/instruments', { instruments: [{ isin, ...one }] }))['data'];
  };
  assert.deepEqual(await put({}), [{ isin, outcome: 'created', price: null }]);
  assert.deepEqual(await put({}), [{ isin, outcome: 'unchanged', price: null }]);
  assert.deepEqual(await put({ price: '171.500' }), [{ isin, outcome: 'changed', price: '171.5' }]);
  assert.deepEqual(await put({ name: 'Siemens' }), [{ isin, outcome: 'changed', price: '171.5' }]);
  const read = await api.call('GET', `/instruments/isin:${isin}`);
  const { fractional_trading, name, trading_status } = read.json;
  assert.deepEqual([fractional_trading, name, trading_status], [true, 'Siemens', 'ACTIVE']);
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ isin: 'DE0007236102' }, /\/instruments\/1\/isin: .*check digit/],
    [{ isin: 'US0378331005', price: '-1' }, /\/instruments\/1\/price: "-1" is negative/],
    [{ isin: 'US0378331005', price: '0' }, /is not more than 0/],
    [{ isin }, /\/instruments\/1\/isin: is there already/],
  ];
  for (const [one, detail] of wrong) {
    const json = { instruments: [{ isin, price: '1' }, one] };
    assertProblem(await post('/tests/instruments', json), 'bad_request', detail);
  }
  assert.deepEqual(await put({ name: 'Siemens' }), [
    { isin, outcome: 'unchanged', price: '171.5' },
  ]);
});

test('a price that comes again is as new as the request', async () => {
  const isin = 'DE0007100000';
  const instruments = [{ isin, price: '60.25' }];
  const pricedAt = async () => {
    const rows = await sql<{ updated_at: Date }[]>`
      select p.updated_at
      from unwind.prices p
      where p.tenant_id = ${client.clientId}
        and p.isin = ${isin}`;
    return rows.map((row) => row.updated_at.toISOString());
  };
  await made('/tests/instruments', { instruments });
  const first = clock.now().toISOString();
  assert.deepEqual(await pricedAt(), [first]);
  clock.advance(60_000);
  const again = await made('/tests/instruments', { instruments });
  assert.deepEqual(again['data'], [{ isin, outcome: 'unchanged', price: '60.25' }]);
  assert.deepEqual(await pricedAt(), [clock.now().toISOString()]);
  await made('/tests/instruments', { instruments: [{ isin }] });
  assert.deepEqual(await pricedAt(), [clock.now().toISOString()], 'and none that does not come');
});

test('a world made by requests alone is sold', async () => {
  const isin = 'DE0007164600';
  const own = await apiOf(service, await makeApiClient(sql, clock));
  const userId = idOf(await made('/users', marcel, own));
  const accountId = idOf(await made('/accounts', { user_id: userId, type: 'TRADING' }, own));
  await made('/tests/instruments', { instruments: [{ isin, price: '208.35' }] }, own);
  const credit = { type: 'credit', account_id: accountId, isin, quantity: '10', reference: 'r1' };
  await made('/tests/positions', { deltas: [credit] }, own);
  const target = `/accounts/${accountId}/liquidations`;
  const asked = await post(target, { user_id: userId }, randomUUID(), own);
  assertSuccess(asked, 202);
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  const sold = await own.call('GET', `${target}/${idOf(asked.json)}`);
  assert.deepEqual([sold.json['status'], sold.json['cash_amount']], ['FILLED', '2083.50']);
});

test('in live mode users are read, and nothing of this is made', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  const own = await apiOf(live, client);
  assertSuccess(await own.call('GET', '/users'), 200);
  const headers = { 'idempotency-key': randomUUID() };
  for (const target of ['/users', '/accounts']) {
    const reply = await own.call('POST', target, { json: {}, headers });
    assertProblem(reply, 'method_not_allowed', /./);
  }
  const none = await own.call('POST', '/tests/instruments', { json: {}, headers });
  assertProblem(none, 'not_found', /./);
});
