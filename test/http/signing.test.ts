// Every dialect with every type of key through the published client, from the token to the last
// request; what the two policies demand; and what a refused signature is shown.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { type ApiResponse, Client } from '@unwind/client';
import type { DialectVersion } from '@unwind/signatures';
import { systemClock } from '../../src/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type ApiClient,
  headerOf,
  type KeyType,
  makeApiClient,
  send,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { apiOf, giveAccounts, hook, toLiquidate } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = systemClock;
const service = await startHttp({ after }, { sql, clock });
const sandbox = await startHttp({ after }, { sql, clock, showSignatureBase: true });

const dialects: readonly DialectVersion[] = ['1', '6', '15', '9421'];
const keyTypes: readonly KeyType[] = ['ed25519', 'P-256', 'P-384', 'P-521'];

function publishedClient(client: ApiClient, dialect: DialectVersion): Client {
  const { clientId, clientSecret, keyId, scopes } = client;
  const baseUrl = `http://127.0.0.1:${service.port}`;
  return new Client({
    baseUrl,
    clientId,
    clientSecret,
    keyId,
    privateKey: client.key.privateKey,
    scopes,
    dialect,
  });
}

function assertStatus(answer: ApiResponse, status: number): void {
  assert.equal(answer.status, status, answer.text);
}

for (const dialect of dialects) {
  for (const keyType of keyTypes) {
    if (dialect === '9421' && keyType === 'P-521') continue; // RFC 9421 registers no such algorithm

    test(`point 13: ${keyType} in dialect ${dialect}`, async () => {
      const signaturePolicy = 'strict';
      const registered = await makeApiClient(sql, clock, { keyTypes: [keyType], signaturePolicy });
      const [account] = await giveAccounts(sql, registered);
      const client = publishedClient(registered, dialect);
      const { target } = toLiquidate(account);
      const json = { user_id: account.userId };
      const idempotencyKey = randomUUID();
      const created = await client.send({ method: 'POST', target, json, idempotencyKey });
      assertStatus(created, 202);
      const { id } = created.json as { id: string };
      assertStatus(await client.send({ method: 'GET', target: `${target}?limit=1&offset=0` }), 200);
      assertStatus(await client.send({ method: 'DELETE', target: `${target}/${id}` }), 204);
      const subscribed = await client.send({ method: 'POST', target: '/webhooks', json: hook });
      assertStatus(subscribed, 201);
      const path = `/webhooks/${(subscribed.json as { id: string }).id}`;
      const patch = { method: 'PATCH', target: path, json: { enabled: true } };
      assertStatus(await client.send(patch), 200);
    });
  }
}

test('point 13: a P-521 key under 9421 is refused by the service as well', async () => {
  const client = await makeApiClient(sql, clock, { keyTypes: ['P-521'] });
  const api = await apiOf(service, client);
  const message = await api.signed('GET', '/webhooks');
  const named = withHeaders(message, { 'upvest-signature-version': '9421' });
  assertProblem(await send(service, named), 'unauthorized', /cannot be used with this signature/);
});

test('point 13: the same request under another dialect than it was signed in', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  for (const dialect of dialects) {
    for (const other of dialects.filter((one) => one !== dialect)) {
      const message = await api.signed('POST', '/webhooks', { json: hook }, { dialect });
      const named = withHeaders(message, { 'upvest-signature-version': other });
      const reply = await send(service, named);
      // -15 and 9421 differ in algorithms only, and Ed25519 is the same in both.
      const isSame = [dialect, other].every((version) => version === '15' || version === '9421');
      if (isSame) assertSuccess(reply, 201);
      else assertProblem(reply, 'unauthorized', /./);
    }
  }
});

test('point 13: headers that are sent but not signed: strict refuses them, compatible some', async () => {
  for (const signaturePolicy of ['strict', 'compatible'] as const) {
    const client = await makeApiClient(sql, clock, { signaturePolicy });
    const api = await apiOf(service, client);
    const [account] = await giveAccounts(sql, client);
    const { target, content } = toLiquidate(account);
    const unsigned = { 'idempotency-key': undefined, 'upvest-client-id': undefined };
    const headers = { ...content.headers, 'upvest-client-id': client.clientId };
    const message = await api.signed('POST', target, { ...content, headers: unsigned });
    const reply = await send(service, withHeaders(message, headers));
    if (signaturePolicy === 'compatible') assertSuccess(reply, 202);
    else assertProblem(reply, 'unauthorized', /has to cover the header/);

    const bare = await api.signed('GET', '/webhooks', { headers: { authorization: undefined } });
    const added = withHeaders(bare, { authorization: `Bearer ${api.token}` });
    assertProblem(
      await send(service, added),
      'unauthorized',
      /has to cover the header authorization/,
    );
  }
});

test('point 13: a changed body, or a digest that is not signed', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  for (const dialect of dialects) {
    const message = await api.signed('POST', '/webhooks', { json: hook }, { dialect });
    const body = Buffer.from(message.body.toString().replace('Hook', 'Hock'));
    const changed = await send(service, { ...message, body });
    assertProblem(changed, 'unauthorized', /The digest is not that of the body as received/);
    const name = dialect === '1' || dialect === '6' ? 'digest' : 'content-digest';
    const undigested = await send(service, withHeaders(message, { [name]: undefined }));
    assertProblem(undigested, 'unauthorized', /digest|listed component/);
  }
  const message = await api.signed('DELETE', '/webhooks/1');
  const added = withHeaders({ ...message, body: Buffer.from('{}') }, { 'content-length': '2' });
  assertProblem(await send(service, added), 'unauthorized', /has to carry the digest header/);
});

test('point 13: a sandbox shows the base it computed, without the token; live shows nothing', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  const broken = async () => {
    const message = await api.signed('GET', '/webhooks?limit=1');
    return withHeaders(message, { accept: '*/*' });
  };
  const message = await broken();
  const shown = await send(sandbox, message);
  const params = headerOf(message, 'signature-input').replace(/^sig1=/, '');
  const base = [
    '"@method": GET',
    '"@path": /webhooks',
    '"@query": ?limit=1',
    '"accept": */*',
    '"authorization": ***',
    `"upvest-client-id": ${api.client.clientId}`,
    `"@signature-params": ${params}`,
  ].join('\n');
  const sentence = 'The signature does not fit the message and the key (sig1).';
  const where = 'Send the request as text to POST /tests/signature to have it explained.';
  const detail = `${sentence} ${where} The service computed this signature base:\n${base}`;
  assertProblem(shown, 'unauthorized', detail);
  assertProblem(await send(service, await broken()), 'unauthorized', sentence);
});

test('point 13: the scheme of the token in any letter case (RFC 9110 section 11.1)', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR', 'bearer ']) {
    const headers = { authorization: `${scheme} ${api.token}` };
    assertSuccess(await api.call('GET', '/webhooks', { headers }), 200);
  }
  for (const scheme of ['Bearer:', 'Token', 'bearer,', 'xbearer']) {
    const headers = { authorization: `${scheme} ${api.token}` };
    const refused = await api.call('GET', '/webhooks', { headers });
    assertProblem(refused, 'unauthorized', /carries no bearer token/);
  }
});
