// Whether and when a request is sent again. Only what cannot be done twice is repeated; every wait
// grows, is jittered and stays below the deadline of the call.

import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiResponse, type CallFacts, NoResponseError } from './errors.ts';
import { NetworkFault } from './network-fault.ts';

export interface RetryPolicy {
  /** Times a request is sent at most. */
  readonly attemptsMax: number;
  /** Wait after the first failed attempt in ms; it doubles with each further one. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /**
   * How long a service that cannot be connected to is tried, in ms: it may be starting again. A host
   * or certificate that is wrong is reported at once.
   */
  readonly unreachableMs: number;
  /** How long one attempt may take, in ms: longer than the service's own deadline of 10 s. */
  readonly attemptMs: number;
  /** How long the call may take with all its attempts, in ms. */
  readonly deadlineMs: number;
}

export const usualRetryPolicy: RetryPolicy = {
  attemptsMax: 8,
  firstWaitMs: 200,
  longestWaitMs: 5_000,
  unreachableMs: 5_000,
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
  /** Where the service is. */
  readonly baseUrl: URL;
  readonly policy: RetryPolicy;
  readonly now: () => Date;
  readonly signal: AbortSignal | undefined;
}

/** One attempt; it calls `sending` as soon as the request itself goes out. */
export type Attempt = (signal: AbortSignal, sending: () => void) => Promise<ApiResponse>;

/** What a call has ended with; the last response, if none of them was a success. */
export interface Persisted {
  readonly response: ApiResponse;
  readonly attempts: number;
}

/**
 * Sends until there is a response that waiting would not change, or the policy allows no more.
 *
 * @throws NoResponseError when the last attempt had no response; the reason of `signal` when that says
 *   stop.
 */
export async function persist(attempt: Attempt, of: Repeatable & Persistence): Promise<Persisted> {
  const { policy, signal, idempotencyKey } = of;
  const endMs = performance.now() + policy.deadlineMs;
  let unreachableUntilMs: number | undefined;
  let mayBeDone = false;
  for (let attempts = 1; ; attempts += 1) {
    signal?.throwIfAborted();
    const leftMs = endMs - performance.now();
    const timeoutMs = Math.min(policy.attemptMs, Math.max(leftMs, 1));
    const outcome = await tryOnce(attempt, timeoutMs, of);
    mayBeDone ||= outcome.type === 'silence' && outcome.wasSent;
    const isBrief = outcome.type === 'silence' && outcome.fault.worth === 'briefly';
    unreachableUntilMs = isBrief
      ? (unreachableUntilMs ?? performance.now() + policy.unreachableMs)
      : undefined;
    const pauseMs = pauseAfter(outcome, of, waitMs(policy, attempts));
    const isLast = attempts >= policy.attemptsMax;
    const untilMs = Math.min(endMs, unreachableUntilMs ?? endMs);
    if (pauseMs === undefined || isLast || performance.now() + pauseMs >= untilMs) {
      if (outcome.type === 'response') return { response: outcome.response, attempts };
      throw silenceError(outcome, { attempts, idempotencyKey, mayBeDone });
    }
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

type Outcome =
  | { readonly type: 'response'; readonly response: ApiResponse }
  | { readonly type: 'silence'; readonly fault: NetworkFault; readonly wasSent: boolean }
  /** The request for a token had no response, however often it was sent. */
  | { readonly type: 'no token'; readonly error: NoResponseError };

async function tryOnce(
  attempt: Attempt,
  timeoutMs: number,
  { signal, baseUrl }: Persistence,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let isSent = false;
  const sending = () => {
    isSent = true;
  };
  try {
    return { type: 'response', response: await attempt(either, sending) };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NoResponseError) return { type: 'no token', error };
    const fault = timeout.aborted ? new NetworkFault(baseUrl, timeout.reason) : error;
    if (!(fault instanceof NetworkFault)) throw error;
    return { type: 'silence', fault, wasSent: isSent && !fault.isUnsent };
  }
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
  if (outcome.type === 'no token') return undefined;
  if (outcome.type === 'silence') {
    const { fault, wasSent } = outcome;
    return fault.worth !== 'never' && (isRepeatable || !wasSent) ? usualWaitMs : undefined;
  }
  const { status, headers } = outcome.response;
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
  if (/^[0-9]+$/.test(value)) return Number(value) * 1_000;
  // The three forms of a date there all begin with the day of the week; the last names no zone.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value)) return undefined;
  const atMs = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(atMs - now.getTime(), 0);
}

/** Doubles with each attempt; from a half to the whole of it, by chance. */
function waitMs({ firstWaitMs, longestWaitMs }: RetryPolicy, attempts: number): number {
  const longest = Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs);
  return longest * (0.5 + Math.random() / 2);
}

function silenceError(
  outcome: Exclude<Outcome, { type: 'response' }>,
  facts: CallFacts & { readonly mayBeDone: boolean },
): NoResponseError {
  if (outcome.type === 'no token') {
    const { message, reason, cause, attempts } = outcome.error;
    const all = facts.attempts - 1 + attempts;
    return new NoResponseError(message, { ...facts, reason, cause, attempts: all });
  }
  const { what, remedy, reason, cause } = outcome.fault;
  const attempts = facts.attempts === 1 ? '1 attempt' : `${facts.attempts} attempts`;
  const message = `${what}, after ${attempts}. ${remedy}`.trimEnd();
  return new NoResponseError(message, { ...facts, reason, cause });
}
