// The use of a message's signatures by a changing request. It is recorded in the commit of the change,
// so that a signature counts once, whichever process sees it.

export interface SignatureUse {
  /**
   * SHA-256 of each signature base of the message, sorted, so that two processes that record the
   * same ones do not wait for each other. Of the bases, since anybody can vary signature bytes; of
   * all of them, since none of a message's signatures may bring it in once more.
   */
  readonly basesSha256: readonly Buffer[];
  /** When no verifier would take any of the signatures any more. */
  readonly expiresAt: Date;
}
