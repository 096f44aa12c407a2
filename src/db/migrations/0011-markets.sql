-- Markets: when venues are open, what they have announced, and how the simulated one behaves.

-- What the service knows of a venue. One without a row, or without hours, is always open. status is
-- what the venue itself has announced against its calendar (FIX 35=h).
create table unwind.venues (
  venue text not null,
  time_zone text not null default 'UTC',
  status text,
  constraint venues_pkey primary key (venue),
  constraint venues_mic check (venue ~ '^[A-Z0-9]{4}$'),
  constraint venues_status check (status in ('open', 'closed'))
);

-- Sessions of the days of a week (1 is Monday), in the local time of the venue; 24:00 is midnight.
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

-- Days that are not like others of the week: closed, or closing early.
create table unwind.venue_holidays (
  venue text not null,
  day date not null,
  closes time,
  name text not null,
  constraint venue_holidays_pkey primary key (venue, day),
  constraint venue_holidays_venue foreign key (venue) references unwind.venues on delete cascade
);

-- Instruments whose trading a venue has halted (FIX 35=f).
create table unwind.venue_halts (
  venue text not null,
  isin text not null,
  constraint venue_halts_pkey primary key (venue, isin)
);

-- The first session of a calendar that has not closed yet; no row when there are no hours, or none
-- within a month. What daylight saving does to local times is PostgreSQL's to know.
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

-- What a venue has announced counts more than its calendar.
create function unwind.venue_is_open(the_venue text, at timestamptz) returns boolean
  language sql stable parallel safe
  return coalesce(
    (select v.status = 'open' from unwind.venues v where v.venue = the_venue),
    (select s.opens_at <= at from unwind.venue_session(the_venue, at) s),
    not exists (select from unwind.venue_hours h where h.venue = the_venue)
  );

-- A NEW liquidation that is due while no venue it needs is open is set aside until one is, so that
-- looking for those that need none costs nothing. Of others the column says nothing.
-- Not `add column … not null default`: migrate.ts (olderTexts) says why.
alter table unwind.liquidations
  add column waits_for_venue boolean,
  alter column waits_for_venue set default false;
update unwind.liquidations set waits_for_venue = false;
alter table unwind.liquidations
  alter column waits_for_venue set not null;
create index liquidations_to_sift
  on unwind.liquidations (tenant_id, release_at)
  where status = 'NEW' and not waits_for_venue;

-- The state of the simulated market, shared by all processes. The seed decides whatever looks random.
create table simulated_venue.market (
  only_row boolean not null default true,
  is_down boolean not null default false,
  seed text not null default '',
  constraint market_pkey primary key (only_row),
  constraint market_only_row check (only_row)
);
insert into simulated_venue.market default values;

-- Behaviours that tests have asked for, of one instrument or (isin is empty) of all; what is null is
-- as it would be without.
create table simulated_venue.behaviours (
  isin text not null,
  course text,
  loses_answers boolean,
  repeats_reports boolean,
  shuffles_reports boolean,
  delays_reports_ms integer,
  one_in integer not null,
  constraint behaviours_pkey primary key (isin),
  constraint behaviours_delay check (delays_reports_ms >= 0),
  constraint behaviours_one_in check (one_in >= 1)
);

-- A refusal for a temporary cause may be tried again under another client order id.
alter table simulated_venue.journal
  add column temporary boolean not null default false,
  add constraint journal_temporary check (not temporary or outcome = 'refused');

create or replace view unwind_v1.venue_journal as
select
  j.firm as tenant_id,
  'XSIM'::text as venue,
  j.entry,
  j.client_order_id,
  j.isin,
  j.side,
  j.quantity,
  j.outcome,
  j.venue_order_id,
  j.price,
  j.reason,
  j.received_at,
  j.temporary
from simulated_venue.journal j;
