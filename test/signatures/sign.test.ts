// Signing: our deliveries come out as the contract's examples, and verify as a receiver would do
// it.

import assert from 'node:assert/strict';
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { deliveryRules } from '../../packages/signatures/src/check.ts';
import type { DialectVersion } from '../../packages/signatures/src/dialect.ts';
import { keyAlgorithm, parsePublicJwk } from '../../packages/signatures/src/keys.ts';
import { headerPairs, type SignedMessage } from '../../packages/signatures/src/message.ts';
import {
  type SigningParams,
  signMessage,
  usualComponents,
} from '../../packages/signatures/src/sign.ts';
import { verifyMessage } from '../../packages/signatures/src/verify.ts';
import { readJson, signedMessage, type VectorMessage } from './vectors.ts';

interface Delivery {
  readonly id: string;
  readonly dialect: DialectVersion;
  readonly title: string;
  readonly now: number;
  readonly message: VectorMessage;
  readonly base: string;
}

const { keys, vectors } = readJson<{
  keys: Record<string, { private_jwk: JsonWebKey }>;
  vectors: Delivery[];
}>('webhooks');

const addedHeaders =
  /^(?:digest|content-digest|upvest-signature-version|signature|signature-input)$/;

suite('deliveries of the contract', () => {
  for (const delivery of vectors) {
    const given = signedMessage(delivery.message);
    const header = new Map(given.headers);

    test(`${delivery.id} verifies as its receiver does it`, async () => {
      assert.equal((await receive(given, delivery.now)).base, delivery.base);
    });

    test(`${delivery.id} is what we sign`, async () => {
      const unsigned = {
        ...given,
        headers: given.headers.filter(([name]) => !addedHeaders.test(name)),
      };
      const params = paramsOf(header.get('signature-input') ?? '');
      const privateKey = createPrivateKey({ key: jwkOf(params.keyid), format: 'jwk' });
      const added = await signMessage({
        dialect: delivery.dialect,
        message: unsigned,
        components: usualComponents({
          dialect: delivery.dialect,
          message: unsigned,
          headers: ['content-type', 'content-length', 'digest', 'upvest-client-id'],
          expires: true,
        }),
        params,
        key: { algorithm: keyAlgorithm(privateKey), privateKey },
      });

      // ECDSA takes a random number, so only Ed25519 gives the same bytes again.
      const same = Object.entries(added).filter(
        ([name]) => name !== 'signature' || privateKey.asymmetricKeyType === 'ed25519',
      );
      assert.deepEqual(
        same.map(([name, value]) => [name, value]),
        same.map(([name]) => [name, header.get(name)]),
      );
      const sent = { ...unsigned, headers: [...unsigned.headers, ...Object.entries(added)] };
      assert.equal((await receive(sent, delivery.now)).base, delivery.base);
    });
  }
});

test('9421 with P-521 is refused, since no such algorithm is registered', async () => {
  const [keyid = ''] = Object.keys(keys).filter((id) => jwkOf(id).crv === 'P-521');
  const privateKey = createPrivateKey({ key: jwkOf(keyid), format: 'jwk' });
  const signing = signMessage({
    dialect: '9421',
    message: { method: 'GET', target: '/', headers: [], body: new Uint8Array() },
    components: ['@method', '@path'],
    params: { keyid, created: 1 },
    key: { algorithm: 'ecdsa-p521', privateKey },
  });
  await assert.rejects(signing, { code: 'alg_not_allowed' });
});

test('a component the message does not have cannot be signed', async () => {
  const [keyid = ''] = Object.keys(keys).filter((id) => jwkOf(id).crv === 'Ed25519');
  const privateKey = createPrivateKey({ key: jwkOf(keyid), format: 'jwk' });
  const signing = signMessage({
    dialect: '15',
    message: { method: 'GET', target: '/', headers: [], body: new Uint8Array() },
    components: ['@method', '@path', 'accept'],
    params: { keyid, created: 1 },
    key: { algorithm: 'ed25519', privateKey },
  });
  await assert.rejects(signing, { code: 'component_missing', field: 'accept' });
});

test('a request signed here verifies behind a real HTTP server', async () => {
  const received = Promise.withResolvers<SignedMessage>();
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { method = '', url: target = '', rawHeaders } = request;
    received.resolve({ method, target, headers: headerPairs(rawHeaders), body });
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const message: SignedMessage = {
      method: 'POST',
      target: '/a//b%20c/?x=%3A&y=%2f',
      headers: [
        ['Host', `127.0.0.1:${port}`],
        ['Accept', 'application/json'],
        ['Accept', ' text/plain;q=0.5'],
        ['Content-Length', '2'],
        ['X-Empty', ''],
      ],
      body: Buffer.from('{}'),
    };
    const [keyid = ''] = Object.keys(keys).filter((id) => jwkOf(id).crv === 'P-256');
    const added = await signMessage({
      dialect: '9421',
      message,
      components: [
        '@method',
        '@target-uri',
        'accept',
        'x-empty',
        'content-digest',
        'content-length',
      ],
      params: { keyid, created: 1_700_000_000, expires: 1_700_000_005 },
      key: {
        algorithm: 'ecdsa-p256',
        privateKey: createPrivateKey({ key: jwkOf(keyid), format: 'jwk' }),
      },
    });
    const client = request({
      port,
      host: '127.0.0.1',
      method: message.method,
      path: message.target,
      headers: [...message.headers, ...Object.entries(added)].flat(),
    });
    client.end(message.body);
    const verified = await receive(await received.promise, 1_700_000_005);
    assert.match(
      verified.base,
      /^"@target-uri": https:\/\/127.0.0.1:\d+\/a\/\/b%20c\/\?x=%3A&y=%2f$/m,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

function jwkOf(keyid: string): JsonWebKey {
  const jwk = keys[keyid]?.private_jwk;
  assert.ok(jwk, `no key ${keyid}`);
  return jwk;
}

function receive(message: SignedMessage, now: number) {
  return verifyMessage(message, {
    keys: (keyid) => {
      const { d: _, ...jwk } = jwkOf(keyid);
      return { ...parsePublicJwk(jwk), clientId: undefined, live: true };
    },
    clientId: undefined,
    now,
    rules: deliveryRules,
    isReplay: () => false,
  });
}

// As the example has them, in its order.
function paramsOf(signatureInput: string): SigningParams {
  const texts = [...signatureInput.matchAll(/;(\w+)=("?)([^";]*)\2/g)];
  const params = texts.map(([, name, quote, value]) => [name, quote ? value : Number(value)]);
  return Object.fromEntries(params) as SigningParams;
}
