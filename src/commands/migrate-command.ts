// `unwind migrate`: brings the schema up to this version and prints what it took.

import type { Logger } from 'pino';
import { DatabaseClock } from '../db/database-clock.ts';
import type { Config } from '../settings/config.ts';
import { prepareDatabase, withDatabase } from '../settings/database.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand } from './acting.ts';
import type { Output } from './run.ts';

/** @returns 0; a schema that is current stays as it is. */
export async function runMigrate(config: Config, log: Logger, stdout: Output): Promise<number> {
  const applied = await withDatabase(config, log, async (sql) => {
    const clock = await DatabaseClock.read(sql, { log });
    const made = await prepareDatabase(sql, clock, config);
    if (made.length > 0) {
      // Each migration has its own commit, and the first ones come before there is a trail.
      const detail = made.map(({ number, name }) => `${number} ${name}`).join(', ');
      const what = { operation: 'migrate', target: '/schema', detail };
      await recordAct(sql, allTenants, actOfCommand(clock.now(), what));
    }
    return made;
  });
  for (const { number, name } of applied) stdout.write(`applied ${number} ${name}\n`);
  if (applied.length === 0) stdout.write('the schema is current\n');
  return 0;
}
