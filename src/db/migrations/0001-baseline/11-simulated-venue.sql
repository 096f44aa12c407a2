-- The simulated venue (XSIM): an independent witness with its own schema, connection and commits. It knows
-- the service only by the orders it is sent and the prices of the market it is given. Owner: venue/simulated.

create schema simulated_venue;

-- Append-only: every order ever submitted, repeats included, with the venue's reply and the price fixed at
-- acceptance. firm is the tenant on whose behalf the order came (FIX 115).
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
  -- A rejection for a temporary cause may be tried again under another client order id.
  temporary boolean not null default false,
  constraint journal_pkey primary key (firm, entry),
  constraint journal_side check (side = 'SELL'),
  constraint journal_quantity check (quantity > 0),
  constraint journal_outcome check (outcome in ('accepted', 'refused', 'repeated')),
  constraint journal_accepted check (
    (outcome = 'accepted') = (venue_order_id is not null)
    and (outcome = 'accepted') = (price is not null)
  ),
  constraint journal_refused check ((outcome = 'refused') = (reason is not null)),
  constraint journal_temporary check (not temporary or outcome = 'refused')
);
-- The guard of "exactly once": a client order id is accepted or rejected one time, ever.
create unique index journal_client_order_once
  on simulated_venue.journal (firm, client_order_id)
  where outcome <> 'repeated';

-- What the venue will report and when, fixed at acceptance as a function of the order, its price and the
-- behaviour of its instrument. due_at (market clock) is when a report is sent, transaction_at when that
-- happened which it reports (FIX 52, 60). copy counts how often the same was reported before. number is
-- given when a report is sent: one gapless sequence for the session, as in a FIX session (FIX 34).
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
  transaction_at timestamptz not null,
  copy smallint not null default 0,
  constraint reports_pkey primary key (firm, report),
  constraint reports_type
    check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed', 'bust')),
  constraint reports_execution
    check ((type in ('trade', 'filled', 'bust')) = (venue_execution_id is not null))
);
create unique index reports_execution_once
  on simulated_venue.reports (firm, venue_execution_id, copy)
  where type in ('trade', 'filled');
create unique index reports_bust_once
  on simulated_venue.reports (firm, venue_execution_id, copy)
  where type = 'bust';
create index reports_of_order on simulated_venue.reports (firm, client_order_id);
create index reports_due on simulated_venue.reports (due_at, report) where number is null;
create unique index reports_number_once on simulated_venue.reports (number) where number is not null;

create table simulated_venue.session (
  only_row boolean not null default true,
  last_number bigint not null,
  constraint session_pkey primary key (only_row),
  constraint session_only_row check (only_row)
);
insert into simulated_venue.session (last_number) values (0);

-- Append-only: every request to cancel (FIX 35=F), with the venue's reply.
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

-- The state of the market, shared by all processes. The seed decides whatever looks random.
create table simulated_venue.market (
  only_row boolean not null default true,
  is_down boolean not null default false,
  seed text not null default '',
  constraint market_pkey primary key (only_row),
  constraint market_only_row check (only_row)
);
insert into simulated_venue.market default values;

-- Behaviours that tests have asked for, of one instrument or (isin is empty) of all. What is null is as it
-- would be without.
create table simulated_venue.behaviours (
  isin text not null,
  course text,
  loses_answers boolean,
  repeats_reports boolean,
  shuffles_reports boolean,
  delays_reports_ms integer,
  one_in integer not null,
  constraint behaviours_pkey primary key (isin),
  constraint behaviours_delay check (delays_reports_ms >= 0),
  constraint behaviours_one_in check (one_in >= 1)
);
