// The database server of a simulated run: kept from doing anything by itself that could change the order
// of rows, and asked who waits for whose lock.
import assert from 'node:assert/strict';
import type { Sql } from '../../src/db/connect.ts';
import type { LockMonitor } from './scheduler.ts';

/** Keeps the server from doing anything by itself that could change the order of rows. */
export async function steadyDatabase(sql: Sql): Promise<void> {
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  assert.ok(row !== undefined);
  const settings = {
    deadlock_timeout: "'10ms'",
    max_parallel_workers_per_gather: '0',
    synchronize_seqscans: 'off',
    jit: 'off',
    plan_cache_mode: 'force_generic_plan',
  };
  for (const [name, value] of Object.entries(settings)) {
    await sql.script(`alter database "${row.name}" set ${name} = ${value}`);
  }
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r'
      and n.nspname in ('unwind', 'simulated_venue')`;
  for (const { name } of tables) {
    await sql.script(`alter table ${name} set (autovacuum_enabled = false)`);
  }
}

/** A process of the server waits for sure once it has looked for a deadlock in vain. */
export function lockMonitor(admin: Sql): LockMonitor {
  return {
    blockersOf: async (pid) => {
      const rows = await admin<{ blockers: number[] }[]>`
        select pg_blocking_pids(l.pid) as blockers
        from pg_locks l
        where l.pid = ${pid}
          and not l.granted
          and l.waitstart < clock_timestamp() - interval '20 milliseconds'`;
      return rows[0]?.blockers;
    },
  };
}
