// The statements about calendars of venues and what venues have announced. Both count for the service
// and for the simulated venue alike: the market is one.

import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import { rateAgeMsMax as usualRateAgeMsMax } from '../limits.ts';
import { type Calendar, CalendarError, type Holiday, weekdays } from './calendar.ts';
import type { TradingVenue } from './venue.ts';

/**
 * Gives a venue another calendar, or none: then it is always open. Idempotent.
 * @throws CalendarError when the database does not know the time zone.
 */
export async function setCalendar(
  tx: Tx,
  venue: string,
  calendar: Calendar | undefined,
): Promise<void> {
  const timeZone = calendar?.timeZone ?? 'UTC';
  const known = await tx`select from pg_timezone_names z where z.name = ${timeZone}`;
  if (known.count === 0) {
    throw new CalendarError([`/time_zone is not known to the database: ${timeZone}.`]);
  }
  await tx`
    insert into unwind.venues (venue, time_zone, settlement_days)
    values (${venue}, ${timeZone}, ${calendar?.settlementDays ?? null})
    on conflict (venue) do update
    set
      time_zone = excluded.time_zone,
      settlement_days = excluded.settlement_days`;
  await tx`delete from unwind.venue_hours h where h.venue = ${venue}`;
  await tx`delete from unwind.venue_holidays x where x.venue = ${venue}`;
  if (calendar === undefined) return;
  const { sessions, holidays } = calendar;
  const hours = sessions.map(({ weekday, ...session }) => {
    return { ...session, weekday: weekdays.indexOf(weekday) + 1 };
  });
  await tx`
    insert into unwind.venue_hours (venue, weekday, opens, closes)
    select ${venue}, n.weekday, n.opens, n.closes
    from ${rowsOf(hours).as('n (weekday smallint, opens time, closes time)')}`;
  await tx`
    insert into unwind.venue_holidays (venue, day, closes, name)
    select ${venue}, n.date, n.closes, n.name
    from ${rowsOf(holidays).as('n (date date, closes time, name text)')}`;
}

/** The venues that something is known of: a calendar, or what they have announced. */
export async function findVenues(sql: SqlOrTx): Promise<readonly string[]> {
  const rows = await sql<{ venue: string }[]>`
    select v.venue
    from unwind.venues v
    order by v.venue`;
  return rows.map(({ venue }) => venue);
}

/** Which of these venues are open, in their order. */
export async function findOpenVenues(
  sql: SqlOrTx,
  { venues, now }: { venues: readonly string[]; now: Date },
): Promise<readonly string[]> {
  const rows = await sql<{ venue: string }[]>`
    select n.venue
    from unnest(${venues}::text[]) with ordinality as n (venue, place)
    where unwind.venue_is_open(n.venue, (select unwind.market_time(${now})))
    order by n.place`;
  return rows.map(({ venue }) => venue);
}

/** Whether a venue is open at an instant of the market, and when it opens next. */
export interface Opening {
  readonly venue: string;
  readonly isOpen: boolean;
  /** Of one that is closed; undefined: it has announced that it is closed, or its calendar has no session. */
  readonly opensAt: Date | undefined;
}

export async function findOpenings(
  sql: SqlOrTx,
  { venues, at }: { venues: readonly string[]; at: Date },
): Promise<readonly Opening[]> {
  const rows = await sql<RowOf<Opening>[]>`
    select
      n.venue, o.is_open,
      case when not o.is_open and v.status is null then s.opens_at end as opens_at
    from unnest(${venues}::text[]) with ordinality as n (venue, place)
    cross join lateral (select unwind.venue_is_open(n.venue, ${at}) as is_open) o
    left join unwind.venues v on v.venue = n.venue
    left join lateral unwind.venue_session(n.venue, ${at}) s on true
    order by n.place`;
  return rows.map((row) => thingOf<Opening>(row));
}

/** When sessions of a venue's calendar begin next, after an instant of the market. */
export interface NextOpening {
  /** Whether the service trades there. */
  readonly isTraded: boolean;
  /** Undefined: it has no calendar, or no session within a month. */
  readonly opensAt: Date | undefined;
  readonly marketAt: Date;
}

/** The next opening that is not under way: of a venue that is open the one after. */
export async function findNextOpening(
  sql: SqlOrTx,
  { venue, now }: { venue: string; now: Date },
): Promise<NextOpening> {
  const rows = await sql<RowOf<NextOpening>[]>`
    select
      ${venue} = any (t.venues) as is_traded,
      m.at as market_at,
      case when s.opens_at > m.at then s.opens_at else n.opens_at end as opens_at
    from unwind.trading t
    cross join (select unwind.market_time(${now}) as at) m
    left join lateral unwind.venue_session(${venue}, m.at) s on true
    left join lateral unwind.venue_session(${venue}, s.closes_at) n on true`;
  const [row] = rows;
  if (row === undefined)
    throw new Error('the table of the venues that are traded at has its one row');
  return thingOf<NextOpening>(row);
}

