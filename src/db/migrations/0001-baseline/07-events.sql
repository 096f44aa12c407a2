-- The event log. Owner: events.

-- The commit that changes a liquidation records its event. A publishing step gives the event its place in
-- the tenant's log (position), in an order that never turns two events of one account around.
--
-- The log has a partition for each month in which liquidations began, so that old events are dropped and
-- not deleted row by row. All events of a liquidation stand in one partition: an id is a UUIDv7, whose
-- first bits are its time. There is no default partition: beside one, PostgreSQL detaches no partition
-- concurrently, and makes none without stopping the log to look through it.
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
  -- SHA-256 of the object in UTF-8, recorded with it. The audit compares: an event without one differs.
  object_sha256 bytea,
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
-- One position, one event: the publishing step locks the head of the log, and the audit checks. A
-- partition cannot enforce it for the others.
create index events_by_position
  on unwind.events (tenant_id, position)
  where position is not null;
create index events_to_publish
  on unwind.events (tenant_id, created_at)
  where position is null;
create index events_of_account
  on unwind.events (tenant_id, account_id, position)
  where position is not null;

-- The end of each tenant's log. dropped_to: no event at or before it is promised any more.
create table unwind.event_heads (
  tenant_id uuid not null,
  position bigint not null,
  dropped_to bigint not null default 0,
  constraint event_heads_pkey primary key (tenant_id),
  constraint event_heads_tenant foreign key (tenant_id) references unwind.tenants,
  constraint event_heads_dropped check (dropped_to between 0 and position)
);

-- Liquidations with an id before this one have no events any more.
create table unwind.event_retention (
  only_row boolean not null default true,
  dropped_before uuid not null,
  constraint event_retention_pkey primary key (only_row),
  constraint event_retention_only_row check (only_row)
);
insert into unwind.event_retention (dropped_before)
values ('00000000-0000-0000-0000-000000000000');

-- The partitions. to_id is the first id behind one.
create table unwind.event_parts (
  name text not null,
  from_id uuid not null,
  to_id uuid not null,
  -- Since when nothing in it is promised any more: it is retired, detached and dropped.
  given_up_at timestamptz,
  -- When it is worthwhile to look at it again; null: at any time.
  next_try_at timestamptz,
  constraint event_parts_pkey primary key (name),
  constraint event_parts_range check (from_id < to_id)
);

-- The smallest id that is made at an instant or later.
create function unwind.first_id_at(at timestamptz) returns uuid
  language sql immutable parallel safe
  return (
    lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20)
  )::uuid;

-- Makes the partition of a month, given by its first day, without waiting for readers and writers of the
-- log. False where there is one already.
--
-- Its pages are full (fillfactor 100): an event is written twice, when it happens and when it gets its
-- position, and the second time never in its old place, since indexes hold its position. After that
-- nothing changes, so vacuum may freeze a page the first time it cleans it.
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
    'create table unwind.%I (like unwind.events including defaults including constraints)'
      ' with (fillfactor = 100, autovacuum_freeze_min_age = 0)',
    part
  );
  execute format(
    'alter table unwind.events attach partition unwind.%I for values from (%L) to (%L)',
    part, first_id, next_id
  );
  return true;
end
$$;

-- A partition for what began before this month, one for this month and for each of the next two.
do $$
declare
  this_month date := date_trunc('month', now() at time zone 'UTC')::date;
  first_id uuid := unwind.first_id_at(this_month::timestamp at time zone 'UTC');
begin
  insert into unwind.event_parts (name, from_id, to_id)
  values ('events_before', '00000000-0000-0000-0000-000000000000', first_id);
  execute format(
    'create table unwind.events_before partition of unwind.events for values from (minvalue) to (%L)'
      ' with (fillfactor = 100, autovacuum_freeze_min_age = 0)',
    first_id
  );
  for ahead in 0..2 loop
    perform unwind.make_event_part((this_month + ahead * interval '1 month')::date);
  end loop;
end
$$;
