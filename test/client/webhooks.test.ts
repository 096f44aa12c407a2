// The published receiver of webhooks: deliveries as the service sends them, taken in as integrators
// take them in; keys that come and go; and everything that has to be refused.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import type { KeySet } from '../../src/client/contract.ts';
import {
  type Delivery,
  DeliveryError,
  type IncomingDelivery,
  isLiquidationEvent,
  type ReceiverOptions,
  type WebhookEvent,
  webhookReceiver,
} from '../../src/client/webhooks.ts';
import type { DialectVersion } from '../../src/signatures/dialect.ts';
import { headerPairs } from '../../src/signatures/message.ts';
import { type SigningKey, signMessage, usualComponents } from '../../src/signatures/sign.ts';
import { testClock } from '../support/clock.ts';
import { portOf } from '../support/condition.ts';

interface Sender {
  readonly key: SigningKey;
  readonly jwk: JsonWebKey & { readonly kid: string };
}

function newSender(algorithm: 'ecdsa-p521' | 'ed25519' = 'ecdsa-p521'): Sender {
  const { publicKey, privateKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: randomUUID() };
  return { key: { algorithm, privateKey }, jwk };
}

const liquidation = {
  id: 'l1',
  account_id: 'a1',
  cash_amount: '10.00',
  status: 'FILLED',
  orders: [],
};

function eventOf(type: string, object: object = liquidation) {
  const created_at = '2026-01-05T09:00:00.000Z';
  return { created_at, id: randomUUID(), object, type, webhook_id: 'w1' };
}

const filled = eventOf('ACCOUNT_LIQUIDATION.FILLED');

interface Sending {
  readonly dialect?: DialectVersion;
  readonly body?: string;
  readonly target?: string;
  readonly created?: number;
}

const clock = testClock();

/** A delivery as the service would sign it. */
async function deliveryOf(sender: Sender, sending: Sending = {}): Promise<Delivery> {
  const { dialect = '6', target = '/in?from=unwind' } = sending;
  const { created = Math.floor(clock.now().getTime() / 1_000) } = sending;
  const body = Buffer.from(sending.body ?? JSON.stringify(filled));
  const headers = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['upvest-client-id', 'ebabcf4d-61c3-4942-875c-e265a7c2d062'],
  ] as const;
  const message = { method: 'POST', target, headers, body };
  const covered = ['content-type', 'content-length', 'digest', 'upvest-client-id'];
  const components = usualComponents({ dialect, message, headers: covered, expires: true });
  const params = { keyid: sender.jwk.kid, created, expires: created + 60, nonce: randomUUID() };
  const added = await signMessage({ dialect, message, components, params, key: sender.key });
  const rawHeaders = [...headers, ...Object.entries(added)].flat();
  return { method: 'POST', url: target, rawHeaders, body };
}

/** A receiver, and how often it fetched which keys. */
function receiverOf(served: { keys: KeySet['keys'] }, options: Partial<ReceiverOptions> = {}) {
  const fetches = { count: 0, failing: false };
  const keys = async (): Promise<KeySet> => {
    fetches.count += 1;
    if (fetches.failing) throw new Error('the network is down');
    return { keys: [...served.keys] };
  };
  const receiver = webhookReceiver({ keys, now: clock.now, ...options });
  return { receiver, fetches, read: receiver.read };
}

async function refusal(call: Promise<unknown>): Promise<DeliveryError> {
  const error = await call.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError, String(error));
  return error;
}

const dialects = [
  ['6', 'ecdsa-p521'],
  ['6', 'ed25519'],
  ['15', 'ecdsa-p521'],
  ['15', 'ed25519'],
  ['9421', 'ed25519'],
] as const;

