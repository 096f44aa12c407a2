// Reading the event log: by position, as receivers get it, and where in it an event or a time is.

import type { Sql, SqlOrTx } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, EventId, TenantId } from '../ids.ts';
import { logSpanMax, pageBytesMax } from '../limits.ts';

/** An event of the log; `object` is the JSON text frozen with it. */
export interface ReadEvent {
  readonly position: number;
  readonly eventId: EventId;
  readonly type: string;
  readonly object: string;
  readonly createdAt: Date;
}

export interface EventsWanted {
  readonly tenantId: TenantId;
  /** Only behind this position. */
  readonly after: number;
  readonly limit: number;
  /** A kind, such as ACCOUNT_LIQUIDATION, or one type of it; undefined: all that are published. */
  readonly type: string | undefined;
  readonly accountId: AccountId | undefined;
}

/** Bytes around the object of an event: its id, type and time, at most. */
const eventFrameBytes = 200;

export interface EventsRead {
  readonly events: readonly ReadEvent[];
  /** Up to here there is nothing else of what was wanted. */
  readonly readTo: number;
  readonly head: number;
  /** Nothing at or before this position is promised any more. */
  readonly droppedTo: number;
}

/**
 * A page of the log, in its order: at most so many events, and at most `pageBytesMax` bytes of them
 * unless the first alone has more. For a kind it looks at so many positions at most.
 */
export async function readEvents(sql: Sql, wanted: EventsWanted): Promise<EventsRead> {
  const { tenantId, after, limit, type, accountId } = wanted;
  // Each combination is a statement of its own, so that each has the index it is meant for.
  const span = fragment`and e.position <= ${after}::bigint + ${logSpanMax}::bigint`;
  const ofAccount =
    accountId === undefined ? fragment`` : fragment`and e.account_id = ${accountId}`;
  // Kinds that are not published are read by their name alone.
  const ofType =
    type === undefined
      ? fragment`and not starts_with(e.type, 'BATCH.')`
      : fragment`and (e.type = ${type} or split_part(e.type, '.', 1) = ${type})
        ${accountId === undefined ? span : fragment``}`;
  const rows = await sql<
    {
      head: string;
      dropped_to: string;
      position: string | null;
      event_id: EventId;
      type: string;
      object: string;
      created_at: Date;
      matched: number;
    }[]
  >`
    select
      h.position as head, h.dropped_to, e.position, e.event_id, e.type, e.object, e.created_at,
      e.matched
    from unwind.event_heads h
    left join lateral (
      select
        e.*,
        sum(octet_length(e.object) + ${eventFrameBytes}::integer)
          over (order by e.position rows unbounded preceding) as bytes,
        row_number() over (order by e.position) as place,
        count(*) over ()::integer as matched
      from (
        select e.position, e.event_id, e.type, e.object, e.created_at
        from unwind.events e
        where e.tenant_id = h.tenant_id
          and e.position > ${after}
          ${ofAccount}
          ${ofType}
        order by e.position
        limit ${limit}
      ) e
    ) e on e.place = 1 or e.bytes <= ${pageBytesMax}::bigint
    where h.tenant_id = ${tenantId}
    order by e.position`;
  const events = rows.flatMap((row) => {
    if (row.position === null) return [];
    const { event_id: eventId, type: kind, object, created_at: createdAt } = row;
    return [{ position: Number(row.position), eventId, type: kind, object, createdAt }];
  });
  const head = Number(rows[0]?.head ?? 0);
  const isInSteps = type !== undefined && accountId === undefined;
  const seen = isInSteps ? Math.min(head, after + logSpanMax) : head;
  // Either as many as were asked for, or as many as the bytes allow.
  const isFull = events.length >= limit || events.length < (rows[0]?.matched ?? 0);
  const readTo = isFull ? (events.at(-1)?.position ?? after) : Math.max(seen, after);
  return { events, readTo, head, droppedTo: Number(rows[0]?.dropped_to ?? 0) };
}

/** The position of an event; undefined where the log has it not, or not yet. */
export async function findPosition(
  sql: SqlOrTx,
  { tenantId, eventId }: { tenantId: TenantId; eventId: EventId },
): Promise<number | undefined> {
  const rows = await sql<{ position: string | null }[]>`
    select e.position
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.event_id = ${eventId}`;
  const position = rows[0]?.position ?? null;
  return position === null ? undefined : Number(position);
}

/**
 * The first position of an event that happened at an instant or later; undefined where there is
 * none. Times never go back in the log, so it halves what is promised of it until one is left; of
 * what is not promised any more, something may still be there before that.
 */
export async function findPositionAt(
  sql: SqlOrTx,
  { tenantId, from }: { tenantId: TenantId; from: Date },
): Promise<number | undefined> {
  // Everything up to low is older; what begins behind it is asked for, at the latest at high.
  const rows = await sql<{ position: string; head: string; dropped_to: string }[]>`
    with recursive search (head, dropped_to, low, high) as (
      select h.position, h.dropped_to, h.dropped_to, h.position + 1
      from unwind.event_heads h
      where h.tenant_id = ${tenantId}
      union all
      select
        s.head, s.dropped_to,
        case when e.created_at < ${from} then s.middle else s.low end,
        case when e.created_at < ${from} then s.high else s.middle end
      from (
        select s.head, s.dropped_to, s.low, s.high, (s.low + s.high) / 2 as middle
        from search s
        where s.high - s.low > 1
      ) s
      cross join lateral (
        select e.created_at
        from unwind.events e
        where e.tenant_id = ${tenantId}
          and e.position = s.middle
        limit 1
      ) e
    )
    select max(s.low) + 1 as position, s.head, s.dropped_to
    from search s
    group by s.head, s.dropped_to`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const [position, droppedTo] = [Number(row.position), Number(row.dropped_to)];
  if (position > droppedTo + 1) return position > Number(row.head) ? undefined : position;
  const left = await findLeftOver(sql, { tenantId, from, droppedTo });
  return left ?? (position > Number(row.head) ? undefined : position);
}

/** The first position that is not promised any more, of an event at an instant or later. */
async function findLeftOver(
  sql: SqlOrTx,
  { tenantId, from, droppedTo }: { tenantId: TenantId; from: Date; droppedTo: number },
): Promise<number | undefined> {
  const rows = await sql<{ position: string }[]>`
    select e.position
    from unwind.events e
    where e.tenant_id = ${tenantId}
      and e.position <= ${droppedTo}
      and e.created_at >= ${from}
    order by e.position
    limit 1`;
  return rows[0] && Number(rows[0].position);
}
