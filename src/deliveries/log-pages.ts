// Pages of the log that all subscriptions of a process share: what several are to have is read once,
// also where one of them is behind the others by a page or two.

import { LRUCache } from 'lru-cache';
import type { TenantId } from '../ids.ts';
import { logPagesBytesMax, logReadMax } from '../limits.ts';
import { type LogAsked, type LogRead, sizeOf } from './log-store.ts';

export class LogPages {
  readonly #read: (asked: LogAsked) => Promise<LogRead>;
  readonly #underWay = new Map<string, Promise<LogRead>>();
  /** Pages that end before the log did: nothing is ever added to them. */
  readonly #whole: LRUCache<string, LogRead>;

  constructor(read: (asked: LogAsked) => Promise<LogRead>) {
    this.#read = read;
    this.#whole = new LRUCache({
      maxSize: logPagesBytesMax,
      sizeCalculation: ({ events }) => Math.max(sizeOf(events), 1),
    });
  }

  /** The next page behind a position; it may be some time old, but then it is whole. */
  async next(tenantId: TenantId, after: number): Promise<LogRead> {
    const name = `${tenantId}/${after}`;
    const known = this.#whole.get(name) ?? this.#underWay.get(name);
    if (known !== undefined) return known;
    // Pages end at multiples of their length, so that who begins anywhere comes into step.
    const limit = logReadMax - (after % logReadMax);
    const reading = this.#read({ tenantId, after, limit });
    this.#underWay.set(name, reading);
    try {
      const page = await reading;
      if (page.events.length >= limit || page.readTo < page.head) this.#whole.set(name, page);
      return page;
    } finally {
      this.#underWay.delete(name);
    }
  }
}
