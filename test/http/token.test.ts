// `POST /auth/token`: what it issues, what it refuses, and that a refusal tells nobody which part of
// the credentials was wrong.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { isScope } from '../../src/auth/scope.ts';
import { sha256 } from '../../src/auth/secret.ts';
import { raw } from '../../src/db/sql.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type ApiClient,
  type Content,
  makeApiClient,
  outgoing,
  type Reply,
  send,
  sign,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { sentDuring, withValues } from '../support/statements.ts';
import { apiOf, askForToken, type TokenRequest, tokenRequest } from './api.ts';
import { assertProblem, assertSuccess, shapeOf, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, { keyTypes: ['P-521', 'ed25519'] });
const neighbour = await makeApiClient(sql, clock);

/** Asks for a token in vain; nothing may change. */
async function refused(
  fields: TokenRequest,
  content?: Content,
  as: ApiClient = client,
): Promise<Reply> {
  const message = await tokenRequest(service, as, fields, content);
  const before = await tablesOf(sql);
  const reply = await send(service, message);
  assert.deepEqual(await tablesOf(sql), before);
  return reply;
}

test('point 12: a token with the form of the contract, stored only as its hash', async () => {
  const reply = await askForToken(service, client, { scope: 'webhooks:read accounts:read' });
  assertSuccess(reply, 200);
  const token = reply.json['access_token'];
  assert.match(String(token), /^[\w-]{43}$/);
  const text = `{"access_token":"${token}","expires_in":1800,"scope":"webhooks:read accounts:read","token_type":"bearer"}`;
  assert.equal(reply.text, text);
  assert.equal(reply.headers['cache-control'], 'no-store');
  const stored = await sql<{ rows: string }[]>`
    select string_agg(t::text, ' ') as rows
    from unwind.access_tokens t`;
  assert.ok(!stored[0]?.rows.includes(String(token)));
  const again = await askForToken(service, client);
  assert.notEqual(again.json['access_token'], token);
});

test('point 12: it works at every process until it expires, and not a moment longer', async () => {
  const elsewhere = await startHttp({ after }, { sql, clock });
  const api = await apiOf(service, client);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
  clock.advance(1_799_999);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
  assertSuccess(await send(elsewhere, await api.signed('GET', '/webhooks')), 200);
  clock.advance(1);
  const expired = /not known or has expired/;
  assertProblem(await api.call('GET', '/webhooks'), 'unauthorized', expired);
  const there = await send(elsewhere, await api.signed('GET', '/webhooks'));
  assertProblem(there, 'unauthorized', expired);
});

test('point 12: it has the scopes that were asked for and no others', async () => {
  const list = `/accounts/${randomUUID()}/liquidations`;
  const reader = await apiOf(service, client, ['account_liquidations:read']);
  assertProblem(await reader.call('GET', list), 'not_found', /no such account/);
  assertProblem(
    await reader.call('GET', '/webhooks'),
    'forbidden',
    /webhooks:read or webhooks:admin/,
  );
  const json = { user_id: randomUUID() };
  const headers = { 'idempotency-key': randomUUID() };
  const create = await reader.call('POST', list, { json, headers });
  assertProblem(create, 'forbidden', /lacks the scope account_liquidations:admin\./);
  const admin = await apiOf(service, client, ['webhooks:admin']);
  assertSuccess(await admin.call('GET', '/webhooks'), 200);
  const twice = await askForToken(service, client, { scope: ' webhooks:read  webhooks:read ' });
  assert.equal(twice.json['scope'], 'webhooks:read');
});

test('point 12: a scope that is unknown, not granted, or none', async (t) => {
  assert.ok(isScope('orders:admin'));
  const scopes = ['', ' ', 'everything', 'orders:admin', 'webhooks:read orders:admin', 'webhooks'];
  for (const scope of [...scopes, 'WEBHOOKS:READ', 'webhooks:read,webhooks:admin', 'toString']) {
    await t.test(scope, async () => {
      const reply = await refused({ scope });
      assertProblem(reply, 'bad_request', /scope/);
    });
  }
});

