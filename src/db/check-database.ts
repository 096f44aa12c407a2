// Looks at a database before anything is changed in it: whether the service can work there at all.
import type { Sql } from './connect.ts';
import { DatabaseFaultError } from './fault.ts';

interface Facts {
  readonly role: string;
  readonly database: string;
  readonly encoding: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  readonly is_installed: boolean;
  readonly may_create: boolean;
  readonly may_use_temporary: boolean;
}

/**
 * One round trip. @throws DatabaseFaultError where the encoding, a right, or that it is read-only, is in
 * the way; what connecting throws.
 */
export async function checkDatabase(sql: Sql): Promise<void> {
  const [facts] = await sql<Facts[]>`
    select
      current_user as role,
      current_database() as database,
      current_setting('server_encoding') as encoding,
      pg_is_in_recovery() as is_standby,
      current_setting('transaction_read_only')::boolean as is_read_only,
      to_regclass('unwind.migrations') is not null as is_installed,
      has_database_privilege(current_database(), 'create') as may_create,
      has_database_privilege(current_database(), 'temporary') as may_use_temporary`;
  if (facts !== undefined) refuseUnfit(facts);
}

function refuseUnfit(facts: Facts): void {
  const { role, database, encoding } = facts;
  const own = `"${database}"`;
  if (encoding !== 'UTF8') {
    throw unfit(
      `its encoding is ${encoding}`,
      `The database ${database} is in ${encoding}; Unwind needs a UTF8 database.`,
      `Make another: create database … owner "${role}" encoding 'UTF8' template template0.`,
    );
  }
  if (facts.is_standby) {
    throw unfit(
      'it is a read-only standby',
      `The database ${database} is read-only: it is a standby.`,
      'Point DATABASE_URL at the primary.',
    );
  }
  if (facts.is_read_only) {
    throw unfit(
      'it is read-only',
      `The database ${database} is read-only for the role ${role} (default_transaction_read_only).`,
      `Allow writing: alter database ${own} set default_transaction_read_only = off; the same for the role.`,
    );
  }
  if (!facts.is_installed && !facts.may_create) {
    throw unfit(
      'a right is missing',
      `The role ${role} may not create schemas in the database ${database}.`,
      `Give it the right: grant create on database ${own} to "${role}".`,
    );
  }
  if (!facts.may_use_temporary) {
    throw unfit(
      'a right is missing',
      `The role ${role} may not make temporary tables in the database ${database}.`,
      `Give it the right: grant temporary on database ${own} to "${role}".`,
    );
  }
}

function unfit(brief: string, cause: string, remedy: string): DatabaseFaultError {
  return new DatabaseFaultError({ brief, cause, remedy, passes: false });
}
