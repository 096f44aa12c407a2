// Verifies one delivery with keys at hand and reads its events. Where the keys come from and what a
// refusal is answered with is for the receiver (webhooks.ts).

import {
  deliveryRules,
  headerPairs,
  type PublicJwk,
  parsePublicJwk,
  type SignedMessage,
  UnusableKeyError,
  type VerificationKey,
  type VerifiedSignature,
  verifyMessage,
} from '@unwind/signatures';

/** A request as Node's `http` hands it over, with its body as it came. */
export interface Delivery {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** What `GET /auth/verify_keys` answers: JSON Web Keys, some perhaps of kinds that are not known here. */
export interface PublicKeySet {
  readonly keys: readonly NamedKey[];
}

type NamedKey = PublicJwk & { readonly kid: string };

/** The keys of a set, by `kid`. */
export type DeliveryKeys = ReadonlyMap<string, VerificationKey>;

/** Keys of a set that are looked at, the last: the service has two, and some more while they rotate. */
const keysMax = 100;

/** Reads a set of keys; one of a kind that this version does not know is left out. */
export function readDeliveryKeys({ keys }: PublicKeySet): DeliveryKeys {
  return new Map(keys.slice(-keysMax).flatMap(readKey));
}

function readKey(jwk: NamedKey): [string, VerificationKey][] {
  try {
    return [[jwk.kid, { ...parsePublicJwk(jwk), clientId: undefined, live: true }]];
  } catch (error) {
    if (error instanceof UnusableKeyError) return [];
    throw error;
  }
}

/** A delivery as it was signed. */
export function messageOf({ method, url, rawHeaders, body }: Delivery): SignedMessage {
  return { method, target: url, headers: headerPairs(rawHeaders), body };
}

/**
 * Verifies that a delivery comes from the owner of one of the keys, unchanged and not older than the
 * five minutes a signature lives. @throws SignatureError
 */
export function verifyDelivery(
  message: SignedMessage,
  keys: DeliveryKeys,
  now: Date,
): Promise<VerifiedSignature> {
  return verifyMessage(message, {
    rules: deliveryRules,
    clientId: undefined,
    keys: (keyid) => keys.get(keyid),
    now: Math.floor(now.getTime() / 1_000),
    isReplay: () => false,
  });
}
