// Whether and when a request is sent again. Only what cannot be done twice is repeated; every wait
// grows, is jittered and stays below the deadline of the call.

import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiAnswer, type CallFacts, NoAnswerError } from './errors.ts';

export interface RetryPolicy {
  /** Times a request is sent at most. */
  readonly attemptsMax: number;
  /** Wait after the first failed attempt in ms; it doubles with each further one. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** How long one attempt may take, in ms: longer than the service's own deadline of 10 s. */
  readonly attemptMs: number;
  /** How long the call may take with all its attempts, in ms. */
  readonly deadlineMs: number;
}

export const usualRetryPolicy: RetryPolicy = {
  attemptsMax: 8,
  firstWaitMs: 200,
  longestWaitMs: 5_000,
  attemptMs: 15_000,
  deadlineMs: 60_000,
};

/** What a request is, as far as sending it again depends on it. */
export interface Repeatable {
  /** Whether doing it twice is the same as doing it once: by its method or its idempotency key. */
  readonly isRepeatable: boolean;
  readonly idempotencyKey: string | undefined;
}

/** How long and by which clock it is tried, and who may stop it. */
export interface Persistence {
  readonly policy: RetryPolicy;
  readonly now: () => Date;
  readonly signal: AbortSignal | undefined;
}

/** One attempt; it calls `sending` as soon as the request itself goes out. */
export type Attempt = (signal: AbortSignal, sending: () => void) => Promise<ApiAnswer>;

/** What a call has ended with; the last answer, if none of them was a success. */
export interface Persisted {
  readonly answer: ApiAnswer;
  readonly attempts: number;
}

/**
 * Sends until there is an answer that waiting would not change, or the policy allows no more.
 *
 * @throws NoAnswerError when the last attempt had no answer; the reason of `signal` when that says
 *   stop.
 */
export async function persist(attempt: Attempt, of: Repeatable & Persistence): Promise<Persisted> {
  const { policy, signal, idempotencyKey } = of;
  const endMs = performance.now() + policy.deadlineMs;
  let mayBeDone = false;
  for (let attempts = 1; ; attempts += 1) {
    signal?.throwIfAborted();
    const leftMs = endMs - performance.now();
    const outcome = await tryOnce(attempt, Math.min(policy.attemptMs, Math.max(leftMs, 1)), signal);
    mayBeDone ||= outcome.type === 'silence' && outcome.wasSent;
    const usualMs = waitMs(policy, attempts);
    const pauseMs = pauseAfter(outcome, of, usualMs);
    const isLast = attempts >= policy.attemptsMax;
    if (pauseMs === undefined || isLast || performance.now() + pauseMs >= endMs) {
      if (outcome.type === 'answer') return { answer: outcome.answer, attempts };
      throw silenceError(outcome, { attempts, idempotencyKey, mayBeDone });
    }
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

type Outcome =
  | { readonly type: 'answer'; readonly answer: ApiAnswer }
  | { readonly type: 'silence'; readonly cause: unknown; readonly wasSent: boolean };

async function tryOnce(
  attempt: Attempt,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let isSent = false;
  const sending = () => {
    isSent = true;
  };
  try {
    return { type: 'answer', answer: await attempt(either, sending) };
  } catch (error) {
    signal?.throwIfAborted();
    // Without an answer to its request for a token, the request itself was not sent.
    const isSilence = timeout.aborted || error instanceof NoAnswerError;
    if (isSilence) return { type: 'silence', cause: error, wasSent: isSent };
    if (!isNetworkError(error)) throw error;
    return { type: 'silence', cause: error.cause ?? error, wasSent: isSent && !neverSent(error) };
  }
}

/** As `fetch` tells that the network failed. */
function isNetworkError(error: unknown): error is TypeError {
  return error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
}

const beforeSending: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function neverSent({ cause }: Error): boolean {
  return cause instanceof Error && 'code' in cause && beforeSending.has(String(cause.code));
}

/**
 * How long to wait before the next attempt in ms; undefined where there should be none. What the
 * service asks for in `retry-after` comes first, and the jitter on top, so that not all come at once.
 */
function pauseAfter(
  outcome: Outcome,
  { isRepeatable, now }: Repeatable & Persistence,
  usualWaitMs: number,
): number | undefined {
  if (outcome.type === 'silence') {
    return isRepeatable || !outcome.wasSent ? usualWaitMs : undefined;
  }
  const { status, headers } = outcome.answer;
  const askedMs = retryAfterMs(headers.get('retry-after'), now());
  // Refused for its rate, a request was not looked at; after the others only a repeatable one is
  // sure to be done once. A conflict that passes says when: another one would stay.
  const passes = status === 502 || status === 503 || status === 504;
  const isPassingConflict = status === 409 && askedMs !== undefined;
  const isWorthwhile = status === 429 || (isRepeatable && (passes || isPassingConflict));
  return isWorthwhile ? (askedMs ?? 0) + usualWaitMs : undefined;
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(value: string | null, now: Date): number | undefined {
  if (value === null) return undefined;
  if (/^[0-9]{1,6}$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(atMs - now.getTime(), 0);
}

/** Doubles with each attempt; from a half to the whole of it, by chance. */
function waitMs({ firstWaitMs, longestWaitMs }: RetryPolicy, attempts: number): number {
  const longest = Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs);
  return longest * (0.5 + Math.random() / 2);
}

function silenceError(
  outcome: { readonly cause: unknown },
  facts: CallFacts & { readonly mayBeDone: boolean },
): NoAnswerError {
  // Where it was the request for a token that had no answer, its own cause says why.
  const cause = outcome.cause instanceof NoAnswerError ? outcome.cause.cause : outcome.cause;
  const name = cause instanceof Error ? cause.name : '';
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : name;
  const what = name === 'TimeoutError' ? 'No answer in time' : `The network failed (${code})`;
  const attempts = facts.attempts === 1 ? '1 attempt' : `${facts.attempts} attempts`;
  return new NoAnswerError(`${what}, after ${attempts}.`, { ...facts, cause });
}
