// The part of the log behind a subscription's mark that is in memory: its events and what has become
// of each. Events of held accounts do not stand here.

import type { AccountId } from '../ids.ts';
import type { LoggedEvent } from './webhook.ts';

/** Refused is what was not taken while it is unclear whether the receiver takes anything. */
export type EntryState = 'waiting' | 'sending' | 'refused' | 'done';

interface Entry {
  readonly event: LoggedEvent;
  state: EntryState;
}

export class LogWindow {
  #entries: Entry[] = [];
  readonly #byPosition = new Map<number, Entry>();
  /** Nothing before this entry waits. */
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
    return (this.#entries[0]?.event.position ?? this.#readTo + 1) - 1;
  }

  /** Events from the first that is not done, and their bytes. */
  get size(): { readonly events: number; readonly bytes: number } {
    return { events: this.#entries.length, bytes: this.#bytes };
  }

  /** Adds events, ascending; nothing else is there up to `readTo`. */
  add(events: readonly LoggedEvent[], readTo: number): void {
    for (const event of events) {
      const entry: Entry = { event, state: 'waiting' };
      this.#entries.push(entry);
      this.#byPosition.set(event.position, entry);
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
    while (this.#entries[this.#waitsFrom]?.state !== 'waiting') {
      if (this.#waitsFrom >= this.#entries.length) return { events: found, isEnough: false };
      this.#waitsFrom += 1;
    }
    let bytes = 0;
    for (let i = this.#waitsFrom; i < this.#entries.length; i += 1) {
      const entry = this.#entries[i];
      if (entry?.state !== 'waiting' || !isFree(entry.event.accountId)) continue;
      found.push(entry.event);
      bytes += entry.event.bytes;
      if (isEnough(found.length, bytes)) return { events: found, isEnough: true };
    }
    return { events: found, isEnough: false };
  }

  refused(): LoggedEvent[] {
    return this.#eventsWhere(({ state }) => state === 'refused');
  }

  /** What is not done of an account. */
  of(accountId: AccountId): LoggedEvent[] {
    return this.#eventsWhere(({ event, state }) => {
      return event.accountId === accountId && state !== 'done';
    });
  }

  /** Whether the first event that is not done is under way. */
  isBlockedBy(events: readonly LoggedEvent[]): boolean {
    const [first] = this.#entries;
    return first?.state === 'sending' && events[0] === first.event;
  }

  mark(events: readonly LoggedEvent[], state: EntryState): void {
    for (const { position } of events) {
      const entry = this.#byPosition.get(position);
      if (entry !== undefined) entry.state = state;
    }
    if (state === 'waiting') this.#waitsFrom = 0;
    if (state === 'done') this.#trim();
  }

  /** Takes accounts out of the window: what they miss is read for their hold. */
  leave(accounts: ReadonlySet<AccountId>): void {
    if (accounts.size === 0) return;
    for (const entry of this.#entries) {
      if (accounts.has(entry.event.accountId)) entry.state = 'done';
    }
    this.#trim();
  }

  #eventsWhere(holds: (entry: Entry) => boolean): LoggedEvent[] {
    return this.#entries.filter(holds).map((entry) => entry.event);
  }

  #trim(): void {
    const first = this.#entries.findIndex((entry) => entry.state !== 'done');
    if (first === 0) return;
    const gone = first < 0 ? this.#entries.splice(0) : this.#entries.splice(0, first);
    for (const { event } of gone) {
      this.#byPosition.delete(event.position);
      this.#bytes -= event.bytes;
    }
    this.#waitsFrom = Math.max(this.#waitsFrom - gone.length, 0);
  }
}
