// The statements around the checks: the snapshot they all see, what there is, and the differences
// that one check finds. They too read only the published views.

import { assert, first } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { type Fragment, raw } from '../db/sql.ts';
import type { Check, Difference } from './check.ts';

/**
 * Makes a transaction of the audit ready: nothing can be written in it. Each check reads whole
 * tables once, so hash joins with room are right for all of them; loops, which the planner picks
 * where its statistics are old, and compiling are not. One connection may wait for the last check
 * of another.
 *
 * @returns the instant of the database at which the snapshot is true.
 */
export async function openSnapshot(tx: Tx): Promise<Date> {
  await tx`set transaction read only`;
  await tx`set local work_mem = '128MB'`;
  await tx`set local enable_nestloop = off`;
  await tx`set local jit = off`;
  await tx`set local idle_in_transaction_session_timeout = 0`;
  const rows = await tx<{ at: Date }[]>`select statement_timestamp() as at`;
  return first(rows).at;
}

/** Lets others see what this transaction sees, while it lasts. @returns the name to enter by. */
export async function exportSnapshot(tx: Tx): Promise<string> {
  const rows = await tx<{ name: string }[]>`select pg_export_snapshot() as name`;
  return first(rows).name;
}

/** Makes a transaction see what another one sees; has to come before anything else in it. */
export async function enterSnapshot(tx: Tx, name: string): Promise<void> {
  await tx`set transaction snapshot ${literal(name)}`;
  await openSnapshot(tx);
}

/** `set` takes no parameters. The names that PostgreSQL gives need no escaping. */
function literal(name: string): Fragment {
  assert(/^[0-9A-F-]+$/.test(name), 'the name of a snapshot is hexadecimal');
  return raw(`'${name}'`);
}

/** How much of everything there is; statuses that do not occur are left out. */
export interface AuditCounts {
  readonly tenants: number;
  readonly accounts: number;
  readonly positions: number;
  readonly movements: number;
  readonly liquidations: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<string, number>>;
  readonly submissions: number;
  readonly executions: number;
  readonly events: number;
  readonly journalEntries: number;
}

interface CountRow {
  readonly thing: string;
  /** Empty where the thing has none. */
  readonly status: string;
  readonly count: string;
}

export async function countEverything(tx: Tx): Promise<AuditCounts> {
  const rows = await tx<CountRow[]>`
    select 'tenants' as thing, '' as status, count(*) as count from unwind_v1.tenants
    union all
    select 'accounts', '', count(*) from unwind_v1.accounts
    union all
    select 'positions', '', count(*) from unwind_v1.positions
    union all
    select 'movements', '', count(*) from unwind_v1.movements
    union all
    select 'liquidations', l.status, count(*) from unwind_v1.liquidations l group by l.status
    union all
    select 'orders', o.status, count(*) from unwind_v1.orders o group by o.status
    union all
    select 'submissions', '', count(*) from unwind_v1.submissions
    union all
    select 'executions', '', count(*) from unwind_v1.executions
    union all
    select 'events', '', count(*) from unwind_v1.events
    union all
    select 'journal entries', '', count(*) from unwind_v1.venue_journal
    order by thing, status`;
  const total = (thing: string) => Number(rows.find((row) => row.thing === thing)?.count ?? 0);
  const byStatus = (thing: string) => {
    const own = rows.filter((row) => row.thing === thing);
    return Object.fromEntries(own.map(({ status, count }) => [status, Number(count)]));
  };
  return {
    tenants: total('tenants'),
    accounts: total('accounts'),
    positions: total('positions'),
    movements: total('movements'),
    liquidations: byStatus('liquidations'),
    orders: byStatus('orders'),
    submissions: total('submissions'),
    executions: total('executions'),
    events: total('events'),
    journalEntries: total('journal entries'),
  };
}

interface DifferenceRow {
  readonly tenant_id: string | null;
  readonly subject: string;
  readonly subject_id: string;
  readonly expected: string | null;
  readonly found: string | null;
  readonly message: string;
  readonly total: string;
}

export interface Differences {
  /** How many there are. */
  readonly total: number;
  /** The first of them. */
  readonly first: readonly Difference[];
}

export async function findDifferences(tx: Tx, check: Check, limit: number): Promise<Differences> {
  const rows = await tx<DifferenceRow[]>`
    select
      d.tenant_id, d.subject, d.subject_id, d.expected, d.found, d.message,
      count(*) over () as total
    from (${check.sql}) d
    order by d.tenant_id, d.subject, d.subject_id
    limit ${limit}`;
  const differences = rows.map((row) => ({
    check: check.name,
    tenantId: row.tenant_id,
    subject: row.subject,
    subjectId: row.subject_id,
    expected: row.expected,
    found: row.found,
    message: row.message,
  }));
  return { total: Number(rows[0]?.total ?? 0), first: differences };
}
