// One attempt of a delivery against a real receiver: that its signature verifies in each dialect
// and for nothing else, and what is made of everything a receiver can answer or not answer.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { type DialectVersion, SignatureError } from '@unwind/signatures';
import {
  type Delivery,
  type DeliveryKeys,
  readDeliveryKeys,
} from '../../packages/client/src/deliveries.ts';
import type { DeliveryKey, SigningAlgorithm } from '../../src/auth/signing-keys.ts';
import { later } from '../../src/clock.ts';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import { type Attempt, post, receiverAgent } from '../../src/egress/post.ts';
import { newId } from '../../src/ids.ts';
import type { SignatureVersion, Webhook } from '../../src/webhooks/webhook.ts';
import { settingsOf } from '../deliveries/queues.ts';
import { type Reaction, startReceiver, type TestReceiver } from '../deliveries/receiver.ts';
import { readDelivery } from '../support/deliveries.ts';

const now = new Date('2026-01-05T09:00:00.000Z');
const body = JSON.stringify({ id: 'e1', type: 'TEST', object: { name: 'Zürich' } });

interface Signer {
  readonly key: DeliveryKey;
  readonly keys: DeliveryKeys;
}

function newSigner(algorithm: SigningAlgorithm): Signer {
  const { privateKey, publicKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const standardKeys = algorithm === 'ed25519' ? [privateKey] : [];
  const key = { keyId: newId<'key'>(), algorithm, privateKey, standardKeys };
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: key.keyId };
  return { key, keys: readDeliveryKeys({ keys: [jwk] }) };
}

function webhookTo(url: string, version: SignatureVersion, algorithm: SigningAlgorithm): Webhook {
  return settingsOf({ url, signatureVersion: version, signatureAlgorithm: algorithm });
}

interface Sending {
  readonly url: string;
  readonly version?: SignatureVersion;
  readonly signer?: Signer;
  readonly timeoutMs?: number;
  readonly allowLoopback?: boolean;
  readonly stop?: AbortSignal;
}

/** What an attempt means, without how long it took and what was said. */
function verdictOf(attempt: Attempt): object {
  if (attempt.type === 'unanswered') {
    const { reason, wasReached } = attempt;
    return { type: 'unanswered', reason, wasReached };
  }
  const { status, retryAfterMs } = attempt;
  return { type: 'answered', status, retryAfterMs };
}

function answered(status: number, retryAfterMs?: number): object {
  return { type: 'answered', status, retryAfterMs };
}

async function send(t: TestContext, sending: Sending): Promise<Attempt> {
  const { url, version = '6', timeoutMs = 20_000, allowLoopback = true } = sending;
  const { key } = sending.signer ?? newSigner('ed25519');
  const agent = receiverAgent({ policy: { allowLoopback }, timeoutMs });
  t.after(() => agent.close());
  const webhook = webhookTo(url, version, key.algorithm);
  const stop = sending.stop ?? new AbortController().signal;
  const clock = { now: () => now };
  const signings = new FairSlots(2);
  return post(agent, { webhook, body, messageId: 'e1', key, clock, timeoutMs, stop, signings });
}

function lastOf(receiver: TestReceiver): Delivery {
  const delivery = receiver.received.at(-1);
  assert.ok(delivery !== undefined, 'a request has come');
  return delivery;
}

/** The value of a header, by its name in lower case. */
function headerOf({ rawHeaders }: Delivery, name: string): string | undefined {
  const index = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return index < 0 ? undefined : rawHeaders[index + 1];
}

function withHeader(delivery: Delivery, name: string, value: string): Delivery {
  const rawHeaders = delivery.rawHeaders.map((text, i) => {
    const isValue = i % 2 === 1 && delivery.rawHeaders[i - 1]?.toLowerCase() === name;
    return isValue ? value : text;
  });
  assert.notDeepEqual(rawHeaders, delivery.rawHeaders, `there is a header ${name}`);
  return { ...delivery, rawHeaders };
}

