// Which client a message to be explained claims to be of, and by which rules and keys it would be
// judged. It authenticates no client.

import {
  type Check,
  compatibleRules,
  compatibleTokenRules,
  fieldValue,
  type HeaderRules,
  parsePublicKey,
  readMessage,
  type SignedMessage,
  strictRules,
  type VerificationKey,
} from '@unwind/signatures';
import { type KeyId, parseId } from '../ids.ts';
import { namedKeysMax } from '../limits.ts';
import type { ForeignKey, SignaturePolicy, TenantWithKeys } from './store.ts';

/** Paths of the requests that carry no token: their client is in the form. */
const formPaths: ReadonlySet<string> = new Set(['/auth/token', '/auth/revoke']);

/** The client a message names: in its header, or as a request about tokens may, in its form. */
export function clientIdOf(message: SignedMessage): string | undefined {
  const read = readMessage(message);
  const named = fieldValue(read, 'upvest-client-id');
  if (named !== undefined || !formPaths.has(read.path)) return named?.toLowerCase();
  const form = new URLSearchParams(Buffer.from(message.body).toString('utf8'));
  return form.get('client_id')?.toLowerCase();
}

/** What a signature of this message has to cover. */
export function rulesOf(message: SignedMessage, policy: SignaturePolicy): HeaderRules {
  if (policy === 'strict') return strictRules;
  return formPaths.has(readMessage(message).path) ? compatibleTokenRules : compatibleRules;
}

/**
 * The keys of a client as the verifier looks them up, and beside them keys of others that the message names:
 * with those nothing verifies as this client's, but it can be said that they are another's.
 */
export function verificationKeysOf(
  tenant: TenantWithKeys | undefined,
  others: readonly ForeignKey[] = [],
): Check['keys'] {
  const keys = new Map<string, VerificationKey>([
    ...others.map((key): [string, VerificationKey] => {
      const publicKey = parsePublicKey(key.publicKeyPem);
      return [key.keyId, { ...publicKey, clientId: key.tenantId, live: true }];
    }),
    ...(tenant?.keys ?? []).map(({ keyId, publicKeyPem, live }): [string, VerificationKey] => {
      return [keyId, { ...parsePublicKey(publicKeyPem), clientId: tenant?.tenantId, live }];
    }),
  ]);
  return (keyid) => keys.get(keyid);
}

/** The ids of keys that a message names, as far as they are ids. */
export function keyIdsIn(message: SignedMessage): readonly KeyId[] {
  const input = fieldValue(readMessage(message), 'signature-input') ?? '';
  const named = [...input.matchAll(/;\s*key[iI]d="([^"]{1,64})"/g)].slice(0, namedKeysMax);
  return named.flatMap(([, text = '']) => parseId<'key'>(text) ?? []);
}
