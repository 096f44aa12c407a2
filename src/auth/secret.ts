// Secrets and tokens: 256 random bits, shown once, stored only as their SHA-256 (no salt is needed
// for what cannot be guessed).

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A fresh secret, 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function sha256(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares in constant time; also takes its time where there is nothing to compare with. */
export function isSecret(text: string, hash: Buffer | undefined): boolean {
  const given = sha256(text);
  return timingSafeEqual(given, hash ?? Buffer.alloc(given.length)) && hash !== undefined;
}
