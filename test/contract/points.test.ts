// Promises of the contract page that no other test is about: one service before a database that goes
// and comes back, the statuses there are, and an account after its liquidation.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { liquidation, liquidationOrder } from '../../src/http/openapi/objects.ts';
import { apiOf, giveAccounts, liquidate, toLiquidate } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { startProxy } from '../support/proxy.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

test('point 11: the database goes, 503 with retry-after; it comes back, and so does the service', async (t) => {
  const address = new URL(url);
  const proxy = await startProxy(t, Number(address.port));
  address.port = String(proxy.port);
  const behind = connect({ url: address.href, max: 2, applicationName: 'behind' });
  t.after(() => behind.end());
  const place = await startHttp(t, { sql: behind, clock });
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  assertSuccess(await send(place, await api.signed('GET', target)), 200);

  proxy.refuse();
  for (const method of ['GET', 'POST']) {
    const refused = await send(
      place,
      await api.signed(method, target, method === 'GET' ? {} : content),
    );
    assertProblem(refused, 'service_unavailable', /try again with the same idempotency key/);
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/);
  }
  assert.equal(place.takeFaults().length, 2);

  proxy.admit();
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

test('point 16: liquidations and their orders have the four statuses of the contract', async () => {
  const four = ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'];
  assert.deepEqual(liquidation.properties.status.enum, four);
  assert.deepEqual(liquidationOrder.properties.status.enum, four);
  for (const table of ['liquidations', 'orders']) {
    const [constraint] = await sql<{ definition: string }[]>`
      select pg_catalog.pg_get_constraintdef(c.oid) as definition
      from pg_catalog.pg_constraint c
      where c.conrelid = ${`unwind.${table}`}::regclass
        and c.conname = ${`${table}_status`}`;
    const known = [...(constraint?.definition ?? '').matchAll(/'([A-Z]+)'/g)].map(([, one]) => one);
    assert.deepEqual(known, four, table);
  }
});
