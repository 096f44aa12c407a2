// Brings the database schema to the version of this code, forward only. It answers for order,
// record and refusal; what the steps do stands in migrations/NNNN-name.sql, or in the files of the folder
// migrations/NNNN-name, one after another.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { isPreRelease, newestPreRelease, preReleaseCommit, readBridge } from './bridge.ts';
import type { Sql, SqlOrTx, Tx } from './connect.ts';
import { inTransaction } from './transaction.ts';

/** One step of the schema. `sha256` is over the text with line ends as `\n`, in hex. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
  /** Number of the oldest schema whose code also works on this one: its own, if the step says nothing. */
  readonly compatibleFrom: number;
}

type AppliedMigration = Pick<Migration, 'number' | 'name' | 'sha256'> & {
  readonly compatible_from: number | null;
};

/**
 * How a database stands to this code: `behind` needs `unwind migrate`; `ahead` needs newer code;
 * `ahead, compatible` is one step further and serves this code as well, as in a rolling upgrade.
 */
export type SchemaState = 'current' | 'behind' | 'ahead, compatible' | 'ahead';

export type MigrationRefusal =
  | 'postgres_too_old'
  | 'bad_migration_file'
  | 'migration_changed'
  | 'pre_release'
  | 'database_behind'
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
const stepName = /^(\d{4})-([a-z0-9]+(?:-[a-z0-9]+)*)(?:\.sql)?$/;
const compatibleFrom = /^-- compatible-from: (\d+)$/m;
// Any constant of 64 bits does; this one is "unwind" in ASCII.
const lockKey = '129117310250596';
// A second process waits for the first one's step, and a step may rewrite a large table.
const limits = { lockTimeoutMs: 60 * 60_000, statementTimeoutMs: 60 * 60_000 };

/**
 * Reads the migrations of a folder, in order.
 *
 * Throws `MigrationError` `bad_migration_file` for a name that is not `NNNN-some-name` with or without
 * `.sql`, and for numbers that are not 1, 2, 3 ….
 */
export async function readMigrations(folder: URL = defaultFolder): Promise<readonly Migration[]> {
  const steps = await stepsOf(folder);
  return await Promise.all(
    steps.map(async ({ entry, name }, index) => {
      const number = index + 1;
      const text = await textOf(new URL(entry, folder));
      const sha256 = createHash('sha256').update(text).digest('hex');
      const declared = compatibleFrom.exec(text)?.[1];
      return { number, name, text, sha256, compatibleFrom: Number(declared ?? number) };
    }),
  );
}

/** Number of the schema that this code expects; reads no more than names. */
export async function expectedSchema(folder: URL = defaultFolder): Promise<number> {
  return (await stepsOf(folder)).length;
}

async function stepsOf(folder: URL): Promise<readonly { entry: string; name: string }[]> {
  const entries = (await readdir(folder)).sort();
  return entries.map((entry, index) => {
    const parts = stepName.exec(entry);
    if (parts === null || Number(parts[1]) !== index + 1) {
      throw new MigrationError(
        'bad_migration_file',
        `Migration file ${entry}: expected the name ${numberText(index + 1)}-some-name.sql.`,
      );
    }
    return { entry, name: parts[2] ?? '' };
  });
}

/** The same step has the same text, and so the same sum, whatever line ends a checkout has made of it. */
async function textOf(step: URL): Promise<string> {
  const files = step.pathname.endsWith('.sql')
    ? [step]
    : (await readdir(step)).sort().map((file) => new URL(`${step.href}/${file}`));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.join('\n').replaceAll('\r\n', '\n');
}

/**
 * Applies what is missing, each step in a transaction of its own, and answers with what it applied.
 *
 * Idempotent, and safe when several processes do it at once: they take turns, and the primary key
 * of `unwind.migrations` lets no step be recorded twice. Throws `MigrationError` before any change
 * when the server is older than PostgreSQL 15, when an applied file has changed since, when the
 * database has steps this code does not know and is not compatible with, and when it is older than the
 * last pre-release schema.
 */
export async function migrate(sql: Sql, folder?: URL): Promise<readonly Migration[]> {
  const migrations = await readMigrations(folder);
  refuseOldServer(await readServerVersion(sql));
  const applied: Migration[] = [];
  // One step a round; what other processes did meanwhile is read anew each time.
  for (let round = 0; round <= migrations.length; round += 1) {
    const step = await inTransaction(sql, (tx) => applyNext(tx, migrations), limits);
    if (step === undefined) break;
    applied.push(step);
  }
  return applied;
}

/**
 * Compares the database with the schema that this code expects, by number. Changes nothing and takes no
 * lock, so that a readiness probe may ask often.
 */
export async function schemaState(sql: Sql, expected: number): Promise<SchemaState> {
  if (!(await hasSchema(sql))) return expected === 0 ? 'current' : 'behind';
  // Read as a whole, since a pre-release database has rows without a declaration.
  const [newest] = await sql<{ number: number; first: string; compatible_from: number | null }[]>`
    select
      m.number,
      (select f.name from unwind.migrations f where f.number = 1) as first,
      (to_jsonb(m) ->> 'compatible_from')::integer as compatible_from
    from unwind.migrations m
    order by m.number desc
    limit 1`;
  const reached = newest?.number ?? 0;
  if (newest !== undefined && isPreRelease(newest.first)) return 'behind';
  if (reached === expected) return 'current';
  if (reached < expected) return 'behind';
  const isCompatible = reached === expected + 1 && (newest?.compatible_from ?? reached) <= expected;
  return isCompatible ? 'ahead, compatible' : 'ahead';
}

