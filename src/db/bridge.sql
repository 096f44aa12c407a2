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

-- The record of steps begins anew with the baseline.
delete from unwind.migrations;
alter table unwind.migrations add column compatible_from integer not null;
