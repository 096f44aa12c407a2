// Checks of submissions: the client order ids under which orders went to a venue.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

export const checksOfSubmissions: readonly Check[] = [
  {
    name: 'submissions_are_sums_of_executions',
    says: 'What a submission has executed is the sum of its executions.',
    sql: fragment`
      select
        coalesce(s.tenant_id, e.tenant_id) as tenant_id,
        'submission' as subject,
        coalesce(s.client_order_id, e.client_order_id) as subject_id,
        concat(trim_scale(coalesce(e.quantity, 0)), ', void ', trim_scale(coalesce(e.busted, 0)))
          as expected,
        case
          when s.tenant_id is not null
            then concat(trim_scale(s.executed_quantity), ', void ', trim_scale(s.busted_quantity))
        end as found,
        case
          when s.tenant_id is null then 'there are executions, but no such submission'
          else 'the submission is not the sum of its executions'
        end as message
      from unwind_v1.submissions s
      full join (
        select
          e.tenant_id, e.client_order_id,
          sum(e.quantity) filter (where e.busted_at is null) as quantity,
          sum(e.quantity) filter (where e.busted_at is not null) as busted
        from (
          select *
          from unwind_v1.executions e
          order by e.order_id, e.client_order_id, e.tenant_id
        ) e
        group by e.order_id, e.client_order_id, e.tenant_id
      ) e using (tenant_id, client_order_id)
      where s.tenant_id is null
        or s.executed_quantity <> coalesce(e.quantity, 0)
        or s.busted_quantity <> coalesce(e.busted, 0)`,
  },
  {
    name: 'submissions_have_their_status',
    says: 'A submission is DONE exactly when its executions add up to its final report.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        case s.status
          when 'DONE' then 'DONE, executed as its final report says'
          else 'SENDING or WORKING, executed less than its final report says'
        end as expected,
        concat(
          s.status, ', executed ', trim_scale(s.sold), ' of ', trim_scale(s.quantity),
          ', final report ', s.outcome, ' ', trim_scale(s.final_quantity)
        ) as found,
        'the submission is not as its status says' as message
      from (
        select s.*, s.executed_quantity + s.busted_quantity as sold
        from unwind_v1.submissions s
      ) s
      where s.executed_quantity not between 0 and s.quantity
        or s.busted_quantity < 0
        or s.final_quantity not between 0 and s.quantity
        or (s.outcome is null) <> (s.final_quantity is null)
        or not case s.status
          when 'SENDING' then s.final_quantity is null or s.sold < s.final_quantity
          when 'WORKING' then s.final_quantity is null or s.sold < s.final_quantity
          when 'DONE' then s.final_quantity is not null and s.sold >= s.final_quantity
          else false
        end`,
  },
  {
    name: 'submissions_serve_their_orders',
    says: 'An order is with the venue once, or due to be sent, or at its end; never two of these.',
    sql: fragment`
      select
        coalesce(o.tenant_id, s.tenant_id) as tenant_id,
        'order' as subject,
        coalesce(o.order_id, s.order_id)::text as subject_id,
        case
          when o.status in ('FILLED', 'CANCELLED')
            then concat(o.submissions, ' submissions, 0 open')
          when o.status = 'PROCESSING'
            then concat(o.submissions, ' submissions, 1 open for the rest, or 0 and due to be sent')
          else '0 submissions'
        end as expected,
        concat(
          coalesce(s.submissions, 0), ' submissions, ', coalesce(s.open, 0), ' open for ',
          trim_scale(s.open_quantity), ', due ', coalesce(o.submit_at::text, 'never')
        ) as found,
        case
          when o.tenant_id is null then 'there are submissions, but no such order'
          when o.submissions <> coalesce(s.submissions, 0) then 'submissions are missing or too many'
          when s.open > 1 then 'the order is with the venue more than once'
          when o.status not in ('PROCESSING') then 'nothing may be open at the venue'
          when s.open = 1 and o.submit_at is not null then 'the order would be sent a second time'
          when s.open = 1 then 'the venue works another quantity than is left'
          when o.submit_at is null then 'no step will send the order or hear of it'
          else 'nothing is left to be sent'
        end as message
      from unwind_v1.orders o
      full join (
        select
          s.tenant_id, s.order_id,
          count(*) as submissions,
          count(*) filter (where s.status <> 'DONE') as open,
          sum(s.quantity) filter (where s.status <> 'DONE') as open_quantity,
          sum(s.executed_quantity) filter (where s.status <> 'DONE') as open_executed
        from unwind_v1.submissions s
        group by s.tenant_id, s.order_id
      ) s using (tenant_id, order_id)
      where o.tenant_id is null
        or o.submissions <> coalesce(s.submissions, 0)
        or case
          when o.status <> 'PROCESSING' then s.open > 0
          when coalesce(s.open, 0) = 0 then o.submit_at is null
            or o.filled_quantity - o.corrected_quantity >= o.quantity
          else s.open > 1
            or o.submit_at is not null
            or s.open_quantity <> o.quantity
              - (o.filled_quantity - o.corrected_quantity - s.open_executed)
        end`,
  },
  {
    name: 'submissions_belong_to_orders',
    says: 'Each submission names the liquidation of its order.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        concat('liquidation ', o.liquidation_id) as expected,
        concat('liquidation ', s.liquidation_id) as found,
        concat('of order ', s.order_id) as message
      from unwind_v1.submissions s
      left join unwind_v1.orders o using (tenant_id, order_id)
      where s.liquidation_id is distinct from o.liquidation_id`,
  },
  // An order that the venue did not take is WORKING without a venue order id until the report of that
  // answer is applied.
  {
    name: 'submissions_are_answered',
    says: 'A WORKING submission has a venue order id, or its refusal is about to be applied.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        'a venue order id or a report' as expected,
        null as found,
        'no step will hear of this submission again' as message
      from unwind_v1.submissions s
      where s.status = 'WORKING'
        and s.venue_order_id is null
        and not exists (
          select
          from unwind_v1.waiting_reports r
          where r.tenant_id = s.tenant_id
            and r.client_order_id = s.client_order_id
            and r.venue = s.venue
        )
        and not exists (
          select
          from unwind_v1.parked_reports r
          where r.tenant_id = s.tenant_id
            and r.client_order_id = s.client_order_id
            and r.venue = s.venue
        )`,
  },
];
