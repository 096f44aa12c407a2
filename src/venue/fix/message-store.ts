// The messages of FIX sessions, and the numbers they move. Each write is fenced by holder, epoch and
// number: a process that lost its lease, or that counts otherwise than the database, changes nothing.

import type { Sql, SqlOrTx } from '../../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../../db/row.ts';
import { fragment } from '../../db/sql.ts';
import type { FixMessage } from './codec.ts';
import type { FixOrder } from './order.ts';
import { insertReportsSql, type ReportOfOrder, updateOrdersSql } from './order-store.ts';
import { isHeldBy, SessionLostError, type Writer } from './session-store.ts';

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
  sql: SqlOrTx,
  writer: Writer,
  batch: { from: number; messages: readonly OutMessage[]; now: Date },
): Promise<void> {
  const { from, messages, now } = batch;
  const rows = messages.map((message, i) => ({ ...message, number: from + i }));
  const recorded = await sql`
    with moved as (
      update unwind.fix_sessions s
      set next_out = ${from + messages.length}
      where ${isHeldBy(writer)}
        and s.next_out = ${from}
      returning s.venue
    )
    insert into unwind.fix_messages (
      venue, trading_day, direction, number, type, at, fields, tenant_id, client_order_id
    )
    select
      moved.venue, ${writer.day}::date, 'out', n.number, n.type, ${now}, n.fields, n.tenant_id,
      n.client_order_id
    from ${rowsOf(rows).as('n (number bigint, type text, fields bytea, tenant_id uuid, client_order_id text)')}
    cross join moved`;
  if (recorded.count === messages.length) return;
  throw new SessionLostError(`${writer.venue}: number ${from} is not next`);
}

/** A message of the venue that counts; `problem` where a person should look at it. */
export interface InMessage {
  readonly message: FixMessage;
  readonly number: number;
  readonly fields: Buffer;
  readonly clientOrderId: string | undefined;
  readonly problem: string | undefined;
}

/** Messages of the venue, and what they make of orders. */
export interface Receipt {
  /** The number expected so far, and the one that is from now on. */
  readonly from: number;
  readonly to: number;
  readonly messages: readonly InMessage[];
  /** Orders as they are from now on. */
  readonly orders: readonly FixOrder[];
  readonly reports: readonly ReportOfOrder[];
  readonly now: Date;
}

/**
 * Counts messages of the venue: everything below `to` is received, and orders and reports are what they
 * say. One statement, and so one commit. @throws SessionLostError as above.
 */
export async function recordIn(sql: Sql, writer: Writer, receipt: Receipt): Promise<void> {
  const { from, to, messages, orders, reports, now } = receipt;
  const { venue, day } = writer;
  const rows = messages.map(({ message, ...one }) => ({ ...one, type: message.type }));
  const changed = fragment`, changed as (${updateOrdersSql(orders)})`;
  const reported = fragment`, reported as (${insertReportsSql(venue, reports)})`;
  const [moved] = await sql<{ count: string }[]>`
    with moved as (
      update unwind.fix_sessions s
      set
        next_in = ${to},
        last_report = s.last_report + ${reports.length}
      where ${isHeldBy(writer)}
        and s.next_in = ${from}
      returning s.venue, s.last_report - ${reports.length} as last_report
    )
    ${orders.length === 0 ? nothing : changed}
    ${reports.length === 0 ? nothing : reported},
    -- A reset back to numbers that were used on this day repeats them: the first one stands.
    recorded as (
      insert into unwind.fix_messages (
        venue, trading_day, direction, number, type, at, fields, client_order_id, problem
      )
      select
        moved.venue, ${day}::date, 'in', n.number, n.type, ${now}, n.fields, n.client_order_id,
        n.problem
      from ${rowsOf(rows).as('n (number bigint, type text, fields bytea, client_order_id text, problem text)')}
      cross join moved
      on conflict (venue, trading_day, direction, number) do nothing
    )
    select count(*) as count
    from moved`;
  if (moved?.count === '1') return;
  throw new SessionLostError(`${venue}: ${from} is not expected`);
}

const nothing = fragment``;

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
  const rows = await sql<(RowOf<Omit<SentMessage, 'number'>> & { number: string })[]>`
    select m.number, m.type, m.at, m.fields, m.tenant_id, m.client_order_id
    from unwind.fix_messages m
    where m.venue = ${writer.venue}
      and m.trading_day = ${writer.day}::date
      and m.direction = 'out'
      and m.number between ${range.from} and ${range.to}
    order by m.number
    limit ${range.limit}`;
  return rows.map(({ number, ...row }) => {
    return { ...thingOf<Omit<SentMessage, 'number'>>(row), number: Number(number) };
  });
}

/** Which new orders were sent under these numbers: client order ids by number. */
export async function findSentAs(
  sql: Sql,
  writer: Writer,
  rejected: readonly { readonly number: number }[],
): Promise<ReadonlyMap<number, string>> {
  if (rejected.length === 0) return new Map();
  const rows = await sql<{ number: string; client_order_id: string }[]>`
    select m.number, m.client_order_id
    from unwind.fix_messages m
    where m.venue = ${writer.venue}
      and m.trading_day = ${writer.day}::date
      and m.direction = 'out'
      and m.type = 'D'
      and m.number = any (${rejected.map(({ number }) => number)}::bigint[])`;
  return new Map(rows.map((row) => [Number(row.number), row.client_order_id]));
}

/**
 * Forgets messages from before an instant, the oldest first. Where the venue asks for one of them again, a
 * gap fill stands for it. @returns how many.
 */
export async function forgetMessages(
  sql: Sql,
  { venue, before, limit }: { venue: string; before: Date; limit: number },
): Promise<number> {
  const rows = await sql`
    delete from unwind.fix_messages m
    where (m.venue, m.trading_day, m.direction, m.number) in (
      select o.venue, o.trading_day, o.direction, o.number
      from unwind.fix_messages o
      where o.venue = ${venue}
        and o.at < ${before}
      order by o.at
      limit ${limit}
    )`;
  return rows.count;
}
