// The rows of FIX sessions: who writes one, on which trading day, and how it stands. Each write is
// fenced by holder and epoch: a process that lost its lease changes nothing. What is sent and received
// is message-store.ts's.

import { assert } from '../../assert.ts';
import type { Sql, Tx } from '../../db/connect.ts';
import { type Fragment, fragment } from '../../db/sql.ts';
import { inTransaction } from '../../db/transaction.ts';
import { placeLength } from '../../work/holder.ts';

export type FixStatus = 'disconnected' | 'connecting' | 'ready' | 'failed';

/** Who writes a session, in which epoch, on which trading day (`YYYYMMDD`). */
export interface Writer {
  readonly venue: string;
  readonly holder: string;
  readonly epoch: number;
  readonly day: string;
}

/** Another process writes the session now, or its numbers are not what this process holds. */
export class SessionLostError extends Error {
  override readonly name = 'SessionLostError';
}

export interface ClaimedSession {
  readonly writer: Writer;
  readonly nextOut: number;
  readonly nextIn: number;
  /** The first Logon of the trading day has to reset both sides. */
  readonly isResetPending: boolean;
}

/** When the numbers of a session start anew; undefined: never. */
export interface TradingDay {
  readonly timeZone: string;
  /** `HH:MM` */
  readonly resetTime: string;
}

interface SessionRow {
  readonly lease_epoch: string;
  readonly day: string;
  readonly next_out: string;
  readonly next_in: string;
  readonly is_reset_pending: boolean;
}

/**
 * Claims a session that is free and has not failed, and begins its trading day where a new one has
 * come. @returns undefined where another process holds it, or a person has to look at it first.
 */
export function claimSession(
  sql: Sql,
  claim: {
    venue: string;
    holder: string;
    leaseMs: number;
    tradingDay: TradingDay | undefined;
    now: Date;
  },
): Promise<ClaimedSession | undefined> {
  const { venue, holder, leaseMs, tradingDay, now } = claim;
  return inTransaction(sql, async (tx) => {
    const resets = tradingDay !== undefined;
    const day = await dayAt(tx, tradingDay, now);
    await tx`
      insert into unwind.fix_sessions (
        venue, trading_day, is_reset_pending, next_out, next_in, last_report, status, status_at,
        lease_epoch
      )
      values (${venue}, ${day}, ${resets}, 1, 1, 0, 'disconnected', ${now}, 0)
      on conflict (venue) do nothing`;
    const rows = await tx<SessionRow[]>`
      update unwind.fix_sessions s
      set
        trading_day = case when ${resets} then greatest(s.trading_day, ${day}) else s.trading_day end,
        is_reset_pending = s.is_reset_pending or (${resets} and s.trading_day < ${day}),
        next_out = case
          when s.is_reset_pending or (${resets} and s.trading_day < ${day}) then 1
          else s.next_out
        end,
        next_in = case
          when s.is_reset_pending or (${resets} and s.trading_day < ${day}) then 1
          else s.next_in
        end,
        lease_holder = ${holder},
        lease_epoch = s.lease_epoch + 1,
        lease_expires_at = ${now}::timestamptz + ${leaseMs}::integer * interval '1 millisecond'
      where s.venue = ${venue}
        and s.status <> 'failed'
        and (
          s.lease_expires_at is null
          or s.lease_expires_at <= ${now}
          -- The process that held it before in this one's place is dead.
          or left(s.lease_holder::text, ${placeLength}) = left(${holder}, ${placeLength})
        )
      returning
        s.lease_epoch, to_char(s.trading_day, 'YYYYMMDD') as day, s.next_out, s.next_in,
        s.is_reset_pending`;
    const [row] = rows;
    if (row === undefined) return undefined;
    // What a day holds before its reset was answered are Logons that count no more.
    if (row.is_reset_pending) await forgetDay(tx, venue, row.day);
    return {
      writer: { venue, holder, epoch: Number(row.lease_epoch), day: row.day },
      nextOut: Number(row.next_out),
      nextIn: Number(row.next_in),
      isResetPending: row.is_reset_pending,
    };
  });
}

