-- Many accounts at once. Owner: batches. And what the log and liquidations keep of them.
--
-- No older version works on this: it would deliver events of batches to subscriptions to all kinds.

create table unwind.batches (
  tenant_id uuid not null,
  batch_id uuid not null,
  status text not null,
  reason text not null,
  person text not null,
  -- How many accounts it names.
  accounts integer not null,
  -- Accounts a minute, and liquidations that may be open at once; null: as many as can be.
  rate integer,
  in_progress_max integer,
  start_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,

  -- What became of its accounts; the others wait. Counted with each change of batch_accounts.
  started integer not null default 0,
  refused integer not null default 0,
  cancelled integer not null default 0,

  -- Who has paused, resumed or cancelled it last, and why.
  steered_at timestamptz,
  steered_by text,
  steer_reason text,
  -- Since when it is paused, and how long it was before, in ms.
  paused_at timestamptz,
  paused_ms bigint not null default 0,

  event_count integer not null,
  -- When it is looked at next; null: it is paused or has ended.
  next_at timestamptz,
  -- When its rate allows the next account.
  paced_to timestamptz,
  -- Number of the account that was looked at last; behind the last one it begins again.
  passed integer not null default 0,
  -- The progress that was told last, and when.
  told text,
  told_at timestamptz,

  constraint batches_pkey primary key (tenant_id, batch_id),
  constraint batches_tenant foreign key (tenant_id) references unwind.tenants,
  constraint batches_reason_length check (length(reason) between 1 and 500),
  constraint batches_person_length check (length(person) between 1 and 100),
  constraint batches_accounts check (accounts between 1 and 100000),
  constraint batches_rate check (rate between 1 and 1000000),
  constraint batches_in_progress_max check (in_progress_max between 1 and 100000),

  -- States.
  constraint batches_status
    check (status in ('SCHEDULED', 'RUNNING', 'PAUSED', 'CANCELLING', 'CANCELLED', 'COMPLETED')),
  constraint batches_ended_exactly_when_final
    check ((status in ('CANCELLED', 'COMPLETED')) = (ended_at is not null)),
  constraint batches_looked_at_exactly_when_active
    check ((status in ('SCHEDULED', 'RUNNING', 'CANCELLING')) = (next_at is not null)),
  constraint batches_paused_at check ((status = 'PAUSED') = (paused_at is not null)),
  constraint batches_running_has_started
    check (status not in ('RUNNING', 'COMPLETED') or started_at is not null),
  constraint batches_scheduled_has_not_started
    check (status <> 'SCHEDULED' or (started_at is null and started + refused + cancelled = 0)),
  constraint batches_final_has_decided_all check (
    status not in ('CANCELLED', 'COMPLETED')
    or started + refused + cancelled = accounts
  ),
  constraint batches_completed_was_not_cancelled check (status <> 'COMPLETED' or cancelled = 0),
  constraint batches_counts check (
    started >= 0 and refused >= 0 and cancelled >= 0
    and started + refused + cancelled <= accounts
  ),
  constraint batches_steered check (
    (steered_at is null) = (steered_by is null)
    and (steered_at is null) = (steer_reason is null)
  ),
  constraint batches_steered_by_length check (length(steered_by) between 1 and 100),
  constraint batches_steer_reason_length check (length(steer_reason) between 1 and 500)
) with (fillfactor = 50);
create index batches_due
  on unwind.batches (tenant_id, next_at)
  where next_at is not null;
-- The log keeps the events of what is open.
create index batches_open
  on unwind.batches (batch_id)
  where ended_at is null;

create trigger batches_transitions
  after update of status on unwind.batches
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('SCHEDULED', 'RUNNING'),
      ('SCHEDULED', 'PAUSED'),
      ('SCHEDULED', 'CANCELLING'),
      ('RUNNING', 'PAUSED'),
      ('RUNNING', 'CANCELLING'),
      ('RUNNING', 'COMPLETED'),
      ('PAUSED', 'SCHEDULED'),
      ('PAUSED', 'RUNNING'),
      ('PAUSED', 'CANCELLING'),
      ('CANCELLING', 'CANCELLED')
    )
  )
  execute function unwind.refuse_transition();

