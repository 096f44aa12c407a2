// The keys of deliveries as a receiver holds them: fetched when they are needed, kept for a bounded
// time, fetched again when a delivery names one that is not among them.

import type { KeySet } from './contract.ts';
import { type DeliveryKeys, readDeliveryKeys } from './deliveries.ts';

/** How keys are fetched; `client.webhooks.verifyKeys` is one. */
export type FetchKeys = () => Promise<KeySet>;

export interface KeyTimes {
  /** Age in ms after which keys are fetched again: so long a withdrawn key may still be taken. */
  readonly freshMs: number;
  /** Age in ms up to which they are used when fetching them fails. */
  readonly staleMs: number;
  /** Time in ms between two fetches for keys that are not known, whoever names them. */
  readonly betweenMs: number;
}

export const usualKeyTimes: KeyTimes = { freshMs: 300_000, staleMs: 3_600_000, betweenMs: 10_000 };

/** Keys could not be fetched, so nothing can be said about a delivery. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** Time in ms after a fetch that failed before the next one, whoever asks for it. */
const afterFailureMs = 1_000;

interface Held {
  readonly keys: DeliveryKeys;
  readonly fetchedAtMs: number;
}

/** Holds the keys of one service; many deliveries at once share one fetch. */
export class KeyRing {
  readonly #fetch: FetchKeys;
  readonly #times: KeyTimes;
  readonly #now: () => Date;
  #held: Held | undefined;
  #fetching: Promise<Held> | undefined;
  #failed: { readonly atMs: number; readonly error: KeysUnavailableError } | undefined;

  constructor(fetchKeys: FetchKeys, times: KeyTimes, now: () => Date) {
    this.#fetch = fetchKeys;
    this.#times = times;
    this.#now = now;
  }

  /**
   * The keys that are served, fetched anew where one of these is missing from those at hand: once,
   * and not again within `betweenMs`, since anybody may name a key. @throws KeysUnavailableError
   */
  async keysFor(keyids: readonly string[]): Promise<DeliveryKeys> {
    const { freshMs, staleMs, betweenMs } = this.#times;
    const held = this.#held;
    if (held === undefined) return (await this.#refetch()).keys;
    // Keys that seem to come from later are of a clock that was set back: of no known age.
    const ageMs = Math.abs(this.#now().getTime() - held.fetchedAtMs);
    const lacksAll = !keyids.some((keyid) => held.keys.has(keyid));
    if (ageMs < freshMs && !(lacksAll && ageMs >= betweenMs)) return held.keys;
    try {
      return (await this.#refetch()).keys;
    } catch (error) {
      if (ageMs < staleMs) return held.keys;
      throw error;
    }
  }

  async #refetch(): Promise<Held> {
    const failedMs = this.#now().getTime() - (this.#failed?.atMs ?? 0);
    if (this.#failed !== undefined && failedMs >= 0 && failedMs < afterFailureMs) {
      throw this.#failed.error;
    }
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<Held> {
    const fetchedAtMs = this.#now().getTime();
    try {
      this.#held = { keys: readDeliveryKeys(await this.#fetch()), fetchedAtMs };
      this.#failed = undefined;
      return this.#held;
    } catch (cause) {
      const message = 'The keys of deliveries could not be fetched.';
      const error = new KeysUnavailableError(message, { cause });
      this.#failed = { atMs: this.#now().getTime(), error };
      throw error;
    }
  }
}
