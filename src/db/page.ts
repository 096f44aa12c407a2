// Pages of lists, as stores give them and the wire shows them.

import { type Fragment, raw } from './sql.ts';

export type Direction = 'ASC' | 'DESC';

/** Which part of a list. */
export interface PageRange {
  readonly offset: number;
  readonly limit: number;
  readonly direction: Direction;
}

export interface Page {
  /** JSON text of the objects, joined by commas; empty where there are none. */
  readonly objects: string;
  /** Of this page. */
  readonly count: number;
  /** Of all that match. */
  readonly totalCount: number;
}

/** What a statement that makes a page returns as its one row. */
export interface PageRow {
  readonly objects: string;
  readonly count: number;
  readonly total_count: string;
}

export function toPage({ objects, count, total_count: totalCount }: PageRow): Page {
  return { objects, count, totalCount: Number(totalCount) };
}

/** SQL: the direction of an `order by`. */
export function directionSql(direction: Direction): Fragment {
  return raw(direction === 'ASC' ? 'asc' : 'desc');
}
