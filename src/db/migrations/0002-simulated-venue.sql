-- The simulated venue: an independent witness with its own schema, connection and commits. It
-- knows the service only by the orders it is sent and the prices of the market it is given.

create schema simulated_venue;

-- Append-only: every order ever submitted, repeats included, with what was answered and the price
-- fixed at acceptance. firm is the tenant on whose behalf the order came (FIX 115).
create table simulated_venue.journal (
  firm uuid not null,
  entry bigint generated always as identity,
  client_order_id text not null,
  isin text not null,
  side text not null,
  quantity numeric not null,
  outcome text not null,
  venue_order_id text,
  price numeric,
  reason text,
  received_at timestamptz not null,
  constraint journal_pkey primary key (firm, entry),
  constraint journal_side check (side = 'SELL'),
  constraint journal_quantity check (quantity > 0),
  constraint journal_outcome check (outcome in ('accepted', 'refused', 'repeated')),
  constraint journal_accepted check (
    (outcome = 'accepted') = (venue_order_id is not null)
    and (outcome = 'accepted') = (price is not null)
  ),
  constraint journal_refused check ((outcome = 'refused') = (reason is not null))
);
-- The guard of "exactly once": a client order id is accepted or refused one time, ever.
create unique index journal_client_order_once
  on simulated_venue.journal (firm, client_order_id)
  where outcome <> 'repeated';

-- What the venue will report and when (market clock), fixed at acceptance as a function of the
-- order, its price and the behaviour of its instrument. number is given when a report is sent:
-- one gapless sequence for the session, as a FIX session numbers its messages (FIX 34).
create table simulated_venue.reports (
  firm uuid not null,
  report uuid not null,
  client_order_id text not null,
  venue_order_id text not null,
  due_at timestamptz not null,
  type text not null,
  venue_execution_id text,
  last_quantity numeric,
  last_price numeric,
  cumulative_quantity numeric not null,
  reason text,
  number bigint,
  constraint reports_pkey primary key (firm, report),
  constraint reports_type check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed')),
  constraint reports_execution_once unique (firm, venue_execution_id)
);
create index reports_due on simulated_venue.reports (due_at, report) where number is null;
create unique index reports_number_once on simulated_venue.reports (number) where number is not null;

create table simulated_venue.session (
  only_row boolean not null default true,
  last_number bigint not null,
  constraint session_pkey primary key (only_row),
  constraint session_only_row check (only_row)
);
insert into simulated_venue.session (last_number) values (0);
