-- The tables of the service. Every row is work or a fact; there is no job table beside them.
--
-- Conventions: tenant_id leads every primary and unique key; ids are UUIDv7 made by the service;
-- wall-clock columns (…_at of records, leases) and market-clock columns (release_at, advance_at,
-- submit_at, executed_at) take their time as an argument, never from a default; money and
-- quantities are numeric; named constraints mirror the state machines.

-- ---------------------------------------------------------------------------------------------
-- Who may call: a tenant is an API client.

create table unwind.tenants (
  tenant_id uuid not null,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  signature_policy text not null,
  created_at timestamptz not null,
  constraint tenants_pkey primary key (tenant_id),
  constraint tenants_name_length check (length(name) between 1 and 100),
  constraint tenants_secret_hash_is_sha256 check (length(secret_hash) = 32),
  constraint tenants_signature_policy check (signature_policy in ('strict', 'compatible'))
);

create table unwind.client_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  public_key_pem text not null,
  status text not null,
  created_at timestamptz not null,
  constraint client_keys_pkey primary key (tenant_id, key_id),
  constraint client_keys_tenant foreign key (tenant_id) references unwind.tenants,
  constraint client_keys_status check (status in ('live', 'revoked'))
);

create table unwind.access_tokens (
  tenant_id uuid not null,
  token_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint access_tokens_pkey primary key (tenant_id, token_hash),
  constraint access_tokens_tenant foreign key (tenant_id) references unwind.tenants,
  constraint access_tokens_hash_is_sha256 check (length(token_hash) = 32)
);
create index access_tokens_expiry on unwind.access_tokens (expires_at);

-- A signature counts once: one row for each accepted signature base of a changing request.
create table unwind.signature_replays (
  tenant_id uuid not null,
  base_sha256 bytea not null,
  expires_at timestamptz not null,
  constraint signature_replays_pkey primary key (tenant_id, base_sha256),
  constraint signature_replays_is_sha256 check (length(base_sha256) = 32)
);
create index signature_replays_expiry on unwind.signature_replays (expires_at);

-- The stored answer of a successful command, byte for byte (text, since jsonb reorders).
create table unwind.idempotency_keys (
  tenant_id uuid not null,
  idempotency_key uuid not null,
  request_hash bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (tenant_id, idempotency_key),
  constraint idempotency_keys_only_success check (status between 200 and 299),
  constraint idempotency_keys_hash_is_sha256 check (length(request_hash) = 32)
);
create index idempotency_keys_expiry on unwind.idempotency_keys (expires_at);

-- ---------------------------------------------------------------------------------------------
-- The book: what accounts hold.

create table unwind.users (
  tenant_id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null,
  constraint users_pkey primary key (tenant_id, user_id),
  constraint users_tenant foreign key (tenant_id) references unwind.tenants
);

-- version changes with every import of positions; positions_as_of is of when the newest snapshot is.
create table unwind.accounts (
  tenant_id uuid not null,
  account_id uuid not null,
  user_id uuid not null,
  status text not null,
  currency text not null,
  version bigint not null default 0,
  positions_as_of timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint accounts_pkey primary key (tenant_id, account_id),
  constraint accounts_user foreign key (tenant_id, user_id) references unwind.users,
  constraint accounts_status
    check (status in ('PENDING_APPROVAL', 'ACTIVE', 'CLOSING', 'CLOSED', 'LOCKED')),
  constraint accounts_currency check (currency = 'EUR')
) with (fillfactor = 80);

