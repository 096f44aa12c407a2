// `POST /auth/revoke` (RFC 7009): a client ends a token of its own, and of nobody else.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Reply, send, startHttp } from '../support/http.ts';
import { apiOf, revoke, signedForm } from './api.ts';
import { assertProblem, assertRequestId, assertSuccess, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'P-521'] });
const neighbour = await makeApiClient(sql, clock);

/** RFC 7009 section 2.2: the response is 200, and its body says nothing. */
function assertRevoked(reply: Reply): void {
  assert.equal(reply.status, 200, reply.text);
  assertRequestId(reply);
  assert.equal(reply.text, '');
  assert.equal(reply.headers['cache-control'], 'no-store');
}

test('a revoked token is refused from the next request on, and others are not', async () => {
  const [api, other] = [await apiOf(service, client), await apiOf(service, client)];
  assertSuccess(await api.call('GET', '/webhooks'), 200);
  assertRevoked(await revoke(service, client, { token: api.token }));
  assertProblem(await api.call('GET', '/webhooks'), 'unauthorized', /not known or has expired/);
  assertSuccess(await other.call('GET', '/webhooks'), 200);
});

test('a token that is not known, was revoked or is another client’s: 200, and nothing is revoked', async () => {
  const theirs = await apiOf(service, neighbour);
  const own = await apiOf(service, client);
  assertRevoked(await revoke(service, client, { token: own.token }));
  for (const token of [own.token, theirs.token, 'nonsense', '']) {
    assertRevoked(await revoke(service, client, { token, token_type_hint: 'access_token' }));
    assertRevoked(await revoke(service, client, { token, token_type_hint: 'refresh_token' }));
  }
  assertSuccess(await theirs.call('GET', '/webhooks'), 200);
});

test('who may not have a token may not revoke one', async () => {
  const { token, call } = await apiOf(service, client);
  const unknown = 'The client, its secret or its key is not known.';
  const refusals: readonly (readonly [Record<string, string>, string, RegExp | string])[] = [
    [{ client_secret: 'no' }, 'unauthorized', unknown],
    [{ client_id: randomUUID() }, 'unauthorized', /names another client/],
    [{ scope: 'webhooks:read' }, 'bad_request', /unknown field/],
  ];
  for (const [fields, type, detail] of refusals) {
    const before = await tablesOf(sql);
    assertProblem(await revoke(service, client, { token, ...fields }), type, detail);
    assert.deepEqual(await tablesOf(sql), before);
  }
  const asNeighbour = { ...client, key: neighbour.key, keyId: neighbour.keyId };
  assertProblem(await revoke(service, asNeighbour, { token }), 'unauthorized', unknown);
  const none = await revoke(service, client, {});
  assertProblem(none, 'bad_request', /needs the field token exactly once/);
  assertSuccess(await call('GET', '/webhooks'), 200);
});

test('the signature of a revocation counts once', async () => {
  const { token } = await apiOf(service, client);
  const { clientId, clientSecret } = client;
  const fields = { client_id: clientId, client_secret: clientSecret, token };
  const message = await signedForm(service, client, { target: '/auth/revoke', fields });
  assertRevoked(await send(service, message));
  assertProblem(await send(service, message), 'unauthorized', /used before|replay/i);
  const elsewhere = await startHttp({ after }, { sql, clock });
  assertProblem(await send(elsewhere, message), 'unauthorized', /used before|replay/i);
});
