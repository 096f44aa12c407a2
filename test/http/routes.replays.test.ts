// Each signature counts once: a captured request is refused when it comes again, as it is or with
// only some of its signatures, at the same process or at another one.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  headerOf,
  makeApiClient,
  type Outgoing,
  type Reply,
  send,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import {
  apiOf,
  giveAccounts,
  hook,
  subscribe,
  tokenRequest,
  toLiquidate,
  type Wish,
  wishFor,
} from './api.ts';
import { assertProblem, recordsOf, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const elsewhere = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'P-256'] });
const [firstSigner, secondSigner] = client.signers;
assert.ok(secondSigner);
const api = await apiOf(service, client);

const used = /^This signature (has been|was) used before\.$/;

/** Sends requests, to each of the places, that have to be refused as replays and to change nothing. */
async function assertReplays(
  messages: readonly Outgoing[],
  places = [service, elsewhere],
): Promise<void> {
  const before = await tablesOf(sql);
  for (const message of messages) {
    for (const place of places) {
      assertProblem(await send(place, message), 'unauthorized', used);
    }
  }
  assert.deepEqual(await tablesOf(sql), before);
}

/** The request of a wish with a signature of each of two keys. */
async function signedTwice({ method, target, content }: Wish): Promise<Outgoing> {
  const one = await api.signed(method, target, content, { ...firstSigner, label: 'one' });
  const two = await api.signed(method, target, content, { ...secondSigner, label: 'two' });
  const both = (name: string) => `${headerOf(one, name)}, ${headerOf(two, name)}`;
  return withHeaders(one, {
    'signature-input': both('signature-input'),
    signature: both('signature'),
  });
}

/** What is left of it when only one of its signatures is sent, or both the other way round. */
function variants(twice: Outgoing): readonly Outgoing[] {
  const inputs = headerOf(twice, 'signature-input').split(', ');
  const signatures = headerOf(twice, 'signature').split(', ');
  const orders = [[0], [1], [1, 0], [0, 1]];
  return orders.map((order) => {
    const some = (members: readonly string[]) => order.map((at) => members[at]).join(', ');
    return withHeaders(twice, { 'signature-input': some(inputs), signature: some(signatures) });
  });
}

function countBy(replies: readonly Reply[]): Readonly<Record<string, number | undefined>> {
  const groups = Object.groupBy(replies, (reply) => reply.status);
  return Object.fromEntries(Object.entries(groups).map(([status, all]) => [status, all?.length]));
}

for (const route of service.routes) {
  const isChange = route.method !== 'GET';
  const places = isChange ? [service, elsewhere] : [service];

  test(`point 13: ${route.method} ${route.path}: a request again`, async () => {
    const wish = await wishFor(sql, api, route);
    const message = await api.signed(wish.method, wish.target, wish.content);
    const answer = await send(service, message);
    assert.ok(answer.status < 300, answer.text);
    const { verifications } = service.authenticator;
    await assertReplays([message], places);
    assert.equal(service.authenticator.verifications, verifications);
  });

  test(`point 13: ${route.method} ${route.path}: with one of its two signatures`, async () => {
    const twice = await signedTwice(await wishFor(sql, api, route));
    const answer = await send(service, twice);
    assert.ok(answer.status < 300, answer.text);
    await assertReplays(variants(twice), places);
  });

  if (isChange) {
    test(`point 13: ${route.method} ${route.path}: a used signature beside a new one`, async () => {
      const twice = await signedTwice(await wishFor(sql, api, route));
      const [alone] = variants(twice);
      assert.ok(alone);
      const answer = await send(service, alone);
      assert.ok(answer.status < 300, answer.text);
      // The new one may be used up by that.
      const before = await recordsOf(sql);
      assertProblem(await send(elsewhere, twice), 'unauthorized', used);
      assertProblem(await send(service, twice), 'unauthorized', used);
      assert.deepEqual(await recordsOf(sql), before);
    });
  }
}

/** A request that carries all signatures of several like ones. */
function joined(messages: readonly Outgoing[]): Outgoing {
  const [first] = messages;
  assert.ok(first);
  const all = (name: string) => messages.map((each) => headerOf(each, name)).join(', ');
  const names = ['signature-input', 'signature'];
  return withHeaders(first, Object.fromEntries(names.map((name) => [name, all(name)])));
}

async function signedThrice(created?: number): Promise<readonly Outgoing[]> {
  const signings = [
    { label: 'one' },
    { label: 'two' },
    { label: 'three', ...(created && { created }) },
  ];
  return Promise.all(
    signings.map((signing) => api.signed('POST', '/webhooks', { json: hook }, signing)),
  );
}

test('point 13: of any number of signatures one suffices, and all of them are used up by it', async () => {
  const messages = await signedThrice();
  const { verifications } = service.authenticator;
  assert.equal((await send(service, joined(messages))).status, 201);
  assert.equal(service.authenticator.verifications, verifications + 1);
  await assertReplays(messages);
});

