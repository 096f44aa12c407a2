// Writes down the schema of a database as PostgreSQL itself shows it: for docs/schema.sql, and for tests
// that compare two schemas. Partitions of the event log are left out: their names depend on the month.
//
//   npm run schema     writes docs/schema.sql

import { writeFile } from 'node:fs/promises';
import { connect, type Sql } from '../src/db/connect.ts';
import { raw } from '../src/db/sql.ts';
import { withTestServer } from './test-server.ts';

export const schemaFile = new URL('../docs/schema.sql', import.meta.url);

const header = `-- The schema as PostgreSQL shows it, so that a reader sees every table whole. Written by
-- \`npm run schema\`; do not edit. What each table is for stands in src/db/migrations/.

`;

/** A line of a table's definition, or a statement that follows it. */
interface Line {
  readonly relation: string;
  readonly line: string;
}

/**
 * The schema as SQL text, in order of names. `columns`: in the order a table declares them, or by name,
 * for databases whose columns were added at different times.
 */
export async function describeSchema(sql: Sql, columns: 'declared' | 'named'): Promise<string> {
  const lines = [...(await readColumns(sql, columns)), ...(await readConstraints(sql))];
  const followers = [...(await readIndexes(sql)), ...(await readTriggers(sql))];
  const of = (relation: string, all: readonly Line[]) =>
    all.filter((line) => line.relation === relation).map(({ line }) => line);
  const tables = (await readTables(sql)).map(({ relation, ending }) => {
    const body = of(relation, lines).map((line) => `  ${line}`);
    const rest = of(relation, followers).map((line) => `${line};\n`);
    return `create table ${relation} (\n${body.join(',\n')}\n)${ending};\n${rest.join('')}`;
  });
  return [...tables, ...(await readFunctions(sql)), ...(await readViews(sql))].join('\n');
}

/** What docs/schema.sql holds for a database that was made by this code. */
export async function schemaDocument(sql: Sql): Promise<string> {
  return header + (await describeSchema(sql, 'declared'));
}

const named = raw(`format('%s.%s', n.nspname, c.relname)`);
const isOurs = raw(`n.nspname in ('unwind', 'unwind_v1', 'simulated_venue')`);
const isTable = raw(`n.nspname in ('unwind', 'unwind_v1', 'simulated_venue')
      and c.relkind in ('r', 'p')
      and not c.relispartition`);

async function readTables(sql: Sql) {
  return await sql<{ relation: string; ending: string }[]>`
    select
      ${named} as relation,
      concat(
        ' partition by ' || pg_get_partkeydef(c.oid),
        ' with (' || array_to_string(c.reloptions, ', ') || ')'
      ) as ending
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where ${isTable}
    order by relation`;
}

async function readColumns(sql: Sql, columns: 'declared' | 'named'): Promise<readonly Line[]> {
  return await sql<Line[]>`
    select
      ${named} as relation,
      concat(
        quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
        case
          when a.attidentity <> '' then ' generated always as identity'
          when a.attgenerated <> ''
            then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
          else ' default ' || pg_get_expr(d.adbin, d.adrelid)
        end,
        case when a.attnotnull then ' not null' end
      ) as line
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where ${isTable}
      and a.attnum > 0
      and not a.attisdropped
    order by relation, ${raw(columns === 'declared' ? 'a.attnum' : 'a.attname')}`;
}

async function readConstraints(sql: Sql): Promise<readonly Line[]> {
  return await sql<Line[]>`
    select
      ${named} as relation,
      format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid, true)) as line
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where ${isTable}
      and k.contype in ('p', 'u', 'f', 'c', 'x')
    order by relation, array_position('{p,u,f,c,x}'::text[], k.contype::text), k.conname`;
}

async function readIndexes(sql: Sql): Promise<readonly Line[]> {
  return await sql<Line[]>`
    select ${named} as relation, pg_get_indexdef(i.indexrelid) as line
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where ${isTable}
      and not exists (
        select from pg_catalog.pg_constraint k
        where k.conindid = i.indexrelid
          and k.contype in ('p', 'u', 'x')
      )
    order by relation, line`;
}

async function readTriggers(sql: Sql): Promise<readonly Line[]> {
  return await sql<Line[]>`
    select ${named} as relation, pg_get_triggerdef(t.oid, true) as line
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where ${isTable}
      and not t.tgisinternal
    order by relation, line`;
}

async function readFunctions(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ text: string }[]>`
    select pg_get_functiondef(p.oid) as text
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where ${isOurs}
    order by n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)`;
  return rows.map(({ text }) => `${text.trimEnd()};\n`);
}

async function readViews(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ relation: string; text: string }[]>`
    select ${named} as relation, pg_get_viewdef(c.oid, true) as text
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where ${isOurs}
      and c.relkind in ('v', 'm')
    order by relation`;
  return rows.map(({ relation, text }) => `create view ${relation} as\n${text}\n`);
}

if (import.meta.main) {
  await withTestServer(async (environment) => {
    const url = new URL(environment.UNWIND_TEST_ADMIN_URL);
    url.pathname = `/${environment.UNWIND_TEST_TEMPLATE}`;
    const sql = connect({ url: url.href, max: 1, applicationName: 'unwind schema' });
    try {
      await writeFile(schemaFile, await schemaDocument(sql));
    } finally {
      await sql.end();
    }
  });
}
