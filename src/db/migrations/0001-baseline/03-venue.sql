-- The market clock, and when venues are open. Owner: venue.

-- Market time is wall-clock time plus one offset, which every process reads from here.
create table unwind.market_clock (
  only_row boolean not null default true,
  offset_ms bigint not null,
  constraint market_clock_pkey primary key (only_row),
  constraint market_clock_only_row check (only_row)
);
insert into unwind.market_clock (offset_ms) values (0);

create function unwind.market_time(wall timestamptz) returns timestamptz
  language sql stable parallel safe
  return wall + (select c.offset_ms * interval '1 millisecond' from unwind.market_clock c);

-- A venue without a row, or without hours, is always open.
create table unwind.venues (
  venue text not null,
  time_zone text not null default 'UTC',
  -- What the venue itself has announced against its calendar (FIX 35=h).
  status text,
  constraint venues_pkey primary key (venue),
  constraint venues_mic check (venue ~ '^[A-Z0-9]{4}$'),
  constraint venues_status check (status in ('open', 'closed'))
);

-- Sessions by day of the week (1 is Monday), in the venue's local time; 24:00 is midnight.
create table unwind.venue_hours (
  venue text not null,
  weekday smallint not null,
  opens time not null,
  closes time not null,
  constraint venue_hours_pkey primary key (venue, weekday, opens),
  constraint venue_hours_venue foreign key (venue) references unwind.venues on delete cascade,
  constraint venue_hours_weekday check (weekday between 1 and 7),
  constraint venue_hours_order check (opens < closes)
);

-- Days on which a venue is closed, or closes early.
create table unwind.venue_holidays (
  venue text not null,
  day date not null,
  closes time,
  name text not null,
  constraint venue_holidays_pkey primary key (venue, day),
  constraint venue_holidays_venue foreign key (venue) references unwind.venues on delete cascade
);

-- Instruments whose trading a venue has halted (FIX 35=f), and since when (market clock).
create table unwind.venue_halts (
  venue text not null,
  isin text not null,
  halted_at timestamptz not null,
  constraint venue_halts_pkey primary key (venue, isin)
);

-- The first session of a calendar that has not closed yet. No row when the venue has no hours, or no
-- session within a month. PostgreSQL's time zones know what daylight saving does to local times.
create function unwind.venue_session(the_venue text, at timestamptz)
  returns table (opens_at timestamptz, closes_at timestamptz)
  language sql stable parallel safe
begin atomic
  select s.opens_at, s.closes_at
  from unwind.venues v
  cross join lateral (select (at at time zone v.time_zone)::date as today) t
  cross join generate_series(0, 31) as d (ahead)
  join unwind.venue_hours h
    on h.venue = v.venue
    and h.weekday = extract(isodow from t.today + d.ahead)
  left join unwind.venue_holidays x
    on x.venue = v.venue
    and x.day = t.today + d.ahead
  cross join lateral (
    select
      (t.today + d.ahead + h.opens) at time zone v.time_zone as opens_at,
      (t.today + d.ahead + least(h.closes, x.closes)) at time zone v.time_zone as closes_at
  ) s
  where v.venue = the_venue
    and (x.day is null or x.closes > h.opens)
    and s.closes_at > at
  order by s.opens_at
  limit 1;
end;

-- What a venue has announced outranks its calendar.
create function unwind.venue_is_open(the_venue text, at timestamptz) returns boolean
  language sql stable parallel safe
  return coalesce(
    (select v.status = 'open' from unwind.venues v where v.venue = the_venue),
    (select s.opens_at <= at from unwind.venue_session(the_venue, at) s),
    not exists (select from unwind.venue_hours h where h.venue = the_venue)
  );
