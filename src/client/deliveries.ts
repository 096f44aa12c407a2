// The receiver's side of webhooks: verifies a delivery and reads its events. It depends on nothing of
// the server but the signature code.

import type { JsonWebKey } from 'node:crypto';
import { DELIVERY } from '../signatures/check.ts';
import { parsePublicJwk, type VerificationKey } from '../signatures/keys.ts';
import { headerPairs } from '../signatures/message.ts';
import { verifyMessage } from '../signatures/verify.ts';

/** An event as the contract prints it. */
export interface AccountLiquidationEvent {
  readonly id: string;
  readonly created_at: string;
  readonly type: string;
  readonly webhook_id: string;
  readonly object: AccountLiquidation;
}

export interface AccountLiquidation {
  readonly id: string;
  readonly account_id: string;
  readonly user_id: string;
  readonly cash_amount: string;
  readonly currency: string;
  readonly status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
  readonly orders: readonly {
    readonly id: string;
    readonly side: string;
    readonly status: string;
  }[];
  readonly created_at: string;
  readonly updated_at: string;
}

/** A request as Node's `http` hands it over, with its body. */
export interface Delivery {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** The keys of `GET /auth/verify_keys`, by `kid`. */
export type DeliveryKeys = ReadonlyMap<string, VerificationKey>;

/** Reads a JWK set. @throws UnusableKeyError for a key that cannot verify. */
export function readDeliveryKeys(jwks: {
  keys: readonly (JsonWebKey & { kid: string })[];
}): DeliveryKeys {
  return new Map(
    jwks.keys.map((jwk) => [jwk.kid, { ...parsePublicJwk(jwk), clientId: undefined, live: true }]),
  );
}

/**
 * Verifies a delivery and gives its events, ascending. The same event may come again, with the same
 * id: handle it once.
 *
 * @throws SignatureError when it is not signed by one of the keys, was changed, or is too old.
 */
export async function readDelivery(
  delivery: Delivery,
  keys: DeliveryKeys,
  now: Date,
): Promise<readonly AccountLiquidationEvent[]> {
  const { method, url: target, rawHeaders, body } = delivery;
  const message = { method, target, headers: headerPairs(rawHeaders), body };
  await verifyMessage(message, {
    rules: DELIVERY,
    clientId: undefined,
    keys: (keyid) => keys.get(keyid),
    now: Math.floor(now.getTime() / 1_000),
    // A repeated delivery is signed anew; replays of one are told by the event ids.
    isReplay: () => false,
  });
  const content = JSON.parse(Buffer.from(body).toString('utf8')) as
    | AccountLiquidationEvent
    | { readonly payload: readonly AccountLiquidationEvent[] };
  return 'payload' in content ? content.payload : [content];
}