create table unwind.instruments (
  tenant_id uuid not null,
  isin text not null,
  name text not null,
  trading_status text not null,
  fractional boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint instruments_pkey primary key (tenant_id, isin),
  constraint instruments_tenant foreign key (tenant_id) references unwind.tenants,
  constraint instruments_isin_form check (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'),
  constraint instruments_trading_status check (trading_status in ('ACTIVE', 'INACTIVE'))
);

create table unwind.prices (
  tenant_id uuid not null,
  isin text not null,
  price numeric not null,
  currency text not null,
  updated_at timestamptz not null,
  constraint prices_pkey primary key (tenant_id, isin),
  constraint prices_instrument foreign key (tenant_id, isin) references unwind.instruments,
  constraint prices_positive check (price > 0 and scale(price) <= 12),
  constraint prices_currency check (currency = 'EUR')
);

-- quantity and locked are the sums of the account's movements; held is what open orders sell.
create table unwind.positions (
  tenant_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  locked numeric not null,
  held numeric not null default 0,
  constraint positions_pkey primary key (tenant_id, account_id, isin),
  constraint positions_account foreign key (tenant_id, account_id) references unwind.accounts,
  constraint positions_instrument foreign key (tenant_id, isin) references unwind.instruments,
  constraint positions_quantity check (quantity >= 0 and scale(quantity) <= 15),
  constraint positions_locked check (locked >= 0 and scale(locked) <= 15),
  constraint positions_held check (held >= 0),
  constraint positions_covered check (locked + held <= quantity)
) with (fillfactor = 70);

-- ---------------------------------------------------------------------------------------------
-- What is asked for.

create table unwind.liquidations (
  tenant_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  user_id uuid not null,
  sequence integer not null,
  status text not null,
  proceeds numeric not null default 0,
  cash_amount numeric not null,
  rounds integer not null default 0,
  open_orders integer not null default 0,
  event_count integer not null,
  release_at timestamptz not null,
  advance_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  released_at timestamptz,
  ended_at timestamptz,
  end_reason text,
  constraint liquidations_pkey primary key (tenant_id, liquidation_id),
  constraint liquidations_account foreign key (tenant_id, account_id) references unwind.accounts,
  constraint liquidations_sequence_once unique (tenant_id, account_id, sequence),
  constraint liquidations_status check (status in ('NEW', 'PROCESSING', 'FILLED', 'CANCELLED')),
  constraint liquidations_new check (status <> 'NEW' or (released_at is null and rounds = 0)),
  constraint liquidations_processing check (status <> 'PROCESSING' or released_at is not null),
  constraint liquidations_filled check (status <> 'FILLED' or released_at is not null),
  constraint liquidations_ended_exactly_when_final
    check ((status in ('FILLED', 'CANCELLED')) = (ended_at is not null)),
  constraint liquidations_reason_exactly_when_final
    check ((status in ('FILLED', 'CANCELLED')) = (end_reason is not null)),
  constraint liquidations_end_reason check (
    end_reason is null
    or (status = 'FILLED' and end_reason = 'flat')
    or (status = 'CANCELLED' and end_reason in ('client', 'refused', 'limit', 'abandoned'))
  ),
  constraint liquidations_open_orders
    check (open_orders >= 0 and (open_orders = 0 or status = 'PROCESSING')),
  constraint liquidations_looked_at_again_exactly_when_idle
    check ((advance_at is not null) = (status = 'PROCESSING' and open_orders = 0)),
  constraint liquidations_amounts
    check (proceeds >= 0 and cash_amount >= 0 and scale(proceeds) <= 2 and scale(cash_amount) <= 2),
  constraint liquidations_exact_when_final
    check (status not in ('FILLED', 'CANCELLED') or cash_amount = proceeds)
) with (fillfactor = 70);
create unique index liquidations_one_running
  on unwind.liquidations (tenant_id, account_id)
  where status in ('NEW', 'PROCESSING');
create index liquidations_of_account
  on unwind.liquidations (tenant_id, account_id, liquidation_id);
create index liquidations_to_release
  on unwind.liquidations (tenant_id, release_at)
  where status = 'NEW';
create index liquidations_to_advance
  on unwind.liquidations (tenant_id, advance_at)
  where advance_at is not null;

-- ---------------------------------------------------------------------------------------------
-- How it is done.

create table unwind.orders (
  tenant_id uuid not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  account_id uuid not null,
  isin text not null,
  round integer not null,
  quantity numeric not null,
  status text not null,
  filled_quantity numeric not null default 0,
  proceeds numeric not null default 0,
  submissions integer not null default 0,
  submit_at timestamptz,
  cancellation_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  status_at timestamptz not null,
  ended_at timestamptz,
  constraint orders_pkey primary key (tenant_id, order_id),
  constraint orders_liquidation
    foreign key (tenant_id, liquidation_id) references unwind.liquidations,
  constraint orders_status check (status in ('NEW', 'PROCESSING', 'FILLED', 'CANCELLED')),
  constraint orders_quantity check (quantity > 0 and scale(quantity) <= 15),
  constraint orders_filled_quantity check (filled_quantity between 0 and quantity),
  constraint orders_proceeds check (proceeds >= 0 and scale(proceeds) <= 2),
  constraint orders_new check (
    status <> 'NEW' or (submissions = 0 and filled_quantity = 0 and submit_at is not null)
  ),
  constraint orders_sent check (status not in ('PROCESSING', 'FILLED') or submissions > 0),
  constraint orders_filled_is_all check (status <> 'FILLED' or filled_quantity = quantity),
  constraint orders_cancelled_is_less check (status <> 'CANCELLED' or filled_quantity < quantity),
  constraint orders_ended_exactly_when_final
    check ((status in ('FILLED', 'CANCELLED')) = (ended_at is not null)),
  constraint orders_reason_exactly_when_cancelled
    check ((status = 'CANCELLED') = (cancellation_reason is not null)),
  constraint orders_final_is_not_submitted
    check (status not in ('FILLED', 'CANCELLED') or submit_at is null)
) with (fillfactor = 70);
create index orders_of_liquidation on unwind.orders (tenant_id, liquidation_id, order_id);
create unique index orders_one_open_per_instrument
  on unwind.orders (tenant_id, liquidation_id, isin)
  where status in ('NEW', 'PROCESSING');
create index orders_to_submit
  on unwind.orders (tenant_id, submit_at)
  where submit_at is not null;

-- One row for each client order id ever sent (FIX 11). SENDING is committed before the call, with
-- a lease; only its holder, in its epoch, may record what the call answered.
create table unwind.submissions (
  tenant_id uuid not null,
  client_order_id text not null,
  order_id uuid not null,
  liquidation_id uuid not null,
  venue text not null,
  quantity numeric not null,
  status text not null,
  lease_holder uuid,
  lease_epoch integer not null,
  lease_expires_at timestamptz,
  sent_at timestamptz not null,
  venue_order_id text,
  executed_quantity numeric not null default 0,
  final_quantity numeric,
  outcome text,
  reason text,
  updated_at timestamptz not null,
  constraint submissions_pkey primary key (tenant_id, client_order_id),
  constraint submissions_order foreign key (tenant_id, order_id) references unwind.orders,
  constraint submissions_id_length check (length(client_order_id) between 1 and 20),
  constraint submissions_status check (status in ('SENDING', 'WORKING', 'DONE')),
  constraint submissions_quantity check (quantity > 0),
  constraint submissions_executed check (executed_quantity between 0 and quantity),
  constraint submissions_leased_exactly_when_sending check (
    (status = 'SENDING') = (lease_holder is not null)
    and (status = 'SENDING') = (lease_expires_at is not null)
  ),
  constraint submissions_outcome check (
    outcome is null or outcome in ('filled', 'cancelled', 'refused', 'postponed')
  ),
  constraint submissions_final check ((outcome is null) = (final_quantity is null)),
  constraint submissions_done_adds_up check (
    status <> 'DONE' or (outcome is not null and executed_quantity = final_quantity)
  )
) with (fillfactor = 70);
create index submissions_of_order on unwind.submissions (tenant_id, order_id);
create index submissions_leased
  on unwind.submissions (tenant_id, lease_expires_at)
  where status = 'SENDING';

-- What the venue said and is not applied yet. Applying a report deletes it in the same commit; one
-- that contradicts what is known is parked for a person and stays.
create table unwind.venue_reports (
  tenant_id uuid not null,
  venue text not null,
  report_id text not null,
  client_order_id text not null,
  type text not null,
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
    check (type in ('trade', 'filled', 'cancelled', 'rejected', 'postponed')),
  constraint venue_reports_trade check (
    (type in ('trade', 'filled')) = (venue_execution_id is not null)
    and (venue_execution_id is null) = (last_quantity is null)
    and (venue_execution_id is null) = (last_price is null)
  )
);
create index venue_reports_to_apply
  on unwind.venue_reports (tenant_id, received_at, report_id)
  where parked_reason is null;

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
  constraint executions_pkey primary key (tenant_id, execution_id),
  constraint executions_venue_once unique (tenant_id, venue, venue_execution_id),
  constraint executions_order foreign key (tenant_id, order_id) references unwind.orders,
  constraint executions_quantity check (quantity > 0 and scale(quantity) <= 15),
  constraint executions_price check (price > 0 and scale(price) <= 12),
  constraint executions_proceeds check (proceeds >= 0 and scale(proceeds) <= 2)
);
create index executions_of_order on unwind.executions (tenant_id, order_id);

