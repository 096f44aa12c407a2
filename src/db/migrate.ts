// Brings the database schema to the version of this code, forward only. It answers for order,
// record and refusal; what the steps do stands in migrations/NNNN-name.sql.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Sql, Tx } from './connect.ts';
import { inTransaction } from './transaction.ts';

/** One step of the schema. `sha256` is over the text with line ends as `\n`, in hex. */
export type Migration = {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
};

export type AppliedMigration = Omit<Migration, 'text'>;

/** How a database stands to this code: `behind` needs `migrate`, `ahead` needs newer code. */
export type SchemaState = 'current' | 'behind' | 'ahead';

export type MigrationRefusal =
  | 'postgres_too_old'
  | 'bad_migration_file'
  | 'migration_changed'
  | 'database_ahead';

/** Thrown instead of touching a database that should not be touched. The message is for people. */
export class MigrationError extends Error {
  readonly code: MigrationRefusal;

  constructor(code: MigrationRefusal, message: string) {
    super(message);
    this.name = 'MigrationError';
    this.code = code;
  }
}

const oldestPostgres = 15;
const defaultFolder = new URL('./migrations/', import.meta.url);
const fileName = /^(\d{4})-([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/;
// Two files were edited after they had been applied, because PostgreSQL 15.20, 17.12 and their siblings
// refuse `add column … not null default` on a table whose row type a function takes. Both texts make
// the same schema, so a database that applied the older one is accepted.
const olderTexts: ReadonlyMap<string, string> = new Map([
  ['0011-markets', '6fd804a8d904d4ddc55a29932f53afaa3309b55cb33c1eeec806d0fd79707dea'],
  ['0014-corrections', 'f94494a29f45747736bee8f2ccf80121836fda0c6982be34b436fd766d33b9a2'],
]);
// Any constant of 64 bits does; this one is "unwind" in ASCII.
const lockKey = '129117310250596';
// A second process waits for the first one's step, and a step may rewrite a large table.
const limits = { lockTimeoutMs: 60 * 60_000, statementTimeoutMs: 60 * 60_000 };

/**
 * Reads the migrations of a folder, in order.
 *
 * Throws `MigrationError` `bad_migration_file` for a name that is not `NNNN-some-name.sql`, and for
 * numbers that are not 1, 2, 3 ….
 */
export async function readMigrations(folder: URL = defaultFolder): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return await Promise.all(
    files.map(async (file, index) => {
      const parts = fileName.exec(file);
      if (parts === null || Number(parts[1]) !== index + 1) {
        throw new MigrationError(
          'bad_migration_file',
          `Migration file ${file}: expected the name ${numberText(index + 1)}-some-name.sql.`,
        );
      }
      // The same step has the same sum whatever line ends a checkout has made of it.
      const text = (await readFile(new URL(file, folder), 'utf8')).replaceAll('\r\n', '\n');
      const sha256 = createHash('sha256').update(text).digest('hex');
      return { number: index + 1, name: parts[2] ?? '', text, sha256 };
    }),
  );
}

/**
 * Applies what is missing, each step in a transaction of its own, and answers with what it applied.
 *
 * Idempotent, and safe when several processes do it at once: they take turns, and the primary key
 * of `unwind.migrations` lets no step be recorded twice. Throws `MigrationError` before any change
 * when the server is older than PostgreSQL 15, when an applied file has changed since, and when
 * the database has steps this code does not know.
 */
export async function migrate(sql: Sql, folder?: URL): Promise<readonly Migration[]> {
  const migrations = await readMigrations(folder);
  refuseOldServer(await readServerVersion(sql));
  const applied: Migration[] = [];
  // One step a round; what other processes did meanwhile is read anew each time.
  for (let round = 0; round <= migrations.length; round += 1) {
    const step = await inTransaction(sql, (tx) => applyNext(tx, migrations), limits);
    if (step === null) {
      break;
    }
    applied.push(step);
  }
  return applied;
}

/**
 * Compares the database with the migrations of this code, by number. Changes nothing and takes no
 * lock, so that a readiness probe may ask often.
 */
export async function schemaState(sql: Sql, folder?: URL): Promise<SchemaState> {
  const known = (await readMigrations(folder)).length;
  const [table] = await sql<{ present: boolean }[]>`
    select to_regclass('unwind.migrations') is not null as present`;
  if (table?.present !== true) {
    return known === 0 ? 'current' : 'behind';
  }
  const [newest] = await sql<{ number: number }[]>`
    select coalesce(max(number), 0) as number
    from unwind.migrations`;
  const reached = newest?.number ?? 0;
  if (reached === known) {
    return 'current';
  }
  return reached < known ? 'behind' : 'ahead';
}

/** How a server names itself: `server_version_num` and `server_version`. */
export type ServerVersion = { readonly version: number; readonly shown: string };

/** Throws `MigrationError` `postgres_too_old` for a server older than PostgreSQL 15. */
export function refuseOldServer(server: ServerVersion): void {
  if (server.version < oldestPostgres * 10_000) {
    throw new MigrationError(
      'postgres_too_old',
      `This server is PostgreSQL ${server.shown}; Unwind needs ${oldestPostgres} or newer.`,
    );
  }
}

async function readServerVersion(sql: Sql): Promise<ServerVersion> {
  const [server] = await sql<ServerVersion[]>`
    select current_setting('server_version_num')::integer as version,
           current_setting('server_version') as shown`;
  return server ?? { version: 0, shown: 'of an unknown version' };
}

async function applyNext(tx: Tx, migrations: readonly Migration[]): Promise<Migration | null> {
  // One round trip. Nothing is found by search_path, so a step that forgets a schema fails.
  await tx.script(`
    set local search_path = '';
    select pg_advisory_xact_lock(${lockKey});`);
  await createRecord(tx);
  const applied = await tx<AppliedMigration[]>`
    select number, name, sha256
    from unwind.migrations
    order by number`;
  refuseStrangers(applied, migrations);
  const next = migrations[applied.length];
  if (next === undefined) {
    return null;
  }
  await tx.script(next.text);
  await tx`
    insert into unwind.migrations (number, name, sha256)
    values (${next.number}, ${next.name}, ${next.sha256})`;
  return next;
}

async function createRecord(tx: Tx): Promise<void> {
  const [table] = await tx<{ present: boolean }[]>`
    select to_regclass('unwind.migrations') is not null as present`;
  if (table?.present === true) {
    return;
  }
  await tx.script(`
    create schema if not exists unwind;
    create table unwind.migrations (
      number integer not null,
      name text not null,
      sha256 text not null,
      applied_at timestamptz not null default clock_timestamp(),
      constraint migrations_pkey primary key (number),
      constraint migrations_number_positive check (number > 0),
      constraint migrations_sha256_is_hex check (sha256 ~ '^[0-9a-f]{64}$')
    );`);
}

function refuseStrangers(
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
): void {
  for (const [index, row] of applied.entries()) {
    const known = migrations[index];
    const shown = `${numberText(row.number)}-${row.name}`;
    if (known === undefined) {
      throw new MigrationError(
        'database_ahead',
        `The database has migration ${shown}, which this version of Unwind does not know. ` +
          'It was migrated by a newer version: run that one, or restore a backup from before.',
      );
    }
    const isSameText = row.sha256 === known.sha256 || row.sha256 === olderTexts.get(shown);
    if (row.number !== known.number || row.name !== known.name || !isSameText) {
      throw new MigrationError(
        'migration_changed',
        `The database has applied migration ${shown}, but the file ` +
          `${numberText(known.number)}-${known.name}.sql is not what was applied. ` +
          'Applied migrations never change: undo the change of the file and add a new one.',
      );
    }
  }
}

function numberText(number: number): string {
  return String(number).padStart(4, '0');
}
