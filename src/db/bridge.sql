-- From the last pre-release schema (25) to the baseline. Every change of the baseline stands here as well
-- until 0.1.0 is released (CONTRIBUTING.md). Afterwards db/bridge.ts runs the baseline's functions and
-- views, which replace the old ones.

-- Functions that took the row type of a table: PostgreSQL 15.20, 17.12 and later minor versions refuse some
-- changes of such a table. The view keeps its columns and the rights of its readers.
create or replace view unwind_v1.liquidations as
select
  l.tenant_id,
  l.liquidation_id,
  l.account_id,
  l.user_id,
  l.sequence,
  l.status,
  l.proceeds,
  l.cash_amount,
  l.rounds,
  l.open_orders,
  l.event_count,
  l.created_at,
  l.updated_at,
  l.released_at,
  l.ended_at,
  l.end_reason,
  null::text as object,
  l.corrected_at,
  l.corrected_proceeds,
  l.stop_reason,
  l.stop_note,
  l.stop_asked_at
from unwind.liquidations l;

drop function unwind_v1.liquidation_object(unwind.liquidations);
drop function unwind.liquidation_object(unwind.liquidations);
drop function unwind.liquidation_objects(unwind.liquidations);
drop function unwind.next_change_at(unwind.liquidations, timestamptz);
drop function unwind.next_changes(unwind.liquidations, timestamptz);
drop function unwind.indicative_value(uuid, uuid, uuid);
drop function unwind.order_object(unwind.orders);
drop function unwind.cancelled_by(unwind.orders, unwind.liquidations);
drop function unwind.execution_object(unwind.executions);
drop function unwind.position_object(unwind.positions);
drop function unwind.instrument_object(unwind.instruments);
drop function unwind.account_object(unwind.accounts);

-- Access that can be withdrawn.
alter table unwind.tenants
  add column disabled_at timestamptz,
  add column old_secret_hash bytea,
  add column old_secret_ends_at timestamptz,
  add constraint tenants_old_secret_hash_is_sha256 check (length(old_secret_hash) = 32),
  add constraint tenants_old_secret_ends
    check ((old_secret_hash is null) = (old_secret_ends_at is null));

-- The hash of the secret for which a token was issued.
alter table unwind.access_tokens
  add column secret_hash bytea;

update unwind.access_tokens a
set secret_hash = t.secret_hash
from unwind.tenants t
where t.tenant_id = a.tenant_id;

alter table unwind.access_tokens
  alter column secret_hash set not null,
  add constraint access_tokens_secret_hash_is_sha256 check (length(secret_hash) = 32);

create table unwind.client_changes (
  tenant_id uuid not null,
  change_id uuid not null,
  changed_at timestamptz not null,
  change text not null,
  detail text not null,
  actor text not null,
  reason text not null,
  constraint client_changes_pkey primary key (tenant_id, change_id),
  constraint client_changes_tenant foreign key (tenant_id) references unwind.tenants,
  constraint client_changes_change check (
    change in (
      'disabled', 'enabled', 'secret_rotated', 'key_added', 'key_revoked', 'scopes_set',
      'tokens_revoked'
    )
  ),
  constraint client_changes_actor_length check (length(actor) between 1 and 100),
  constraint client_changes_reason_length check (length(reason) between 1 and 500)
);

-- Market time since which trading is halted.
alter table unwind.venue_halts add column halted_at timestamptz not null default now();
alter table unwind.venue_halts alter column halted_at drop default;

-- What was changed beside the service shows.
alter table unwind.events add column object_sha256 bytea;
update unwind.events e
set object_sha256 = sha256(convert_to(e.object, 'UTF8'));

alter table unwind.parked
  add column closed_by text,
  add column closed_reason text;
update unwind.parked k
set
  closed_by = 'unknown',
  closed_reason = 'closed before a reason was asked for'
where k.closed_at is not null;
alter table unwind.parked
  add constraint parked_closed_says_why check (
    (closed_at is null) = (closed_by is null)
    and (closed_at is null) = (closed_reason is null)
  ),
  add constraint parked_closed_by_length check (length(closed_by) between 1 and 100),
  add constraint parked_closed_reason_length check (length(closed_reason) between 1 and 500);

-- The record of steps begins anew with the baseline.
delete from unwind.migrations;
alter table unwind.migrations add column compatible_from integer not null;

-- The mode of the database. The process that migrates it first records the mode, and it stays.
create table unwind.database_mode (
  only_row boolean not null default true,
  mode text not null,
  recorded_at timestamptz not null,
  constraint database_mode_pkey primary key (only_row),
  constraint database_mode_only_row check (only_row),
  constraint database_mode_mode check (mode in ('sandbox', 'live'))
);

-- In a live database no client gets the scope that moves the market.
create function unwind.refuse_test_scopes() returns trigger
  language plpgsql
as $$
begin
  if 'tests:admin' = any (new.scopes)
    and exists (select from unwind.database_mode where mode = 'live')
  then
    raise exception 'tests:admin is a scope of sandboxes, and this database is live'
      using errcode = 'check_violation', constraint = 'tenants_no_test_scopes_in_live';
  end if;
  return new;
end
$$;

create trigger tenants_no_test_scopes_in_live
  before insert or update of scopes on unwind.tenants
  for each row execute function unwind.refuse_test_scopes();
