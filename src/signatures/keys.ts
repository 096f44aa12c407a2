// Public keys: which we take, and for which algorithm each is registered. Where keys are kept, and
// whose they are, is the caller's.

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { KeyAlgorithm } from './algorithm.ts';
import { RSA_BITS } from './limits.ts';

/** A key as the verifier needs it. `clientId` is undefined where keys have no owner (receivers). */
export type VerificationKey = PublicKey & {
  readonly clientId: string | undefined;
  readonly live: boolean;
};

/** A public key and what it is registered for. */
export type PublicKey = { readonly algorithm: KeyAlgorithm; readonly publicKey: KeyObject };

/** The two algorithms an RSA key can be registered for; a key has one of them. */
export type RsaAlgorithm = 'rsa-pss-sha512' | 'rsa-v1_5-sha256';

/** A key that cannot be used; the message is a sentence for the person who brought it. */
export class UnusableKeyError extends Error {
  override readonly name = 'UnusableKeyError';
}

const CURVES: ReadonlyMap<string | undefined, KeyAlgorithm> = new Map([
  ['prime256v1', 'ecdsa-p256'],
  ['secp384r1', 'ecdsa-p384'],
  ['secp521r1', 'ecdsa-p521'],
]);

const ACCEPTED = 'an ECDSA key on P-256, P-384 or P-521, an Ed25519 key, or an RSA key';

/**
 * Reads a public key in PEM (SubjectPublicKeyInfo, `BEGIN PUBLIC KEY`).
 *
 * Takes P-256, P-384, P-521, Ed25519 and RSA of 2048 to 8192 bits, the last registered for PSS
 * unless said otherwise. Throws `UnusableKeyError` for anything else, private keys above all.
 */
export function parsePublicKey(pem: string, rsa: RsaAlgorithm = 'rsa-pss-sha512'): PublicKey {
  const labels = [...pem.matchAll(/-----BEGIN ([^-]*)-----/g)].map((match) => match[1]);
  if (labels.some((label) => label?.endsWith('PRIVATE KEY'))) {
    throw new UnusableKeyError('This is a private key; never hand it out. Send its public key.');
  }
  if (labels.includes('CERTIFICATE')) {
    throw new UnusableKeyError('This is a certificate; send the public key alone.');
  }
  if (labels.length !== 1 || labels[0] !== 'PUBLIC KEY') {
    throw new UnusableKeyError('A single PEM block "BEGIN PUBLIC KEY" is expected.');
  }
  return registered(
    decode(() => createPublicKey(pem)),
    rsa,
  );
}

/** Reads a public key as JWK (RFC 7517), as from `GET /auth/verify_keys`; throws like the other. */
export function parsePublicJwk(jwk: JsonWebKey, rsa: RsaAlgorithm = 'rsa-pss-sha512'): PublicKey {
  if (jwk.d !== undefined) {
    throw new UnusableKeyError('This is a private key; never hand it out. Send its public key.');
  }
  return registered(
    decode(() => createPublicKey({ key: jwk, format: 'jwk' })),
    rsa,
  );
}

function decode(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (cause) {
    throw new UnusableKeyError(`This cannot be read as a public key; expected is ${ACCEPTED}.`, {
      cause,
    });
  }
}

function registered(publicKey: KeyObject, rsa: RsaAlgorithm): PublicKey {
  return { algorithm: keyAlgorithm(publicKey, rsa), publicKey };
}

/** The algorithm of a public or private key; throws `UnusableKeyError` if we take no such key. */
export function keyAlgorithm(key: KeyObject, rsa: RsaAlgorithm = 'rsa-pss-sha512'): KeyAlgorithm {
  const { namedCurve, modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  if (key.asymmetricKeyType === 'ec') {
    const algorithm = CURVES.get(namedCurve);
    if (algorithm) return algorithm;
    throw new UnusableKeyError('The curve of this key has to be P-256, P-384 or P-521.');
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new UnusableKeyError(`A key of this type is not accepted; expected is ${ACCEPTED}.`);
  }
  if (modulusLength < RSA_BITS.min || modulusLength > RSA_BITS.max) {
    throw new UnusableKeyError(`An RSA key has to have ${RSA_BITS.min} to ${RSA_BITS.max} bits.`);
  }
  if (publicExponent < 3n) throw new UnusableKeyError('The exponent of this RSA key is too small.');
  return rsa;
}
