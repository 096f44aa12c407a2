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

/** Compares in constant time; also takes its time where there is nothing to compare with. */
export function isSecret(text: string, known: Buffer | undefined): boolean {
  const given = sha256(text);
  return timingSafeEqual(given, known ?? Buffer.alloc(given.length)) && known !== undefined;
}
