// What an attempt means for its subscription, and what the delivery log keeps of it.

import { type Attempt, keptAnswer, outcomeText } from '../egress/post.ts';
import type { Outcome } from './delivery.ts';

/** The part of an attempt that the delivery log keeps. */
export function kept(attempt: Attempt) {
  const { durationMs } = attempt;
  const status = attempt.type === 'answered' ? attempt.status : undefined;
  return { outcome: outcomeText(attempt), durationMs, status, answer: keptAnswer(attempt) };
}

/** What came of a request; `random`, from 0 up to 1, spreads its next attempt. */
export function outcomeOf(attempt: Attempt, at: Date, random: number): Outcome {
  const reason = outcomeText(attempt);
  if (attempt.type === 'unanswered') {
    const failure = { at, reason, random, retryAfterMs: undefined };
    return { type: attempt.wasReached ? 'refused' : 'down', ...failure };
  }
  const { status, retryAfterMs } = attempt;
  const failure = { at, reason, random, retryAfterMs };
  if (status >= 200 && status < 300) return { type: 'taken', at, reason };
  if (status === 410) return { type: 'gone', ...failure };
  if (status === 429) return { type: 'down', ...failure, retryAfterMs: retryAfterMs ?? 0 };
  if (status === 503 && retryAfterMs !== undefined) return { type: 'down', ...failure };
  return { type: 'refused', ...failure };
}