const dialects: readonly (readonly [SignatureVersion, SigningAlgorithm])[] = [
  ['6', 'ecdsa-p521'],
  ['6', 'ed25519'],
  ['15', 'ecdsa-p521'],
  ['15', 'ed25519'],
  ['9421', 'ed25519'],
];

for (const [version, algorithm] of dialects) {
  describe(`a delivery signed by version ${version} with ${algorithm}`, () => {
    test('verifies, as it came over the wire, and carries the event', async (t) => {
      const receiver = await startReceiver(t);
      const signer = newSigner(algorithm);
      const attempt = await send(t, { url: receiver.url, version, signer });
      assert.deepEqual(verdictOf(attempt), answered(204));
      const delivery = lastOf(receiver);
      assert.equal(delivery.method, 'POST');
      assert.equal(delivery.url, '/events?from=unwind');
      assert.equal(headerOf(delivery, 'content-type'), 'application/json');
      assert.equal(Buffer.from(delivery.body).toString(), body);
      assert.deepEqual(await readDelivery(delivery, signer.keys, now), [JSON.parse(body)]);
    });

    test('is refused when anything that is covered was changed', async (t) => {
      const receiver = await startReceiver(t);
      const signer = newSigner(algorithm);
      await send(t, { url: receiver.url, version, signer });
      const delivery = lastOf(receiver);
      const digest = version === '6' ? 'digest' : 'content-digest';
      const other = Buffer.from(body.replace('e1', 'e2'));
      const changed: readonly (readonly [what: string, Delivery])[] = [
        ['body', { ...delivery, body: other }],
        ['path', { ...delivery, url: '/other?from=unwind' }],
        ['query', { ...delivery, url: '/events?from=elsewhere' }],
        ['method', { ...delivery, method: 'PUT' }],
        ['client id', withHeader(delivery, 'upvest-client-id', newId())],
        ['type', withHeader(delivery, 'content-type', 'text/plain')],
        ['digest', withHeader(delivery, digest, 'SHA-256=AAAA')],
      ];
      for (const [what, one] of changed) {
        await assert.rejects(readDelivery(one, signer.keys, now), SignatureError, what);
      }
    });

    test('is refused by a receiver that has other keys, or has it too late', async (t) => {
      const receiver = await startReceiver(t);
      const signer = newSigner(algorithm);
      await send(t, { url: receiver.url, version, signer });
      const delivery = lastOf(receiver);
      const others = newSigner(algorithm).keys;
      await assert.rejects(readDelivery(delivery, others, now), { code: 'keyid_unknown' });
      const tooLate = later(now, 61_000);
      await assert.rejects(readDelivery(delivery, signer.keys, tooLate), { code: 'expired' });
    });
  });
}

test('the dialects of deliveries are those a receiver can verify', () => {
  const known: readonly DialectVersion[] = dialects.map(([version]) => version);
  assert.deepEqual([...new Set(known)], ['6', '15', '9421']);
});

test('point 15: P-521 is not signed by RFC 9421, which has no algorithm for it', async (t) => {
  const receiver = await startReceiver(t);
  const sending = { url: receiver.url, version: '9421', signer: newSigner('ecdsa-p521') } as const;
  await assert.rejects(send(t, sending), { code: 'alg_not_allowed' });
  assert.equal(receiver.received.length, 0);
});

test('point 15: each attempt is signed anew, so that no two carry the same signature', async (t) => {
  const receiver = await startReceiver(t);
  const signer = newSigner('ed25519');
  for (let i = 0; i < 3; i += 1) await send(t, { url: receiver.url, version: '15', signer });
  const signatures = receiver.received.map((delivery) => headerOf(delivery, 'signature'));
  assert.equal(new Set(signatures).size, 3);
});

