-- Why liquidations wait: one reason for each open one, and for each position it has not sold.

-- The market as it is now by the clock of the database. Of several venues it is open while one of them is.
-- A function called by a view runs with the rights of the reader, who may have none on the tables.
create or replace function unwind_v1.market_now()
  returns table (at timestamptz, is_closed boolean, opens_at timestamptz)
  language sql stable parallel safe security definer
  set search_path = ''
  begin atomic
    select
      m.at,
      count(v.venue) > 0 and not bool_or(unwind.venue_is_open(v.venue, m.at)),
      min(s.opens_at) filter (where v.status is null)
    from (select unwind.market_time(now()) as at) m
    left join unwind.venues v on true
    left join lateral unwind.venue_session(v.venue, m.at) s on true
    group by m.at;
  end;

-- What a step cannot do, or a report that contradicts what is known, by what it concerns: a liquidation, an
-- order or a client order id. One row each: what waits for a person before what is tried again.
create or replace view unwind.obstacles as
select distinct on (b.tenant_id, b.subject)
  b.tenant_id, b.subject, b.parked_at, b.first_at, b.retry_at, b.detail
from (
  select
    k.tenant_id, k.subject, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason) as detail
  from unwind.parked k
  where k.step in ('release', 'submit', 'answer', 'advance', 'stop')
    and (k.parked_at is not null or k.retry_at > now())
  union all
  select
    k.tenant_id, r.client_order_id, k.parked_at, k.first_at, k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason)
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
    concat('report/', r.venue, '/', r.report_id, ': ', r.parked_reason)
  from unwind.venue_reports r
  where r.parked_reason is not null
) b
order by b.tenant_id, b.subject, b.parked_at nulls last;

-- The reasons by their rank: of several the one with the smallest is shown (docs/views.md).
create or replace function unwind.wait_reason(rank integer) returns text
  language sql immutable parallel safe
  return (array[
    'parked', 'stopping', 'rejected', 'fraction', 'sent_unanswered', 'inactive', 'locked', 'halted',
    'venue_closed', 'retrying', 'release_delay', 'due_later', 'at_venue', 'next_round', 'due'
  ])[rank];

-- Why open liquidations wait: a row for each position of their accounts, at least one, with the first reason
-- of the liquidation as a whole (own_…) and the first of the position. Joins only, no lookup row by row
-- but of the last submission: so one liquidation and all of them are both read in a plan that fits.
create or replace view unwind.waits as
select
  l.tenant_id, l.liquidation_id, l.account_id, l.status, p.isin, p.quantity,
  c.isin is not null as priced,
  r.own_rank,
  case r.own_rank
    when 1 then k.parked_at
    when 2 then l.stop_asked_at
    when 10 then k.first_at
    when 11 then l.created_at
    when 15 then coalesce(l.advance_at, l.release_at)
  end as own_since,
  case r.own_rank
    when 10 then k.retry_at
    when 11 then l.release_at
    when 12 then l.advance_at
  end as own_until,
  case r.own_rank
    when 1 then k.detail
    when 2 then coalesce(l.stop_note, l.stop_reason)
    when 10 then k.detail
    when 12 then 'the liquidation is looked at again then'
  end as own_detail,
  r.rank,
  case r.rank
    when 1 then coalesce(ko.parked_at, ks.parked_at)
    when 3 then o.ended_at
    when 5 then s.sent_at
    when 8 then h.halted_at
    when 10 then coalesce(ko.first_at, ks.first_at)
    when 12 then s.sent_at
    when 13 then s.sent_at
    when 15 then coalesce(o.submit_at, o.updated_at, l.advance_at, l.release_at)
  end as since,
  case r.rank
    when 9 then m.opens_at
    when 10 then coalesce(ko.retry_at, ks.retry_at)
    when 12 then o.submit_at
  end as until,
  case r.rank
    when 1 then coalesce(ks.detail, ko.detail)
    when 3 then o.cancellation_reason
    when 4 then 'only whole units of the instrument are sold'
    when 5 then concat('client order id ', s.client_order_id, ' at ', s.venue)
    when 7 then concat(trim_scale(p.locked), ' of ', trim_scale(p.quantity), ' units are locked')
    when 10 then coalesce(ks.detail, ko.detail)
    when 12 then s.reason
    when 13 then concat('client order id ', s.client_order_id, ' at ', s.venue)
    when 14 then 'the open orders of the liquidation have to end first'
  end as detail
from unwind.liquidations l
cross join unwind_v1.market_now() m
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
left join (
  select h.isin, min(h.halted_at) as halted_at
  from unwind.venue_halts h
  group by h.isin
) h on h.isin = p.isin
cross join lateral (
  select
    case
      when k.parked_at is not null then 1
      when l.stop_reason is not null then 2
      when k.retry_at is not null then 10
      when l.status = 'NEW' and l.release_at > m.at then 11
      when l.advance_at > m.at then 12
      else 15
    end as own_rank,
    case
      when p.quantity = 0 and (o.order_id is null or o.status = 'CANCELLED') then null
      when p.isin is null then null
      when coalesce(ko.parked_at, ks.parked_at) is not null then 1
      when o.status = 'CANCELLED' then 3
      when o.order_id is null and unwind.sellable(p.quantity, i.fractional) = 0 then 4
      when s.status = 'SENDING' then 5
      when l.status = 'PROCESSING' and o.order_id is null and i.trading_status = 'INACTIVE' then 6
      when l.status = 'PROCESSING'
        and o.order_id is null
        and unwind.sellable(p.quantity - p.locked - p.held, i.fractional) = 0 then 7
      when l.status = 'PROCESSING' and h.isin is not null then 8
      when m.is_closed
        and coalesce(m.opens_at, 'infinity')
          >= coalesce(case l.status when 'NEW' then l.release_at else o.submit_at end, '-infinity')
        then 9
      when coalesce(ko.retry_at, ks.retry_at) is not null then 10
      when o.submit_at > m.at then 12
      when s.status = 'WORKING' then 13
      when o.order_id is null and l.open_orders > 0 then 14
      else 15
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
cross join lateral (select case when w.rank not in (3, 4) then w.rank end as rank) f
order by w.tenant_id, w.liquidation_id, least(f.rank, w.own_rank), f.rank, w.isin;
