// The rows of FIX sessions: who writes one, its numbers, and every message of it. Each write is fenced
// by holder, epoch and number: a process that lost its lease, or that counts otherwise than the
// database, changes nothing.

import { assert } from '../../assert.ts';
import type { Sql, Tx } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { FixMessage } from './codec.ts';

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
        and (s.lease_expires_at is null or s.lease_expires_at <= ${now} or s.lease_holder = ${holder})
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

/** Renews the lease. @returns whether it is still this process's. */
export async function renewSession(
  sql: Sql,
  writer: Writer,
  { leaseMs, now }: { leaseMs: number; now: Date },
): Promise<boolean> {
  const rows = await sql`
    update unwind.fix_sessions s
    set lease_expires_at = ${now}::timestamptz + ${leaseMs}::integer * interval '1 millisecond'
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}`;
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
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}`;
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
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}`;
}

/** Holds the session for a transaction. @throws SessionLostError where another process writes it. */
export async function fenceSession(tx: Tx, writer: Writer): Promise<void> {
  const rows = await tx`
    select
    from unwind.fix_sessions s
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}
    for update`;
  if (rows.count !== 1) throw new SessionLostError(`${writer.venue}: another process writes it`);
}

/** One message on its way out: its fields from 35 on, without header and frame. */
export interface OutMessage {
  readonly type: string;
  readonly fields: Buffer;
  readonly tenantId: string | undefined;
  readonly clientOrderId: string | undefined;
}

/**
 * Gives messages their numbers, `from` being the first one. Commit before the socket.
 * @throws SessionLostError where the session is another's, or counts otherwise.
 */
export async function recordOut(
  tx: Tx,
  writer: Writer,
  batch: { from: number; messages: readonly OutMessage[]; now: Date },
): Promise<void> {
  const { from, messages, now } = batch;
  const moved = await tx`
    update unwind.fix_sessions s
    set next_out = ${from + messages.length}
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}
      and s.next_out = ${from}`;
  if (moved.count !== 1) throw new SessionLostError(`${writer.venue}: number ${from} is not next`);
  await tx`
    insert into unwind.fix_messages (
      venue, trading_day, direction, number, type, at, fields, tenant_id, client_order_id
    )
    select
      ${writer.venue}, ${writer.day}::date, 'out', n.number, n.type, ${now}, n.fields, n.tenant_id,
      n.client_order_id
    from unnest(
      ${messages.map((_, i) => from + i)}::bigint[],
      ${messages.map(({ type }) => type)}::text[],
      ${messages.map(({ fields }) => fields)}::bytea[],
      ${messages.map(({ tenantId }) => tenantId ?? null)}::uuid[],
      ${messages.map(({ clientOrderId }) => clientOrderId ?? null)}::text[]
    ) as n (number, type, fields, tenant_id, client_order_id)`;
}

/** A message of the venue that counts; `problem` where a person should look at it. */
export interface InMessage {
  readonly message: FixMessage;
  readonly number: number;
  readonly fields: Buffer;
  readonly clientOrderId: string | undefined;
  readonly problem: string | undefined;
}

/**
 * Counts messages of the venue: everything below `to` is received.
 * @returns the number that the next report gets. @throws SessionLostError as above.
 */
export async function recordIn(
  tx: Tx,
  writer: Writer,
  batch: { from: number; to: number; messages: readonly InMessage[]; reports: number; now: Date },
): Promise<number> {
  const { from, to, messages, reports, now } = batch;
  const [moved] = await tx<{ last_report: string }[]>`
    update unwind.fix_sessions s
    set
      next_in = ${to},
      last_report = s.last_report + ${reports}
    where s.venue = ${writer.venue}
      and s.lease_holder = ${writer.holder}
      and s.lease_epoch = ${writer.epoch}
      and s.next_in = ${from}
    returning s.last_report`;
  if (moved === undefined) throw new SessionLostError(`${writer.venue}: ${from} is not expected`);
  // A reset back to numbers that were used on this day repeats them: the last one stands.
  await tx`
    insert into unwind.fix_messages (
      venue, trading_day, direction, number, type, at, fields, client_order_id, problem
    )
    select
      ${writer.venue}, ${writer.day}::date, 'in', n.number, n.type, ${now}, n.fields,
      n.client_order_id, n.problem
    from unnest(
      ${messages.map(({ number }) => number)}::bigint[],
      ${messages.map(({ message }) => message.type)}::text[],
      ${messages.map(({ fields }) => fields)}::bytea[],
      ${messages.map(({ clientOrderId }) => clientOrderId ?? null)}::text[],
      ${messages.map(({ problem }) => problem ?? null)}::text[]
    ) as n (number, type, fields, client_order_id, problem)
    on conflict (venue, trading_day, direction, number) do nothing`;
  return Number(moved.last_report) - reports + 1;
}

/** A message that was sent under a number. */
export interface SentMessage {
  readonly number: number;
  readonly type: string;
  readonly at: Date;
  readonly fields: Buffer;
  readonly tenantId: string | undefined;
  readonly clientOrderId: string | undefined;
}

/** What was sent from one number to another, ascending, as many as `limit`. */
export async function findSent(
  sql: Sql,
  writer: Writer,
  range: { from: number; to: number; limit: number },
): Promise<readonly SentMessage[]> {
  const rows = await sql<
    {
      number: string;
      type: string;
      at: Date;
      fields: Buffer;
      tenant_id: string | null;
      client_order_id: string | null;
    }[]
  >`
    select m.number, m.type, m.at, m.fields, m.tenant_id, m.client_order_id
    from unwind.fix_messages m
    where m.venue = ${writer.venue}
      and m.trading_day = ${writer.day}::date
      and m.direction = 'out'
      and m.number between ${range.from} and ${range.to}
    order by m.number
    limit ${range.limit}`;
  return rows.map((row) => ({
    number: Number(row.number),
    type: row.type,
    at: row.at,
    fields: row.fields,
    tenantId: row.tenant_id ?? undefined,
    clientOrderId: row.client_order_id ?? undefined,
  }));
}

/** Which new orders were sent under these numbers: client order ids by number. */
export async function findSentAs(
  tx: Tx,
  writer: Writer,
  refused: readonly { readonly number: number }[],
): Promise<ReadonlyMap<number, string>> {
  if (refused.length === 0) return new Map();
  const rows = await tx<{ number: string; client_order_id: string }[]>`
    select m.number, m.client_order_id
    from unwind.fix_messages m
    where m.venue = ${writer.venue}
      and m.trading_day = ${writer.day}::date
      and m.direction = 'out'
      and m.type = 'D'
      and m.number = any (${refused.map(({ number }) => number)}::bigint[])`;
  return new Map(rows.map((row) => [Number(row.number), row.client_order_id]));
}
