-- What accounts hold. Owner: book.

create table unwind.users (
  tenant_id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null,
  constraint users_pkey primary key (tenant_id, user_id),
  constraint users_tenant foreign key (tenant_id) references unwind.tenants
);

create table unwind.accounts (
  tenant_id uuid not null,
  account_id uuid not null,
  user_id uuid not null,
  status text not null,
  currency text not null,
  -- Every import of positions changes it.
  version bigint not null default 0,
  -- The instant that the newest snapshot describes.
  positions_as_of timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint accounts_pkey primary key (tenant_id, account_id),
  constraint accounts_user foreign key (tenant_id, user_id) references unwind.users,
  constraint accounts_status
    check (status in ('PENDING_APPROVAL', 'ACTIVE', 'CLOSING', 'CLOSED', 'LOCKED')),
  constraint accounts_currency check (currency = 'EUR')
) with (fillfactor = 80);
create index accounts_by_creation on unwind.accounts (tenant_id, created_at, account_id);

-- The UUID of an instrument: version 8, computed from the ISIN by SHA-256 in a namespace of ours (RFC
-- 9562 appendix B.2). It is the same in every installation and needs no table.
create function unwind.instrument_id(isin text) returns uuid
  language sql immutable parallel safe
  return (
    select encode(
      set_byte(
        set_byte(d.digest, 6, get_byte(d.digest, 6) & 15 | 128),
        8, get_byte(d.digest, 8) & 63 | 128
      ),
      'hex'
    )::uuid
    from (
      select substring(
        sha256('\x7891729857ae409285eecfa8447349dd'::bytea || convert_to(isin, 'UTF8')) from 1 for 16
      ) as digest
    ) as d
  );

create table unwind.instruments (
  tenant_id uuid not null,
  isin text not null,
  instrument_id uuid generated always as (unwind.instrument_id(isin)) stored,
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
create unique index instruments_by_id on unwind.instruments (tenant_id, instrument_id);
create index instruments_by_creation on unwind.instruments (tenant_id, created_at, isin);
create index instruments_by_change on unwind.instruments (tenant_id, updated_at, isin);

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

-- quantity and locked are the sums of the account's movements. held is reserved by open orders.
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

-- Every change of what an account holds, with its reason. Positions and cash are the sums of these rows.
-- A snapshot ('import') or a delta changes units; an execution sells; a bust takes a sale back.
create table unwind.movements (
  tenant_id uuid not null,
  movement_id uuid not null,
  account_id uuid not null,
  isin text not null,
  quantity numeric not null,
  locked numeric not null,
  cash numeric not null,
  -- Units that a late fill sold and that the account did not have any more. The movement never takes more
  -- than is there, so these stay out of quantity, and a person has to buy them.
  uncovered numeric not null default 0,
  reason text not null,
  execution_id uuid,
  -- The sender's name of a delta: the same delta twice changes nothing.
  reference text,
  effective_at timestamptz not null,
  recorded_at timestamptz not null,
  constraint movements_pkey primary key (tenant_id, movement_id),
  constraint movements_account foreign key (tenant_id, account_id) references unwind.accounts,
  constraint movements_reason
    check (reason in ('import', 'execution', 'bust', 'credit', 'lock', 'unlock')),
  constraint movements_import_moves_no_cash check (reason <> 'import' or cash = 0),

  -- Executions and busts.
  constraint movements_execution_exactly_when_executed
    check ((reason in ('execution', 'bust')) = (execution_id is not null)),
  constraint movements_execution_sells check (
    reason <> 'execution'
    or (quantity <= 0 and uncovered >= 0 and quantity < uncovered and locked = 0 and cash >= 0)
  ),
  constraint movements_bust_returns check (
    reason <> 'bust'
    or (quantity >= 0 and uncovered <= 0 and quantity > uncovered and locked = 0 and cash <= 0)
  ),
  constraint movements_uncovered_only_of_executions
    check (uncovered = 0 or reason in ('execution', 'bust')),

  -- Deltas.
  constraint movements_reference_exactly_of_deltas
    check ((reason in ('credit', 'lock', 'unlock')) = (reference is not null)),
  constraint movements_reference_length check (length(reference) between 1 and 100),
  constraint movements_credit_brings_units
    check (reason <> 'credit' or (quantity > 0 and locked = 0 and cash = 0)),
  constraint movements_lock_locks
    check (reason <> 'lock' or (quantity = 0 and locked > 0 and cash = 0)),
  constraint movements_unlock_unlocks
    check (reason <> 'unlock' or (quantity = 0 and locked < 0 and cash = 0))
);
create unique index movements_execution_once
  on unwind.movements (tenant_id, execution_id, reason)
  where execution_id is not null;
create unique index movements_reference_once
  on unwind.movements (tenant_id, reference)
  where reference is not null;
create index movements_of_account on unwind.movements (tenant_id, account_id, effective_at);