test('point 13: at most two of them are looked at', async () => {
  const messages = await signedThrice();
  const broken = messages.slice(0, 2).map((one) => {
    const wrong = Buffer.alloc(64, 1).toString('base64');
    return withHeaders(one, {
      signature: headerOf(one, 'signature').replace(/:.*:/, `:${wrong}:`),
    });
  });
  const last = messages.slice(2);
  const refused = await send(service, joined([...broken, ...last]));
  assertProblem(refused, 'unauthorized', /does not fit the message and the key \(one\)/);
  assert.equal((await send(service, joined(last))).status, 201, 'nothing was used up by that');
});

test('point 13: a signature that is good only later could not be remembered: not even beside a good one', async () => {
  const later = Math.floor(clock.now().getTime() / 1_000) + 31;
  const messages = await signedThrice(later);
  const before = await tablesOf(sql);
  const refused = await send(service, joined(messages));
  assertProblem(refused, 'unauthorized', 'The signature was created in the future (created).');
  assert.deepEqual(await tablesOf(sql), before);
});

test('point 13: a request for a token again', async () => {
  const message = await tokenRequest(service, client);
  assert.equal((await send(service, message)).status, 200);
  await assertReplays([message]);
});

test('point 13: a refused change uses its signature up as well', async (t) => {
  await t.test('of an account', async () => {
    const [account] = await giveAccounts(sql, client, [{ status: 'LOCKED' }]);
    const { target, content } = toLiquidate(account);
    const message = await api.signed('POST', target, content);
    assertProblem(await send(service, message), 'conflict', 'The account is LOCKED.');
    await sql`
      update unwind.accounts
      set status = 'ACTIVE'
      where account_id = ${account.accountId}`;
    await assertReplays([message]);
  });
  await t.test('of a webhook', async () => {
    const path = await subscribe(api);
    const version = { json: { config: { signature_version: '9421' } } };
    const message = await api.signed('PATCH', path, version);
    assertProblem(await send(service, message), 'bad_request', /no algorithm for P-521/);
    const algorithm = { json: { config: { signature_algorithm: 'ed25519' } } };
    assert.equal((await api.call('PATCH', path, algorithm)).status, 200);
    await assertReplays([message]);
  });
});

test('point 13: a signature with other bytes over the same base is the same signature', async () => {
  const message = await api.signed('GET', '/webhooks', {}, secondSigner);
  const malleated = withHeaders(message, { signature: negated(headerOf(message, 'signature')) });
  assert.equal((await send(service, malleated)).status, 200);
  await assertReplays([message], [service]);
  const relabelled = withHeaders(message, {
    'signature-input': headerOf(message, 'signature-input').replace(/^sig1=/, 'other='),
    signature: headerOf(message, 'signature').replace(/^sig1=/, 'other='),
  });
  await assertReplays([relabelled], [service]);
});

/** An ECDSA signature on P-256 in DER with n - s in place of s, which anybody can make of it. */
function negated(signature: string): string {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const der = Buffer.from(signature.slice('sig1=:'.length, -1), 'base64');
  const rEnd = 4 + der.readUInt8(3);
  const r = der.subarray(2, rEnd);
  const s = BigInt(`0x${der.subarray(rEnd + 2).toString('hex')}`);
  const digits = (n - s).toString(16);
  const even = digits.padStart(digits.length + (digits.length % 2), '0');
  // An integer in DER is as short as it can be, and positive.
  const bytes = Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex');
  const body = Buffer.concat([r, Buffer.from([2, bytes.length]), bytes]);
  const encoded = Buffer.concat([Buffer.from([0x30, body.length]), body]).toString('base64');
  return `sig1=:${encoded}:`;
}

test('point 13: of many copies at once, at two processes, one is accepted', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const message = await api.signed('POST', target, content);
  const copies = Array.from({ length: 20 }, (_, at) => send(at % 2 ? service : elsewhere, message));
  assert.deepEqual(countBy(await Promise.all(copies)), { 202: 1, 401: 19 });
});

test('point 13: of many copies of one with two signatures, sent in parts, one is accepted', async () => {
  const wish = { method: 'POST', target: '/webhooks', content: { json: hook } };
  const parts = variants(await signedTwice(wish));
  const places = [service, elsewhere];
  const sent = places.flatMap((place) => parts.map((part) => send(place, part)));
  const counts = countBy(await Promise.all(sent));
  // Sent apart before they were ever together, two signatures may count as two requests.
  assert.ok((counts[201] ?? 0) >= 1 && (counts[201] ?? 0) <= 2, JSON.stringify(counts));
  assert.equal((counts[201] ?? 0) + (counts[401] ?? 0), sent.length);
});

test('point 13: of many copies of a GET at once, one is accepted', async () => {
  const message = await api.signed('GET', '/webhooks');
  const replies = await Promise.all(Array.from({ length: 20 }, () => send(service, message)));
  assert.deepEqual(countBy(replies), { 200: 1, 401: 19 });
});
