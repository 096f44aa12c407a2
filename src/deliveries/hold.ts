// A hold: accounts of a subscription that are not in step with its mark, since a request with events
// of them was refused or takes long. It keeps how far each of them is delivered; what follows waits
// for it, everybody else goes on.

import { later } from '../clock.ts';
import type { AccountId } from '../ids.ts';
import { type LoggedEvent, retryAfterMsMax, retryGapMs } from '../webhooks/webhook.ts';

export interface Hold {
  readonly requestId: string;
  /** Of each account the position up to which everything is delivered. */
  readonly afters: ReadonlyMap<AccountId, number>;
  /** The last position of the request that was refused. */
  readonly upTo: number;
  /** What is set aside is not tried again until somebody asks for it. */
  readonly status: 'retrying' | 'set_aside';
  /** Failed attempts in a row; 0 while it catches up with the others. */
  readonly attempts: number;
  readonly failingSince: Date | undefined;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | undefined;
  readonly lastOutcome: string | undefined;
}

/** A request that failed: when, why, and how long the receiver wants to be left alone. */
export interface Failure {
  readonly at: Date;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** From 0 up to 1: spreads retries. */
  readonly random: number;
}

/** Attempts of a request as a whole before its accounts are tried apart. */
export const wholeAttempts = 3;

/** When an attempt may follow the last of so many failures. */
export function nextAttemptAfter(attempts: number, failure: Failure): Date {
  const askedMs = Math.min(failure.retryAfterMs ?? 0, retryAfterMsMax);
  return later(failure.at, Math.max(retryGapMs(attempts, failure.random), askedMs));
}

/** The hold that begins with events under way: nothing of them is delivered. */
export function newHold(requestId: string, events: readonly LoggedEvent[], now: Date): Hold {
  const afters = new Map<AccountId, number>();
  for (const { accountId, position } of events.toReversed()) afters.set(accountId, position - 1);
  return {
    requestId,
    afters,
    upTo: events.at(-1)?.position ?? 0,
    status: 'retrying',
    attempts: 0,
    failingSince: undefined,
    nextAttemptAt: now,
    lastAttemptAt: undefined,
    lastOutcome: undefined,
  };
}

/** After a failed attempt; `before` are failures that are known from elsewhere. */
export function refused(
  hold: Hold,
  failure: Failure,
  before: { attempts: number; failingSince: Date | undefined } = hold,
): Hold {
  const attempts = before.attempts + 1;
  return {
    ...hold,
    attempts,
    failingSince: before.failingSince ?? failure.at,
    nextAttemptAt: nextAttemptAfter(attempts, failure),
    lastAttemptAt: failure.at,
    lastOutcome: failure.reason,
  };
}

/** A hold was tried again with these events, and refused. */
export interface Trial {
  readonly events: readonly LoggedEvent[];
  readonly failure: Failure;
  /** When the receiver last took anything. */
  readonly lastSuccessAt: Date | undefined;
  /** Failed attempts after which an account is set aside. */
  readonly setAsideAttempts: number;
  readonly newId: () => string;
}

/**
 * What becomes of a hold that was refused again: it waits longer, its accounts are tried apart, or
 * one is set aside, since it is refused while others are taken.
 */
export function refusedAgain(hold: Hold, trial: Trial): readonly Hold[] {
  const { events, failure, lastSuccessAt, setAsideAttempts } = trial;
  const again = refused({ ...hold, upTo: events.at(-1)?.position ?? hold.upTo }, failure);
  const { lastAttemptAt } = hold;
  const hasTakenOthers =
    lastSuccessAt !== undefined && lastAttemptAt !== undefined && lastSuccessAt > lastAttemptAt;
  if (hold.afters.size === 1 && again.attempts >= setAsideAttempts && hasTakenOthers) {
    return [{ ...again, status: 'set_aside' }];
  }
  return apart(again, trial);
}

/**
 * Parts of a refused hold that are tried apart, to find the event that is not taken: first halves of
 * the accounts, in the end the first event of one account. The hold itself while that is too soon.
 */
function apart(hold: Hold, { events, failure, newId }: Trial): readonly Hold[] {
  if (hold.attempts < wholeAttempts) return [hold];
  const accounts = [...hold.afters];
  const soon = { nextAttemptAt: nextAttemptAfter(1, failure) };
  const [first] = events;
  if (accounts.length === 1) {
    const isOne = first === undefined || events.length === 1;
    return isOne ? [hold] : [{ ...hold, ...soon, upTo: first.position }];
  }
  const middle = Math.ceil(accounts.length / 2);
  return [accounts.slice(0, middle), accounts.slice(middle)].map((half) => {
    return { ...hold, ...soon, requestId: newId(), afters: new Map(half) };
  });
}

/** After its request was taken: what follows of its accounts is sent until they have caught up. */
export function taken(hold: Hold, now: Date): Hold {
  const afters = new Map(
    [...hold.afters].map(([accountId, after]) => [accountId, Math.max(after, hold.upTo)]),
  );
  return {
    ...hold,
    afters,
    attempts: 0,
    failingSince: undefined,
    nextAttemptAt: now,
    lastAttemptAt: now,
  };
}
