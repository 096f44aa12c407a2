-- What needs a second person: lifts of halts that hold more than a set value. Owner: approvals. The limit is one of
-- the controls (0015).

alter table unwind.controls add column four_eyes_max numeric;
alter table unwind.controls add constraint controls_four_eyes check (four_eyes_max > 0);

-- What a halt held when it was lifted while there was a limit; null: there was none, or a price was not known.
alter table unwind.halts add column lift_value numeric;

-- decision null: nobody has decided; expired from expires_at on, void where the halt was lifted otherwise. The key
-- of the halt is no reference: its check would take the lock by which claims hold off halts.
create table unwind.approvals (
  tenant_id uuid not null,
  approval_id uuid not null,
  halt_id uuid not null,
  value numeric,
  value_max numeric not null,
  reason text not null,
  person text not null,
  actor_kind text not null,
  actor text not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  decision text,
  decided_at timestamptz,
  decided_by text,
  decided_actor_kind text,
  decided_actor text,
  decide_reason text,
  constraint approvals_pkey primary key (tenant_id, approval_id),
  constraint approvals_decision check (decision in ('approved', 'declined', 'expired')),
  constraint approvals_decided check (
    (decision is null) = (decided_at is null)
    and (coalesce(decision, 'expired') = 'expired') = (decided_by is null)
    and (decided_by is null) = (decide_reason is null)
    and (decided_by is null) = (decided_actor is null)
    and (decided_by is null) = (decided_actor_kind is null)
  ),
  constraint approvals_two_persons check (
    decision <> 'approved' or lower(btrim(decided_by)) <> lower(btrim(person))
  ),
  constraint approvals_in_time check (decision <> 'approved' or decided_at < expires_at),
  constraint approvals_reason_length check (length(reason) between 1 and 500),
  constraint approvals_person_length check (length(person) between 1 and 100),
  constraint approvals_decided_by_length check (length(decided_by) between 1 and 100),
  constraint approvals_decide_reason_length check (length(decide_reason) between 1 and 500)
);
create unique index approvals_open on unwind.approvals (tenant_id, halt_id) where decision is null;

create or replace view unwind_v1.controls as
select
  nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000') as tenant_id,
  c.controls_id,
  c.order_quantity_max,
  c.order_value_max,
  c.day_value_max,
  c.price_age_max_s,
  c.price_collar_percent,
  c.rejections_max,
  c.rejections_window_s,
  c.reason,
  c.person,
  c.set_at,
  c.replaced_at,
  c.four_eyes_max
from unwind.controls c;

create or replace view unwind_v1.halts as
select
  nullif(h.tenant_id, '00000000-0000-0000-0000-000000000000') as tenant_id,
  h.halt_id,
  h.account_id,
  h.isin,
  h.venue,
  h.strength,
  h.reason,
  h.person,
  h.set_at,
  h.lifted_at,
  h.lifted_by,
  h.lift_reason,
  h.lift_value
from unwind.halts h;

create view unwind_v1.approvals as
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
  a.decide_reason
from unwind.approvals a;
