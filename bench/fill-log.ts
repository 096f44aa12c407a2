// Fills a database with a log as it is after months of work, set by set: liquidations that were
// released and ended at a limit with two orders each, their events of about 450 bytes, published,
// over six months. The audit finds nothing wrong in it. What the service would have made (parts,
// indexes, heads, frozen and analysed tables) is there in the end.

import { recordedMovements } from '../src/book/store.ts';
import { connect, type Sql, type Tx } from '../src/db/connect.ts';
import { fragment, identifier, raw } from '../src/db/sql.ts';
import { inTransaction } from '../src/db/transaction.ts';
import type { TenantId } from '../src/ids.ts';
import { recordedSql, recordSql } from '../src/trail/records-store.ts';

const eventsOfLife = 3;
const livesOfAccount = 50;
const isins = ['DE0007164600', 'DE0008404005'] as const;
/** This month and the five before it. */
const monthsFilled = 6;
/** Parts are attached in turn. */
const patience = { statementTimeoutMs: 600_000, lockTimeoutMs: 600_000 } as const;

export interface LogWanted {
  /** The first has 7 of 10 events, the others share the rest. */
  readonly tenantIds: readonly TenantId[];
  readonly events: number;
  readonly now: Date;
}

/** Fills an empty database. */
export async function fillLog(url: string, wanted: LogWanted): Promise<void> {
  const sql = connect({ url, max: 2, applicationName: 'unwind bench fill', ...patience });
  try {
    await fill(sql, wanted);
  } finally {
    await sql.end();
  }
}

async function fill(sql: Sql, wanted: LogWanted): Promise<void> {
  for (const round of fillRounds(wanted)) {
    const queue = [...round];
    const takeNext = async () => {
      for (let step = queue.shift(); step !== undefined; step = queue.shift()) await step(sql);
    };
    // Two at a time, as there are two cores.
    await Promise.all([takeNext(), takeNext()]);
  }
}

/** What fills a database, in rounds; the steps of a round do not depend on each other. */
export function fillRounds(
  wanted: LogWanted,
): readonly (readonly ((sql: Sql) => Promise<void>)[])[] {
  const months = monthsUpTo(wanted.now);
  const inOne = (work: (tx: Tx) => Promise<void>) => (sql: Sql) =>
    inTransaction(sql, work, patience);
  return [
    [inOne((tx) => planLives(tx, wanted, months))],
    [inOne(makeAccounts), inOne((tx) => makeRoomBefore(tx, months))],
    months.map((month) => async (sql: Sql) => {
      await inOne((tx) => fillPart(tx, month))(sql);
      await vacuum(sql, partOf(month));
    }),
    [fillLiquidations, fillOrders],
    [inOne(finish)],
    ['accounts', 'users', 'positions', 'movements', 'event_heads'].map((table) => (sql: Sql) => {
      return vacuum(sql, table);
    }),
  ];
}

function monthsUpTo(now: Date): readonly string[] {
  return Array.from({ length: monthsFilled }, (_, i) => {
    const ago = i + 1 - monthsFilled;
    const first = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ago, 1);
    return new Date(first).toISOString().slice(0, 10);
  });
}

function partOf(month: string): string {
  return `events_${month.slice(0, 7).replace('-', '_')}`;
}

