// Checks of orders: what they sell, what became of them, and which liquidation they serve.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew, importTime } from './check.ts';

export const checksOfOrders: readonly Check[] = [
  {
    name: 'orders_are_sums_of_executions',
    says: 'What an order has filled and earned are the sums of its executions that are not void.',
    sql: fragment`
      select
        coalesce(o.tenant_id, e.tenant_id) as tenant_id,
        'order' as subject,
        coalesce(o.order_id, e.order_id)::text as subject_id,
        concat(trim_scale(coalesce(e.quantity, 0)), ' for ', coalesce(e.proceeds, 0)) as expected,
        case
          when o.tenant_id is not null then concat(trim_scale(o.filled_quantity), ' for ', o.proceeds)
        end as found,
        case
          when o.tenant_id is null then 'there are executions, but no such order'
          else 'the order is not the sum of its executions'
        end as message
      from unwind_v1.orders o
      full join (
        select e.tenant_id, e.order_id, sum(e.quantity) as quantity, sum(e.proceeds) as proceeds
        from (
          select *
          from unwind_v1.executions e
          where e.busted_at is null
          order by e.order_id, e.tenant_id
        ) e
        group by e.order_id, e.tenant_id
      ) e using (tenant_id, order_id)
      where o.tenant_id is null
        or o.filled_quantity <> coalesce(e.quantity, 0)
        or o.proceeds <> coalesce(e.proceeds, 0)`,
  },
  {
    name: 'orders_have_their_status',
    says: 'An order is FILLED with all of it, CANCELLED with less, and open with nothing decided.',
    sql: fragment`
      select
        o.tenant_id,
        'order' as subject,
        o.order_id::text as subject_id,
        case o.status
          when 'NEW' then 'NEW, nothing filled or sent, due to be sent'
          when 'PROCESSING' then 'PROCESSING, sent, no end'
          when 'FILLED' then 'FILLED, all of it, sent, with an end'
          when 'CANCELLED' then 'CANCELLED, less than all of it, with an end and a reason'
          else 'a known status'
        end as expected,
        concat(
          o.status, ', ', trim_scale(o.counted), ' of ', trim_scale(o.quantity), ', ',
          o.submissions, ' submissions, due ', coalesce(o.submit_at::text, 'never'),
          ', ended ', coalesce(o.ended_at::text, 'never'), ', ', o.cancellation_reason
        ) as found,
        'the order is not as its status says' as message
      from (
        select o.*, o.filled_quantity - o.corrected_quantity as counted
        from unwind_v1.orders o
      ) o
      where o.quantity <= 0
        or o.filled_quantity < 0
        or o.counted not between 0 and o.quantity
        or (o.status = 'CANCELLED') <> (o.cancellation_reason is not null)
        or not case o.status
          when 'NEW' then o.filled_quantity = 0 and o.corrected_quantity = 0 and o.submissions = 0 and o.submit_at is not null
            and o.ended_at is null
          when 'PROCESSING' then o.submissions > 0 and o.ended_at is null
          when 'FILLED' then o.counted = o.quantity and o.submissions > 0
            and o.submit_at is null and o.ended_at is not null
          when 'CANCELLED' then o.counted < o.quantity and o.submit_at is null
            and o.ended_at is not null
          else false
        end`,
  },
  // An order takes what it sells out of reach the moment it is made, so all that it fills counts from
  // then on, whenever it fills. What comes after its end does not: a late fill takes only what is free,
  // and what a bust returns can be sold again. Of one account and instrument at most one order is open
  // at a time.
  {
    name: 'orders_sell_what_is_held',
    says: 'No order was made for more than the account held, unlocked, when it was made.',
    sql: fragment`
      select
        s.tenant_id,
        'order' as subject,
        s.order_id::text as subject_id,
        concat('at most ', trim_scale(coalesce(s.available, 0))) as expected,
        trim_scale(s.wanted)::text as found,
        concat('account ', s.account_id, ' did not hold that much of ', s.isin) as message
      from (
        select
          x.tenant_id, x.account_id, x.isin, x.order_id, x.wanted,
          sum(x.change) over (
            partition by x.account_id, x.isin, x.tenant_id
            order by x.at, x.id
            rows between unbounded preceding and 1 preceding
          ) as available
        from (
          select
            m.tenant_id, m.account_id, m.isin,
            m.movement_id as id,
            case
              when m.quantity >= m.locked then m.recorded_at - ${clockSkew}
              else m.recorded_at + ${importTime}
            end as at,
            m.quantity - m.locked as change,
            null::uuid as order_id,
            0 as wanted
          from unwind_v1.movements m
          where m.reason <> 'execution'
          union all
          select
            o.tenant_id, o.account_id, o.isin,
            o.order_id as id,
            o.created_at as at,
            o.corrected_quantity - o.filled_quantity as change,
            o.order_id,
            o.quantity as wanted
          from unwind_v1.orders o
        ) x
      ) s
      where s.wanted > coalesce(s.available, 0)`,
  },
  {
    name: 'orders_belong_to_liquidations',
    says: 'Each order belongs to a released liquidation of its account; open ones to a running one.',
    sql: fragment`
      select
        o.tenant_id,
        'order' as subject,
        o.order_id::text as subject_id,
        concat('account ', l.account_id, ', ', l.status, ', rounds 1 to ', l.rounds) as expected,
        concat('account ', o.account_id, ', ', o.status, ', round ', o.round) as found,
        case
          when l.tenant_id is null then 'there is no such liquidation'
          else 'the order does not fit its liquidation'
        end as message
      from unwind_v1.orders o
      left join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      where l.tenant_id is null
        or o.account_id <> l.account_id
        or o.round not between 1 and l.rounds
        or l.released_at is null
        or o.status in ('NEW', 'PROCESSING') and l.status <> 'PROCESSING'`,
  },
  {
    name: 'orders_follow_each_other',
    says: 'A liquidation has one open order for an instrument, and none after one was CANCELLED.',
    sql: fragment`
      select
        o.tenant_id,
        'liquidation' as subject,
        o.liquidation_id::text as subject_id,
        'one order at a time, none after a CANCELLED one' as expected,
        concat(
          o.orders, ' orders, ', o.open, ' open, the last in round ', o.last_round,
          ', CANCELLED in round ', o.cancelled_round
        ) as found,
        concat('of instrument ', o.isin) as message
      from (
        select
          o.tenant_id, o.liquidation_id, o.isin,
          count(*) as orders,
          count(*) filter (where o.status in ('NEW', 'PROCESSING')) as open,
          max(o.round) as last_round,
          max(o.round) - min(o.round) + 1 as round_span,
          min(o.round) filter (where o.status = 'CANCELLED') as cancelled_round
        from unwind_v1.orders o
        group by o.tenant_id, o.liquidation_id, o.isin
      ) o
      where o.open > 1
        or o.orders > o.round_span
        or o.cancelled_round < o.last_round`,
  },
  {
    name: 'executions_belong_to_orders',
    says: 'Each execution agrees with its order and its submission on what was sold for whom.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        concat(
          o.account_id, '/', o.isin, ' of liquidation ', o.liquidation_id, ', order ', s.order_id,
          ' at ', s.venue
        ) as expected,
        concat(
          e.account_id, '/', e.isin, ' of liquidation ', e.liquidation_id, ', order ', e.order_id,
          ' at ', e.venue
        ) as found,
        concat('of client order id ', e.client_order_id) as message
      from unwind_v1.executions e
      left join unwind_v1.orders o using (tenant_id, order_id)
      left join unwind_v1.submissions s using (tenant_id, client_order_id)
      where (e.account_id, e.isin, e.liquidation_id, e.order_id, e.venue)
        is distinct from (o.account_id, o.isin, o.liquidation_id, s.order_id, s.venue)`,
  },
];
