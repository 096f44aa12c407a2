-- What the deliverer keeps beside the progress of a subscription. Owner: deliveries.

-- A blocked account: it is not in step with the position of its subscription. Everything of it up to
-- "after" is delivered, and what follows is sent by itself until the account has caught up. Accounts that
-- a receiver refused together share request_id and up_to, and are tried again together.
create table unwind.webhook_holds (
  tenant_id uuid not null,
  webhook_id uuid not null,
  account_id uuid not null,
  after bigint not null,
  request_id uuid not null,
  up_to bigint not null,
  status text not null,
  attempts integer not null,
  failing_since timestamptz,
  next_attempt_at timestamptz not null,
  last_attempt_at timestamptz,
  last_outcome text,
  constraint webhook_holds_pkey primary key (tenant_id, webhook_id, account_id),
  constraint webhook_holds_webhook
    foreign key (tenant_id, webhook_id) references unwind.webhooks on delete cascade,
  constraint webhook_holds_after check (after >= 0),
  constraint webhook_holds_status check (status in ('retrying', 'set_aside')),
  constraint webhook_holds_set_aside_after_failures check (status = 'retrying' or attempts > 0),
  constraint webhook_holds_failing_exactly_after_attempts
    check ((attempts > 0) = (failing_since is not null))
) with (fillfactor = 70);

-- The delivery log: the last attempts of each subscription, in places that are overwritten in turn. It also
-- notes a gap, and each day on which a receiver acknowledged nothing (warning).
create table unwind.webhook_attempts (
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
  constraint webhook_attempts_pkey primary key (tenant_id, webhook_id, place),
  constraint webhook_attempts_webhook
    foreign key (tenant_id, webhook_id) references unwind.webhooks on delete cascade,
  constraint webhook_attempts_kind check (kind in ('delivery', 'test', 'gap', 'warning')),
  constraint webhook_attempts_status check (status between 100 and 999),
  constraint webhook_attempts_answer_length check (length(answer) <= 1000)
) with (fillfactor = 50);
