// Clients that are bound to certificates and networks: what a trusted proxy says of them counts, what anybody
// else says does not, and only who has the rest of the client's credentials learns what was wrong.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { changeCertificates, setClientNetworks } from '../../src/auth/change-client.ts';
import { sha256 } from '../../src/auth/secret.ts';
import { ensureCertificate } from '../../src/sandbox/certificate.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type ApiClient,
  makeApiClient,
  type Outgoing,
  outgoing,
  type Reply,
  send,
  sign,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { sentDuring } from '../support/statements.ts';
import { apiOf, askForToken, revoke, tokenRequest } from './api.ts';
import { assertProblem, assertSuccess, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
let elapsedMs = 1;
const stopwatch = {
  elapsedMs: () => elapsedMs,
  every: () => assert.fail('nothing here is done again and again'),
};
const header = 'x-client-certificate';
const proxied = { trustedProxies: ['127.0.0.1'], certificateHeader: header };
const service = await startHttp({ after }, { sql, clock, stopwatch, ...proxied });

const home = await mkdtemp(join(tmpdir(), 'unwind-certificates-'));
after(() => rm(home, { recursive: true }));
const made = await ensureCertificate(home, { host: 'localhost', now: clock.now() });
const own = new X509Certificate(made.cert);
const next = new X509Certificate(await readFile(made.caFile));

const asNginx = (one: X509Certificate) => encodeURIComponent(one.toString());
const asRfc9440 = (one: X509Certificate) => `:${one.raw.toString('base64')}:`;
const shown = (one: X509Certificate) => ({ [header]: asNginx(one) });
const by = { actor: 'Ada', reason: 'as agreed' };

async function boundClient(...certificates: readonly X509Certificate[]): Promise<ApiClient> {
  const client = await makeApiClient(sql, clock);
  const add = certificates.map(({ raw }) => sha256(raw));
  await changeCertificates(sql, clock, { tenantId: client.clientId, ...by, add, remove: [] });
  return client;
}

/** A client that calls with its certificate, or with another. */
async function bound(...certificates: readonly X509Certificate[]) {
  const client = await boundClient(...certificates);
  const headers = shown(own);
  const reply = await askForToken(service, client, {}, { headers });
  assert.equal(reply.status, 200, reply.text);
  const token = String(reply.json['access_token']);
  const signed = (): Promise<Outgoing> => {
    const headers = { authorization: `Bearer ${token}`, 'upvest-client-id': client.clientId };
    const message = outgoing('GET', '/webhooks', { headers });
    return sign(message, { clock, key: client.key, keyId: client.keyId });
  };
  const callWith = async (added: Readonly<Record<string, string>>): Promise<Reply> => {
    return send(service, withHeaders(await signed(), added));
  };
  return { client, token, signed, callWith };
}

const notShown = /has to call with its certificate/;
const notItsOwn = /certificate is not one of the client/;

test('a token is issued to the certificate of the client alone, and bound to it', async () => {
  const client = await boundClient(own);
  const before = await tablesOf(sql);
  assertProblem(await askForToken(service, client), 'unauthorized', notShown);
  const other = await askForToken(service, client, {}, { headers: shown(next) });
  assertProblem(other, 'unauthorized', notItsOwn);
  assert.deepEqual(await tablesOf(sql), before);
  for (const value of [asNginx(own), asRfc9440(own)]) {
    const reply = await askForToken(service, client, {}, { headers: { [header]: value } });
    assertSuccess(reply, 200);
    const [stored] = await sql<{ certificate_sha256: Buffer }[]>`
      select t.certificate_sha256
      from unwind.access_tokens t
      where t.token_hash = ${sha256(String(reply.json['access_token']))}`;
    const thumbprint = stored?.certificate_sha256.toString('hex').toUpperCase();
    assert.equal(thumbprint, own.fingerprint256.replaceAll(':', ''));
  }
});

test('every use of the token demands the same certificate', async () => {
  const { client, token, callWith } = await bound(own, next);
  assertSuccess(await callWith(shown(own)), 200);
  assertSuccess(await callWith({ [header]: asRfc9440(own) }), 200);
  assertProblem(await callWith({}), 'unauthorized', notShown);
  assertProblem(await callWith({ [header]: '' }), 'unauthorized', notShown);
  assertProblem(await callWith(shown(next)), 'unauthorized', /bound to another certificate/);
  assertProblem(await revoke(service, client, { token }), 'unauthorized', notShown);
  assertSuccess(await callWith(shown(own)), 200);
  const revoked = await revoke(service, client, { token }, { headers: shown(next) });
  assert.equal(revoked.status, 200);
  assertProblem(await callWith(shown(own)), 'unauthorized', /not known/);
});

test('a client that is bound to none may show any, and its tokens are bound to none', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  assertSuccess(await api.call('GET', '/webhooks', { headers: shown(own) }), 200);
  assertSuccess(await api.call('GET', '/webhooks', { headers: { [header]: 'rubbish' } }), 200);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
});

