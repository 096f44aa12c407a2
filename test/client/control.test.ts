// What people see and steer, through the published client.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ApiError, Client } from '@unwind/client';
import { apiOf, giveAccounts, liquidate } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const registered = await makeApiClient(sql, clock);
const { clientId, clientSecret, keyId, key, scopes } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const who = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
const client = new Client({ baseUrl, ...who, now: clock.now });
const api = await apiOf(service, registered);

test('all liquidations are gone through by cursor, and one tells its story', async () => {
  const accounts = await giveAccounts(sql, registered, [{}, {}, {}]);
  const asked: string[] = [];
  for (const account of accounts) {
    asked.unshift((await liquidate(api, account)).split('/').at(-1) ?? '');
  }
  const listing = client.control.liquidations.list({ limit: 2, status: 'NEW' });
  const { data, meta } = await listing.page();
  assert.deepEqual([data.length, meta.has_more], [2, true]);
  const all = await listing.all();
  assert.deepEqual(
    all.map(({ id }) => id),
    asked,
  );
  assert.equal(all[0]?.progress.orders, 0);
  assert.equal(all[0]?.waiting[0]?.reason, 'due');
  const stuck = await client.control.liquidations.list({ stuck: true }).all();
  assert.equal(stuck.length, 3, 'nothing works here, and their hour is long past');
  const story = await client.control.liquidations.story(asked[0] ?? '');
  assert.equal(story.liquidation.id, asked[0]);
  assert.equal(story.timeline[0]?.type, 'ACCOUNT_LIQUIDATION.NEW');
  const missing = client.control.liquidations.story(accounts[0].accountId);
  await assert.rejects(missing, (error) => error instanceof ApiError && error.status === 404);
});
