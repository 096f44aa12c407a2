// Whose message it claims to be that somebody wants explained, and by which rules and keys it would be
// judged. It authenticates nobody.

import {
  type Check,
  COMPATIBLE,
  COMPATIBLE_TOKEN,
  fieldValue,
  type HeaderRules,
  parsePublicKey,
  readMessage,
  type SignedMessage,
  STRICT,
  type VerificationKey,
} from '@unwind/signatures';
import type { SignaturePolicy, TenantWithKeys } from './store.ts';

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
  if (policy === 'strict') return STRICT;
  return formPaths.has(readMessage(message).path) ? COMPATIBLE_TOKEN : COMPATIBLE;
}

/** The keys of a client as the verifier looks them up; of no client, none. */
export function verificationKeysOf(tenant: TenantWithKeys | undefined): Check['keys'] {
  const keys = new Map<string, VerificationKey>(
    tenant?.keys.map(({ keyId, publicKeyPem, live }) => {
      return [keyId, { ...parsePublicKey(publicKeyPem), clientId: tenant.tenantId, live }];
    }),
  );
  return (keyid) => keys.get(keyid);
}
