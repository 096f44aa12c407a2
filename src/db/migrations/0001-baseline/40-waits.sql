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

-- Reasons in the order of precedence, which docs/views.md explains: the smallest rank that applies is the
-- one that is shown. Those of a liquidation as a whole, whatever it holds:
create or replace view unwind.liquidation_reasons as
select
  l.tenant_id, l.liquidation_id, r.rank, r.reason, r.since, r.until, r.detail
from unwind.liquidations l
cross join unwind_v1.market_now() m
left join lateral (
  select
    k.parked_at,
    k.first_at,
    k.retry_at,
    concat(k.step, '/', k.subject, ': ', k.reason) as detail
  from unwind.parked k
  where k.tenant_id = l.tenant_id
    and k.step in ('release', 'advance', 'stop')
    and k.subject = l.liquidation_id::text
    and (k.parked_at is not null or k.retry_at > now())
  order by k.parked_at nulls last
  limit 1
) k on true
cross join lateral (
  values
    (1, 'parked', k.parked_at is not null, k.parked_at, null::timestamptz, k.detail),
    (2, 'stopping', l.stop_reason is not null, l.stop_asked_at, null, coalesce(l.stop_note, l.stop_reason)),
    (10, 'retrying', k.parked_at is null and k.retry_at is not null, k.first_at, k.retry_at, k.detail),
    (11, 'release_delay', l.status = 'NEW' and l.release_at > m.at, l.created_at, l.release_at, null),
    (12, 'due_later', l.advance_at > m.at, null, l.advance_at, 'the liquidation is looked at again then'),
    (15, 'due', true, coalesce(l.advance_at, l.release_at), null, null)
) as r (rank, reason, applies, since, until, detail)
where l.status in ('NEW', 'PROCESSING')
  and r.applies;

-- What open liquidations have not sold, each position with its reason.
create or replace view unwind_v1.position_waits as
select
  l.tenant_id,
  l.liquidation_id,
  l.account_id,
  p.isin,
  p.quantity,
  w.reason,
  w.since,
  w.until,
  w.detail,
  exists (
    select from unwind.prices c
    where c.tenant_id = l.tenant_id
      and c.isin = p.isin
  ) as priced,
  w.rank as precedence
