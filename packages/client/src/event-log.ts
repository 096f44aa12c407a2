// The log of events, page by page or event by event, by cursors.

import type { EventPageMeta, EventQuery } from './contract.ts';
import { LogGapError } from './errors.ts';
import type { LoggedEvent } from './events.ts';

/** One page of the log. */
export interface EventPage {
  readonly data: readonly LoggedEvent[];
  readonly meta: EventPageMeta;
}

/** Events a page where the caller does not say: the most the service gives. */
const usualLimit = 1_000;

/** A part of the log that is read as it is looped over: `for await (const event of log)`. */
export class EventLog implements AsyncIterable<LoggedEvent> {
  readonly #read: (query: EventQuery) => Promise<EventPage>;
  readonly #query: EventQuery;

  constructor(read: (query: EventQuery) => Promise<EventPage>, query: EventQuery) {
    this.#read = read;
    this.#query = query;
  }

  /** The one page that was asked for; `meta.next` is the cursor behind it. */
  page(): Promise<EventPage> {
    return this.#read(this.#query);
  }

  /**
   * All pages up to the end of the log. Write down `meta.next` once you have made sure of a page:
   * from there you go on later. A page says in `meta.gap` what was dropped before it.
   */
  async *pages(): AsyncGenerator<EventPage, void, undefined> {
    let query: EventQuery = { limit: usualLimit, ...this.#query };
    for (;;) {
      const page = await this.#read(query);
      yield page;
      if (!page.meta.has_more) return;
      query = { ...query, after: page.meta.next };
    }
  }

  /** @throws LogGapError before it would pass over events that were dropped unread. */
  async *[Symbol.asyncIterator](): AsyncGenerator<LoggedEvent, void, undefined> {
    for await (const { data, meta } of this.pages()) {
      if (meta.gap !== null) throw new LogGapError(meta.gap);
      yield* data;
    }
  }

  /** All events at once. @throws LogGapError */
  async all(): Promise<readonly LoggedEvent[]> {
    const events: LoggedEvent[] = [];
    for await (const event of this) events.push(event);
    return events;
  }
}
