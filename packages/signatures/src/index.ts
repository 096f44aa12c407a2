// HTTP message signatures in four dialects: sign, verify, and inspect what does not verify. What stands
// here is the package's face; its files import each other.

export type { KeyAlgorithm } from './algorithm.ts';
// biome-ignore lint/performance/noBarrelFile: what a user of the package needs has one address.
export { maskAuthorization } from './base.ts';
export {
  type Check,
  type CheckedSignature,
  type CheckedSignatures,
  checkSignatures,
  compatibleRules,
  compatibleTokenRules,
  deliveryRules,
  type HeaderRules,
  type ReplayKey,
  replayKeysOf,
  strictRules,
} from './check.ts';
export { allDialects, type Dialect, type DialectVersion } from './dialect.ts';
export {
  type Fault,
  type InspectedSignature,
  type Inspection,
  type InspectionContext,
  inspectSignature,
} from './inspect.ts';
export { withCopy } from './key-copies.ts';
export { type ImportedKey, importPublicKey } from './key-forms.ts';
export {
  keyAlgorithm,
  type PublicJwk,
  type PublicKey,
  parsePrivateKey,
  parsePublicJwk,
  parsePublicKey,
  type RsaAlgorithm,
  type SigningKey,
  UnusableKeyError,
  type VerificationKey,
} from './keys.ts';
export { maxAgeS, maxAheadS } from './limits.ts';
export {
  fieldValue,
  headerPairs,
  type ReadMessage,
  readMessage,
  type SignedMessage,
} from './message.ts';
export { type ParsedSignature, type ParsedSignatures, parseSignatures } from './parse.ts';
export { type Quirk, quirkNames } from './quirks.ts';
export { type RawRequest, RawRequestError, readRawRequest } from './raw-request.ts';
export { remedyTexts } from './remedies.ts';
export {
  type SignatureHeaders,
  type Signing,
  type SigningParams,
  signMessage,
  usualComponents,
} from './sign.ts';
export {
  SignatureError,
  type SignatureErrorCode,
  signatureErrorCodes,
} from './signature-error.ts';
export { type VerifiedSignature, verifyMessage, verifySignatures } from './verify.ts';
