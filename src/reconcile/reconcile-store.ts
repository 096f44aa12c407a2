// The statements of a comparison. The record is staged in a temporary table, our executions are taken from the
// published views, and the differences are numbered in a third one: so its size is the database's to bear.

import { first } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { TenantId } from '../ids.ts';
import type { RecordDifference, RecordRow } from './record.ts';

export async function openComparison(tx: Tx): Promise<void> {
  await tx`
    create temporary table record_lines (
      line integer primary key,
      execution_id text not null,
      client_order_id text not null,
      isin text not null,
      side text not null,
      quantity numeric not null,
      price numeric not null,
      currency text not null,
      executed_at timestamptz not null
    ) on commit drop`;
}

export interface RecordLine {
  readonly line: number;
  readonly row: RecordRow;
}

export async function stageRecord(tx: Tx, lines: readonly RecordLine[]): Promise<void> {
  await tx`
    insert into pg_temp.record_lines (
      line, execution_id, client_order_id, isin, side, quantity, price, currency, executed_at
    )
    select
      n.line, n.execution_id, n.client_order_id, n.isin, n.side, n.quantity, n.price, n.currency,
      n.executed_at
    from unnest(
      ${lines.map(({ line }) => line)}::integer[],
      ${lines.map(({ row }) => row.execution_id)}::text[],
      ${lines.map(({ row }) => row.client_order_id)}::text[],
      ${lines.map(({ row }) => row.isin)}::text[],
      ${lines.map(({ row }) => row.side)}::text[],
      ${lines.map(({ row }) => row.quantity)}::numeric[],
      ${lines.map(({ row }) => row.price)}::numeric[],
      ${lines.map(({ row }) => row.currency)}::text[],
      ${lines.map(({ row }) => row.executed_at)}::text[]::timestamptz[]
    ) as n (
      line, execution_id, client_order_id, isin, side, quantity, price, currency, executed_at
    )`;
}

/** Days in UTC, both inclusive, as `YYYY-MM-DD`. */
export interface DayRange {
  readonly from: string;
  readonly until: string;
}

/** The days of the record; undefined where it has no line. */
export async function findDays(tx: Tx): Promise<DayRange | undefined> {
  const rows = await tx<{ from: string | null; until: string | null }[]>`
    select
      (min(r.executed_at) at time zone 'UTC')::date::text as from,
      (max(r.executed_at) at time zone 'UTC')::date::text as until
    from pg_temp.record_lines r`;
  const { from, until } = first(rows);
  return from === null || until === null ? undefined : { from, until };
}

export interface Compared {
  /** Lines of the record within the days. */
  readonly lines: number;
  /** Executions of ours within the days that are not void. */
  readonly executions: number;
  readonly differences: number;
}

/**
 * Compares and numbers the differences. A day before and after is looked at as well, so that an instant that
 * the other side rounds over midnight is found; what is missing is reported of the days alone.
 */
export async function compare(
  tx: Tx,
  which: {
    readonly venue: string;
    readonly days: DayRange;
    readonly tenantId: TenantId | undefined;
  },
): Promise<Compared> {
  const { venue, days, tenantId } = which;
  await tx`
    create temporary table days on commit drop as
    select
      ${days.from}::date::timestamp at time zone 'UTC' as from_at,
      (${days.until}::date + 1)::timestamp at time zone 'UTC' as until_at`;
  // Of a FIX venue the execution is named by day, client order id and the ExecID of the venue.
  await tx`
    create temporary table our_executions on commit drop as
    select
      e.tenant_id, e.execution_id, e.client_order_id, e.isin, e.quantity, e.price, e.currency,
      e.executed_at, e.busted_at,
      e.executed_at >= d.from_at and e.executed_at < d.until_at as is_within,
      case
        when e.venue_execution_id ~ '^[0-9]{8}-'
          and starts_with(substr(e.venue_execution_id, 10), e.client_order_id || '-')
          then substr(e.venue_execution_id, 11 + length(e.client_order_id))
        else e.venue_execution_id
      end as name
    from unwind_v1.executions e
    cross join pg_temp.days d
    where e.venue = ${venue}
      and e.executed_at >= d.from_at - interval '1 day'
      and e.executed_at < d.until_at + interval '1 day'
      and (${tenantId ?? null}::uuid is null or e.tenant_id = ${tenantId ?? null})`;
  await tx`analyze pg_temp.record_lines, pg_temp.our_executions`;
  await tx`
    create temporary table pairs on commit drop as
    with numbered as (
      select
        r.*,
        r.executed_at >= d.from_at and r.executed_at < d.until_at as is_within,
        min(r.line) over (partition by r.execution_id, r.client_order_id, k.day) as first_line
      from pg_temp.record_lines r
      cross join pg_temp.days d
      cross join lateral (
        select case when r.client_order_id = '' then (r.executed_at at time zone 'UTC')::date end as day
      ) k
    )
    select distinct on (r.line)
      r.line, r.first_line, r.is_within, r.execution_id as name, r.client_order_id, r.isin, r.side,
      r.quantity, r.price, r.currency,
      o.execution_id as our_id, o.tenant_id, o.client_order_id as our_order, o.isin as our_isin,
      o.quantity as our_quantity, o.price as our_price, o.currency as our_currency, o.busted_at
    from numbered r
    left join pg_temp.our_executions o
      on r.line = r.first_line
      and o.name = r.execution_id
      and case
        when r.client_order_id <> '' then o.client_order_id = r.client_order_id
        else (o.executed_at at time zone 'UTC')::date = (r.executed_at at time zone 'UTC')::date
      end
    order by r.line, o.isin = r.isin desc nulls last, o.quantity = r.quantity desc nulls last, o.execution_id`;
  await tx`analyze pg_temp.pairs`;
  await numberDifferences(tx);
  return first(
    await tx<Compared[]>`
      select
        (select count(*)::integer from pg_temp.pairs p where p.is_within) as lines,
        (
          select count(*)::integer
          from pg_temp.our_executions o
          where o.is_within
            and o.busted_at is null
        ) as executions,
        (select count(*)::integer from pg_temp.differences d) as differences`,
  );
}

