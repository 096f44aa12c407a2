// The statements of importing positions: a snapshot of what accounts hold is compared with the
// book, and the difference is booked as movements. What all files have in common is in import-store.ts.
//
// Every change of positions locks the account first (creating a liquidation, applying
// executions, applying deltas) or works for a liquidation that runs on it (holding quantity). An import locks the
// accounts, then looks for liquidations that run, and leaves the accounts that have one alone. So
// nothing but imports changes what is compared here, and nothing is held.
//
// `as_of` is the time of the movement. Executions have theirs on the market clock, which is the
// wall clock unless a sandbox test has moved it; then a snapshot has to be of market time as well,
// and `readLatestInstant` lets it.

import { assert } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import { newId, type TenantId } from '../ids.ts';
import { recordedSql, recordSql } from '../trail/records-store.ts';
import { type Counts, inSlices, type Rules, type Writing } from './import-staging.ts';
import { recordedMovements } from './store.ts';

/**
 * A snapshot of the instant of a sale or a delta may be from before or after it: it is refused, so that
 * what was sold never comes back, and what was credited never leaves. One of the instant of an earlier
 * import is the same snapshot again, or another part of it.
 */
export function positionRules(tenantId: TenantId): Rules {
  return {
    before: fragment`,
    account as materialized (
      select
        n.account_id, l.liquidation_id,
        greatest(last.effective_at, a.positions_as_of) as moved_at,
        case
          when last.effective_at >= coalesce(a.positions_as_of, '-infinity') then last.reason
        end as moved_by
      from (select distinct s.account_id from pg_temp.import_positions s) as n
      join unwind.accounts a
        on a.tenant_id = ${tenantId}
        and a.account_id = n.account_id
      left join unwind.liquidations l
        on l.tenant_id = ${tenantId}
        and l.account_id = n.account_id
        and l.status in ('NEW', 'PROCESSING')
      left join lateral (
        select m.effective_at, m.reason
        from unwind.movements m
        where m.tenant_id = ${tenantId}
          and m.account_id = n.account_id
        order by m.effective_at desc, (m.reason <> 'import') desc
        limit 1
      ) as last on true
    )`,
    joins: fragment`
      left join account a on a.account_id = s.account_id
      left join unwind.instruments i
        on i.tenant_id = ${tenantId}
        and i.isin = s.isin`,
    faults: fragment`
      when a.account_id is null then 'account_unknown'
      when i.isin is null then 'instrument_unknown'
      when a.liquidation_id is not null then 'position_while_running'
      when s.as_of <= a.moved_at and a.moved_by in ('credit', 'lock', 'unlock')
        then 'delta_since'
      when s.as_of <= a.moved_at and a.moved_by <> 'import' then 'sold_since'
      when s.as_of < a.moved_at then 'moved_since'`,
    liquidationId: fragment`a.liquidation_id`,
    movedAt: fragment`a.moved_at`,
  };
}

/** Books what differs; the caller holds the locks of the accounts, and no fault was found. */
export async function writePositions(tx: Tx, writing: Writing): Promise<Counts> {
  await rememberSnapshot(tx, writing.tenantId);
  const changes = await findChanges(tx, writing.tenantId);
  return inSlices(changes, writing, (slice) => writeChanges(tx, writing, slice));
}

/** A snapshot counts also where it changes nothing: an older one must not follow it. */
async function rememberSnapshot(tx: Tx, tenantId: TenantId): Promise<void> {
  await tx`
    update unwind.accounts a
    set positions_as_of = n.as_of
    from (
      select s.account_id, max(s.as_of) as as_of
      from pg_temp.import_positions s
      group by s.account_id
    ) as n
    where a.tenant_id = ${tenantId}
      and a.account_id = n.account_id
      and (a.positions_as_of is null or a.positions_as_of < n.as_of)`;
}

/**
 * Lists the positions that differ from the book, numbered in the order of the tables' keys, where
 * the rows of one account stand together. @returns how many.
 */
async function findChanges(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx`
    create temporary table import_changes (
      number integer primary key,
      account_id uuid not null,
      isin text not null,
      quantity numeric not null,
      locked numeric not null,
      as_of timestamptz not null,
      old_quantity numeric not null,
      old_locked numeric not null,
      is_new boolean not null,
      is_first_of_account boolean not null
    ) on commit drop`;
  const compared = await tx`
    insert into pg_temp.import_changes (
      number, account_id, isin, quantity, locked, as_of, old_quantity, old_locked, is_new,
      is_first_of_account
    )
    select
      row_number() over (order by s.account_id, s.isin),
      s.account_id, s.isin, s.quantity, s.locked, s.as_of,
      coalesce(p.quantity, 0), coalesce(p.locked, 0),
      p.account_id is null,
      row_number() over (partition by s.account_id order by s.isin) = 1
    from pg_temp.import_positions s
    left join unwind.positions p
      on p.tenant_id = ${tenantId}
      and p.account_id = s.account_id
      and p.isin = s.isin
    where s.quantity <> coalesce(p.quantity, 0)
      or s.locked <> coalesce(p.locked, 0)`;
  await tx`analyze pg_temp.import_changes`;
  return compared.count;
}

/** Books a slice of the changes: movements, positions and, once each, versions of accounts. */
async function writeChanges(
  tx: Tx,
  { tenantId, now }: Writing,
  { first, last }: { first: number; last: number },
): Promise<Counts> {
  const ids = Array.from({ length: last - first + 1 }, () => newId<'movement'>());
  const [written] = await tx<Counts[]>`
    with slice as materialized (
      select
        n.movement_id, c.account_id, c.isin, c.quantity, c.locked, c.as_of, c.old_quantity,
        c.old_locked, c.is_new, c.is_first_of_account
      from pg_temp.import_changes c
      join unnest(${ids}::uuid[]) with ordinality as n (movement_id, place)
        on n.place = c.number - ${first}::integer + 1
      where c.number between ${first} and ${last}
    ),
    moved as (
      insert into unwind.movements as m (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at,
        recorded_at
      )
      select
        ${tenantId}, c.movement_id, c.account_id, c.isin,
        trim_scale(c.quantity - c.old_quantity), trim_scale(c.locked - c.old_locked), 0,
        'import', c.as_of, ${now}
      from slice c
      returning ${recordedSql(recordedMovements)}
    ),
    recorded as (${recordSql(recordedMovements, fragment`select * from moved`)}),
    touched as (
      update unwind.accounts a
      set
        version = a.version + 1,
        updated_at = ${now}
      from slice c
      where c.is_first_of_account
        and a.tenant_id = ${tenantId}
        and a.account_id = c.account_id
    ),
    inserted as (
      insert into unwind.positions (tenant_id, account_id, isin, quantity, locked)
      select ${tenantId}, c.account_id, c.isin, c.quantity, c.locked
      from slice c
      where c.is_new
      returning isin
    ),
    changed as (
      update unwind.positions p
      set
        quantity = c.quantity,
        locked = c.locked
      from slice c
      where not c.is_new
        and p.tenant_id = ${tenantId}
        and p.account_id = c.account_id
        and p.isin = c.isin
        and p.quantity = c.old_quantity
        and p.locked = c.old_locked
      returning p.isin
    )
    select
      (select count(*) from inserted)::integer as inserted,
      (select count(*) from changed)::integer as changed`;
  assert(
    written !== undefined && written.inserted + written.changed === last - first + 1,
    'positions stay as they were compared while their accounts are locked',
  );
  return written;
}
