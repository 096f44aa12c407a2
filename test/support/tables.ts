// Digests of all tables of the service, to compare what is in them.
import assert from 'node:assert/strict';
import type { Sql } from '../../src/db/connect.ts';
import { raw } from '../../src/db/sql.ts';

/** By table; null where it has no rows. */
export type Digests = Readonly<Record<string, string | null>>;

/** The names of the tables, by database: they stay the same. */
const known = new WeakMap<Sql, readonly string[]>();

/** Of every table of the service, in one statement. @param digest SQL: an aggregate over its rows, named `t`. */
export async function digestsOf(sql: Sql, digest: string): Promise<Digests> {
  const names = known.get(sql) ?? (await namesOfTables(sql));
  known.set(sql, names);
  const digests = names.map((name) => `(select ${digest} from unwind.${name} t) as ${name}`);
  const [row] = await sql<Digests[]>`select ${raw(digests.join(', '))}`;
  return row ?? assert.fail();
}

async function namesOfTables(sql: Sql): Promise<readonly string[]> {
  const tables = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_catalog.pg_class c
    where c.relnamespace = 'unwind'::regnamespace
      and c.relkind = 'r'
    order by c.relname`;
  assert.ok(tables.length > 10, 'the tables are found');
  return tables.map(({ name }) => name);
}
