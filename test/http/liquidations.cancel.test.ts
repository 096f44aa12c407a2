// Cancelling: as long as it is NEW, once, and told apart from what it can no longer be.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts, liquidate } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 2_000 });
const client = await makeApiClient(sql, clock, { keyTypes: ['P-384'] });
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

const eventsOf = async (path: string): Promise<readonly string[]> => {
  const rows = await sql<{ type: string }[]>`
    select e.type
    from unwind.events e
    where e.liquidation_id = ${path.slice(path.lastIndexOf('/') + 1)}
    order by e.number`;
  return rows.map((row) => row.type.replace('ACCOUNT_LIQUIDATION.', ''));
};

/** Cancels what cannot be cancelled; nothing but the use of the signature may be recorded. */
async function assertNotCancelled(path: string, type: string, detail: RegExp | string) {
  const before = await recordsOf(sql);
  assertProblem(await api.call('DELETE', path), type, detail);
  assert.deepEqual(await recordsOf(sql), before);
}

test('point 4: NEW is cancelled with one event; again it is 204 without a second one', async () => {
  const [account] = await giveAccounts(sql, client);
  const path = await liquidate(api, account);
  clock.advance(1_000);
  assertSuccess(await api.call('DELETE', path), 204);
  const cancelled = await api.call('GET', path);
  assert.equal(cancelled.json['status'], 'CANCELLED');
  assert.equal(cancelled.json['cash_amount'], '0.00');
  assert.deepEqual(cancelled.json['orders'], []);
  assert.deepEqual(await eventsOf(path), ['NEW', 'CANCELLED']);

  clock.advance(1_000);
  const before = await recordsOf(sql);
  assertSuccess(await api.call('DELETE', path), 204);
  assert.deepEqual(await recordsOf(sql), before);
  assert.equal((await api.call('GET', path)).text, cancelled.text);
  clock.advance(10_000);
  await runUntilIdle(steps);
  assert.deepEqual(await eventsOf(path), ['NEW', 'CANCELLED']);
});

const only = 'Only a NEW liquidation can be cancelled; this one is';

test('point 4: PROCESSING and FILLED are 409 that names the state', async () => {
  const [account] = await giveAccounts(sql, client);
  const path = await liquidate(api, account);
  clock.advance(2_000);
  await steps.release();
  await assertNotCancelled(path, 'conflict', `${only} PROCESSING.`);
  clock.advance(1_000);
  await runUntilIdle(steps);
  await assertNotCancelled(path, 'conflict', `${only} FILLED.`);
  assert.deepEqual(await eventsOf(path), ['NEW', 'PROCESSING', 'FILLED']);
});

test('point 4: CANCELLED by another party than its client is 409', async () => {
  const refused = { isin: 'ZZREFUSED006', price: '100' };
  const [account] = await giveAccounts(sql, client, [{ positions: [] }]);
  await sql`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    values (
      ${client.clientId}, ${refused.isin}, 'Refused', 'ACTIVE', true, ${clock.now()}, ${clock.now()}
    )`;
  await sql`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    values (${client.clientId}, ${account.accountId}, ${refused.isin}, 1, 0)`;
  const path = await liquidate(api, account);
  clock.advance(2_000);
  await runUntilIdle(steps);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await api.call('GET', path)).json['status'], 'CANCELLED');
  await assertNotCancelled(path, 'conflict', `${only} CANCELLED.`);
});

test('point 4: what is not there, or not of this account, or no id, is 404', async () => {
  const [account, another] = await giveAccounts(sql, client, [{}, {}]);
  assert.ok(another);
  const path = await liquidate(api, account);
  const id = path.slice(path.lastIndexOf('/') + 1);
  const missing = 'There is no such liquidation of this account.';
  const at = (accountId: string, liquidationId: string) => {
    return `/accounts/${accountId}/liquidations/${liquidationId}`;
  };
  const nothing = [
    at(account.accountId, client.clientId),
    at(another.accountId, id),
    at(client.clientId, id),
    at(id, account.accountId),
  ];
  const malformed = ['1', `${id}0`, id.replaceAll('-', ''), '%20', `${id}%00`, 'a'.repeat(3_000)];
  for (const method of ['GET', 'DELETE']) {
    for (const target of nothing) {
      assertProblem(await api.call(method, target), 'not_found', missing);
    }
    for (const bad of malformed) {
      const noLiquidation = await api.call(method, at(account.accountId, bad));
      assertProblem(noLiquidation, 'not_found', /account_liquidation_id is no UUID/);
      const noAccount = await api.call(method, at(bad, id));
      assertProblem(noAccount, 'not_found', /account_id is no UUID/);
    }
  }
  assert.deepEqual(await eventsOf(path), ['NEW']);
});

test('point 4: many cancellations at once: one event, every answer 204', async () => {
  const [account] = await giveAccounts(sql, client);
  const path = await liquidate(api, account);
  const signed = Array.from({ length: 20 }, () => api.signed('DELETE', path));
  const messages = await Promise.all(signed);
  const replies = await Promise.all(messages.map((message) => send(service, message)));
  for (const reply of replies) assertSuccess(reply, 204);
  assert.deepEqual(await eventsOf(path), ['NEW', 'CANCELLED']);
});

test('point 4: cancellations against the release: one side wins', async () => {
  const accounts = await giveAccounts(
    sql,
    client,
    Array.from({ length: 10 }, () => ({})),
  );
  const paths = await Promise.all(accounts.map((account) => liquidate(api, account)));
  clock.advance(2_000);
  const messages = await Promise.all(paths.map((path) => api.signed('DELETE', path)));
  const [replies] = await Promise.all([
    Promise.all(messages.map((message) => send(service, message))),
    steps.release(),
  ]);
  for (const [at, reply] of replies.entries()) {
    const path = paths[at] ?? '';
    if (reply.status === 204) assert.deepEqual(await eventsOf(path), ['NEW', 'CANCELLED']);
    else {
      assertProblem(reply, 'conflict', `${only} PROCESSING.`);
      assert.deepEqual(await eventsOf(path), ['NEW', 'PROCESSING']);
    }
  }
});

test('a DELETE with a body that its signature covers is a DELETE', async () => {
  const [account] = await giveAccounts(sql, client);
  const path = await liquidate(api, account);
  assertSuccess(await api.call('DELETE', path, { json: {} }), 204);
});
