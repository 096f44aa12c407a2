// A table is written by one room, and there by its stores: by statements, by pieces of statements and by
// functions of the database.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  ownersTable,
  type TableWrite,
  tablesWritten,
  tableWrites,
  withOwners,
} from '../../tools/table-owners.ts';
import { createTestDatabase } from '../support/database.ts';

/** Files that hold SQL without being called a store. */
const otherStores = ['src/auth/signing-keys.ts', 'src/db/migrate.ts'];

/** Tables that two rooms still write. An entry that is not true any more fails as well. */
const shared: Readonly<Record<string, readonly string[]>> = {};

function roomsByTable(all: readonly TableWrite[]): ReadonlyMap<string, readonly string[]> {
  const byTable = Map.groupBy(all, ({ table }) => table);
  return new Map(
    [...byTable].map(([table, own]) => [table, [...new Set(own.map(({ room }) => room))]]),
  );
}

test('writes are found in whatever form they stand', () => {
  const written = [
    'with a as (insert into unwind.orders (x) select 1) update unwind.positions p set x = 1',
    'delete\n  from simulated_venue.reports r',
    'UPDATE ONLY unwind.events e set x = 1',
    'merge into unwind.prices',
  ];
  assert.deepEqual(written.flatMap(tablesWritten), [
    'unwind.orders',
    'unwind.positions',
    'simulated_venue.reports',
    'unwind.events',
    'unwind.prices',
  ]);
  const harmless = [
    'select from unwind.orders o for update of o',
    'insert into pg_temp.import_users (line) select 1',
    'on conflict (number) do update set x = 1',
  ];
  assert.deepEqual(harmless.flatMap(tablesWritten), []);
  // A name that is put together cannot be looked at: it is a write of a table like no other.
  assert.deepEqual(tablesWritten(`delete from unwind.${'$'}{name}`), ['unwind.${']);
});

test('a table is written by one room, and there by its stores', async () => {
  const all = await tableWrites();
  assert.ok(all.length > 40, 'the statements are found');
  const several = [...roomsByTable(all)].filter(([, rooms]) => rooms.length > 1);
  assert.deepEqual(
    Object.fromEntries(several.map(([table, rooms]) => [table, rooms.toSorted()])),
    shared,
  );
  for (const { table, file } of all) {
    assert.doesNotMatch(table, /[$%]/, `${file} writes a table whose name is put together`);
    const isStore = file.endsWith('store.ts') || otherStores.includes(file);
    assert.ok(isStore, `${file} writes ${table}`);
  }
});

test('the page of the architecture names the owners', async () => {
  const page = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const all = await tableWrites();
  assert.ok(page.includes(ownersTable(all)), 'run: node tools/table-owners.ts');
  assert.equal(withOwners(page, all), page);
});

test('every table of the schema has an owner, and its functions and triggers write nothing else', async (t) => {
  const { sql } = await createTestDatabase(t);
  const owners = roomsByTable(await tableWrites());
  const tables = await sql<{ name: string }[]>`
    select concat(n.nspname, '.', c.relname) as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('unwind', 'simulated_venue')
      and c.relkind in ('r', 'p')
      and not c.relispartition
    order by 1`;
  const functions = await sql<{ name: string; body: string }[]>`
    select
      concat(n.nspname, '.', p.proname) as name,
      pg_catalog.pg_get_functiondef(p.oid) as body
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('unwind', 'unwind_v1', 'simulated_venue')
      and p.prokind = 'f'`;
  const byFunctions = functions.flatMap(({ name, body }) => {
    return tablesWritten(body).map((table) => ({ name, table }));
  });
  assert.deepEqual(byFunctions, [{ name: 'unwind.make_event_part', table: 'unwind.event_parts' }]);
  assert.deepEqual(owners.get('unwind.event_parts'), ['events']);
  const ownerless = tables.map(({ name }) => name).filter((name) => !owners.has(name));
  assert.deepEqual(ownerless, []);
});
