// Requests whose form is broken, ambiguous or huge. Whatever comes, the response has the form of all
// others, no signature is verified and nothing changes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, type TestContext, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type Header,
  makeApiClient,
  type Outgoing,
  type Reply,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { apiOf, giveAccounts, hook, toLiquidate } from './api.ts';
import { assertProblem, assertRequestId, assertSuccess, tablesOf } from './expect.ts';
import { bytesOf, exchange, openWire } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

async function newOrder(): Promise<Outgoing> {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  return api.signed('POST', target, content);
}

/** Sends what must be refused by its form: no signature is verified, nothing changes. */
async function assertRefused(
  t: TestContext,
  bytes: string | Buffer,
  type: string,
  detail: RegExp | string,
): Promise<Reply> {
  const before = await tablesOf(sql);
  const { verifications } = service.authenticator;
  const reply = await exchange(t, service, bytes);
  assertProblem(reply, type, detail);
  assert.equal(service.authenticator.verifications, verifications);
  assert.deepEqual(await tablesOf(sql), before);
  return reply;
}

const notHttp = 'The request is not well-formed HTTP/1.1.';
const host = 'host: api.example.test\r\n';

test('headers that may come once and come twice', async (t) => {
  const message = withHeaders(await newOrder(), { 'upvest-api-version': '1' });
  const length = String(message.body.length);
  const moreOften = (name: string) => new RegExp(`came more often \\(${name}\\)`);
  const cases: readonly (readonly [...Header, type: string, detail: RegExp | string])[] = [
    ['authorization', 'Bearer other', 'unauthorized', moreOften('authorization')],
    ['idempotency-key', client.keyId, 'unauthorized', moreOften('idempotency-key')],
    ['upvest-client-id', client.clientId, 'bad_request', /upvest-client-id is no UUID/],
    ['upvest-api-version', '1', 'bad_request', /upvest-api-version can only be 1/],
    ['content-type', 'application/json', 'unauthorized', moreOften('content-type')],
    ['host', 'other.example.test', 'unauthorized', moreOften('host')],
    ['signature', 'sig1=:AAAA:', 'unauthorized', /label occurs more than once/],
    ['signature-input', 'sig1=()', 'unauthorized', /label occurs more than once/],
    ['upvest-signature-version', '6', 'unauthorized', moreOften('upvest-signature-version')],
    ['content-length', '1', 'bad_request', notHttp],
    ['content-length', length, 'bad_request', notHttp],
    ['transfer-encoding', 'chunked', 'bad_request', notHttp],
  ];
  for (const [name, value, type, detail] of cases) {
    const sent = { ...message, headers: [...message.headers, [name, value] as const] };
    await t.test(name, async (inner) => {
      await assertRefused(inner, bytesOf(sent), type, detail);
    });
  }
});

test('what is no HTTP', async (t) => {
  const cases: readonly (readonly [name: string, bytes: string])[] = [
    ['a lower-case method', `get /webhooks HTTP/1.1\r\n${host}\r\n`],
    ['an unknown method', `FETCH /webhooks HTTP/1.1\r\n${host}\r\n`],
    ['a blank in the target', `GET /web hooks HTTP/1.1\r\n${host}\r\n`],
    ['another protocol', `GET /webhooks FTP/1.1\r\n${host}\r\n`],
    ['a header without a colon', `GET /webhooks HTTP/1.1\r\n${host}nonsense\r\n\r\n`],
    ['a blank in a header name', `GET /webhooks HTTP/1.1\r\n${host}a b: c\r\n\r\n`],
    ['a NUL in a header', `GET /webhooks HTTP/1.1\r\n${host}a: b\0c\r\n\r\n`],
    ['a negative length', `POST /webhooks HTTP/1.1\r\n${host}content-length: -1\r\n\r\n`],
    ['a length in words', `POST /webhooks HTTP/1.1\r\n${host}content-length: one\r\n\r\n`],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a coding beyond chunked', `POST / HTTP/1.1\r\n${host}transfer-encoding: gzip\r\n\r\n`],
    [
      'a chunk that is none',
      `POST /webhooks HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\nxyz\r\n`,
    ],
  ];
  for (const [name, bytes] of cases) {
    await t.test(name, async (inner) => {
      const reply = await assertRefused(inner, bytes, 'bad_request', notHttp);
      assert.equal(reply.headers['connection'], 'close');
    });
  }
});

test('requests without a host, or with headers or a target that are too large', async (t) => {
  const noHost = 'The header host is missing.';
  await assertRefused(t, 'GET /webhooks HTTP/1.1\r\n\r\n', 'bad_request', noHost);
  const large = 'The header section is too large.';
  const huge = 'x'.repeat(17_000);
  const header = `GET /webhooks HTTP/1.1\r\n${host}a: ${huge}\r\n\r\n`;
  await assertRefused(t, header, 'bad_request', large);
  await assertRefused(t, `GET /${huge} HTTP/1.1\r\n${host}\r\n`, 'bad_request', large);
});

test('HEAD is answered without a body, HTTP/1.0 and unknown expectations like others', async (t) => {
  const wire = await openWire(t, service);
  wire.write(`HEAD /webhooks HTTP/1.1\r\n${host}\r\n`);
  const head = await wire.answer(true);
  assert.equal(head.status, 400);
  assertRequestId(head);
  const old = await exchange(t, service, 'GET /nowhere HTTP/1.0\r\n\r\n');
  assertProblem(old, 'not_found', 'There is no such resource.');
  const star = await exchange(t, service, `OPTIONS * HTTP/1.1\r\n${host}\r\n`);
  assert.equal(star.status, 204);
  const expecting = await exchange(
    t,
    service,
    `GET /nowhere HTTP/1.1\r\n${host}expect: miracles\r\n\r\n`,
  );
  assertProblem(expecting, 'not_found', 'There is no such resource.');
  const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\n';
  const other = await exchange(t, service, `GET /nowhere HTTP/1.1\r\n${host}${upgrade}\r\n`);
  assertProblem(other, 'not_found', 'There is no such resource.');
  const tunnel = await openWire(t, service);
  tunnel.write(`CONNECT db.example.test:5432 HTTP/1.1\r\n${host}\r\n`);
  assert.equal(await tunnel.rest(), '');
});

