// Pages of lists, as stores read them and the wire shows them: the objects from an offset on, at most
// `limit` of them and at most `pageBytesMax` bytes. Every list with an offset is read here, and those that
// go on by key.

import { pageBytesMax } from '../limits.ts';
import { type Fragment, fragment, raw, type SqlOrTx } from './sql.ts';

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
  /** Of this page: fewer than its limit at the end of the list, or where more bytes do not fit. */
  readonly count: number;
  /** Of all that match. */
  readonly totalCount: number;
}

/** A list as SQL. */
export interface List {
  /** The rows that match: `from` and `where`. */
  readonly rows: Fragment;
  /** The column that names a row. */
  readonly key: Fragment;
  /** What the rows are sorted by; default the key. */
  readonly order?: Fragment;
  /** Selects the JSON text `object` of the row that has a key. */
  readonly objectOf: (key: Fragment) => Fragment;
  /** A condition: whether there is what the list belongs to. */
  readonly owner?: Fragment;
}

/**
 * One page, by one statement; undefined where the owner of the list is not there. First the keys are
 * read, in the index that they are sorted by; then one object after the other is rendered until the
 * bytes are full, so that neither the server nor this process holds more. The first object always
 * comes, however large.
 */
export async function readPage(
  sql: SqlOrTx,
  { offset, limit, direction }: PageRange,
  list: List,
): Promise<Page | undefined> {
  const { rows: matching, key, objectOf, owner } = list;
  const order = list.order ?? fragment`${key} ${directionSql(direction)}`;
  const keys = fragment`
        select ${key}
        ${matching}
        order by ${order}
        offset ${offset}
        limit ${limit}`;
  const rows = await sql<{ objects: string; count: number; total_count: string }[]>`
    with recursive ${shownSql({ keys, objectOf })}
    select
      ${allShown},
      (
        select count(*)
        ${matching}
      ) as total_count
    ${fromShown}
    having ${owner ?? raw('true')}`;
  const [row] = rows;
  return row && { objects: row.objects, count: row.count, totalCount: Number(row.total_count) };
}

interface Shown extends Pick<List, 'objectOf'> {
  /** Selects the keys, in order. */
  readonly keys: Fragment;
}

/** SQL: the objects of keys, one after the other, until the bytes are full. */
function shownSql({ keys, objectOf }: Shown): Fragment {
  return fragment`
    wanted as materialized (
      select array(${keys}) as keys
    ),
    shown (n, object, bytes) as (
      select 0, '', 0::bigint
      union all
      select s.n + 1, o.object, s.bytes + octet_length(o.object) + 1
      from shown s
      cross join wanted w
      cross join lateral (
        ${objectOf(raw('w.keys[s.n + 1]'))}
        offset 0
      ) o
      where s.n < cardinality(w.keys)
        and s.bytes < ${pageBytesMax}::bigint
    )`;
}

const allShown = raw(`
  coalesce(string_agg(s.object, ',' order by s.n), '') as objects,
  count(*)::integer as count`);

const fromShown = fragment`
  from shown s
  where s.n = 1 or (s.n > 1 and s.bytes <= ${pageBytesMax}::bigint)`;

/** What was found of a list that goes on by key: the keys of a page, and where to look for the next one. */
export interface Found<Key extends string> {
  readonly keys: readonly Key[];
  /** The last key that was looked at where the list may go on behind it; undefined at its end. */
  readonly lookedTo: Key | undefined;
}

/** A page of a list that goes on by key. */
export interface KeyPage<Key extends string> extends Pick<Page, 'objects' | 'count'> {
  /** The key that the next page follows; undefined where there is none. */
  readonly next: Key | undefined;
}

/** The objects of keys that were found, by one statement, like `readPage`. */
export async function readKeyPage<Key extends string>(
  sql: SqlOrTx,
  { keys, lookedTo }: Found<Key>,
  objectOf: List['objectOf'],
): Promise<KeyPage<Key>> {
  if (keys.length === 0) return { objects: '', count: 0, next: lookedTo };
  const found = { keys: fragment`select unnest(${keys}::uuid[])`, objectOf };
  const rows = await sql<{ objects: string; count: number }[]>`
    with recursive ${shownSql(found)}
    select ${allShown}
    ${fromShown}`;
  const { objects, count } = rows[0] ?? { objects: '', count: 0 };
  return { objects, count, next: count < keys.length ? keys[count - 1] : lookedTo };
}

/** What a page of whole rows has, and the key behind which the list may go on. */
export interface ThingPage<Thing, Key> {
  readonly things: readonly Thing[];
  readonly next: Key | undefined;
}

/** A page of rows that were read with one more than the limit: that one only says that the list goes on. */
export function pageOf<Row, Thing, Key>(
  rows: readonly Row[],
  limit: number,
  { toThing, keyOf }: { toThing: (row: Row) => Thing; keyOf: (thing: Thing) => Key },
): ThingPage<Thing, Key> {
  const things = rows.slice(0, limit).map(toThing);
  const last = rows.length > limit ? things.at(-1) : undefined;
  return { things, next: last && keyOf(last) };
}

/** SQL: the direction of an `order by`. */
export function directionSql(direction: Direction): Fragment {
  return raw(direction === 'ASC' ? 'asc' : 'desc');
}
