// The statements about the mode that a database is for, and about where its clients may come from.

import type { Sql } from '../db/connect.ts';
import type { Mode } from './setting.ts';

export interface RecordedMode {
  readonly mode: Mode;
  readonly recordedAt: Date;
}

/** The mode of a database; undefined before its first migration, or where it is older than modes. */
export async function findMode(sql: Sql): Promise<RecordedMode | undefined> {
  const [table] = await sql<{ present: boolean }[]>`
    select to_regclass('unwind.database_mode') is not null as present`;
  if (table?.present !== true) return undefined;
  const [row] = await sql<{ mode: Mode; recorded_at: Date }[]>`
    select mode, recorded_at
    from unwind.database_mode`;
  return row && { mode: row.mode, recordedAt: row.recorded_at };
}

/** Records the mode, once: of several processes the first one decides. */
export async function insertMode(
  sql: Sql,
  { mode, now }: { mode: Mode; now: Date },
): Promise<void> {
  await sql`
    insert into unwind.database_mode (mode, recorded_at)
    values (${mode}, ${now})
    on conflict (only_row) do nothing`;
}

/** Whether the database has clients already. */
export async function hasClients(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ some: boolean }[]>`
    select exists (select from unwind.tenants) as some`;
  return row?.some === true;
}

/** Records that clients from beyond their machines reach a process until an instant, or for longer. */
export async function extendOpen(sql: Sql, until: Date): Promise<void> {
  await sql`
    update unwind.database_mode
    set open_until = greatest(open_until, ${until})`;
}

/** Until when clients from elsewhere reach some process, as far as it has said; undefined: never yet. */
export async function findOpenUntil(sql: Sql): Promise<Date | undefined> {
  const [row] = await sql<{ open_until: Date | null }[]>`
    select open_until
    from unwind.database_mode`;
  return row?.open_until ?? undefined;
}
