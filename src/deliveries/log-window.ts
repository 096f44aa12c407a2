// The part of the log behind a subscription's mark that is in memory: its events and what has become
// of each. Events of held accounts do not stand here.

import type { AccountId } from '../ids.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import { firstWhere } from './first-where.ts';

/** Refused is what was not taken while it is unclear whether the receiver takes anything. */
export type EventState = 'waiting' | 'sending' | 'refused' | 'done';

export class LogWindow {
  // Side by side, and not an object for each event: a window holds some thousand of them.
  readonly #events: LoggedEvent[] = [];
  readonly #states: EventState[] = [];
  /** Nothing before this event waits. */
  #waitsFrom = 0;
  #bytes = 0;
  #readTo: number;

  constructor(position: number) {
    this.#readTo = position;
  }

  /** Everything of the log up to here was taken in. */
  get readTo(): number {
    return this.#readTo;
  }

  /** The low-water mark: everything up to here is done. */
  get position(): number {
    return (this.#events[0]?.position ?? this.#readTo + 1) - 1;
  }

  /** Events from the first that is not done, and their bytes. */
  get size(): { readonly events: number; readonly bytes: number } {
    return { events: this.#events.length, bytes: this.#bytes };
  }

  /** Adds events, ascending; nothing else is there up to `readTo`. */
  add(events: readonly LoggedEvent[], readTo: number): void {
    for (const event of events) {
      this.#events.push(event);
      this.#states.push('waiting');
      this.#bytes += event.bytes;
    }
    this.#readTo = Math.max(this.#readTo, readTo);
  }

  /** The first waiting events of accounts that are free, ascending, until they are enough. */
  waiting(
    isFree: (accountId: AccountId) => boolean,
    isEnough: (events: number, bytes: number) => boolean,
  ): { readonly events: readonly LoggedEvent[]; readonly isEnough: boolean } {
    const found: LoggedEvent[] = [];
    const first = this.#states.indexOf('waiting', this.#waitsFrom);
    this.#waitsFrom = first < 0 ? this.#states.length : first;
    let bytes = 0;
    for (let i = this.#waitsFrom; i < this.#events.length; i += 1) {
      const event = this.#events[i];
      if (event === undefined || this.#states[i] !== 'waiting') continue;
      if (!isFree(event.accountId)) continue;
      found.push(event);
      bytes += event.bytes;
      if (isEnough(found.length, bytes)) return { events: found, isEnough: true };
    }
    return { events: found, isEnough: false };
  }

  refused(): LoggedEvent[] {
    return this.#events.filter((_, i) => this.#states[i] === 'refused');
  }

  /** What is not done of an account. */
  of(accountId: AccountId): LoggedEvent[] {
    return this.#events.filter((event, i) => {
      return event.accountId === accountId && this.#states[i] !== 'done';
    });
  }

  /** Whether the first event that is not done is under way. */
  isBlockedBy(events: readonly LoggedEvent[]): boolean {
    return this.#states[0] === 'sending' && events[0] === this.#events[0];
  }

  /** Says what has become of events, ascending; what is not here any more is passed over. */
  mark(events: readonly LoggedEvent[], state: EventState): void {
    const from = events[0]?.position ?? 0;
    let at = firstWhere(this.#events, (event) => event.position >= from);
    for (const { position } of events) {
      while ((this.#events[at]?.position ?? position) < position) at += 1;
      if (this.#events[at]?.position === position) this.#states[at] = state;
    }
    if (state === 'waiting') this.#waitsFrom = 0;
    if (state === 'done') this.#trim();
  }

  /** Takes accounts out of the window: what they miss is read for their hold. */
  leave(accounts: ReadonlySet<AccountId>): void {
    if (accounts.size === 0) return;
    for (const [i, { accountId }] of this.#events.entries()) {
      if (accounts.has(accountId)) this.#states[i] = 'done';
    }
    this.#trim();
  }

  #trim(): void {
    const first = this.#states.findIndex((state) => state !== 'done');
    const count = first < 0 ? this.#states.length : first;
    if (count === 0) return;
    for (const { bytes } of this.#events.splice(0, count)) this.#bytes -= bytes;
    this.#states.splice(0, count);
    this.#waitsFrom = Math.max(this.#waitsFrom - count, 0);
  }
}
