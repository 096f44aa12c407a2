// Whether the service can work on a database right now: reached, of a schema that serves this code, writable,
// with settings that mean the same as ours, and with prepared statements that stay where they are. A probe
// asks often, so it is one short transaction that leaves nothing behind.
import type { Sql, Tx } from './connect.ts';
import { DatabaseFaultError } from './fault.ts';
import { type SchemaState, schemaState } from './migrate.ts';
import { wrongSettings } from './session.ts';
import { inTransaction } from './transaction.ts';

export interface DatabaseState {
  readonly schema: SchemaState;
  /** A sentence for each setting that does not hold. */
  readonly wrongSettings: readonly string[];
}

/**
 * Looks at a database through a pool that is opened like those of the service.
 *
 * @throws DatabaseFaultError for what is in the way of every request, and the error of the statement that
 *   could not connect or write.
 */
export async function probeDatabase(sql: Sql, expectedSchema: number): Promise<DatabaseState> {
  const state = await inTransaction(sql, async (tx) => {
    await refuseReadOnly(tx);
    await refuseLostStatements(tx);
    const wrong = await wrongSettings(tx);
    await writeAndForget(tx);
    return { wrongSettings: wrong };
  });
  return { ...state, schema: await schemaState(sql, expectedSchema) };
}

async function refuseReadOnly(tx: Tx): Promise<void> {
  const [row] = await tx<{ is_read_only: boolean }[]>`
    select current_setting('transaction_read_only')::boolean as is_read_only`;
  if (row?.is_read_only !== true) return;
  throw new DatabaseFaultError({
    brief: 'it is read-only',
    cause: 'The database is read-only.',
    remedy: 'Point DATABASE_URL at the primary, or set default_transaction_read_only = off.',
    passes: true,
  });
}

/**
 * A pooler gives each client a process id of its own. One that keeps prepared statements gives them names of
 * its own too (PgBouncer from 1.21 on); under our names they get lost between its sessions.
 */
async function refuseLostStatements(tx: Tx): Promise<void> {
  const [row] = await tx<{ process_id: number; has_ours: boolean }[]>`
    select
      pg_backend_pid() as process_id,
      exists (
        select from pg_catalog.pg_prepared_statements s
        where s.name ~ '^[A-Za-z0-9_-]{27}$'
      ) as has_ours`;
  const isPooled = tx.processId !== null && row?.process_id !== tx.processId;
  if (!isPooled || row?.has_ours !== true) return;
  throw new DatabaseFaultError({
    brief: 'prepared statements get lost in a pooler',
    cause: 'A pooler stands before the database and does not keep prepared statements.',
    remedy: 'Set UNWIND_DATABASE_PREPARE=off, and UNWIND_DATABASE_SESSION_SETTINGS=off as well.',
    passes: false,
  });
}

/**
 * Makes a file of the database grow, which fails where the disk is full. The temporary table is made once
 * for a session, and emptied by the end of each transaction.
 */
async function writeAndForget(tx: Tx): Promise<void> {
  const [table] = await tx<{ present: boolean }[]>`
    select to_regclass('pg_temp.unwind_probe') is not null as present`;
  if (table?.present !== true) {
    await tx.script(`
      set local temp_tablespaces = '';
      create temporary table unwind_probe (filling text not null) on commit delete rows;`);
  }
  await tx`insert into pg_temp.unwind_probe (filling) values ('x')`;
}
