// Secrets and tokens: 256 random bits, shown once, stored only as their SHA-256 (no salt is needed
// for what cannot be guessed).

import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A fresh secret, 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function sha256(text: string | Uint8Array): Buffer {
  return hash('sha256', text, 'buffer');
}

/**
 * The hash among those known that is the text's. All are compared, in constant time; also takes its
 * time where there is nothing to compare with.
 */
export function matchingHash(text: string, known: readonly Buffer[]): Buffer | undefined {
  const given = sha256(text);
  const compared = known.length > 0 ? known : [Buffer.alloc(given.length)];
  const isMatch = compared.filter((hash) => timingSafeEqual(given, hash)).length > 0;
  return isMatch && known.length > 0 ? given : undefined;
}
