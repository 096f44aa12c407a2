// The keys of deliveries as a receiver holds them: fetched when they are needed, kept for a bounded
// time, fetched again when a delivery names one that is not among them. That a key is unknown is
// said only of keys that were fetched after the delivery came.

import { abortable } from './abortable.ts';
import { type DeliveryKeys, type PublicKeySet, readDeliveryKeys } from './deliveries.ts';

/** How keys are fetched: `(signal) => client.webhooks.verifyKeys({ signal })` is one. */
export type FetchKeys = (signal: AbortSignal) => Promise<PublicKeySet>;

export interface KeyTimes {
  /** Age in ms after which keys are fetched again: so long a withdrawn key may still be accepted. */
  readonly freshMs: number;
  /** Age in ms up to which they are used when fetching them fails. */
  readonly staleMs: number;
  /** Time in ms between two fetches for keys that are not known, since anybody may name one. */
  readonly betweenMs: number;
  /** Time in ms that a fetch may take: deliveries wait for it, and the service waits 15 s for them. */
  readonly fetchMs: number;
}

export const usualKeyTimes: KeyTimes = {
  freshMs: 300_000,
  staleMs: 3_600_000,
  betweenMs: 10_000,
  fetchMs: 5_000,
};

/** Nothing can be said about a delivery, since the keys could not be fetched, or not yet again. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** Time in ms after a fetch that failed before the next one. */
const afterFailureMs = 1_000;

interface Fetched {
  readonly keys: DeliveryKeys;
  readonly begunMs: number;
  /** How many fetches had begun, this one included. */
  readonly number: number;
}

/** Holds the keys of one service; many deliveries at once share one fetch. */
export class KeyRing {
  readonly #fetch: FetchKeys;
  readonly #times: KeyTimes;
  readonly #now: () => Date;
  #begun = 0;
  #held: Fetched | undefined;
  #fetching: Promise<Fetched> | undefined;
  /** What the last fetch failed with; undefined when it has succeeded. */
  #failed: { readonly atMs: number; readonly error: KeysUnavailableError } | undefined;

  constructor(fetchKeys: FetchKeys, times: KeyTimes, now: () => Date) {
    this.#fetch = fetchKeys;
    this.#times = times;
    this.#now = now;
  }

  /** How many fetches have begun: note it when a delivery comes, for `fetchedSince`. */
  get begun(): number {
    return this.#begun;
  }

  /**
   * The keys at hand, fetched where there are none or they are no longer fresh. When the last fetch
   * has failed, no delivery waits for the next one while there are keys that may be used.
   *
   * @throws KeysUnavailableError
   */
  async atHand(): Promise<DeliveryKeys> {
    const held = this.#held;
    if (held === undefined) return (await this.#refetch()).keys;
    const ageMs = this.#since(held.begunMs);
    if (ageMs < this.#times.freshMs) return held.keys;
    const refetched = this.#refetch();
    if (ageMs >= this.#times.staleMs) return (await refetched).keys;
    const heldOn = refetched.catch(() => held);
    return this.#failed === undefined ? (await heldOn).keys : held.keys;
  }

  /**
   * Keys that were fetched after `begun` was noted, or that have one of these: what they lack is not
   * a key of the service. Fetched at most once within `betweenMs`.
   *
   * @throws KeysUnavailableError when that cannot be said yet.
   */
  async fetchedSince(begun: number, keyids: readonly string[]): Promise<DeliveryKeys> {
    const suffices = (fetched: Fetched) => {
      return fetched.number > begun || keyids.some((keyid) => fetched.keys.has(keyid));
    };
    const shared = this.#fetching === undefined ? this.#held : await this.#fetching;
    if (shared !== undefined && suffices(shared)) return shared.keys;
    const isTooSoon =
      this.#failed === undefined &&
      shared !== undefined &&
      this.#since(shared.begunMs) < this.#times.betweenMs;
    if (isTooSoon) {
      const message = 'The keyid is not among the keys that were fetched last. Try again.';
      throw new KeysUnavailableError(message);
    }
    const { keys } = await this.#refetch();
    return keys;
  }

  /** Time in ms between then and now, also where the clock was set back since. */
  #since(thenMs: number): number {
    return Math.abs(this.#now().getTime() - thenMs);
  }

  async #refetch(): Promise<Fetched> {
    const failed = this.#failed;
    if (failed !== undefined && this.#since(failed.atMs) < afterFailureMs) throw failed.error;
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<Fetched> {
    const begunMs = this.#now().getTime();
    this.#begun += 1;
    const number = this.#begun;
    const signal = AbortSignal.timeout(this.#times.fetchMs);
    try {
      const keys = readDeliveryKeys(await abortable(this.#fetch(signal), signal));
      if (keys.size === 0) throw new TypeError('there is no key among them that can be used');
      this.#held = { keys, begunMs, number };
      this.#failed = undefined;
      return this.#held;
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      const why = signal.aborted ? `no response within ${this.#times.fetchMs / 1_000} s` : said;
      const message = `The keys of deliveries could not be fetched: ${why.replace(/\.$/, '')}.`;
      const error = new KeysUnavailableError(message, { cause });
      this.#failed = { atMs: this.#now().getTime(), error };
      throw error;
    }
  }
}