from unwind.liquidations l
join unwind.positions p on p.tenant_id = l.tenant_id and p.account_id = l.account_id
join unwind.instruments i on i.tenant_id = p.tenant_id and i.isin = p.isin
cross join unwind_v1.market_now() m
left join lateral (
  select o.tenant_id, o.order_id, o.submit_at, o.updated_at
  from unwind.orders o
  where o.tenant_id = l.tenant_id
    and o.liquidation_id = l.liquidation_id
    and o.isin = p.isin
    and o.status in ('NEW', 'PROCESSING')
) o on true
left join lateral (
  select o.ended_at, o.cancellation_reason
  from unwind.orders o
  where o.tenant_id = l.tenant_id
    and o.liquidation_id = l.liquidation_id
    and o.isin = p.isin
    and o.status = 'CANCELLED'
  limit 1
) x on true
left join lateral (
  select s.client_order_id, s.venue, s.status, s.sent_at, s.reason
  from unwind.submissions s
  where s.tenant_id = o.tenant_id
    and s.order_id = o.order_id
  order by s.sent_at desc, s.client_order_id
  limit 1
) s on true
left join lateral (
  select k.parked_at, k.first_at, k.retry_at, k.detail
  from (
    select k.parked_at, k.first_at, k.retry_at, concat(k.step, '/', k.subject, ': ', k.reason) as detail
    from unwind.parked k
    where k.tenant_id = o.tenant_id
      and (k.step, k.subject) in (('submit', o.order_id::text), ('answer', s.client_order_id))
      and (k.parked_at is not null or k.retry_at > now())
    union all
    select r.received_at, r.received_at, null, concat('report/', r.venue, '/', r.report_id, ': ', r.parked_reason)
    from unwind.venue_reports r
    where r.tenant_id = o.tenant_id
      and r.client_order_id = s.client_order_id
      and r.parked_reason is not null
    union all
    select k.parked_at, k.first_at, k.retry_at, concat(k.step, '/', k.subject, ': ', k.reason)
    from unwind.parked k
    join unwind.venue_reports r
      on r.tenant_id = k.tenant_id
      and r.venue = split_part(k.subject, '/', 1)
      and r.report_id = substr(k.subject, strpos(k.subject, '/') + 1)
    where k.tenant_id = o.tenant_id
      and k.step = 'apply'
      and r.client_order_id = s.client_order_id
      and (k.parked_at is not null or k.retry_at > now())
  ) k
  order by k.parked_at nulls last
  limit 1
) k on true
left join lateral (
  select min(h.halted_at) as at
  from unwind.venue_halts h
  where h.isin = p.isin
) h on true
cross join lateral (
  select r.rank, r.reason, r.since, r.until, r.detail
  from (
    select
      c.rank, c.reason, c.since, c.until, c.detail
    from (
      values
        (1, 'parked', k.parked_at is not null, k.parked_at, null::timestamptz, k.detail),
        (3, 'rejected', o.order_id is null and x.ended_at is not null, x.ended_at, null, x.cancellation_reason),
        (
          4, 'fraction', o.order_id is null and unwind.sellable(p.quantity, i.fractional) = 0, null, null,
          'only whole units of the instrument are sold'
        ),
        (
          5, 'sent_unanswered', s.status = 'SENDING', s.sent_at, null,
          concat('client order id ', s.client_order_id, ' at ', s.venue)
        ),
        (
          6, 'inactive',
          l.status = 'PROCESSING' and o.order_id is null and i.trading_status = 'INACTIVE',
          null, null, null
        ),
        (
          7, 'locked',
          l.status = 'PROCESSING' and o.order_id is null
            and unwind.sellable(p.quantity - p.locked - p.held, i.fractional) = 0,
          null, null, concat(trim_scale(p.locked), ' of ', trim_scale(p.quantity), ' units are locked')
        ),
        (8, 'halted', l.status = 'PROCESSING' and h.at is not null, h.at, null, null),
        (
          9, 'venue_closed',
          m.is_closed
            and coalesce(m.opens_at, 'infinity')
              >= coalesce(case when l.status = 'NEW' then l.release_at else o.submit_at end, '-infinity'),
          null, m.opens_at, null
        ),
        (10, 'retrying', k.parked_at is null and k.retry_at is not null, k.first_at, k.retry_at, k.detail),
        (12, 'due_later', o.submit_at > m.at, s.sent_at, o.submit_at, s.reason),
        (
          13, 'at_venue', s.status = 'WORKING', s.sent_at, null,
          concat('client order id ', s.client_order_id, ' at ', s.venue)
        ),
        (
          14, 'next_round', o.order_id is null and l.open_orders > 0, null, null,
          'the open orders of the liquidation have to end first'
        ),
        (15, 'due', o.order_id is not null, coalesce(o.submit_at, o.updated_at), null, null)
    ) as c (rank, reason, applies, since, until, detail)
    where c.applies
    union all
    select r.rank, r.reason, r.since, r.until, r.detail
    from unwind.liquidation_reasons r
    where r.tenant_id = l.tenant_id
      and r.liquidation_id = l.liquidation_id
  ) r
  order by r.rank
  limit 1
) w
where l.status in ('NEW', 'PROCESSING')
  and (p.quantity > 0 or o.order_id is not null);

-- Open liquidations, each with the first of its own reasons and of those of its positions that it waits
-- for: what was rejected or is a fraction stays, and holds no liquidation up.
create or replace view unwind_v1.liquidation_waits as
select
  l.tenant_id,
  l.liquidation_id,
  l.account_id,
  l.status,
  w.reason,
  w.isin,
  w.since,
  w.until,
  w.detail,
  w.rank as precedence
from unwind.liquidations l
cross join lateral (
  select r.rank, r.reason, r.isin, r.since, r.until, r.detail
  from (
    select r.rank, r.reason, null as isin, r.since, r.until, r.detail
    from unwind.liquidation_reasons r
    where r.tenant_id = l.tenant_id
      and r.liquidation_id = l.liquidation_id
    union all
    select p.precedence, p.reason, p.isin, p.since, p.until, p.detail
    from unwind_v1.position_waits p
    where p.tenant_id = l.tenant_id
      and p.liquidation_id = l.liquidation_id
      and p.reason not in ('rejected', 'fraction')
  ) r
  order by r.rank, r.isin nulls first, r.since
  limit 1
) w
where l.status in ('NEW', 'PROCESSING');
