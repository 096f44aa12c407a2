// The log of events, page by page or event by event, by cursors.

import type { EventPageMeta, EventQuery } from './contract.ts';
import { LogGapError } from './errors.ts';
import type { LoggedEvent } from './events.ts';
import { PagedList } from './listing.ts';

/** One page of the log. */
export interface EventPage {
  readonly data: readonly LoggedEvent[];
  readonly meta: EventPageMeta;
}

/** Events a page where the caller does not say: the most the service gives. */
const usualLimit = 1_000;

/** A part of the log; the `next` of the `meta` of a page is the cursor behind it. */
export class EventLog extends PagedList<LoggedEvent, EventQuery, EventPage> {
  /**
   * All pages up to the end of the log. Write down `meta.next` once you have made sure of a page:
   * from there you go on later. A page says in `meta.gap` what was dropped before it.
   */
  async *pages(): AsyncGenerator<EventPage, void, undefined> {
    let query: EventQuery = { limit: usualLimit, ...this.query };
    for (;;) {
      const page = await this.read(query);
      yield page;
      if (!page.meta.has_more) return;
      query = { ...query, after: page.meta.next };
    }
  }

  /** @throws LogGapError before it would pass over events that were dropped unread. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<LoggedEvent, void, undefined> {
    for await (const { data, meta } of this.pages()) {
      if (meta.gap !== null) throw new LogGapError(meta.gap);
      yield* data;
    }
  }
}
