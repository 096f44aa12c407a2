// Third stage of verification: computing, off the event loop. How many may wait, and that an
// accepted base is remembered, is for the caller to see to.

import { verifyBytes } from './algorithm.ts';
import { type Check, type CheckedSignatures, checkSignatures } from './check.ts';
import type { DialectVersion } from './dialect.ts';
import type { SignedMessage } from './message.ts';
import { parseSignatures } from './parse.ts';
import { SignatureError } from './signature-error.ts';

/** A signature that was accepted. Record `baseSha256` (hex) until `created` plus five minutes. */
export interface VerifiedSignature {
  readonly dialect: DialectVersion;
  readonly label: string;
  readonly keyid: string;
  readonly base: string;
  readonly baseSha256: string;
  readonly created: number;
  readonly expires: number | undefined;
}

/**
 * Verifies what `checkSignatures` left, one after the other, until one holds.
 *
 * At most two verifications, 0.2 ms (P-256, Ed25519) to 2.5 ms (P-521) each on one of libuv's four
 * threads: bound how many run at once. Throws the refusal of the first candidate if none holds.
 */
export async function verifySignatures({
  toVerify,
  refusal,
}: CheckedSignatures): Promise<VerifiedSignature> {
  let answer = refusal;
  for (const { dialect, signature, key, scheme, base, baseSha256 } of toVerify) {
    const { label, keyid, created, expires } = signature;
    if (await verifyBytes({ scheme, key: key.publicKey, base }, signature.signature)) {
      return { dialect: dialect.version, label, keyid, base, baseSha256, created, expires };
    }
    answer ??= new SignatureError('signature_invalid', label, base);
  }
  throw answer ?? new TypeError('there was no signature to verify');
}

/**
 * All three stages in one, for who has the keys at hand, such as the receiver of our webhooks.
 *
 * Throws a `SignatureError`. Records nothing: remember `baseSha256` yourself.
 */
export async function verifyMessage(
  message: SignedMessage,
  check: Omit<Check, 'parsed'>,
): Promise<VerifiedSignature> {
  return verifySignatures(checkSignatures({ ...check, parsed: parseSignatures(message) }));
}
