-- An order that was sent, may not have arrived and is stopped by a control before it is sent again says `control`, not
-- that its answer is awaited. Owner: liquidations. The view is that of 0009 but for this.
-- compatible-from: 21

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
-- What controls have stopped before it was sent, or before it was sent again since it may not have arrived.
left join lateral (
  select
    min(z.stopped_at) as stopped_at,
    string_agg(concat(z.control, ': ', z.detail), '; ' order by z.control) as detail
  from unwind.control_stops z
  where z.tenant_id = o.tenant_id
    and z.order_id = o.order_id
    and z.cleared_at is null
    and z.released_at is null
    and (o.submit_at is not null or s.status = 'SENDING')
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
      when s.status = 'SENDING' and d.stopped_at is null then 6
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