test('paths are taken as they are sent, or not at all', async (t) => {
  const [account] = await giveAccounts(sql, client);
  const { accountId } = account;
  const path = `/accounts/${accountId}/liquidations`;
  const found = [
    `${path}?`,
    `http://api.example.test${path}`,
    `https://other.example.test:99${path}?limit=1`,
    path.replace('accounts', '%61ccounts'),
    path.replace(
      accountId,
      accountId.replace(/^./, (first) => `%3${first}`),
    ),
  ];
  for (const target of found) {
    const message = await api.signed('GET', target);
    assertSuccess(await exchange(t, service, bytesOf(message)), 200);
  }
  const nowhere = [
    `/${path}`,
    `//api.example.test${path}`,
    path.replace('/liq', '//liq'),
    path.replace('/liq', '%2Fliq'),
    path.replace('/accounts', '/accounts/.'),
    path.replace('/accounts', '/x/../accounts'),
    path.toUpperCase(),
    `${path};v=1`,
  ];
  for (const target of nowhere) {
    const message = await api.signed('GET', target);
    // An encoded slash is part of a name; there is a resource of one name behind /accounts/.
    const isOneName = target.includes('%2F');
    const detail = isOneName ? /account_id is no UUID/ : /^There is no such resource\.$/;
    assertProblem(await exchange(t, service, bytesOf(message)), 'not_found', detail);
  }
  const cutShort = await api.signed('GET', path.replace(accountId, '%e4%zz'));
  const unreadable = 'The request target cannot be read.';
  assertProblem(await exchange(t, service, bytesOf(cutShort)), 'bad_request', unreadable);
  const noId = await api.signed('GET', path.replace(accountId, ''));
  assertProblem(await exchange(t, service, bytesOf(noId)), 'bad_request', /account_id is no UUID/);
  const signedElsewhere = await api.signed('GET', '/webhooks');
  const moved = { ...signedElsewhere, target: 'http://api.example.test/auth/verify_keys' };
  assertProblem(await exchange(t, service, bytesOf(moved)), 'unauthorized', /does not fit/);
});

test('a GET has no body', async (t) => {
  const message = await api.signed('GET', '/webhooks', { body: '{}' });
  await assertRefused(t, bytesOf(message), 'bad_request', 'A GET has no body here.');
  const bare = await api.signed('GET', '/webhooks');
  const chunked = withHeaders(bare, { 'transfer-encoding': 'chunked' });
  const bytes = Buffer.concat([bytesOf(chunked), Buffer.from('2\r\n{}\r\n0\r\n\r\n')]);
  await assertRefused(t, bytes, 'bad_request', 'A GET has no body here.');
  const empty = withHeaders(bare, { 'content-length': '0' });
  assertSuccess(await exchange(t, service, bytesOf(empty)), 200);
});

test('a body in chunks is a body, up to the same size', async (t) => {
  const json = JSON.stringify(hook);
  const signed = await api.signed('POST', '/webhooks', {
    body: json,
    headers: { 'content-type': 'application/json', 'content-length': undefined },
  });
  const head = bytesOf({
    ...withHeaders(signed, { 'transfer-encoding': 'chunked' }),
    body: Buffer.alloc(0),
  });
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const parts = [json.slice(0, 1), json.slice(1, 30), json.slice(30), ''].map(chunk);
  const whole = Buffer.concat([head, Buffer.from(parts.join(''))]);
  assertSuccess(await exchange(t, service, whole), 201);
  const tooLarge = Buffer.concat([head, Buffer.from(chunk(' '.repeat(16_385)))]);
  const reply = await assertRefused(t, tooLarge, 'content_too_large', /larger than 16384 bytes/);
  assert.equal(reply.headers['connection'], 'close');
});

test('a body that is too large is thrown away, and the connection goes on', async (t) => {
  const wire = await openWire(t, service);
  const id = randomUUID();
  const refusals = {
    'POST /webhooks': ['content_too_large', /larger than 16384 bytes/],
    'GET /webhooks': ['bad_request', /A GET has no body here/],
    [`DELETE /webhooks/${id}`]: ['bad_request', /larger than 16384 bytes/],
  } as const;
  for (const [target, [code, detail]] of Object.entries(refusals)) {
    const length = 1024 * 1024;
    wire.write(`${target} HTTP/1.1\r\n${host}content-length: ${length}\r\n\r\n`);
    assertProblem(await wire.answer(), code, detail);
    wire.write(Buffer.alloc(length, 'x'));
    wire.write(bytesOf(await api.signed('GET', '/webhooks')));
    assertSuccess(await wire.answer(), 200);
  }
});

test('who announces a body that is far too large is refused before it comes', async (t) => {
  const expects = 'content-length: 99999999999999\r\nexpect: 100-continue\r\n';
  const wire = await openWire(t, service);
  wire.write(`POST /auth/token HTTP/1.1\r\n${host}${expects}\r\n`);
  const first = await wire.answer();
  const reply = first.status === 100 ? await wire.answer() : first;
  assertProblem(reply, 'content_too_large', /larger than 16384 bytes/);
  await wire.rest();
});
