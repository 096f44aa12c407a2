// Checks of the book: positions, movements and executions agree with each other.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew, importTime } from './check.ts';

export const checksOfBook: readonly Check[] = [
  {
    name: 'positions_are_sums_of_movements',
    says: 'The quantity and the locked part of a position are the sums of its movements.',
    sql: fragment`
      select
        coalesce(p.tenant_id, m.tenant_id) as tenant_id,
        'position' as subject,
        concat(coalesce(p.account_id, m.account_id), '/', coalesce(p.isin, m.isin)) as subject_id,
        concat(trim_scale(coalesce(m.quantity, 0)), ', locked ', trim_scale(coalesce(m.locked, 0)))
          as expected,
        case
          when p.tenant_id is not null
            then concat(trim_scale(p.quantity), ', locked ', trim_scale(p.locked))
        end as found,
        case
          when p.tenant_id is null then 'there are movements, but no position'
          when m.tenant_id is null then 'there is a position without any movement'
          else 'the position is not the sum of its movements'
        end as message
      from unwind_v1.positions p
      full join (
        select
          m.tenant_id, m.account_id, m.isin,
          sum(m.quantity) as quantity,
          sum(m.locked) filter (where m.locked <> 0) as locked
        from (
          select *
          from unwind_v1.movements m
          order by m.account_id, m.isin, m.tenant_id
        ) m
        group by m.account_id, m.isin, m.tenant_id
      ) m using (tenant_id, account_id, isin)
      where p.tenant_id is null
        or p.quantity <> coalesce(m.quantity, 0)
        or p.locked <> coalesce(m.locked, 0)`,
  },
  {
    name: 'positions_hold_open_orders',
    says: 'A position holds exactly what its open orders still have to sell.',
    sql: fragment`
      select
        coalesce(p.tenant_id, o.tenant_id) as tenant_id,
        'position' as subject,
        concat(coalesce(p.account_id, o.account_id), '/', coalesce(p.isin, o.isin)) as subject_id,
        trim_scale(coalesce(o.open, 0))::text as expected,
        trim_scale(p.held)::text as found,
        'what is held is not what open orders still have to sell' as message
      from unwind_v1.positions p
      full join (
        select
          o.tenant_id, o.account_id, o.isin,
          sum(o.quantity - o.filled_quantity + o.corrected_quantity) as open
        from unwind_v1.orders o
        where o.status in ('NEW', 'PROCESSING')
        group by o.tenant_id, o.account_id, o.isin
      ) o using (tenant_id, account_id, isin)
      where p.tenant_id is null
        or p.held <> coalesce(o.open, 0)`,
  },
  {
    name: 'positions_are_covered',
    says: 'No position is short: quantity, locked, held and what is left of them are never negative.',
    sql: fragment`
      select
        p.tenant_id,
        'position' as subject,
        concat(p.account_id, '/', p.isin) as subject_id,
        'nothing below 0' as expected,
        concat(
          'quantity ', trim_scale(p.quantity), ', locked ', trim_scale(p.locked),
          ', held ', trim_scale(p.held), ', available ', trim_scale(p.available)
        ) as found,
        'the position is short' as message
      from unwind_v1.positions p
      where least(p.quantity, p.locked, p.held, p.available) < 0`,
  },
  {
    name: 'movements_never_go_short',
    says: 'At no time did an account have less than nothing of an instrument.',
    sql: fragment`
      select
        b.tenant_id,
        'movement' as subject,
        b.movement_id::text as subject_id,
        'at least 0' as expected,
        trim_scale(b.balance)::text as found,
        concat('after this movement account ', b.account_id, ' was short of ', b.isin) as message
      from (
        select
          m.tenant_id, m.movement_id, m.account_id, m.isin,
          sum(m.quantity) over (
            partition by m.account_id, m.isin, m.tenant_id
            order by
              case
                when m.quantity > 0 then m.recorded_at - ${clockSkew}
                when m.reason = 'import' then m.recorded_at + ${importTime}
                else m.recorded_at
              end,
              m.movement_id
            rows unbounded preceding
          ) as balance
        from unwind_v1.movements m
      ) b
      where b.balance < 0`,
  },
  {
    name: 'imports_move_no_cash',
    says: 'A movement is an import without cash, or a delta, or it belongs to an execution.',
    sql: fragment`
      select
        m.tenant_id,
        'movement' as subject,
        m.movement_id::text as subject_id,
        'import, cash 0, no execution' as expected,
        concat(m.reason, ', cash ', trim_scale(m.cash), ', execution ', m.execution_id) as found,
        'only the movement of an execution may carry cash' as message
      from unwind_v1.movements m
      where m.reason not in ('execution', 'bust', 'credit', 'lock', 'unlock')
        and not (m.reason = 'import' and m.cash = 0 and m.execution_id is null)`,
  },
  {
    name: 'deltas_move_what_they_say',
    says: 'A credit brings units, a lock locks, an unlock unlocks; each reference counts once.',
    sql: fragment`
      select
        m.tenant_id,
        'movement' as subject,
        m.movement_id::text as subject_id,
        case m.reason
          when 'credit' then 'units in, nothing locked'
          when 'lock' then 'units locked, none in'
          when 'unlock' then 'units unlocked, none in'
          else 'no reference'
        end as expected,
        concat(
          m.reason, ' of ', trim_scale(m.quantity), ', locked ', trim_scale(m.locked),
          ', cash ', trim_scale(m.cash), ', execution ', m.execution_id,
          ', reference ', m.reference
        ) as found,
        'the movement is not what its reason says' as message
      from unwind_v1.movements m
      where not case m.reason
        when 'credit' then m.quantity > 0 and m.locked = 0 and m.cash = 0
        when 'lock' then m.quantity = 0 and m.locked > 0 and m.cash = 0
        when 'unlock' then m.quantity = 0 and m.locked < 0 and m.cash = 0
        else m.reference is null
      end
        or m.reason in ('credit', 'lock', 'unlock')
        and (m.reference is null or m.execution_id is not null)
      union all
      select
        m.tenant_id,
        'movement' as subject,
        min(m.movement_id::text) as subject_id,
        '1 movement' as expected,
        concat(count(*), ' movements') as found,
        concat('the delta ', m.reference, ' was applied more than once') as message
      from unwind_v1.movements m
      where m.reference is not null
      group by m.tenant_id, m.reference
      having count(*) > 1`,
  },
  {
    name: 'executions_have_one_movement',
    says: 'Each execution has one movement: its units out, its proceeds in; a void one, its reverse.',
    sql: fragment`
      with due as (
        select
          e.tenant_id, e.execution_id, 'execution' as reason, e.account_id, e.isin,
          -e.quantity as quantity, e.proceeds as cash, e.executed_at, e.recorded_at
        from unwind_v1.executions e
        union all
        select
          e.tenant_id, e.execution_id, 'bust', e.account_id, e.isin, e.quantity, -e.proceeds,
          b.transaction_at, e.busted_at
        from unwind_v1.executions e
        left join unwind_v1.busts b using (tenant_id, venue, venue_execution_id)
        where e.busted_at is not null
      )
      select
        coalesce(e.tenant_id, m.tenant_id) as tenant_id,
        case when e.tenant_id is null then 'movement' else 'execution' end as subject,
        coalesce(e.execution_id, m.movement_id)::text as subject_id,
        case
          when e.tenant_id is not null
            then concat(e.account_id, '/', e.isin, ': ', e.quantity, ', cash ', e.cash)
        end as expected,
        case
          when m.tenant_id is not null
            then concat(
              m.account_id, '/', m.isin, ': ', m.quantity, ' and ', -m.uncovered, ' uncovered, cash ',
              m.cash
            )
        end as found,
        case
          when e.tenant_id is null then 'there is a movement, but no such execution'
          when m.tenant_id is null then concat('the ', e.reason, ' has no movement')
          else concat('the ', e.reason, ' and its movement disagree')
        end as message
      from due e
      full join (
        select *
        from unwind_v1.movements m
        where m.reason in ('execution', 'bust')
      ) m using (tenant_id, execution_id, reason)
      where e.tenant_id is null
        or m.tenant_id is null
        or m.quantity - m.uncovered <> e.quantity
        or abs(m.quantity) > abs(e.quantity)
        or m.cash <> e.cash
        or m.locked <> 0
        or (m.account_id, m.isin, m.effective_at, m.recorded_at)
          is distinct from (e.account_id, e.isin, e.executed_at, e.recorded_at)
      union all
      select
        m.tenant_id,
        'execution' as subject,
        m.execution_id::text as subject_id,
        '1 movement' as expected,
        concat(count(*), ' movements') as found,
        'the execution has moved its units more than once' as message
      from unwind_v1.movements m
      where m.execution_id is not null
      group by m.tenant_id, m.execution_id, m.reason
      having count(*) > 1`,
  },
  // A bust is final, so what it names can not count any more; it may come before its execution.
  {
    name: 'busts_are_void',
    says: 'An execution is void exactly when the venue declared it so.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        case when b.tenant_id is null then 'counted' else 'void' end as expected,
        case when e.busted_at is null then 'counted' else 'void' end as found,
        case
          when b.client_order_id <> e.client_order_id
            then 'the venue declared it void for another order'
          else 'the execution is not what the venue declared'
        end as message
      from unwind_v1.executions e
      left join unwind_v1.busts b using (tenant_id, venue, venue_execution_id)
      where (e.busted_at is null) <> (b.tenant_id is null)
        or b.client_order_id <> e.client_order_id`,
  },
];
