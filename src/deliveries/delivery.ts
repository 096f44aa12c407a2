// The state machine of a subscription's delivery, without database and network: one table for its
// receiver, one for each of its accounts, and what becomes of the receiver. Blocks of accounts are in
// accounts.ts; docs/state-machines.md draws both tables and states what must stay true.

import { ImpossibleState } from '../assert.ts';
import { later } from '../clock.ts';
import { type Attempt, outcomeText } from '../egress/post.ts';
import type { AccountId } from '../ids.ts';
import { type CauseOf, follow, type Transitions } from '../state-machine.ts';
import { type LoggedEvent, retryAfterMsMax, retryGapMs } from '../webhooks/webhook.ts';

/** What a receiver does, as far as one claim of its subscription knows. */
export type ReceiverStatus =
  | 'acknowledging'
  /** It refused something and has acknowledged nothing since: one bad event, or it is down. */
  | 'doubtful'
  /** Nothing more is sent before the next attempt is due: it counts as down. */
  | 'resting'
  /** The same: it asked to be left alone. */
  | 'paused'
  /** It was down and is tried again, request by request. */
  | 'probing'
  /** It answered 410: the subscription is disabled. */
  | 'gone';

export const receiverTransitions = {
  acknowledging: {
    acknowledged: 'acknowledging',
    refused: 'doubtful',
    unreachable: 'resting',
    asked_to_wait: 'paused',
    gone: 'gone',
  },
  doubtful: {
    acknowledged: 'acknowledging',
    refused: 'doubtful',
    given_up: 'resting',
    unreachable: 'resting',
    asked_to_wait: 'paused',
    gone: 'gone',
  },
  // Requests that were under way still end in a state in which none begins.
  resting: {
    due: 'probing',
    acknowledged: 'acknowledging',
    refused: 'resting',
    given_up: 'resting',
    unreachable: 'resting',
    asked_to_wait: 'paused',
    gone: 'gone',
  },
  paused: {
    due: 'probing',
    due_after_success: 'acknowledging',
    acknowledged: 'paused',
    refused: 'paused',
    given_up: 'resting',
    unreachable: 'resting',
    asked_to_wait: 'paused',
    gone: 'gone',
  },
  probing: {
    acknowledged: 'acknowledging',
    refused: 'probing',
    given_up: 'resting',
    unreachable: 'resting',
    asked_to_wait: 'paused',
    gone: 'gone',
  },
  gone: {
    enabled: 'acknowledging',
    acknowledged: 'gone',
    refused: 'gone',
    given_up: 'gone',
    unreachable: 'gone',
    asked_to_wait: 'gone',
    gone: 'gone',
  },
} as const satisfies Transitions<ReceiverStatus>;

/** How an account stands to the offset of its subscription. */
export type AccountStatus =
  /** What the offset has passed of it is acknowledged. */
  | 'in_step'
  /** Refused, while it is unclear whether the receiver is down: in memory, and the offset stays. */
  | 'doubted'
  /** Refused while others were acknowledged: the offset passes it, what follows in it waits. */
  | 'blocked'
  /** Nothing of it is refused; it is sent by itself what it missed. */
  | 'catching_up'
  /** Refused for so long that it is not tried again until a person asks for it. */
  | 'set_aside';

export const accountTransitions = {
  in_step: { refused: 'doubted', overtaken: 'catching_up' },
  doubted: { others_acknowledged: 'blocked', probed: 'in_step', receiver_down: 'in_step' },
  blocked: {
    refused: 'blocked',
    acknowledged: 'catching_up',
    dropped: 'catching_up',
    given_up: 'set_aside',
    replayed: 'in_step',
  },
  catching_up: {
    acknowledged: 'catching_up',
    refused: 'blocked',
    caught_up: 'in_step',
    replayed: 'in_step',
  },
  set_aside: { resumed: 'catching_up', replayed: 'in_step' },
} as const satisfies Transitions<AccountStatus>;

