// Encrypts private keys at rest with the key file of the service: AES-256-GCM, a fresh nonce for each
// secret, the name of what is sealed as additional data so that two secrets cannot be exchanged.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** Length of the key file's content in bytes. */
export const sealKeyBytes = 32;

export interface Seal {
  /** Nonce, ciphertext and tag in one. */
  seal(name: string, secret: Uint8Array): Buffer;
  /** @throws when it was sealed with another key or name, or changed since. */
  open(name: string, sealed: Uint8Array): Buffer;
}

/** @param key exactly `sealKeyBytes` bytes. */
export function sealWith(key: Uint8Array): Seal {
  if (key.length !== sealKeyBytes) throw new RangeError(`a key of ${sealKeyBytes} bytes is needed`);
  return {
    seal(name, secret) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(Buffer.from(name));
      return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    },
    open(name, sealed) {
      const end = sealed.length - tagBytes;
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(name));
      decipher.setAuthTag(sealed.subarray(end));
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
    },
  };
}
