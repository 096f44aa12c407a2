// The statements of parked rows. The rows themselves stay as they are: writing to one that is broken
// might fail as well.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';
import { gapMsAfter, type ParkedStep, triesMax } from './parked.ts';

/** A row that a step worked on, named within its tenant. */
export interface Subject {
  readonly tenantId: TenantId;
  readonly step: ParkedStep;
  readonly subject: string;
}

/** SQL, for claims: the row is neither parked for this step nor resting after a try that failed. */
export function mayBeWorked(
  step: ParkedStep,
  row: { readonly tenantId: Fragment; readonly subject: Fragment; readonly now: Date },
): Fragment {
  return fragment`not exists (
    select
    from unwind.parked k
    where k.tenant_id = ${row.tenantId}
      and k.step = ${step}
      and k.subject = ${row.subject}
      and (k.parked_at is not null or k.retry_at > ${row.now})
  )`;
}

/**
 * Counts a try that failed; the last one parks the row. Tries an hour apart do not add up.
 *
 * @returns how many tries there were, and whether it is parked now.
 */
export async function countTry(
  tx: Tx,
  failed: Subject & { reason: string; now: Date; triesMax: number },
): Promise<{ tries: number; isParked: boolean }> {
  const { tenantId, step, subject, reason, now, triesMax: limit } = failed;
  const gaps = Array.from({ length: triesMax }, (_, i) => gapMsAfter(i + 1));
  const rows = await tx<{ tries: number; is_parked: boolean }[]>`
    insert into unwind.parked as k (
      tenant_id, step, subject, reason, tries, first_at, last_at, retry_at, parked_at
    )
    values (
      ${tenantId}, ${step}, ${subject}, ${reason}, 1, ${now}, ${now},
      ${now}::timestamptz + ${gapMsAfter(1)}::integer * interval '1 millisecond',
      case when ${limit}::integer <= 1 then ${now}::timestamptz end
    )
    on conflict (tenant_id, step, subject) do update
    set
      reason = excluded.reason,
      tries = case when k.last_at < ${now}::timestamptz - interval '1 hour' then 1 else k.tries + 1 end,
      last_at = excluded.last_at,
      retry_at = ${now}::timestamptz + interval '1 millisecond' * case
        when k.last_at < ${now}::timestamptz - interval '1 hour' then ${gapMsAfter(1)}::integer
        else (${gaps}::integer[])[least(k.tries + 1, ${triesMax}::integer)]
      end,
      parked_at = case
        when k.last_at < ${now}::timestamptz - interval '1 hour' then excluded.parked_at
        when k.tries + 1 >= ${limit}::integer then ${now}::timestamptz
      end,
      closed_at = null,
      closed_by = null,
      closed_reason = null
    returning k.tries, k.parked_at is not null as is_parked`;
  const [row] = rows;
  return { tries: row?.tries ?? 1, isParked: row?.is_parked ?? false };
}

/** Forgets tries that were followed by none for a day: the row has gone on. @returns how many. */
export async function forgetOldTries(sql: Sql, now: Date, limit: number): Promise<number> {
  const rows = await sql`
    delete from unwind.parked k
    where (k.tenant_id, k.step, k.subject) in (
      select o.tenant_id, o.step, o.subject
      from unwind.parked o
      where o.parked_at is null
        and o.step <> 'receive'
        and o.last_at < ${now}::timestamptz - interval '1 day'
      limit ${limit}
    )`;
  return rows.count;
}

/**
 * Forgets what is parked of a row that has ended otherwise, such as an account whose batch was cancelled: no step
 * works on it any more, so a person has nothing to see to. @returns how many.
 */
export async function forgetEnded(sql: Sql, limit: number): Promise<number> {
  const rows = await sql`
    delete from unwind.parked k
    where (k.tenant_id, k.step, k.subject) in (
      select o.tenant_id, o.step, o.subject
      from unwind.parked o
      where o.parked_at is not null
        and o.closed_at is null
        and case
          when o.step = 'start' and o.subject like '%/%' then exists (
            select
            from unwind.batch_accounts a
            where a.tenant_id = o.tenant_id
              and a.batch_id = split_part(o.subject, '/', 1)::uuid
              and a.account_id = split_part(o.subject, '/', 2)::uuid
              and a.status <> 'WAITING'
          )
          when o.step in ('release', 'advance', 'stop') then exists (
            select
            from unwind.liquidations l
            where l.tenant_id = o.tenant_id
              and l.liquidation_id = o.subject::uuid
              and l.status not in ('NEW', 'PROCESSING')
          )
          when o.step = 'reserve' then exists (
            select
            from unwind.reservations r
            where r.tenant_id = o.tenant_id
              and r.reservation_id = o.subject::uuid
              and r.status = 'CLOSED'
          )
          when o.step = 'submit' then exists (
            select
            from unwind.orders r
            where r.tenant_id = o.tenant_id
              and r.order_id = o.subject::uuid
              and r.status not in ('NEW', 'PROCESSING')
          )
        end
      limit ${limit}
    )`;
  return rows.count;
}

/** Something that waits for a person. */
export interface ParkedItem {
  readonly tenantId: TenantId;
  /** Step and subject: `release/<liquidation>`, `apply/<venue>/<report>` and so on. */
  readonly id: string;
  readonly reason: string;
  readonly tries: number;
  readonly since: Date;
}

const itemColumns = fragment`p.tenant_id, p.parked_id as id, p.reason, p.tries, p.parked_at as since`;

/** What waits for a person, the oldest first. */
export async function findParked(sql: Sql, limit: number): Promise<readonly ParkedItem[]> {
  const rows = await sql<RowOf<ParkedItem>[]>`
    select ${itemColumns}
    from unwind_v1.parked p
    order by p.parked_at, p.parked_id
    limit ${limit}`;
  return rows.map((row) => thingOf<ParkedItem>(row));
}

