// Point 14: how often an address may fail to authenticate, and how often a client may ask.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { after, test } from 'node:test';
import { sha256 } from '../../src/auth/secret.ts';
import { testClock } from '../support/clock.ts';
import type { AfterTest } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type HttpOptions,
  type HttpService,
  makeApiClient,
  send,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { sentDuring } from '../support/statements.ts';
import { type Api, apiOf, askForToken } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);

async function start(t: AfterTest, options: Partial<HttpOptions>) {
  const service = await startHttp(t, { sql, clock, ...options });
  return { service, api: await apiOf(service, client) };
}

const failed = 'Too many requests from this address could not be authenticated.';

test('point 14: a client is shown what is left, then refused, then admitted again', async (t) => {
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

/** The same request as if it came from another client of the same address. */
async function guess(service: HttpService, api: Api, at: number, clientId?: string) {
  const message = await api.signed('GET', '/webhooks');
  return send(
    service,
    withHeaders(message, {
      authorization: `Bearer guess-${at}`,
      ...(clientId !== undefined && { 'upvest-client-id': clientId }),
    }),
  );
}

test('point 14: an address that fails too often is refused before any look-up', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 3 } });
  clock.advance(1_000);
  const stranger = await makeApiClient(sql, clock);
  for (let at = 0; at < 2; at += 1) {
    assertProblem(await guess(service, api, at, stranger.clientId), 'unauthorized', /token/);
  }
  const wrongSecret = await askForToken(service, stranger, { client_secret: 'wrong' });
  assertProblem(wrongSecret, 'unauthorized', /not known/);
  const { statements } = await sentDuring(async () => {
    const refused = await guess(service, api, 3, stranger.clientId);
    assertProblem(refused, 'too_many_requests', failed);
    assert.equal(refused.headers['retry-after'], '1');
    assertProblem(await askForToken(service, stranger), 'too_many_requests', failed);
  });
  assert.deepEqual(statements, [], 'nothing was looked up');
  clock.advance(1_000);
  assertSuccess(await askForToken(service, stranger), 200);
});

test('point 14: what others of an address guess shuts out neither a client nor its token', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 2 } });
  clock.advance(1_000);
  const unknownClient = randomUUID();
  for (const clientId of [unknownClient, client.clientId]) {
    for (let at = 0; at < 2; at += 1) {
      assertProblem(await guess(service, api, at, clientId), 'unauthorized', /token/);
    }
    const refused = await guess(service, api, 2, clientId);
    assertProblem(refused, 'too_many_requests', failed);
    assertSuccess(await api.call('GET', '/webhooks'), 200);
    assertSuccess(await askForToken(service, client), 200);
  }
});

test('point 14: bad signatures of a good token are bounded as well', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 3 } });
  clock.advance(1_000);
  const good = await api.signed('GET', '/webhooks');
  const forged = withHeaders(good, { 'upvest-api-version': '1', accept: '*/*' });
  const { verifications } = service.authenticator;
  for (let at = 0; at < 3; at += 1) assertProblem(await send(service, forged), 'unauthorized', /./);
  assertProblem(await send(service, forged), 'too_many_requests', failed);
  assert.equal(service.authenticator.verifications - verifications, 3);
  clock.advance(1_000);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
});

test('point 14: a token that was withdrawn is a guess again', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 2 } });
  const other = await apiOf(service, client);
  clock.advance(1_000);
  await sql`delete from unwind.access_tokens where token_hash = ${sha256(other.token)}`;
  const statuses: number[] = [];
  for (let at = 0; at < 4; at += 1) {
    statuses.push((await other.call('GET', '/webhooks')).status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 429], 'once as one that was right, then as a guess');
  assertSuccess(await api.call('GET', '/webhooks'), 200);
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

