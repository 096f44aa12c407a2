// The statements about the simulated market itself: its time, whether it is open and reachable, what
// is halted, and the behaviours that tests have asked for.

import type { Sql, SqlOrTx } from '../../db/connect.ts';
import { type RowOf, thingOf } from '../../db/row.ts';
import type { AskedBehaviour } from './behaviour.ts';

/** A MIC kept for private use: no such market is registered (ISO 10383). */
export const simulatedMic = 'XSIM';

export interface Market {
  /** Now on the market clock. */
  readonly at: Date;
  readonly isOpen: boolean;
  /** When the session closes by the calendar; undefined: no end is known. */
  readonly closesAt: Date | undefined;
  /** The venue cannot be reached. */
  readonly isDown: boolean;
  readonly seed: string;
}

/** The market as it is at an instant of the wall clock. */
export async function findMarket(sql: SqlOrTx, now: Date): Promise<Market> {
  const rows = await sql<RowOf<Market>[]>`
    select
      t.at, m.is_down, m.seed,
      unwind.venue_is_open(${simulatedMic}, t.at) as is_open,
      (
        select s.closes_at
        from unwind.venue_session(${simulatedMic}, t.at) s
        where s.opens_at <= t.at
          and not exists (
            select
            from unwind.venues v
            where v.venue = ${simulatedMic}
              and v.status = 'open'
          )
      ) as closes_at
    from simulated_venue.market m
    cross join (select unwind.market_time(${now}) as at) t`;
  const [row] = rows;
  if (row === undefined) throw new Error('the simulated market has lost its state');
  return thingOf<Market>(row);
}

/** Which of these instruments are halted. */
export async function findHalted(
  sql: SqlOrTx,
  isins: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ isin: string }[]>`
    select h.isin
    from unwind.venue_halts h
    where h.venue = ${simulatedMic}
      and h.isin = any (${isins}::text[])`;
  return new Set(rows.map((row) => row.isin));
}

/**
 * When instruments that trade once a day do so next: at 16:00 of the first trading day after an
 * instant, in the time zone of the venue. Undefined when there is none within a month.
 */
export async function findNextFixing(sql: SqlOrTx, at: Date): Promise<Date | undefined> {
  const rows = await sql<{ fixing_at: Date }[]>`
    select f.fixing_at
    from (select ${at}::timestamptz as at) t
    cross join lateral (
      select coalesce(
        (select v.time_zone from unwind.venues v where v.venue = ${simulatedMic}), 'UTC'
      ) as name
    ) z
    cross join generate_series(0, 31) as d (ahead)
    cross join lateral (select (t.at at time zone z.name)::date + d.ahead as day) y
    cross join lateral (select (y.day + time '16:00') at time zone z.name as fixing_at) f
    where f.fixing_at > t.at
      and not exists (
        select
        from unwind.venue_holidays x
        where x.venue = ${simulatedMic}
          and x.day = y.day
      )
      and (
        exists (
          select
          from unwind.venue_hours h
          where h.venue = ${simulatedMic}
            and h.weekday = extract(isodow from y.day)
        )
        or not exists (select from unwind.venue_hours h where h.venue = ${simulatedMic})
      )
    order by f.fixing_at
    limit 1`;
  return rows[0]?.fixing_at;
}

/** Stands for every instrument where a behaviour is asked for. */
export const everyInstrument = '';

/** The behaviours that tests have asked for, by ISIN; `everyInstrument` among them. */
export async function findAskedBehaviours(
  sql: Sql | SqlOrTx,
): Promise<ReadonlyMap<string, AskedBehaviour>> {
  const rows = await sql<(RowOf<AskedBehaviour> & { isin: string })[]>`
    select
      b.isin, b.course, b.loses_answers, b.repeats_reports, b.shuffles_reports,
      b.delays_reports_ms, b.one_in
    from simulated_venue.behaviours b
    order by b.isin`;
  return new Map(rows.map(({ isin, ...row }) => [isin, thingOf<AskedBehaviour>(row)]));
}
