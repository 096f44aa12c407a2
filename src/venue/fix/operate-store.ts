// What an operator sees of FIX sessions, and what may be done to one: let it go on after a failure, or
// begin its numbers anew.

import type { Sql, SqlOrTx, Tx } from '../../db/connect.ts';
import { type RowOf, thingOf } from '../../db/row.ts';
import { type FixMessage, fieldsOf } from './codec.ts';
import type { FixStatus } from './session-store.ts';

export interface ShownSession {
  readonly venue: string;
  readonly status: FixStatus;
  readonly reason: string | undefined;
  readonly since: Date;
  readonly isHeld: boolean;
  readonly tradingDay: string;
  readonly nextIn: number;
  readonly nextOut: number;
  readonly queued: number;
  /** Sent and not at their end. */
  readonly openOrders: number;
  /** Messages of the trading day that a person should look at, and has not. */
  readonly problems: number;
}

type SessionRow = RowOf<Omit<ShownSession, 'nextIn' | 'nextOut'>> & {
  readonly next_in: string;
  readonly next_out: string;
};

/** All sessions, by venue. */
export async function findSessions(sql: Sql, now: Date): Promise<readonly ShownSession[]> {
  const rows = await sql<SessionRow[]>`
    select
      s.venue, s.status, s.reason, s.status_at as since, s.trading_day, s.next_in, s.next_out,
      coalesce(s.lease_expires_at > ${now}, false) as is_held,
      (select count(*)::integer from unwind.fix_outbox b where b.venue = s.venue) as queued,
      (
        select count(*)::integer
        from unwind.fix_orders o
        where o.venue = s.venue
          and o.status in ('SENT', 'WORKING')
      ) as open_orders,
      (
        select count(*)::integer
        from unwind.fix_messages m
        where m.venue = s.venue
          and m.trading_day = s.trading_day
          and m.direction = 'in'
          and m.problem is not null
          and m.closed_at is null
      ) as problems
    from unwind.fix_sessions s
    order by s.venue`;
  return rows.map(({ next_in, next_out, ...row }) => ({
    ...thingOf<Omit<ShownSession, 'nextIn' | 'nextOut'>>(row),
    nextIn: Number(next_in),
    nextOut: Number(next_out),
  }));
}

/** How each session stands, by venue. One that is ready and that no process holds is `lost`. */
export async function findSessionStatuses(
  sql: Sql,
  now: Date,
): Promise<Readonly<Record<string, FixStatus | 'lost'>>> {
  const rows = await sql<{ venue: string; status: FixStatus; is_held: boolean }[]>`
    select s.venue, s.status, coalesce(s.lease_expires_at > ${now}, false) as is_held
    from unwind.fix_sessions s
    order by s.venue`;
  const statuses = rows.map(({ venue, status, is_held: isHeld }) => {
    return [venue, status === 'ready' && !isHeld ? 'lost' : status] as const;
  });
  return Object.fromEntries(statuses);
}

export interface LoggedMessage {
  readonly direction: 'in' | 'out';
  readonly number: number;
  readonly at: Date;
  readonly message: FixMessage;
  readonly problem: string | undefined;
}

type LogPart = Omit<LoggedMessage, 'number' | 'message'>;

/** How far a log was read: the highest number of each direction. */
export interface LogPlace {
  readonly in: number;
  readonly out: number;
}

/** The last messages of the trading day behind a place, in the order they were stored. */
export async function findLog(
  sql: Sql,
  {
    venue,
    after,
    limit,
    oldestFirst = false,
  }: { venue: string; after: LogPlace; limit: number; oldestFirst?: boolean },
): Promise<readonly LoggedMessage[]> {
  const rows = await sql<(RowOf<LogPart> & { number: string; type: string; fields: Buffer })[]>`
    select m.direction, m.number, m.type, m.at, m.fields, m.problem
    from unwind.fix_messages m
    join unwind.fix_sessions s using (venue, trading_day)
    where m.venue = ${venue}
      and m.number > case when m.direction = 'in' then ${after.in}::bigint else ${after.out}::bigint end
    order by
      case when ${oldestFirst}::boolean then m.at end,
      case when ${oldestFirst}::boolean then m.number end,
      m.at desc, m.direction, m.number desc
    limit ${limit}`;
  return (oldestFirst ? rows : rows.toReversed()).map(({ number, type, fields, ...row }) => ({
    ...thingOf<LogPart>(row),
    number: Number(number),
    message: { type, fields: fieldsOf(fields) ?? [] },
  }));
}

/** What became of an operator's command on a session. */
export type Operated = 'done' | 'unknown' | 'running' | 'orders open';

