// Point 14: the checks of a request stand from cheap to costly. A request that is wrong in every way is
// mended fault by fault, and each time the next, costlier check is the one that refuses it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { apiOf, giveAccounts, keyOf, toLiquidate } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Outgoing, send, startHttp, withHeaders } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const others = await makeApiClient(sql, clock);

/** The checks in their order, each with what its refusal looks like. */
const checks = [
  { fault: 'size', type: 'content_too_large', detail: /larger than/ },
  { fault: 'route', type: 'not_found', detail: /no such resource/ },
  { fault: 'headers', type: 'not_acceptable', detail: /accept/ },
  { fault: 'rate of the address', type: 'too_many_requests', detail: /this address/ },
  { fault: 'token', type: 'unauthorized', detail: /access token is not known/ },
  { fault: 'age of the signature', type: 'unauthorized', detail: /created too long ago/ },
  { fault: 'digest', type: 'unauthorized', detail: /digest/ },
  { fault: 'verification', type: 'unauthorized', detail: /does not fit the message and the key/ },
  { fault: 'rate of the client', type: 'too_many_requests', detail: /A client may send/ },
  { fault: 'scope', type: 'forbidden', detail: /lacks the scope/ },
  { fault: 'schema', type: 'bad_request', detail: /unknown members/ },
  { fault: 'idempotency', type: 'unprocessable_content', detail: /another request/ },
] as const;

type Fault = (typeof checks)[number]['fault'];

const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, client);
const weak = await apiOf(service, client, ['webhooks:read']);

/** One that has been asked too much by this client, and failed too often for this address. */
async function tiredOf(faults: ReadonlySet<Fault>) {
  const rates = {
    requestsPerS: faults.has('rate of the client') ? 1 : 0,
    failuresPerS: faults.has('rate of the address') ? 1 : 0,
  };
  const place = await startHttp({ after }, { sql, clock, rates });
  if (rates.requestsPerS > 0) await send(place, await api.signed('GET', '/webhooks'));
  if (rates.failuresPerS > 0) {
    const unknown = await api.signed('GET', '/webhooks');
    await send(place, withHeaders(unknown, { authorization: 'Bearer nobody' }));
  }
  return place;
}

async function requestWith(faults: ReadonlySet<Fault>): Promise<Outgoing> {
  const [account] = await giveAccounts(sql, client);
  const usedKey = randomUUID();
  const [other] = await giveAccounts(sql, client);
  const used = toLiquidate(other, usedKey);
  assertSuccess(await api.call('POST', used.target, used.content), 202);

  const { target, content } = toLiquidate(account);
  const body = JSON.stringify({
    ...(content.json as object),
    ...(faults.has('schema') ? { more: 1 } : {}),
  });
  const headers = {
    ...keyOf(faults.has('idempotency') ? usedKey : randomUUID()),
    'content-type': 'application/json',
    ...(faults.has('headers') ? { accept: 'text/html' } : {}),
    ...(faults.has('token') ? { authorization: 'Bearer nobody' } : {}),
  };
  const long = faults.has('size') ? body.padEnd(16_385) : body;
  const now = Math.floor(clock.now().getTime() / 1_000);
  const message = await (faults.has('scope') ? weak : api).signed(
    'POST',
    faults.has('route') ? '/nowhere' : target,
    { body: long, headers },
    {
      ...(faults.has('age of the signature') ? { created: now - 301, expires: now + 60 } : {}),
      ...(faults.has('verification') ? { key: others.key } : {}),
    },
  );
  const swapped = Buffer.from(long.replace('user_id', 'USER_id'));
  return faults.has('digest') ? { ...message, body: swapped } : message;
}

for (const [at, { fault, type, detail }] of checks.entries()) {
  test(`point 14: with every fault from ${fault} on, ${fault} refuses`, async () => {
    const faults = new Set(checks.slice(at).map((check) => check.fault));
    const message = await requestWith(faults);
    const place = await tiredOf(faults);
    const { verifications } = place.authenticator;
    assertProblem(await send(place, message), type, detail);
    const isCostly = at >= checks.findIndex((check) => check.fault === 'verification');
    assert.equal(place.authenticator.verifications - verifications, isCostly ? 1 : 0);
  });
}

test('point 14: without any fault it is accepted', async () => {
  const faults = new Set<Fault>();
  assertSuccess(await send(await tiredOf(faults), await requestWith(faults)), 202);
});
