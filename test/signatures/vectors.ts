// Reads the golden vectors in test/signatures/vectors (format: see their README in the contract).

import { createPublicKey, createSecretKey, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyAlgorithm } from '../../packages/signatures/src/algorithm.ts';
import type { DialectVersion } from '../../packages/signatures/src/dialect.ts';
import { keyAlgorithm, type VerificationKey } from '../../packages/signatures/src/keys.ts';
import type { SignedMessage } from '../../packages/signatures/src/message.ts';

export interface VectorMessage {
  readonly method?: string;
  readonly target?: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly status?: number;
}

export interface Vector {
  readonly id: string;
  readonly title: string;
  readonly profile: 'api' | 'draft';
  readonly kind: 'request' | 'response';
  readonly now: number;
  readonly message: VectorMessage;
  /** Of a response: what it answers. */
  readonly request?: VectorMessage;
  readonly seen: readonly { readonly base_sha256: string }[];
  readonly label: string;
  readonly keyid: string;
  readonly algorithm: string;
  readonly base: string | null;
  readonly detected: DialectVersion;
  readonly expected: boolean;
  readonly reason: string;
  readonly also: readonly string[];
}

export interface VectorKey {
  readonly type: string;
  readonly owner: string;
  readonly status: 'live' | 'revoked' | null;
  readonly public_pem?: string;
  readonly private_jwk?: JsonWebKey;
  readonly secret_base64?: string;
  readonly algorithm_9421: string | null;
}

export interface VectorFile {
  readonly dialect: DialectVersion;
  readonly keys: Readonly<Record<string, VectorKey>>;
  readonly vectors: readonly Vector[];
}

/** The content of one file of vectors. */
export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** A file of signed messages, the defaults filled in. */
export function readVectors(name: string): VectorFile {
  const file = readJson<VectorFile & { readonly defaults: Partial<Vector> }>(name);
  const defaults = { detected: file.dialect, seen: [], also: [], ...file.defaults };
  return { ...file, vectors: file.vectors.map((vector) => ({ ...defaults, ...vector })) };
}

/** The keys of a file as the verifier wants them. */
export function vectorKeys(file: Pick<VectorFile, 'keys'>): ReadonlyMap<string, VerificationKey> {
  return new Map(Object.entries(file.keys).map(([keyid, key]) => [keyid, verificationKey(key)]));
}

function verificationKey(key: VectorKey): VerificationKey {
  const owner = { clientId: key.owner, live: key.status !== 'revoked' };
  if (key.public_pem === undefined) {
    // A shared secret is no key we could register; the verifier must refuse it all the same.
    const publicKey = createSecretKey(key.secret_base64 ?? '', 'base64');
    return { ...owner, publicKey, algorithm: 'hmac-sha256' as KeyAlgorithm };
  }
  const publicKey = createPublicKey(key.public_pem);
  const rsa = key.algorithm_9421 === 'rsa-v1_5-sha256' ? 'rsa-v1_5-sha256' : 'rsa-pss-sha512';
  return { ...owner, publicKey, algorithm: keyAlgorithm(publicKey, rsa) };
}

/** A vector's message as it would have arrived; a response has neither method nor target. */
export function signedMessage(message: VectorMessage): SignedMessage {
  const { method = '', target = '', headers, body } = message;
  return { method, target, headers, body: Buffer.from(body) };
}
