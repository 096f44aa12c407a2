// Which public keys are taken, and that every other is refused with a sentence that helps.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import { parsePublicJwk, parsePublicKey, UnusableKeyError } from '../../src/signatures/keys.ts';

const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

const p256 = curve('P-256');
const rsa2048 = rsa(2048);

suite('keys that are taken', () => {
  const taken = [
    ['ecdsa-p256', p256.publicKey],
    ['ecdsa-p384', curve('P-384').publicKey],
    ['ecdsa-p521', curve('P-521').publicKey],
    ['ed25519', generateKeyPairSync('ed25519').publicKey],
    ['rsa-pss-sha512', rsa2048.publicKey],
  ] as const;
  for (const [algorithm, key] of taken) {
    test(`${algorithm}, as PEM and as JWK`, () => {
      const fromPem = parsePublicKey(pem(key));
      const fromJwk = parsePublicJwk(key.export({ format: 'jwk' }));
      assert.equal(fromPem.algorithm, algorithm);
      assert.equal(fromJwk.algorithm, algorithm);
      assert.ok(fromPem.publicKey.equals(fromJwk.publicKey));
    });
  }

  test('RSA for PKCS#1 v1.5, when it is registered so', () => {
    const { algorithm } = parsePublicKey(pem(rsa2048.publicKey), 'rsa-v1_5-sha256');
    assert.equal(algorithm, 'rsa-v1_5-sha256');
  });
});

suite('keys that are refused', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a private key', exported('pkcs8'), /private key/],
    ['a private key in SEC1', exported('sec1'), /private key/],
    ['a private key behind its public key', pem(p256.publicKey) + exported('pkcs8'), /private key/],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----',
      /certificate/,
    ],
    ['an RSA key in PKCS#1', pkcs1(), /BEGIN PUBLIC KEY/],
    ['two keys', pem(p256.publicKey) + pem(rsa2048.publicKey), /single PEM block/],
    ['no PEM at all', 'ssh-ed25519 AAAA', /single PEM block/],
    ['nothing', '', /single PEM block/],
    [
      'PEM around garbage',
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
      /cannot be read/,
    ],
    ['a small RSA key', pem(rsa(1024).publicKey), /2048 to 8192 bits/],
    ['an RSA key with exponent 1', exponentOne(), /exponent/],
    ['another curve', pem(curve('secp256k1').publicKey), /P-256, P-384 or P-521/],
    ['a key for agreement', pem(generateKeyPairSync('x25519').publicKey), /not accepted/],
    ['Ed448', pem(generateKeyPairSync('ed448').publicKey), /not accepted/],
  ];
  for (const [title, text, message] of refused) {
    test(title, () => {
      assert.throws(() => parsePublicKey(text), { name: 'UnusableKeyError', message });
    });
  }

  test('a private JWK, and one that is no key', () => {
    const jwk = p256.privateKey.export({ format: 'jwk' });
    assert.throws(() => parsePublicJwk(jwk), { name: 'UnusableKeyError', message: /private key/ });
    assert.throws(() => parsePublicJwk({ kty: 'oct', k: 'AAAA' }), UnusableKeyError);
  });
});

function exported(type: 'pkcs8' | 'sec1'): string {
  return p256.privateKey.export({ type, format: 'pem' }).toString();
}

function pkcs1(): string {
  return rsa2048.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}

function exponentOne(): string {
  const jwk = { ...rsa2048.publicKey.export({ format: 'jwk' }), e: 'AQ' };
  return pem(createPublicKey({ key: jwk, format: 'jwk' }));
}
