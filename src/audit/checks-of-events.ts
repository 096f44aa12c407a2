// Checks of the event log: it has the life of each liquidation once, truly and in order.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

/** SQL: how instants are written on the wire, for `to_char`. */
const isoForm = fragment`'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

export const checksOfEvents: readonly Check[] = [
  // One event for each change of status, so the status and its way there say which events there are.
  // Only where nothing was ever ordered may the end follow NEW without PROCESSING between. Those of old
  // liquidations that have ended have been dropped, all of one together.
  {
    name: 'events_tell_each_status_once',
    says: 'The events of a liquidation are the statuses it went through, numbered without a gap.',
    sql: fragment`
      select
        coalesce(l.tenant_id, e.tenant_id) as tenant_id,
        'liquidation' as subject,
        coalesce(l.liquidation_id, e.liquidation_id)::text as subject_id,
        case when l.tenant_id is not null then concat(w.life, ' and ', w.events, ' counted') end
          as expected,
        concat(e.life, ' and ', l.event_count, ' counted') as found,
        case
          when l.tenant_id is null then 'there are events, but no such liquidation'
          when e.tenant_id is null then 'the liquidation has no events'
          else concat('the liquidation is ', l.status)
        end as message
      from unwind_v1.liquidations l
      full join (
        select
          e.tenant_id, e.liquidation_id,
          count(*) as events,
          string_agg(concat(e.number, ' ', split_part(e.type, '.', 2)), ', ' order by e.number)
            as life
        from unwind_v1.events e
        where not starts_with(e.type, 'BATCH.')
        group by e.tenant_id, e.liquidation_id
      ) e using (tenant_id, liquidation_id)
      cross join lateral (
        select
          (l.status = 'SETTLED')::integer as until,
          case l.status when 'SETTLED' then 'FILLED' else l.status end as ended
      ) s
      cross join lateral (
        select
          case
            when l.status = 'NEW' then '1 NEW'
            when l.status = 'PROCESSING' then '1 NEW, 2 PROCESSING'
            when l.end_reason = 'client' or (e.events = s.until + 2 and l.rounds = 0)
              then concat('1 NEW, 2 ', s.ended, case s.until when 1 then ', 3 SETTLED' end)
            else concat('1 NEW, 2 PROCESSING, 3 ', s.ended, case s.until when 1 then ', 4 SETTLED' end)
          end as life,
          case
            when l.status = 'NEW' then 1
            when l.status = 'PROCESSING' or l.end_reason = 'client' then 2
            when e.events = s.until + 2 and l.rounds = 0 then s.until + 2
            else s.until + 3
          end as events
      ) w
      cross join unwind_v1.event_retention r
      where (
        l.tenant_id is null
        or e.life is distinct from w.life
        or l.event_count <> w.events
      )
        and not (
          e.tenant_id is null
          and l.liquidation_id < r.dropped_before
          and l.status in ('FILLED', 'SETTLED', 'CANCELLED')
        )`,
  },
  // The time of an event is that of its change, or else that of the event before it in the log, which it
  // must not precede. Where that one may have been dropped, any later time may be right.
  {
    name: 'events_belong_to_liquidations',
    says: 'Each event names the account and the sequence of its liquidation, and its true time.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        concat(
          'account ', l.account_id, ', sequence ', l.sequence, ', at ', changed.at
        ) as expected,
        concat('account ', e.account_id, ', sequence ', e.sequence, ', at ', e.created_at) as found,
        concat(e.type, ' of liquidation ', e.liquidation_id) as message
      from (
        select
          e.tenant_id, e.event_id, e.liquidation_id, e.account_id, e.sequence, e.number, e.type,
          e.created_at, e.position,
          lag(e.created_at) over (partition by e.tenant_id order by e.position) as before_at
        from unwind_v1.events e
      ) e
      join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      left join unwind_v1.event_heads h on h.tenant_id = e.tenant_id
      cross join lateral (
        select
          case
            when e.number = 1 then l.created_at
            when l.status = 'SETTLED' and e.number = l.event_count then l.settled_at
            when l.status = 'SETTLED' and e.number = l.event_count - 1 then l.ended_at
            when l.status in ('FILLED', 'CANCELLED') and e.number = l.event_count then l.ended_at
          end as at
      ) changed
      where (e.account_id, e.sequence) is distinct from (l.account_id, l.sequence)
        or e.created_at < changed.at
        or (e.created_at > changed.at
          and (e.position is null or e.position > h.dropped_to + 1)
          and (e.position is null or e.created_at is distinct from e.before_at))`,
  },
  // The object is written here a second time, from its rows. Of an event before the end the cash
  // amount and the update time were true only then, so they are taken as they stand; so is the update time of
  // a final event, if a fill or a bust came after the end. The orders of a
  // PROCESSING event are those of round one as they were made, or none where nothing could be sold
  // yet. Of a final event every byte is known. Once it is SETTLED, the time of FILLED is one of before; and of what a
  // correction has moved, it is not known how much came before SETTLED.
  {
    name: 'events_show_the_liquidation',
    says: 'The object of an event is the liquidation as it was; at its end, to the byte as it is.',
    sql: fragment`
      with listed as (
        select
          o.tenant_id, o.liquidation_id,
          string_agg(o.start || o.status || '"}', ',' order by o.order_id) as orders,
          string_agg(o.start || 'NEW"}', ',' order by o.order_id) filter (where o.round = 1)
            as first_orders,
          max(o.status_at) as status_at
        from (
          select
            o.tenant_id, o.liquidation_id, o.order_id, o.status, o.round, o.status_at,
            concat('{"id":"', o.order_id, '","side":"', o.side, '","status":"') as start
          from unwind_v1.orders o
          order by o.liquidation_id, o.tenant_id, o.order_id
        ) o
        group by o.liquidation_id, o.tenant_id
      )
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        w.object as expected,
        e.object as found,
        concat(e.type, ' of liquidation ', e.liquidation_id) as message
      from unwind_v1.events e
      join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      left join listed o using (tenant_id, liquidation_id)
      cross join lateral (
        select
          substr(e.type, 21) as status,
          split_part(e.object, '"', case l.contract when '2026' then 10 else 8 end) as cash_amount,
          left(right(e.object, 75), 24) as updated_at
      ) shown
      cross join lateral (
        select
          shown.status = 'PROCESSING'
            or l.corrected_at is not null
            or (shown.status = 'FILLED' and l.status = 'SETTLED') as is_of_before
      ) f
      cross join lateral (
        select concat(
          '{"account_id":"', l.account_id,
          case l.contract when '2026' then '","business_id":null,"cash_amount":"' else '","cash_amount":"' end,
          case
            when shown.status in ('NEW', 'PROCESSING') then shown.cash_amount
            when shown.status = 'SETTLED' and l.corrected_at is not null then shown.cash_amount
            else round(l.cash_amount - l.corrected_proceeds, 2)::text
          end,
          '","created_at":"', to_char(l.created_at at time zone 'UTC', ${isoForm}),
          '","currency":"EUR",', case l.contract when '2026' then '"fee_collection_id":null,' end,
          '"id":"', l.liquidation_id,
          '","orders":[',
          case
            when shown.status = 'NEW' then ''
            when shown.status <> 'PROCESSING' then o.orders
            when position('"orders":[]' in e.object) = 0 then o.first_orders
          end,
          '],"status":"', shown.status,
          '","updated_at":"',
          case
            when shown.status = 'NEW' then to_char(l.created_at at time zone 'UTC', ${isoForm})
            when f.is_of_before then shown.updated_at
            else to_char(greatest(l.updated_at, o.status_at) at time zone 'UTC', ${isoForm})
          end,
          '","user_id":"', l.user_id, '"}'
        ) as object
      ) w
      where e.object <> w.object
        or ((shown.status in ('NEW', 'PROCESSING') or f.is_of_before)
          and shown.cash_amount !~ '^[0-9]+[.][0-9]{2}$')
        or (f.is_of_before
          and shown.updated_at !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$')`,
  },
  {
    name: 'final_events_tell_the_cash',
    says: 'The cash amount in a final event is the sum of the executions there were by then.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        w.cash_amount as expected,
        shown.cash_amount as found,
        concat(e.type, ' of liquidation ', e.liquidation_id) as message
      from unwind_v1.events e
      left join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      left join (
        select x.tenant_id, x.liquidation_id, sum(x.proceeds) as proceeds
        from unwind_v1.executions x
        where x.busted_at is null
        group by x.tenant_id, x.liquidation_id
      ) x using (tenant_id, liquidation_id)
      cross join lateral (
        select round(coalesce(x.proceeds, 0) - coalesce(l.corrected_proceeds, 0), 2)::text
          as cash_amount
      ) w
      cross join lateral (
        select
          split_part(e.object, '"', case l.contract when '2026' then 10 else 8 end) as cash_amount
      ) shown
      where e.type in ('ACCOUNT_LIQUIDATION.FILLED', 'ACCOUNT_LIQUIDATION.CANCELLED')
        and shown.cash_amount <> w.cash_amount`,
  },
  // The object is as it was recorded, or the log was written to beside the service. What the
  // checks above cannot know any more, such as the amount expected at the time, is held by this.
  {
    name: 'events_are_as_recorded',
    says: 'The object of an event is, to the byte, what was recorded with the change.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        encode(e.object_sha256, 'hex') as expected,
        encode(sha256(convert_to(e.object, 'UTF8')), 'hex') as found,
        concat('the digest of ', e.type, ' of liquidation ', e.liquidation_id) as message
      from unwind_v1.events e
      where e.object_sha256 is distinct from sha256(convert_to(e.object, 'UTF8'))`,
  },
];
