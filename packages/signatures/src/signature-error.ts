// The one catalogue of reasons why a signature is refused, each with a sentence the client may
// read. Which status a code becomes, and whether the client sees the base, is for http/ to
// decide.

// The three about keys read the same: who asks must not learn which keys exist or whose they are.
const noSuchKey = 'The keyid names no live key of this client';

const sentences = {
  missing_signature_header: 'The message has to carry both signature-input and signature',
  duplicate_header: 'A header that may come once came more often',
  version_unknown: 'The header upvest-signature-version has to be one of 1, 6, 15 and 9421',
  dialect_mismatch: 'The list in signature-input has not the form the signature version asks for',
  syntax_signature_input: 'The header signature-input cannot be parsed',
  syntax_signature: 'The header signature cannot be parsed',
  label_mismatch: 'The labels of signature-input and signature do not pair up',
  label_duplicate: 'A signature label occurs more than once',
  component_duplicate: 'A component is listed more than once',
  component_invalid: 'A listed component is neither a lower-case header name nor a known component',
  component_unsupported: 'A listed component is not supported here',
  too_many_components: 'There are more signatures or components than are accepted',
  component_missing: 'A listed component is not in the message',
  component_value_illegal: 'A listed component holds characters other than visible ASCII and space',
  param_missing_created: 'The signature parameter created is missing',
  param_missing_keyid: 'The signature parameter keyid is missing',
  param_invalid: 'A signature parameter has the wrong type or form',
  param_unknown: 'A signature parameter is not known to this signature version',
  param_duplicate: 'A signature parameter is given more than once',
  uncovered_method: 'The signature has to cover the method',
  uncovered_path: 'The signature has to cover the path',
  uncovered_query: 'The signature has to cover the query',
  uncovered_created: 'The signature has to cover the time of creation',
  uncovered_expires: 'The signature has to cover the time of expiry',
  uncovered_authorization: 'The signature has to cover the header authorization',
  uncovered_client_id: 'The signature has to cover the header upvest-client-id',
  uncovered_idempotency_key: 'The signature has to cover the header idempotency-key',
  uncovered_digest: 'The signature has to cover the digest of the body',
  client_id_missing: 'The header upvest-client-id is missing',
  digest_missing: 'A message with a body has to carry the digest header of its signature version',
  digest_syntax: 'The digest header cannot be parsed',
  digest_algorithm: 'The digest header has to use SHA-256 or SHA-512',
  digest_mismatch: 'The digest is not that of the body as received',
  keyid_unknown: noSuchKey,
  key_not_live: noSuchKey,
  key_wrong_client: noSuchKey,
  alg_not_allowed: 'A key of this type cannot be used with this signature version',
  alg_mismatch: 'The parameter alg does not name the algorithm of the key',
  created_too_old: 'The signature was created too long ago',
  created_future: 'The signature was created in the future',
  expired: 'The signature has expired; expires allows no difference between clocks',
  expires_before_created: 'The signature expires before it was created',
  replayed: 'This signature has been used before',
  signature_encoding: 'The bytes of the signature have not the form its algorithm demands',
  signature_invalid: 'The signature does not fit the message and the key',
} as const;

/** Why a signature was refused; the words of the contract's vectors. */
export type SignatureErrorCode = keyof typeof sentences;

/** Every code there is, so that a caller can map them all and a test can prove it. */
export const signatureErrorCodes = Object.keys(sentences) as readonly SignatureErrorCode[];

const fieldLength = 64;

/**
 * A signature that is refused.
 *
 * `field` names the header, component or parameter concerned. `detail` is one sentence that is safe
 * to show to the client. `base` is the signature base we computed, where we came that far: it holds
 * the values of covered headers, so mask it before showing it.
 */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
  readonly code: SignatureErrorCode;
  readonly field: string | undefined;
  readonly base: string | undefined;

  constructor(code: SignatureErrorCode, field?: string, base?: string) {
    const shown = field?.slice(0, fieldLength).replace(/[^ -~]/g, '?');
    super(shown === undefined ? `${sentences[code]}.` : `${sentences[code]} (${shown}).`);
    this.code = code;
    this.field = shown;
    this.base = base;
  }

  get detail(): string {
    return this.message;
  }

  /** The same refusal, with the base that was computed. */
  withBase(base: string | undefined): SignatureError {
    return new SignatureError(this.code, this.field, base);
  }
}

/** What the work gives, or the refusal it throws; anything else thrown goes on upwards. */
export function outcome<T>(work: () => T): T | SignatureError {
  try {
    return work();
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}