/**
 * Lets a session that has failed go on. `nextIn` and `nextOut` as agreed with the venue; undefined: as
 * they are. Only a session that no process holds.
 */
export async function resumeSession(
  tx: Tx,
  command: {
    venue: string;
    reason: string;
    nextIn: number | undefined;
    nextOut: number | undefined;
    now: Date;
  },
): Promise<Operated> {
  const { venue, reason, nextIn = null, nextOut = null, now } = command;
  const state = await lockSession(tx, venue, now);
  if (state !== 'done') return state;
  await tx`
    update unwind.fix_sessions s
    set
      status = 'disconnected',
      reason = ${reason},
      status_at = ${now},
      next_in = coalesce(${nextIn}::bigint, s.next_in),
      next_out = coalesce(${nextOut}::bigint, s.next_out)
    where s.venue = ${venue}`;
  return 'done';
}

/**
 * Begins the numbers of a session anew: the next Logon asks both sides to reset. Refused while orders
 * are open at the venue, whose reports might be lost by it.
 */
export async function resetSession(
  tx: Tx,
  command: { venue: string; reason: string; now: Date },
): Promise<Operated> {
  const { venue, reason, now } = command;
  const state = await lockSession(tx, venue, now);
  if (state !== 'done') return state;
  const open = await tx`
    select
    from unwind.fix_orders o
    where o.venue = ${venue}
      and o.status in ('SENT', 'WORKING')
    limit 1`;
  if (open.count > 0) return 'orders open';
  await tx`
    update unwind.fix_sessions s
    set
      status = 'disconnected',
      reason = ${reason},
      status_at = ${now},
      is_reset_pending = true
    where s.venue = ${venue}`;
  return 'done';
}

async function lockSession(tx: Tx, venue: string, now: Date): Promise<Operated> {
  const [row] = await tx<{ is_running: boolean }[]>`
    select s.status <> 'failed' and coalesce(s.lease_expires_at > ${now}, false) as is_running
    from unwind.fix_sessions s
    where s.venue = ${venue}
    for update`;
  if (row === undefined) return 'unknown';
  return row.is_running ? 'running' : 'done';
}

/** What of a FIX venue waits for a person. */
export interface FixWaiting {
  /** `fix/VENUE`, or `fix/VENUE/DAY/NUMBER` for a message of the venue. */
  readonly id: string;
  readonly reason: string;
  readonly since: Date;
}

/** Sessions that have failed, and problems that no person has closed; the oldest first. */
export async function findFixWaiting(sql: Sql, limit: number): Promise<readonly FixWaiting[]> {
  return sql<FixWaiting[]>`
    select w.id, w.reason, w.since
    from (
      select
        'fix/' || s.venue as id, 'the session has failed: ' || coalesce(s.reason, '') as reason,
        s.status_at as since
      from unwind.fix_sessions s
      where s.status = 'failed'
      union all
      select
        concat_ws('/', 'fix', m.venue, to_char(m.trading_day, 'YYYYMMDD'), m.number),
        format('message %s of the venue (35=%s): %s', m.number, m.type, m.problem),
        m.at
      from unwind.fix_messages m
      where m.problem is not null
        and m.closed_at is null
        and m.direction = 'in'
    ) as w
    order by w.since, w.id
    limit ${limit}`;
}

/** How much of FIX venues waits for a person. */
export async function countFixWaiting(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: string }[]>`
    select
      (select count(*) from unwind.fix_sessions s where s.status = 'failed')
        + (
          select count(*)
          from unwind.fix_messages m
          where m.problem is not null
            and m.closed_at is null
            and m.direction = 'in'
        ) as count`;
  return Number(row?.count ?? 0);
}

/** Marks a problem as seen to. @returns whether there was one that was not. */
export async function closeFixProblem(
  sql: SqlOrTx,
  closing: { id: string; actor: string; reason: string; now: Date },
): Promise<boolean> {
  const [, venue, day, number] = /^fix\/([A-Z0-9]{4})\/(\d{8})\/(\d{1,15})$/.exec(closing.id) ?? [];
  if (venue === undefined || day === undefined || number === undefined) return false;
  const rows = await sql`
    update unwind.fix_messages m
    set
      closed_at = ${closing.now},
      closed_by = ${closing.actor},
      closed_reason = ${closing.reason}
    where m.venue = ${venue}
      and m.trading_day = to_date(${day}, 'YYYYMMDD')
      and m.direction = 'in'
      and m.number = ${number}::bigint
      and m.problem is not null
      and m.closed_at is null`;
  return rows.count === 1;
}
