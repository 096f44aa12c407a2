// `GET /tests/liquidations/{id}/explanation`: the reasons of the published views, over HTTP in a sandbox.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const [sap, allianz] = ['DE0007164600', 'DE0008404005'];

test('what waits says why, and what has ended says nothing', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const service = await startHttp(t, { sql, clock });
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const liquidate = async (locked: string) => {
    const [account] = await makeBook(sql, {
      tenantId: client.clientId,
      instruments: [],
      accounts: [
        {
          positions: [
            { isin: sap, quantity: '3' },
            { isin: allianz, quantity: '2', locked },
          ],
        },
      ],
    });
    assert.ok(account);
    return { account, id: await askToLiquidate(sql, clock, account) };
  };
  await makeBook(sql, {
    tenantId: client.clientId,
    instruments: [{ isin: sap, price: '10' }, { isin: allianz }],
    accounts: [],
  });
  const [waiting, sold] = [await liquidate('2'), await liquidate('0')];
  await runUntilIdle(steps);
  const answer = await api.call('GET', `/tests/liquidations/${waiting.id}/explanation`);
  assertSuccess(answer, 200);
  const detail = '2 of 2 units are locked';
  const locked = { reason: 'locked', isin: allianz, detail };
  assert.deepEqual(answer.json, {
    id: waiting.id,
    account_id: waiting.account.accountId,
    status: 'PROCESSING',
    ...locked,
    positions: [{ ...locked, quantity: '2', priced: false }],
  });
  const ended = await api.call('GET', `/tests/liquidations/${sold.id}/explanation`);
  assertSuccess(ended, 200);
  const { accountId } = sold.account;
  const nothing = { id: sold.id, account_id: accountId, status: 'FILLED', positions: [] };
  assert.deepEqual(ended.json, nothing);
  const unknown = await api.call('GET', `/tests/liquidations/${randomUUID()}/explanation`);
  assertProblem(unknown, 'not_found', /^There is no such liquidation/);
});
