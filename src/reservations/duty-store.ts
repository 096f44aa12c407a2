// The statements about the duty to ask the keeper of the holdings: one row for the whole database, so that a process
// whose settings do not name a keeper sells nothing unasked either.

import type { Sql, SqlOrTx } from '../db/connect.ts';

/** `none`: no keeper was ever to be asked. `ended`: none is any more; there may be reservations of before. */
export type Duty = 'none' | 'in_force' | 'ended';

/** Whether the keeper is asked, as of this statement. */
export async function findDuty(sql: SqlOrTx): Promise<Duty> {
  const [row] = await sql<{ ended: boolean }[]>`
    select d.ended_at is not null as ended
    from unwind.reservation_duty d`;
  if (row === undefined) return 'none';
  return row.ended ? 'ended' : 'in_force';
}

/** From the commit on the keeper is asked, by all processes. @returns whether it was not before. */
export async function beginDuty(sql: Sql, now: Date): Promise<boolean> {
  const rows = await sql`
    insert into unwind.reservation_duty (began_at)
    values (${now})
    on conflict (only_row) do update
    set
      began_at = excluded.began_at,
      ended_at = null
    where reservation_duty.ended_at is not null`;
  return rows.count > 0;
}

/** From the commit on no keeper is asked. @returns whether one was before. */
export async function endDuty(sql: Sql, now: Date): Promise<boolean> {
  const rows = await sql`
    update unwind.reservation_duty
    set ended_at = ${now}
    where ended_at is null`;
  return rows.count > 0;
}