for (const [dialect, algorithm] of dialects) {
  test(`a delivery of version ${dialect} with ${algorithm}, in every form it may be given`, async (t) => {
    const sender = newSender(algorithm);
    const { read } = receiverOf({ keys: [sender.jwk] });
    const delivery = await deliveryOf(sender, { dialect });
    const url = `http://hooks.example.test${delivery.url}`;
    const headers = headerPairs(delivery.rawHeaders).map(([name, value]) => [name, value] as const);
    const { method, body } = delivery;
    const init = { method, headers: headers.map(([n, v]): [string, string] => [n, v]) };
    assert.deepEqual(await read(delivery), [filled]);
    assert.deepEqual(await read(new Request(url, { ...init, body: new Uint8Array(body) })), [
      filled,
    ]);
    assert.deepEqual(await overHttp(t, delivery, read), [filled]);
    // Express: the router has taken its part of the target, and a parser has kept the bytes.
    const express = {
      ...delivery,
      url: '/',
      originalUrl: delivery.url,
      async *[Symbol.asyncIterator]() {},
    };
    assert.deepEqual(await read(express), [filled]);
  });
}

/** Sends a delivery to a server that gives its request to the receiver, body unread. */
async function overHttp(
  t: TestContext,
  { method, url, rawHeaders, body }: Delivery,
  read: (from: IncomingMessage) => Promise<readonly WebhookEvent[]>,
): Promise<readonly WebhookEvent[]> {
  const events = Promise.withResolvers<readonly WebhookEvent[]>();
  const server = createServer((request, response) => {
    read(request).then(events.resolve, events.reject);
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const headers = headerPairs(rawHeaders).filter(([name]) => name !== 'content-length');
  await fetch(`http://127.0.0.1:${portOf(server)}${url}`, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body: new Uint8Array(body),
  });
  return events.promise;
}

suite('events', () => {
  test('are told apart by their type, also to the compiler', async () => {
    const sender = newSender();
    const { read } = receiverOf({ keys: [sender.jwk] });
    const later = eventOf('ACCOUNT_LIQUIDATION.SETTLED', { id: 'l1' });
    const payload = [filled, later];
    const events = await read(await deliveryOf(sender, { body: JSON.stringify({ payload }) }));
    assert.equal(JSON.stringify(events), JSON.stringify(payload));
    const [first, second] = events;
    assert.ok(first && second);
    if (first.type === 'ACCOUNT_LIQUIDATION.FILLED') {
      const { status }: { status: 'FILLED' } = first.object;
      assert.equal(status, 'FILLED');
    } else {
      assert.fail(first.type);
    }
    assert.deepEqual(events.map(isLiquidationEvent), [true, false]);
  });

  const malformed: readonly (readonly [string, string])[] = [
    ['no JSON', '{'],
    ['no object', '[]'],
    ['a payload that is no list', '{"payload":{}}'],
    ['an event without id', '{"type":"A","object":{}}'],
    ['an event without object', '{"payload":[{"id":"1","type":"A"}]}'],
    ['bytes that are no UTF-8', '\u{fffd}'],
  ];
  for (const [what, body] of malformed) {
    test(`${what}, well signed, is refused`, async () => {
      const sender = newSender('ed25519');
      const { read } = receiverOf({ keys: [sender.jwk] });
      const error = await refusal(read(await deliveryOf(sender, { body })));
      assert.deepEqual([error.code, error.status], ['malformed_event', 400]);
    });
  }
});

suite('what is refused', () => {
  const sender = newSender('ed25519');
  const { read } = receiverOf({ keys: [sender.jwk] });
  const without = (delivery: Delivery, name: string): Delivery => ({
    ...delivery,
    rawHeaders: headerPairs(delivery.rawHeaders)
      .filter(([one]) => one !== name)
      .flat(),
  });
  const changes: readonly (readonly [string, string, (given: Delivery) => Delivery])[] = [
    ['another body', 'digest_mismatch', (given) => ({ ...given, body: Buffer.from('{}') })],
    ['another path', 'signature_invalid', (given) => ({ ...given, url: '/other?from=unwind' })],
    ['another method', 'signature_invalid', (given) => ({ ...given, method: 'PUT' })],
    ['no signature', 'missing_signature_header', (given) => without(given, 'signature')],
    ['no digest', 'component_missing', (given) => without(given, 'digest')],
  ];
  for (const [what, code, change] of changes) {
    test(`${what}, with the reason`, async () => {
      const error = await refusal(read(change(await deliveryOf(sender))));
      assert.deepEqual([error.code, error.status], [code, 401]);
      assert.match(error.message, /^[A-Z].*\.$/);
    });
  }

  test('a signature that is too old, by the clock of the receiver', async () => {
    const now = Math.floor(clock.now().getTime() / 1_000);
    const old = await deliveryOf(sender, { created: now - 61 });
    assert.equal((await refusal(read(old))).code, 'expired');
    const aging = await deliveryOf(sender, { created: now - 31 });
    assert.equal((await read(aging)).length, 1);
    const { read: strict } = receiverOf({ keys: [sender.jwk] }, { ageSMax: 30 });
    assert.equal((await refusal(strict(aging))).code, 'created_too_old');
  });

  test('a delivery that was seen, where the receiver remembers', async () => {
    const seen = new Map<string, Date>();
    const wasSeen: ReceiverOptions['wasSeen'] = ({ id, expiresAt }) => {
      const isSeen = seen.has(id);
      seen.set(id, expiresAt);
      return isSeen;
    };
    const { read: once } = receiverOf({ keys: [sender.jwk] }, { wasSeen });
    const delivery = await deliveryOf(sender);
    assert.equal((await once(delivery)).length, 1);
    assert.equal((await refusal(once(delivery))).code, 'replayed');
    assert.equal((await once(await deliveryOf(sender))).length, 1, 'a repetition is signed anew');
    const [expiresAt] = seen.values();
    const lifeMs = (expiresAt?.getTime() ?? 0) - clock.now().getTime();
    assert.ok(lifeMs > 300_000 && lifeMs <= 302_000);
  });

  test('a body beyond the bound, read or unread', async () => {
    const { read: small } = receiverOf({ keys: [sender.jwk] }, { bodyBytesMax: 100 });
    const delivery = await deliveryOf(sender);
    let pulled = 0;
    const { body: _, ...head } = delivery;
    const endless: IncomingDelivery = {
      ...head,
      async *[Symbol.asyncIterator]() {
        for (;;) {
          pulled += 10;
          yield Buffer.alloc(10);
        }
      },
    };
    for (const given of [delivery, endless]) {
      const error = await refusal(small(given));
      assert.deepEqual([error.code, error.status], ['too_large', 413]);
    }
    assert.equal(pulled, 110);
  });

  test('a body that was parsed before is a mistake of the program, and said to be', async () => {
    const delivery = await deliveryOf(sender);
    const parsed = { ...delivery, body: filled, async *[Symbol.asyncIterator]() {} };
    await assert.rejects(read(parsed), { name: 'TypeError', message: /was parsed before/ });
  });
});

suite('taking a delivery', () => {
  const sender = newSender('ed25519');
  const { receiver } = receiverOf({ keys: [sender.jwk] });

  test('has its events handled one after the other, and is answered 204', async () => {
    const payload = [filled, eventOf('ACCOUNT_LIQUIDATION.CANCELLED')];
    const delivery = await deliveryOf(sender, { body: JSON.stringify({ payload }) });
    const steps: string[] = [];
    const handle = async ({ id }: WebhookEvent) => {
      steps.push(`begin ${id}`);
      await new Promise(setImmediate);
      steps.push(`end ${id}`);
    };
    assert.deepEqual(await receiver.take(delivery, handle), { status: 204 });
    assert.deepEqual(
      steps,
      payload.flatMap(({ id }) => [`begin ${id}`, `end ${id}`]),
    );
  });

  test('says what to answer when it is refused, and nothing is handled', async () => {
    const delivery = await deliveryOf(sender);
    const handle = () => assert.fail('it was handled');
    const taken = await receiver.take({ ...delivery, body: Buffer.from('{}') }, handle);
    assert.equal(taken.status, 401);
    assert.ok(taken.error instanceof DeliveryError && taken.error.code === 'digest_mismatch');
  });

  test('is answered 500 when handling fails, and what follows is not handled', async () => {
    const delivery = await deliveryOf(sender, {
      body: JSON.stringify({ payload: [filled, filled] }),
    });
    const error = new Error('the disk is full');
    let handled = 0;
    const handle = () => {
      handled += 1;
      throw error;
    };
    assert.deepEqual(await receiver.take(delivery, handle), { status: 500, error });
    assert.equal(handled, 1);
    const parsed = { ...delivery, body: filled, async *[Symbol.asyncIterator]() {} };
    const { status } = await receiver.take(parsed, handle);
    assert.equal(status, 500, 'so is a mistake of the program');
  });
});

suite('keys', () => {
  test('are fetched once for many, and again when they are five minutes old', async () => {
    const sender = newSender('ed25519');
    const { read, fetches } = receiverOf({ keys: [sender.jwk] });
    const readOne = async () => read(await deliveryOf(sender));
    await Promise.all(Array.from({ length: 20 }, readOne));
    assert.equal(fetches.count, 1);
    clock.advance(299_999);
    await readOne();
    assert.equal(fetches.count, 1);
    clock.advance(1);
    await readOne();
    assert.equal(fetches.count, 2);
  });

  test('that rotate are fetched when a delivery names a new one; the old one while served', async () => {
    const [old, fresh] = [newSender('ed25519'), newSender('ed25519')];
    const served = { keys: [old.jwk] };
    const { read, fetches } = receiverOf(served);
    await read(await deliveryOf(old));
    served.keys = [old.jwk, fresh.jwk];
    clock.advance(10_000);
    await read(await deliveryOf(fresh));
    await read(await deliveryOf(old));
    assert.equal(fetches.count, 2);
    served.keys = [fresh.jwk];
    clock.advance(300_000);
    const error = await refusal(read(await deliveryOf(old)));
    assert.equal(error.code, 'keyid_unknown');
  });

  test('nobody can make it fetch more than once in ten seconds', async () => {
    const [sender, stranger] = [newSender('ed25519'), newSender('ed25519')];
    const { read, fetches } = receiverOf({ keys: [sender.jwk] });
    for (let count = 0; count < 20; count += 1) {
      assert.equal((await refusal(read(await deliveryOf(stranger)))).code, 'keyid_unknown');
      clock.advance(1_000);
    }
    assert.equal(fetches.count, 2);
  });

  test('nothing is fetched for what is no delivery at all', async () => {
    const { read, fetches } = receiverOf({ keys: [] });
    const nothing = { method: 'POST', url: '/', rawHeaders: [], body: Buffer.from('{}') };
    assert.equal((await refusal(read(nothing))).code, 'missing_signature_header');
    assert.equal(fetches.count, 0);
  });

  test('that cannot be fetched: the old ones for an hour, then the delivery waits', async () => {
    const sender = newSender('ed25519');
    const { read, fetches } = receiverOf({ keys: [sender.jwk] });
    await read(await deliveryOf(sender));
    fetches.failing = true;
    clock.advance(3_599_000);
    assert.equal((await read(await deliveryOf(sender))).length, 1);
    clock.advance(1_000);
    const error = await refusal(read(await deliveryOf(sender)));
    assert.deepEqual([error.code, error.status], ['keys_unavailable', 503]);
    fetches.failing = false;
    clock.advance(1_000);
    assert.equal((await read(await deliveryOf(sender))).length, 1);
  });

  test('that cannot be fetched are not asked for again at once, whoever delivers', async () => {
    const sender = newSender('ed25519');
    const { read, fetches } = receiverOf({ keys: [sender.jwk] });
    fetches.failing = true;
    for (let count = 0; count < 20; count += 1) {
      const error = await refusal(read(await deliveryOf(sender)));
      assert.deepEqual([error.code, error.status], ['keys_unavailable', 503]);
      clock.advance(100);
    }
    assert.equal(fetches.count, 2);
  });

  test('of a kind that is not known do not hinder the others', async () => {
    const sender = newSender('ed25519');
    const odd = { kid: 'odd', kty: 'AKP', alg: 'ML-DSA-44' };
    const { read } = receiverOf({ keys: [odd, sender.jwk] });
    assert.equal((await read(await deliveryOf(sender))).length, 1);
  });
});
