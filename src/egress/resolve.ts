// Resolves the names of receivers: the machine's hosts file, then its name servers. Not by
// `dns.lookup`: that waits in libuv's threads, where two names whose servers never answer stop the
// look-ups of every other receiver. What an address may be is for address.ts.

import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** How names are resolved, in the form of `lookup` of `node:dns`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The first wait for a name server, in ms; the second is twice as long. */
const responseMs = 1_000;
const tries = 2;
/** All of it together, however many name servers there are. */
const resolveMsMax = 4_000;
/** How long addresses of one kind wait for those of the other. */
const otherKindMs = 1_000;

const hostsFile = '/etc/hosts';

/** How a machine resolves names; each part is the machine's own unless it is given. */
export interface Resolving {
  readonly hostsFile?: string;
  /** Name servers such as `127.0.0.1:53`. */
  readonly servers?: readonly string[];
}

/** Resolves names without holding a thread, within a few seconds. */
export function resolverOf(resolving: Resolving = {}): Resolve {
  return (hostname, _options, callback) => {
    addressesOf(hostname, resolving).then(
      (addresses) => callback(null, [...addresses]),
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

async function addressesOf(
  hostname: string,
  resolving: Resolving,
): Promise<readonly LookupAddress[]> {
  // A receiver on this machine may be named by its address.
  const literal = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(literal);
  if (family !== 0) return [{ address: literal, family }];
  const name = hostname.replace(/\.$/, '').toLowerCase();
  const known = inHosts(await readHosts(resolving.hostsFile ?? hostsFile), name);
  // RFC 6761: no name server is asked for this one.
  if (known.length > 0 || name === 'localhost') return known.length > 0 ? known : loopback;
  return askServers(name, resolving.servers);
}

const loopback: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** A machine need not have such a file. */
async function readHosts(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

function inHosts(hosts: string, name: string): readonly LookupAddress[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const isOfName = names.some((one) => one.toLowerCase() === name);
    const family = isIP(address);
    return isOfName && family !== 0 ? [{ address, family }] : [];
  });
}

/**
 * Both kinds of addresses; one of them suffices. A resolver for each name, so that its end is that
 * of no other, and a change of the machine's name servers is seen.
 */
async function askServers(
  name: string,
  servers: readonly string[] | undefined,
): Promise<readonly LookupAddress[]> {
  const resolver = new Resolver({ timeout: responseMs, tries });
  if (servers !== undefined) resolver.setServers(servers);
  const cancelIn = (ms: number) => setTimeout(() => resolver.cancel(), ms);
  const timers = [cancelIn(resolveMsMax)];
  // Only addresses may cut the other question short: that there are none of a kind says nothing.
  const hurry = (addresses: readonly string[]) => {
    timers.push(cancelIn(otherKindMs));
    return addresses;
  };
  try {
    const [four, six] = await Promise.allSettled([
      resolver.resolve4(name).then(hurry),
      resolver.resolve6(name).then(hurry),
    ]);
    const found = [...addressesIn(four, 4), ...addressesIn(six, 6)];
    if (found.length > 0) return found;
    throw four.status === 'rejected' ? four.reason : new Error(`${name} has no address`);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

function addressesIn(
  result: PromiseSettledResult<readonly string[]>,
  family: 4 | 6,
): readonly LookupAddress[] {
  if (result.status === 'rejected') return [];
  return result.value.map((address) => ({ address, family }));
}
