// Deliveries verified by code that shares nothing with ours: node:crypto, and what the dialects say of
// base, digest and encoding. So a mistake that signer and verifier share is seen.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { findPublicJwks } from '../../src/auth/signing-keys.ts';
import type { Received } from '../deliveries/receiver.ts';
import { deliverDue, startDeliverer } from '../deliveries/subscriptions.ts';
import { logLiquidations, newAccounts, newWorld, subscribeTo } from '../deliveries/world.ts';

/** How a dialect writes a line of the base, and names and writes the digest. */
const forms = {
  '6': {
    line: (name: string, value: string) => `${name}: ${value}`,
    digest: 'digest',
    digestOf: (body: Uint8Array) => `SHA-256=${createHash('sha256').update(body).digest('base64')}`,
  },
  '15': {
    line: (name: string, value: string) => `"${name}": ${value}`,
    digest: 'content-digest',
    digestOf: (body: Uint8Array) =>
      `sha-512=:${createHash('sha512').update(body).digest('base64')}:`,
  },
} as const;

const table = [
  { version: '6', algorithm: 'ecdsa-p521', form: forms['6'] },
  { version: '6', algorithm: 'ed25519', form: forms['6'] },
  { version: '15', algorithm: 'ecdsa-p521', form: forms['15'] },
  { version: '15', algorithm: 'ed25519', form: forms['15'] },
  { version: '9421', algorithm: 'ed25519', form: forms['15'] },
] as const;

function headersOf({ rawHeaders }: Received): ReadonlyMap<string, string> {
  const pairs = rawHeaders.flatMap((name, i) => {
    return i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? ''] as const] : [];
  });
  assert.equal(new Map(pairs).size, pairs.length, 'no header comes twice');
  return new Map(pairs);
}

function verifies(
  delivery: Received,
  jwks: readonly JsonWebKey[],
  form: (typeof table)[number]['form'],
) {
  const headers = headersOf(delivery);
  const input = headers.get('signature-input') ?? '';
  const [, label = '', params = '', list = ''] = /^([a-z0-9]+)=(\((.*?)\);.*)$/.exec(input) ?? [];
  const names = [...list.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name);
  const [path = '', query] = delivery.url.split('?');
  const derived: Record<string, string> = {
    '@method': delivery.method,
    '@path': path,
    '@query': `?${query}`,
  };
  const lines = names.map((name) => {
    const value = name.startsWith('@') ? derived[name] : headers.get(name);
    assert.ok(value !== undefined, `${name} is there`);
    return form.line(name, value);
  });
  const base = [...lines, form.line('@signature-params', params)].join('\n');
  const [, text = ''] =
    new RegExp(`^${label}=:([A-Za-z0-9+/]+=*):$`).exec(headers.get('signature') ?? '') ?? [];
  const keyId = /;keyid="([^"]+)"/.exec(params)?.[1];
  const jwk = jwks.find(({ kid }) => kid === keyId);
  assert.ok(jwk !== undefined, 'the key is served');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const hash = key.asymmetricKeyType === 'ec' ? 'sha512' : null;
  const isSigned = verify(hash, Buffer.from(base), key, Buffer.from(text, 'base64'));
  return { names, params, isSigned, digest: headers.get(form.digest) };
}

describe('a delivery verifies by independent code', () => {
  for (const { version, algorithm, form } of table) {
    test(`version ${version} with ${algorithm}`, async (t) => {
      const world = await newWorld(t);
      const { sql, clock, tenantId } = world;
      const signature = { signatureVersion: version, signatureAlgorithm: algorithm } as const;
      await subscribeTo(world, { ...signature, maxPackageSize: 10_000 });
      await logLiquidations(world, newAccounts(3));
      await deliverDue(startDeliverer(t, sql, { clock }));
      const jwks = (await findPublicJwks(sql, tenantId, clock.now())).map((one) => JSON.parse(one));
      const [delivery] = world.receiver.received;
      assert.ok(delivery !== undefined);
      const seen = verifies(delivery, jwks, form);
      assert.equal(seen.isSigned, true);
      assert.equal(seen.digest, form.digestOf(delivery.body));
      const covered = ['@method', '@path', '@query', 'content-type', 'content-length'];
      assert.deepEqual(
        seen.names.toSorted(),
        [...covered, form.digest, 'upvest-client-id'].toSorted(),
        'what docs/webhooks.md says is covered',
      );
      const [, created = '', expires = ''] =
        /;created=(\d+)(?=.*;expires=(\d+))/.exec(seen.params) ?? [];
      assert.equal(Number(created), Math.floor(clock.now().getTime() / 1_000));
      assert.equal(Number(expires) - Number(created), 60);
      assert.match(seen.params, /;nonce="[^"]{16,}"/);
      const changed = { ...delivery, url: delivery.url.replace('unwind', 'others') };
      assert.equal(verifies(changed, jwks, form).isSigned, false, 'and this test can fail');
    });
  }
});
