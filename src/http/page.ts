// Answers in JSON, among them a page of a list.

import type { KeyPage, Page, PageRange } from '../db/page.ts';
import { toIdCursor } from './cursor.ts';
import type { HttpResponse } from './pipeline.ts';
import { pairsOf } from './schemas.ts';

/** A response with one object. */
export function json(status: number, body: object): HttpResponse {
  return { status, body: JSON.stringify(body) };
}

/** The part of a list that a query asks for; without parameters the first hundred, ascending. */
export function rangeOf(query: Partial<PageRange> & { order?: 'ASC' | 'DESC' }): PageRange {
  const { offset = 0, limit = 100, order = 'ASC' } = query;
  return { offset, limit, direction: order };
}

/** A query of a list, to be asked again from another place. */
export interface ListQuery {
  /** Path and query as they were sent. */
  readonly path: string;
  readonly search: string;
}

/**
 * A page with its `meta`; `sort` names what the list is sorted by. Where there is more, the header
 * `link` leads to it (RFC 8288), and a page cut short because of its bytes says in `meta.limit` how
 * many objects were taken: so `offset + limit` and `offset + count` both lead on without a gap.
 */
export function pageResponse(
  call: ListQuery,
  page: Page,
  { offset, limit, direction: order }: PageRange,
  sort: string,
): HttpResponse {
  const { objects, count, totalCount } = page;
  const end = offset + count;
  const isMore = count > 0 && end < totalCount;
  const taken = isMore ? count : limit;
  const meta = { count, limit: taken, offset, order, sort, total_count: totalCount };
  const body = `{"data":[${objects}],"meta":${JSON.stringify(meta)}}`;
  return { status: 200, body, headers: isMore ? nextLink(call, { offset: String(end) }) : {} };
}

/** A page that goes on by cursor, with its `meta`. */
export function keyPageResponse(
  call: ListQuery,
  page: KeyPage<string>,
  limit: number,
  toCursor: (key: string) => string = toIdCursor,
): HttpResponse {
  const { objects, count } = page;
  const next = page.next === undefined ? null : toCursor(page.next);
  const meta = { count, limit, next, has_more: next !== null };
  const body = `{"data":[${objects}],"meta":${JSON.stringify(meta)}}`;
  return { status: 200, body, headers: next === null ? {} : nextLink(call, { cursor: next }) };
}

/** The header that leads to the next page: the same query from another place. */
export function nextLink(
  { path, search }: ListQuery,
  from: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const query = pairsOf(search);
  for (const [name, value] of Object.entries(from)) query.set(name, value);
  return { link: `<${path}?${query}>; rel="next"` };
}
