// The published receiver of webhooks: deliveries as the service sends them, received as integrators
// receive them, and everything that has to be refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import {
  type Delivery,
  DeliveryError,
  type IncomingDelivery,
  isLiquidationEvent,
  type ReceiverOptions,
  type WebhookEvent,
} from '@unwind/client/webhooks';
import { headerPairs } from '@unwind/signatures';
import { portOf } from '../support/condition.ts';
import { clock, deliveryOf, eventOf, filled, newSender, receiverOf, refusal } from './sender.ts';

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
  test('are known by their type, also to the compiler', async () => {
    const sender = newSender();
    const { read } = receiverOf({ keys: [sender.jwk] });
    const settled = eventOf('ACCOUNT_LIQUIDATION.SETTLED', { id: 'l1' });
    const later = eventOf('ACCOUNT_LIQUIDATION.REVERSED', { id: 'l1' });
    const payload = [filled, settled, later];
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
    assert.deepEqual(events.map(isLiquidationEvent), [true, true, false]);
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

suite('receiving a delivery', () => {
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
    assert.deepEqual(await receiver.receive(delivery, handle), { status: 204 });
    assert.deepEqual(
      steps,
      payload.flatMap(({ id }) => [`begin ${id}`, `end ${id}`]),
    );
  });

  test('says what to answer when it is refused, and nothing is handled', async () => {
    const delivery = await deliveryOf(sender);
    const handle = () => assert.fail('it was handled');
    const taken = await receiver.receive({ ...delivery, body: Buffer.from('{}') }, handle);
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
    assert.deepEqual(await receiver.receive(delivery, handle), { status: 500, error });
    assert.equal(handled, 1);
    const parsed = { ...delivery, body: filled, async *[Symbol.asyncIterator]() {} };
    const { status } = await receiver.receive(parsed, handle);
    assert.equal(status, 500, 'so is a mistake of the program');
  });
});
