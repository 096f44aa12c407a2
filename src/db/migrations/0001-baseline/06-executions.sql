-- What venues report. Owner: executions.

-- Reports that are received and not applied yet. The commit that applies a report deletes it; a report
-- that contradicts what is known is parked for a person and stays.
create table unwind.venue_reports (
  tenant_id uuid not null,
  venue text not null,
  report_id text not null,
  client_order_id text not null,
  type text not null,
  -- A bust names the execution that it takes back (FIX 150=H, 19), and has no price of its own.
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  transaction_at timestamptz not null,
  received_at timestamptz not null,
  parked_reason text,
  constraint venue_reports_pkey primary key (tenant_id, venue, report_id),
  constraint venue_reports_type
    check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed', 'bust')),
  constraint venue_reports_execution
    check ((type in ('trade', 'filled', 'bust')) = (venue_execution_id is not null)),
  constraint venue_reports_trade check (
    (type in ('trade', 'filled')) = (last_quantity is not null)
    and (last_quantity is null) = (last_price is null)
  )
);
create index venue_reports_to_apply
  on unwind.venue_reports (tenant_id, received_at, report_id)
  where parked_reason is null;
-- Readiness and metrics count the parked ones.
create index venue_reports_parked on unwind.venue_reports (tenant_id)
  where parked_reason is not null;

-- How far the reports of each venue session are received (FIX 34 of the venue's side).
create table unwind.venue_cursors (
  venue text not null,
  position bigint not null,
  constraint venue_cursors_pkey primary key (venue)
);

create table unwind.executions (
  tenant_id uuid not null,
  execution_id uuid not null,
  venue text not null,
  venue_execution_id text not null,
  client_order_id text not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  price numeric not null,
  proceeds numeric not null,
  executed_at timestamptz not null,
  recorded_at timestamptz not null,
  busted_at timestamptz,
  constraint executions_pkey primary key (tenant_id, execution_id),
  constraint executions_venue_once unique (tenant_id, venue, venue_execution_id),
  constraint executions_order foreign key (tenant_id, order_id) references unwind.orders,
  constraint executions_quantity check (quantity > 0 and scale(quantity) <= 15),
  constraint executions_price check (price > 0 and scale(price) <= 12),
  constraint executions_proceeds check (proceeds >= 0 and scale(proceeds) <= 2)
);
create index executions_of_order on unwind.executions (tenant_id, order_id);

-- What a venue declared void, whether or not the execution has been reported yet.
create table unwind.busts (
  tenant_id uuid not null,
  venue text not null,
  venue_execution_id text not null,
  client_order_id text not null,
  transaction_at timestamptz not null,
  recorded_at timestamptz not null,
  constraint busts_pkey primary key (tenant_id, venue, venue_execution_id)
);
