// The statements of importing users and accounts; instruments and positions have their own files.
// What the steps are, and in which order, stands in import-staging.ts.

import { first } from '../assert.ts';
import type { Sql, Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { badLinesListedMax } from './import-limits.ts';
import {
  countWritten,
  inSlices,
  type StagedFault,
  type Staging,
  type Written,
} from './import-staging.ts';

export async function hasClient(sql: Sql, tenantId: TenantId): Promise<boolean> {
  const rows = await sql`
    select t.tenant_id
    from unwind.tenants t
    where t.tenant_id = ${tenantId}`;
  return rows.count === 1;
}

/** The later of wall clock and market clock, which a sandbox test may have moved. */
export async function readLatestInstant(tx: Tx, now: Date): Promise<Date> {
  const rows = await tx<{ latest: Date }[]>`
    select greatest(${now}, unwind.market_time(${now})) as latest`;
  return first(rows).latest;
}

export const usersStaging: Staging<'user_id'> = {
  open: (tx) => tx`
    create temporary table import_users (
      line integer primary key,
      user_id uuid not null
    ) on commit drop`,

  load: (tx, lines) => tx`
    insert into pg_temp.import_users (line, user_id)
    select n.line, n.user_id
    from unnest(
      ${lines.map(({ line }) => line)}::integer[],
      ${lines.map(({ row }) => row.user_id)}::uuid[]
    ) as n (line, user_id)`,

  settle: (tx) => tx`analyze pg_temp.import_users`,

  findFaults: (tx) => tx<StagedFault[]>`
    select
      s.line, 'repeated' as fault, f.first_line, null as liquidation_id,
      null::timestamptz as moved_at, (count(*) over ())::integer as total
    from pg_temp.import_users s
    join (
      select r.user_id, min(r.line) as first_line
      from pg_temp.import_users r
      group by r.user_id
      having count(*) > 1
    ) as f on f.user_id = s.user_id
    where s.line > f.first_line
    order by s.line
    limit ${badLinesListedMax}`,

  write: (tx, writing) =>
    inSlices(writing.lastLine, writing, async (slice) => {
      const rows = await tx`
        insert into unwind.users (tenant_id, user_id, created_at)
        select ${writing.tenantId}, s.user_id, ${writing.now}
        from pg_temp.import_users s
        where s.line between ${slice.first} and ${slice.last}
        order by s.user_id
        on conflict (tenant_id, user_id) do nothing`;
      return { inserted: rows.count, changed: 0 };
    }),
};

export const accountsStaging: Staging<'account_id' | 'user_id' | 'status' | 'currency'> = {
  open: (tx) => tx`
    create temporary table import_accounts (
      line integer primary key,
      account_id uuid not null,
      user_id uuid not null,
      status text not null,
      currency text not null
    ) on commit drop`,

  load: (tx, lines) => tx`
    insert into pg_temp.import_accounts (line, account_id, user_id, status, currency)
    select n.line, n.account_id, n.user_id, n.status, n.currency
    from unnest(
      ${lines.map(({ line }) => line)}::integer[],
      ${lines.map(({ row }) => row.account_id)}::uuid[],
      ${lines.map(({ row }) => row.user_id)}::uuid[],
      ${lines.map(({ row }) => row.status)}::text[],
      ${lines.map(({ row }) => row.currency)}::text[]
    ) as n (line, account_id, user_id, status, currency)`,

  settle: (tx) => tx`analyze pg_temp.import_accounts`,

  lock: (tx, tenantId) => tx`
    with locked as materialized (
      select a.account_id
      from unwind.accounts a
      where a.tenant_id = ${tenantId}
        and a.account_id in (select s.account_id from pg_temp.import_accounts s)
      order by a.account_id
      for no key update
    )
    select count(*) from locked`,

  findFaults: (tx, tenantId) => tx<StagedFault[]>`
    with repeated as (
      select r.account_id, min(r.line) as first_line
      from pg_temp.import_accounts r
      group by r.account_id
      having count(*) > 1
    ),
    checked as (
      select
        s.line, f.first_line, l.liquidation_id,
        case
          when s.line > f.first_line then 'repeated'
          when u.user_id is null then 'user_unknown'
          when a.user_id <> s.user_id and l.liquidation_id is not null then 'owner_while_running'
        end as fault
      from pg_temp.import_accounts s
      left join repeated f on f.account_id = s.account_id
      left join unwind.users u
        on u.tenant_id = ${tenantId}
        and u.user_id = s.user_id
      left join unwind.accounts a
        on a.tenant_id = ${tenantId}
        and a.account_id = s.account_id
      left join unwind.liquidations l
        on l.tenant_id = ${tenantId}
        and l.account_id = s.account_id
        and l.status in ('NEW', 'PROCESSING')
    )
    select
      c.line, c.fault, c.first_line, c.liquidation_id, null::timestamptz as moved_at,
      (count(*) over ())::integer as total
    from checked c
    where c.fault is not null
    order by c.line
    limit ${badLinesListedMax}`,

  write: (tx, writing) =>
    inSlices(writing.lastLine, writing, (slice) =>
      countWritten(tx<Written[]>`
        insert into unwind.accounts as a (
          tenant_id, account_id, user_id, status, currency, created_at, updated_at
        )
        select
          ${writing.tenantId}, s.account_id, s.user_id, s.status, s.currency, ${writing.now},
          ${writing.now}
        from pg_temp.import_accounts s
        where s.line between ${slice.first} and ${slice.last}
        order by s.account_id
        on conflict (tenant_id, account_id) do update
        set
          user_id = excluded.user_id,
          status = excluded.status,
          currency = excluded.currency,
          updated_at = excluded.updated_at
        where (a.user_id, a.status, a.currency)
          is distinct from (excluded.user_id, excluded.status, excluded.currency)
        returning a.xmax = 0 as is_new`),
    ),
};

/** Renews what the planner knows of the tables that an import fills, so that no plan is stale. */
export async function analyseBook(sql: Sql): Promise<void> {
  await sql`
    analyze unwind.users, unwind.accounts, unwind.instruments, unwind.prices, unwind.positions,
      unwind.movements`;
}
