// The part of the log behind a subscription's offset that is in memory: its events and what has become
// of each. Events of blocked accounts do not stand here.

import type { AccountId } from '../ids.ts';
import { isMoreThanFits, isPackaged, type LoggedEvent, type Webhook } from '../webhooks/webhook.ts';
import { singlesAtOnceMax } from './limits.ts';

/** Refused is what was not acknowledged while it is unclear whether the receiver is down. */
export type EventState = 'waiting' | 'sending' | 'refused' | 'done';

export class LogWindow {
  // Side by side, and not an object for each event: a window holds some thousand of them.
  readonly #events: LoggedEvent[] = [];
  readonly #states: EventState[] = [];
  /** Nothing before this event waits. */
  #waitsFrom = 0;
  #bytes = 0;
  #readTo: number;

  constructor(offset: number) {
    this.#readTo = offset;
  }

  /** Everything of the log up to here was added. */
  get readTo(): number {
    return this.#readTo;
  }

  /** Everything up to here is done. */
  get offset(): number {
    return (this.#events[0]?.offset ?? this.#readTo + 1) - 1;
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
    const from = events[0]?.offset ?? 0;
    let at = firstWhere(this.#events, (event) => event.offset >= from);
    for (const { offset } of events) {
      while ((this.#events[at]?.offset ?? offset) < offset) at += 1;
      if (this.#events[at]?.offset === offset) this.#states[at] = state;
    }
    if (state === 'waiting') this.#waitsFrom = 0;
    if (state === 'done') this.#trim();
  }

  /** Takes accounts out of the window: what they miss is read for their block. */
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

/**
 * The place of the first item that a condition holds for, or the length of the list; the condition
 * holds for all items behind one that it holds for. O(log n).
 */
export function firstWhere<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item === undefined || holds(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Single events looked at ahead: enough for all requests at once. */
const singlesAhead = 8 * singlesAtOnceMax;

/** What may be sent of a window, as far as the next request and whether to read on need it. */
export function sendableOf(
  webhook: Webhook,
  window: LogWindow,
  isInStep: (accountId: AccountId) => boolean,
): ReturnType<LogWindow['waiting']> {
  const isMore = isPackaged(webhook)
    ? (events: number, bytes: number) => isMoreThanFits(webhook, { events, bytes })
    : (events: number) => events >= singlesAhead;
  return window.waiting(isInStep, isMore);
}
