// The database server of a simulated run: kept from doing anything by itself that could change the order
// of rows or a plan, and asked which of its processes wait for locks.
import assert from 'node:assert/strict';
import type { Sql } from '../../src/db/connect.ts';
import type { TestDatabase } from '../support/database.ts';
import { digestsOf } from '../support/tables.ts';
import type { LockWaits } from './scheduler.ts';

/**
 * Keeps the server from doing anything by itself. Nothing breaks off a wait: the scheduler finds out what
 * waits for what.
 */
export async function steadyDatabase({ sql }: TestDatabase): Promise<void> {
  const [row] = await sql<{ name: string; autovacuum: string }[]>`
    select current_database() as name, current_setting('autovacuum') as autovacuum`;
  assert.equal(row?.autovacuum, 'off', 'a simulation needs a server without autovacuum');
  const settings = {
    deadlock_timeout: "'1h'",
    max_parallel_workers_per_gather: '0',
    synchronize_seqscans: 'off',
    jit: 'off',
    plan_cache_mode: 'force_generic_plan',
    track_activities: 'off',
    track_counts: 'off',
  };
  for (const [name, value] of Object.entries(settings)) {
    await sql.script(`alter database "${row.name}" set ${name} = ${value}`);
  }
  await sql.script(refuseOlder);
}

/**
 * What an older epoch of a lease writes over a newer one is a fault at that moment, whatever comes of it:
 * its consequences show seldom, and late.
 */
const refuseOlder = `
  create schema simulation;
  create function simulation.refuse() returns trigger
    language plpgsql
    as $$
    begin
      raise exception 'an older epoch was written over a newer one of %: %', tg_table_name, old;
    end
    $$;
  create trigger no_older_epoch before update on unwind.deliveries
    for each row
    when (new.lease_epoch < old.lease_epoch or new.recorded_epoch < old.recorded_epoch)
    execute function simulation.refuse();
  create trigger no_older_epoch before update on unwind.submissions
    for each row
    when (new.lease_epoch < old.lease_epoch)
    execute function simulation.refuse()`;

export async function lockWaitsOf(admin: Sql, pids: readonly number[]): Promise<LockWaits> {
  const rows = await admin<{ pid: number; blockers: readonly number[] }[]>`
    select l.pid, pg_blocking_pids(l.pid) as blockers
    from pg_locks l
    where l.pid = any (${pids}::integer[])
      and not l.granted`;
  return new Map(rows.map(({ pid, blockers }) => [pid, blockers]));
}

/**
 * Where the rows of each table lie. Two runs of a seed that part only in this part in what they do as well, some
 * time later, since rows without `order by` come as they lie.
 */
export async function placesOf(sql: Sql): Promise<string> {
  const places = "left(md5(string_agg(t.ctid::text, ',' order by t.ctid)), 6)";
  return JSON.stringify(await digestsOf(sql, places));
}
