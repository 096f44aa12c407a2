// Answers in JSON, among them a page of a list.

import type { Page, PageRange } from '../db/page.ts';
import type { Answer } from './pipeline.ts';

/** An answer with one object. */
export function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

/** The part of a list that a query asks for; without parameters the first hundred, ascending. */
export function rangeOf(query: Partial<PageRange> & { order?: 'ASC' | 'DESC' }): PageRange {
  const { offset = 0, limit = 100, order = 'ASC' } = query;
  return { offset, limit, direction: order };
}

/** A page with its `meta`; `sort` names what the list is sorted by. */
export function pageAnswer(page: Page, range: PageRange, sort: string): Answer {
  const { offset, limit, direction: order } = range;
  const { objects, count, totalCount } = page;
  const meta = { count, limit, offset, order, sort, total_count: totalCount };
  return { status: 200, body: `{"data":[${objects}],"meta":${JSON.stringify(meta)}}` };
}
