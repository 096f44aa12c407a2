// `unwind migrate`: brings the schema up to this version and tells what it took.

import type { Sql } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';

export interface MigrateCommand {
  readonly sql: Sql;
  readonly stdout: { write(text: string): unknown };
}

/** @returns 0; a schema that is current stays as it is. */
export async function runMigrate({ sql, stdout }: MigrateCommand): Promise<number> {
  const applied = await migrate(sql);
  for (const { number, name } of applied) stdout.write(`applied ${number} ${name}\n`);
  if (applied.length === 0) stdout.write('the schema is current\n');
  return 0;
}
