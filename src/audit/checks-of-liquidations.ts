// Checks of liquidations: their amounts, their ends, and their order on an account.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew, importTime } from './check.ts';

export const checksOfLiquidations: readonly Check[] = [
  {
    name: 'liquidations_are_sums_of_executions',
    says: 'The proceeds of a liquidation are the sum of those of its executions that are not void.',
    sql: fragment`
      select
        coalesce(l.tenant_id, e.tenant_id) as tenant_id,
        'liquidation' as subject,
        coalesce(l.liquidation_id, e.liquidation_id)::text as subject_id,
        coalesce(e.proceeds, 0)::text as expected,
        l.proceeds::text as found,
        case
          when l.tenant_id is null then 'there are executions, but no such liquidation'
          else 'the proceeds are not the sum of the executions'
        end as message
      from unwind_v1.liquidations l
      full join (
        select e.tenant_id, e.liquidation_id, sum(e.proceeds) as proceeds
        from unwind_v1.executions e
        where e.busted_at is null
        group by e.tenant_id, e.liquidation_id
      ) e using (tenant_id, liquidation_id)
      where l.tenant_id is null
        or l.proceeds <> coalesce(e.proceeds, 0)`,
  },
  {
    name: 'cash_amounts_are_true',
    says: 'A cash amount is what was earned when all is over, and never less before.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        concat(case when f.is_final then 'exactly ' else 'at least ' end, l.proceeds) as expected,
        l.cash_amount::text as found,
        concat('the liquidation is ', l.status) as message
      from unwind_v1.liquidations l
      cross join lateral (select l.status in ('FILLED', 'SETTLED', 'CANCELLED') as is_final) f
      where l.cash_amount < l.proceeds
        or l.cash_amount <> round(l.cash_amount, 2)
        or (f.is_final and l.cash_amount <> l.proceeds)`,
  },
  {
    name: 'open_orders_are_counted',
    says: 'A liquidation counts its open orders, and knows its rounds; a final one has none open.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        concat(coalesce(o.open, 0), ' open, ', coalesce(o.rounds, 0), ' rounds') as expected,
        concat(l.open_orders, ' open, ', l.rounds, ' rounds') as found,
        concat('the liquidation is ', l.status) as message
      from unwind_v1.liquidations l
      left join (
        select
          o.tenant_id, o.liquidation_id,
          count(*) filter (where o.status in ('NEW', 'PROCESSING')) as open,
          max(o.round) as rounds
        from unwind_v1.orders o
        group by o.tenant_id, o.liquidation_id
      ) o using (tenant_id, liquidation_id)
      where l.open_orders <> coalesce(o.open, 0)
        or l.rounds <> coalesce(o.rounds, 0)
        or (l.status <> 'PROCESSING' and o.open > 0)`,
  },
  {
    name: 'liquidations_have_their_status',
    says: 'A liquidation has an end and a reason exactly when final, and was released as it says.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        case l.status
          when 'NEW' then 'NEW, not released, no orders, nothing earned, no end'
          when 'PROCESSING' then 'PROCESSING, released, no end'
          when 'FILLED' then 'FILLED, released, ended flat'
          when 'SETTLED' then 'SETTLED, released, ended flat'
          when 'CANCELLED' then 'CANCELLED, ended: by its client unreleased, or for a reason of ours'
          else 'a known status'
        end as expected,
        concat(
          l.status, ', released ', coalesce(l.released_at::text, 'never'),
          ', ended ', coalesce(l.ended_at::text, 'never'), ' ', l.end_reason,
          ', ', coalesce(o.orders, 0), ' orders, ', coalesce(o.cancelled, 0), ' CANCELLED'
        ) as found,
        'the liquidation is not as its status says' as message
      from unwind_v1.liquidations l
      left join (
        select
          o.tenant_id, o.liquidation_id,
          count(*) as orders,
          count(*) filter (where o.status = 'CANCELLED') as cancelled
        from unwind_v1.orders o
        group by o.tenant_id, o.liquidation_id
      ) o using (tenant_id, liquidation_id)
      cross join lateral (
        select l.end_reason = 'rejected' and exists (
          select
          from unwind_v1.reservations r
          join unwind_v1.reservation_positions p using (tenant_id, reservation_id)
          where r.tenant_id = l.tenant_id
            and r.liquidation_id = l.liquidation_id
            and p.granted < p.quantity
        ) as is_withheld
      ) w
      where (l.ended_at is null) <> (l.status in ('NEW', 'PROCESSING'))
        or (l.ended_at is null) <> (l.end_reason is null)
        or (l.corrected_at is not null and l.ended_at is null)
        or (l.corrected_at is null and l.corrected_proceeds <> 0)
        or not case
          when l.status = 'NEW' then l.released_at is null and o.orders is null and l.proceeds = 0
          when l.status = 'PROCESSING' then l.released_at is not null
          when l.status in ('FILLED', 'SETTLED') then l.released_at is not null and l.end_reason = 'flat'
          when l.status <> 'CANCELLED' then false
          when l.end_reason = 'client'
            then l.released_at is null and o.orders is null and l.proceeds = 0
          when l.end_reason = 'rejected'
            then w.is_withheld or (l.released_at is not null and coalesce(o.cancelled, 0) > 0)
          when l.end_reason = 'abandoned' then coalesce(l.stop_reason, '') = 'abandoned'
          else l.end_reason = 'limit'
        end`,
  },
  // One that is ended before its release is due may be flat, and is FILLED then as if released.
  {
    name: 'liquidations_are_released_when_due',
    says: 'A liquidation is released when that is due, and not before the time that its client asked for.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        concat('not before ', greatest(l.release_at, l.scheduled_at)) as expected,
        l.released_at::text as found,
        'the liquidation was released too early' as message
      from unwind_v1.liquidations l
      where l.released_at < greatest(l.release_at, l.scheduled_at)
        and l.stop_reason is null`,
  },
  // What an account held at an instant is known only up to imports that were under way then. Here the
  // least it can have held counts. Whether an instrument was fractional then is known only where it
  // did not change since; a whole unit could be sold in any case. So could as many units as a lot has, and
  // less than a lot only where the end does not say that it stays.
  {
    name: 'filled_means_nothing_left',
    says: 'A liquidation that ended FILLED left nothing that could be sold, and nothing rejected. Less than a lot cannot.',
    sql: fragment`
      with left_over as (
        select l.tenant_id, l.liquidation_id, m.isin, sum(m.quantity) as quantity
        from unwind_v1.liquidations l
        join unwind_v1.movements m
          on m.tenant_id = l.tenant_id
          and m.account_id = l.account_id
          and case
            when m.quantity > 0 then m.recorded_at + ${importTime} <= l.ended_at
            else m.recorded_at - ${clockSkew} <= l.ended_at
          end
        where l.status in ('FILLED', 'SETTLED')
        group by l.liquidation_id, m.isin, l.tenant_id
        having sum(m.quantity) > 0
      ),
      rejected as (
        select distinct o.tenant_id, o.liquidation_id, o.isin
        from unwind_v1.orders o
        where o.status = 'CANCELLED'
      )
      select
        x.tenant_id,
        'liquidation' as subject,
        x.liquidation_id::text as subject_id,
        concat('nothing left of ', x.isin) as expected,
        trim_scale(x.quantity)::text as found,
        case
          when r.isin is not null then 'FILLED, though an order for the rest was CANCELLED'
          else 'FILLED, though there was more to sell'
        end as message
      from left_over x
      join unwind_v1.liquidations l using (tenant_id, liquidation_id)
      left join unwind_v1.instruments i using (tenant_id, isin)
      left join rejected r using (tenant_id, liquidation_id, isin)
      where r.isin is not null
        or (
          (x.quantity >= 1 or (i.fractional and i.updated_at + ${importTime} <= l.ended_at))
          and not (
            l.end_note is not null
            and exists (
              select
              from unwind_v1.listings g
              where g.tenant_id = x.tenant_id
                and g.isin = x.isin
                and (g.lot_size > x.quantity or g.updated_at + ${importTime} > l.ended_at)
            )
          )
        )`,
  },
  {
    name: 'one_liquidation_runs_per_account',
    says: 'At most one liquidation of an account runs, and it is the last one.',
    sql: fragment`
      select
        a.tenant_id,
        'account' as subject,
        a.account_id::text as subject_id,
        'none running, or only the last one' as expected,
        concat(a.running, ' running, the first of them ', a.first_running, ' of ', a.last) as found,
        'an account is liquidated twice' as message
      from (
        select
          l.tenant_id, l.account_id,
          count(*) filter (where l.status in ('NEW', 'PROCESSING')) as running,
          min(l.sequence) filter (where l.status in ('NEW', 'PROCESSING')) as first_running,
          max(l.sequence) as last
        from unwind_v1.liquidations l
        group by l.tenant_id, l.account_id
      ) a
      where a.running > 1
        or a.first_running < a.last`,
  },
  {
    name: 'liquidations_are_numbered',
    says: 'The liquidations of an account are numbered 1, 2, 3 and so on.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        l.place::text as expected,
        l.sequence::text as found,
        concat('in the sequence of account ', l.account_id) as message
      from (
        select
          l.tenant_id, l.liquidation_id, l.account_id, l.sequence,
          row_number() over (
            partition by l.tenant_id, l.account_id
            order by l.sequence, l.liquidation_id
          ) as place
        from unwind_v1.liquidations l
      ) l
      where l.sequence <> l.place`,
  },
  {
    name: 'liquidations_belong_to_accounts',
    says: 'Each liquidation is of an account of its user.',
    sql: fragment`
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        a.user_id::text as expected,
        l.user_id::text as found,
        case
          when a.tenant_id is null then 'there is no such account'
          else 'the account is of another user'
        end as message
      from unwind_v1.liquidations l
      left join unwind_v1.accounts a using (tenant_id, account_id)
      where l.user_id is distinct from a.user_id`,
  },
];