async function dayAt(tx: Tx, tradingDay: TradingDay | undefined, now: Date): Promise<string> {
  const { timeZone, resetTime } = tradingDay ?? { timeZone: 'UTC', resetTime: '00:00' };
  const [row] = await tx<{ day: string }[]>`
    select (${now}::timestamptz at time zone ${timeZone} - ${resetTime}::interval)::date::text as day`;
  assert(row !== undefined, 'every instant has a day');
  return row.day;
}

async function forgetDay(tx: Tx, venue: string, day: string): Promise<void> {
  await tx`
    delete from unwind.fix_messages m
    where m.venue = ${venue}
      and m.trading_day = ${day}::date`;
}

/** Whether a new trading day has come: the session has to log on anew. */
export async function isDayOver(
  sql: Sql,
  { day }: Writer,
  tradingDay: TradingDay | undefined,
  now: Date,
): Promise<boolean> {
  if (tradingDay === undefined) return false;
  const today = await inTransaction(sql, (tx) => dayAt(tx, tradingDay, now));
  return today.replaceAll('-', '') > day;
}

/** SQL: the session `s` of a writer, while it is its writer. */
export function isHeldBy({ venue, holder, epoch }: Writer): Fragment {
  return fragment`(s.venue = ${venue} and s.lease_holder = ${holder} and s.lease_epoch = ${epoch})`;
}

/** Renews the lease. @returns whether it is still this process's. */
export async function renewSession(
  sql: Sql,
  writer: Writer,
  { leaseMs, now }: { leaseMs: number; now: Date },
): Promise<boolean> {
  const rows = await sql`
    update unwind.fix_sessions s
    set lease_expires_at = ${now}::timestamptz + ${leaseMs}::integer * interval '1 millisecond'
    where ${isHeldBy(writer)}`;
  return rows.count === 1;
}

/** Writes down how the session stands. @returns whether it is still this process's. */
export async function setSessionStatus(
  tx: Tx,
  writer: Writer,
  state: { status: FixStatus; reason?: string; now: Date },
): Promise<boolean> {
  const { status, reason = null, now } = state;
  const rows = await tx`
    update unwind.fix_sessions s
    set
      status = ${status},
      reason = ${reason},
      status_at = ${now},
      is_reset_pending = s.is_reset_pending and ${status} <> 'ready'
    where ${isHeldBy(writer)}`;
  return rows.count === 1;
}

/** How a session stands; ready only while its writer lives. */
export async function findSessionState(
  tx: Tx,
  { venue, now }: { venue: string; now: Date },
): Promise<{ readonly status: FixStatus; readonly reason: string }> {
  const [row] = await tx<{ status: FixStatus; reason: string | null; is_held: boolean }[]>`
    select s.status, s.reason, coalesce(s.lease_expires_at > ${now}, false) as is_held
    from unwind.fix_sessions s
    where s.venue = ${venue}`;
  if (row === undefined) return { status: 'disconnected', reason: 'it was never connected' };
  const { status, reason } = row;
  if (status === 'ready' && !row.is_held) {
    return { status: 'disconnected', reason: 'no process holds it' };
  }
  return { status, reason: reason ?? 'no reason given' };
}

/** Takes numbers for reports that no message of the venue led to. @returns the first. */
export async function takeReportNumbers(
  tx: Tx,
  { venue, count }: { venue: string; count: number },
): Promise<number> {
  const [row] = await tx<{ last_report: string }[]>`
    update unwind.fix_sessions s
    set last_report = s.last_report + ${count}
    where s.venue = ${venue}
    returning s.last_report`;
  assert(row !== undefined, 'a venue that has orders has a session');
  return Number(row.last_report) - count + 1;
}

/** Gives the session back, so that another process need not wait for the end of the lease. */
export async function releaseSession(sql: Sql, writer: Writer): Promise<void> {
  await sql`
    update unwind.fix_sessions s
    set
      lease_holder = null,
      lease_expires_at = null
    where ${isHeldBy(writer)}`;
}

/** Holds the session for a transaction. @throws SessionLostError where another process writes it. */
export async function fenceSession(tx: Tx, writer: Writer): Promise<void> {
  const rows = await tx`
    select
    from unwind.fix_sessions s
    where ${isHeldBy(writer)}
    for update`;
  if (rows.count !== 1) throw new SessionLostError(`${writer.venue}: another process writes it`);
}
