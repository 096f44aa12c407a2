-- Where instruments trade, at which venues the service does, where each order goes, and what currencies are
-- worth. Owners: book (listings, rates), venue (trading, its reports), orders, executions, venue/fix.

-- An instrument at a venue: the name it has there (empty: its ISIN), the currency it is quoted in, and the
-- quantity of which orders are multiples.
create table unwind.listings (
  tenant_id uuid not null,
  isin text not null,
  mic text not null,
  symbol text not null,
  currency text not null,
  lot_size numeric not null,
  updated_at timestamptz not null,
  constraint listings_pkey primary key (tenant_id, isin, mic),
  constraint listings_instrument foreign key (tenant_id, isin) references unwind.instruments,
  constraint listings_mic check (mic ~ '^[A-Z0-9]{4}$'),
  constraint listings_symbol check (symbol ~ '^[ -~]{0,64}$'),
  constraint listings_currency check (currency ~ '^[A-Z]{3}$'),
  -- Whole units, or a power of ten below one: so a multiple of it is a whole number of units where only
  -- those are sold.
  constraint listings_lot_size check (
    (lot_size >= 1 and lot_size = trunc(lot_size))
    or lot_size::text ~ '^0\.0{0,14}1$'
  )
);

-- The venues that the service trades at, in the order of the venues file: the process that started last
-- records them. A listing counts while its venue is one of them.
create table unwind.trading (
  only_row boolean not null default true,
  venues text[] not null,
  -- In which each trades what no listing says another currency of.
  currencies text[] not null,
  -- A rate that is older is not sold at.
  rate_age_max interval not null,
  recorded_at timestamptz not null,
  constraint trading_pkey primary key (only_row),
  constraint trading_only_row check (only_row),
  constraint trading_venues
    check (cardinality(venues) between 1 and 20 and cardinality(currencies) = cardinality(venues))
);
insert into unwind.trading (venues, currencies, rate_age_max, recorded_at)
select
  coalesce(array_agg(s.venue order by s.venue), '{XSIM}'),
  coalesce(array_agg('EUR'::text), '{EUR}'),
  '96 hours', now()
from unwind.fix_sessions s;

-- EUR that one unit of a currency was worth, from an instant on until the next one. A rate never changes.
create table unwind.rates (
  tenant_id uuid not null,
  currency text not null,
  as_of timestamptz not null,
  rate numeric not null,
  updated_at timestamptz not null,
  constraint rates_pkey primary key (tenant_id, currency, as_of),
  constraint rates_tenant foreign key (tenant_id) references unwind.tenants,
  constraint rates_currency check (currency ~ '^[A-Z]{3}$' and currency <> 'EUR'),
  constraint rates_positive check (rate > 0 and scale(rate) <= 12)
);

-- Whether a currency has a rate at an instant that is young enough.
create or replace function unwind.has_rate(
  the_tenant uuid,
  the_currency text,
  at timestamptz,
  age_max interval
) returns boolean
  language sql stable parallel safe
  return exists (
    select
    from unwind.rates r
    where r.tenant_id = the_tenant
      and r.currency = the_currency
      and r.as_of between at - age_max and at
  );

-- An execution keeps the price and the currency of the venue. `proceeds` is in EUR, by the rate that was in
-- force when it happened.
alter table unwind.executions add column currency text not null default 'EUR';
alter table unwind.executions add column rate numeric;
alter table unwind.executions add column rate_as_of timestamptz;
alter table unwind.executions add constraint executions_rate_exactly_when_foreign
  check ((currency = 'EUR') = (rate is null) and (rate is null) = (rate_as_of is null));
-- The currency that the venue itself names (FIX 15); null: it names none.
alter table unwind.venue_reports add column currency text;
alter table unwind.fix_reports add column currency text;

-- Where an order goes is decided when it is placed, and stays. Null: of an order that had ended before, or
-- was not sent yet: a worker gives it the first venue that is configured.
alter table unwind.orders add column venue text;
alter table unwind.orders add column symbol text;
alter table unwind.orders add column currency text not null default 'EUR';
update unwind.orders o
set venue = (
  select s.venue
  from unwind.submissions s
  where s.tenant_id = o.tenant_id
    and s.order_id = o.order_id
  order by s.sent_at desc
  limit 1
)
where o.status in ('NEW', 'PROCESSING');
drop index unwind.orders_to_submit;
create index orders_to_submit
  on unwind.orders (venue, tenant_id, submit_at)
  where submit_at is not null;

-- The venues that a NEW liquidation waits for: all that it needs are closed.
alter table unwind.liquidations add column waits_for_venues text[];
-- What its end left in the account although no order was refused: less than a lot.
alter table unwind.liquidations add column end_note text;
alter table unwind.liquidations add constraint liquidations_end_note
  check (end_note is null or (length(end_note) <= 500 and status in ('FILLED', 'CANCELLED')));

alter table unwind.fix_orders add column symbol text;
alter table unwind.fix_orders add column currency text;

-- How much of a quantity can be sold in lots of that size; null: there are no lots.
create or replace function unwind.in_lots(quantity numeric, fractional boolean, lot_size numeric)
  returns numeric
  language sql immutable parallel safe
  return case
    when lot_size is null then unwind.sellable(quantity, fractional)
    else quantity - mod(quantity, case when fractional then lot_size else greatest(lot_size, 1) end)
  end;

-- Where an instrument is sold: at the first of these venues that it is listed at. One that is listed
-- nowhere goes to the only venue, if there is only one. The venue is null where neither says one.
create or replace function unwind.routes(the_tenant uuid, the_isin text, the_venues text[])
  returns table (venue text, symbol text, currency text, lot_size numeric)
  language sql stable parallel safe
begin atomic
  select
    coalesce(l.mic, case when cardinality(the_venues) = 1 and not k.is_listed then the_venues[1] end),
    nullif(l.symbol, ''), l.currency, l.lot_size
  from (
    select exists (
      select from unwind.listings x where x.tenant_id = the_tenant and x.isin = the_isin
    ) as is_listed
  ) k
  left join lateral (
    select x.mic, x.symbol, x.currency, x.lot_size
    from unwind.listings x
    where k.is_listed
      and x.tenant_id = the_tenant
      and x.isin = the_isin
      and x.mic = any (the_venues)
    order by array_position(the_venues, x.mic)
    limit 1
  ) l on true;
end;

create or replace view unwind_v1.listings as
select
  l.tenant_id,
  l.isin,
  l.mic,
  l.symbol,
  l.currency,
  l.lot_size,
  l.updated_at
from unwind.listings l;

create or replace view unwind_v1.rates as
select
  r.tenant_id,
  r.currency,
  r.as_of,
  r.rate,
  r.updated_at
from unwind.rates r;

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
  o.corrected_quantity,
  o.venue,
  o.currency
from unwind.orders o;

-- Market time and the venues of the service as the views need them. A function called by a view runs with
-- the rights of the reader, who may have none on the tables.
create or replace function unwind_v1.market_at() returns timestamptz
  language sql stable parallel safe security definer
  set search_path = ''
  return unwind.market_time(now());

-- Each venue that something is known of, as it is now.
create or replace function unwind_v1.venues_now()
  returns table (venue text, is_open boolean, opens_at timestamptz)
  language sql stable parallel safe security definer
  set search_path = ''
  begin atomic
    select
      v.venue,
      unwind.venue_is_open(v.venue, m.at),
      case when v.status is null then s.opens_at end
    from (select unwind.market_time(now()) as at) m
    cross join unwind.venues v
    left join lateral unwind.venue_session(v.venue, m.at) s on true;
  end;
