// A list of the service, page by page or object by object.

import type { PageMeta, PageQuery } from './contract.ts';

/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly meta: PageMeta;
}

/** Objects a page where the caller does not say: the most the service gives. */
const usualLimit = 1_000;

/**
 * A list that is read as it is looped over: `for await (const one of listing)`. What is added while
 * it is read may or may not be seen; of a list that only grows nothing is missed or repeated.
 */
export class Listing<T, Query extends PageQuery = PageQuery> implements AsyncIterable<T> {
  readonly #read: (query: Query) => Promise<Page<T>>;
  readonly #query: Query;

  constructor(read: (query: Query) => Promise<Page<T>>, query: Query) {
    this.#read = read;
    this.#query = query;
  }

  /** The one page that was asked for, with its `meta`. */
  page(): Promise<Page<T>> {
    return this.#read(this.#query);
  }

  /** All pages from the one asked for, until a page is the last. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    const { limit = usualLimit } = this.#query;
    if (limit < 1) throw new RangeError('To go through a list takes a limit of at least 1.');
    for (let offset = this.#query.offset ?? 0; ; ) {
      const page = await this.#read({ ...this.#query, limit, offset });
      yield page;
      offset += page.data.length;
      if (page.data.length === 0 || offset >= page.meta.total_count) return;
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
