// The role that the service works as: it owns its database and nothing else, and is no superuser. What a
// version before it had made as superuser is handed over.
import { connect, type Sql } from '../db/connect.ts';
import { isDuplicateDatabase } from '../db/errors.ts';
import { identifier, raw } from '../db/sql.ts';
import { inTransaction } from '../db/transaction.ts';

export const database = 'unwind';
export const superuser = 'unwind';
export const serviceRole = 'unwind_service';

// Any constant of 64 bits does; this one is "the role" in ASCII.
const lockKey = '8388347655143680101';

/** Hands over everything outside of PostgreSQL's own schemas that the superuser owns. */
const handOver = `
do $$
declare
  command text;
begin
  for command in
    with ours as (
      select oid, nspname
      from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema'
    )
    select format('alter schema %I', nspname)
    from pg_namespace
    where nspowner = '${superuser}'::regrole and oid in (select oid from ours)
    union all
    select format('alter %s %s', case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, c.oid::regclass)
    from pg_class c
    join ours n on n.oid = c.relnamespace
    where c.relowner = '${superuser}'::regrole
      and c.relkind in ('r', 'p', 'v', 'S')
      and not exists (
        select from pg_depend d
        where c.relkind = 'S' and d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      )
    union all
    select format('alter routine %s', p.oid::regprocedure)
    from pg_proc p
    join ours n on n.oid = p.pronamespace
    where p.proowner = '${superuser}'::regrole
    union all
    select format('alter type %s', t.oid::regtype)
    from pg_type t
    join ours n on n.oid = t.typnamespace
    where t.typowner = '${superuser}'::regrole and t.typtype in ('d', 'e')
  loop
    execute command || ' owner to ${serviceRole}';
  end loop;
end
$$;`;

export interface RoleOptions {
  /** A session of the superuser on the database `postgres`. */
  readonly sql: Sql;
  /** Where the superuser reaches the service's database. */
  readonly adminUrl: string;
  readonly servicePassword: string;
}

/** Makes the role and its database where they are missing. Idempotent, also for several at once. */
export async function ensureServiceRole({
  sql,
  adminUrl,
  servicePassword,
}: RoleOptions): Promise<void> {
  const [server] = await sql<{ is_standby: boolean }[]>`select pg_is_in_recovery() as is_standby`;
  if (server?.is_standby === true) return;
  await inTransaction(sql, async (tx) => {
    await tx`select pg_advisory_xact_lock(${lockKey}::bigint)`;
    const [role] = await tx<{ present: boolean }[]>`
      select exists (select from pg_roles where rolname = ${serviceRole}) as present`;
    const verb = raw(role?.present === true ? 'alter' : 'create');
    // The password is letters, digits, - and _.
    const password = raw(`'${servicePassword}'`);
    await tx`${verb} role ${identifier(serviceRole)} login nosuperuser password ${password}`;
  });
  if (await makeDatabase(sql)) return;
  const admin = connect({ url: adminUrl, max: 1, applicationName: 'unwind upgrade' });
  try {
    await inTransaction(admin, async (tx) => {
      await tx`select pg_advisory_xact_lock(${lockKey}::bigint)`;
      await tx.script(`${handOver} alter database ${database} owner to ${serviceRole};`);
    });
  } finally {
    await admin.end();
  }
}

/** @returns false where it was there already. */
async function makeDatabase(sql: Sql): Promise<boolean> {
  const [found] = await sql<{ present: boolean }[]>`
    select exists (select from pg_database where datname = ${database}) as present`;
  if (found?.present === true) return false;
  const [name, owner] = [identifier(database), identifier(serviceRole)];
  try {
    await sql`create database ${name} owner ${owner} template template0`;
  } catch (error) {
    // Another member has made it in the same moment.
    if (!isDuplicateDatabase(error)) throw error;
  }
  return true;
}
