// A list of the service that goes on by cursor, page by page or object by object.

import type { Caller, CallOptions } from './call.ts';
import type { CursorPageMeta } from './control.ts';

/** One page of such a list. */
export interface CursorPage<T> {
  readonly data: readonly T[];
  readonly meta: CursorPageMeta;
}

interface CursorQuery {
  readonly cursor?: string;
  readonly limit?: number;
}

/** Objects a page where the caller does not say. */
const usualLimit = 500;

/**
 * A list, the newest first, that is read as it is looped over. What is made while it is read is not in it;
 * nothing else is missed or repeated.
 */
export class CursorListing<T, Query extends CursorQuery = CursorQuery> implements AsyncIterable<T> {
  readonly #read: (query: Query) => Promise<CursorPage<T>>;
  readonly #query: Query;

  constructor(read: (query: Query) => Promise<CursorPage<T>>, query: Query) {
    this.#read = read;
    this.#query = query;
  }

  /** The one page that was asked for; `meta.next` is the cursor behind it. */
  page(): Promise<CursorPage<T>> {
    return this.#read(this.#query);
  }

  /** All pages from the one asked for; one that was filtered may be empty and still lead on. */
  async *pages(): AsyncGenerator<CursorPage<T>, void, undefined> {
    let query: Query = { limit: usualLimit, ...this.#query };
    for (;;) {
      const page = await this.#read(query);
      yield page;
      if (page.meta.next === null) return;
      query = { ...query, cursor: page.meta.next };
    }
  }

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

/** Such a list of the service at a path. */
export function cursorListAt<T, Query extends CursorQuery>(
  caller: Caller,
  target: string,
  query: Query,
  options?: CallOptions,
): CursorListing<T, Query> {
  return new CursorListing((part) => caller.get(target, { query: part, ...options }), query);
}
