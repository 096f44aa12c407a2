// The statements of an import, made of the table of files (import-file.ts): the lines of a file are
// staged in a temporary table, compared with each other and with the book, and what differs is written in
// slices; all within one transaction. Positions are booked as movements: import-positions-store.ts.

import { assertNever, first } from '../assert.ts';
import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { Fragment, fragment, raw } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import type { BookFile, ColumnType, Row } from './import-file.ts';
import { badLinesListedMax } from './import-limits.ts';
import { positionRules, writePositions } from './import-positions-store.ts';
import type { StagedFault } from './import-report.ts';
import { type Counts, inSlices, type Rules, type Writing } from './import-staging.ts';

/** A line that is right by itself. */
export interface StagedLine {
  readonly line: number;
  readonly row: Row<string>;
}

export async function hasClient(sql: SqlOrTx, tenantId: TenantId): Promise<boolean> {
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

/** Makes the empty staging table of a file; it vanishes with the transaction. */
export async function openStaging(tx: Tx, file: BookFile): Promise<void> {
  const columns = columnsOf(file).map((name) => `${name} ${file.types[name] ?? 'text'} not null`);
  await tx`
    create temporary table ${raw(`import_${file.table}`)} (
      line integer primary key,
      ${raw(columns.join(', '))}
    ) on commit drop`;
}

export async function stageLines(
  tx: Tx,
  file: BookFile,
  lines: readonly StagedLine[],
): Promise<void> {
  const columns = columnsOf(file);
  const values = columns.map((name) => {
    const texts = lines.map(({ row }) => row[name] ?? '');
    return fragment`${texts}::${raw(arrayTypes[file.types[name] ?? 'text'])}`;
  });
  await tx`
    insert into ${staged(file)} (line, ${raw(columns.join(', '))})
    select n.line, ${raw(columns.map((name) => stagedAs(file, name)).join(', '))}
    from unnest(${lines.map(({ line }) => line)}::integer[], ${listed(values)})
      as n (line, ${raw(columns.join(', '))})`;
}

/** What the driver writes of an array, read by the server as one of this type. */
const arrayTypes = {
  text: 'text[]',
  uuid: 'uuid[]',
  numeric: 'numeric[]',
  boolean: 'text[]::boolean[]',
  timestamptz: 'text[]::timestamptz[]',
} as const satisfies Readonly<Record<ColumnType | 'text', string>>;

function stagedAs({ types }: BookFile, name: string): string {
  return types[name] === 'numeric' ? `trim_scale(n.${name})` : `n.${name}`;
}

/** Ends the staging: gives the planner the size of what it would take to be empty. */
export async function settleStaging(tx: Tx, file: BookFile): Promise<void> {
  await tx`analyze ${staged(file)}`;
}

/**
 * Locks what the faults of lines depend on: the accounts named, for their liquidations; all rates, since
 * another import might bring the one that is compared with.
 */
export async function lockBook(tx: Tx, file: BookFile, tenantId: TenantId): Promise<void> {
  if (file.table === 'rates') await tx`lock table unwind.rates in share row exclusive mode`;
  if (!columnsOf(file).includes('account_id')) return;
  await tx`
    with locked as materialized (
      select a.account_id
      from unwind.accounts a
      where a.tenant_id = ${tenantId}
        and a.account_id in (select s.account_id from ${staged(file)} s)
      order by a.account_id
      for no key update
    )
    select count(*) from locked`;
}

/** What is wrong with staged lines, one fault a line, in their order. Called under the locks. */
export async function findFaults(
  tx: Tx,
  file: BookFile,
  tenantId: TenantId,
): Promise<readonly StagedFault[]> {
  const { before, joins, faults, liquidationId, movedAt } = rulesOf(file, tenantId);
  const key = file.key.map((name) => `r.${name}`).join(', ');
  const sameKey = file.key.map((name) => `f.${name} = s.${name}`).join(' and ');
  return tx<StagedFault[]>`
    with repeated as (
      select ${raw(key)}, min(r.line) as first_line
      from ${staged(file)} r
      group by ${raw(key)}
      having count(*) > 1
    )${before},
    checked as (
      select
        s.line, f.first_line, ${liquidationId} as liquidation_id, ${movedAt} as moved_at,
        case
          when s.line > f.first_line then 'repeated'
          ${faults}
        end as fault
      from ${staged(file)} s
      left join repeated f on ${raw(sameKey)}
      ${joins}
    )
    select
      c.line, c.fault, c.first_line, c.liquidation_id, c.moved_at,
      (count(*) over ())::integer as total
    from checked c
    where c.fault is not null
    order by c.line
    limit ${badLinesListedMax}`;
}

const nothing = fragment``;
const noRules: Rules = {
  before: nothing,
  joins: nothing,
  faults: nothing,
  liquidationId: fragment`null::uuid`,
  movedAt: fragment`null::timestamptz`,
};

function rulesOf({ table }: BookFile, tenantId: TenantId): Rules {
  switch (table) {
    case 'users':
    case 'instruments':
      return noRules;
    case 'listings':
    case 'prices':
      return {
        ...noRules,
        joins: fragment`
          left join unwind.instruments i
            on i.tenant_id = ${tenantId}
            and i.isin = s.isin`,
        faults: fragment`when i.isin is null then 'instrument_unknown'`,
      };
    case 'rates':
      return {
        ...noRules,
        joins: fragment`
          left join unwind.rates r
            on r.tenant_id = ${tenantId}
            and r.currency = s.currency
            and r.as_of = s.as_of
          left join lateral (
            select max(k.as_of) as as_of
            from unwind.rates k
            where k.tenant_id = ${tenantId}
              and k.currency = s.currency
          ) n on true`,
        faults: fragment`
          when r.rate <> s.rate then 'rate_known'
          when r.rate is null and s.as_of <= n.as_of then 'rate_late'`,
        movedAt: fragment`n.as_of`,
      };
    case 'accounts':
      return {
        ...noRules,
        joins: fragment`
          left join unwind.users u
            on u.tenant_id = ${tenantId}
            and u.user_id = s.user_id
          left join unwind.accounts a
            on a.tenant_id = ${tenantId}
            and a.account_id = s.account_id
          left join unwind.liquidations l
            on l.tenant_id = ${tenantId}
            and l.account_id = s.account_id
            and l.status in ('NEW', 'PROCESSING')`,
        faults: fragment`
          when u.user_id is null then 'user_unknown'
          when a.user_id <> s.user_id and l.liquidation_id is not null then 'owner_while_running'`,
        liquidationId: fragment`l.liquidation_id`,
      };
    case 'positions':
      return positionRules(tenantId);
    default:
      return assertNever(table);
  }
}

/** Writes what differs from the book; only after no fault was found. */
export async function writeStaged(tx: Tx, file: BookFile, writing: Writing): Promise<Counts> {
  const { table } = file;
  if (table === 'positions') return writePositions(tx, writing);
  return inSlices(writing.lastLine, writing, async (slice) => {
    const counts = await upsert(tx, file, { ...writing, ...slice, ...upserts[table] });
    if (table === 'prices') await confirmPrices(tx, file, { ...writing, ...slice });
    return counts;
  });
}

/** Where lines go, and the columns that hold the time of the import. */
const upserts = {
  users: { into: fragment`insert into unwind.users as t`, stamps: ['created_at'] },
  accounts: {
    into: fragment`insert into unwind.accounts as t`,
    stamps: ['created_at', 'updated_at'],
  },
  instruments: {
    into: fragment`insert into unwind.instruments as t`,
    stamps: ['created_at', 'updated_at'],
  },
  listings: { into: fragment`insert into unwind.listings as t`, stamps: ['updated_at'] },
  rates: { into: fragment`insert into unwind.rates as t`, stamps: ['updated_at'] },
  prices: { into: fragment`insert into unwind.prices as t`, stamps: ['updated_at'] },
};

interface Slice {
  readonly tenantId: TenantId;
  readonly now: Date;
  readonly first: number;
  readonly last: number;
  readonly into: Fragment;
  readonly stamps: readonly string[];
}

/** What is as it was before is not written; of prices see `confirmPrices`. */
async function upsert(tx: Tx, file: BookFile, slice: Slice): Promise<Counts> {
  const { tenantId, now, into, stamps } = slice;
  const columns = columnsOf(file);
  const values = columns.filter((name) => !file.key.includes(name));
  const of = (row: string, names: readonly string[]) => names.map((name) => `${row}.${name}`);
  const set = [...values, 'updated_at'].map((name) => `${name} = excluded.${name}`).join(', ');
  const isOther = `(${of('t', values)}) is distinct from (${of('excluded', values)})`;
  const onConflict = values.length === 0 ? 'do nothing' : `do update set ${set} where ${isOther}`;
  // `xmax` is 0 in a row that is new, and not in one that was updated.
  const rows = await tx<{ is_new: boolean }[]>`
    ${into} (tenant_id, ${raw([...columns, ...stamps].join(', '))})
    select
      ${tenantId}::uuid, ${raw(of('s', columns).join(', '))},
      ${listed(stamps.map(() => fragment`${now}::timestamptz`))}
    from ${staged(file)} s
    where s.line between ${slice.first} and ${slice.last}
    order by ${raw(of('s', file.key).join(', '))}
    on conflict (tenant_id, ${raw(file.key.join(', '))}) ${raw(onConflict)}
    returning t.xmax = 0 as is_new`;
  const inserted = rows.filter((row) => row.is_new).length;
  return { inserted, changed: rows.length - inserted };
}

/** A price that comes again is as new as the import: limit orders ask for its age. */
async function confirmPrices(
  tx: Tx,
  file: BookFile,
  { tenantId, now, first, last }: Pick<Slice, 'tenantId' | 'now' | 'first' | 'last'>,
): Promise<void> {
  await tx`
    update unwind.prices p
    set updated_at = ${now}
    from ${staged(file)} s
    where p.tenant_id = ${tenantId}
      and p.isin = s.isin
      and s.line between ${first} and ${last}
      and p.updated_at < ${now}`;
}

/** Renews what the planner knows of the tables that an import fills, so that no plan is stale. */
export async function analyseBook(sql: Sql): Promise<void> {
  await sql`
    analyze unwind.users, unwind.accounts, unwind.instruments, unwind.listings, unwind.rates,
      unwind.prices, unwind.positions, unwind.movements`;
}

function columnsOf(file: BookFile): readonly string[] {
  return Object.keys(file.columns);
}

function staged({ table }: BookFile): Fragment {
  return raw(`pg_temp.import_${table}`);
}

/** SQL: pieces with commas between them. */
function listed(pieces: readonly Fragment[]): Fragment {
  return new Fragment(['', ...pieces.slice(1).map(() => ', '), ''], pieces);
}
