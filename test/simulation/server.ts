// The database server of a simulated run: kept from doing anything by itself that could change the order
// of rows or a plan, and asked which of its processes wait for locks.
import assert from 'node:assert/strict';
import pg from 'pg';
import type { Sql } from '../../src/db/connect.ts';
import type { TestDatabase } from '../support/database.ts';
import type { LockWaits } from './scheduler.ts';

/**
 * Keeps the server from doing anything by itself. Nothing breaks off a wait: the scheduler finds out what
 * waits for what. One old snapshot keeps every version of a row, so that rows lie where their order of
 * writing puts them; without it, a row's place hangs on who else works on the server.
 *
 * @returns how to end it.
 */
export async function steadyDatabase({ sql, url }: TestDatabase): Promise<() => Promise<void>> {
  const [row] = await sql<{ name: string; autovacuum: string }[]>`
    select current_database() as name, current_setting('autovacuum') as autovacuum`;
  assert.equal(row?.autovacuum, 'off', 'a simulation needs a server without autovacuum');
  const settings = {
    deadlock_timeout: "'1h'",
    max_parallel_workers_per_gather: '0',
    synchronize_seqscans: 'off',
    jit: 'off',
    plan_cache_mode: 'force_generic_plan',
  };
  for (const [name, value] of Object.entries(settings)) {
    await sql.script(`alter database "${row.name}" set ${name} = ${value}`);
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('begin isolation level repeatable read; select');
  return () => client.end();
}

export async function lockWaitsOf(admin: Sql, pids: readonly number[]): Promise<LockWaits> {
  const rows = await admin<{ pid: number; blockers: readonly number[] }[]>`
    select l.pid, pg_blocking_pids(l.pid) as blockers
    from pg_locks l
    where l.pid = any (${pids}::integer[])
      and not l.granted`;
  return new Map(rows.map(({ pid, blockers }) => [pid, blockers]));
}
