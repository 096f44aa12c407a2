-- Parts of the log come and go beside whoever reads and writes it. A part that catches whatever has
-- no other forbids both: PostgreSQL takes no part out concurrently beside it, and makes none without
-- stopping the log to look through it. So there is none any more, and what a clock far ahead makes
-- gets the part of its month, which is dropped like any other.

alter table unwind.event_parts
  -- Since when nothing in it is promised any more. It is taken out of the log and dropped.
  add column given_up_at timestamptz,
  -- When it is worth while to look at it again; null: at any time.
  add column next_try_at timestamptz;

-- Makes the part of a month, given by its first day, without waiting for readers and writers of the
-- log. False where there is one already.
create or replace function unwind.make_event_part(month date) returns boolean
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
      ' with (fillfactor = 90)',
    part
  );
  execute format(
    'alter table unwind.events attach partition unwind.%I for values from (%L) to (%L)',
    part, first_id, next_id
  );
  return true;
end
$$;

alter table unwind.events detach partition unwind.events_beyond;
do $$
declare
  month date;
begin
  for month in
    select distinct date_trunc('month', to_timestamp(
      ('x' || left(replace(e.liquidation_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
    ) at time zone 'UTC')::date
    from unwind.events_beyond e
  loop
    perform unwind.make_event_part(month);
  end loop;
end
$$;
insert into unwind.events (
  tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at,
  position
)
select
  e.tenant_id, e.event_id, e.account_id, e.liquidation_id, e.sequence, e.number, e.type, e.object,
  e.created_at, e.position
from unwind.events_beyond e;
drop table unwind.events_beyond;