test('point 12: where the setting says so, unknown scopes are left out, and the answer names the rest', async (t) => {
  const lenient = await startHttp(t, { sql, clock, ignoresUnknownScopes: true });
  const scope = 'savings_plans:admin webhooks:read virtual_cash_balances:admin accounts:read';
  const reply = await askForToken(lenient, client, { scope });
  assertSuccess(reply, 200);
  assert.equal(reply.json['scope'], 'webhooks:read accounts:read');
  const token = String(reply.json['access_token']);
  const [stored] = await sql<{ scopes: string[] }[]>`
    select t.scopes from unwind.access_tokens t where t.token_hash = ${sha256(token)}`;
  assert.deepEqual(stored?.scopes, ['webhooks:read', 'accounts:read']);
  for (const refusedScope of ['savings_plans:admin', 'webhooks:read orders:admin']) {
    const other = await askForToken(lenient, client, { scope: refusedScope });
    assertProblem(other, 'bad_request', /no scope that is known here|orders:admin is not known/);
  }
});

test('point 12: a form that is not what it must be', async (t) => {
  const form = (await tokenRequest(service, client)).body.toString();
  const bodies: readonly (readonly [name: string, body: string, detail: RegExp])[] = [
    ['no field', 'a=', /unknown field/],
    ['empty fields', form.replace(/client_secret=[^&]*/, 'client_secret'), /not known/],
    ...['client_id', 'client_secret', 'grant_type', 'scope'].flatMap(
      (field): [string, string, RegExp][] => [
        [`without ${field}`, form.replace(new RegExp(`&?${field}=[^&]*`), ''), new RegExp(field)],
        [`with two ${field}`, `${form}&${field}=1`, new RegExp(`${field} exactly once`)],
        [
          `with a long ${field}`,
          form.replace(new RegExp(`${field}=[^&]*`), `${field}=${'a'.repeat(1_001)}`),
          new RegExp(`${field} is too long`),
        ],
      ],
    ),
    ['with another field', `${form}&audience=1`, /unknown field/],
    ['with __proto__', `${form}&__proto__=1`, /unknown field/],
  ];
  for (const [name, body, detail] of bodies) {
    await t.test(name, async () => {
      const type = name === 'empty fields' ? 'unauthorized' : 'bad_request';
      assertProblem(await refused({}, { body }), type, detail);
    });
  }
  await t.test('another grant', async () => {
    const reply = await refused({ grant_type: 'password' });
    assertProblem(reply, 'bad_request', /grant_type can only be client_credentials/);
  });
  await t.test('no body', async () => {
    assertProblem(await refused({}, { body: '' }), 'bad_request', /client_id exactly once/);
  });
});

test('point 12: a body that is not said to be a form is 415', async () => {
  const json = JSON.stringify({ grant_type: 'client_credentials' });
  const form = /has to be application\/x-www-form-urlencoded/;
  for (const type of ['application/json', undefined, 'text/plain', 'multipart/form-data']) {
    const content = { body: json, headers: { 'content-type': type } };
    assertProblem(await refused({}, content), 'unsupported_media_type', form);
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
  assertSuccess(await askForToken(service, client, {}, { headers }), 200);
});

test('point 12: wrong client, secret or key: one and the same answer, before any verification', async () => {
  const { verifications } = service.authenticator;
  const header = (id: string | undefined) => ({ headers: { 'upvest-client-id': id } });
  const nobody = randomUUID();
  const secret = { client_secret: neighbour.clientSecret };
  const wrong = [
    await refused(secret),
    await refused({ client_secret: `${client.clientSecret}=` }),
    await refused({ client_secret: '' }),
    await refused({ client_id: nobody }, header(nobody)),
    await refused({ client_id: nobody, ...secret }, header(nobody)),
    await refused({ client_id: neighbour.clientId }, header(neighbour.clientId)),
    await refused({ client_id: neighbour.clientId }, header(undefined)),
    await refused({ client_id: 'me' }, header(undefined)),
    await refused({}, {}, { ...client, keyId: neighbour.keyId, key: neighbour.key }),
    await refused({}, {}, { ...client, keyId: randomUUID() }),
    await refused(secret, {}, { ...client, keyId: randomUUID() }),
  ];
  const [first] = wrong;
  assert.ok(first);
  assertProblem(first, 'unauthorized', 'The client, its secret or its key is not known.');
  for (const reply of wrong) {
    assert.deepEqual(shapeOf(reply), shapeOf(first));
    assert.deepEqual(Object.keys(reply.headers), Object.keys(first.headers));
  }
  assert.equal(service.authenticator.verifications, verifications);
});

test('point 12: an unknown client costs what a known one does: the same statements, one row each', async () => {
  const header = (id: string) => ({ headers: { 'upvest-client-id': id } });
  const stranger = await makeApiClient(sql, clock);
  const idle = await makeApiClient(sql, clock);
  await apiOf(service, client);
  const costs = [];
  for (const clientId of [client.clientId, idle.clientId, randomUUID(), stranger.clientId]) {
    if (clientId === stranger.clientId) {
      await sql`delete from unwind.client_keys where tenant_id = ${clientId}`;
    }
    for (const secret of ['wrong', '', neighbour.clientSecret]) {
      const ask = () => {
        return refused({ client_id: clientId, client_secret: secret }, header(clientId));
      };
      const { result, statements } = await sentDuring(ask);
      assertProblem(result, 'unauthorized', 'The client, its secret or its key is not known.');
      const asked = statements.filter(({ values }) => values.includes(clientId));
      const texts = asked.map(({ text }) => text);
      const rows = await Promise.all(
        asked.map((one) => sql`select count(*)::integer as n from (${raw(withValues(one))}) q`),
      );
      costs.push({ texts, rows: rows.map(([row]) => row?.['n']) });
    }
  }
  const [first] = costs;
  assert.deepEqual(first?.rows, [1]);
  for (const cost of costs) assert.deepEqual(cost, first);
});

test('point 12: a revoked key is as good as none', async () => {
  const twoKeys = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'P-256'] });
  await sql`
    update unwind.client_keys
    set status = 'revoked'
    where key_id = ${twoKeys.keyId}`;
  const unknown = 'The client, its secret or its key is not known.';
  assertProblem(await refused({}, {}, twoKeys), 'unauthorized', unknown);
  const [, live] = twoKeys.signers;
  assertSuccess(await askForToken(service, { ...twoKeys, ...live }), 200);
});

