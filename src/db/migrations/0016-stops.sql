-- The intent to end a liquidation before it is flat: by an operator, with a reason of theirs, or for its
-- age while orders are open. It is a row like everything else, so any process carries it out, whatever dies.
-- stop_at (wall clock): when it is looked at next.
alter table unwind.liquidations
  add column stop_reason text,
  add column stop_note text,
  add column stop_asked_at timestamptz,
  add column stop_at timestamptz,
  add constraint liquidations_stop_reason check (stop_reason in ('limit', 'abandoned')),
  add constraint liquidations_stop_asked_exactly_with_reason
    check ((stop_reason is null) = (stop_asked_at is null)),
  add constraint liquidations_stop_note_exactly_when_abandoned
    check ((stop_note is not null) = (stop_reason is not null and stop_reason = 'abandoned')),
  add constraint liquidations_stop_note_length check (length(stop_note) between 1 and 500),
  add constraint liquidations_stopped_only_while_running check (
    stop_at is null
    or (stop_reason is not null and status in ('NEW', 'PROCESSING'))
  ),
  add constraint liquidations_abandoned_by_somebody check (
    end_reason is distinct from 'abandoned'
    or (stop_reason is not null and stop_reason = 'abandoned')
  );
create index liquidations_to_stop
  on unwind.liquidations (tenant_id, stop_at)
  where stop_at is not null;

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
  unwind_v1.liquidation_object(l) as object,
  l.corrected_at,
  l.corrected_proceeds,
  l.stop_reason,
  l.stop_note,
  l.stop_asked_at
from unwind.liquidations l;