describe('an answer', () => {
  const soon = later(now, 120_000).toUTCString();
  const past = later(now, -120_000).toUTCString();
  const table: readonly (readonly [what: string, Reaction, object])[] = [
    ['200', { status: 200 }, answered(200)],
    ['202', { status: 202 }, answered(202)],
    ['299', { status: 299 }, answered(299)],
    ['300', { status: 300 }, answered(300)],
    ['301', { status: 301, headers: { location: '/elsewhere' } }, answered(301)],
    ['307', { status: 307, headers: { location: '/elsewhere' } }, answered(307)],
    ['400', { status: 400 }, answered(400)],
    ['410', { status: 410 }, answered(410)],
    ['429', { status: 429 }, answered(429)],
    ['429 in s', reacting(429, '7'), answered(429, 7_000)],
    ['429 by date', reacting(429, soon), answered(429, 120_000)],
    ['429 in the past', reacting(429, past), answered(429, 0)],
    ['429 and nonsense', reacting(429, 'soon'), answered(429)],
    ['500', { status: 500 }, answered(500)],
    ['503 in s', reacting(503, '0'), answered(503, 0)],
  ];
  for (const [what, reaction, expected] of table) {
    test(`${what} is reported as it came`, async (t) => {
      const receiver = await startReceiver(t);
      receiver.react = () => reaction;
      assert.deepEqual(verdictOf(await send(t, { url: receiver.url })), expected);
      assert.equal(receiver.received.length, 1, 'nothing is followed and nothing is repeated');
    });
  }
});

function reacting(status: number, retryAfter: string): Reaction {
  return { status, headers: { 'retry-after': retryAfter } };
}

describe('a receiver that', () => {
  test('closes the socket has failed', async (t) => {
    const receiver = await startReceiver(t);
    receiver.react = () => 'close';
    const attempt = await send(t, { url: receiver.url });
    assert.deepEqual(verdictOf(attempt), {
      type: 'unanswered',
      reason: 'UND_ERR_SOCKET',
      wasReached: true,
    });
    assert.equal(receiver.received.length, 1);
  });

  test('does not listen has failed', async (t) => {
    const attempt = await send(t, { url: 'http://127.0.0.1:1/' });
    const nobody = { type: 'unanswered', reason: 'ECONNREFUSED', wasReached: false };
    assert.deepEqual(verdictOf(attempt), nobody);
  });

  test('never answers has failed after the timeout', async (t) => {
    const receiver = await startReceiver(t);
    receiver.react = () => 'never';
    const begunAt = performance.now();
    const attempt = await send(t, { url: receiver.url, timeoutMs: 200 });
    assert.ok(attempt.type === 'unanswered' && attempt.wasReached);
    assert.ok(performance.now() - begunAt < 60_000, 'bounded');
    assert.match(attempt.reason, /^(no response in time|UND_ERR_HEADERS_TIMEOUT)$/);
  });

  test('answers 200 and then stalls was reached; it does not hold us', async (t) => {
    const receiver = await startReceiver(t);
    receiver.react = () => 'stalled';
    const attempt = await send(t, { url: receiver.url });
    assert.deepEqual(verdictOf(attempt), answered(200));
  });

  test('answers without end is read no further than a few KiB', async (t) => {
    const receiver = await startReceiver(t);
    receiver.react = () => 'endless';
    const attempt = await send(t, { url: receiver.url });
    assert.deepEqual(verdictOf(attempt), answered(200));
    // What the buffers of the two sockets took, not what the receiver had to give.
    assert.ok(receiver.bytesWritten() < 16 * 1024 * 1024, `${receiver.bytesWritten()} bytes`);
  });

  test('is slow is cut off when the process stops', async (t) => {
    const receiver = await startReceiver(t);
    const stopping = new AbortController();
    receiver.react = () => {
      stopping.abort();
      return 'never';
    };
    const attempt = await send(t, { url: receiver.url, stop: stopping.signal });
    assert.equal(attempt.type, 'unanswered');
  });
});

describe('where loopback is not allowed', () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    for (const scheme of ['http', 'https']) {
      test(`nothing is sent to ${scheme}://${host}, by whatever way that url was saved`, async (t) => {
        const receiver = await startReceiver(t);
        const url = `${scheme}://${host}:${receiver.port}/`;
        const attempt = await send(t, { url, allowLoopback: false });
        const reason = 'FORBIDDEN_ADDRESS';
        assert.deepEqual(verdictOf(attempt), { type: 'unanswered', reason, wasReached: false });
        assert.equal(receiver.received.length, 0);
      });
    }
  }
});