test('point 12: the client id of the header is that of the form, where there is one', async () => {
  const other = { headers: { 'upvest-client-id': neighbour.clientId } };
  const another = 'The header upvest-client-id names another client.';
  assertProblem(await refused({}, other), 'unauthorized', another);
  const none = { headers: { 'upvest-client-id': undefined } };
  assertSuccess(await askForToken(service, client, {}, none), 200);
  const upper = { headers: { 'upvest-client-id': client.clientId.toUpperCase() } };
  assertSuccess(await askForToken(service, client, {}, upper), 200);
  const malformed = { headers: { 'upvest-client-id': 'me' } };
  assertProblem(await refused({}, malformed), 'bad_request', /upvest-client-id is no UUID/);
});

test('point 12: under the strict policy the header is needed and signed', async () => {
  const strict = await makeApiClient(sql, clock, { signaturePolicy: 'strict' });
  assertSuccess(await askForToken(service, strict), 200);
  const none = { headers: { 'upvest-client-id': undefined } };
  assertProblem(await refused({}, none, strict), 'bad_request', /upvest-client-id is missing/);
  const message = await tokenRequest(service, strict, {}, none);
  const added = withHeaders(message, { 'upvest-client-id': strict.clientId });
  assertProblem(
    await send(service, added),
    'unauthorized',
    /has to cover the header upvest-client/,
  );
});

test('point 12: the request has to be signed, over its body', async () => {
  const signed = await tokenRequest(service, client);
  const bare = withHeaders(signed, { signature: undefined, 'signature-input': undefined });
  const missing = /has to carry both signature-input and signature/;
  assertProblem(await send(service, bare), 'unauthorized', missing);
  const body = Buffer.from(signed.body.toString().replace('webhooks%3Aread', 'webhooks%3aread'));
  assert.equal(body.length, signed.body.length);
  assert.notDeepEqual(body, signed.body);
  const changed = await send(service, { ...signed, body });
  assertProblem(changed, 'unauthorized', /The digest is not that of the body as received/);
  const version = { headers: { 'upvest-api-version': '2' } };
  assertProblem(await refused({}, version), 'bad_request', /upvest-api-version can only be 1/);
  const html = { headers: { accept: 'text/html' } };
  assertProblem(await refused({}, html), 'not_acceptable', /application\/json/);
});

test('point 12: a query that is signed is no place for credentials', async () => {
  const { body } = await tokenRequest(service, client);
  const target = `/auth/token?${body}`;
  const headers = {
    'upvest-client-id': client.clientId,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const message = await sign(outgoing('POST', target, { headers, body }), { ...client, clock });
  assertProblem(await send(service, message), 'bad_request', /unknown members/);
});
