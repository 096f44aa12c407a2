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
  l.stop_asked_at,
  l.end_note
from unwind.liquidations l;

create or replace view unwind_v1.rates as
select
  r.tenant_id,
  r.currency,
  r.as_of,
  r.rate,
  r.updated_at
from unwind.rates r;

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
  e.currency,
  e.executed_at,
  e.recorded_at,
  e.busted_at,
  e.rate,
  e.rate_as_of
from unwind.executions e;

-- What the API shows of an execution is in EUR: its price times the rate. An order shows its first 5,000
-- executions (executionsOfOrderMax in limits.ts), so that one order has a bound in bytes as well.
create or replace function unwind.order_object(the_tenant uuid, the_order uuid) returns text
  language sql stable parallel safe
  return (
    select concat(
      '{"account_id":"', o.account_id,
      case
        when o.status = 'CANCELLED'
          then '","cancellation_reason":"'
            || unwind.cancelled_by(o.ended_at, l.stop_asked_at, l.stop_reason)
      end,
      '","cash_amount":"0","client_reference":"', o.liquidation_id,
      '","created_at":"', unwind.instant(o.created_at),
      '","currency":"EUR","execution_flow":"STRAIGHT_THROUGH","executions":[', (
        select string_agg(
          unwind.execution_object(
            e.execution_id, e.order_id, e.quantity, e.price * coalesce(e.rate, 1), e.proceeds, e.executed_at,
            e.busted_at
          ),
          ',' order by e.execution_id
        )
        from (
          select e.*
          from unwind.executions e
          where e.tenant_id = o.tenant_id
            and e.order_id = o.order_id
          order by e.execution_id
          limit 5000
        ) e
      ),
      '],"fee":"0","id":"', o.order_id,
      '","initiation_flow":"ACCOUNT_LIQUIDATION","instrument_id":"', o.isin,
      '","instrument_id_type":"ISIN","limit_price":"","order_type":"MARKET","quantity":"',
      trim_scale(o.quantity),
      '","side":"SELL","status":"', o.status,
      '","stop_price":"","updated_at":"', unwind.instant(greatest(o.updated_at, o.status_at)),
      '","user_id":"', l.user_id, '"}'
    )
    from unwind.orders o
    join unwind.liquidations l
      on l.tenant_id = o.tenant_id
      and l.liquidation_id = o.liquidation_id
    where o.tenant_id = the_tenant
      and o.order_id = the_order
  );

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
-- The reasons by their rank: of several the one with the smallest is shown (docs/views.md).
create or replace function unwind.wait_reason(rank integer) returns text
  language sql immutable parallel safe
  return (array[
    'parked', 'stopping', 'rejected', 'fraction', 'odd_lot', 'sent_unanswered', 'inactive', 'unlisted',
    'locked', 'halted', 'no_rate', 'venue_closed', 'retrying', 'release_delay', 'due_later', 'at_venue',
    'next_round', 'due'
  ])[rank];