/** Whether a database has been migrated at all. */
export async function hasSchema(sql: SqlOrTx): Promise<boolean> {
  const [table] = await sql<{ present: boolean }[]>`
    select to_regclass('unwind.migrations') is not null as present`;
  return table?.present === true;
}

/** Throws `MigrationError` where a database does not have a schema that serves this code. */
export async function refuseOtherSchema(sql: Sql): Promise<void> {
  const state = await schemaState(sql, await expectedSchema());
  if (state === 'behind') {
    throw new MigrationError(
      'database_behind',
      (await hasSchema(sql))
        ? 'The schema of the database is behind this version: run "unwind migrate" first.'
        : 'The database has no schema yet: run "unwind migrate", or start the service, which makes it.',
    );
  }
  if (state === 'ahead') {
    throw new MigrationError(
      'database_ahead',
      'The schema of the database is ahead of this version: a newer one has migrated it. Run that one.',
    );
  }
}

/** How a server names itself: `server_version_num` and `server_version`. */
export interface ServerVersion {
  readonly version: number;
  readonly shown: string;
}

/** Throws `MigrationError` `postgres_too_old` for a server older than PostgreSQL 15. */
export function refuseOldServer(server: ServerVersion): void {
  if (server.version < oldestPostgres * 10_000) {
    throw new MigrationError(
      'postgres_too_old',
      `This server is PostgreSQL ${server.shown}; Unwind needs ${oldestPostgres} or newer.`,
    );
  }
}

export async function readServerVersion(sql: Sql): Promise<ServerVersion> {
  const [server] = await sql<ServerVersion[]>`
    select current_setting('server_version_num')::integer as version,
           current_setting('server_version') as shown`;
  return server ?? { version: 0, shown: 'of an unknown version' };
}

async function applyNext(tx: Tx, migrations: readonly Migration[]): Promise<Migration | undefined> {
  // One round trip. Nothing is found by search_path, so a step that forgets a schema fails.
  await tx.script(`
    set local search_path = '';
    select pg_advisory_xact_lock(${lockKey});`);
  await createRecord(tx);
  // A pre-release database has no column for what a step is compatible with.
  const applied = await tx<AppliedMigration[]>`
    select
      m.number, m.name, m.sha256,
      (to_jsonb(m) ->> 'compatible_from')::integer as compatible_from
    from unwind.migrations m
    order by m.number`;
  if (isPreRelease(applied[0]?.name)) return await cross(tx, applied, migrations);
  refuseStrangers(applied, migrations);
  const next = migrations[applied.length];
  if (next === undefined) return undefined;
  await tx.script(next.text);
  await record(tx, next);
  return next;
}

/** Takes a database from the last pre-release schema to the baseline, which replaced all its steps. */
async function cross(
  tx: Tx,
  applied: readonly AppliedMigration[],
  [baseline]: readonly Migration[],
): Promise<Migration | undefined> {
  const newest = applied.at(-1);
  if (baseline === undefined || newest === undefined) return undefined;
  if (newest.number !== newestPreRelease.number || newest.name !== newestPreRelease.name) {
    throw new MigrationError(
      'pre_release',
      `The database has the pre-release schema ${numberText(newest.number)}-${newest.name}; this version ` +
        `takes over from ${numberText(newestPreRelease.number)}-${newestPreRelease.name} only. Run ` +
        `"unwind migrate" of commit ${preReleaseCommit} first, then this one again.`,
    );
  }
  await tx.script(await readBridge());
  await record(tx, baseline);
  return baseline;
}

async function record(tx: Tx, step: Migration): Promise<void> {
  await tx`
    insert into unwind.migrations (number, name, sha256, compatible_from)
    values (${step.number}, ${step.name}, ${step.sha256}, ${step.compatibleFrom})`;
}

async function createRecord(tx: Tx): Promise<void> {
  if (await hasSchema(tx)) return;
  await tx.script(`
    create schema if not exists unwind;
    create table unwind.migrations (
      number integer not null,
      name text not null,
      sha256 text not null,
      compatible_from integer not null,
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
      // As in a rolling upgrade, where a process of the version before starts once more.
      const isNext = row.number === migrations.length + 1 && index === applied.length - 1;
      if (isNext && (row.compatible_from ?? row.number) <= migrations.length) return;
      throw new MigrationError(
        'database_ahead',
        `The database has migration ${shown}, which this version of Unwind does not know. ` +
          'It was migrated by a newer version: run that one, or restore a backup from before.',
      );
    }
    if (row.number !== known.number || row.name !== known.name || row.sha256 !== known.sha256) {
      throw new MigrationError(
        'migration_changed',
        `The database has applied migration ${shown}, but the file ` +
          `${numberText(known.number)}-${known.name} is not what was applied. ` +
          'Applied migrations never change: undo the change of the file and add a new one. ' +
          'A database made by a version before 0.1.0 has to be made anew.',
      );
    }
  }
}

function numberText(number: number): string {
  return String(number).padStart(4, '0');
}
