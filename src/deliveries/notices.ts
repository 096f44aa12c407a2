// What whoever operates the service, and whoever reads the delivery log of a subscription, is told of
// besides its attempts: parts of the log that it did not get, and days on which nothing was taken.

import type { AccountId, WebhookId } from '../ids.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { Standing } from './delivery.ts';
import type { Gap } from './delivery-store.ts';
import type { Hold } from './hold.ts';

interface NoticesOptions {
  readonly webhookId: WebhookId;
  readonly attempts: AttemptLog;
  readonly log: { warn(fields: object, message: string): void };
  /** Days up to an attempt at this time have been told. */
  readonly toldUpTo: Date | undefined;
}

const dayMs = 24 * 3_600_000;

export class Notices {
  readonly #options: NoticesOptions;
  #toldUpTo: Date | undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#toldUpTo = options.toldUpTo;
  }

  /** A part of the log was dropped before it was read. */
  gap(gap: Gap, at: Date): void {
    const outcome = `events behind position ${gap.after} up to ${gap.upTo} were dropped unread`;
    this.#tell('gap', { outcome, at, attempt: 0 });
    this.#options.log.warn({ webhook: this.#options.webhookId, ...gap }, 'webhook.gap');
  }

  /**
   * Of held accounts something was refused that was dropped before it was taken: `events` is all
   * that is left of them, and the log is kept behind `droppedTo`.
   */
  lost(
    hold: Hold,
    left: {
      readonly events: readonly LoggedEvent[];
      readonly droppedTo: number;
      readonly at: Date;
    },
  ): void {
    const { droppedTo, at } = left;
    const accounts = lostAccounts(hold, left.events, droppedTo);
    if (accounts.length === 0) return;
    const what = accounts.length === 1 ? 'an account' : `${accounts.length} accounts`;
    const outcome = `events of ${what} up to position ${droppedTo} were dropped before they were taken`;
    this.#tell('gap', { outcome, at, attempt: hold.attempts });
    const fields = { webhook: this.#options.webhookId, accounts: accounts.slice(0, 10), droppedTo };
    this.#options.log.warn({ ...fields, count: accounts.length }, 'webhook.gap');
  }

  /** A day more has passed on which nothing was taken: told once of each. */
  failing({ failingSince, lastAttemptAt: at, attempts, lastOutcome }: Standing): void {
    const before = this.#toldUpTo;
    this.#toldUpTo = at;
    if (failingSince === undefined || at === undefined || before === undefined) return;
    const daysUpTo = (end: Date) => Math.floor((end.getTime() - failingSince.getTime()) / dayMs);
    const days = daysUpTo(at);
    if (days <= Math.max(daysUpTo(before), 0)) return;
    const outcome = `nothing was taken for ${days === 1 ? 'a day' : `${days} days`}`;
    this.#tell('warning', { outcome, at, attempt: attempts });
    const fields = { webhook: this.#options.webhookId, days, failingSince, attempts, lastOutcome };
    this.#options.log.warn(fields, 'webhook.failing_for_days');
  }

  #tell(kind: 'gap' | 'warning', notice: { outcome: string; at: Date; attempt: number }): void {
    this.#options.attempts.keep({ kind, durationMs: 0, events: [], ...notice });
  }
}

/** Accounts of a refused request of which nothing is left. */
function lostAccounts(
  hold: Hold,
  events: readonly LoggedEvent[],
  droppedTo: number,
): readonly AccountId[] {
  if (hold.attempts === 0) return [];
  const left = new Set(events.map(({ accountId }) => accountId));
  return [...hold.afters].flatMap(([accountId, after]) => {
    return after < droppedTo && !left.has(accountId) ? [accountId] : [];
  });
}
