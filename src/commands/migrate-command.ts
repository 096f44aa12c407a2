// `unwind migrate`: brings the schema up to this version and prints what it took.

import type { Logger } from 'pino';
import { DatabaseClock } from '../db/database-clock.ts';
import type { Config } from '../settings/config.ts';
import { prepareDatabase, withDatabase } from '../settings/database.ts';
import type { Output } from './run.ts';

/** @returns 0; a schema that is current stays as it is. */
export async function runMigrate(config: Config, log: Logger, stdout: Output): Promise<number> {
  const applied = await withDatabase(config, log, async (sql) => {
    return prepareDatabase(sql, await DatabaseClock.read(sql, { log }), config);
  });
  for (const { number, name } of applied) stdout.write(`applied ${number} ${name}\n`);
  if (applied.length === 0) stdout.write('the schema is current\n');
  return 0;
}