/** Where a subscription stands, as it is recorded. */
export interface Standing {
  /** Everything of the log up to here is acknowledged, but for blocked accounts. */
  readonly offset: number;
  /** Attempts that failed since the last success, and since when. */
  readonly attempts: number;
  readonly failingSince: Date | undefined;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | undefined;
  readonly lastSuccessAt: Date | undefined;
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

/** What came of a request. */
export type Outcome =
  | { readonly type: 'acknowledged'; readonly at: Date; readonly reason: string }
  /** The receiver refused this request, or did not answer it. */
  | ({ readonly type: 'refused' } & Failure)
  /** The receiver is not there or, where it says for how long, wants to be left alone. */
  | ({ readonly type: 'down' } & Failure)
  | ({ readonly type: 'gone' } & Failure)
  /** We broke it off ourselves: it says nothing about the receiver. */
  | { readonly type: 'cut' };

type Failed = Exclude<Outcome, { readonly type: 'acknowledged' | 'cut' }>;

/** What an attempt means; `random`, from 0 up to 1, spreads the next one. */
export function outcomeOf(attempt: Attempt, at: Date, random: number): Outcome {
  const reason = outcomeText(attempt);
  if (attempt.type === 'unanswered') {
    const failure = { at, reason, random, retryAfterMs: undefined };
    return { type: attempt.wasReached ? 'refused' : 'down', ...failure };
  }
  const { status, retryAfterMs } = attempt;
  const failure = { at, reason, random, retryAfterMs };
  if (status >= 200 && status < 300) return { type: 'acknowledged', at, reason };
  if (status === 410) return { type: 'gone', ...failure };
  if (status === 429) return { type: 'down', ...failure, retryAfterMs: retryAfterMs ?? 0 };
  if (status === 503 && retryAfterMs !== undefined) return { type: 'down', ...failure };
  return { type: 'refused', ...failure };
}

/** Accounts that are out of step together: a request with events of them was refused or takes long. */
export interface Block {
  readonly status: Exclude<AccountStatus, 'in_step'>;
  readonly requestId: string;
  /** Of each account the offset up to which everything is acknowledged. */
  readonly acknowledged: ReadonlyMap<AccountId, number>;
  /** The last offset of the request that was refused. */
  readonly upTo: number;
  /** Failed attempts in a row; 0 while it catches up. */
  readonly attempts: number;
  readonly failingSince: Date | undefined;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | undefined;
  readonly lastOutcome: string | undefined;
}

/** One request: its events are ascending; `block` where its accounts are out of step. */
export interface Sending {
  readonly events: readonly LoggedEvent[];
  readonly block: Block | undefined;
  /** The number of this attempt. */
  readonly attempt: number;
}

export type Next =
  | { readonly type: 'send'; readonly sending: Sending }
  /** Events are collected until then, or until the log has reached `fullOffset`; `isSilent`: all of them. */
  | {
      readonly type: 'collect';
      readonly until: Date;
      readonly fullOffset: number | undefined;
      readonly isSilent?: true;
    }
  | { readonly type: 'nothing' };

/** What has to be read before more can be sent. */
export type Wanted =
  | { readonly type: 'log'; readonly after: number }
  | { readonly type: 'block'; readonly block: Block; readonly upTo: number };

/** When an attempt may follow the last of so many failures. */
export function nextAttemptAfter(attempts: number, failure: Failure): Date {
  const askedMs = Math.min(failure.retryAfterMs ?? 0, retryAfterMsMax);
  return later(failure.at, Math.max(retryGapMs(attempts, failure.random), askedMs));
}

/** Refusals in a row, with no success between, after which a receiver counts as down. */
const refusalsMax = 4;
/** The same for one that has failed before. */
const probesMax = 2;

/** A receiver in one claim of its subscription. */
export interface Receiver {
  readonly status: ReceiverStatus;
  /** As it is recorded, but for the offset. */
  readonly standing: Standing;
  /** Refusals since it last acknowledged something. */
  readonly refusals: number;
  /** Requests that may be under way at once: more with each success. */
  readonly atOnce: number;
  readonly lastFailure: Failure | undefined;
}

/** A receiver at the begin of a claim. */
export function receiverAtClaim(standing: Standing): Receiver {
  const status = standing.attempts > 0 ? 'probing' : 'acknowledging';
  return { status, standing, refusals: 0, atOnce: 1, lastFailure: undefined };
}

/** Whether nothing was acknowledged since the last failure of the subscription as a whole. */
export function isFailing({ standing }: Receiver): boolean {
  return standing.attempts > 0;
}

/** Whether nothing more is sent in this claim. */
export function isResting({ status }: Receiver): boolean {
  return status === 'resting' || status === 'paused' || status === 'gone';
}

/** Requests that may be under way at once. */
export function widthOf(receiver: Receiver): number {
  return isFailing(receiver) ? 1 : receiver.atOnce;
}

function moved(receiver: Receiver, cause: CauseOf<typeof receiverTransitions>): Receiver {
  const status = follow<ReceiverStatus, typeof receiverTransitions>(receiverTransitions, {
    from: receiver.status,
    cause,
  });
  return { ...receiver, status };
}

/** It acknowledged a request. */
export function receiverAcknowledged(
  receiver: Receiver,
  { at, reason }: { readonly at: Date; readonly reason: string },
  atOnceMax: number,
): Receiver {
  const { standing, atOnce } = receiver;
  return {
    ...moved(receiver, 'acknowledged'),
    refusals: 0,
    atOnce: Math.min(atOnce * 2, atOnceMax),
    standing: {
      ...standing,
      attempts: 0,
      failingSince: undefined,
      lastAttemptAt: at,
      lastSuccessAt: at,
      lastOutcome: reason,
    },
  };
}

/** A request to it failed. */
export function receiverFailed(receiver: Receiver, failed: Failed): Receiver {
  const { at: lastAttemptAt, reason: lastOutcome } = failed;
  const standing = { ...receiver.standing, lastAttemptAt, lastOutcome };
  const known = { ...receiver, standing, lastFailure: failed };
  if (failed.type === 'gone') return rested(known, failed, 'gone');
  if (failed.type === 'down') {
    return rested(
      known,
      failed,
      failed.retryAfterMs === undefined ? 'unreachable' : 'asked_to_wait',
    );
  }
  const refused = { ...moved(known, 'refused'), refusals: receiver.refusals + 1 };
  const isEnough = refused.refusals >= (isFailing(receiver) ? probesMax : refusalsMax);
  return isEnough ? rested(refused, failed, 'given_up') : refused;
}

/** Nothing else shows whether it acknowledges anything: it counts as down. */
export function receiverGivenUp(receiver: Receiver): Receiver {
  const { lastFailure } = receiver;
  if (isResting(receiver) || lastFailure === undefined) return receiver;
  return rested(receiver, lastFailure, 'given_up');
}

function rested(
  receiver: Receiver,
  failure: Failure,
  cause: 'gone' | 'unreachable' | 'asked_to_wait' | 'given_up',
): Receiver {
  const { standing } = receiver;
  const { attempts: before, failingSince = failure.at, nextAttemptAt } = standing;
  const attempts = isResting(receiver) ? Math.max(before, 1) : before + 1;
  const due = nextAttemptAfter(attempts, failure);
  const isLater = isResting(receiver) && nextAttemptAt > due;
  const rest = { attempts, failingSince, nextAttemptAt: isLater ? nextAttemptAt : due };
  return { ...moved(receiver, cause), standing: { ...standing, ...rest } };
}

/** The state that a cause leads a block to. @throws ImpossibleState where it cannot happen. */
export function accountBecomes(
  from: AccountStatus,
  cause: CauseOf<typeof accountTransitions>,
): Block['status'] {
  const to = follow<AccountStatus, typeof accountTransitions>(accountTransitions, { from, cause });
  if (to === 'in_step') throw new ImpossibleState(`an account ${cause} is not out of step`);
  return to;
}
