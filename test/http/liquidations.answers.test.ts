// What the operations on liquidations answer when they succeed, to the byte.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, outgoing, send, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, liquidate, toLiquidate } from './api.ts';
import { assertProblem, assertRequestId, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 2_000 });
const client = await makeApiClient(sql, clock, { keyTypes: ['P-521'] });
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

const sap = 'DE0007164600';
const allianz = 'DE0008404005';

/** The bytes of a liquidation as the contract's examples order them. */
function liquidationText(of: {
  accountId: string;
  amount: string;
  createdAt: string;
  id: string;
  orders?: string;
  status: string;
  updatedAt?: string;
  userId: string;
}): string {
  const { accountId, amount, createdAt, id, orders = '', status, updatedAt = createdAt } = of;
  return (
    `{"account_id":"${accountId}","cash_amount":"${amount}","created_at":"${createdAt}",` +
    `"currency":"EUR","id":"${id}","orders":[${orders}],"status":"${status}",` +
    `"updated_at":"${updatedAt}","user_id":"${of.userId}"}`
  );
}

test('point 2: create answers 202 with the new liquidation, retrieve the same bytes', async () => {
  clock.set(new Date('2026-01-05T09:00:00.007Z'));
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const answer = await api.call('POST', target, content);
  assertSuccess(answer, 202);
  assert.equal(answer.headers['idempotency-replayed'], undefined);
  const id = String(answer.json['id']);
  const createdAt = '2026-01-05T09:00:00.007Z';
  const shown = { ...account, amount: '2083.50', createdAt, id, status: 'NEW' };
  assert.equal(answer.text, liquidationText(shown));

  const found = await api.call('GET', `${target}/${id}`);
  assertSuccess(found, 200);
  assert.equal(found.text, answer.text);
  assert.notEqual(found.headers['upvest-request-id'], answer.headers['upvest-request-id']);
});

test('point 1: cash_amount is rounded half-even to the cent, position by position', async () => {
  const amounts: readonly (readonly [string, readonly { isin: string; quantity: string }[]])[] = [
    ['0.00', []],
    // 208.35 × 0.1 = 20.835 and 208.35 × 0.3 = 62.505: both halves go to the even cent.
    ['20.84', [{ isin: sap, quantity: '0.1' }]],
    ['62.50', [{ isin: sap, quantity: '0.3' }]],
    ['20.84', [{ isin: sap, quantity: '0.100000000000001' }]],
    ['62.51', [{ isin: sap, quantity: '0.300000000000001' }]],
    // Each position by itself: 20.835 → 20.84 and 111.935 × 0.3 = 33.5805 → 33.58.
    [
      '54.42',
      [
        { isin: sap, quantity: '0.1' },
        { isin: 'IE00B4L5Y983', quantity: '0.3' },
      ],
    ],
    // Whole units only where the instrument is not fractional.
    ['782.40', [{ isin: allianz, quantity: '2.9' }]],
    // Without a price it counts nothing.
    ['0.00', [{ isin: 'DE0007472060', quantity: '7' }]],
    ['20835000000000000.00', [{ isin: sap, quantity: '100000000000000' }]],
  ];
  const accounts = await giveAccounts(
    sql,
    client,
    amounts.map(([, positions]) => ({ positions })),
  );
  for (const [at, [amount]] of amounts.entries()) {
    const account = accounts[at];
    assert.ok(account);
    const { target, content } = toLiquidate(account);
    const answer = await api.call('POST', target, content);
    assertSuccess(answer, 202);
    assert.equal(answer.json['cash_amount'], amount);
  }
});

test('point 1: while it is worked off, retrieve and list show what the last event says', async () => {
  clock.set(new Date('2026-01-05T09:10:00.000Z'));
  const positions = [sap, allianz].map((isin) => ({ isin, quantity: '2' }));
  const [account] = await giveAccounts(sql, client, [{ positions }]);
  const path = await liquidate(api, account);
  const id = path.slice(path.lastIndexOf('/') + 1);
  clock.advance(2_000);
  await steps.release();
  const found = await api.call('GET', path);
  assertSuccess(found, 200);
  const orders = await sql<{ text: string }[]>`
    select string_agg(
      format('{"id":"%s","side":"SELL","status":"NEW"}', o.order_id), ',' order by o.order_id
    ) as text
    from unwind.orders o
    where o.liquidation_id = ${id}`;
  const createdAt = '2026-01-05T09:10:00.000Z';
  const shown = {
    ...account,
    amount: '1199.10',
    createdAt,
    id,
    orders: orders[0]?.text ?? '',
    status: 'PROCESSING',
    updatedAt: String(found.json['updated_at']),
  };
  assert.equal(found.text, liquidationText(shown));
  assert.equal(found.text, await lastEventOf(id));
  clock.advance(1_000);
  await runUntilIdle(steps);
  const filled = await api.call('GET', path);
  assert.equal(filled.json['status'], 'FILLED');
  assert.equal(filled.text, await lastEventOf(id));
  const list = await api.call('GET', path.slice(0, path.lastIndexOf('/')));
  const meta = '{"count":1,"limit":100,"offset":0,"order":"ASC","sort":"id","total_count":1}';
  assertSuccess(list, 200);
  assert.equal(list.text, `{"data":[${filled.text}],"meta":${meta}}`);
});

async function lastEventOf(liquidationId: string): Promise<string | undefined> {
  const rows = await sql<{ object: string }[]>`
    select e.object
    from unwind.events e
    where e.liquidation_id = ${liquidationId}
    order by e.number desc
    limit 1`;
  return rows[0]?.object;
}

test('point 4: cancel answers 204 without a body', async () => {
  const [account] = await giveAccounts(sql, client);
  const answer = await api.call('DELETE', await liquidate(api, account));
  assertSuccess(answer, 204);
  assert.equal(answer.headers['transfer-encoding'], undefined);
});

test('ids in upper case name the same things, and are answered in lower case', async () => {
  const [account] = await giveAccounts(sql, client);
  const target = `/accounts/${account.accountId.toUpperCase()}/liquidations`;
  const { content } = toLiquidate({ ...account, userId: upperCase(account.userId) });
  const answer = await api.call('POST', target, content);
  assertSuccess(answer, 202);
  assert.equal(answer.json['account_id'], account.accountId);
  assert.equal(answer.json['user_id'], account.userId);
  const id = String(answer.json['id']).toUpperCase();
  assert.equal((await api.call('GET', `${target}/${id}`)).text, answer.text);
});

function upperCase<T extends string>(id: T): T {
  return id.toUpperCase() as T;
}

test('point 10: a path that is not there is 404 to everybody', async () => {
  for (const target of ['/none', '/account', '/liquidation', '/webhooks/a/b', '/error', '/auth']) {
    const reply = await send(service, outgoing('GET', target));
    assertProblem(reply, 'not_found', 'There is no such resource.');
  }
});

test('point 10: every request has an id of its own, whatever the client calls it', async () => {
  const theirs = client.clientId;
  const headers = { 'upvest-request-id': theirs, 'request-id': theirs, 'x-request-id': theirs };
  const message = outgoing('GET', '/', { headers });
  const replies = await Promise.all(Array.from({ length: 20 }, () => send(service, message)));
  const ids = new Set(replies.map(assertRequestId));
  assert.equal(ids.size, 20);
  assert.ok(!ids.has(theirs));
});