-- Why open liquidations wait: a row for each position of their accounts, at least one, with the first reason
-- of the liquidation as a whole (own_…) and the first of the position. Joins only, no lookup row by row
-- but of the last submission and the listings: so one liquidation and all of them are both read in a plan
-- that fits.
create or replace view unwind.waits as
select
  l.tenant_id, l.liquidation_id, l.account_id, l.status, p.isin, p.quantity,
  c.isin is not null as priced,
  r.own_rank,
  case r.own_rank
    when 1 then k.parked_at
    when 2 then l.stop_asked_at
    when 13 then k.first_at
    when 14 then l.created_at
    when 18 then coalesce(l.advance_at, l.release_at)
  end as own_since,
  case r.own_rank
    when 13 then k.retry_at
    when 14 then l.release_at
    when 15 then l.advance_at
  end as own_until,
  case r.own_rank
    when 1 then k.detail
    when 2 then coalesce(l.stop_note, l.stop_reason)
    when 13 then k.detail
    when 15 then 'the liquidation is looked at again then'
  end as own_detail,
  r.rank,
  case r.rank
    when 1 then coalesce(ko.parked_at, ks.parked_at)
    when 3 then o.ended_at
    when 6 then s.sent_at
    when 10 then h.halted_at
    when 13 then coalesce(ko.first_at, ks.first_at)
    when 15 then s.sent_at
    when 16 then s.sent_at
    when 18 then coalesce(o.submit_at, o.updated_at, l.advance_at, l.release_at)
  end as since,
  case r.rank
    when 12 then v.opens_at
    when 13 then coalesce(ko.retry_at, ks.retry_at)
    when 15 then o.submit_at
  end as until,
  case r.rank
    when 1 then coalesce(ks.detail, ko.detail)
    when 3 then o.cancellation_reason
    when 4 then 'only whole units of the instrument are sold'
    when 5 then concat('orders at ', x.venue, ' are multiples of ', trim_scale(x.lot_size), ' units')
    when 6 then concat('client order id ', s.client_order_id, ' at ', s.venue)
    when 8 then case
      when q.venue is not null then concat('the service does not trade at ', q.venue)
      when x.listed is null then 'no listing says where it trades'
      else concat('listed at ', x.listed, ', where the service does not trade')
    end
    when 9 then concat(trim_scale(p.locked), ' of ', trim_scale(p.quantity), ' units are locked')
    when 11 then case
      when y.as_of is null then concat('there is no rate for ', u.currency)
      else concat('the last rate for ', u.currency, ' is of ', unwind.instant(y.as_of))
    end
    when 12 then case when cardinality(t.venues) > 1 then concat(q.venue, ' is closed') end
    when 13 then coalesce(ks.detail, ko.detail)
    when 15 then s.reason
    when 16 then concat('client order id ', s.client_order_id, ' at ', s.venue)
    when 17 then 'the open orders of the liquidation have to end first'
  end as detail
from unwind.liquidations l
cross join unwind_v1.market_at() as m (at)
cross join unwind.trading t
left join unwind.obstacles k
  on k.tenant_id = l.tenant_id
  and k.subject = l.liquidation_id::text
left join unwind.positions p
  on p.tenant_id = l.tenant_id
  and p.account_id = l.account_id
left join unwind.instruments i
  on i.tenant_id = p.tenant_id
  and i.isin = p.isin
left join unwind.prices c
  on c.tenant_id = p.tenant_id
  and c.isin = p.isin
-- One at most: what was CANCELLED is not sold again in the same liquidation.
left join unwind.orders o
  on o.tenant_id = l.tenant_id
  and o.liquidation_id = l.liquidation_id
  and o.isin = p.isin
  and o.status <> 'FILLED'
left join lateral (
  select s.client_order_id, s.venue, s.status, s.sent_at, s.reason
  from unwind.submissions s
  where s.tenant_id = o.tenant_id
    and s.order_id = o.order_id
    and o.status = 'PROCESSING'
  order by s.sent_at desc, s.client_order_id
  limit 1
) s on true
left join unwind.obstacles ko
  on ko.tenant_id = o.tenant_id
  and ko.subject = o.order_id::text
left join unwind.obstacles ks
  on ks.tenant_id = o.tenant_id
  and ks.subject = s.client_order_id
left join lateral (
  select
    (array_agg(y.mic order by array_position(t.venues, y.mic)) filter (where y.mic = any (t.venues)))[1]
      as venue,
    (array_agg(y.lot_size order by array_position(t.venues, y.mic)) filter (where y.mic = any (t.venues)))[1]
      as lot_size,
    (array_agg(y.currency order by array_position(t.venues, y.mic)) filter (where y.mic = any (t.venues)))[1]
      as currency,
    string_agg(y.mic, ', ' order by y.mic) as listed
  from unwind.listings y
  where y.tenant_id = p.tenant_id
    and y.isin = p.isin
) x on true
-- Where it is sold: where its order goes, else as unwind.routes says.
cross join lateral (
  select coalesce(
    o.venue, x.venue, case when x.listed is null and cardinality(t.venues) = 1 then t.venues[1] end
  ) as venue
) q
left join unwind_v1.venues_now() v on v.venue = q.venue
cross join lateral (
  select
    coalesce(
      case when o.order_id is not null then o.currency end, x.currency,
      t.currencies[array_position(t.venues, q.venue)], 'EUR'
    ) as currency
) u
left join lateral (
  select y.as_of
  from unwind.rates y
  where u.currency <> 'EUR'
    and y.tenant_id = l.tenant_id
    and y.currency = u.currency
    and y.as_of <= m.at
  order by y.as_of desc
  limit 1
) y on true
left join unwind.venue_halts h
  on h.venue = q.venue
  and h.isin = p.isin
