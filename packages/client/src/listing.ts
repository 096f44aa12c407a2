// Lists of the service, page by page or object by object: those that are counted, those that go on by cursor, and the
// log of events.

import type { Caller, CallOptions } from './call.ts';
import type { EventPageMeta, EventQuery, PageMeta, PageQuery } from './contract.ts';
import type { CursorPageMeta } from './control.ts';
import { LogGapError } from './errors.ts';
import type { LoggedEvent } from './events.ts';

/** One page of a list that is counted. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly meta: PageMeta;
}

/** One page of a list that goes on by cursor. */
export interface CursorPage<T> {
  readonly data: readonly T[];
  readonly meta: CursorPageMeta;
}

interface CursorQuery {
  readonly cursor?: string;
  readonly limit?: number;
}

/** Objects a page where the caller does not say: the most the service gives. */
const usualLimit = 1_000;
const usualCursorLimit = 500;

/** A list that is read as it is looped over: `for await (const one of list)`. */
export abstract class PagedList<T, Query, OnePage extends { readonly data: readonly T[] }>
  implements AsyncIterable<T>
{
  protected readonly read: (query: Query) => Promise<OnePage>;
  protected readonly query: Query;

  constructor(read: (query: Query) => Promise<OnePage>, query: Query) {
    this.read = read;
    this.query = query;
  }

  /** The one page that was asked for, with its `meta`. */
  page(): Promise<OnePage> {
    return this.read(this.query);
  }

  abstract pages(): AsyncGenerator<OnePage, void, undefined>;

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }

  /** All objects at once. */
  async all(): Promise<readonly T[]> {
    const objects: T[] = [];
    for await (const one of this) objects.push(one);
    return objects;
  }
}

/** What is added while it is read may or may not be seen; of a list that only grows nothing is missed or repeated. */
export class Listing<T, Query extends PageQuery = PageQuery> extends PagedList<T, Query, Page<T>> {
  /** All pages from the one asked for, until a page is the last. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    const { limit = usualLimit } = this.query;
    if (limit < 1) throw new RangeError('To go through a list takes a limit of at least 1.');
    for (let offset = this.query.offset ?? 0; ; ) {
      const page = await this.read({ ...this.query, limit, offset });
      yield page;
      offset += page.data.length;
      if (page.data.length === 0 || offset >= page.meta.total_count) return;
    }
  }
}

/**
 * The newest first. What is made while it is read is not in it; nothing else is missed or repeated. The `next` of
 * the `meta` of a page is the cursor behind it.
 */
export class CursorListing<T, Query extends CursorQuery = CursorQuery> extends PagedList<
  T,
  Query,
  CursorPage<T>
> {
  /** All pages from the one asked for; one that was filtered may be empty and still lead on. */
  async *pages(): AsyncGenerator<CursorPage<T>, void, undefined> {
    let query: Query = { limit: usualCursorLimit, ...this.query };
    for (;;) {
      const page = await this.read(query);
      yield page;
      if (page.meta.next === null) return;
      query = { ...query, cursor: page.meta.next };
    }
  }
}

/** A counted list of the service at a path. */
export function listAt<T, Query extends PageQuery>(
  caller: Caller,
  target: string,
  query: Query,
  options?: CallOptions,
): Listing<T, Query> {
  return new Listing((part) => caller.get(target, { query: part, ...options }), query);
}

/** A list of the service at a path that goes on by cursor. */
export function cursorListAt<T, Query extends CursorQuery>(
  caller: Caller,
  target: string,
  query: Query,
  options?: CallOptions,
): CursorListing<T, Query> {
  return new CursorListing((part) => caller.get(target, { query: part, ...options }), query);
}

/** One page of the log. */
export interface EventPage {
  readonly data: readonly LoggedEvent[];
  readonly meta: EventPageMeta;
}

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
