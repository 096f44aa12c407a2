-- An event is written twice, when it happens and when it gets its position, and the second time
-- never in its old place: its position stands in indexes. So room left in each page is of no use to
-- it, and after that nothing changes any more, so that pages may be frozen the first time they are
-- cleaned and are never written again.

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

do $$
declare
  part text;
begin
  for part in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'unwind.events'::regclass
  loop
    execute format(
      'alter table unwind.%I set (fillfactor = 100, autovacuum_freeze_min_age = 0)',
      part
    );
  end loop;
end
$$;

-- Times never go back in the log, so that where a time is in it is found along the positions.
drop index unwind.events_by_time;
