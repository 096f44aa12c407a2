// The statements by which the log is kept: a part for each month ahead of time, and old parts dropped
// as a whole.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { identifier } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';

/** Makes the part of a month, given by its first day. @returns false where there is one. */
export async function makePart(tx: Tx, month: string): Promise<boolean> {
  const rows = await tx<{ made: boolean }[]>`
    select unwind.make_event_part(${month}::date) as made`;
  return rows[0]?.made === true;
}

/** Whether there is a part for a month, given by its first day. */
export async function hasPart(sql: Sql, month: string): Promise<boolean> {
  const rows = await sql`
    select p.name
    from unwind.event_parts p
    where p.name = concat('events_', to_char(${month}::date, 'YYYY_MM'))`;
  return rows.count > 0;
}

export interface EventPart {
  readonly name: string;
  /** The first liquidation id behind it. */
  readonly toId: string;
}

/** The oldest part of liquidations that all began before an instant. */
export async function findOldPart(sql: Sql, before: Date): Promise<EventPart | undefined> {
  const rows = await sql<{ name: string; to_id: string }[]>`
    select p.name, p.to_id
    from unwind.event_parts p
    where p.to_id <= unwind.first_id_at(${before})
      and not exists (
        select from unwind.liquidations l
        where l.status in ('NEW', 'PROCESSING')
          and l.liquidation_id < p.to_id
      )
    order by p.to_id
    limit 1`;
  const [row] = rows;
  return row && { name: row.name, toId: row.to_id };
}

/** How far a part reaches in each log; undefined while something in it is young or unpublished. */
export async function readEndsOfPart(
  sql: SqlOrTx,
  part: EventPart,
  before: Date,
): Promise<ReadonlyMap<TenantId, number> | undefined> {
  const rows = await sql<{ tenant_id: TenantId; last: string | null; is_old: boolean }[]>`
    select
      e.tenant_id,
      max(e.position) as last,
      bool_and(e.position is not null and e.created_at < ${before}) as is_old
    from unwind.${identifier(part.name)} e
    group by e.tenant_id`;
  if (rows.some((row) => !row.is_old)) return undefined;
  return new Map(rows.map((row) => [row.tenant_id, Number(row.last)]));
}

/** Drops a part and says so in the logs concerned, whose heads are locked in the order of ids. */
export async function dropPart(
  tx: Tx,
  part: EventPart,
  ends: ReadonlyMap<TenantId, number>,
): Promise<void> {
  const rows = [...ends].map(([tenant_id, last]) => ({ tenant_id, last }));
  await tx`
    with locked as (
      select h.tenant_id, g.last
      from json_to_recordset(${JSON.stringify(rows)}::json) as g (tenant_id uuid, last bigint)
      join unwind.event_heads h on h.tenant_id = g.tenant_id
      order by h.tenant_id
      for update of h
    )
    update unwind.event_heads h
    set dropped_to = greatest(h.dropped_to, l.last)
    from locked l
    where h.tenant_id = l.tenant_id`;
  await tx`
    update unwind.event_retention r
    set dropped_before = greatest(r.dropped_before, ${part.toId}::uuid)`;
  await tx`
    delete from unwind.event_parts p
    where p.name = ${part.name}`;
  await tx`drop table unwind.${identifier(part.name)}`;
}
