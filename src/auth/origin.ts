// What a client may be bound to besides its secret and its keys: certificates (RFC 8705) and the networks it
// calls from. A caller learns which of them was wrong only after it has proved secret or token, and key.

import { isInNetworks } from '../egress/address.ts';
import { Refusal } from '../refusal.ts';

/** Where a request comes from. */
export interface Origin {
  /** Of the client, as far as a trusted proxy says so. */
  readonly address: string;
  /**
   * SHA-256 of the certificate that the client has shown to a trusted proxy; undefined: none. Read only for
   * clients that are bound to one. @throws Refusal `unauthorized` where what the proxy sends is no certificate.
   */
  readonly certificate: () => Buffer | undefined;
}

/** What a client is bound to. */
export interface Bounds {
  /** SHA-256 of the DER of each; empty: none is needed. */
  readonly certificates: readonly Buffer[];
  /** Addresses and networks; empty: any will do. */
  readonly networks: readonly string[];
}

/**
 * Holds a request about tokens against what its client is bound to.
 * @returns the certificate that a token is bound to; undefined where the client needs none.
 * @throws Refusal `unauthorized`
 */
export function checkOrigin(bounds: Bounds, origin: Origin): Buffer | undefined {
  checkAddress(bounds, origin);
  if (bounds.certificates.length === 0) return undefined;
  const shown = shownBy(origin);
  if (isAmong(bounds.certificates, shown)) return shown;
  throw new Refusal('unauthorized', 'The certificate is not one of the client.');
}

/**
 * Holds a request with a token against what its client and the token are bound to. A token that is bound ends
 * with its certificate; one that was issued before the client had any ends when it gets the first.
 * @returns the certificate of both; undefined where they need none.
 * @throws Refusal `unauthorized`
 */
export function checkBound(
  bounds: Bounds,
  bound: Buffer | undefined,
  origin: Origin,
): Buffer | undefined {
  checkAddress(bounds, origin);
  if (bound === undefined && bounds.certificates.length === 0) return undefined;
  const shown = shownBy(origin);
  if (bound === undefined) {
    throw new Refusal('unauthorized', 'The access token is bound to no certificate: get another.');
  }
  if (!bound.equals(shown)) {
    throw new Refusal('unauthorized', 'The access token is bound to another certificate.');
  }
  if (isAmong(bounds.certificates, shown)) return shown;
  throw new Refusal('unauthorized', 'The certificate of the access token was withdrawn.');
}

function checkAddress({ networks }: Bounds, { address }: Origin): void {
  if (networks.length === 0 || isInNetworks(address, networks)) return;
  throw new Refusal('unauthorized', `The client may not call from the address ${address}.`);
}

function shownBy({ certificate }: Origin): Buffer {
  const shown = certificate();
  if (shown !== undefined) return shown;
  throw new Refusal('unauthorized', 'The client has to call with its certificate.');
}

function isAmong(certificates: readonly Buffer[], shown: Buffer): boolean {
  return certificates.some((one) => one.equals(shown));
}
