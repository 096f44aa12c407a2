// The use of a signature by a changing request. It is recorded in the commit of the change, so that a
// signature counts once, whichever process sees it.

export interface SignatureUse {
  /** SHA-256 of the signature base: signature bytes can be varied by anybody, the base cannot. */
  readonly baseSha256: Buffer;
  /** When no verifier would take the signature any more. */
  readonly expiresAt: Date;
}