-- Every change of what an account holds, with its reason. Positions and cash are their sums.
create table unwind.movements (
  tenant_id uuid not null,
  movement_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  locked numeric not null,
  cash numeric not null,
  reason text not null,
  execution_id uuid,
  effective_at timestamptz not null,
  recorded_at timestamptz not null,
  constraint movements_pkey primary key (tenant_id, movement_id),
  constraint movements_account foreign key (tenant_id, account_id) references unwind.accounts,
  constraint movements_reason check (reason in ('import', 'execution')),
  constraint movements_execution_exactly_when_executed
    check ((reason = 'execution') = (execution_id is not null)),
  constraint movements_execution_sells
    check (reason <> 'execution' or (quantity < 0 and locked = 0 and cash >= 0)),
  constraint movements_import_moves_no_cash check (reason <> 'import' or cash = 0)
);
create unique index movements_execution_once
  on unwind.movements (tenant_id, execution_id)
  where execution_id is not null;
create index movements_of_account on unwind.movements (tenant_id, account_id, effective_at);

-- ---------------------------------------------------------------------------------------------
-- What happened. position is given by the publishing step, in an order that never turns two
-- events of one account around.

create table unwind.events (
  tenant_id uuid not null,
  event_id uuid not null,
  account_id uuid not null,
  liquidation_id uuid not null,
  sequence integer not null,
  number integer not null,
  type text not null,
  object text not null,
  created_at timestamptz not null,
  position bigint,
  constraint events_pkey primary key (tenant_id, event_id),
  constraint events_number_once unique (tenant_id, liquidation_id, number),
  constraint events_type check (type in (
    'ACCOUNT_LIQUIDATION.NEW',
    'ACCOUNT_LIQUIDATION.PROCESSING',
    'ACCOUNT_LIQUIDATION.FILLED',
    'ACCOUNT_LIQUIDATION.CANCELLED'
  )),
  constraint events_position check (position > 0)
) with (fillfactor = 90);
create unique index events_position_once
  on unwind.events (tenant_id, position)
  where position is not null;
