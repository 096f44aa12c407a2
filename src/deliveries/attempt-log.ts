// The delivery log of one subscription while it is delivered to: each attempt takes the oldest place of
// its kind, so that it stays bounded, and waits here until it is recorded.

import { failedAttemptsKept, takenAttemptsKept } from '../limits.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import type { LoggedAttempt } from './progress-store.ts';

export interface AttemptCounts {
  readonly takenCount: number;
  readonly failedCount: number;
}

/** One attempt, as it was made. */
export type Attempted = Pick<
  LoggedAttempt,
  'kind' | 'at' | 'durationMs' | 'outcome' | 'attempt'
> & {
  readonly status?: number | undefined;
  readonly answer?: string;
  readonly events: readonly LoggedEvent[];
};

export class AttemptLog {
  readonly #newId: () => string;
  /** Not recorded yet, by place: where one was taken twice meanwhile, the later attempt. */
  #attempts = new Map<number, LoggedAttempt>();
  #counts: AttemptCounts;

  /** `counts` are those of all attempts before. */
  constructor(counts: AttemptCounts, newId: () => string) {
    this.#counts = counts;
    this.#newId = newId;
  }

  /** How many attempts succeeded and failed, ever. */
  get counts(): AttemptCounts {
    return this.#counts;
  }

  keep(attempt: Attempted): void {
    const { events, status, answer = '' } = attempt;
    const place = this.#nextPlace(status !== undefined && status >= 200 && status < 300);
    this.#attempts.set(place, {
      ...attempt,
      place,
      attemptId: this.#newId(),
      status,
      answer,
      events: events.length,
      firstEventId: events[0]?.eventId,
      lastEventId: events.at(-1)?.eventId,
    });
  }

  /** What is not recorded yet; the caller records it. */
  take(): readonly LoggedAttempt[] {
    const attempts = [...this.#attempts.values()];
    this.#attempts = new Map();
    return attempts;
  }

  #nextPlace(isTaken: boolean): number {
    const { takenCount, failedCount } = this.#counts;
    if (isTaken) {
      this.#counts = { takenCount: takenCount + 1, failedCount };
      return takenCount % takenAttemptsKept;
    }
    this.#counts = { takenCount, failedCount: failedCount + 1 };
    return takenAttemptsKept + (failedCount % failedAttemptsKept);
  }
}
