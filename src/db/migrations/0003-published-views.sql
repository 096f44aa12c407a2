-- The published reading interface: stable, documented in docs/views.md, for reports,
-- reconciliation and anyone's own audit. Tables may change behind it; these views keep their
-- columns.

create schema unwind_v1;

create view unwind_v1.tenants as
select
  t.tenant_id,
  t.name,
  t.created_at
from unwind.tenants t;

create view unwind_v1.instruments as
select
  i.tenant_id,
  i.isin,
  i.name,
  i.trading_status,
  i.fractional,
  i.updated_at
from unwind.instruments i;

create view unwind_v1.accounts as
select
  a.tenant_id,
  a.account_id,
  a.user_id,
  a.status,
  a.currency
from unwind.accounts a;

-- A function called by a view runs with the rights of the reader, who may have none on the tables.
create function unwind_v1.liquidation_object(l unwind.liquidations) returns text
  language sql stable parallel safe security definer
  set search_path = ''
  return unwind.liquidation_object(l);

create view unwind_v1.liquidations as
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
  unwind_v1.liquidation_object(l) as object
from unwind.liquidations l;

create view unwind_v1.orders as
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
  o.ended_at
from unwind.orders o;

create view unwind_v1.submissions as
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
  s.reason
from unwind.submissions s;

create view unwind_v1.executions as
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
  e.recorded_at
from unwind.executions e;

create view unwind_v1.movements as
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
  m.recorded_at
from unwind.movements m;

create view unwind_v1.positions as
select
  p.tenant_id,
  p.account_id,
  p.isin,
  p.quantity,
  p.locked,
  p.held,
  p.quantity - p.locked - p.held as available
from unwind.positions p;

create view unwind_v1.events as
select
  e.tenant_id,
  e.event_id,
  e.account_id,
  e.liquidation_id,
  e.sequence,
  e.number,
  e.type,
  e.object,
  e.created_at,
  e.position
from unwind.events e;

create view unwind_v1.event_heads as
select
  h.tenant_id,
  h.position
from unwind.event_heads h;

-- Reports received and not applied yet: every running service has some for a moment.
create view unwind_v1.waiting_reports as
select
  r.tenant_id,
  r.venue,
  r.report_id,
  r.client_order_id,
  r.type,
  r.venue_execution_id,
  r.last_quantity,
  r.last_price,
  r.cumulative_quantity,
  r.reason,
  r.transaction_at,
  r.received_at
from unwind.venue_reports r
where r.parked_reason is null;

-- Reports that contradict what is known: each waits for a person.
create view unwind_v1.parked_reports as
select
  r.tenant_id,
  r.venue,
  r.report_id,
  r.client_order_id,
  r.type,
  r.venue_execution_id,
  r.last_quantity,
  r.last_price,
  r.cumulative_quantity,
  r.reason,
  r.transaction_at,
  r.received_at,
  r.parked_reason
from unwind.venue_reports r
where r.parked_reason is not null;

create view unwind_v1.venue_cursors as
select
  c.venue,
  c.position
from unwind.venue_cursors c;

-- What the simulated venue (XSIM) itself has written down: the witness on the other side.
create view unwind_v1.venue_journal as
select
  j.firm as tenant_id,
  'XSIM'::text as venue,
  j.entry,
  j.client_order_id,
  j.isin,
  j.side,
  j.quantity,
  j.outcome,
  j.venue_order_id,
  j.price,
  j.reason,
  j.received_at
from simulated_venue.journal j;

-- The reports it has sent or would send now, numbered in the order of sending.
create view unwind_v1.venue_reports as
select
  r.firm as tenant_id,
  'XSIM'::text as venue,
  r.number,
  r.client_order_id,
  r.venue_order_id,
  r.type,
  r.venue_execution_id,
  r.last_quantity,
  r.last_price,
  r.cumulative_quantity,
  r.reason,
  r.due_at as transaction_at
from simulated_venue.reports r
where r.number is not null;