/** Everything that is random or counted is decided here, once. */
async function planLives(
  tx: Tx,
  { tenantIds, events, now }: LogWanted,
  months: readonly string[],
): Promise<void> {
  const lives = tenantIds.map((_, n) => {
    const share = n === 0 ? 0.7 : 0.3 / (tenantIds.length - 1);
    return Math.ceil((events * share) / eventsOfLife);
  });
  await tx`create schema bench`;
  await tx`
    create table bench.tenants as
    select
      t.tenant_id, t.lives, greatest(t.lives / ${raw(String(livesOfAccount))}, 1) as accounts,
      ${raw(`timestamptz '${months[0]} 00:00Z'`)} as from_at,
      ${raw(`timestamptz '${now.toISOString()}'`)} - interval '1 minute' as to_at
    from unnest(
      ${raw(`'{${tenantIds.join(',')}}'::uuid[]`)}, ${raw(`'{${lives.join(',')}}'::integer[]`)}
    ) as t (tenant_id, lives)`;
  await tx.script(`
    create unlogged table bench.accounts as
    select
      t.tenant_id, n, t.from_at - interval '1 day' as at,
      gen_random_uuid() as account_id, gen_random_uuid() as user_id
    from bench.tenants t
    cross join lateral generate_series(0, t.accounts - 1) as n;
    analyze bench.accounts;
    create unlogged table bench.lives as
    select
      t.tenant_id, a.account_id, a.user_id, i / t.accounts + 1 as sequence, i, w.at, w.prefix,
      ${newId('w.prefix')} as liquidation_id,
      (w.prefix || '7000-8000-000000000000')::uuid as first_order,
      (w.prefix || '7000-8000-000000000001')::uuid as second_order
    from bench.tenants t
    cross join lateral generate_series(0, t.lives - 1) as i
    cross join lateral (
      select m.ms, lpad(to_hex(m.ms), 12, '0') as prefix, to_timestamp(m.ms / 1000.0) as at
      from (
        select (
          extract(epoch from t.from_at)::float8
          + extract(epoch from t.to_at - t.from_at)::float8 * i / t.lives
        ) * 1000
      ) s (exact)
      cross join lateral (select s.exact::bigint as ms) m
    ) w
    join bench.accounts a
      on a.tenant_id = t.tenant_id
      and a.n = i % t.accounts
    order by w.at;
    create index on bench.lives using brin (at);
    analyze bench.lives;`);
}

/** SQL: a UUIDv7 of the instant whose first 12 digits are given. */
function newId(prefix: string): string {
  return `(${prefix} || '7' || substr(gen_random_uuid()::text, 16))::uuid`;
}

async function makeAccounts(tx: Tx): Promise<void> {
  await tx`
    insert into unwind.users (tenant_id, user_id, created_at)
    select a.tenant_id, a.user_id, a.at
    from bench.accounts a`;
  await tx`
    insert into unwind.accounts (
      tenant_id, account_id, user_id, status, currency, created_at, updated_at
    )
    select a.tenant_id, a.account_id, a.user_id, 'ACTIVE', 'EUR', a.at, a.at
    from bench.accounts a`;
  await tx`
    insert into unwind.instruments (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select t.tenant_id, i.isin, 'Bench', 'ACTIVE', true, t.from_at, t.from_at
    from bench.tenants t
    cross join unnest(${isins}::text[]) as i (isin)`;
  await tx`
    with moved as (
      insert into unwind.movements as m (
      tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at,
      recorded_at
    )
    select a.tenant_id, gen_random_uuid(), a.account_id, i.isin, 1, 0, 0, 'import', a.at, a.at
    from bench.accounts a
    cross join unnest(${isins}::text[]) as i (isin)
      returning ${recordedSql(recordedMovements)}
    )
    ${recordSql(recordedMovements, fragment`select * from moved`)}`;
  await tx`
    insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
    select a.tenant_id, a.account_id, i.isin, 1, 0
    from bench.accounts a
    cross join unnest(${isins}::text[]) as i (isin)`;
}

/** The part for whatever came before this month makes room for parts of the months before. */
async function makeRoomBefore(tx: Tx, months: readonly string[]): Promise<void> {
  await tx`drop table unwind.events_before`;
  await tx`
    delete from unwind.event_parts p
    where p.name = 'events_before' or p.name = ${partOf(months.at(-1) ?? '')}`;
  await tx`drop table unwind.${identifier(partOf(months.at(-1) ?? ''))}`;
}

/** SQL: an instant as it is written on the wire. */
const iso = (at: string) => `unwind.instant(${at})`;