-- The accounts of a batch, each once. A row leaves WAITING once, in the commit that creates its
-- liquidation, and is never changed after that. No foreign key to its batch, with which it is inserted and never
-- without it: for 100,000 rows that would be a third of the time of the request. The audit compares the two.
create table unwind.batch_accounts (
  tenant_id uuid not null,
  batch_id uuid not null,
  account_id uuid not null,
  -- Its place in the list that was sent: the order in which they are started.
  number integer not null,
  -- Whose account it has to be; null: anybody's.
  user_id uuid,
  status text not null default 'WAITING',
  liquidation_id uuid,
  -- Why it has none, and which other liquidation stood against it.
  refusal text,
  running_id uuid,
  decided_at timestamptz,
  constraint batch_accounts_pkey primary key (tenant_id, batch_id, account_id),
  constraint batch_accounts_number check (number between 1 and 100000),
  constraint batch_accounts_status
    check (status in ('WAITING', 'STARTED', 'REFUSED', 'CANCELLED')),
  constraint batch_accounts_decided check ((status <> 'WAITING') = (decided_at is not null)),
  constraint batch_accounts_liquidation_exactly_when_started
    check ((status = 'STARTED') = (liquidation_id is not null)),
  constraint batch_accounts_refusal_exactly_when_refused
    check ((status = 'REFUSED') = (refusal is not null)),
  constraint batch_accounts_refusal check (refusal in (
    'no_such_account', 'account_not_active', 'liquidation_running', 'too_many_positions'
  )),
  constraint batch_accounts_running_exactly_when_named
    check ((running_id is not null) = (refusal is not null and refusal = 'liquidation_running'))
);
create index batch_accounts_waiting
  on unwind.batch_accounts (tenant_id, batch_id, number)
  where status = 'WAITING';

-- Which batch has started a liquidation: one of each account at most, whatever dies and comes twice.
alter table unwind.liquidations
  add column batch_id uuid,
  add constraint liquidations_batch
    foreign key (tenant_id, batch_id) references unwind.batches not valid;
create unique index liquidations_once_in_batch
  on unwind.liquidations (tenant_id, batch_id, account_id)
  where batch_id is not null;
create index liquidations_open_in_batch
  on unwind.liquidations (tenant_id, batch_id)
  where batch_id is not null and status in ('NEW', 'PROCESSING');

-- Events of a batch stand in the log of its tenant, in place of account and liquidation with the id of the
-- batch. Not validated, since that would stop the log to look through it.
alter table unwind.events
  drop constraint events_type,
  add constraint events_type check (type in (
    'ACCOUNT_LIQUIDATION.NEW',
    'ACCOUNT_LIQUIDATION.PROCESSING',
    'ACCOUNT_LIQUIDATION.FILLED',
    'ACCOUNT_LIQUIDATION.SETTLED',
    'ACCOUNT_LIQUIDATION.CANCELLED',
    'BATCH.CREATED',
    'BATCH.STARTED',
    'BATCH.PROGRESS',
    'BATCH.PAUSED',
    'BATCH.RESUMED',
    'BATCH.CANCELLING',
    'BATCH.CANCELLED',
    'BATCH.COMPLETED'
  )) not valid;

alter table unwind.parked
  drop constraint parked_step,
  add constraint parked_step check (step in (
    'release', 'submit', 'answer', 'receive', 'apply', 'advance', 'stop', 'settle', 'reserve',
    'report', 'publish', 'correction', 'start'
  ));

create view unwind_v1.batches as
select
  b.tenant_id, b.batch_id, b.status, b.reason, b.person, b.accounts, b.rate, b.in_progress_max,
  b.start_at, b.created_at, b.updated_at, b.started_at, b.ended_at, b.started, b.refused, b.cancelled,
  b.steered_at, b.steered_by, b.steer_reason, b.event_count
from unwind.batches b;

create view unwind_v1.batch_accounts as
select
  a.tenant_id, a.batch_id, a.account_id, a.number, a.user_id, a.status, a.liquidation_id, a.refusal,
  a.running_id, a.decided_at
from unwind.batch_accounts a;

create view unwind_v1.batch_liquidations as
select
  l.tenant_id, l.batch_id, l.account_id, l.liquidation_id, l.status, l.created_at
from unwind.liquidations l
where l.batch_id is not null;
