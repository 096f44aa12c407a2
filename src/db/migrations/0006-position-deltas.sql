-- Deltas: changes of a position that neither a snapshot nor a sale makes. A credit brings units in,
-- a lock keeps units from being sold, an unlock lets them go. Each is one movement, known by the
-- reference its sender gave it, so that the same delta twice changes nothing.

alter table unwind.movements add column reference text;

alter table unwind.movements drop constraint movements_reason;
alter table unwind.movements add constraint movements_reason
  check (reason in ('import', 'execution', 'credit', 'lock', 'unlock'));
alter table unwind.movements add constraint movements_reference_exactly_of_deltas
  check ((reason in ('credit', 'lock', 'unlock')) = (reference is not null));
alter table unwind.movements add constraint movements_reference_length
  check (length(reference) between 1 and 100);
alter table unwind.movements add constraint movements_credit_brings_units
  check (reason <> 'credit' or (quantity > 0 and locked = 0 and cash = 0));
alter table unwind.movements add constraint movements_lock_locks
  check (reason <> 'lock' or (quantity = 0 and locked > 0 and cash = 0));
alter table unwind.movements add constraint movements_unlock_unlocks
  check (reason <> 'unlock' or (quantity = 0 and locked < 0 and cash = 0));

create unique index movements_reference_once
  on unwind.movements (tenant_id, reference)
  where reference is not null;

create or replace view unwind_v1.movements as
select
  m.tenant_id,
  m.movement_id,
  m.account_id,
  m.isin,
  m.quantity,
  m.locked,
  m.cash,
  m.reason,
  m.execution_id,
  m.effective_at,
  m.recorded_at,
  m.reference
from unwind.movements m;
