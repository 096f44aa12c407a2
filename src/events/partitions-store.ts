// The statements by which the log is kept: a partition for each month ahead of time, and old partitions
// retired, taken out of the log and dropped as a whole.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { identifier } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';

/**
 * Waits until no other process makes or detaches a partition, and has every session read anew which ones there
 * are: one that read them just while a partition was attached may not know it, until something else changes.
 * The setting, which is the default, stays what it is.
 */
export async function renewPartitions(tx: Tx): Promise<void> {
  await tx`alter table only unwind.events alter column type set statistics -1`;
}

/** Makes the partition of a month, given by its first day. @returns false where there is one. */
export async function makePartition(tx: Tx, month: string): Promise<boolean> {
  const rows = await tx<{ made: boolean }[]>`
    select unwind.make_event_part(${month}::date) as made`;
  return rows[0]?.made === true;
}

/** Which of these months, given by their first days, have neither a partition of theirs nor another. */
export async function monthsWithoutPartition(
  sql: SqlOrTx,
  months: readonly string[],
): Promise<readonly string[]> {
  const rows = await sql<{ month: string }[]>`
    select m.month::text as month
    from unnest(${months}::date[]) as m (month)
    cross join lateral unwind.first_id_at(m.month::timestamp at time zone 'UTC') as first_id
    where not exists (
      select from unwind.event_parts p
      where p.from_id <= first_id
        and p.to_id > first_id
    )
    order by m.month`;
  return rows.map((row) => row.month);
}

export interface EventPartition {
  readonly name: string;
  /** The first liquidation id behind it. */
  readonly toId: string;
}

/** The oldest partition that may be over: all its liquidations and batches began before an instant and have ended. */
export async function findOldPartition(
  sql: Sql,
  { before, now }: { before: Date; now: Date },
): Promise<EventPartition | undefined> {
  const rows = await sql<{ name: string; to_id: string }[]>`
    select p.name, p.to_id
    from unwind.event_parts p
    where p.given_up_at is null
      and p.to_id <= unwind.first_id_at(${before})
      and (p.next_try_at is null or p.next_try_at <= ${now})
      and not exists (
        select from unwind.liquidations l
        where l.status in ('NEW', 'PROCESSING')
          and l.liquidation_id < p.to_id
      )
      and not exists (
        select from unwind.batches b
        where b.ended_at is null
          and b.batch_id < p.to_id
      )
    order by p.to_id
    limit 1`;
  const [row] = rows;
  return row && { name: row.name, toId: row.to_id };
}

/** How far a partition reaches in one log, and when the last of its events there happened. */
export interface PartitionEnd {
  readonly tenantId: TenantId;
  readonly position: number;
  readonly at: Date;
}

/** The ends of a partition in each log; its youngest events, since times never go back in a log. */
export async function readEndsOfPartition(
  tx: Tx,
  partition: EventPartition,
): Promise<readonly PartitionEnd[]> {
  const rows = await tx<{ tenant_id: TenantId; position: string; created_at: Date }[]>`
    select h.tenant_id, e.position, e.created_at
    from unwind.event_heads h
    cross join lateral (
      select e.position, e.created_at
      from unwind.${identifier(partition.name)} e
      where e.tenant_id = h.tenant_id
        and e.position is not null
      order by e.position desc
      limit 1
    ) e`;
  return rows.map((row) => {
    return { tenantId: row.tenant_id, position: Number(row.position), at: row.created_at };
  });
}

/** Whether something in a partition has no position yet. */
export async function hasUnpublished(tx: Tx, partition: EventPartition): Promise<boolean> {
  const rows = await tx<{ present: boolean }[]>`
    select exists (
      select from unwind.${identifier(partition.name)} e
      where e.position is null
    ) as present`;
  return rows[0]?.present === true;
}

/** Has a partition looked at again only from an instant on. */
export async function keepPartition(
  tx: Tx,
  partition: EventPartition,
  nextTryAt: Date,
): Promise<void> {
  await tx`
    update unwind.event_parts p
    set next_try_at = ${nextTryAt}
    where p.name = ${partition.name}
      and p.given_up_at is null`;
}

/**
 * Retires a partition: the heads of its logs say that nothing up to its end is promised any more. They are
 * locked in the order of ids.
 */
export async function retirePartition(
  tx: Tx,
  partition: EventPartition,
  how: { ends: readonly PartitionEnd[]; now: Date; dropFrom: Date },
): Promise<void> {
  await tx`
    with locked as (
      select h.tenant_id, g.position
      from ${rowsOf(how.ends).asRecords('g (tenant_id uuid, position bigint)')}
      join unwind.event_heads h on h.tenant_id = g.tenant_id
      order by h.tenant_id
      for update of h
    )
    update unwind.event_heads h
    set dropped_to = greatest(h.dropped_to, l.position)
    from locked l
    where h.tenant_id = l.tenant_id`;
  await tx`
    update unwind.event_retention r
    set dropped_before = greatest(r.dropped_before, ${partition.toId}::uuid)`;
  await tx`
    update unwind.event_parts p
    set
      given_up_at = ${how.now},
      next_try_at = ${how.dropFrom}
    where p.name = ${partition.name}
      and p.given_up_at is null`;
}

/** A partition that is to be dropped; detaching is what was broken off while a reader was waited for. */
export interface RetiredPartition {
  readonly name: string;
  readonly retiredAt: Date;
  readonly place: 'attached' | 'detaching' | 'detached';
}

/** Takes the next partition that is to be dropped for some time: no other process tries meanwhile. */
export async function claimRetired(
  sql: Sql,
  { now, nextTryAt }: { now: Date; nextTryAt: Date },
): Promise<RetiredPartition | undefined> {
  const rows = await sql<{ name: string; given_up_at: Date; is_detaching: boolean | null }[]>`
    update unwind.event_parts p
    set next_try_at = ${nextTryAt}
    where p.name = (
      select d.name
      from unwind.event_parts d
      where d.given_up_at is not null
        and d.next_try_at <= ${now}
      order by d.next_try_at
      limit 1
      for update skip locked
    )
    returning
      p.name, p.given_up_at,
      (
        select i.inhdetachpending
        from pg_catalog.pg_inherits i
        where i.inhparent = 'unwind.events'::regclass
          and i.inhrelid = to_regclass(concat('unwind.', quote_ident(p.name)))
      ) as is_detaching`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { name, given_up_at: retiredAt, is_detaching: isDetaching } = row;
  const place = isDetaching === null ? 'detached' : isDetaching ? 'detaching' : 'attached';
  return { name, retiredAt, place };
}

/**
 * Takes a partition out of the log; waits only for statements that read the log since before, and no other
 * waits for that. Cannot be partition of a transaction. @throws a lock timeout when they take too long.
 */
export async function detachPartition(sql: Sql, { name }: RetiredPartition): Promise<void> {
  await sql`
    alter table unwind.events
    detach partition unwind.${identifier(name)} concurrently`;
}

/** Completes what `detachPartition` has begun. @throws like it. */
export async function finishDetaching(sql: Sql, { name }: RetiredPartition): Promise<void> {
  await sql`
    alter table unwind.events
    detach partition unwind.${identifier(name)} finalize`;
}

/** Drops a partition that is out of the log. */
export async function dropPartition(tx: Tx, { name }: RetiredPartition): Promise<void> {
  await tx`drop table if exists unwind.${identifier(name)}`;
  await tx`
    delete from unwind.event_parts p
    where p.name = ${name}`;
}
