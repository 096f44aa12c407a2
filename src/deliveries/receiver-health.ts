// What is known of a receiver in one claim of its subscription: whether it takes anything, how many
// requests it gets at once, and why nothing more is sent.

import type { Failed, Standing } from './delivery.ts';
import { type Failure, nextAttemptAfter } from './hold.ts';

/** Refusals in a row, with no success between, after which the receiver counts as down. */
const refusalsMax = 4;
/** The same for a receiver that has failed before. */
const probesMax = 2;

/** It may be down; it asked for a pause; it is gone for good. */
export type Rest = 'doubt' | 'asked' | 'gone';

export class ReceiverHealth {
  readonly #atOnceMax: number;
  #standing: Standing;
  #refusals = 0;
  #atOnce = 1;
  #rests: Rest | undefined;
  #lastFailure: Failure | undefined;

  constructor(standing: Standing, atOnceMax: number) {
    this.#standing = standing;
    this.#atOnceMax = atOnceMax;
  }

  /** As it is recorded, but for the mark. */
  get standing(): Standing {
    return this.#standing;
  }

  /** Whether nothing was taken since the last failure of the subscription as a whole. */
  get isFailing(): boolean {
    return this.#standing.attempts > 0;
  }

  /** Whether something was refused and nothing taken since. */
  get isRefusing(): boolean {
    return this.#refusals > 0;
  }

  /** Why nothing is sent before the next attempt is due, if so. */
  get rests(): Rest | undefined {
    return this.#rests;
  }

  /** Requests that may be under way at once: more with each success. */
  get width(): number {
    return this.isFailing ? 1 : this.#atOnce;
  }

  taken({ at, reason }: { at: Date; reason: string }): void {
    this.#refusals = 0;
    this.#atOnce = Math.min(this.#atOnce * 2, this.#atOnceMax);
    if (this.#rests === 'doubt') this.#rests = undefined;
    this.#standing = {
      ...this.#standing,
      attempts: 0,
      failingSince: undefined,
      lastAttemptAt: at,
      lastSuccessAt: at,
      lastOutcome: reason,
    };
  }

  failed(failure: Failed): void {
    const { at: lastAttemptAt, reason: lastOutcome } = failure;
    this.#standing = { ...this.#standing, lastAttemptAt, lastOutcome };
    this.#lastFailure = failure;
    if (failure.type === 'refused') {
      this.#refusals += 1;
      if (this.#refusals >= (this.isFailing ? probesMax : refusalsMax))
        this.#rest(failure, 'doubt');
    } else if (failure.type === 'gone') {
      this.#rest(failure, 'gone');
    } else {
      this.#rest(failure, failure.retryAfterMs === undefined ? 'doubt' : 'asked');
    }
  }

  /** Nothing else is there to tell whether it takes anything: it counts as down. */
  giveUp(): void {
    if (this.#rests === undefined && this.#lastFailure) this.#rest(this.#lastFailure, 'doubt');
  }

  /** Sends nothing more in this claim, and not before the next attempt is due. */
  #rest(failure: Failure, why: Rest): void {
    const { attempts, failingSince = failure.at, nextAttemptAt } = this.#standing;
    const count = this.#rests ? Math.max(attempts, 1) : attempts + 1;
    const due = nextAttemptAfter(count, failure);
    this.#standing = {
      ...this.#standing,
      attempts: count,
      failingSince,
      nextAttemptAt: this.#rests && nextAttemptAt > due ? nextAttemptAt : due,
    };
    if (this.#rests !== 'gone') this.#rests = why;
  }
}