test('the header of who is no trusted proxy is as if it were absent', async () => {
  const { client, signed } = await bound(own);
  const settings = { sql, clock, certificateHeader: header };
  const behindOthers = { ...settings, trustedProxies: ['10.0.0.0/8', '::1'] };
  for (const options of [settings, behindOthers, { sql, clock, trustedProxies: ['127.0.0.1'] }]) {
    const direct = await startHttp({ after }, options);
    const forged = { ...shown(own), 'x-forwarded-for': '127.0.0.1' };
    const reply = await send(direct, withHeaders(await signed(), forged));
    assertProblem(reply, 'unauthorized', notShown);
    const token = await askForToken(direct, client, {}, { headers: forged });
    assertProblem(token, 'unauthorized', notShown);
  }
});

test('a header that comes twice, or holds no certificate, is refused', async () => {
  const { signed, callWith } = await bound(own);
  for (const [first, second] of [
    [own, own],
    [own, next],
    [next, own],
  ] as const) {
    const message = await signed();
    const lines = [first, second].map((one, at) => {
      return [at === 0 ? header : header.toUpperCase(), asNginx(one)] as const;
    });
    const twice = { ...message, headers: [...message.headers, ...lines] };
    assertProblem(await send(service, twice), 'unauthorized', /comes more than once/);
  }
  const text = own.toString();
  const joined = `${asRfc9440(own)}, ${asRfc9440(own)}`;
  const chain = encodeURIComponent(text + next.toString());
  const key = encodeURIComponent(made.key);
  const padded = `${asRfc9440(own)};a=1`;
  const short = encodeURIComponent(text.slice(0, -10));
  const blank = encodeURIComponent(`-----BEGIN CERTIFICATE-----${' '.repeat(2_000)}`);
  for (const value of [joined, chain, key, padded, short, blank, '%zz', '%ff', '::', 'none']) {
    const reply = await callWith({ [header]: value });
    assertProblem(reply, 'unauthorized', /holds no certificate/);
  }
  const truncated = `:${own.raw.subarray(1).toString('base64')}:`;
  assertProblem(await callWith({ [header]: truncated }), 'unauthorized', /another certificate/);
});

test('who lacks secret, token or key does not learn that a certificate is needed', async () => {
  const { client, token, signed } = await bound(own);
  const free = await makeApiClient(sql, clock);
  const guesses = (as: ApiClient) => [
    { ...as, clientSecret: 'guessed-guessed-guessed' },
    { ...as, key: free.key, keyId: free.keyId === as.keyId ? client.keyId : free.keyId },
  ];
  for (const [at, guess] of guesses(client).entries()) {
    const same = guesses(free)[at];
    assert.ok(same);
    const one = await send(service, await tokenRequest(service, guess));
    const other = await send(service, await tokenRequest(service, same));
    assert.deepEqual([one.status, one.json['detail']], [401, other.json['detail']]);
  }
  const wrongToken = withHeaders(await signed(), { authorization: 'Bearer guess' });
  assertProblem(await send(service, wrongToken), 'unauthorized', /not known or has expired/);
  const signedByAnother = await apiOf(service, free);
  const stolen = await signedByAnother.signed('GET', '/webhooks', {
    headers: { authorization: `Bearer ${token}`, 'upvest-client-id': client.clientId },
  });
  const reply = await send(service, stolen);
  assert.equal(reply.status, 401);
  assert.doesNotMatch(reply.text, /certificate/);
});

test('what is refused uses no signature up, and counts as a failed authentication', async () => {
  const { signed, callWith } = await bound(own);
  const message = await signed();
  assertProblem(await send(service, message), 'unauthorized', notShown);
  assertSuccess(await send(service, withHeaders(message, shown(own))), 200);
  assertProblem(await send(service, withHeaders(message, shown(own))), 'unauthorized', /before/);
  const rates = { requestsPerS: 0, failuresPerS: 1 };
  const limited = await startHttp({ after }, { sql, clock, rates, ...proxied });
  clock.advance(1_000);
  assertProblem(await send(limited, await signed()), 'unauthorized', notShown);
  assertProblem(await send(limited, await signed()), 'too_many_requests', /not be authenticated/);
  assertSuccess(await callWith(shown(own)), 200);
});

