// `POST /tests/signature`: a request given as text is explained to whoever asks, and nothing is used
// up or given away by that.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import { runInspect } from '../../src/commands/inspect-command.ts';
import { readConfig } from '../../src/settings/config.ts';
import { mistakesAt, signedBy } from '../signatures/mistakes.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  makeApiClient,
  type Outgoing,
  outgoing,
  send,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { apiOf, hook, tokenRequest } from './api.ts';
import { assertProblem, assertSuccess, tablesOf } from './expect.ts';
import { bytesOf } from './wire.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, showSignatureBase: true });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const target = '/tests/signature';

interface Explained {
  readonly verdict: string;
  readonly first_fault: { readonly code: string } | null;
  readonly signatures: readonly {
    readonly base: string;
    readonly verifies: boolean;
    readonly quirks: readonly { readonly quirk: string }[];
  }[];
}

async function explain(json: object): Promise<Explained> {
  const reply = await send(service, outgoing('POST', target, { json }));
  assertSuccess(reply, 200);
  return reply.json as unknown as Explained;
}

const textOf = (message: Outgoing) => bytesOf(message).toString('utf8');

test('explains a request that the service would take, and uses nothing up', async () => {
  const message = await api.signed('POST', '/webhooks', { json: hook });
  const before = await tablesOf(sql);
  const { verdict, signatures } = await explain({ request: textOf(message) });
  assert.deepEqual([verdict, signatures[0]?.verifies], ['accepted', true]);
  assert.deepEqual(await tablesOf(sql), before);
  assert.equal((await send(service, message)).status, 201);
});

test('takes the text alone as well, bytes as they are', async () => {
  const json = { ...hook, title: 'Zürich' };
  const body = bytesOf(await api.signed('POST', '/webhooks', { json }));
  const headers = { 'content-type': 'message/http' };
  const reply = await send(service, outgoing('POST', target, { body, headers }));
  assertSuccess(reply, 200);
  assert.equal(reply.json['verdict'], 'accepted');
});

test('names each mistake of known clients, and the command does so by the database', async (t) => {
  const now = Math.floor(clock.now().getTime() / 1_000);
  const { clientId, key, keyId } = client;
  const other = await makeApiClient(sql, clock);
  const { privateKey } = key;
  const maker = { clientId, keyId, privateKey, now, foreignKeyId: other.keyId };
  const home = await mkdtemp(join(tmpdir(), 'unwind-inspect-'));
  t.after(() => rm(home, { recursive: true }));
  const config = await readConfig({ DATABASE_URL: url, UNWIND_HOME: home });
  const file = join(home, 'request.http');
  for (const [quirk, mistake] of mistakesAt(now)) {
    await t.test(quirk, async () => {
      const { method, target: path, headers, body } = signedBy(maker, mistake);
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const text = Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`), body]);
      const asked = { body: text, headers: { 'content-type': 'message/http' } };
      const reply = await send(service, outgoing('POST', target, asked));
      assertSuccess(reply, 200);
      await writeFile(file, text);
      let printed = '';
      const options = { keyFile: undefined, policy: undefined, isJson: true, stdin: process.stdin };
      const code = await runInspect({
        ...{ config, file, clock, log: pino({ level: 'silent' }), at: String(now) },
        ...options,
        stdout: { write: (some) => (printed += some) },
      });
      assert.equal(code, 1);
      for (const { verdict, signatures } of [reply.json, JSON.parse(printed)] as Explained[]) {
        const named = signatures.flatMap((one) => one.quirks.map((found) => found.quirk));
        assert.deepEqual([verdict, ...named], ['refused', quirk]);
      }
    });
  }
});

test('says what the refusal of the same request says', async () => {
  const message = withHeaders(await api.signed('GET', '/webhooks?limit=1'), { accept: '*/*' });
  const { verdict, first_fault, signatures } = await explain({ request: textOf(message) });
  assert.deepEqual([verdict, first_fault?.code], ['refused', 'signature_invalid']);
  const refused = await send(service, message);
  const base = signatures[0]?.base ?? '';
  assertProblem(refused, 'unauthorized', /to POST \/tests\/signature to have it explained/);
  assert.ok(String(refused.json['detail']).endsWith(`base:\n${base}`));
});

test('gives no token back', async () => {
  const message = await api.signed('GET', '/webhooks');
  const reply = await send(
    service,
    outgoing('POST', target, { json: { request: textOf(message) } }),
  );
  assert.ok(textOf(message).includes(api.token));
  assert.ok(!reply.text.includes(api.token));
});

test('explains a request for a token, by the client its form names', async () => {
  const message = await tokenRequest(service, client);
  assert.equal((await explain({ request: textOf(message) })).verdict, 'accepted');
  const reply = await send(
    service,
    outgoing('POST', target, { json: { request: textOf(message) } }),
  );
  assert.ok(!reply.text.includes(client.clientSecret));
});

test('judges by a key and a time that are given with it', async () => {
  const message = await api.signed('GET', '/webhooks', {}, { keyId: 'not registered' });
  const request = textOf(message);
  assert.equal((await explain({ request })).first_fault?.code, 'keyid_unknown');
  const created = Math.floor(clock.now().getTime() / 1_000);
  const { publicKey } = await keyPairOf();
  assert.equal((await explain({ request, public_key: publicKey })).verdict, 'accepted');
  const at = new Date((created + 301) * 1_000).toISOString();
  const late = await explain({ request, public_key: publicKey, at });
  assert.equal(late.first_fault?.code, 'created_too_old');
});

async function keyPairOf(): Promise<{ publicKey: string }> {
  const [row] = await sql<{ public_key_pem: string }[]>`
    select k.public_key_pem
    from unwind.client_keys k
    where k.tenant_id = ${client.clientId}`;
  return { publicKey: row?.public_key_pem ?? '' };
}

test('refuses what is no question', async () => {
  const ask = (content: Parameters<typeof outgoing>[2]) => {
    return send(service, outgoing('POST', target, content));
  };
  assertProblem(await ask({ json: { request: 'GET' } }), 'bad_request', /^request: The first line/);
  assertProblem(await ask({ json: {} }), 'bad_request', /request/);
  const noKey = { request: 'GET / HTTP/1.1\n\n', public_key: 'abc' };
  assertProblem(
    await ask({ json: noKey }),
    'bad_request',
    /^public_key: This is no PEM; PEM is expected/,
  );
  const noTime = { request: 'GET / HTTP/1.1\n\n', at: 'noon' };
  assertProblem(await ask({ json: noTime }), 'bad_request', /at is no RFC 3339/);
  const form = { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  assertProblem(await ask(form), 'unsupported_media_type', /application\/json/);
});

test('is bounded like failed authentications are', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 3 };
  const bounded = await startHttp(t, { sql, clock, rates });
  const ask = () => send(bounded, outgoing('POST', target, { json: { request: 'GET /\n\n' } }));
  const statuses = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await ask()).status);
  assert.deepEqual(statuses, [200, 200, 200, 429]);
});

test('is not there in live mode', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  const reply = await send(live, outgoing('POST', target, { json: { request: 'GET /\n\n' } }));
  assertProblem(reply, 'not_found', 'There is no such resource.');
});
