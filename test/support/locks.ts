// Waiting in tests until statements wait for locks, as PostgreSQL says it.
import type { Sql } from '../../src/db/connect.ts';
import { eventually } from './condition.ts';

/**
 * Resolves once so many connections to the database wait for a lock; without a number, once any does. Fails as
 * `eventually` does.
 */
export async function untilLocked(what: string, sql: Sql, count?: number): Promise<void> {
  await eventually(what, async () => {
    const rows = await sql`
      select from pg_stat_activity a
      where a.datname = current_database()
        and a.wait_event_type = 'Lock'`;
    return count === undefined ? rows.count > 0 : rows.count === count;
  });
}
