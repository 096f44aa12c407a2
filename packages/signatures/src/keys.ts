// Keys: which we take, and for which algorithm each is registered. Where keys are kept, and
// whose they are, is the caller's.

import { createPrivateKey, createPublicKey, KeyObject } from 'node:crypto';
import type { KeyAlgorithm } from './algorithm.ts';
import { type KeyHalf, keyMistake } from './key-mistakes.ts';
import { rsaBits } from './limits.ts';

/** A key as the verifier needs it. `clientId` is undefined where keys have no owner (receivers). */
export type VerificationKey = PublicKey & {
  readonly clientId: string | undefined;
  readonly live: boolean;
};

/** A public key and what it is registered for. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: KeyObject;
}

/** A private key and the algorithm it signs with. */
export interface SigningKey {
  readonly algorithm: KeyAlgorithm;
  readonly privateKey: KeyObject;
}

/** A public key as JWK (RFC 7517): the members that are looked at. */
export interface PublicJwk {
  readonly kty?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
  /** Only of a private key, which is refused. */
  readonly d?: string;
}

/** The two algorithms an RSA key can be registered for; a key has one of them. */
export type RsaAlgorithm = 'rsa-pss-sha512' | 'rsa-v1_5-sha256';

/** A key that cannot be used; the message is a sentence for the person who brought it. */
export class UnusableKeyError extends Error {
  override readonly name = 'UnusableKeyError';
}

const curves: ReadonlyMap<string | undefined, KeyAlgorithm> = new Map([
  ['prime256v1', 'ecdsa-p256'],
  ['secp384r1', 'ecdsa-p384'],
  ['secp521r1', 'ecdsa-p521'],
]);

const acceptedKeys = 'an ECDSA key on P-256, P-384 or P-521, an Ed25519 key, or an RSA key';

/**
 * Reads a public key in PEM (SubjectPublicKeyInfo, `BEGIN PUBLIC KEY`).
 *
 * Takes P-256, P-384, P-521, Ed25519 and RSA of 2048 to 8192 bits, the last registered for PSS
 * unless said otherwise. Throws `UnusableKeyError` for anything else, private keys above all.
 */
export function parsePublicKey(pem: string, rsa: RsaAlgorithm = 'rsa-pss-sha512'): PublicKey {
  const mistake = keyMistake(pem, 'public');
  if (mistake !== undefined) throw new UnusableKeyError(mistake);
  return registered(
    decode('public', () => createPublicKey(pem)),
    rsa,
  );
}

/**
 * Reads a private key to sign with: PEM (PKCS #8 or SEC 1, not encrypted), or as Node has it. Takes
 * the kinds that `parsePublicKey` takes, and throws like it.
 */
export function parsePrivateKey(key: string | KeyObject): SigningKey {
  const privateKey = typeof key === 'string' ? readPrivateKey(key) : key;
  if (!(privateKey instanceof KeyObject)) {
    throw new UnusableKeyError('A private key is expected, as PEM text or as a KeyObject.');
  }
  if (privateKey.type !== 'private') {
    throw new UnusableKeyError(`This is a ${privateKey.type} key; signing needs a private key.`);
  }
  return { algorithm: keyAlgorithm(privateKey), privateKey };
}

function readPrivateKey(pem: string): KeyObject {
  const mistake = keyMistake(pem, 'private');
  if (mistake !== undefined) throw new UnusableKeyError(mistake);
  return decode('private', () => createPrivateKey(pem));
}

/** Reads a public key as JWK (RFC 7517), as from `GET /auth/verify_keys`; throws like the other. */
export function parsePublicJwk(jwk: PublicJwk, rsa: RsaAlgorithm = 'rsa-pss-sha512'): PublicKey {
  if (jwk.d !== undefined) {
    throw new UnusableKeyError('This is a private key; never hand it out. Send its public key.');
  }
  return registered(
    decode('public', () => createPublicKey({ key: { ...jwk }, format: 'jwk' })),
    rsa,
  );
}

function decode(half: KeyHalf, read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (cause) {
    const message = `This cannot be read as a ${half} key; expected is ${acceptedKeys}.`;
    throw new UnusableKeyError(message, { cause });
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
    const algorithm = curves.get(namedCurve);
    if (algorithm) return algorithm;
    throw new UnusableKeyError(
      `The curve of this key has to be P-256, P-384 or P-521, and it is ${namedCurve ?? 'unnamed'}.`,
    );
  }
  if (key.asymmetricKeyType !== 'rsa') {
    const type = key.asymmetricKeyType ?? key.type;
    throw new UnusableKeyError(
      `A key of type ${type} is not accepted; expected is ${acceptedKeys}.`,
    );
  }
  if (modulusLength < rsaBits.min || modulusLength > rsaBits.max) {
    throw new UnusableKeyError(`An RSA key has to have ${rsaBits.min} to ${rsaBits.max} bits.`);
  }
  if (publicExponent < 3n) throw new UnusableKeyError('The exponent of this RSA key is too small.');
  return rsa;
}
