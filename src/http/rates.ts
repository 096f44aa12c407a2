// How often somebody may ask (decisions, point 14): an address whose authentications fail, before
// anything costly is done for it, and a client, after it is known. Counted in this process, second
// by second.

import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { TenantId } from '../ids.ts';
import { countedAddressesMax, countedClientsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';

/** Both a second; 0 for no limit. */
export interface RateSettings {
  readonly requestsPerS: number;
  readonly failuresPerS: number;
}

/** Counts requests of clients and failed authentications of addresses. One for a process. */
export class Rates {
  readonly #settings: RateSettings;
  readonly #requests: SecondCounter;
  readonly #failures: SecondCounter;

  constructor(clock: Clock, settings: RateSettings) {
    this.#settings = settings;
    this.#requests = new SecondCounter(clock, countedClientsMax);
    this.#failures = new SecondCounter(clock, countedAddressesMax);
  }

  /** @throws Refusal `too_many_requests` when too many authentications of the address failed. */
  admitAddress(address: string): void {
    const { failuresPerS } = this.#settings;
    if (failuresPerS === 0 || this.#failures.isEmpty) return;
    if (this.#failures.read(networkOf(address)) < failuresPerS) return;
    const detail = 'Too many requests from this address could not be authenticated.';
    throw new Refusal('too_many_requests', detail, { headers: { 'retry-after': '1' } });
  }

  countFailure(address: string): void {
    if (this.#settings.failuresPerS > 0) this.#failures.add(networkOf(address));
  }

  /**
   * Counts a request of a client.
   * @returns the headers that tell it what is left (draft-ietf-httpapi-ratelimit-headers-09).
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

/** Counts of the current second; the least recently used names are forgotten first. */
class SecondCounter {
  readonly #clock: Clock;
  readonly #counts: LRUCache<string, { readonly second: number; readonly count: number }>;

  constructor(clock: Clock, namesMax: number) {
    this.#clock = clock;
    this.#counts = new LRUCache({ max: namesMax });
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  read(name: string): number {
    const known = this.#counts.get(name);
    return known?.second === this.#second() ? known.count : 0;
  }

  /** @returns the count with this one. */
  add(name: string): number {
    const count = this.read(name) + 1;
    this.#counts.set(name, { second: this.#second(), count });
    return count;
  }

  #second(): number {
    return Math.floor(this.#clock.now().getTime() / 1_000);
  }
}

/** An IPv4 address, or the network of an IPv6 address: whoever has one of its 2^64 has them all. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString();
}
