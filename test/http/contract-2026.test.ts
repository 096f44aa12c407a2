// The later contract beside the reference: what a client that has chosen it gets, that its neighbour gets what it got
// before, and that a liquidation stays what it was created as.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { setClientContract } from '../../src/auth/change-client.ts';
import type { Stopwatch } from '../../src/clock.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, liquidate, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
let elapsedMs = 1_000;
const stopwatch: Stopwatch = { elapsedMs: () => elapsedMs, every: () => () => {} };
// Both services judge their answers by their own document.
const reference = await startHttp({ after }, { sql, clock, stopwatch });
const service = await startHttp({ after }, { sql, clock, stopwatch, contract: '2026' });
const older = await makeApiClient(sql, clock);
const newer = await makeApiClient(sql, clock, { contract: '2026' });
const api = await apiOf(service, newer);
const before = await apiOf(reference, older);
const steps = engineSteps(sql, clock, { delayMs: 0 });

/** Sells all that is due a minute from now. */
async function sellAll(): Promise<void> {
  clock.advance(60_000);
  await runUntilIdle(steps);
}

const eventsOf = async (liquidationId: unknown) => {
  const answer = await api.call('GET', '/events?limit=1000');
  assertSuccess(answer, 200);
  const all = answer.json['data'] as readonly { type: string; object: { id: string } }[];
  return all.filter(({ object }) => object.id === liquidationId);
};

