// The statements of importing instruments and their prices. What the steps are, and in which order,
// stands in import-staging.ts.

import { badLinesListedMax } from './import-limits.ts';
import {
  countWritten,
  inSlices,
  type StagedFault,
  type Staging,
  type Written,
} from './import-staging.ts';

export const instrumentsStaging: Staging<'isin' | 'name' | 'trading_status' | 'fractional'> = {
  open: (tx) => tx`
    create temporary table import_instruments (
      line integer primary key,
      isin text not null,
      name text not null,
      trading_status text not null,
      fractional boolean not null
    ) on commit drop`,

  load: (tx, lines) => tx`
    insert into pg_temp.import_instruments (line, isin, name, trading_status, fractional)
    select n.line, n.isin, n.name, n.trading_status, n.fractional
    from unnest(
      ${lines.map(({ line }) => line)}::integer[],
      ${lines.map(({ row }) => row.isin)}::text[],
      ${lines.map(({ row }) => row.name)}::text[],
      ${lines.map(({ row }) => row.trading_status)}::text[],
      ${lines.map(({ row }) => row.fractional)}::text[]::boolean[]
    ) as n (line, isin, name, trading_status, fractional)`,

  settle: (tx) => tx`analyze pg_temp.import_instruments`,

  findFaults: (tx) => tx<StagedFault[]>`
    select
      s.line, 'repeated' as fault, f.first_line, null as liquidation_id,
      null::timestamptz as moved_at, (count(*) over ())::integer as total
    from pg_temp.import_instruments s
    join (
      select r.isin, min(r.line) as first_line
      from pg_temp.import_instruments r
      group by r.isin
      having count(*) > 1
    ) as f on f.isin = s.isin
    where s.line > f.first_line
    order by s.line
    limit ${badLinesListedMax}`,

  write: (tx, writing) =>
    inSlices(writing.lastLine, writing, ({ first, last }) =>
      countWritten(tx<Written[]>`
        insert into unwind.instruments as i (
          tenant_id, isin, name, trading_status, fractional, created_at, updated_at
        )
        select
          ${writing.tenantId}, s.isin, s.name, s.trading_status, s.fractional, ${writing.now},
          ${writing.now}
        from pg_temp.import_instruments s
        where s.line between ${first} and ${last}
        order by s.isin
        on conflict (tenant_id, isin) do update
        set
          name = excluded.name,
          trading_status = excluded.trading_status,
          fractional = excluded.fractional,
          updated_at = excluded.updated_at
        where (i.name, i.trading_status, i.fractional)
          is distinct from (excluded.name, excluded.trading_status, excluded.fractional)
        returning i.xmax = 0 as is_new`),
    ),
};

export const pricesStaging: Staging<'isin' | 'price' | 'currency'> = {
  open: (tx) => tx`
    create temporary table import_prices (
      line integer primary key,
      isin text not null,
      price numeric not null,
      currency text not null
    ) on commit drop`,

  load: (tx, lines) => tx`
    insert into pg_temp.import_prices (line, isin, price, currency)
    select n.line, n.isin, trim_scale(n.price), n.currency
    from unnest(
      ${lines.map(({ line }) => line)}::integer[],
      ${lines.map(({ row }) => row.isin)}::text[],
      ${lines.map(({ row }) => row.price)}::numeric[],
      ${lines.map(({ row }) => row.currency)}::text[]
    ) as n (line, isin, price, currency)`,

  settle: (tx) => tx`analyze pg_temp.import_prices`,

  findFaults: (tx, tenantId) => tx<StagedFault[]>`
    with repeated as (
      select r.isin, min(r.line) as first_line
      from pg_temp.import_prices r
      group by r.isin
      having count(*) > 1
    ),
    checked as (
      select
        s.line, f.first_line,
        case
          when s.line > f.first_line then 'repeated'
          when i.isin is null then 'instrument_unknown'
        end as fault
      from pg_temp.import_prices s
      left join repeated f on f.isin = s.isin
      left join unwind.instruments i
        on i.tenant_id = ${tenantId}
        and i.isin = s.isin
    )
    select
      c.line, c.fault, c.first_line, null as liquidation_id, null::timestamptz as moved_at,
      (count(*) over ())::integer as total
    from checked c
    where c.fault is not null
    order by c.line
    limit ${badLinesListedMax}`,

  write: (tx, writing) =>
    inSlices(writing.lastLine, writing, ({ first, last }) =>
      countWritten(tx<Written[]>`
        insert into unwind.prices as p (tenant_id, isin, price, currency, updated_at)
        select ${writing.tenantId}, s.isin, s.price, s.currency, ${writing.now}
        from pg_temp.import_prices s
        where s.line between ${first} and ${last}
        order by s.isin
        on conflict (tenant_id, isin) do update
        set
          price = excluded.price,
          currency = excluded.currency,
          updated_at = excluded.updated_at
        where (p.price, p.currency) is distinct from (excluded.price, excluded.currency)
        returning p.xmax = 0 as is_new`),
    ),
};
