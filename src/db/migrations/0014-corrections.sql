-- What the venue says after the end: late fills and busts. They are booked like any other execution,
-- but change no state: corrected_… says by how much they moved what was true at the end.

alter table unwind.executions add column busted_at timestamptz;

-- What the venue declared void, whether or not the execution has been reported yet.
create table unwind.busts (
  tenant_id uuid not null,
  venue text not null,
  venue_execution_id text not null,
  client_order_id text not null,
  transaction_at timestamptz not null,
  recorded_at timestamptz not null,
  constraint busts_pkey primary key (tenant_id, venue, venue_execution_id)
);

-- Executed is what counts, without what was busted. A final report counts both, since what is busted
-- after the end was sold before it.
alter table unwind.submissions
  add column busted_quantity numeric not null default 0,
  drop constraint submissions_done_adds_up,
  add constraint submissions_busted check (busted_quantity >= 0),
  add constraint submissions_done_adds_up check (
    status <> 'DONE'
    or (outcome is not null and executed_quantity + busted_quantity >= final_quantity)
  );

-- Filled less corrected is what the order sold as far as its end is concerned.
-- Not `add column … not null default`: migrate.ts (olderTexts) says why.
alter table unwind.orders
  add column corrected_quantity numeric,
  alter column corrected_quantity set default 0;
update unwind.orders set corrected_quantity = 0;
alter table unwind.orders
  alter column corrected_quantity set not null,
  drop constraint orders_filled_quantity,
  drop constraint orders_filled_is_all,
  drop constraint orders_cancelled_is_less,
  add constraint orders_filled_quantity check (
    filled_quantity >= 0
    and filled_quantity - corrected_quantity between 0 and quantity
  ),
  add constraint orders_filled_is_all
    check (status <> 'FILLED' or filled_quantity - corrected_quantity = quantity),
  add constraint orders_cancelled_is_less
    check (status <> 'CANCELLED' or filled_quantity - corrected_quantity < quantity);

alter table unwind.liquidations
  add column corrected_at timestamptz,
  add column corrected_proceeds numeric,
  alter column corrected_proceeds set default 0;
update unwind.liquidations set corrected_proceeds = 0;
alter table unwind.liquidations
  alter column corrected_proceeds set not null,
  add constraint liquidations_corrected_only_when_final
    check (corrected_at is null or status in ('FILLED', 'CANCELLED')),
  add constraint liquidations_corrected_proceeds check (
    (corrected_at is not null or corrected_proceeds = 0)
    and proceeds - corrected_proceeds >= 0
  );

-- uncovered: units that a late fill sold and that the account did not have any more; they stay out of
-- the movement, which never takes more than is there, and a person has to get them.
alter table unwind.movements
  add column uncovered numeric not null default 0,
  drop constraint movements_reason,
  drop constraint movements_execution_exactly_when_executed,
  drop constraint movements_execution_sells,
  add constraint movements_reason
    check (reason in ('import', 'execution', 'bust', 'credit', 'lock', 'unlock')),
  add constraint movements_execution_exactly_when_executed
    check ((reason in ('execution', 'bust')) = (execution_id is not null)),
  add constraint movements_execution_sells check (
    reason <> 'execution'
    or (quantity <= 0 and uncovered >= 0 and quantity < uncovered and locked = 0 and cash >= 0)
  ),
  add constraint movements_bust_returns check (
    reason <> 'bust'
    or (quantity >= 0 and uncovered <= 0 and quantity > uncovered and locked = 0 and cash <= 0)
  ),
  add constraint movements_uncovered_only_of_executions
    check (uncovered = 0 or reason in ('execution', 'bust'));
drop index unwind.movements_execution_once;
create unique index movements_execution_once
  on unwind.movements (tenant_id, execution_id, reason)
  where execution_id is not null;

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
  l.corrected_proceeds
from unwind.liquidations l;

create or replace view unwind_v1.orders as
select
  o.tenant_id,
  o.order_id,
  o.liquidation_id,
  o.account_id,
  o.isin,
  'SELL'::text as side,
  o.round,
  o.quantity,
  o.filled_quantity,
  o.proceeds,
  o.status,
  o.cancellation_reason,
  o.submissions,
  o.submit_at,
  o.created_at,
  o.updated_at,
  o.status_at,
  o.ended_at,
  o.corrected_quantity
from unwind.orders o;

create or replace view unwind_v1.submissions as
select
  s.tenant_id,
  s.client_order_id,
  s.order_id,
  s.liquidation_id,
  s.venue,
  s.quantity,
  s.status,
  s.sent_at,
  s.venue_order_id,
  s.executed_quantity,
  s.final_quantity,
  s.outcome,
  s.reason,
  s.busted_quantity
from unwind.submissions s;

create or replace view unwind_v1.executions as
select
  e.tenant_id,
  e.execution_id,
  e.venue,
  e.venue_execution_id,
  e.client_order_id,
  e.order_id,
  e.liquidation_id,
  e.account_id,
  e.isin,
  e.quantity,
  e.price,
  e.proceeds,
  'EUR'::text as currency,
  e.executed_at,
  e.recorded_at,
  e.busted_at
from unwind.executions e;

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
  m.reference,
  m.uncovered
from unwind.movements m;

create view unwind_v1.busts as
select
  b.tenant_id,
  b.venue,
  b.venue_execution_id,
  b.client_order_id,
  b.transaction_at,
  b.recorded_at
from unwind.busts b;
