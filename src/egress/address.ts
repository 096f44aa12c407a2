// Where deliveries may go. A receiver is a public HTTPS host named by DNS; only a sandbox whose clients
// are on this machine also delivers to it. Names are resolved once for each connection and
// the address that was checked is the one that is connected to.

import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import { type Resolve, resolverOf } from './resolve.ts';

export interface AddressPolicy {
  /** Admits `http`, loopback addresses and IP literals of loopback. */
  readonly allowLoopback: boolean;
  /** Addresses and networks of the operator's own (CIDR) that names may resolve to as well. */
  readonly allowedNetworks?: readonly string[];
}

/**
 * One policy for registering a receiver and for delivering to it. A sandbox whose clients are all of this
 * machine (`isLocal`, asked each time) delivers to it as well: they read its services anyway.
 */
export function receiverPolicyOf(settings: {
  readonly isLocal: () => boolean;
  readonly webhookNetworks: readonly string[];
}): AddressPolicy {
  const { isLocal, webhookNetworks: allowedNetworks } = settings;
  return {
    get allowLoopback() {
      return isLocal();
    },
    allowedNetworks,
  };
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
  if (url.port === '0') return { fault: 'has the port 0, which no receiver has' };
  if (url.username !== '' || url.password !== '') return { fault: 'carries credentials' };
  // An empty fragment shows in the text only.
  if (href.includes('#')) return { fault: 'has a fragment' };
  // The normal form may be longer than what was sent: it has no letters beyond ASCII.
  if (href.length > urlLengthMax) return { fault: `is longer than ${urlLengthMax} characters` };
  if (local) return { url };
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return { fault: 'names an address instead of a host' };
  const name = hostname.replace(/\.$/, '');
  const isWhole = name.includes('.') && name.split('.').every((label) => label !== '');
  if (!isWhole || name.endsWith('.localhost')) return { fault: 'does not name a public host' };
  return { url };
}

/** Whether a host is this machine, by its name or address. */
export function isLoopbackName(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (bare === 'localhost') return true;
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback';
}

type Address = ReturnType<typeof ipaddr.process>;

/** What no list admits: this machine's own links (cloud metadata among them) and groups. */
const neverAllowed: readonly string[] = ['linkLocal', 'multicast', 'broadcast', 'unspecified'];
/** Public by its number, and a virtual machine's own link to its platform all the same (Azure). */
const platformAddress = '168.63.129.16';

/**
 * Whether deliveries may connect to an address: a public one, or one of the networks that are
 * allowed. An IPv6 address that carries an IPv4 address is judged by that (`::ffff:…`), or is
 * refused with the rest that is not global unicast (NAT64, 6to4, Teredo, `::127.0.0.1`).
 */
export function isAllowedAddress(address: string, policy: AddressPolicy): boolean {
  // A zone names a link of this machine.
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (neverAllowed.includes(range) || parsed.toString() === platformAddress) return false;
  if (range === 'unicast' && isGlobal(parsed)) return true;
  if (policy.allowLoopback && range === 'loopback') return true;
  return (policy.allowedNetworks ?? []).some((network) => isWithin(parsed, network));
}

/** Every IPv6 address that routers carry begins with these bits; 3fff::/20 is for documents. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');
const documentation = ipaddr.parseCIDR('3fff::/20');

function isGlobal(address: Address): boolean {
  if (address.kind() === 'ipv4') return true;
  return address.match(globalUnicast) && !address.match(documentation);
}

/** Whether an address is in one of these; IPv4 in IPv6 counts as the IPv4 address. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return networks.some((network) => isWithin(parsed, network));
}

function isWithin(address: Address, network: string): boolean {
  if (!network.includes('/')) return address.toString() === ipaddr.process(network).toString();
  const [first, bits] = ipaddr.parseCIDR(network);
  return first.kind() === address.kind() && address.match([first, bits]);
}

export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
  readonly code = 'FORBIDDEN_ADDRESS';
}

/** Addresses of one name that are tried: a receiver has a few, and each is a machine of its owner. */
const addressesMax = 8;

/**
 * Resolves a host for a connection; fails when any of its addresses is not allowed. The connection
 * is made to what was checked: a name that answers differently the next time changes nothing.
 */
export function guardedLookup(
  policy: AddressPolicy,
  resolve: Resolve = resolverOf(),
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const forbidden = addresses.find(({ address }) => !isAllowedAddress(address, policy));
      if (forbidden !== undefined || addresses.length === 0) {
        const message = `${hostname} resolves to an address that is not delivered to`;
        return callback(new ForbiddenAddressError(message), []);
      }
      return answer(addresses.slice(0, addressesMax), options.all === true, callback);
    });
  };
}

const registrationLookupMs = 2_000;

/**
 * Whether a host resolves to an address that is not delivered to, as far as it resolves now. One that
 * does not is no fault: it is looked up anew for every connection.
 */
export async function resolvesToForbidden(
  hostname: string,
  policy: AddressPolicy,
  resolve: Resolve = resolverOf(),
): Promise<boolean> {
  const looked = new Promise<boolean>((settle) => {
    guardedLookup(policy, resolve)(hostname, { all: true }, (error) => {
      settle(error instanceof ForbiddenAddressError);
    });
  });
  const tooLong = wait(registrationLookupMs, false, { ref: false });
  return Promise.race([looked, tooLong]);
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