test('point 14: of a thousand bad tokens at once no more are looked up than the limit', async (t) => {
  // A thousand take a slow machine longer than the usual ten seconds, and this process sends them as well.
  const timeouts = { headersMs: 60_000, requestMs: 60_000, deadlineMs: 60_000 };
  const rates = { requestsPerS: 0, failuresPerS: 50 };
  const { service, api } = await start(t, { rates, timeouts });
  clock.advance(1_000);
  const good = await api.signed('GET', '/webhooks');
  const { verifications } = service.authenticator;
  // Fewer than connections may wait to be accepted (511): the system resets others.
  const agent = new Agent({ maxSockets: 400 });
  t.after(async () => agent.destroy());
  const flood = async (at: number) => {
    const bad = withHeaders(good, { authorization: `Bearer guess-${at}` });
    return (await send({ ...service, agent }, bad)).status;
  };
  const honest = async () => (await api.call('GET', '/webhooks')).status;
  const { result, statements } = await sentDuring(() => {
    const guesses = Array.from({ length: 1_000 }, (_, at) => flood(at));
    return Promise.all([Promise.all(guesses), Promise.all(Array.from({ length: 44 }, honest))]);
  });
  const [guesses, answers] = result;
  assert.equal(guesses.filter((status) => status === 401).length, 50);
  assert.equal(guesses.filter((status) => status === 429).length, 950);
  assert.deepEqual([...new Set(answers)], [200]);
  const hashOfGood = sha256(api.token).toString('hex');
  const lookUps = statements.filter(({ text, values }) => {
    const hashes = values.map((value) => Buffer.isBuffer(value) && value.toString('hex'));
    return text.includes('unwind.access_tokens') && !hashes.includes(hashOfGood);
  });
  assert.equal(lookUps.length, 50);
  assert.equal(service.authenticator.verifications - verifications, 44);
});

test('point 14: many at once whose tokens are right are all admitted, however low the limit', async (t) => {
  const { service } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 2 } });
  const apis: Api[] = [];
  for (let at = 0; at < 8; at += 1) {
    apis.push(await apiOf(service, await makeApiClient(sql, clock)));
  }
  // To this process they are new: it has neither issued nor seen them.
  const another = await startHttp(t, { sql, clock, rates: { requestsPerS: 0, failuresPerS: 2 } });
  const statuses = apis.map(async (one) => {
    return (await send(another, await one.signed('GET', '/webhooks'))).status;
  });
  assert.deepEqual(await Promise.all(statuses), Array(8).fill(200));
});

test('behind a trusted proxy the failures of one client do not shut out another', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 1 };
  const { service, api } = await start(t, { rates, trustedProxies: ['127.0.0.1'] });
  clock.advance(1_000);
  const wrongFrom = async (address: string) => {
    const message = await api.signed('GET', '/webhooks');
    const headers = { 'x-forwarded-for': address, authorization: 'Bearer nobody' };
    return send(service, withHeaders(message, headers));
  };
  assertProblem(await wrongFrom('203.0.113.7'), 'unauthorized', /token/);
  assertProblem(await wrongFrom('203.0.113.7'), 'too_many_requests', failed);
  assertProblem(await wrongFrom('203.0.113.8'), 'unauthorized', /token/);
  assertProblem(await wrongFrom('2001:db8::1'), 'unauthorized', /token/);
  assertProblem(await wrongFrom('2001:db8::2'), 'too_many_requests', failed);
  assertProblem(await wrongFrom('2001:db8:1::1'), 'unauthorized', /token/);
});

test('without a trusted proxy no caller can choose the address that is counted', async (t) => {
  const { service, api } = await start(t, { rates: { requestsPerS: 0, failuresPerS: 1 } });
  clock.advance(1_000);
  const signed = await api.signed('GET', '/webhooks');
  const wrongAs = (address: string) => {
    const headers = { 'x-forwarded-for': address, authorization: 'Bearer nobody' };
    return send(service, withHeaders(signed, headers));
  };
  assertProblem(await wrongAs('203.0.113.7'), 'unauthorized', /token/);
  assertProblem(await wrongAs('203.0.113.8'), 'too_many_requests', failed);
});
