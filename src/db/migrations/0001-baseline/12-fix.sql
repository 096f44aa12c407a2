-- FIX sessions: numbers, messages, orders and reports of venues that speak FIX. One writer for each
-- session, the holder of its lease; whatever it commits is guarded by holder, epoch and number.
-- Owner: venue/fix.

create table unwind.fix_sessions (
  venue text not null,
  -- Numbers count from 1 on each trading day; a first Logon of the day asks both sides to reset.
  trading_day date not null,
  is_reset_pending boolean not null,
  next_out bigint not null,
  next_in bigint not null,
  -- The gapless sequence in which reports are handed to the service; it never starts anew.
  last_report bigint not null,
  status text not null,
  reason text,
  status_at timestamptz not null,
  lease_holder uuid,
  lease_epoch bigint not null,
  lease_expires_at timestamptz,
  constraint fix_sessions_pkey primary key (venue),
  constraint fix_sessions_numbers check (next_out >= 1 and next_in >= 1 and last_report >= 0),
  constraint fix_sessions_status check (
    status in ('disconnected', 'connecting', 'ready', 'failed')
  ),
  constraint fix_sessions_lease check ((lease_holder is null) = (lease_expires_at is null))
);

-- Every message of both directions of the last month, for replay and for people. `fields` are its bytes without
-- frame and session header.
create table unwind.fix_messages (
  venue text not null,
  trading_day date not null,
  direction text not null,
  number bigint not null,
  type text not null,
  at timestamptz not null,
  fields bytea not null,
  tenant_id uuid,
  client_order_id text,
  problem text,
  constraint fix_messages_pkey primary key (venue, trading_day, direction, number),
  constraint fix_messages_direction check (direction in ('in', 'out'))
);

create index fix_messages_by_age on unwind.fix_messages (venue, at);

create table unwind.fix_orders (
  tenant_id uuid not null,
  client_order_id text not null,
  entry bigint generated always as identity,
  venue text not null,
  isin text not null,
  quantity numeric not null,
  status text not null,
  queued_at timestamptz not null,
  sent_on date,
  sent_at timestamptz,
  venue_order_id text,
  cumulative_quantity numeric not null,
  refusal text,
  is_refusal_temporary boolean,
  -- Its state was asked for (H), and its end (F): how often, and when last.
  asked_at timestamptz,
  cancel_requests integer not null,
  cancel_asked_at timestamptz,
  constraint fix_orders_pkey primary key (tenant_id, client_order_id),
  constraint fix_orders_name_once unique (venue, client_order_id),
  constraint fix_orders_status check (status in ('QUEUED', 'SENT', 'WORKING', 'DONE')),
  constraint fix_orders_refusal check ((refusal is null) = (is_refusal_temporary is null)),
  constraint fix_orders_refused check (refusal is null or status = 'DONE')
);
create index fix_orders_open on unwind.fix_orders (venue, sent_on) where status in ('SENT', 'WORKING');

-- What is to be sent next: new orders (D), cancel requests (F) and status requests (H).
create table unwind.fix_outbox (
  venue text not null,
  entry bigint generated always as identity,
  type text not null,
  tenant_id uuid not null,
  client_order_id text not null,
  constraint fix_outbox_pkey primary key (venue, entry),
  constraint fix_outbox_type check (type in ('D', 'F', 'H'))
);

create table unwind.fix_reports (
  venue text not null,
  number bigint not null,
  tenant_id uuid not null,
  client_order_id text not null,
  type text not null,
  exec_id text,
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  transaction_at timestamptz not null,
  constraint fix_reports_pkey primary key (venue, number),
  constraint fix_reports_type check (
    type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed', 'bust')
  )
);
create unique index fix_reports_execution_once
  on unwind.fix_reports (venue, venue_execution_id)
  where type in ('trade', 'filled');
create index fix_reports_of_order on unwind.fix_reports (venue, client_order_id);
