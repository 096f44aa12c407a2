// Where deliveries may go. A receiver is a public HTTPS host named by DNS; only a sandbox that itself
// listens on loopback also delivers to this machine. Names are resolved once for each connection and
// the address that was checked is the one that is connected to.

import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface AddressPolicy {
  /** Admits `http`, loopback addresses and IP literals of loopback. */
  readonly allowLoopback: boolean;
}

/** Characters of a URL in its normal form, the one that is stored. */
const urlLengthMax = 1_000;

/**
 * The URL in normal form, or a sentence that says why nothing is delivered there. Judges the form
 * only; addresses are judged by `guardedLookup` at every connection.
 */
export function checkReceiverUrl(
  text: string,
  policy: AddressPolicy,
): { readonly url: URL } | { readonly fault: string } {
  const url = URL.parse(text);
  if (url === null) return { fault: 'is not a URL' };
  const { protocol, hostname, href } = url;
  const local = policy.allowLoopback && isLoopbackName(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && local)) return { fault: 'is not https' };
  if (url.username !== '' || url.password !== '') return { fault: 'carries credentials' };
  // An empty fragment shows in the text only.
  if (href.includes('#')) return { fault: 'has a fragment' };
  // The normal form may be longer than what was sent: it has no letters beyond ASCII.
  if (href.length > urlLengthMax) return { fault: `is longer than ${urlLengthMax} characters` };
  if (local) return { url };
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return { fault: 'names an address instead of a host' };
  const name = hostname.replace(/\.$/, '');
  if (!name.includes('.') || name.endsWith('.localhost')) {
    return { fault: 'does not name a public host' };
  }
  return { url };
}

function isLoopbackName(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (bare === 'localhost') return true;
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback';
}

/** Whether deliveries may connect to an address. */
export function isAllowedAddress(address: string, policy: AddressPolicy): boolean {
  if (!ipaddr.isValid(address)) return false;
  const range = ipaddr.process(address).range();
  return range === 'unicast' || (policy.allowLoopback && range === 'loopback');
}

export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
  readonly code = 'FORBIDDEN_ADDRESS';
}

/** Resolves a host for a connection; fails when any of its addresses is not allowed. */
export function guardedLookup(policy: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const forbidden = addresses.find(({ address }) => !isAllowedAddress(address, policy));
      if (forbidden !== undefined || addresses.length === 0) {
        const message = `${hostname} resolves to an address that is not delivered to`;
        return callback(new ForbiddenAddressError(message), []);
      }
      return answer(addresses, options.all === true, callback);
    });
  };
}

function answer(
  addresses: readonly LookupAddress[],
  all: boolean,
  callback: Parameters<LookupFunction>[2],
): void {
  const [one] = addresses;
  if (all || one === undefined) callback(null, [...addresses]);
  else callback(null, one.address, one.family);
}
