// Checks against the other side: the journal and the reports of the simulated venue (XSIM), which it
// writes by itself, and what passed over the sessions of venues that speak FIX.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

export const checksOfVenue: readonly Check[] = [
  // A submission may have no entry only while it is SENDING: on its way, or never sent yet.
  {
    name: 'venue_has_each_submission',
    says: 'The venue has each submission with its instrument and quantity, answered as we recorded.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        concat(
          o.isin, ', ', trim_scale(s.quantity), ', ', s.status, ', venue order id ',
          s.venue_order_id, ', ', s.outcome
        ) as expected,
        case
          when j.tenant_id is not null
            then concat(
              j.isin, ', ', trim_scale(j.quantity), ', ',
              case when j.temporary then 'suspended' else j.outcome end,
              ', venue order id ', j.venue_order_id
            )
        end as found,
        case
          when j.tenant_id is null then 'the venue never received it'
          else 'the venue received something else, or answered something else'
        end as message
      from unwind_v1.submissions s
      left join unwind_v1.orders o using (tenant_id, order_id)
      left join unwind_v1.venue_journal j
        on j.tenant_id = s.tenant_id
        and j.venue = s.venue
        and j.client_order_id = s.client_order_id
        and j.outcome <> 'repeated'
      where case
          when j.tenant_id is null then s.status <> 'SENDING'
          when (j.isin, j.quantity) is distinct from (o.isin, s.quantity) then true
          when s.status = 'SENDING' then false
          when j.outcome = 'accepted' and s.status = 'DONE' and s.venue_order_id is null then false
          when j.outcome = 'accepted' then s.venue_order_id is distinct from j.venue_order_id
          else s.venue_order_id is not null
            or s.executed_quantity > 0
            or (
              s.status = 'DONE'
              and s.outcome is distinct from case when j.temporary then 'suspended' else 'rejected' end
            )
        end`,
  },
  {
    name: 'venue_has_only_our_submissions',
    says: 'The venue received nothing that we have not recorded as sent.',
    sql: fragment`
      select
        j.tenant_id,
        'journal entry' as subject,
        concat(j.client_order_id, ' (', j.entry, ')') as subject_id,
        null as expected,
        concat(j.outcome, ', ', j.isin, ', ', trim_scale(j.quantity)) as found,
        'the venue received an order, but there is no such submission' as message
      from unwind_v1.venue_journal j
      left join unwind_v1.submissions s using (tenant_id, venue, client_order_id)
      where s.tenant_id is null`,
  },
  {
    name: 'venue_took_nothing_twice',
    says: 'No client order id was decided twice by the venue; repeats were rejected.',
    sql: fragment`
      select
        j.tenant_id,
        'submission' as subject,
        j.client_order_id as subject_id,
        '1 decision' as expected,
        concat(count(*), ' decisions') as found,
        'the same order was taken more than once' as message
      from unwind_v1.venue_journal j
      where j.outcome <> 'repeated'
      group by j.tenant_id, j.venue, j.client_order_id
      having count(*) > 1`,
  },
  {
    name: 'venue_reported_each_execution',
    says: 'Each execution is one that the venue reported: same order, quantity, price and time.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        case
          when r.tenant_id is not null
            then concat(
              r.client_order_id, ': ', trim_scale(r.last_quantity), ' at ',
              trim_scale(r.last_price), ', ', r.transaction_at
            )
        end as expected,
        concat(
          e.client_order_id, ': ', trim_scale(e.quantity), ' at ', trim_scale(e.price), ', ',
          e.executed_at
        ) as found,
        concat('venue execution id ', e.venue_execution_id) as message
      from unwind_v1.executions e
      left join unwind_v1.venue_reports r
        on r.tenant_id = e.tenant_id
        and r.venue = e.venue
        and r.venue_execution_id = e.venue_execution_id
        and r.type in ('trade', 'filled')
      where (e.client_order_id, e.quantity, e.price, e.executed_at)
          is distinct from (r.client_order_id, r.last_quantity, r.last_price, r.transaction_at)`,
  },
  {
    name: 'executions_are_recorded_once',
    says: 'No execution of a venue is recorded twice.',
    sql: fragment`
      select
        e.tenant_id,
        'venue execution' as subject,
        concat(e.venue, '/', e.venue_execution_id) as subject_id,
        '1 execution' as expected,
        concat(count(*), ' executions') as found,
        'the same execution counts more than once' as message
      from unwind_v1.executions e
      group by e.tenant_id, e.venue, e.venue_execution_id
      having count(*) > 1`,
  },
  {
    name: 'venue_price_was_fixed',
    says: 'Each execution has the price that the venue fixed when it accepted the order.',
    sql: fragment`
      select
        e.tenant_id,
        'execution' as subject,
        e.execution_id::text as subject_id,
        trim_scale(j.price)::text as expected,
        trim_scale(e.price)::text as found,
        case
          when j.tenant_id is null then 'the venue never accepted the order'
          else 'the price is not the one fixed'
        end as message
      from unwind_v1.executions e
      left join unwind_v1.venue_journal j
        on j.tenant_id = e.tenant_id
        and j.venue = e.venue
        and j.client_order_id = e.client_order_id
        and j.outcome = 'accepted'
      where e.venue = 'XSIM'
        and e.price is distinct from j.price`,
  },
  // What the venue did not take has no report of its own: its end is the answer that we recorded.
  {
    name: 'venue_confirms_what_is_done',
    says: 'A DONE submission ended as the venue reported: the same outcome, the same quantity.',
    sql: fragment`
      select
        x.tenant_id,
        'submission' as subject,
        x.client_order_id as subject_id,
        case when x.is_reported then concat(x.reported, ' with ', trim_scale(x.cumulative)) end
          as expected,
        concat(x.outcome, ' with ', trim_scale(x.final_quantity)) as found,
        case
          when x.is_reported then 'the venue has reported another end of it'
          else 'the venue accepted it and has not reported the end'
        end as message
      from (
        select
          s.tenant_id, s.venue, s.client_order_id, s.outcome, s.final_quantity,
          r.tenant_id is not null as is_reported,
          r.type as reported,
          r.cumulative_quantity as cumulative
        from unwind_v1.submissions s
        left join unwind_v1.venue_reports r
          on r.tenant_id = s.tenant_id
          and r.venue = s.venue
          and r.client_order_id = s.client_order_id
          and r.type not in ('trade', 'bust')
        where s.status = 'DONE'
          and (s.outcome, s.final_quantity) is distinct from (r.type, r.cumulative_quantity)
      ) x
      left join unwind_v1.venue_journal j
        on j.tenant_id = x.tenant_id
        and j.venue = x.venue
        and j.client_order_id = x.client_order_id
        and j.outcome = 'accepted'
      where x.is_reported
        or j.tenant_id is not null`,
  },
  // Reports up to the cursor were received, and a DONE submission leaves out none that its end counts:
  // a fill that came later counts more. A bust is recorded, whether or not its execution is there yet.
  {
    name: 'venue_reports_are_applied',
    says: 'Each report received is applied, waiting or parked: nothing is lost between.',
    sql: fragment`
      select
        r.tenant_id,
        'report' as subject,
        concat(r.venue, '/', r.number) as subject_id,
        'applied, waiting or parked' as expected,
        concat(r.type, ' of ', r.client_order_id, ', cumulative ', trim_scale(r.cumulative_quantity))
          as found,
        'the venue has reported this, but nothing shows it' as message
      from unwind_v1.venue_reports r
      left join unwind_v1.venue_cursors c on c.venue = r.venue
      left join unwind_v1.executions e
        on e.tenant_id = r.tenant_id
        and e.venue = r.venue
        and e.venue_execution_id = r.venue_execution_id
      left join unwind_v1.busts b
        on b.tenant_id = r.tenant_id
        and b.venue = r.venue
        and b.venue_execution_id = r.venue_execution_id
      left join unwind_v1.submissions s
        on s.tenant_id = r.tenant_id
        and s.venue = r.venue
        and s.client_order_id = r.client_order_id
      where (
          r.number <= c.position
          or (s.status = 'DONE' and r.type <> 'bust' and r.cumulative_quantity <= s.final_quantity)
        )
        and (
          (r.type in ('trade', 'filled') and e.tenant_id is null)
          or (r.type not in ('trade', 'bust') and s.outcome is null)
          or (r.type = 'bust' and b.tenant_id is null)
        )
        and not exists (
          select
          from unwind_v1.waiting_reports w
          where w.tenant_id = r.tenant_id
            and w.venue = r.venue
            and w.report_id = 'report/' || r.number
        )
        and not exists (
          select
          from unwind_v1.parked_reports w
          where w.tenant_id = r.tenant_id
            and w.venue = r.venue
            and w.report_id = 'report/' || r.number
        )`,
  },
  {
    name: 'no_report_is_parked',
    says: 'No report of a venue contradicts what is known, so none waits for a person.',
    sql: fragment`
      select
        r.tenant_id,
        'report' as subject,
        concat(r.venue, '/', r.report_id) as subject_id,
        null as expected,
        concat(r.type, ' of ', r.client_order_id, ', cumulative ', trim_scale(r.cumulative_quantity))
          as found,
        r.parked_reason as message
      from unwind_v1.parked_reports r`,
  },
  // The end may have come before the request: then that was answered too_late.
  {
    name: 'venue_kept_its_word_on_cancels',
    says: 'What the venue agreed to cancel ended cancelled, and in no other way.',
    sql: fragment`
      select
        c.tenant_id,
        'submission' as subject,
        c.client_order_id as subject_id,
        'cancelled' as expected,
        concat(r.type, ', cumulative ', trim_scale(r.cumulative_quantity)) as found,
        'the venue had agreed to cancel the order' as message
      from (
        select distinct c.tenant_id, c.venue, c.client_order_id
        from unwind_v1.venue_cancels c
        where c.outcome = 'accepted'
      ) c
      join unwind_v1.venue_reports r using (tenant_id, venue, client_order_id)
      where r.type in ('filled', 'rejected', 'suspended')`,
  },
  {
    name: 'venue_reported_each_bust',
    says: 'Each execution that counts as void is one that the venue declared void: same order and time.',
    sql: fragment`
      select
        b.tenant_id,
        'venue execution' as subject,
        concat(b.venue, '/', b.venue_execution_id) as subject_id,
        case
          when r.tenant_id is not null then concat(r.client_order_id, ', ', r.transaction_at)
        end as expected,
        concat(b.client_order_id, ', ', b.transaction_at) as found,
        case
          when r.tenant_id is null then 'the venue never declared it void'
          else 'the venue declared it void otherwise'
        end as message
      from unwind_v1.busts b
      left join unwind_v1.venue_reports r
        on r.tenant_id = b.tenant_id
        and r.venue = b.venue
        and r.venue_execution_id = b.venue_execution_id
        and r.type = 'bust'
        and r.copy = 0
      where (b.client_order_id, b.transaction_at)
          is distinct from (r.client_order_id, r.transaction_at)`,
  },
];
