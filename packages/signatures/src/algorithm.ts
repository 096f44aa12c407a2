// The signature algorithms: the form their signatures have, and computing them, off the event
// loop. Which algorithm a key has in which dialect stands in dialect.ts.

import { constants, type KeyObject, sign, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { withCopy } from './key-copies.ts';

/** What a key is registered for. It decides the algorithm, never what a message says in `alg`. */
export type KeyAlgorithm =
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ecdsa-p521'
  | 'ed25519'
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256';

/** A signature algorithm to the last detail. */
export interface Scheme {
  /** What the parameter `alg` may say, if it is given; undefined: nothing. */
  readonly alg: string | undefined;
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  /** Form of the signature: ASN.1 DER, so many bytes, or as long as the key's modulus. */
  readonly form: 'der' | 'modulus' | number;
  /** What Node needs besides; undefined: nothing. */
  readonly options: Omit<VerifyKeyObjectInput, 'key'> | undefined;
}

/** ECDSA over SHA-512 with the signature in ASN.1 DER, as clients of this API sign on any curve. */
export const ecdsaDer = (alg?: string): Scheme => ({
  alg,
  hash: 'sha512',
  form: 'der',
  options: undefined, // DER is what Node takes and gives by itself
});

/** ECDSA as RFC 9421 registers it: the curve's own hash, r and s side by side. */
export const ecdsaRaw = (alg: string, hash: 'sha256' | 'sha384', bytes: number): Scheme => ({
  alg,
  hash,
  form: bytes,
  options: { dsaEncoding: 'ieee-p1363' },
});

/** Pure Ed25519 (RFC 8032). */
export const ed25519 = (alg: string): Scheme => ({ alg, hash: null, form: 64, options: undefined });

/**
 * RSASSA-PSS; the salt has exactly 64 bytes, where Node would take any (RFC 9421 section 3.3.1).
 */
export const rsaPssSha512: Scheme = {
  alg: 'rsa-pss-sha512',
  hash: 'sha512',
  form: 'modulus',
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
};

/** RSASSA-PKCS1-v1_5 (RFC 9421 section 3.3.2). */
export const rsaPkcs1Sha256: Scheme = {
  alg: 'rsa-v1_5-sha256',
  hash: 'sha256',
  form: 'modulus',
  options: { padding: constants.RSA_PKCS1_PADDING },
};

/** Whether a signature has the form its algorithm demands. Cheap; says nothing of its value. */
export function hasDueForm(scheme: Scheme, publicKey: KeyObject, signature: Uint8Array): boolean {
  if (scheme.form === 'der') return isDer(signature);
  if (scheme.form !== 'modulus') return signature.length === scheme.form;
  return signature.length === Math.ceil((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

const sequenceTag = 0x30;
const integerTag = 0x02;

// Two non-negative integers in a sequence, every length and integer minimal, nothing after them.
// OpenSSL enforces the same; looking first separates a wrong encoding from a wrong signature.
function isDer(bytes: Uint8Array): boolean {
  const sequence = element(bytes, 0, sequenceTag);
  const r = sequence && element(bytes, sequence.start, integerTag);
  const s = r && element(bytes, r.end, integerTag);
  if (!s || sequence?.end !== bytes.length || s.end !== bytes.length) return false;
  return [r, s].every(({ start, end }) => isMinimal(bytes.subarray(start, end)));
}

interface Element {
  readonly start: number;
  readonly end: number;
}

function element(bytes: Uint8Array, at: number, tag: number): Element | undefined {
  const [found, short = 0x80, long = 0] = bytes.subarray(at, at + 3);
  if (found !== tag) return undefined;
  if (short < 0x80) return { start: at + 2, end: at + 2 + short };
  // A P-521 signature is longer than 127 bytes; none is longer than 255.
  return short === 0x81 && long >= 0x80 ? { start: at + 3, end: at + 3 + long } : undefined;
}

function isMinimal(integer: Uint8Array): boolean {
  const [first = 0x80, second = 0x80] = integer;
  return first < 0x80 && (first > 0 || integer.length === 1 || second >= 0x80);
}

/** What is signed, by which key. */
export interface Computation {
  readonly scheme: Scheme;
  readonly key: KeyObject;
  readonly base: string;
}

/**
 * A key as Node takes it. Alone where that will do: an object around it is first tried as each kind of
 * key, by exceptions that cost 10 µs (Node 24).
 */
function withOptions(key: KeyObject, { options }: Scheme) {
  return options === undefined ? key : { key, ...options };
}

/**
 * Whether the signature is the key's over the base. Runs in libuv's pool, not on the event loop.
 */
export function verifyBytes(of: Computation, signature: Uint8Array): Promise<boolean> {
  const { scheme, base } = of;
  return withCopy(of.key, (key) => {
    const bytes = Buffer.from(base);
    return new Promise<boolean>((resolve, reject) => {
      verify(scheme.hash, bytes, withOptions(key, scheme), signature, (error, holds) => {
        if (error) reject(error);
        else resolve(holds);
      });
    });
  });
}

/** The key's signature over the base. Runs in libuv's pool, not on the event loop. */
export function signBytes({ scheme, key: original, base }: Computation): Promise<Buffer> {
  return withCopy(original, (key) => {
    const bytes = Buffer.from(base);
    return new Promise<Buffer>((resolve, reject) => {
      sign(scheme.hash, bytes, withOptions(key, scheme), (error, signature) => {
        if (error) reject(error);
        else resolve(signature);
      });
    });
  });
}
