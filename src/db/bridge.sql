-- From the last pre-release schema (25) to the baseline of 0.1.0; changes no more (CONTRIBUTING.md).
-- Afterwards db/bridge.ts runs the baseline's functions and views, which replace the old ones.

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

-- How far deliveries have come stands apart from the settings of a subscription: the settings are written
-- by requests, seldom; the rest by the processes that deliver, all the time.

create table unwind.deliveries (
  tenant_id uuid not null,
  webhook_id uuid not null,
  -- When the settings were written that the rest was recorded under: webhooks.updated_at.
  settings_at timestamptz not null,
  -- Everything of the log up to here is acknowledged, but for blocked accounts.
  acknowledged_offset bigint not null,
  -- Accounts that are blocked, as their rows are counted by what wrote them.
  blocked_count integer not null default 0,
  -- When the first of the blocked accounts is due, if any is tried again.
  blocked_due_at timestamptz,
  -- While events are collected: where the log probably holds a full package.
  full_offset bigint,
  -- Attempts in a row that failed for the subscription as a whole, and since when.
  attempts integer not null default 0,
  failing_since timestamptz,
  next_attempt_at timestamptz not null,
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  last_outcome text,
  -- How many attempts were acknowledged and failed, ever: they number the places of the delivery log.
  acknowledged_count bigint not null default 0,
  failed_count bigint not null default 0,
  -- The last part of the log that was dropped before this subscription had read it.
  gap_after bigint,
  gap_up_to bigint,
  gap_noticed_at timestamptz,
  -- Which process delivers, in which claim. Every record of it is fenced by both.
  lease_holder uuid,
  lease_epoch integer not null default 0,
  lease_expires_at timestamptz,
  -- The claim that wrote the offset, and the last replay: a claim of its own, which set it back.
  recorded_epoch integer not null default 0,
  replayed_epoch integer,
  replayed_to bigint,
  constraint deliveries_pkey primary key (tenant_id, webhook_id),
  constraint deliveries_webhook
    foreign key (tenant_id, webhook_id) references unwind.webhooks on delete cascade,
  constraint deliveries_failing_exactly_after_attempts
    check ((attempts > 0) = (failing_since is not null)),
  constraint deliveries_lease check ((lease_holder is not null) = (lease_expires_at is not null)),
  constraint deliveries_gap check (
    (gap_after is null) = (gap_up_to is null)
    and (gap_after is null) = (gap_noticed_at is null)
    and gap_after < gap_up_to
  ),
  constraint deliveries_recorded check (recorded_epoch <= lease_epoch),
  constraint deliveries_replayed check ((replayed_epoch is null) = (replayed_to is null))
) with (fillfactor = 50);

insert into unwind.deliveries (
  tenant_id, webhook_id, settings_at, acknowledged_offset, blocked_count, blocked_due_at,
  full_offset, attempts, failing_since, next_attempt_at, last_attempt_at, last_success_at,
  last_outcome, acknowledged_count, failed_count, gap_after, gap_up_to, gap_noticed_at,
  lease_holder, lease_epoch, lease_expires_at, recorded_epoch
)
select
  w.tenant_id, w.webhook_id, w.updated_at, w.position,
  (
    select count(*)
    from unwind.webhook_holds h
    where h.tenant_id = w.tenant_id
      and h.webhook_id = w.webhook_id
  ),
  w.hold_due_at, w.full_at, w.attempts, w.failing_since, w.next_attempt_at, w.last_attempt_at,
  w.last_success_at, w.last_outcome, w.taken_count, w.failed_count, w.gap_after, w.gap_up_to,
  w.gap_noticed_at, w.lease_holder, w.lease_epoch, w.lease_expires_at, w.lease_epoch
from unwind.webhooks w;

alter table unwind.webhooks
  drop column position,
  drop column attempts,
  drop column failing_since,
  drop column next_attempt_at,
  drop column lease_holder,
  drop column lease_epoch,
  drop column lease_expires_at,
  drop column last_attempt_at,
  drop column last_outcome,
  drop column full_at,
  drop column hold_due_at,
  drop column last_success_at,
  drop column taken_count,
  drop column failed_count,
  drop column gap_after,
  drop column gap_up_to,
  drop column gap_noticed_at,
  reset (fillfactor);

-- An account that is blocked: everything of it up to acknowledged_offset is acknowledged, and what
-- follows is sent by itself, not with the others, until it has caught up. Accounts that were refused
-- together share request_id and up_to, and are tried again together.
alter table unwind.webhook_holds rename to blocked_accounts;
alter table unwind.blocked_accounts rename column after to acknowledged_offset;
alter table unwind.blocked_accounts rename constraint webhook_holds_pkey to blocked_accounts_pkey;
alter table unwind.blocked_accounts
  rename constraint webhook_holds_after to blocked_accounts_acknowledged_offset;
alter table unwind.blocked_accounts
  drop constraint webhook_holds_status,
  drop constraint webhook_holds_set_aside_after_failures;
update unwind.blocked_accounts
set status = case when attempts = 0 then 'catching_up' else 'blocked' end
where status = 'retrying';
alter table unwind.blocked_accounts
  add constraint blocked_accounts_status
    check (status in ('blocked', 'catching_up', 'set_aside')),
  add constraint blocked_accounts_catching_up_without_failures
    check ((status = 'catching_up') = (attempts = 0));
alter table unwind.blocked_accounts
  rename constraint webhook_holds_failing_exactly_after_attempts
  to blocked_accounts_failing_exactly_after_attempts;
alter table unwind.blocked_accounts
  drop constraint webhook_holds_webhook,
  add constraint blocked_accounts_delivery
    foreign key (tenant_id, webhook_id) references unwind.deliveries on delete cascade;

-- The last attempts of each subscription, in places that are written over in turn.
alter table unwind.webhook_attempts rename to delivery_attempts;
alter table unwind.delivery_attempts
  rename constraint webhook_attempts_pkey to delivery_attempts_pkey;
alter table unwind.delivery_attempts
  rename constraint webhook_attempts_kind to delivery_attempts_kind;
alter table unwind.delivery_attempts
  rename constraint webhook_attempts_status to delivery_attempts_status;
alter table unwind.delivery_attempts
  rename constraint webhook_attempts_answer_length to delivery_attempts_answer_length;
alter table unwind.delivery_attempts
  drop constraint webhook_attempts_webhook,
  add constraint delivery_attempts_delivery
    foreign key (tenant_id, webhook_id) references unwind.deliveries on delete cascade;

-- What new subscriptions of a tenant get where they do not say.
create table unwind.webhook_defaults (
  tenant_id uuid not null,
  max_package_size integer not null,
  constraint webhook_defaults_pkey primary key (tenant_id),
  constraint webhook_defaults_tenant foreign key (tenant_id) references unwind.tenants,
  constraint webhook_defaults_max_package_size check (max_package_size between 100 and 1048576)
);

insert into unwind.webhook_defaults (tenant_id, max_package_size)
select t.tenant_id, t.package_size_default
from unwind.tenants t
where t.package_size_default is not null;

alter table unwind.tenants drop column package_size_default;

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
