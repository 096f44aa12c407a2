-- What people have halted. Owner: halts. And why open liquidations wait, for venues and rates (0004) as for halts.

-- A halt stops the release of liquidations and the sending of orders that it covers. It covers what all of
-- its columns name: an account, an instrument, a venue; null is any. The tenant of a halt across all
-- tenants is the nil UUID.
create table unwind.halts (
  tenant_id uuid not null,
  halt_id uuid not null,
  account_id uuid,
  isin text,
  venue text,
  strength text not null,
  reason text not null,
  person text not null,
  set_at timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text,
  constraint halts_pkey primary key (tenant_id, halt_id),
  constraint halts_isin check (isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'),
  constraint halts_venue check (venue ~ '^[A-Z0-9]{4}$'),
  constraint halts_strength check (strength in ('release', 'cancel')),
  constraint halts_reason_length check (length(reason) between 1 and 500),
  constraint halts_person_length check (length(person) between 1 and 100),
  constraint halts_lifted check (
    (lifted_at is null) = (lifted_by is null)
    and (lifted_at is null) = (lift_reason is null)
  ),
  constraint halts_lifted_by_length check (length(lifted_by) between 1 and 100),
  constraint halts_lift_reason_length check (length(lift_reason) between 1 and 500)
);
-- The few that are in force are asked for by each statement that releases or sends.
create index halts_in_force on unwind.halts (tenant_id) where lifted_at is null;

-- Orders that a control has stopped before they were sent. Owner: controls (0015). One that keeps the control when
-- it is checked again is cleared; one that a person has released passes that control from then on.
create table unwind.control_stops (
  tenant_id uuid not null,
  stop_id uuid not null,
  order_id uuid not null,
  control text not null,
  detail text not null,
  stopped_at timestamptz not null,
  cleared_at timestamptz,
  released_at timestamptz,
  released_by text,
  release_reason text,
  constraint control_stops_pkey primary key (tenant_id, stop_id),
  constraint control_stops_once unique (tenant_id, order_id, control),
  constraint control_stops_order foreign key (tenant_id, order_id) references unwind.orders,
  constraint control_stops_control check (
    control in ('order_quantity', 'order_value', 'day_value', 'price_age', 'price_collar')
  ),
  constraint control_stops_released check (
    (released_at is null) = (released_by is null)
    and (released_at is null) = (release_reason is null)
  ),
  constraint control_stops_end check (cleared_at is null or released_at is null),
  constraint control_stops_released_by_length check (length(released_by) between 1 and 100),
  constraint control_stops_release_reason_length check (length(release_reason) between 1 and 500)
);
create index control_stops_in_force on unwind.control_stops (tenant_id, stop_id)
  where cleared_at is null and released_at is null;

-- When the venue was asked last to cancel a submission for a halt. What of it the venue has not sold is sent
-- again after the halt, under another client order id.
alter table unwind.submissions add column halt_cancel_at timestamptz;

create or replace view unwind_v1.submissions as
select
  s.tenant_id,
  s.client_order_id,
  s.order_id,
  s.liquidation_id,
  s.venue,
  s.quantity,
  s.status,
  s.sent_at,
  s.venue_order_id,
  s.executed_quantity,
  s.final_quantity,
  s.outcome,
  s.reason,
  s.busted_quantity,
  s.halt_cancel_at
from unwind.submissions s;

-- The tenant of a halt across all tenants is null here.
create view unwind_v1.halts as
select
  nullif(h.tenant_id, '00000000-0000-0000-0000-000000000000') as tenant_id,
  h.halt_id,
  h.account_id,
  h.isin,
  h.venue,
  h.strength,
  h.reason,
  h.person,
  h.set_at,
  h.lifted_at,
  h.lifted_by,
  h.lift_reason
from unwind.halts h;

-- The reasons by their rank: of several the one with the smallest is shown (docs/views.md).
create or replace function unwind.wait_reason(rank integer) returns text
  language sql immutable parallel safe
  return (array[
    'parked', 'stopping', 'rejected', 'fraction', 'odd_lot', 'sent_unanswered', 'inactive', 'unlisted',
    'locked', 'halted', 'control', 'no_rate', 'venue_closed', 'retrying', 'release_delay', 'due_later',
    'at_venue', 'next_round', 'due', 'reservation'
  ])[rank];

-- Each with the rank of its own reason (below).
create or replace view unwind.obstacles as
select distinct on (b.tenant_id, b.subject)
  b.tenant_id, b.subject, b.parked_at, b.first_at, b.retry_at, b.detail,
  b.rank
from (
  select
    k.tenant_id, k.subject, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason) as detail,
    case when k.parked_at is null then 14 else 1 end as rank
  from unwind.parked k
  where k.step in ('release', 'submit', 'answer', 'advance', 'stop')
    and (k.parked_at is not null or k.retry_at > now())
  union all
  select
    k.tenant_id, r.client_order_id, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason),
    case when k.parked_at is null then 14 else 1 end
  from unwind.parked k
  join unwind.venue_reports r
    on r.tenant_id = k.tenant_id
    and r.venue = split_part(k.subject, '/', 1)
    and r.report_id = substr(k.subject, strpos(k.subject, '/') + 1)
  where k.step = 'apply'
    and (k.parked_at is not null or k.retry_at > now())
  union all
  select
    r.tenant_id, r.client_order_id, r.received_at, r.received_at, null,
    concat('report/', r.venue, '/', r.report_id, ': ', r.parked_reason), 1
  from unwind.venue_reports r
  where r.parked_reason is not null
) b
order by b.tenant_id, b.subject, b.parked_at nulls last;

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
    when 10 then g.set_at
    when 14 then k.first_at
    when 20 then k.first_at
    when 15 then l.created_at
    when 19 then coalesce(l.advance_at, l.release_at)
  end as own_since,
  case r.own_rank
    when 14 then k.retry_at
    when 20 then k.retry_at
    when 15 then l.release_at
    when 16 then l.advance_at
  end as own_until,
  case r.own_rank
    when 1 then k.detail
    when 2 then coalesce(l.stop_note, l.stop_reason)
    when 10 then concat('halted by ', g.person, ': ', g.reason)
    when 14 then k.detail
    when 15 then case
      when l.scheduled_at is not null then concat(
        'scheduled', ' for the opening of ' || l.opening_of, ': ' || l.schedule_reason
      )
    end
    when 20 then k.detail
    when 16 then 'the liquidation is looked at again then'
  end as own_detail,
  r.rank,
  case r.rank
    when 1 then coalesce(ko.parked_at, ks.parked_at)
    when 3 then o.ended_at
    when 6 then s.sent_at
    when 10 then coalesce(h.halted_at, gp.set_at, g.set_at)
    when 11 then d.stopped_at
    when 14 then coalesce(ko.first_at, ks.first_at)
    when 16 then s.sent_at
    when 17 then s.sent_at
    when 19 then coalesce(o.submit_at, o.updated_at, l.advance_at, l.release_at)
    when 20 then k.first_at
  end as since,
  case r.rank
    when 13 then v.opens_at
    when 14 then coalesce(ko.retry_at, ks.retry_at)
    when 16 then o.submit_at
    when 20 then k.retry_at
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
    when 10 then case
      when h.isin is null then concat('halted by ', coalesce(gp.person, g.person), ': ', coalesce(gp.reason, g.reason))
    end
    when 11 then d.detail
    when 12 then case
      when y.as_of is null then concat('there is no rate for ', u.currency)
      else concat('the last rate for ', u.currency, ' is of ', unwind.instant(y.as_of))
    end
    when 13 then case when cardinality(t.venues) > 1 then concat(q.venue, ' is closed') end
    when 14 then coalesce(ks.detail, ko.detail)
    when 16 then s.reason
    when 17 then concat('client order id ', s.client_order_id, ' at ', s.venue)
    when 18 then 'the open orders of the liquidation have to end first'
    when 20 then k.detail
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
-- What people have halted: the liquidation as a whole, or the instrument or its venue.
left join lateral (
  select y.set_at, y.person, y.reason
  from unwind.halts y
  where y.lifted_at is null
    and y.tenant_id in (l.tenant_id, '00000000-0000-0000-0000-000000000000')
    and (y.account_id is null or y.account_id = l.account_id)
    and y.isin is null
    and y.venue is null
  order by y.set_at
  limit 1
) g on true
left join lateral (
  select y.set_at, y.person, y.reason
  from unwind.halts y
  where y.lifted_at is null
    and y.tenant_id in (l.tenant_id, '00000000-0000-0000-0000-000000000000')
    and (y.account_id is null or y.account_id = l.account_id)
    and coalesce(y.isin, y.venue) is not null
    and (y.isin is null or y.isin = p.isin)
    and (y.venue is null or y.venue = q.venue)
  order by y.set_at
  limit 1
) gp on true
-- What controls have stopped.
left join lateral (
  select
    min(z.stopped_at) as stopped_at,
    string_agg(concat(z.control, ': ', z.detail), '; ' order by z.control) as detail
  from unwind.control_stops z
  where z.tenant_id = o.tenant_id
    and z.order_id = o.order_id
    and z.cleared_at is null
    and z.released_at is null
    and o.submit_at is not null
) d on true
left join unwind.venue_halts h
  on h.venue = q.venue
  and h.isin = p.isin
cross join lateral (
  select
    case
      when k.parked_at is not null then 1
      when l.stop_reason is not null then 2
      when g.set_at is not null and l.open_orders = 0 then 10
      when k.rank = 20 then 20
      when k.retry_at is not null then 14
      when l.status = 'NEW' and l.release_at > m.at then 15
      when l.advance_at > m.at then 16
      else 19
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
        and (g.set_at is not null or gp.set_at is not null)
        and (o.order_id is null or o.submit_at is not null) then 10
      when d.stopped_at is not null then 11
      when l.status = 'PROCESSING'
        and (o.order_id is null or o.submit_at is not null)
        and u.currency <> 'EUR'
        and (y.as_of is null or y.as_of < m.at - t.rate_age_max) then 12
      when not v.is_open
        and coalesce(v.opens_at, 'infinity')
          > coalesce(case l.status when 'NEW' then l.release_at else o.submit_at end, '-infinity')
        then 13
      when coalesce(ko.retry_at, ks.retry_at) is not null then 14
      when o.submit_at > m.at then 16
      when s.status = 'WORKING' then 17
      when o.order_id is null and l.open_orders > 0 then 18
      when k.rank = 20 then 20
      else 19
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
