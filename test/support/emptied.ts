// Makes a database as new again once a test has only read and written rows. To make a new one, and above all to have
// its first connections read the whole catalog, takes longer than most tests.
import type { Sql } from '../../src/db/connect.ts';
import { raw } from '../../src/db/sql.ts';

/** A table with rows from its migrations on, and these rows. */
interface Seeded {
  readonly name: string;
  /** Those that can be written, for SQL. */
  readonly columns: string;
  /** As JSON. */
  readonly rows: string;
}

/** How a database was before it was used. */
export interface NewDatabase {
  /** What differs as soon as anything but rows is changed. */
  readonly catalog: string;
  readonly seeded: readonly Seeded[];
}

/** Rows of these are written by all that changes a schema, its statistics or its rights. */
const catalogs = [
  'pg_attribute',
  'pg_class',
  'pg_constraint',
  'pg_default_acl',
  'pg_depend',
  'pg_event_trigger',
  'pg_index',
  'pg_namespace',
  'pg_proc',
  'pg_rewrite',
  'pg_statistic',
  'pg_trigger',
  'pg_type',
];

/** @returns undefined where our user may not do what `empty` has to. */
export async function lookAtNew(sql: Sql): Promise<NewDatabase | undefined> {
  const [may] = await sql<{ replay: boolean }[]>`
    select has_parameter_privilege('session_replication_role', 'set') as replay`;
  if (may?.replay !== true) return undefined;
  const { catalog, written } = await look(sql);
  const seeded: Seeded[] = [];
  for (const name of written) {
    const [found] = await sql<{ columns: string; rows: string }[]>`
      select
        (
          select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
          from pg_attribute a
          where a.attrelid = ${name}::regclass
            and a.attnum > 0
            and not a.attisdropped
            and a.attgenerated = ''
        ) as columns,
        quote_literal((select jsonb_agg(t) from ${raw(name)} t)) as rows`;
    if (found !== undefined) seeded.push({ name, ...found });
  }
  return { catalog, seeded };
}

/**
 * Takes all rows away but those that were there at first.
 * @returns false where that does not make the database as new; it is of no more use then.
 */
export async function empty(sql: Sql, asNew: NewDatabase): Promise<boolean> {
  const { catalog, written } = await look(sql);
  if (catalog !== asNew.catalog) return false;
  // What is deleted leaves pages behind; a truncated table would have to be learned anew by each connection.
  await sql.script(`
    begin;
    set local session_replication_role = 'replica';
    ${written.map((name) => `delete from ${name};`).join('\n')}
    ${asNew.seeded.map(insertion).join('\n')}
    select setval(s.seqrelid, s.seqstart, false)
    from pg_sequence s
    where pg_sequence_last_value(s.seqrelid) is not null;
    commit;`);
  return true;
}

function insertion({ name, columns, rows }: Seeded): string {
  return `
    insert into ${name} (${columns})
    overriding system value
    select ${columns} from jsonb_populate_recordset(null::${name}, ${rows});`;
}

/** `written`: tables of ours with any page, for SQL. */
async function look(sql: Sql): Promise<{ catalog: string; written: readonly string[] }> {
  const states = catalogs.map((name) => {
    return `select '${name}', count(*), max(c.xmin::text::bigint) from pg_catalog.${name} c`;
  });
  const [found] = await sql<{ catalog: string; written: readonly string[] }[]>`
    select
      concat_ws(
        ' ',
        (
          select string_agg(c::text, ' ')
          from (${raw(states.join(' union all '))}) c
        ),
        (select sum(c.reltuples) from pg_class c),
        (select concat(d.datallowconn, d.datconnlimit, d.datacl) from pg_database d where d.datname = current_database()),
        (
          select count(*)
          from pg_db_role_setting s
          join pg_database d on d.oid = s.setdatabase
          where d.datname = current_database()
        )
      ) as catalog,
      array(
        select format('%I.%I', n.nspname, c.relname)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('unwind', 'simulated_venue')
          and c.relkind = 'r'
          and pg_relation_size(c.oid) > 0
      ) as written`;
  if (found === undefined) throw new Error('A database without a catalog.');
  return found;
}
