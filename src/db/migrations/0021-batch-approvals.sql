-- Batches above a set value wait for a second person. Owners: batches, approvals.
--
-- No older version works on this: it does not know a batch that waits.

-- value: what its accounts could sell when it was made while there was a limit of that; null: there was none, or a
-- price was not known. approval_id: what it waited for, or waits.
alter table unwind.batches add column value numeric;
alter table unwind.batches add column approval_id uuid;

-- It is looked at when its approval expires.
alter table unwind.batches
  drop constraint batches_status,
  add constraint batches_status check (status in (
    'PENDING_APPROVAL', 'SCHEDULED', 'RUNNING', 'PAUSED', 'CANCELLING', 'CANCELLED', 'COMPLETED'
  )),
  drop constraint batches_looked_at_exactly_when_active,
  add constraint batches_looked_at_exactly_when_active check (
    (status in ('PENDING_APPROVAL', 'SCHEDULED', 'RUNNING', 'CANCELLING')) = (next_at is not null)
  ),
  drop constraint batches_scheduled_has_not_started,
  add constraint batches_scheduled_has_not_started check (
    status not in ('PENDING_APPROVAL', 'SCHEDULED')
    or (started_at is null and started + refused + cancelled = 0)
  ),
  add constraint batches_pending_has_approval
    check (status <> 'PENDING_APPROVAL' or approval_id is not null);

drop trigger batches_transitions on unwind.batches;
create trigger batches_transitions
  after update of status on unwind.batches
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('PENDING_APPROVAL', 'SCHEDULED'),
      ('PENDING_APPROVAL', 'CANCELLING'),
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

-- An approval is of a halt or of a batch; of a batch there is one.
alter table unwind.approvals alter column halt_id drop not null;
alter table unwind.approvals add column batch_id uuid;
alter table unwind.approvals
  add constraint approvals_of_one check (num_nonnulls(halt_id, batch_id) = 1);
create unique index approvals_of_batch on unwind.approvals (tenant_id, batch_id);

alter table unwind.events
  drop constraint events_type,
  add constraint events_type check (type in (
    'ACCOUNT_LIQUIDATION.NEW',
    'ACCOUNT_LIQUIDATION.PROCESSING',
    'ACCOUNT_LIQUIDATION.FILLED',
    'ACCOUNT_LIQUIDATION.SETTLED',
    'ACCOUNT_LIQUIDATION.CANCELLED',
    'BATCH.CREATED',
    'BATCH.APPROVED',
    'BATCH.STARTED',
    'BATCH.PROGRESS',
    'BATCH.PAUSED',
    'BATCH.RESUMED',
    'BATCH.CANCELLING',
    'BATCH.CANCELLED',
    'BATCH.COMPLETED'
  )) not valid;

create or replace view unwind_v1.batches as
select
  b.tenant_id, b.batch_id, b.status, b.reason, b.person, b.accounts, b.rate, b.in_progress_max,
  b.start_at, b.created_at, b.updated_at, b.started_at, b.ended_at, b.started, b.refused, b.cancelled,
  b.steered_at, b.steered_by, b.steer_reason, b.event_count, b.value, b.approval_id
from unwind.batches b;

create or replace view unwind_v1.approvals as
select
  nullif(a.tenant_id, '00000000-0000-0000-0000-000000000000') as tenant_id,
  a.approval_id,
  a.halt_id,
  a.value,
  a.value_max,
  a.reason,
  a.person,
  a.actor_kind,
  a.actor,
  a.asked_at,
  a.expires_at,
  a.decision,
  a.decided_at,
  a.decided_by,
  a.decided_actor_kind,
  a.decided_actor,
  a.decide_reason,
  a.batch_id
from unwind.approvals a;
