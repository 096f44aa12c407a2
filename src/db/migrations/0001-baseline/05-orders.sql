-- How positions are sold. Owner: orders.

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
  -- Client order ids sent for it so far.
  submissions integer not null default 0,
  submit_at timestamptz,
  cancellation_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  status_at timestamptz not null,
  ended_at timestamptz,
  -- What was filled or busted after the end: filled less corrected is what the order sold by its end.
  corrected_quantity numeric not null default 0,
  constraint orders_pkey primary key (tenant_id, order_id),
  constraint orders_liquidation
    foreign key (tenant_id, liquidation_id) references unwind.liquidations,

  -- Quantities.
  constraint orders_quantity check (quantity > 0 and scale(quantity) <= 15),
  constraint orders_filled_quantity check (
    filled_quantity >= 0
    and filled_quantity - corrected_quantity between 0 and quantity
  ),
  constraint orders_proceeds check (proceeds >= 0 and scale(proceeds) <= 2),

  -- States.
  constraint orders_status check (status in ('NEW', 'PROCESSING', 'FILLED', 'CANCELLED')),
  constraint orders_new check (
    status <> 'NEW' or (submissions = 0 and filled_quantity = 0 and submit_at is not null)
  ),
  constraint orders_sent check (status not in ('PROCESSING', 'FILLED') or submissions > 0),
  constraint orders_filled_is_all
    check (status <> 'FILLED' or filled_quantity - corrected_quantity = quantity),
  constraint orders_cancelled_is_less
    check (status <> 'CANCELLED' or filled_quantity - corrected_quantity < quantity),
  constraint orders_ended_exactly_when_final
    check ((status in ('FILLED', 'CANCELLED')) = (ended_at is not null)),
  constraint orders_reason_exactly_when_cancelled
    check ((status = 'CANCELLED') = (cancellation_reason is not null)),
  constraint orders_final_is_not_submitted
    check (status not in ('FILLED', 'CANCELLED') or submit_at is null)
) with (fillfactor = 70);
create index orders_of_liquidation on unwind.orders (tenant_id, liquidation_id, order_id);
create index orders_of_account on unwind.orders (tenant_id, account_id, order_id);
create unique index orders_one_open_per_instrument
  on unwind.orders (tenant_id, liquidation_id, isin)
  where status in ('NEW', 'PROCESSING');
create index orders_to_submit
  on unwind.orders (tenant_id, submit_at)
  where submit_at is not null;
-- Each time the value of a position is computed, this index says whether the venue rejected the instrument
-- in that liquidation. It is next to empty, since hardly any order is CANCELLED.
create index orders_refused
  on unwind.orders (tenant_id, liquidation_id, isin)
  where status = 'CANCELLED';

create trigger orders_transitions
  after update of status on unwind.orders
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('NEW', 'PROCESSING'),
      ('NEW', 'CANCELLED'),
      ('PROCESSING', 'FILLED'),
      ('PROCESSING', 'CANCELLED')
    )
  )
  execute function unwind.refuse_transition();

-- One row for each client order id ever sent (FIX 11). SENDING is committed before the call, with a lease;
-- only the lease's holder, in its epoch, may record what the venue replied.
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
  -- What counts, without what was busted. A final report counts both, since what is busted after the end
  -- was sold before it.
  executed_quantity numeric not null default 0,
  busted_quantity numeric not null default 0,
  final_quantity numeric,
  outcome text,
  reason text,
  updated_at timestamptz not null,
  constraint submissions_pkey primary key (tenant_id, client_order_id),
  constraint submissions_order foreign key (tenant_id, order_id) references unwind.orders,
  constraint submissions_id_length check (length(client_order_id) between 1 and 20),
  constraint submissions_quantity check (quantity > 0),
  constraint submissions_executed check (executed_quantity between 0 and quantity),
  constraint submissions_busted check (busted_quantity >= 0),

  -- States.
  constraint submissions_status check (status in ('SENDING', 'WORKING', 'DONE')),
  constraint submissions_leased_exactly_when_sending check (
    (status = 'SENDING') = (lease_holder is not null)
    and (status = 'SENDING') = (lease_expires_at is not null)
  ),
  constraint submissions_outcome check (
    outcome is null or outcome in ('filled', 'cancelled', 'refused', 'postponed')
  ),
  constraint submissions_final check ((outcome is null) = (final_quantity is null)),
  constraint submissions_done_adds_up check (
    status <> 'DONE'
    or (outcome is not null and executed_quantity + busted_quantity >= final_quantity)
  )
) with (fillfactor = 70);
create index submissions_of_order on unwind.submissions (tenant_id, order_id);
create index submissions_leased
  on unwind.submissions (tenant_id, lease_expires_at)
  where status = 'SENDING';
-- What is at a venue without its end is counted before more is sent.
create index submissions_in_flight
  on unwind.submissions (venue)
  where status <> 'DONE';

create trigger submissions_transitions
  after update of status on unwind.submissions
  for each row
  when (
    old.status <> new.status
    and (old.status, new.status) not in (
      ('SENDING', 'WORKING'),
      ('SENDING', 'DONE'),
      ('WORKING', 'DONE')
    )
  )
  execute function unwind.refuse_transition();
