// The words of delivering: where a subscription stands, a request to its receiver, and what can come of
// it.

import type { LoggedEvent, Webhook } from '../webhooks/webhook.ts';
import type { Failure, Hold } from './hold.ts';

/** Where a subscription stands. */
export interface Standing {
  /** The low-water mark: up to here everything is delivered, but for what is held. */
  readonly position: number;
  /** Attempts that failed since the last success, and since when. */
  readonly attempts: number;
  readonly failingSince: Date | undefined;
  readonly nextAttemptAt: Date;
  readonly lastAttemptAt: Date | undefined;
  readonly lastSuccessAt: Date | undefined;
  readonly lastOutcome: string | undefined;
}

/** One request: its events are ascending; `hold` where its accounts are out of step. */
export interface Sending {
  readonly events: readonly LoggedEvent[];
  readonly hold: Hold | undefined;
  /** The number of this attempt. */
  readonly attempt: number;
}

export type Outcome =
  | { readonly type: 'taken'; readonly at: Date; readonly reason: string }
  /** The receiver refused this request, or did not answer it. */
  | ({ readonly type: 'refused' } & Failure)
  /** The receiver is not there or, where it says for how long, wants to be left alone. */
  | ({ readonly type: 'down' } & Failure)
  | ({ readonly type: 'gone' } & Failure)
  /** We broke it off ourselves: it says nothing about the receiver. */
  | { readonly type: 'cut' };

export type Failed = Exclude<Outcome, { readonly type: 'taken' | 'cut' }>;

export type Next =
  | { readonly type: 'send'; readonly sending: Sending }
  /** Events are collected until then, or until the log has reached `fullAt`. */
  | { readonly type: 'collect'; readonly until: Date; readonly fullAt: number }
  | { readonly type: 'nothing' };

/** What has to be read before more can be sent. */
export type Wanted =
  | { readonly type: 'log'; readonly after: number }
  | { readonly type: 'held'; readonly hold: Hold; readonly upTo: number };

export interface QueueOptions {
  readonly webhook: Webhook;
  readonly standing: Standing;
  readonly holds: readonly Hold[];
  /** Failed attempts after which an account is set aside. */
  readonly setAsideAttempts: number;
  /** About how many bytes of events it may hold in memory at present. */
  readonly windowBytesMax: () => number;
  readonly newId: () => string;
  /** From 0 up to 1, by lot. */
  readonly random: () => number;
}
