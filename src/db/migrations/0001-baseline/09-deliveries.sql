-- How far deliveries have come. Owner: deliveries.

-- One row for each subscription. The log is read and acknowledged in the order of its offsets.
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

-- A blocked account: it is not in step with the offset of its subscription. Everything of it up to
-- acknowledged_offset is acknowledged, and what follows is sent by itself until the account has caught up. Accounts that
-- a receiver refused together share request_id and up_to, and are tried again together.
create table unwind.blocked_accounts (
  tenant_id uuid not null,
  webhook_id uuid not null,
  account_id uuid not null,
  acknowledged_offset bigint not null,
  request_id uuid not null,
  up_to bigint not null,
  status text not null,
  attempts integer not null,
  failing_since timestamptz,
  next_attempt_at timestamptz not null,
  last_attempt_at timestamptz,
  last_outcome text,
  constraint blocked_accounts_pkey primary key (tenant_id, webhook_id, account_id),
  constraint blocked_accounts_delivery
    foreign key (tenant_id, webhook_id) references unwind.deliveries on delete cascade,
  constraint blocked_accounts_acknowledged_offset check (acknowledged_offset >= 0),
  constraint blocked_accounts_status check (status in ('blocked', 'catching_up', 'set_aside')),
  constraint blocked_accounts_catching_up_without_failures
    check ((status = 'catching_up') = (attempts = 0)),
  constraint blocked_accounts_failing_exactly_after_attempts
    check ((attempts > 0) = (failing_since is not null))
) with (fillfactor = 70);

-- The delivery log: the last attempts of each subscription, in places that are overwritten in turn. It also
-- notes a gap, and each day on which a receiver acknowledged nothing (warning).
create table unwind.delivery_attempts (
  tenant_id uuid not null,
  webhook_id uuid not null,
  place integer not null,
  attempt_id uuid not null,
  kind text not null,
  attempted_at timestamptz not null,
  duration_ms integer not null,
  outcome text not null,
  status integer,
  answer text not null,
  attempt integer not null,
  events integer not null,
  first_event_id uuid,
  last_event_id uuid,
  constraint delivery_attempts_pkey primary key (tenant_id, webhook_id, place),
  constraint delivery_attempts_delivery
    foreign key (tenant_id, webhook_id) references unwind.deliveries on delete cascade,
  constraint delivery_attempts_kind check (kind in ('delivery', 'test', 'gap', 'warning')),
  constraint delivery_attempts_status check (status between 100 and 999),
  constraint delivery_attempts_answer_length check (length(answer) <= 1000)
) with (fillfactor = 50);
