// Checks of what came after an end (late fills and busts): it is counted, it was reported to a person, and
// units that an account did not have any more are named.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew } from './check.ts';

export const checksOfCorrections: readonly Check[] = [
  // A submission that is done sold what its final report says; whatever its executions are away from
  // that, late fills and busts have moved them.
  {
    name: 'corrections_are_counted',
    says: 'An order is corrected by what the executions of its done submissions are off their reports.',
    sql: fragment`
      select
        coalesce(o.tenant_id, s.tenant_id) as tenant_id,
        'order' as subject,
        coalesce(o.order_id, s.order_id)::text as subject_id,
        trim_scale(coalesce(s.corrected, 0))::text as expected,
        trim_scale(o.corrected_quantity)::text as found,
        'the order is not corrected by what came after the end' as message
      from (
        select o.tenant_id, o.order_id, o.corrected_quantity
        from unwind_v1.orders o
        where o.corrected_quantity <> 0
      ) o
      full join (
        select s.tenant_id, s.order_id, sum(s.executed_quantity - s.final_quantity) as corrected
        from unwind_v1.submissions s
        where s.status = 'DONE'
          and s.executed_quantity <> s.final_quantity
        group by s.tenant_id, s.order_id
        having sum(s.executed_quantity - s.final_quantity) <> 0
      ) s using (tenant_id, order_id)
      where o.corrected_quantity is distinct from s.corrected`,
  },
  // What a submission sold beyond its final report came late. Only that may find the units gone.
  {
    name: 'uncovered_units_are_of_late_fills',
    says: 'Units of an execution stay in the account only where it came after the end and found them gone.',
    sql: fragment`
      select
        u.tenant_id,
        'submission' as subject,
        u.client_order_id as subject_id,
        concat('at most ', trim_scale(u.late)) as expected,
        trim_scale(u.uncovered)::text as found,
        concat('units not taken from account ', u.account_id) as message
      from (
        select
          e.tenant_id, e.client_order_id, e.account_id,
          sum(m.uncovered) as uncovered,
          coalesce(
            max(greatest(s.executed_quantity + s.busted_quantity - s.final_quantity, 0)), 0
          ) as late
        from unwind_v1.movements m
        join unwind_v1.executions e using (tenant_id, execution_id)
        left join unwind_v1.submissions s
          on s.tenant_id = e.tenant_id
          and s.client_order_id = e.client_order_id
          and s.status = 'DONE'
        where m.uncovered > 0
        group by e.tenant_id, e.client_order_id, e.account_id
      ) u
      where u.uncovered > u.late`,
  },
  // A fill or a bust is after the end where it was recorded so much later that no clock explains it.
  {
    name: 'corrections_are_reported',
    says: 'Each fill and each bust after the end was reported to a person, with the units uncovered.',
    sql: fragment`
      with late as (
        select
          e.tenant_id, e.execution_id, 'fill/' as type, 'the execution' as what,
          null::text as names
        from unwind_v1.executions e
        join unwind_v1.liquidations l using (tenant_id, liquidation_id)
        where e.recorded_at > l.ended_at + ${clockSkew}
        union all
        select e.tenant_id, e.execution_id, 'bust/', 'the bust', null
        from unwind_v1.executions e
        join unwind_v1.liquidations l using (tenant_id, liquidation_id)
        where e.busted_at > l.ended_at + ${clockSkew}
        union all
        select
          m.tenant_id, m.execution_id, 'fill/', 'the execution',
          concat(' ', trim_scale(m.uncovered), ' of these units are not in account ', m.account_id)
        from unwind_v1.movements m
        where m.uncovered > 0
      )
      select
        x.tenant_id,
        'execution' as subject,
        x.execution_id::text as subject_id,
        concat('correction/', x.type, x.execution_id, x.names) as expected,
        c.reason as found,
        case
          when c.tenant_id is null then concat('no person learns of ', x.what, ' after the end')
          else 'the correction does not name the units that the account did not have'
        end as message
      from late x
      left join unwind_v1.corrections c
        on c.tenant_id = x.tenant_id
        and c.subject = concat(x.type, x.execution_id)
        and c.raised_at is not null
      where c.tenant_id is null
        or position(x.names in c.reason) = 0
      union all
      select
        l.tenant_id,
        'liquidation' as subject,
        l.liquidation_id::text as subject_id,
        concat(
          'corrections of at least ', abs(l.corrected_proceeds),
          case when l.corrected_proceeds < 0 then ' void' else ' sold' end
        ) as expected,
        coalesce(c.proceeds, 0)::text as found,
        'the liquidation was corrected by more than was reported' as message
      from unwind_v1.liquidations l
      left join (
        select e.tenant_id, e.liquidation_id, k.type, sum(e.proceeds) as proceeds
        from unwind_v1.corrections c
        cross join lateral (
          select split_part(c.subject, '/', 1) as type, split_part(c.subject, '/', 2) as execution_id
        ) k
        join unwind_v1.executions e
          on e.tenant_id = c.tenant_id
          and e.execution_id::text = k.execution_id
        where c.raised_at is not null
        group by e.tenant_id, e.liquidation_id, k.type
      ) c
        on c.tenant_id = l.tenant_id
        and c.liquidation_id = l.liquidation_id
        and c.type = case when l.corrected_proceeds < 0 then 'bust' else 'fill' end
      where l.corrected_proceeds <> 0
        and abs(l.corrected_proceeds) > coalesce(c.proceeds, 0)`,
  },
  {
    name: 'closed_corrections_say_who_and_why',
    says: 'A correction that was closed names who has seen to it, and what was done.',
    sql: fragment`
      select
        c.tenant_id,
        'correction' as subject,
        c.parked_id as subject_id,
        case when c.closed_at is null then 'open' else 'closed, by somebody, with a reason' end
          as expected,
        concat('closed ', coalesce(c.closed_at::text, 'never'), ' by ', c.closed_by, ': ', c.closed_reason)
          as found,
        c.reason as message
      from unwind_v1.corrections c
      where (c.closed_at is null) <> (coalesce(c.closed_by, '') = '')
        or (c.closed_at is null) <> (coalesce(c.closed_reason, '') = '')
        or c.closed_at < c.raised_at - ${clockSkew}`,
  },
];
