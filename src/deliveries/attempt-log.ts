// The delivery log of one subscription while it is delivered to: attempts, and what operators are
// warned of besides. Each entry takes the oldest place of its kind, so that the log stays bounded, and
// waits here until it is recorded.

import { type Attempt, keptResponse, outcomeText } from '../egress/post.ts';
import type { AccountId, WebhookId } from '../ids.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import type { Block, Standing } from './delivery.ts';
import type { Gap } from './delivery-store.ts';
import type { FaultName } from './fault.ts';
import { acknowledgedAttemptsKept, failedAttemptsKept } from './limits.ts';
import type { LoggedAttempt } from './progress-store.ts';

/** The part of an attempt that the delivery log keeps. */
export function kept(attempt: Attempt) {
  const { durationMs } = attempt;
  const status = attempt.type === 'answered' ? attempt.status : undefined;
  return { outcome: outcomeText(attempt), durationMs, status, response: keptResponse(attempt) };
}

export interface AttemptCounts {
  readonly acknowledgedCount: number;
  readonly failedCount: number;
}

/** One attempt, as it was made. */
export type Attempted = Pick<
  LoggedAttempt,
  'kind' | 'at' | 'durationMs' | 'outcome' | 'attempt'
> & {
  readonly status?: number | undefined;
  readonly response?: string;
  readonly faults?: readonly FaultName[];
  readonly events: readonly LoggedEvent[];
};

export class AttemptLog {
  readonly #newId: () => string;
  /** Not recorded yet, by place: where one was used twice meanwhile, the later attempt. */
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
    const { events, status, response = '', faults = [] } = attempt;
    const place = this.#nextPlace(status !== undefined && status >= 200 && status < 300);
    this.#attempts.set(place, {
      ...attempt,
      place,
      attemptId: this.#newId(),
      status,
      response,
      faults,
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

  #nextPlace(isAcknowledged: boolean): number {
    const { acknowledgedCount, failedCount } = this.#counts;
    if (isAcknowledged) {
      this.#counts = { acknowledgedCount: acknowledgedCount + 1, failedCount };
      return acknowledgedCount % acknowledgedAttemptsKept;
    }
    this.#counts = { acknowledgedCount, failedCount: failedCount + 1 };
    return acknowledgedAttemptsKept + (failedCount % failedAttemptsKept);
  }
}

interface NoticesOptions {
  readonly webhookId: WebhookId;
  readonly attempts: AttemptLog;
  readonly log: { warn(fields: object, message: string): void };
  /** Days up to an attempt at this time are reported. */
  readonly reportedUpTo: Date | undefined;
}

const dayMs = 24 * 3_600_000;

/** What operators and readers of the delivery log are warned of besides failed attempts. */
export class Notices {
  readonly #options: NoticesOptions;
  #reportedUpTo: Date | undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#reportedUpTo = options.reportedUpTo;
  }

  /** A part of the log was dropped before it was read. */
  gap(gap: Gap, at: Date): void {
    const outcome = `events behind offset ${gap.after} up to ${gap.upTo} were dropped unread`;
    this.#report('gap', { outcome, at, attempt: 0 });
    this.#options.log.warn({ webhook: this.#options.webhookId, ...gap }, 'webhook.gap');
  }

  /**
   * Of blocked accounts something was refused that was dropped before it was acknowledged: `events` is
   * all that is left of them, and the log is kept behind `droppedTo`.
   */
  lost(
    block: Block,
    left: {
      readonly events: readonly LoggedEvent[];
      readonly droppedTo: number;
      readonly at: Date;
    },
  ): void {
    const { droppedTo, at } = left;
    const accounts = lostAccounts(block, left.events, droppedTo);
    if (accounts.length === 0) return;
    const what = accounts.length === 1 ? 'an account' : `${accounts.length} accounts`;
    const outcome = `events of ${what} up to offset ${droppedTo} were dropped before they were acknowledged`;
    this.#report('gap', { outcome, at, attempt: block.attempts });
    const fields = { webhook: this.#options.webhookId, accounts: accounts.slice(0, 10), droppedTo };
    this.#options.log.warn({ ...fields, count: accounts.length }, 'webhook.gap');
  }

  /** Nothing is sent for a while, since a client of a sandbox asked for that. */
  silent(until: Date, at: Date): void {
    const outcome = `a fault was asked for: nothing is sent until ${until.toISOString()}`;
    this.#report('warning', { outcome, at, attempt: 0 });
  }

  /** A day more has passed on which nothing was acknowledged: reported once for each. */
  failing({ failingSince, lastAttemptAt: at, attempts, lastOutcome }: Standing): void {
    const before = this.#reportedUpTo;
    this.#reportedUpTo = at;
    if (failingSince === undefined || at === undefined || before === undefined) return;
    const daysUpTo = (end: Date) => Math.floor((end.getTime() - failingSince.getTime()) / dayMs);
    const days = daysUpTo(at);
    if (days <= Math.max(daysUpTo(before), 0)) return;
    const outcome = `nothing was acknowledged for ${days === 1 ? 'a day' : `${days} days`}`;
    this.#report('warning', { outcome, at, attempt: attempts });
    const fields = { webhook: this.#options.webhookId, days, failingSince, attempts, lastOutcome };
    this.#options.log.warn(fields, 'webhook.failing_for_days');
  }

  #report(kind: 'gap' | 'warning', notice: { outcome: string; at: Date; attempt: number }): void {
    this.#options.attempts.keep({ kind, durationMs: 0, events: [], ...notice });
  }
}

/** Accounts of a refused request of which nothing is left. */
function lostAccounts(
  block: Block,
  events: readonly LoggedEvent[],
  droppedTo: number,
): readonly AccountId[] {
  if (block.attempts === 0) return [];
  const left = new Set(events.map(({ accountId }) => accountId));
  return [...block.acknowledged].flatMap(([accountId, after]) => {
    return after < droppedTo && !left.has(accountId) ? [accountId] : [];
  });
}
