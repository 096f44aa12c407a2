// How webhooks look on the wire: subscriptions, where their deliveries stand, attempts and tests.

import type { DeliveryState } from '../deliveries/history-store.ts';
import type { LoggedAttempt } from '../deliveries/progress-store.ts';
import { type Attempt, harmless, keptResponse } from '../egress/post.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import { toCursor } from './cursor.ts';

export function toView(webhook: Webhook): object {
  return {
    id: webhook.webhookId,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
    title: webhook.title,
    url: webhook.url,
    enabled: webhook.enabled,
    type: webhook.types,
    ...(webhook.excludedTypes.length === 0 ? {} : { exclude_type: webhook.excludedTypes }),
    config: {
      ...(webhook.delayS === undefined ? {} : { delay: `${webhook.delayS}s` }),
      ...(webhook.maxPackageSize === undefined ? {} : { max_package_size: webhook.maxPackageSize }),
      signature_version: webhook.signatureVersion,
      signature_algorithm: webhook.signatureAlgorithm,
      ...(webhook.standardHeaders ? { standard_webhooks: true } : {}),
    },
  };
}

function instant(at: Date | undefined): string | null {
  return at?.toISOString() ?? null;
}

/** A part of the log that was dropped, as cursors of `GET /events`. */
export function toGapView({ after, upTo }: { after: number; upTo: number }): object {
  return { after: toCursor(after), up_to: toCursor(upTo) };
}

/** Where the deliveries of a subscription stand; `cursor` is one of `GET /events`. */
export function toStateView(state: DeliveryState): object {
  const { gap } = state;
  return {
    cursor: toCursor(state.offset),
    behind: state.behind,
    attempts: state.attempts,
    failing_since: instant(state.failingSince),
    next_attempt_at: state.attempts > 0 ? instant(state.nextAttemptAt) : null,
    last_attempt_at: instant(state.lastAttemptAt),
    last_success_at: instant(state.lastSuccessAt),
    last_outcome: state.lastOutcome ?? null,
    retrying: state.retrying,
    set_aside: state.setAside,
    accounts: state.blocked.map((account) => {
      const isSetAside = account.status === 'set_aside';
      return {
        account_id: account.accountId,
        status: isSetAside ? 'set_aside' : 'retrying',
        failing_since: instant(account.failingSince),
        attempts: account.attempts,
        next_attempt_at: isSetAside ? null : instant(account.nextAttemptAt),
        last_outcome: account.lastOutcome ?? null,
      };
    }),
    gap: gap === undefined ? null : { ...toGapView(gap), noticed_at: instant(gap.noticedAt) },
  };
}

/** One line of the delivery log. */
export function toAttemptView(attempt: LoggedAttempt): object {
  return {
    id: attempt.attemptId,
    kind: attempt.kind,
    attempted_at: attempt.at.toISOString(),
    duration_ms: attempt.durationMs,
    status: attempt.status ?? null,
    outcome: attempt.outcome,
    response: attempt.response,
    attempt: attempt.attempt,
    events: attempt.events,
    first_event_id: attempt.firstEventId ?? null,
    last_event_id: attempt.lastEventId ?? null,
    ...(attempt.faults.length === 0 ? {} : { faults: attempt.faults }),
  };
}

/** Most headers of a response that are shown. */
const shownHeadersMax = 50;

/** What a receiver said to a test; where it said nothing, why. */
export function toResponseView(attempt: Attempt): object {
  if (attempt.type === 'unanswered') return { error: attempt.reason };
  const headers = Object.entries(attempt.headers).slice(0, shownHeadersMax);
  const shown = headers.map(([name, value = '']) => [name, harmless(String(value))]);
  const { status } = attempt;
  return { status, headers: Object.fromEntries(shown), body: keptResponse(attempt) };
}