async function fillPart(tx: Tx, month: string): Promise<void> {
  await tx`set local maintenance_work_mem = '512MB'`;
  const table = identifier(partOf(month));
  // As `unwind.make_event_part` makes it, but filled before it is attached, which makes the indexes.
  await tx`
    create table unwind.${table} (like unwind.events including defaults including constraints)
      with (fillfactor = 100, autovacuum_freeze_min_age = 0)`;
  await tx`
    insert into unwind.${table} (
      tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at,
      position
    )
    select
      l.tenant_id, ${raw(newId('l.prefix'))}, l.account_id,
      l.liquidation_id, l.sequence, e.number, 'ACCOUNT_LIQUIDATION.' || e.status,
      concat(
        '{"account_id":"', l.account_id, '","cash_amount":"0.00","created_at":"',
        ${raw(iso('l.at'))}, '","currency":"EUR","id":"', l.liquidation_id, '","orders":[',
        case when e.orders is not null then concat(
          '{"id":"', l.first_order, '","side":"SELL","status":"', e.orders,
          '"},{"id":"', l.second_order, '","side":"SELL","status":"', e.orders, '"}'
        ) end,
        '],"status":"', e.status, '","updated_at":"', ${raw(iso('e.at'))},
        '","user_id":"', l.user_id, '"}'
      ),
      e.at, l.i::bigint * ${raw(String(eventsOfLife))} + e.number
    from bench.lives l
    cross join lateral (
      values
        (1, 'NEW', null, l.at),
        (2, 'PROCESSING', 'NEW', l.at + interval '1 second'),
        (3, 'CANCELLED', 'CANCELLED', l.at + interval '2 seconds')
    ) as e (number, status, orders, at)
    where l.at >= ${`${month}T00:00:00Z`}::timestamptz
      and l.at < ${`${month}T00:00:00Z`}::timestamptz + interval '1 month'`;
  await tx`
    insert into unwind.event_parts (name, from_id, to_id)
    select
      ${partOf(month)}, unwind.first_id_at(m.month at time zone 'UTC'),
      unwind.first_id_at((m.month + interval '1 month') at time zone 'UTC')
    from (select ${month}::timestamp as month) m`;
  const [part] = await tx<{ from_id: string; to_id: string }[]>`
    select p.from_id, p.to_id
    from unwind.event_parts p
    where p.name = ${partOf(month)}`;
  await tx`
    alter table unwind.events attach partition unwind.${table}
    for values from (${raw(`'${part?.from_id}'`)}) to (${raw(`'${part?.to_id}'`)})`;
}

async function fillLiquidations(sql: Sql): Promise<void> {
  await filling(sql, 'liquidations', async (tx) => {
    await tx`
      insert into unwind.liquidations (
        tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, rounds,
        event_count, release_at, created_at, updated_at, released_at, ended_at, end_reason
      )
      select
        l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.sequence, 'CANCELLED', 0, 1,
        3, l.at, l.at, l.at + interval '2 seconds', l.at + interval '1 second',
        l.at + interval '2 seconds', 'limit'
      from bench.lives l`;
  });
}

async function fillOrders(sql: Sql): Promise<void> {
  await filling(sql, 'orders', async (tx) => {
    await tx`
      insert into unwind.orders (
        tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status,
        cancellation_reason, created_at, updated_at, status_at, ended_at
      )
      select
        l.tenant_id, o.order_id, l.liquidation_id, l.account_id, o.isin, 1, 1, 'CANCELLED',
        'Bench', l.at + interval '1 second', l.at + interval '2 seconds',
        l.at + interval '2 seconds', l.at + interval '2 seconds'
      from bench.lives l
      cross join lateral (
        values (l.first_order, ${isins[0]}), (l.second_order, ${isins[1]})
      ) as o (order_id, isin)`;
  });
}

/** Fills a table without its triggers, and makes its secondary indexes afterwards. */
async function filling(sql: Sql, table: string, insert: (tx: Tx) => Promise<void>): Promise<void> {
  const work = async (tx: Tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`set local maintenance_work_mem = '512MB'`;
    const indexes = await tx<{ name: string; made_by: string }[]>`
      select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made_by
      from pg_catalog.pg_index i
      where i.indrelid = ${`unwind.${table}`}::regclass
        and not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid)`;
    for (const { name } of indexes) await tx`drop index ${raw(name)}`;
    await insert(tx);
    for (const { made_by: madeBy } of indexes) await tx`${raw(madeBy)}`;
  };
  await inTransaction(sql, work, patience);
  await vacuum(sql, table);
}

async function finish(tx: Tx): Promise<void> {
  await tx`
    insert into unwind.event_heads (tenant_id, position)
    select t.tenant_id, t.lives::bigint * ${raw(String(eventsOfLife))}
    from bench.tenants t`;
  await tx`drop schema bench cascade`;
}

/** As autovacuum leaves a table in which nothing changes any more. */
async function vacuum(sql: Sql, table: string): Promise<void> {
  await sql`vacuum (freeze, analyze) unwind.${identifier(table)}`;
}