async function numberDifferences(tx: Tx): Promise<void> {
  await tx`
    create temporary table differences on commit drop as
    select
      row_number() over (order by x.line nulls last, x.executed_at, x.name, x.kind)::integer as number, x.*
    from (
      select
        k.kind, p.line, null::timestamptz as executed_at, p.name,
        coalesce(p.our_order, nullif(p.client_order_id, '')) as client_order_id,
        coalesce(p.our_isin, p.isin) as isin, p.tenant_id, k.here, k.there
      from pg_temp.pairs p
      cross join lateral (
        select 'doubled' as kind, null as here, concat('as in line ', p.first_line) as there
        where p.line <> p.first_line
          and p.is_within
        union all
        select 'missing_here', null, concat(p.side, ' ', trim_scale(p.quantity), ' at ', trim_scale(p.price))
        where p.line = p.first_line
          and p.our_id is null
          and p.is_within
        union all
        select 'void_here', concat('void since ', unwind.instant(p.busted_at)), trim_scale(p.quantity)::text
        where p.busted_at is not null
          and p.is_within
        union all
        select v.kind, v.here, v.there
        from (
          values
            ('instrument', p.our_isin, p.isin, p.our_isin <> p.isin),
            ('side', 'SELL', p.side, p.side <> 'SELL'),
            (
              'quantity', trim_scale(p.our_quantity)::text, trim_scale(p.quantity)::text,
              p.our_quantity <> p.quantity
            ),
            ('price', trim_scale(p.our_price)::text, trim_scale(p.price)::text, p.our_price <> p.price),
            ('currency', p.our_currency, p.currency, p.currency <> '' and p.our_currency <> p.currency)
        ) as v (kind, here, there, is_other)
        where p.our_id is not null
          and p.busted_at is null
          and p.is_within
          and v.is_other
      ) k
      union all
      select
        'missing_there', null, o.executed_at, o.name, o.client_order_id, o.isin, o.tenant_id,
        concat('SELL ', trim_scale(o.quantity), ' at ', trim_scale(o.price)), null
      from pg_temp.our_executions o
      where o.is_within
        and o.busted_at is null
        and not exists (
          select
          from pg_temp.pairs p
          where p.our_id = o.execution_id
            and p.tenant_id = o.tenant_id
        )
    ) x`;
  await tx`create index on pg_temp.differences (number)`;
}

/** Differences after a number, in their order: by line, then what the record has not. */
export async function findDifferences(
  tx: Tx,
  page: { readonly after: number; readonly limit: number },
): Promise<readonly RecordDifference[]> {
  const rows = await tx<RowOf<RecordDifference>[]>`
    select
      d.kind, d.line, d.name as execution_id, d.client_order_id, d.isin, d.tenant_id, d.here, d.there
    from pg_temp.differences d
    where d.number > ${page.after}
    order by d.number
    limit ${page.limit}`;
  return rows.map((row) => thingOf<RecordDifference>(row));
}
