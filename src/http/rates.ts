// How often a client may ask (decisions, point 14): authentications that fail, by address and client,
// before anything costly is done for them, and requests of a client, after it is known. Counted in this
// process, second by second.

import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { sha256 } from '../auth/secret.ts';
import { cacheOf } from '../cache.ts';
import type { Clock } from '../clock.ts';
import type { TenantId } from '../ids.ts';
import { countedAddressesMax, countedClientsMax, provenCredentialsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { isUnauthenticated } from './problem.ts';

/** Both a second; 0 for no limit. */
export interface RateSettings {
  readonly requestsPerS: number;
  readonly failuresPerS: number;
}

/** Who tries to authenticate, with which token or secret. */
export interface Attempt {
  readonly address: string;
  readonly clientId: string;
  readonly credential: string;
  /** Counts apart from all others of the address: what waits for another party keeps no place of theirs. */
  readonly apart?: string;
}

/** Counts requests of clients and failed authentications. One for a process. */
export class Rates {
  readonly #settings: RateSettings;
  readonly #requests: SecondCounter;
  readonly #failures: FailureLimit;
  /** Clients that have authenticated from an address. */
  readonly #pairs = new LRUCache<string, true>(cacheOf(countedAddressesMax));
  /** Hashes of tokens and secrets that were right. */
  readonly #proven = new LRUCache<string, true>(cacheOf(provenCredentialsMax));

  constructor(clock: Clock, settings: RateSettings) {
    this.#settings = settings;
    this.#requests = new SecondCounter(clock, countedClientsMax);
    this.#failures = new FailureLimit(clock, settings.failuresPerS);
  }

  /**
   * Authenticates, unless too many authentications like this one have failed. A place is reserved
   * before any look-up, so that however many arrive at once no more than the limit are looked up in
   * vain. Failures are counted apart for credentials that were right before, for clients that have
   * authenticated from the address before, and for all others of the address: so those who guess do
   * not shut out a client behind the same address, nor its token.
   *
   * @throws Refusal `too_many_requests`, and what the work throws.
   */
  async authenticate<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
    if (this.#settings.failuresPerS === 0) return work();
    const network = networkOf(attempt.address);
    const pair = `${network} ${attempt.clientId.toLowerCase()}`;
    const credential = credentialKey(attempt);
    const isProven = this.#proven.get(credential) === true;
    const usual = isProven ? `proven ${pair}` : this.#pairs.has(pair) ? pair : network;
    const name = attempt.apart === undefined ? usual : `${attempt.apart} ${network}`;
    const settle = await this.#failures.reserve(name);
    try {
      const result = await work();
      settle(false);
      this.#pairs.set(pair, true);
      this.#proven.set(credential, true);
      return result;
    } catch (error) {
      const isFailure = isUnauthenticated(error);
      // A credential may have been withdrawn; a bad signature says nothing about it.
      if (isFailure && error instanceof Refusal) this.#proven.delete(credential);
      settle(isFailure);
      throw error;
    }
  }

  /** Notes a token that was issued, as one that is right. */
  prove(claim: Omit<Attempt, 'address'>): void {
    this.#proven.set(credentialKey(claim), true);
  }

  /** Counts a request without authentication. @throws Refusal `too_many_requests`. */
  admitUnknown(address: string): void {
    if (this.#settings.failuresPerS > 0) this.#failures.spend(networkOf(address));
  }

  /**
   * Counts a request of a client.
   * @returns the headers that say what is left (draft-ietf-httpapi-ratelimit-headers-09).
   * @throws Refusal `too_many_requests`, with the same headers.
   */
  admitClient(tenantId: TenantId): Readonly<Record<string, string>> {
    const { requestsPerS } = this.#settings;
    if (requestsPerS === 0) return {};
    const left = requestsPerS - this.#requests.add(tenantId);
    const headers = {
      'ratelimit-policy': `"client";q=${requestsPerS};w=1`,
      ratelimit: `"client";r=${Math.max(left, 0)};t=1`,
    };
    if (left >= 0) return headers;
    const detail = `A client may send ${requestsPerS} requests a second.`;
    throw new Refusal('too_many_requests', detail, { headers: { ...headers, 'retry-after': '1' } });
  }
}

function credentialKey({ clientId, credential }: Omit<Attempt, 'address'>): string {
  return sha256(`${clientId.toLowerCase()} ${credential}`).toString('base64');
}

interface Bucket {
  second: number;
  failed: number;
  /** Attempts whose outcome is not known yet. */
  pending: number;
  readonly waiting: (() => void)[];
}

/** Failures of the current second by name; the least recently used names are forgotten first. */
class FailureLimit {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #buckets = new LRUCache<string, Bucket>(cacheOf(countedAddressesMax));

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /**
   * Waits for a place among the attempts that may still fail: those under way may succeed, and then
   * give theirs back.
   * @returns what ends the attempt, by whether it failed.
   * @throws Refusal `too_many_requests` when too many have failed.
   */
  async reserve(name: string): Promise<(isFailure: boolean) => void> {
    const bucket = this.#bucket(name);
    while (this.#failed(bucket) + bucket.pending >= this.#limit) {
      if (bucket.failed >= this.#limit) throw tooManyFailures();
      await new Promise<void>((resolve) => bucket.waiting.push(resolve));
    }
    bucket.pending += 1;
    return (isFailure) => {
      bucket.pending -= 1;
      if (isFailure) bucket.failed = this.#failed(bucket) + 1;
      for (const resume of bucket.waiting.splice(0)) resume();
    };
  }

  /** Counts what costs as much as a failure. @throws Refusal `too_many_requests`. */
  spend(name: string): void {
    const bucket = this.#bucket(name);
    if (this.#failed(bucket) >= this.#limit) throw tooManyFailures();
    bucket.failed += 1;
  }

  #bucket(name: string): Bucket {
    const known = this.#buckets.get(name) ?? { second: 0, failed: 0, pending: 0, waiting: [] };
    this.#buckets.set(name, known);
    return known;
  }

  /** Those of the current second. */
  #failed(bucket: Bucket): number {
    const second = secondOf(this.#clock);
    if (bucket.second !== second) Object.assign(bucket, { second, failed: 0 });
    return bucket.failed;
  }
}

function tooManyFailures(): Refusal {
  const detail = 'Too many requests from this address could not be authenticated.';
  return new Refusal('too_many_requests', detail, { headers: { 'retry-after': '1' } });
}

/** Counts of the current second; the least recently used names are forgotten first. */
class SecondCounter {
  readonly #clock: Clock;
  readonly #counts: LRUCache<string, { readonly second: number; readonly count: number }>;

  constructor(clock: Clock, namesMax: number) {
    this.#clock = clock;
    this.#counts = new LRUCache(cacheOf(namesMax));
  }

  /** @returns the count with this one. */
  add(name: string): number {
    const second = secondOf(this.#clock);
    const known = this.#counts.get(name);
    const count = (known?.second === second ? known.count : 0) + 1;
    this.#counts.set(name, { second, count });
    return count;
  }
}

function secondOf(clock: Clock): number {
  return Math.floor(clock.now().getTime() / 1_000);
}

/** An IPv4 address, or the network of an IPv6 address: the owner of one of its 2^64 has them all. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString();
}
