// The use of a message's signatures by a changing request. It is recorded in the commit of the change,
// so that a signature counts once, whichever process sees it.

export interface SignatureUse {
  /** SHA-256 of the signature base: signature bytes can be varied by anybody, the base cannot. */
  readonly baseSha256: Buffer;
  /** The same of the message's other signatures, none of which may bring it in once more. */
  readonly otherBasesSha256?: readonly Buffer[];
  /** When no verifier would take any of the signatures any more. */
  readonly expiresAt: Date;
}

/**
 * All bases that are used up; the message is a replay as soon as one of them was before. In one
 * order, so that two processes that record the same ones do not wait for each other.
 */
export function usedBases({ baseSha256, otherBasesSha256 = [] }: SignatureUse): readonly Buffer[] {
  return [baseSha256, ...otherBasesSha256].sort(Buffer.compare);
}
