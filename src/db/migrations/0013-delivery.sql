-- How far each subscription has come: a low-water mark in the log (position), and beside it what is
-- not in step with the mark. See docs/decisions on delivery.

alter table unwind.webhooks
  -- Signs the headers of Standard Webhooks as well.
  add column standard_headers boolean not null default false,
  -- While events are collected: where the log probably holds a full package.
  add column full_at bigint,
  -- When the first of the holds is due, if any is tried again.
  add column hold_due_at timestamptz,
  add column last_success_at timestamptz,
  -- How many attempts succeeded and failed, ever: they number the places of the delivery log.
  add column taken_count bigint not null default 0,
  add column failed_count bigint not null default 0,
  -- The last part of the log that was dropped before this subscription had read it.
  add column gap_after bigint,
  add column gap_up_to bigint,
  add column gap_noticed_at timestamptz,
  add constraint webhooks_gap check (
    (gap_after is null) = (gap_up_to is null)
    and (gap_after is null) = (gap_noticed_at is null)
    and gap_after < gap_up_to
  );

-- An account that is not in step with the mark of its subscription: everything of it up to "after"
-- is delivered, and what follows is sent by itself, not with the others, until it has caught up.
-- Accounts that were refused together share request_id and up_to, and are tried again together.
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

-- The last attempts of each subscription, in places that are written over in turn.
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
  constraint webhook_attempts_kind check (kind in ('delivery', 'test', 'gap')),
  constraint webhook_attempts_status check (status between 100 and 999),
  constraint webhook_attempts_answer_length check (length(answer) <= 1000)
) with (fillfactor = 50);
