// Which public keys are taken, and that every other is refused with a sentence that helps.

import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import {
  parsePrivateKey,
  parsePublicJwk,
  parsePublicKey,
  UnusableKeyError,
} from '../../packages/signatures/src/keys.ts';

const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

const p256 = curve('P-256');
const rsa2048 = rsa(2048);

suite('public keys that are accepted', () => {
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

suite('public keys that are refused', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a private key', exported('pkcs8'), /private key/],
    ['a private key in SEC1', exported('sec1'), /private key/],
    ['a private key behind its public key', pem(p256.publicKey) + exported('pkcs8'), /private key/],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----',
      /certificate/,
    ],
    [
      'an RSA key in PKCS#1',
      pkcs1(),
      /"BEGIN PUBLIC KEY" is expected, and this is "BEGIN RSA PUBLIC KEY"/,
    ],
    ['two keys', pem(p256.publicKey) + pem(rsa2048.publicKey), /single PEM block/],
    [
      'a key of OpenSSH',
      'ssh-ed25519 AAAA',
      /^This is a key in the format of OpenSSH; PEM is expected/,
    ],
    ['nothing', '', /^The key is empty; PEM is expected \("-----BEGIN PUBLIC KEY-----"\)\.$/],
    ['the name of a file', 'keys/public.pem', /^This looks like the name of a file;/],
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
    assert.throws(() => parsePublicJwk({ kty: 'oct', x: 'AAAA' }), UnusableKeyError);
  });
});

const pkcs8 = exported('pkcs8');
const encryption = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;

suite('private keys that are accepted', () => {
  const accepted = [
    ['PKCS #8', pkcs8],
    ['SEC 1', exported('sec1')],
    [
      'SEC 1 behind its parameters',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${exported('sec1')}`,
    ],
    [
      'with the line ends of Windows and a mark of the byte order',
      `\ufeff${pkcs8.replaceAll('\n', '\r\n')}`,
    ],
    ['beside its public key', pem(p256.publicKey) + pkcs8],
    ['as Node has it', p256.privateKey],
  ] as const;
  for (const [title, key] of accepted) {
    test(title, () => {
      const { algorithm, privateKey } = parsePrivateKey(key);
      assert.ok(privateKey.equals(p256.privateKey));
      assert.equal(algorithm, 'ecdsa-p256');
    });
  }
});

suite('private keys that are refused, each with a sentence of its own', () => {
  const [begin = '', ...rest] = pkcs8.split('\n');
  const refused: readonly (readonly [string, string | KeyObject, RegExp])[] = [
    [
      'a public key',
      pem(p256.publicKey),
      /^This is a public key; signing needs the private key that belongs to it\.$/,
    ],
    [
      'an encrypted key',
      p256.privateKey.export({ type: 'pkcs8', ...encryption }).toString(),
      /^This key is encrypted; decrypt it first: openssl pkey/,
    ],
    [
      'an encrypted key of the older form',
      p256.privateKey.export({ type: 'sec1', ...encryption }).toString(),
      /^This key is encrypted; decrypt it first: openssl pkey/,
    ],
    [
      'another curve',
      curveKey('secp256k1'),
      /^The curve of this key has to be P-256, P-384 or P-521, and it is secp256k1\.$/,
    ],
    [
      'a key for agreement',
      generateKeyPairSync('x25519').privateKey,
      /^A key of type x25519 is not accepted/,
    ],
    ['a small RSA key', rsa(1024).privateKey, /2048 to 8192 bits/],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----',
      /^This is a certificate; give the private key alone\.$/,
    ],
    [
      'a key of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----',
      /^This is a key in the format of OpenSSH; make one by openssl genpkey/,
    ],
    [
      'a request for a certificate',
      '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----',
      /^A PEM block "BEGIN PRIVATE KEY" is expected, and this is "BEGIN CERTIFICATE REQUEST"\.$/,
    ],
    ['nothing', ' \n', /^The key is empty; PEM is expected/],
    [
      'the name of a file',
      './private.pem',
      /^This looks like the name of a file; give the text that is in it\./,
    ],
    [
      'the name of a file of Windows',
      'C:\\keys\\private.pem',
      /^This looks like the name of a file;/,
    ],
    [
      'a JWK',
      JSON.stringify(p256.privateKey.export({ format: 'jwk' })),
      /^This is a key in JWK, or other JSON; PEM is expected/,
    ],
    [
      'base64 alone, all of slashes',
      Buffer.alloc(138, 0xff).toString('base64'),
      /^This is no PEM; PEM is expected/,
    ],
    ['base64 alone', rest.slice(0, -2).join(''), /^This is no PEM; PEM is expected/],
    [
      'line breaks that are written out',
      pkcs8.replaceAll('\n', '\\n'),
      /^The line breaks of this PEM are written as \\n; make real ones of them\.$/,
    ],
    ['quotation marks', `"${pkcs8}"`, /^This PEM stands in quotation marks; remove them\.$/],
    [
      'line breaks that are lost',
      pkcs8.replaceAll('\n', ' '),
      /^"-----BEGIN PRIVATE KEY-----" and "-----END PRIVATE KEY-----" have to stand on lines of their own\.$/,
    ],
    [
      'lines that are set in',
      pkcs8.replaceAll('\n', '\n  '),
      /have to stand on lines of their own\.$/,
    ],
    [
      'an end that is cut off',
      pkcs8.slice(0, 120),
      /^This PEM is cut off: "-----END PRIVATE KEY-----" is missing\.$/,
    ],
    [
      'bytes that are no key',
      [begin, 'AAAA', ...rest.slice(-2)].join('\n'),
      /^This cannot be read as a private key; expected is an ECDSA key/,
    ],
    [
      'a public key as Node has it',
      p256.publicKey,
      /^This is a public key; signing needs a private key\.$/,
    ],
    [
      'a secret',
      createSecretKey(Buffer.alloc(32)),
      /^This is a secret key; signing needs a private key\.$/,
    ],
    [
      'something else',
      Buffer.from('a') as never,
      /^A private key is expected, as PEM text or as a KeyObject\.$/,
    ],
  ];
  for (const [title, key, message] of refused) {
    test(title, () => {
      assert.throws(() => parsePrivateKey(key), { name: 'UnusableKeyError', message });
    });
  }
});

function curveKey(name: string): KeyObject {
  return curve(name).privateKey;
}

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
