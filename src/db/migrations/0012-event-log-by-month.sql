-- The event log in parts by the month in which a liquidation began, so that what is too old is
-- dropped and not deleted row by row. All events of a liquidation stand in one part: an id is a
-- UUIDv7, whose first bits are its time. So the uniqueness of an event's number still holds.

alter table unwind.events rename to events_whole;
alter table unwind.events_whole
  drop constraint events_pkey,
  drop constraint events_number_once;
drop index unwind.events_position_once;
drop index unwind.events_to_publish;

create table unwind.events (
  tenant_id uuid not null,
  event_id uuid not null,
  account_id uuid not null,
  liquidation_id uuid not null,
  sequence integer not null,
  number integer not null,
  type text not null,
  object text not null,
  created_at timestamptz not null,
  position bigint,
  constraint events_pkey primary key (tenant_id, liquidation_id, number),
  constraint events_type check (type in (
    'ACCOUNT_LIQUIDATION.NEW',
    'ACCOUNT_LIQUIDATION.PROCESSING',
    'ACCOUNT_LIQUIDATION.FILLED',
    'ACCOUNT_LIQUIDATION.CANCELLED'
  )),
  constraint events_position check (position > 0)
) partition by range (liquidation_id);
create index events_by_id on unwind.events (tenant_id, event_id);
-- One position one event: the head of the log is locked by whoever gives positions, and the audit
-- looks. A part cannot enforce it for the others.
create index events_by_position
  on unwind.events (tenant_id, position)
  where position is not null;
create index events_to_publish
  on unwind.events (tenant_id, created_at)
  where position is null;
create index events_of_account
  on unwind.events (tenant_id, account_id, position)
  where position is not null;

-- Which parts there are. to_id is the first id behind a part.
create table unwind.event_parts (
  name text not null,
  from_id uuid not null,
  to_id uuid not null,
  constraint event_parts_pkey primary key (name),
  constraint event_parts_range check (from_id < to_id)
);

-- The smallest id that is made at an instant or later.
create function unwind.first_id_at(at timestamptz) returns uuid
  language sql immutable parallel safe
  return (
    lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20)
  )::uuid;

-- Makes the part of a month, given by its first day. False where there is one already.
create function unwind.make_event_part(month date) returns boolean
  language plpgsql
as $$
declare
  part text := concat('events_', to_char(month, 'YYYY_MM'));
  first_id uuid := unwind.first_id_at(month::timestamp at time zone 'UTC');
  next_id uuid := unwind.first_id_at((month + interval '1 month')::timestamp at time zone 'UTC');
begin
  insert into unwind.event_parts (name, from_id, to_id)
  values (part, first_id, next_id)
  on conflict (name) do nothing;
  if not found then
    return false;
  end if;
  execute format(
    'create table unwind.%I partition of unwind.events for values from (%L) to (%L)'
      ' with (fillfactor = 90)',
    part, first_id, next_id
  );
  return true;
end
$$;

-- What began before this month; this month and the next two; and what a clock that is far ahead
-- makes, which no step drops.
do $$
declare
  this_month date := date_trunc('month', now() at time zone 'UTC')::date;
  first_id uuid := unwind.first_id_at(this_month::timestamp at time zone 'UTC');
begin
  insert into unwind.event_parts (name, from_id, to_id)
  values ('events_before', '00000000-0000-0000-0000-000000000000', first_id);
  execute format(
    'create table unwind.events_before partition of unwind.events for values from (minvalue) to (%L)'
      ' with (fillfactor = 90)',
    first_id
  );
  for ahead in 0..2 loop
    perform unwind.make_event_part((this_month + ahead * interval '1 month')::date);
  end loop;
end
$$;
create table unwind.events_beyond partition of unwind.events default with (fillfactor = 90);

insert into unwind.events (
  tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at,
  position
)
select
  e.tenant_id, e.event_id, e.account_id, e.liquidation_id, e.sequence, e.number, e.type, e.object,
  e.created_at, e.position
from unwind.events_whole e;

-- How much of each log has been dropped: no event at or before dropped_to is promised any more.
alter table unwind.event_heads
  add column dropped_to bigint not null default 0,
  add constraint event_heads_dropped check (dropped_to between 0 and position);

-- Liquidations with an id before this one have no events any more.
create table unwind.event_retention (
  only_row boolean not null default true,
  dropped_before uuid not null,
  constraint event_retention_pkey primary key (only_row),
  constraint event_retention_only_row check (only_row)
);
insert into unwind.event_retention (dropped_before)
values ('00000000-0000-0000-0000-000000000000');

create or replace view unwind_v1.events as
select
  e.tenant_id,
  e.event_id,
  e.account_id,
  e.liquidation_id,
  e.sequence,
  e.number,
  e.type,
  e.object,
  e.created_at,
  e.position
from unwind.events e;
drop table unwind.events_whole;

create or replace view unwind_v1.event_heads as
select
  h.tenant_id,
  h.position,
  h.dropped_to
from unwind.event_heads h;

create view unwind_v1.event_retention as
select r.dropped_before
from unwind.event_retention r;
