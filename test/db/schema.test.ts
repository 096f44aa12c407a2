// The schema as a whole: what docs/schema.sql shows, what no function may do, and the way of a database
// from the last pre-release schema to the baseline.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { preReleaseCommit } from '../../src/db/bridge.ts';
import type { Sql } from '../../src/db/connect.ts';
import { expectedSchema, MigrationError, migrate, schemaState } from '../../src/db/migrate.ts';
import { describeSchema, schemaDocument, schemaFile } from '../../tools/schema.ts';
import { createTestDatabase } from '../support/database.ts';

const preRelease = new URL('./schema-25.sql', import.meta.url);

/** Functions with a parameter of the type of a table's or view's rows. */
async function functionsOfRows(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ shown: string }[]>`
    select p.oid::regprocedure::text as shown
    from pg_catalog.pg_proc p
    where p.pronamespace in ('unwind'::regnamespace, 'unwind_v1'::regnamespace)
      and exists (
        select from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) as a (type)
        join pg_catalog.pg_type t on t.oid = a.type
        left join pg_catalog.pg_type e on e.oid = t.typelem
        where t.typtype = 'c'
          or e.typtype = 'c'
      )`;
  return rows.map((row) => row.shown);
}

async function loadPreRelease(sql: Sql): Promise<void> {
  await sql.script(await readFile(preRelease, 'utf8'));
}

test('docs/schema.sql is the schema that this code makes (else: npm run schema)', async (t) => {
  const { sql } = await createTestDatabase(t);
  const [server] = await sql<{ major: number }[]>`
    select current_setting('server_version_num')::integer / 10000 as major`;
  if (server?.major !== 18) {
    t.skip('PostgreSQL 18 shows the schema in docs/schema.sql; other versions word it differently');
    return;
  }
  assert.equal(await readFile(schemaFile, 'utf8'), await schemaDocument(sql));
});

test('no function takes rows of a table: PostgreSQL 15.20 and 17.12 refuse changes of such a table', async (t) => {
  const { sql } = await createTestDatabase(t);
  assert.deepEqual(await functionsOfRows(sql), []);
  await sql.script(`
    create function unwind.one(l unwind.liquidations) returns text language sql return l.status;
    create function unwind.many(l unwind.orders[]) returns integer language sql return cardinality(l);
  `);
  assert.equal((await functionsOfRows(sql)).length, 2);
});

test('every table can be given a column that has a default', async (t) => {
  const { sql } = await createTestDatabase(t);
  const tables = await sql<{ name: string }[]>`
    select c.oid::regclass::text as name
    from pg_catalog.pg_class c
    where c.relnamespace in ('unwind'::regnamespace, 'simulated_venue'::regnamespace)
      and c.relkind in ('r', 'p')
      and not c.relispartition`;
  assert.ok(tables.length > 20);
  for (const { name } of tables) {
    await sql.script(`alter table ${name} add column added integer not null default 5`);
  }
});

test('a database of the last pre-release schema crosses to the baseline', async (t) => {
  const { sql: fresh } = await createTestDatabase(t);
  const { sql } = await createTestDatabase(t, { migrated: false });
  await loadPreRelease(sql);
  await sql.script(`
    insert into unwind.tenants (tenant_id, name, secret_hash, scopes, signature_policy, created_at)
    values ('019a0000-0000-7000-8000-000000000001', 'old', sha256('x'), '{}', 'strict', now());
    insert into unwind.users (tenant_id, user_id, created_at)
    select t.tenant_id, t.tenant_id, now() from unwind.tenants t;
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select t.tenant_id, t.tenant_id, t.tenant_id, 'ACTIVE', 'EUR', now(), now() from unwind.tenants t;
    insert into unwind.liquidations (
      tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
      release_at, created_at, updated_at
    )
    select t.tenant_id, t.tenant_id, t.tenant_id, t.tenant_id, 1, 'NEW', 12.5, 1, now(), now(), now()
    from unwind.tenants t;
    grant select on unwind_v1.liquidations to public;
  `);
  const objects = () => sql`select l.object from unwind_v1.liquidations l`;
  const before = await objects();
  const expected = await expectedSchema();
  assert.equal(await schemaState(sql, expected), 'behind');

  assert.equal((await migrate(sql))[0]?.name, 'baseline');
  assert.equal(await describeSchema(sql, 'named'), await describeSchema(fresh, 'named'));
  assert.equal(await schemaState(sql, expected), 'current');
  assert.deepEqual(await migrate(sql), []);
  assert.deepEqual([...(await objects())], [...before]);
  assert.match(String(before[0]?.['object']), /"cash_amount":"12.50"/);
  const [right] = await sql<{ kept: boolean }[]>`
    select has_table_privilege('pg_monitor', 'unwind_v1.liquidations', 'select') as kept`;
  assert.equal(right?.kept, true, 'readers of the published views keep their rights');
});

test('a database of an older pre-release schema is refused with the commit that brings it on', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await loadPreRelease(sql);
  await sql`delete from unwind.migrations where number = 25`;
  const before = await describeSchema(sql, 'named');
  await assert.rejects(migrate(sql), (error: unknown) => {
    assert.ok(error instanceof MigrationError);
    assert.equal(error.code, 'pre_release');
    assert.match(error.message, /0024-packages-by-default/);
    assert.ok(error.message.includes(`commit ${preReleaseCommit}`), error.message);
    return true;
  });
  assert.equal(await describeSchema(sql, 'named'), before);
});
