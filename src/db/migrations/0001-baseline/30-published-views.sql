-- The published reading interface: stable, documented in docs/views.md, for reports, reconciliation and
-- anyone's own audit. Tables may change behind it; a view keeps its columns, and new ones are appended.

create schema if not exists unwind_v1;

create or replace view unwind_v1.tenants as
select
  t.tenant_id,
  t.name,
  t.created_at
from unwind.tenants t;

create or replace view unwind_v1.instruments as
select
  i.tenant_id,
  i.isin,
  i.name,
  i.trading_status,
  i.fractional,
  i.updated_at,
  i.instrument_id
from unwind.instruments i;

create or replace view unwind_v1.accounts as
select
  a.tenant_id,
  a.account_id,
  a.user_id,
  a.status,
  a.currency
from unwind.accounts a;

-- A function that a view calls runs with the rights of the reader, who may have none on the tables; this
-- one runs with those of the owner.
create or replace function unwind_v1.liquidation_object(the_tenant uuid, the_liquidation uuid)
  returns text
  language sql stable parallel safe security definer
  set search_path = ''
  return (
    select o.object
    from unwind.liquidations l
    cross join lateral unwind.liquidation_objects(
      l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.status, l.cash_amount, l.created_at,
      l.updated_at
    ) as o
    where l.tenant_id = the_tenant
      and l.liquidation_id = the_liquidation
  );

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
  unwind_v1.liquidation_object(l.tenant_id, l.liquidation_id) as object,
  l.corrected_at,
  l.corrected_proceeds,
  l.stop_reason,
  l.stop_note,
  l.stop_asked_at
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

create or replace view unwind_v1.positions as
select
  p.tenant_id,
  p.account_id,
  p.isin,
  p.quantity,
  p.locked,
  p.held,
  p.quantity - p.locked - p.held as available
from unwind.positions p;

create or replace view unwind_v1.events as
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
  e.position,
  e.object_sha256
from unwind.events e;

create or replace view unwind_v1.event_heads as
select
  h.tenant_id,
  h.position,
  h.dropped_to
from unwind.event_heads h;

-- Reports received and not applied yet: every running service has some for a moment.
create or replace view unwind_v1.waiting_reports as
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
create or replace view unwind_v1.parked_reports as
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

create or replace view unwind_v1.venue_cursors as
select
  c.venue,
  c.position
from unwind.venue_cursors c;

-- What venues have of our orders. The simulated one (XSIM) writes it itself, the witness on the other side;
-- of a venue that speaks FIX it is what passed over the session.
create or replace view unwind_v1.venue_journal as
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
  j.received_at,
  j.temporary
from simulated_venue.journal j
union all
select
  o.tenant_id,
  o.venue,
  o.entry,
  o.client_order_id,
  o.isin,
  'SELL',
  o.quantity,
  case when o.refusal is null then 'accepted' else 'refused' end,
  -- One that was withdrawn before it was sent never got a name.
  case when o.refusal is null then coalesce(o.venue_order_id, 'NONE') end,
  null,
  o.refusal,
  o.queued_at,
  o.is_refusal_temporary
from unwind.fix_orders o
where o.status in ('WORKING', 'DONE');

-- The reports that venues have sent or would send now, numbered in the order of sending.
create or replace view unwind_v1.venue_reports as
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
  r.transaction_at,
  r.copy
from simulated_venue.reports r
where r.number is not null
union all
select
  r.tenant_id,
  r.venue,
  r.number,
  r.client_order_id,
  coalesce(o.venue_order_id, 'NONE'),
  r.type,
  r.venue_execution_id,
  r.last_quantity,
  r.last_price,
  r.cumulative_quantity,
  r.reason,
  r.transaction_at,
  0::smallint
from unwind.fix_reports r
left join unwind.fix_orders o
  on o.tenant_id = r.tenant_id
  and o.client_order_id = r.client_order_id;

-- What the simulated venue was asked to cancel, and what it answered.
create or replace view unwind_v1.venue_cancels as
select
  c.firm as tenant_id,
  'XSIM'::text as venue,
  c.entry,
  c.client_order_id,
  c.outcome,
  c.received_at
from simulated_venue.cancels c;

-- Everything that waits for a person, with the id that `unwind parked` knows it by.
create or replace view unwind_v1.parked as
select
  p.tenant_id,
  p.step || '/' || p.subject as parked_id,
  p.step,
  p.subject,
  p.reason,
  p.tries,
  p.first_at,
  p.parked_at
from unwind.parked p
where p.parked_at is not null
  and p.closed_at is null
union all
select
  r.tenant_id,
  concat('report/', r.venue, '/', r.report_id),
  'report',
  concat(r.venue, '/', r.report_id),
  concat(r.parked_reason, ' (client order id ', r.client_order_id, ')'),
  1,
  r.received_at,
  r.received_at
from unwind.venue_reports r
where r.parked_reason is not null;

-- Fills and busts after the end. They stay, open or closed.
create or replace view unwind_v1.corrections as
select
  p.tenant_id,
  p.step || '/' || p.subject as parked_id,
  p.subject,
  p.reason,
  p.parked_at as raised_at,
  p.closed_at,
  p.closed_by,
  p.closed_reason
from unwind.parked p
where p.step = 'correction';

create or replace view unwind_v1.event_retention as
select r.dropped_before
from unwind.event_retention r;

create or replace view unwind_v1.busts as
select
  b.tenant_id,
  b.venue,
  b.venue_execution_id,
  b.client_order_id,
  b.transaction_at,
  b.recorded_at
from unwind.busts b;

-- How far each subscription is delivered: everything up to acknowledged_offset, but for blocked accounts.
create or replace view unwind_v1.deliveries as
select
  d.tenant_id,
  d.webhook_id,
  d.settings_at,
  d.acknowledged_offset,
  d.blocked_count,
  d.attempts,
  d.failing_since,
  d.next_attempt_at,
  d.last_attempt_at,
  d.last_success_at,
  d.last_outcome,
  d.acknowledged_count,
  d.failed_count,
  d.gap_after,
  d.gap_up_to,
  d.recorded_epoch,
  d.replayed_epoch,
  d.replayed_to
from unwind.deliveries d;

-- Accounts that are out of step with that: of each everything up to its own acknowledged_offset.
create or replace view unwind_v1.blocked_accounts as
select
  b.tenant_id,
  b.webhook_id,
  b.account_id,
  b.acknowledged_offset,
  b.status,
  b.attempts,
  b.failing_since,
  b.next_attempt_at,
  b.last_outcome
from unwind.blocked_accounts b;

-- The last attempts of each subscription, oldest overwritten first.
create or replace view unwind_v1.delivery_attempts as
select
  a.tenant_id,
  a.webhook_id,
  a.attempt_id,
  a.kind,
  a.attempted_at,
  a.outcome,
  a.status,
  a.events,
  a.first_event_id,
  a.last_event_id
from unwind.delivery_attempts a;
