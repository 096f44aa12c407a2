// One line for each response, with what may be known of it: no secret, token, signature or body.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, send, startHttp } from '../support/http.ts';
import { apiOf, askForToken, giveAccounts, toLiquidate } from './api.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

test('the log says who answered what, and nothing of what was sent', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const from = service.finished.length;
  const message = await api.signed('POST', target, content);
  const replies = [
    await send(service, message),
    await send(service, message),
    await api.call('GET', `${target}?limit=1`),
    await askForToken(service, client, { client_secret: 'not the secret' }),
    await send(service, outgoing('GET', `/nowhere/${api.token}`)),
  ];
  const lines = service.finished.slice(from);
  const ofAccount = '/accounts/:account_id/liquidations';
  const expected = [
    ['POST', ofAccount, 202],
    ['POST', ofAccount, 401],
    ['GET', ofAccount, 200],
    ['POST', '/auth/token', 401],
    ['GET', undefined, 404],
  ];
  const shown = lines.map((line) => {
    const { duration_ms, ...rest } = line as { duration_ms: number };
    assert.ok(Number.isInteger(duration_ms));
    return rest;
  });
  assert.deepEqual(
    shown,
    expected.map(([method, route, status], at) => {
      const request_id = replies[at]?.headers['upvest-request-id'];
      return { request_id, method, route, status };
    }),
  );
  const text = JSON.stringify(service.finished);
  for (const secret of [api.token, client.clientSecret, account.userId, account.accountId]) {
    assert.ok(!text.includes(secret));
  }
});