create index events_to_publish
  on unwind.events (tenant_id, created_at)
  where position is null;

create table unwind.event_heads (
  tenant_id uuid not null,
  position bigint not null,
  constraint event_heads_pkey primary key (tenant_id),
  constraint event_heads_tenant foreign key (tenant_id) references unwind.tenants
);

-- ---------------------------------------------------------------------------------------------
-- Who is told.

create table unwind.webhooks (
  tenant_id uuid not null,
  webhook_id uuid not null,
  title text not null,
  url text not null,
  enabled boolean not null,
  types text[] not null,
  delay_s integer,
  max_package_size integer,
  signature_version text not null,
  signature_algorithm text not null,
  position bigint not null,
  attempts integer not null default 0,
  failing_since timestamptz,
  next_attempt_at timestamptz not null,
  lease_holder uuid,
  lease_epoch integer not null default 0,
  lease_expires_at timestamptz,
  last_attempt_at timestamptz,
  last_outcome text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint webhooks_pkey primary key (tenant_id, webhook_id),
  constraint webhooks_tenant foreign key (tenant_id) references unwind.tenants,
  constraint webhooks_title_length check (length(title) between 1 and 100),
  constraint webhooks_url_length check (length(url) between 1 and 1000),
  constraint webhooks_delay check (delay_s between 1 and 30),
  constraint webhooks_max_package_size check (max_package_size between 100 and 1048576),
  constraint webhooks_signature check (
    signature_version in ('6', '15', '9421')
    and signature_algorithm in ('ecdsa-p521', 'ed25519')
    and not (signature_version = '9421' and signature_algorithm = 'ecdsa-p521')
  ),
  constraint webhooks_failing_exactly_after_attempts
    check ((attempts > 0) = (failing_since is not null)),
  constraint webhooks_lease
    check ((lease_holder is not null) = (lease_expires_at is not null))
) with (fillfactor = 50);
create index webhooks_enabled on unwind.webhooks (tenant_id) where enabled;

