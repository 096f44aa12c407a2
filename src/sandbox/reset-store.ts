// The statements that empty the database of a sandbox.

import type { Sql, SqlOrTx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';

/** Removes everything of the service and of the simulated venue, schema and all. */
export async function dropAll(sql: Sql): Promise<void> {
  await inTransaction(sql, (tx) =>
    tx.script('drop schema if exists unwind_v1, simulated_venue, unwind cascade;'),
  );
}

/** Names of the pools of services that are connected to this database, such as `unwind loops`. */
export async function findServices(sql: SqlOrTx): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select distinct application_name as name
    from pg_stat_activity
    where datname = current_database()
      and application_name in ('unwind requests', 'unwind loops', 'unwind venue')
    order by name`;
  return rows.map(({ name }) => name);
}