/** What of one tenant waits for a person, the oldest first, and how much there is. */
export async function findParkedOf(
  sql: Sql,
  which: { readonly tenantId: TenantId; readonly offset: number; readonly limit: number },
): Promise<{ readonly items: readonly ParkedItem[]; readonly totalCount: number }> {
  const { tenantId, offset, limit } = which;
  const [rows, [total]] = await Promise.all([
    sql<RowOf<ParkedItem>[]>`
      select ${itemColumns}
      from unwind_v1.parked p
      where p.tenant_id = ${tenantId}
      order by p.parked_at, p.parked_id
      offset ${offset}
      limit ${limit}`,
    sql<{ count: number }[]>`
      select count(*)::integer as count
      from unwind_v1.parked p
      where p.tenant_id = ${tenantId}`,
  ]);
  return { items: rows.map((row) => thingOf<ParkedItem>(row)), totalCount: total?.count ?? 0 };
}

/** How much waits for a person. */
export async function countParked(sql: Sql): Promise<number> {
  const rows = await sql<{ count: string }[]>`
    select
      (select count(*) from unwind.parked k where k.parked_at is not null and k.closed_at is null)
        + (select count(*) from unwind.venue_reports r where r.parked_reason is not null) as count`;
  return Number(rows[0]?.count ?? 0);
}

/** Which parked rows: one by its id, or all that have been parked. */
export type Choice = { readonly id: string; readonly tenantId: TenantId | undefined } | 'all';

/**
 * Lets steps work on parked rows again, with all their tries before them. What no step can try again
 * (`correction`) stays; reports in the inbox are resumed by its own room. @returns the ids of what was
 * resumed.
 */
export async function resumeParked(tx: Tx, choice: Choice, now: Date): Promise<readonly string[]> {
  const id = fragment`k.step || '/' || k.subject`;
  const chosen = isChosen(choice, { tenantId: fragment`k.tenant_id`, id });
  // What the venue said and did not get in has no row but this one: it stays, to be asked for again.
  const kept = await tx<{ id: string }[]>`
    update unwind.parked k
    set
      parked_at = null,
      tries = 1,
      retry_at = ${now}
    where k.step = 'receive'
      and k.parked_at is not null
      and ${chosen}
    returning ${id} as id`;
  const steps = await tx<{ id: string }[]>`
    delete from unwind.parked k
    where k.step not in ('receive', 'correction')
      and k.parked_at is not null
      and ${chosen}
    returning ${id} as id`;
  return [...kept, ...steps].map((row) => row.id);
}

/** SQL: whether a parked row is one of those chosen. */
export function isChosen(
  choice: Choice,
  row: { readonly tenantId: Fragment; readonly id: Fragment },
): Fragment {
  const id = choice === 'all' ? null : choice.id;
  const tenantId = choice === 'all' ? null : (choice.tenantId ?? null);
  return fragment`
    (${id}::text is null or ${row.id} = ${id})
    and (${tenantId}::uuid is null or ${row.tenantId} = ${tenantId})`;
}

/** Numbers of a venue's reports that a person has resumed: they are to be asked for again. */
export async function findResumed(
  sql: Sql,
  { venue, limit }: { readonly venue: string; readonly limit: number },
): Promise<readonly number[]> {
  const rows = await sql<{ subject: string }[]>`
    select k.subject
    from unwind.parked k
    where k.step = 'receive'
      and k.parked_at is null
      and starts_with(k.subject, ${`${venue}/`})
    order by k.subject
    limit ${limit}`;
  return rows.map((row) => Number(row.subject.slice(venue.length + 1)));
}

/** Forgets that a report was parked; where it does not fit again, it is parked anew. */
export async function forgetResumed(
  tx: Tx,
  report: { readonly venue: string; readonly number: number },
): Promise<void> {
  await tx`
    delete from unwind.parked k
    where k.step = 'receive'
      and k.parked_at is null
      and k.subject = ${`${report.venue}/${report.number}`}`;
}

/** Which correction a person has seen to, who they are, and what they say of it. */
export interface Closing {
  readonly id: string;
  readonly tenantId: TenantId | undefined;
  readonly actor: string;
  readonly reason: string;
}

/** Marks a correction as seen to. @returns whether there was one that was not. */
export async function closeParked(
  sql: SqlOrTx,
  choice: Closing & { readonly now: Date },
): Promise<boolean> {
  const rows = await sql`
    update unwind.parked k
    set
      closed_at = ${choice.now},
      closed_by = ${choice.actor},
      closed_reason = ${choice.reason}
    where k.step = 'correction'
      and k.parked_at is not null
      and k.closed_at is null
      and k.step || '/' || k.subject = ${choice.id}
      and (${choice.tenantId ?? null}::uuid is null or k.tenant_id = ${choice.tenantId ?? null})`;
  return rows.count > 0;
}

/** Tells a person of something that no further try can change; the same thing only once. */
export async function noteForPerson(
  tx: Tx,
  batch: {
    tenantId: TenantId;
    notes: readonly { readonly subject: string; readonly reason: string }[];
    now: Date;
  },
): Promise<void> {
  const { tenantId, notes, now } = batch;
  if (notes.length === 0) return;
  await tx`
    insert into unwind.parked (
      tenant_id, step, subject, reason, tries, first_at, last_at, retry_at, parked_at
    )
    select ${tenantId}, 'correction', n.subject, n.reason, 1, ${now}, ${now}, ${now}, ${now}
    from ${rowsOf(notes).as('n (subject text, reason text)')}
    on conflict (tenant_id, step, subject) do nothing`;
}