/** Records at which venues the service trades, for the views, which see no settings. */
export async function recordTrading(
  sql: Sql,
  trading: { venues: readonly TradingVenue[]; rateAgeMsMax?: number | undefined; now: Date },
): Promise<void> {
  const { venues, rateAgeMsMax = usualRateAgeMsMax, now } = trading;
  const mics = venues.map(({ mic }) => mic);
  const currencies = venues.map(({ currency }) => currency);
  const age = fragment`${rateAgeMsMax} * interval '1 millisecond'`;
  await sql`
    update unwind.trading
    set
      venues = ${mics},
      currencies = ${currencies},
      rate_age_max = ${age},
      recorded_at = ${now}
    where (venues, currencies, rate_age_max) is distinct from (${mics}::text[], ${currencies}::text[], ${age})`;
}

/** The venues that the service trades at, as the process that started last recorded them. */
export async function findTraded(sql: SqlOrTx): Promise<readonly string[]> {
  const rows = await sql<{ venues: string[] }[]>`select t.venues from unwind.trading t`;
  return rows[0]?.venues ?? [];
}

/** The calendar of a venue; undefined: it is always open. */
export async function findCalendar(sql: SqlOrTx, venue: string): Promise<Calendar | undefined> {
  const sessions = await sql<
    {
      time_zone: string;
      settlement_days: number | null;
      weekday: number;
      opens: string;
      closes: string;
    }[]
  >`
    select
      v.time_zone, v.settlement_days, h.weekday,
      left(h.opens::text, 5) as opens,
      left(h.closes::text, 5) as closes
    from unwind.venues v
    join unwind.venue_hours h on h.venue = v.venue
    where v.venue = ${venue}
    order by h.weekday, h.opens`;
  const [first] = sessions;
  if (first === undefined) return undefined;
  const holidays = await sql<{ date: string; name: string; closes: string | null }[]>`
    select x.day::text as date, x.name, left(x.closes::text, 5) as closes
    from unwind.venue_holidays x
    where x.venue = ${venue}
    order by x.day`;
  return {
    timeZone: first.time_zone,
    settlementDays: first.settlement_days ?? undefined,
    sessions: sessions.map(({ weekday, opens, closes }) => {
      return { weekday: weekdays[weekday - 1] ?? 'MON', opens, closes };
    }),
    holidays: holidays.map(({ date, name, closes }): Holiday => {
      return { date, name, closes: closes ?? undefined };
    }),
  };
}

/** What a venue announces against its calendar: `undefined` follows the calendar again. */
export type Announced = 'open' | 'closed' | undefined;

/** Writes down what a venue has announced. Idempotent. */
export async function announceStatus(tx: Tx, venue: string, status: Announced): Promise<void> {
  await tx`
    insert into unwind.venues (venue, status)
    values (${venue}, ${status ?? null})
    on conflict (venue) do update
    set status = excluded.status`;
}

/**
 * Writes down that a venue has halted an instrument, or resumed its trading, at an instant of the market.
 * Idempotent: what is halted stays halted since the first time.
 */
export async function announceHalt(
  tx: Tx,
  halt: { venue: string; isin: string; isHalted: boolean; at: Date },
): Promise<void> {
  const { venue, isin, isHalted, at } = halt;
  if (!isHalted) {
    await tx`delete from unwind.venue_halts h where h.venue = ${venue} and h.isin = ${isin}`;
    return;
  }
  await tx`
    insert into unwind.venue_halts (venue, isin, halted_at)
    values (${venue}, ${isin}, ${at})
    on conflict (venue, isin) do nothing`;
}

/** When a venue trades, as far as is known at an instant of the market. */
export interface Trading {
  readonly isOpen: boolean;
  readonly announced: Announced;
  /** The first session by the calendar that has not closed yet; undefined: none is known of. */
  readonly session: { readonly opensAt: Date; readonly closesAt: Date } | undefined;
  /** Instruments that are halted. */
  readonly halted: readonly string[];
}

interface TradingRow {
  readonly is_open: boolean;
  readonly status: 'open' | 'closed' | null;
  readonly opens_at: Date | null;
  readonly closes_at: Date | null;
  readonly halted: readonly string[];
}

export async function findTrading(sql: SqlOrTx, venue: string, at: Date): Promise<Trading> {
  const rows = await sql<TradingRow[]>`
    select
      unwind.venue_is_open(${venue}, ${at}) as is_open,
      v.status, s.opens_at, s.closes_at,
      array(
        select h.isin
        from unwind.venue_halts h
        where h.venue = ${venue}
        order by h.isin
      ) as halted
    from (values (${venue}::text)) as n (venue)
    left join unwind.venues v on v.venue = n.venue
    left join lateral unwind.venue_session(n.venue, ${at}) s on true`;
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a condition has no row');
  const { opens_at: opensAt, closes_at: closesAt } = row;
  return {
    isOpen: row.is_open,
    announced: row.status ?? undefined,
    session: opensAt !== null && closesAt !== null ? { opensAt, closesAt } : undefined,
    halted: row.halted,
  };
}

/** An instant of the wall clock on the market clock. */
export async function findMarketTime(sql: SqlOrTx, now: Date): Promise<Date> {
  const rows = await sql<{ at: Date }[]>`select unwind.market_time(${now}) as at`;
  return rows[0]?.at ?? now;
}
