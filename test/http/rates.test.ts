// Point 14: how often an address may fail to authenticate, and how often a client may ask.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import type { AfterTest } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { type HttpOptions, makeApiClient, send, startHttp, withHeaders } from '../support/http.ts';
import { apiOf, askForToken } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);

async function start(t: AfterTest, options: Partial<HttpOptions>) {
  const service = await startHttp(t, { sql, clock, ...options });
  return { service, api: await apiOf(service, client) };
}

const failed = 'Too many requests from this address could not be authenticated.';

test('point 14: a client is told what is left, then refused, then admitted again', async (t) => {
  const { api } = await start(t, { rates: { requestsPerS: 3, failuresPerS: 0 } });
  clock.advance(1_000);
  for (const left of [2, 1, 0]) {
    const reply = await api.call('GET', '/webhooks');
    assertSuccess(reply, 200);
    assert.equal(reply.headers['ratelimit-policy'], '"client";q=3;w=1');
    assert.equal(reply.headers['ratelimit'], `"client";r=${left};t=1`);
  }
  const refused = await api.call('GET', '/webhooks');
  assertProblem(refused, 'too_many_requests', 'A client may send 3 requests a second.');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['ratelimit'], '"client";r=0;t=1');
  clock.advance(1_000);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
});

test('point 14: errors carry what is left as well, and another client has its own', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 2, failuresPerS: 0 } });
  const other = await apiOf(service, await makeApiClient(sql, clock));
  clock.advance(1_000);
  const missing = await api.call('GET', `/webhooks/${client.clientId}`);
  assertProblem(missing, 'not_found', /no such/);
  assert.equal(missing.headers['ratelimit'], '"client";r=1;t=1');
  const forbidden = await apiOf(service, client, ['accounts:read']);
  const refused = await forbidden.call('GET', '/webhooks');
  assertProblem(refused, 'too_many_requests', /a second/);
  assertSuccess(await other.call('GET', '/webhooks'), 200);
});

test('point 14: without a limit no header speaks of one', async (t) => {
  const { api } = await start(t, {});
  const reply = await api.call('GET', '/webhooks');
  assert.equal(reply.headers['ratelimit'], undefined);
  assert.equal(reply.headers['ratelimit-policy'], undefined);
});

test('point 14: an address that fails too often is refused before any mathematics', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 3 } });
  clock.advance(1_000);
  const good = await api.signed('GET', '/webhooks');
  const unknownToken = withHeaders(good, { authorization: 'Bearer nobody' });
  const forged = withHeaders(good, { 'upvest-api-version': '1', accept: '*/*' });
  const { verifications } = service.authenticator;
  assertProblem(await send(service, unknownToken), 'unauthorized', /token/);
  assertProblem(await send(service, forged), 'unauthorized', /./);
  const wrongSecret = await askForToken(service, client, { client_secret: 'wrong' });
  assertProblem(wrongSecret, 'unauthorized', /not known/);
  const atMost = service.authenticator.verifications;
  for (const message of [unknownToken, forged, good]) {
    const refused = await send(service, message);
    assertProblem(refused, 'too_many_requests', failed);
    assert.equal(refused.headers['retry-after'], '1');
  }
  assertProblem(await askForToken(service, client), 'too_many_requests', failed);
  assert.equal(service.authenticator.verifications, atMost);
  assert.ok(atMost - verifications <= 1);
  clock.advance(1_000);
  assertSuccess(await send(service, await api.signed('GET', '/webhooks')), 200);
});

test('point 14: what is refused for another reason does not count as a failure', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 1 } });
  clock.advance(1_000);
  for (let round = 0; round < 3; round += 1) {
    assertProblem(await api.call('GET', '/webhooks?unknown=1'), 'bad_request', /./);
    const noClient = withHeaders(await api.signed('GET', '/webhooks'), {
      'upvest-client-id': undefined,
    });
    assertProblem(await send(service, noClient), 'bad_request', /upvest-client-id/);
  }
  assertSuccess(await api.call('GET', '/webhooks'), 200);
});

test('point 14: an unauthenticated flood never reaches the signature mathematics', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 50 } });
  clock.advance(1_000);
  const good = await api.signed('GET', '/webhooks');
  const { verifications } = service.authenticator;
  const flood = Array.from({ length: 500 }, (_, at) => {
    return send(service, withHeaders(good, { authorization: `Bearer guess-${at}` }));
  });
  const statuses = new Set((await Promise.all(flood)).map((reply) => reply.status));
  assert.deepEqual([...statuses].sort(), [401, 429]);
  assert.equal(service.authenticator.verifications, verifications);
});

test('behind a trusted proxy the failures of one client do not shut out another', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 1 };
  const { service, api } = await start(t, { rates, trustedProxies: ['127.0.0.1'] });
  clock.advance(1_000);
  const from = async (address: string, changes: Readonly<Record<string, string>> = {}) => {
    const message = await api.signed('GET', '/webhooks');
    return send(service, withHeaders(message, { 'x-forwarded-for': address, ...changes }));
  };
  const wrong = { authorization: 'Bearer nobody' };
  assertProblem(await from('203.0.113.7', wrong), 'unauthorized', /token/);
  assertProblem(await from('203.0.113.7'), 'too_many_requests', failed);
  assertSuccess(await from('203.0.113.8'), 200);
  assertProblem(await from('2001:db8::1', wrong), 'unauthorized', /token/);
  assertProblem(await from('2001:db8::2'), 'too_many_requests', failed);
  assertSuccess(await from('2001:db8:1::1'), 200);
});

test('without a trusted proxy nobody can choose the address that is counted', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 1 } });
  clock.advance(1_000);
  const signed = await api.signed('GET', '/webhooks');
  const as = (address: string) => withHeaders(signed, { 'x-forwarded-for': address });
  const wrong = withHeaders(as('203.0.113.7'), { authorization: 'Bearer nobody' });
  assertProblem(await send(service, wrong), 'unauthorized', /token/);
  assertProblem(await send(service, as('203.0.113.8')), 'too_many_requests', failed);
});
