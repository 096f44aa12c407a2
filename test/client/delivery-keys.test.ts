// The keys of deliveries as a receiver holds them: fetched, kept, rotated, and out of reach.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import type { FetchKeys } from '@unwind/client/webhooks';
import { eventually, portOf } from '../support/condition.ts';
import { freePort } from '../support/port.ts';
import { clock, deliveryOf, newSender, receiverOf, refusal, type Sender } from './sender.ts';

suite('the keys of deliveries', () => {
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

  test('forged keyids make it fetch once in ten seconds, and are refused only by newer keys', async () => {
    const [sender, stranger] = [newSender('ed25519'), newSender('ed25519')];
    const { read, fetches } = receiverOf({ keys: [sender.jwk] });
    await read(await deliveryOf(sender));
    const statuses: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      clock.advance(1_000);
      statuses.push((await refusal(read(await deliveryOf(stranger)))).status);
    }
    const each = [...Array(9).fill(503), 401];
    assert.deepEqual([statuses, fetches.count], [[...each, ...each], 3]);
    assert.equal((await read(await deliveryOf(sender))).length, 1);
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

  test('that cannot be fetched are not asked for again at once, by whatever delivery', async () => {
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

/** What serves keys, or fails to, as the test wants it. */
interface KeyServer {
  readonly fetchKeys: FetchKeys;
  /** How often keys were asked for. */
  asked(): number;
  respond: (response: ServerResponse) => void;
}

async function startKeyServer(t: TestContext): Promise<KeyServer> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    keyServer.respond(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${portOf(server)}/`;
  const keyServer: KeyServer = {
    fetchKeys: async (signal) => {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`the service answered ${response.status}`);
      return (await response.json()) as Awaited<ReturnType<FetchKeys>>;
    },
    asked: () => asked,
    respond: () => assert.fail('no keys were given to serve'),
  };
  return keyServer;
}

function serves(...senders: readonly Sender[]): KeyServer['respond'] {
  return (response) => response.end(JSON.stringify({ keys: senders.map(({ jwk }) => jwk) }));
}

suite('a server of keys that', () => {
  const unknown = newSender('ed25519');
  const troubles: readonly (readonly [string, KeyServer['respond'], RegExp])[] = [
    ['hangs', () => {}, /could not be fetched: no response within 0\.3 s\.$/],
    ['breaks off', (response) => response.destroy(), /could not be fetched: fetch failed\.$/],
    ['answers 500', (response) => response.writeHead(500).end(), /the service answered 500\.$/],
    ['answers no JSON', (response) => response.end('<html>'), /is not valid JSON\.$/],
    ['answers something else', (response) => response.end('{}'), /could not be fetched: .+\.$/],
    ['answers no key', (response) => response.end('{"keys":[]}'), /no key among them .+ used\.$/],
    [
      'has only keys of other kinds',
      serves({ ...unknown, jwk: { kid: 'a', kty: 'AKP' } }),
      /used\.$/,
    ],
  ];
  for (const [what, trouble, message] of troubles) {
    test(`${what}: known keys serve, a new one has to come again until it can be fetched`, async (t) => {
      const [old, fresh] = [newSender('ed25519'), newSender('ed25519')];
      const server = await startKeyServer(t);
      const keyTimes = { fetchMs: 300 };
      const { read } = receiverOf({ keys: [] }, { keys: server.fetchKeys, keyTimes });
      server.respond = trouble;
      const first = await refusal(read(await deliveryOf(old)));
      assert.deepEqual([first.code, first.status], ['keys_unavailable', 503], 'none known yet');
      server.respond = serves(old);
      await accepted(read, old);
      server.respond = trouble;
      // Beyond the time in which keys are fresh; a fetch fails, and then many wait for none.
      for (const ms of [10_000, 300_000, 0, 0, 500, 1_000]) {
        clock.advance(ms);
        const refused = await refusal(read(await deliveryOf(fresh)));
        assert.deepEqual([refused.code, refused.status], ['keys_unavailable', 503]);
        assert.match(refused.message, message);
        assert.equal((await read(await deliveryOf(old))).length, 1);
      }
      server.respond = serves(old, fresh);
      await accepted(read, fresh);
    });
  }

  /** Delivers, as the service does, until it is accepted; it is never refused as forged. */
  async function accepted(read: ReturnType<typeof receiverOf>['read'], sender: Sender) {
    await eventually('the delivery is accepted', async () => {
      clock.advance(1_000);
      const delivery = await deliveryOf(sender);
      return read(delivery).then(
        () => true,
        (error) => assert.equal(error.status, 503) ?? false,
      );
    });
  }

  test('is not there: the delivery has to come again', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    t.diagnostic(url);
    const keys: FetchKeys = async (signal) => {
      return (await (await fetch(url, { signal })).json()) as never;
    };
    const { read } = receiverOf({ keys: [] }, { keys });
    const { code, status } = await refusal(read(await deliveryOf(unknown)));
    assert.deepEqual([code, status], ['keys_unavailable', 503]);
  });

  test('answers old keys first: only those fetched after a delivery came refuse it', async (t) => {
    const [old, fresh] = [newSender('ed25519'), newSender('ed25519')];
    const server = await startKeyServer(t);
    const { read } = receiverOf({ keys: [] }, { keys: server.fetchKeys });
    const held = Promise.withResolvers<ServerResponse>();
    server.respond = held.resolve;
    const early = read(await deliveryOf(old));
    const response = await held.promise;
    const during = refusal(read(await deliveryOf(fresh)));
    serves(old)(response);
    assert.equal((await early).length, 1);
    assert.equal((await during).status, 503, 'the keys may be older than the delivery');
    assert.equal((await refusal(read(await deliveryOf(fresh)))).status, 503);
    server.respond = serves(old);
    clock.advance(10_000);
    const forged = await refusal(read(await deliveryOf(fresh)));
    assert.deepEqual([forged.code, forged.status], ['keyid_unknown', 401]);
    server.respond = serves(old, fresh);
    clock.advance(10_000);
    assert.equal((await read(await deliveryOf(fresh))).length, 1);
    assert.equal(server.asked(), 3);
  });

  test('is slow: many deliveries by a new key wait for one fetch', async (t) => {
    const [old, fresh] = [newSender('ed25519'), newSender('ed25519')];
    const server = await startKeyServer(t);
    const { read } = receiverOf({ keys: [] }, { keys: server.fetchKeys });
    server.respond = serves(old);
    await read(await deliveryOf(old));
    clock.advance(10_000);
    const held = Promise.withResolvers<ServerResponse>();
    server.respond = held.resolve;
    const deliveries = await Promise.all(Array.from({ length: 20 }, () => deliveryOf(fresh)));
    const reading = deliveries.map((delivery) => read(delivery));
    const response = await held.promise;
    assert.equal((await read(await deliveryOf(old))).length, 1, 'a known key waits for nothing');
    serves(old, fresh)(response);
    assert.deepEqual((await Promise.all(reading)).flat().length, 20);
    assert.equal(server.asked(), 2);
  });

  test('is slow: one signature by a known key suffices beside a forged one', async (t) => {
    const [old, fresh] = [newSender('ed25519'), newSender('ed25519')];
    const server = await startKeyServer(t);
    const { read } = receiverOf({ keys: [] }, { keys: server.fetchKeys });
    server.respond = serves(old);
    await read(await deliveryOf(old));
    const [good, forged] = [await deliveryOf(old), await deliveryOf(fresh)];
    const of = (delivery: typeof good, name: string) => {
      return delivery.rawHeaders[delivery.rawHeaders.indexOf(name) + 1] ?? assert.fail(name);
    };
    const rawHeaders = [...good.rawHeaders];
    for (const name of ['signature-input', 'signature']) {
      const at = rawHeaders.indexOf(name) + 1;
      rawHeaders[at] = `${of(forged, name).replace(/^[^=]+/, 'other')}, ${of(good, name)}`;
    }
    assert.equal((await read({ ...good, rawHeaders })).length, 1);
    assert.equal(server.asked(), 1);
  });
});
