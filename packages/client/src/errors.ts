// What a call can end with besides its response, so that a caller can separate the cases: refused by
// the service, unanswered, or still going on.

import type { EventGap, Liquidation } from './contract.ts';
import type { NoResponseReason } from './network-fault.ts';

/** The body of a refusal (RFC 9457, with the members of the contract). */
export interface Problem {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly instance: string;
  readonly request_id: string;
}

/** A response as it came. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
}

/** What belongs to a call, however it ended. */
export interface CallFacts {
  /** How often the request was sent, or tried to be. */
  readonly attempts: number;
  /** Send the call again with this key to learn what became of it; it is never done twice. */
  readonly idempotencyKey: string | undefined;
}

/**
 * The service has answered, but not with success. Nothing has changed, except where `status` is 500
 * or above: then ask again with the same idempotency key.
 */
export class ApiError extends Error implements CallFacts {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Last part of `type`, such as `conflict`; `unknown` for a response that is no problem document. */
  readonly code: string;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly instance: string | undefined;
  /** `upvest-request-id`: what support and logs need. */
  readonly requestId: string | undefined;
  /** Among them `location` of what is in the way, `allow`, `retry-after`. */
  readonly headers: Headers;
  readonly attempts: number;
  readonly idempotencyKey: string | undefined;

  constructor(response: ApiResponse, { attempts, idempotencyKey }: CallFacts) {
    const problem = problemOf(response);
    super(`${problem.status} ${problem.title}: ${problem.detail}`);
    this.status = response.status;
    this.type = problem.type;
    this.code = problem.type.split('/').at(-1) ?? problem.type;
    this.title = problem.title;
    this.detail = problem.detail;
    this.instance = problem.instance;
    this.requestId = response.headers.get('upvest-request-id') ?? problem.request_id;
    this.headers = response.headers;
    this.attempts = attempts;
    this.idempotencyKey = idempotencyKey;
  }
}

const shownLengthMax = 200;

/** The problem document of a response; something like it where a proxy has answered instead. */
function problemOf({ status, headers, json, text }: ApiResponse) {
  const isProblem = /problem\+json/.test(headers.get('content-type') ?? '');
  const given = isProblem && typeof json === 'object' && json !== null ? json : {};
  const problem = given as Partial<Problem>;
  return {
    status,
    type: problem.type ?? 'unknown',
    title: problem.title ?? 'Unexpected answer',
    detail: problem.detail ?? redirectOf(status, headers) ?? text.slice(0, shownLengthMax),
    instance: problem.instance,
    request_id: problem.request_id,
  };
}

/** A signature is good for one place, so redirects are not followed. */
function redirectOf(status: number, headers: Headers): string | undefined {
  const location = headers.get('location');
  if (status < 300 || status > 399 || location === null) return undefined;
  return `redirected to ${location}, which is not followed; is baseUrl right?`;
}

/** No response came; the message says why and what to do about it. `cause` is the platform's error. */
export class NoResponseError extends Error implements CallFacts {
  override readonly name = 'NoResponseError';
  readonly attempts: number;
  readonly idempotencyKey: string | undefined;
  /** Whether the service may have got the request, and so may have done what it asks. */
  readonly mayBeDone: boolean;
  readonly reason: NoResponseReason;

  constructor(
    message: string,
    facts: CallFacts & { mayBeDone: boolean; reason: NoResponseReason; cause: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.reason = facts.reason;
    this.attempts = facts.attempts;
    this.idempotencyKey = facts.idempotencyKey;
    this.mayBeDone = facts.mayBeDone;
  }
}

/**
 * The log has dropped events behind the cursor before they were read. To go on with what is left,
 * read from `gap.up_to`.
 */
export class LogGapError extends Error {
  override readonly name = 'LogGapError';
  readonly gap: EventGap;

  constructor(gap: EventGap) {
    super(`The log has dropped what is between ${gap.after} and ${gap.up_to}.`);
    this.gap = gap;
  }
}

/** The patience of the caller has ended before the liquidation has. */
export class StillRunningError extends Error {
  override readonly name = 'StillRunningError';
  /** As it was last seen. */
  readonly liquidation: Liquidation;

  constructor(liquidation: Liquidation) {
    super(`Liquidation ${liquidation.id} is still ${liquidation.status}.`);
    this.liquidation = liquidation;
  }
}