cross join lateral (
  select
    case
      when k.parked_at is not null then 1
      when l.stop_reason is not null then 2
      when k.retry_at is not null then 13
      when l.status = 'NEW' and l.release_at > m.at then 14
      when l.advance_at > m.at then 15
      else 18
    end as own_rank,
    case
      when p.quantity = 0 and (o.order_id is null or o.status = 'CANCELLED') then null
      when p.isin is null then null
      when coalesce(ko.parked_at, ks.parked_at) is not null then 1
      when o.status = 'CANCELLED' then 3
      when o.order_id is null and unwind.sellable(p.quantity, i.fractional) = 0 then 4
      when o.order_id is null and unwind.in_lots(p.quantity, i.fractional, x.lot_size) = 0 then 5
      when s.status = 'SENDING' then 6
      when l.status = 'PROCESSING' and o.order_id is null and i.trading_status = 'INACTIVE' then 7
      when l.status = 'PROCESSING' and (q.venue is null or q.venue <> all (t.venues)) then 8
      when l.status = 'PROCESSING'
        and o.order_id is null
        and unwind.in_lots(p.quantity - p.locked - p.held, i.fractional, x.lot_size) = 0 then 9
      when l.status = 'PROCESSING' and h.isin is not null then 10
      when l.status = 'PROCESSING'
        and (o.order_id is null or o.submit_at is not null)
        and u.currency <> 'EUR'
        and (y.as_of is null or y.as_of < m.at - t.rate_age_max) then 11
      when not v.is_open
        and coalesce(v.opens_at, 'infinity')
          >= coalesce(case l.status when 'NEW' then l.release_at else o.submit_at end, '-infinity')
        then 12
      when coalesce(ko.retry_at, ks.retry_at) is not null then 13
      when o.submit_at > m.at then 15
      when s.status = 'WORKING' then 16
      when o.order_id is null and l.open_orders > 0 then 17
      else 18
    end as rank
) r
where l.status in ('NEW', 'PROCESSING');

-- What open liquidations have not sold, each position with its reason, or that of the liquidation where
-- that stands before it.
create or replace view unwind_v1.position_waits as
select
  w.tenant_id,
  w.liquidation_id,
  w.account_id,
  w.isin,
  w.quantity,
  unwind.wait_reason(least(w.rank, w.own_rank)) as reason,
  case when w.rank <= w.own_rank then w.since else w.own_since end as since,
  case when w.rank <= w.own_rank then w.until else w.own_until end as until,
  case when w.rank <= w.own_rank then w.detail else w.own_detail end as detail,
  w.priced,
  least(w.rank, w.own_rank) as precedence
from unwind.waits w
where w.rank is not null;

-- Open liquidations, each with the first reason of its own and of its positions. What was rejected or is a
-- fraction stays in the account and holds no liquidation up.
create or replace view unwind_v1.liquidation_waits as
select distinct on (w.tenant_id, w.liquidation_id)
  w.tenant_id,
  w.liquidation_id,
  w.account_id,
  w.status,
  unwind.wait_reason(least(f.rank, w.own_rank)) as reason,
  case when f.rank <= w.own_rank then w.isin end as isin,
  case when f.rank <= w.own_rank then w.since else w.own_since end as since,
  case when f.rank <= w.own_rank then w.until else w.own_until end as until,
  case when f.rank <= w.own_rank then w.detail else w.own_detail end as detail,
  least(f.rank, w.own_rank) as precedence
from unwind.waits w
cross join lateral (select case when w.rank not in (3, 4, 5) then w.rank end as rank) f
order by w.tenant_id, w.liquidation_id, least(f.rank, w.own_rank), f.rank, w.isin;

drop function unwind_v1.market_now();
