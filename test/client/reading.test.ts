// The operations that read, through the published client; and that its types are those of the API
// document.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { ApiError, Client } from '@unwind/client';
import { clientTypes } from '../../tools/client-types.ts';
import { giveAccounts, toLiquidate } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const scopes = [
  ...(['account_liquidations:admin', 'accounts:read', 'positions:read'] as const),
  ...(['orders:read', 'instruments:read'] as const),
];
const registered = await makeApiClient(sql, clock, { scopes });
const { clientId, clientSecret, keyId, key } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const own = { baseUrl, clientId, clientSecret, keyId, scopes, now: clock.now };
const client = new Client({ ...own, privateKey: key.privateKey });

test('the types of the client are those of the API document', async () => {
  for (const [path, text] of clientTypes()) {
    const file = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
    assert.equal(file, text, `${path} is old: npm run client-types`);
  }
});

test('accounts, positions and instruments', async () => {
  const [account] = await giveAccounts(sql, registered, [
    { positions: [{ isin: 'DE0007164600', quantity: '10' }] },
  ]);
  const { accountId } = account;
  assert.equal((await client.accounts.retrieve(accountId)).status, 'ACTIVE');
  const ids = (await client.accounts.list({ order: 'DESC' }).all()).map(({ id }) => id);
  assert.ok(ids.includes(accountId));
  const [position] = await client.positions.list(accountId).all();
  assert.ok(position);
  assert.deepEqual([position.quantity, position.instrument.isin], ['10', 'DE0007164600']);
  const named = await client.positions.retrieve(accountId, 'isin:DE0007164600');
  assert.deepEqual(named, position);
  const instrument = await client.instruments.retrieve(`uuid:${position.instrument.uuid}`);
  assert.equal(instrument.isin, 'DE0007164600');
  const active = client.instruments.list({ trading_status: 'ACTIVE', limit: 2 });
  assert.ok((await active.all()).some(({ isin }) => isin === 'DE0007164600'));
});

test('orders and executions of what was sold', async () => {
  const [account] = await giveAccounts(sql, registered);
  const { target, content } = toLiquidate(account);
  const { accountId, userId } = account;
  assert.ok(target && content);
  const { id } = await client.liquidations.create(accountId, { user_id: userId });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  await runUntilIdle(steps);
  const final = await client.liquidations.untilFinal(accountId, id, { patienceMs: 0 });
  assert.equal(final.status, 'FILLED');
  const [order] = await client.orders.list(accountId).all();
  assert.ok(order);
  assert.deepEqual([order.client_reference, order.status], [id, 'FILLED']);
  assert.deepEqual(await client.orders.retrieve(order.id), order);
  const executions = await client.executions.list(order.id).all();
  assert.deepEqual(executions, order.executions);
  const [execution] = executions;
  assert.ok(execution);
  assert.deepEqual(await client.executions.retrieve(order.id, execution.id), execution);
  assert.equal(execution.cash_amount, final.cash_amount);
});

test('what is not there is an error', async () => {
  const missing = client.orders.retrieve('c0ffee00-0000-4000-8000-000000000000');
  await assert.rejects(missing, (error) => error instanceof ApiError && error.status === 404);
});

test('a prepared request is signed for one use', async () => {
  const { url, method, headers } = await client.prepare({
    method: 'GET',
    target: '/accounts?limit=1',
  });
  assert.equal((await fetch(url, { method, headers })).status, 200);
  assert.equal((await fetch(url, { method, headers })).status, 401);
});
