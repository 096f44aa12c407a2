// Promises of the contract page that no other test is about: one service before a database that goes
// and comes back, the statuses there are, and an account after its liquidation.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { scopes } from '../../src/auth/scope.ts';
import { removeExpired } from '../../src/auth/store.ts';
import { connect } from '../../src/db/connect.ts';
import { liquidation, liquidationOrder } from '../../src/http/openapi/objects.ts';
import { apiOf, giveAccounts, liquidate, toLiquidate, wishFor } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { atPort, startProxy } from '../support/proxy.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

test('point 11: the database goes, 503 with retry-after; it comes back, and so does the service', async (t) => {
  const proxy = await startProxy(t, Number(new URL(url).port));
  const behind = connect({ url: atPort(url, proxy.port), max: 2, applicationName: 'behind' });
  t.after(() => behind.end());
  const place = await startHttp(t, { sql: behind, clock });
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  assertSuccess(await send(place, await api.signed('GET', target)), 200);

  proxy.goAway();
  for (const method of ['GET', 'POST']) {
    const refused = await send(
      place,
      await api.signed(method, target, method === 'GET' ? {} : content),
    );
    assertProblem(refused, 'service_unavailable', /try again with the same idempotency key/);
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/);
  }
  assert.equal(place.takeFaults().length, 2);

  proxy.comeBack();
  const accepted = await send(place, await api.signed('POST', target, content));
  assertSuccess(accepted, 202);
  const again = await send(place, await api.signed('POST', target, content));
  assert.equal(again.text, accepted.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
});

test('point 2: after FILLED the account can be liquidated again', async () => {
  const [account] = await giveAccounts(sql, client);
  const first = await liquidate(api, account);
  await runUntilIdle(steps);
  assert.equal((await api.call('GET', first)).json['status'], 'FILLED');
  const second = await liquidate(api, account);
  await runUntilIdle(steps);
  const { json } = await api.call('GET', second);
  assert.equal(json['status'], 'FILLED');
  assert.equal(json['cash_amount'], '0.00');
});

test('point 12: an admin scope serves wherever the read scope does, and a read scope no further', async () => {
  const whole = await makeApiClient(sql, clock, { scopes });
  const all = await apiOf(service, whole);
  for (const route of service.routes) {
    const reading = route.scopes.find((scope) => scope.endsWith(':read'));
    const ruling =
      reading && route.scopes.find((scope) => scope === reading.replace(/read$/, 'admin'));
    if (ruling === undefined) continue;
    const { method, target, content } = await wishFor(sql, all, route);
    const admin = await apiOf(service, whole, [ruling]);
    const reply = await admin.call(method, target, content);
    assert.ok(reply.status < 300, `${route.operation}: ${reply.text}`);
  }
  const [account] = await giveAccounts(sql, client);
  const reader = await apiOf(service, client, ['account_liquidations:read']);
  const { target, content } = toLiquidate(account);
  assertSuccess(await reader.call('GET', target), 200);
  assertProblem(await reader.call('POST', target, content), 'forbidden', /lacks the scope/);
});

test('point 16: liquidations and their orders have the four statuses of the contract', async () => {
  const four = ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'];
  assert.deepEqual(liquidation.properties.status.enum, four);
  assert.deepEqual(liquidationOrder.properties.status.enum, four);
  // The fifth is for who has chosen it: the table demands the contract of 2026.
  const all = {
    liquidations: ['NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED'],
    orders: four,
  };
  for (const [table, statuses] of Object.entries(all)) {
    const [constraint] = await sql<{ definition: string }[]>`
      select pg_catalog.pg_get_constraintdef(c.oid) as definition
      from pg_catalog.pg_constraint c
      where c.conrelid = ${`unwind.${table}`}::regclass
        and c.conname = ${`${table}_status`}`;
    const known = [...(constraint?.definition ?? '').matchAll(/'([A-Z]+)'/g)].map(([, one]) => one);
    assert.deepEqual(known, statuses, table);
  }
});

test('point 9: a key is remembered for thirty days, and is then a new one', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const first = await api.call('POST', target, content);
  assertSuccess(first, 202);
  await runUntilIdle(steps);
  const days = (count: number) => clock.advance(count * 86_400_000);

  days(29);
  await removeExpired(sql, clock.now(), 10_000);
  const later = await (await apiOf(service, client)).call('POST', target, content);
  assert.equal(later.text, first.text);

  days(2);
  await removeExpired(sql, clock.now(), 10_000);
  const anew = await (await apiOf(service, client)).call('POST', target, content);
  assertSuccess(anew, 202);
  assert.notEqual(anew.json['id'], first.json['id']);
});