test('point 16: created, sold and settled, with the members of the later contract in every answer', async () => {
  const [account] = await giveAccounts(sql, newer);
  const { target, content } = toLiquidate(account);
  const created = await api.call('POST', target, content);
  assertSuccess(created, 202);
  const names = Object.keys(created.json);
  assert.deepEqual(names, names.toSorted());
  assert.equal(created.json['fee_collection_id'], null);
  assert.equal(created.json['business_id'], null);
  const again = await api.call('POST', target, content);
  assert.equal(again.text, created.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  await sellAll();
  const path = `${target}/${created.json['id']}`;
  const settled = await api.call('GET', path);
  assertSuccess(settled, 200);
  assert.equal(settled.json['status'], 'SETTLED');
  assert.equal(settled.json['cash_amount'], '2083.50');
  const events = await eventsOf(created.json['id']);
  assert.deepEqual(
    events.map(({ type }) => type.split('.')[1]),
    ['NEW', 'PROCESSING', 'FILLED', 'SETTLED'],
  );
  assert.deepEqual(events.at(-1)?.object, settled.json);
  const list = await api.call('GET', target);
  assertSuccess(list, 200);
  assert.deepEqual(list.json['data'], [settled.json]);
  assertProblem(await api.call('DELETE', path), 'conflict', /this one is SETTLED/);
  assertSuccess(await api.call('POST', target, toLiquidate(account).content), 202);
});

test('point 16: the same service answers a client of the reference byte for byte as that does', async () => {
  const [account] = await giveAccounts(sql, older);
  const path = await liquidate(before, account);
  await sellAll();
  const own = await before.call('GET', path);
  assertSuccess(own, 200);
  assert.equal(own.json['status'], 'FILLED');
  const elsewhere = await apiOf(service, older);
  assert.equal((await elsewhere.call('GET', path)).text, own.text);
  assert.deepEqual(
    Object.keys(own.json).filter((name) => /fee|business/.test(name)),
    [],
  );
});

test('an execution says on which day it settles, where the contract has that', async () => {
  for (const [caller, isShown] of [
    [api, true],
    [before, false],
  ] as const) {
    const [account] = await giveAccounts(sql, caller.client);
    await liquidate(caller, account);
    await sellAll();
    const orders = await caller.call('GET', `/accounts/${account.accountId}/orders`);
    assertSuccess(orders, 200);
    const [order] = orders.json['data'] as readonly { id: string; executions: readonly object[] }[];
    const [execution] = order?.executions ?? [];
    assert.ok(order !== undefined && execution !== undefined);
    assert.equal('settlement_date' in execution, isShown);
    if (isShown) assert.equal(Object(execution)['settlement_date'], '2026-01-05');
    const page = await caller.call('GET', `/orders/${order.id}/executions`);
    assertSuccess(page, 200);
    assert.deepEqual(page.json['data'], [execution]);
    const one = `/orders/${order.id}/executions/${Object(execution)['id']}`;
    assert.deepEqual((await caller.call('GET', one)).json, execution);
  }
});

test('the later list has at least one item on a page, and the reference may ask for none', async () => {
  const [account] = await giveAccounts(sql, newer);
  const [other] = await giveAccounts(sql, older);
  const listOf = (one: { accountId: string }) => `/accounts/${one.accountId}/liquidations`;
  assertProblem(await api.call('GET', `${listOf(account)}?limit=0`), 'bad_request', /\/limit/);
  assertSuccess(await api.call('GET', `${listOf(account)}?limit=1`), 200);
  assertSuccess(await before.call('GET', `${listOf(other)}?limit=0`), 200);
  assertProblem(await api.call('GET', `${listOf(account)}?order=DESC`), 'bad_request', /\/order/);
});

test('exactly one owner is named: a user, since no account here belongs to a business', async () => {
  const [account] = await giveAccounts(sql, newer);
  const { target, content } = toLiquidate(account);
  const send = (json: object) => {
    return api.call('POST', target, { json, headers: { 'idempotency-key': randomUUID() } });
  };
  const { userId: user_id } = account;
  const wrong = /The body is not as it must be/;
  assertProblem(await send({}), 'bad_request', wrong);
  assertProblem(await send({ user_id, business_id: randomUUID() }), 'bad_request', wrong);
  const noSuch = 'There is no such account of this business.';
  assertProblem(await send({ business_id: user_id }), 'not_found', noSuch);
  assertProblem(await send({ business_id: randomUUID() }), 'not_found', noSuch);
  assertProblem(await send({ business_id: 'x' }), 'bad_request', wrong);
  assertSuccess(await api.call('POST', target, content), 202);
  const [other] = await giveAccounts(sql, older);
  const asked = await before.call('POST', toLiquidate(other).target, {
    json: { business_id: randomUUID() },
    headers: { 'idempotency-key': randomUUID() },
  });
  assertProblem(asked, 'bad_request', /unknown members \(business_id\)/);
});

test('what was created before the choice keeps its form, and is not SETTLED', async (t) => {
  const changing = await makeApiClient(sql, clock);
  const own = await apiOf(service, changing);
  const [first, second] = await giveAccounts(sql, changing, [{}, {}]);
  assert.ok(second);
  const path = await liquidate(own, first);
  const instruction = { tenantId: changing.clientId, actor: 'Tester', reason: 'A test' };
  await setClientContract(sql, clock, { ...instruction, contract: '2026' });
  elapsedMs += 5_000;
  const later = await liquidate(own, second);
  await sellAll();
  const statuses = await Promise.all(
    [path, later].map(async (one) => (await own.call('GET', one)).json['status']),
  );
  assert.deepEqual(statuses, ['FILLED', 'SETTLED']);
  const all = await own.call('GET', '/liquidations?status=SETTLED');
  assertSuccess(all, 200);
  assert.equal(all.json['meta'] && Object(all.json['meta']).count, 1);
  const story = await own.call('GET', `/liquidations/${later.split('/').at(-1)}`);
  assertSuccess(story, 200);
  const twice = setClientContract(sql, clock, { ...instruction, contract: '2026' });
  await assert.rejects(twice, /the client has the contract 2026 already/);
  await t.test('back again, for those that come after', async () => {
    await setClientContract(sql, clock, { ...instruction, contract: '2023' });
    elapsedMs += 5_000;
    const [third] = await giveAccounts(sql, changing);
    const last = await liquidate(own, third);
    await sellAll();
    assert.equal((await own.call('GET', last)).json['status'], 'FILLED');
    assert.equal((await own.call('GET', later)).json['status'], 'SETTLED');
  });
});

test('the document of each service is that of its contract', () => {
  const enumOf = ({ document }: typeof service) => {
    const { properties } = Object(document.resolve({ $ref: '#/components/schemas/Liquidation' }));
    return properties.status.enum;
  };
  assert.deepEqual(enumOf(reference), ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED']);
  assert.deepEqual(enumOf(service), ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED', 'SETTLED']);
  const told = (one: typeof service) => Object.keys(Object(one.document.whole['webhooks']));
  assert.ok(told(service).includes('ACCOUNT_LIQUIDATION.SETTLED'));
  assert.ok(!told(reference).includes('ACCOUNT_LIQUIDATION.SETTLED'));
  assert.ok(
    !reference.document.text.includes('SETTLED.') &&
      !/fee_collection_id/.test(reference.document.text),
  );
});