test('a certificate is replaced without a pause, and ends with its tokens', async () => {
  const { client, token, callWith } = await bound(own);
  const { clientId: tenantId } = client;
  const claim = (one: X509Certificate) => {
    const certificate = () => sha256(one.raw);
    return { clientId: tenantId, token, origin: { address: '203.0.113.7', certificate } };
  };
  const holds = (one: X509Certificate) =>
    service.authenticator.holds(claim(one), ['webhooks:read']);
  const change = async (add: readonly X509Certificate[], remove: readonly X509Certificate[]) => {
    const hashesOf = (all: readonly X509Certificate[]) => all.map(({ raw }) => sha256(raw));
    const made = { add: hashesOf(add), remove: hashesOf(remove) };
    await changeCertificates(sql, clock, { tenantId, ...by, ...made });
  };
  await change([next], []);
  elapsedMs += 2_001;
  assertSuccess(await callWith(shown(own)), 200);
  assert.deepEqual([await holds(own), await holds(next)], [true, false]);
  assertSuccess(await askForToken(service, client, {}, { headers: shown(next) }), 200);
  // While this process remembers the token, but reads the client anew.
  await change([], [own]);
  elapsedMs += 2_001;
  assertProblem(await callWith(shown(own)), 'unauthorized', /not known/);
  assert.equal(await holds(own), false);
  await change([own], []);
  elapsedMs += 2_001;
  assertProblem(await callWith(shown(own)), 'unauthorized', /not known/);
});

test('a token that is bound to a certificate ends with it, by whatever command', async () => {
  const { client, callWith } = await bound(own, next);
  await sql`
    update unwind.tenants
    set certificates = ${[sha256(next.raw)]}
    where tenant_id = ${client.clientId}`;
  elapsedMs += 2_001;
  assertProblem(await callWith(shown(own)), 'unauthorized', /was withdrawn/);
});

test('the first certificate of a client ends the tokens it had before', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  const { clientId: tenantId } = api.client;
  const add = [sha256(own.raw)];
  await changeCertificates(sql, clock, { tenantId, ...by, add, remove: [] });
  elapsedMs += 2_001;
  const call = () => api.call('GET', '/webhooks', { headers: shown(own) });
  assertProblem(await call(), 'unauthorized', /bound to no certificate: get another/);
  await changeCertificates(sql, clock, { tenantId, ...by, add: [], remove: 'all' });
  elapsedMs += 2_001;
  assertSuccess(await call(), 200);
});

test('a client calls from its networks alone, for a token and with it', async () => {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const networks = ['203.0.113.0/24', '198.51.100.9', '2001:db8::/48'];
  await setClientNetworks(sql, clock, { tenantId: client.clientId, ...by, networks });
  elapsedMs += 2_001;
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  for (const address of [
    '203.0.113.7',
    '::ffff:203.0.113.7',
    '::ffff:cb00:7107',
    '198.51.100.9',
    '2001:db8::1',
    '192.0.2.1, 203.0.113.7',
  ]) {
    assertSuccess(await api.call('GET', '/webhooks', from(address)), 200);
    assertSuccess(await askForToken(service, client, {}, from(address)), 200);
  }
  for (const address of [
    '203.0.114.7',
    '::ffff:203.0.114.7',
    '198.51.100.8',
    '2001:db8:1::1',
    '203.0.113.7, 192.0.2.1',
    '203.0.113.7:443',
    'unknown',
  ]) {
    const refused = /may not call from the address/;
    assertProblem(await api.call('GET', '/webhooks', from(address)), 'unauthorized', refused);
    assertProblem(await askForToken(service, client, {}, from(address)), 'unauthorized', refused);
  }
  const direct = await startHttp({ after }, { sql, clock });
  const forged = await send(direct, await api.signed('GET', '/webhooks', from('203.0.113.7')));
  assertProblem(forged, 'unauthorized', /from the address 127\.0\.0\.1/);
});

test('a client without the option costs no statement more', async () => {
  const statementsOf = async (call: () => Promise<Reply>) => {
    assertSuccess(await call(), 200);
    const warm = await sentDuring(call);
    elapsedMs += 2_001;
    const cold = await sentDuring(call);
    return [warm, cold].map(({ statements }) => statements.map(({ text }) => text));
  };
  const api = await apiOf(service, await makeApiClient(sql, clock));
  const { callWith } = await bound(own);
  const free = await statementsOf(() => api.call('GET', '/webhooks'));
  assert.deepEqual(await statementsOf(() => callWith(shown(own))), free);
  const [warm = [], cold = []] = free;
  assert.equal(cold.length - warm.length, 2, 'the token and the client');
});