-- The keys that sign deliveries; the private part is encrypted by the key file of the service.
create table unwind.signing_keys (
  tenant_id uuid not null,
  key_id uuid not null,
  algorithm text not null,
  public_jwk text not null,
  private_key_sealed bytea not null,
  created_at timestamptz not null,
  constraint signing_keys_pkey primary key (tenant_id, key_id),
  constraint signing_keys_tenant foreign key (tenant_id) references unwind.tenants,
  constraint signing_keys_algorithm check (algorithm in ('ecdsa-p521', 'ed25519')),
  constraint signing_keys_one_each unique (tenant_id, algorithm)
);

-- ---------------------------------------------------------------------------------------------
-- The market clock is the wall clock plus one offset that every process reads from here.

create table unwind.market_clock (
  only_row boolean not null default true,
  offset_ms bigint not null,
  constraint market_clock_pkey primary key (only_row),
  constraint market_clock_only_row check (only_row)
);
insert into unwind.market_clock (offset_ms) values (0);

create function unwind.market_time(wall timestamptz) returns timestamptz
  language sql stable parallel safe
  return wall + (select c.offset_ms * interval '1 millisecond' from unwind.market_clock c);

-- ---------------------------------------------------------------------------------------------
-- Functions: the few computations that both reading and writing statements need.

-- Rounds an amount of money half-even to the cent (decisions, point 1). Amounts are never negative.
create function unwind.to_cents(amount numeric) returns numeric
  language sql immutable parallel safe
  return case
    when mod(amount * 100, 1) = 0.5 and mod(trunc(amount * 100), 2) = 0 then trunc(amount, 2)
    else round(amount, 2)
  end;

-- The part of a quantity that can be sold at all: whole units unless the instrument is fractional.
create function unwind.sellable(quantity numeric, fractional boolean) returns numeric
  language sql immutable parallel safe
  return case when fractional then quantity else trunc(quantity) end;

create function unwind.instant(at timestamptz) returns text
  language sql stable parallel safe
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- Indicative value of what a liquidation still has to sell: last price times what is left of each
-- position, without instruments that were finally refused in it; no price counts as nothing.
create function unwind.indicative_value(
  the_tenant uuid,
  the_account uuid,
  the_liquidation uuid
) returns numeric
  language sql stable parallel safe
  return (
    select coalesce(sum(unwind.to_cents(r.price * unwind.sellable(p.quantity, i.fractional))), 0)
    from unwind.positions p
    join unwind.instruments i on i.tenant_id = p.tenant_id and i.isin = p.isin
    join unwind.prices r on r.tenant_id = p.tenant_id and r.isin = p.isin
    where p.tenant_id = the_tenant
      and p.account_id = the_account
      and not exists (
        select from unwind.orders o
        where o.tenant_id = the_tenant
          and o.liquidation_id = the_liquidation
          and o.isin = p.isin
          and o.status = 'CANCELLED'
      )
  );

-- When the next change of a liquidation's object happens: now, but always after the last one.
create function unwind.next_change_at(l unwind.liquidations, now timestamptz) returns timestamptz
  language sql stable parallel safe
  return greatest(
    now,
    l.updated_at + interval '1 millisecond',
    (
      select max(o.status_at) + interval '1 millisecond'
      from unwind.orders o
      where o.tenant_id = l.tenant_id
        and o.liquidation_id = l.liquidation_id
    )
  );

-- The liquidation as the contract shows it; answers, lists and events all carry these bytes. Its
-- updated_at moves exactly when the rest does: with its own row or with the status of an order.
create function unwind.liquidation_object(l unwind.liquidations) returns text
  language sql stable parallel safe
  return concat(
    '{"account_id":"', l.account_id,
    '","cash_amount":"', round(l.cash_amount, 2),
    '","created_at":"', unwind.instant(l.created_at),
    '","currency":"EUR","id":"', l.liquidation_id,
    '","orders":[', (
      select string_agg(
        concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'),
        ',' order by o.order_id
      )
      from unwind.orders o
      where o.tenant_id = l.tenant_id
        and o.liquidation_id = l.liquidation_id
    ),
    '],"status":"', l.status,
    '","updated_at":"', unwind.instant(greatest(l.updated_at, (
      select max(o.status_at)
      from unwind.orders o
      where o.tenant_id = l.tenant_id
        and o.liquidation_id = l.liquidation_id
    ))),
    '","user_id":"', l.user_id, '"}'
  );
