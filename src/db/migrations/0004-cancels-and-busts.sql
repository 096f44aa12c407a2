-- Cancelling at the venue, executions declared void, and reports that come after the end.

-- A bust names the execution that it takes back (FIX 150=H, 19) and carries no price of its own.
alter table unwind.venue_reports
  drop constraint venue_reports_type,
  drop constraint venue_reports_trade,
  add constraint venue_reports_type
    check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed', 'bust')),
  add constraint venue_reports_execution
    check ((type in ('trade', 'filled', 'bust')) = (venue_execution_id is not null)),
  add constraint venue_reports_trade check (
    (type in ('trade', 'filled')) = (last_quantity is not null)
    and (last_quantity is null) = (last_price is null)
  );

-- due_at is when a report is sent, transaction_at when that happened of which it tells (FIX 52, 60):
-- a late report tells of something long past. copy counts how often the same was said before.
alter table simulated_venue.reports
  add column transaction_at timestamptz,
  add column copy smallint not null default 0,
  drop constraint reports_type,
  drop constraint reports_execution_once,
  add constraint reports_type
    check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed', 'bust')),
  add constraint reports_execution
    check ((type in ('trade', 'filled', 'bust')) = (venue_execution_id is not null));
update simulated_venue.reports set transaction_at = due_at;
alter table simulated_venue.reports
  alter column transaction_at set not null;
create unique index reports_execution_once
  on simulated_venue.reports (firm, venue_execution_id, copy)
  where type in ('trade', 'filled');
create unique index reports_bust_once
  on simulated_venue.reports (firm, venue_execution_id, copy)
  where type = 'bust';
create index reports_of_order on simulated_venue.reports (firm, client_order_id);

-- Append-only: every request to cancel (FIX 35=F), with what was answered.
create table simulated_venue.cancels (
  firm uuid not null,
  entry bigint generated always as identity,
  client_order_id text not null,
  outcome text not null,
  received_at timestamptz not null,
  constraint cancels_pkey primary key (firm, entry),
  constraint cancels_outcome check (outcome in ('accepted', 'too_late', 'not_found'))
);
create index cancels_of_order on simulated_venue.cancels (firm, client_order_id);

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
where r.number is not null;

-- What the simulated venue was asked to cancel, and what it answered.
create view unwind_v1.venue_cancels as
select
  c.firm as tenant_id,
  'XSIM'::text as venue,
  c.entry,
  c.client_order_id,
  c.outcome,
  c.received_at
from simulated_venue.cancels c;
