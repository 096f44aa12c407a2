// Checks of halts and controls: that nothing was sent that they covered or stopped, and that only halts have orders
// sent again.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew, requestTime } from './check.ts';

export const checksOfHalts: readonly Check[] = [
  {
    name: 'halts_hold_orders',
    says: 'No order was sent to a venue while a halt covered it.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        concat('not sent from ', h.set_at, ' to ', coalesce(h.lifted_at::text, 'now')) as expected,
        concat('sent at ', s.sent_at) as found,
        concat('halt ', h.halt_id, ' covers it') as message
      from unwind_v1.halts h
      join unwind_v1.submissions s
        on s.sent_at > h.set_at + ${requestTime} + ${clockSkew}
        and s.sent_at < coalesce(h.lifted_at - ${requestTime} - ${clockSkew}, 'infinity')
        and (h.tenant_id is null or s.tenant_id = h.tenant_id)
        and (h.venue is null or s.venue = h.venue)
      join unwind_v1.orders o
        on o.tenant_id = s.tenant_id
        and o.order_id = s.order_id
      where (h.account_id is null or o.account_id = h.account_id)
        and (h.isin is null or o.isin = h.isin)`,
  },
  {
    name: 'ends_at_the_venue_are_ends',
    says: 'What a venue has cancelled or rejected ends its order, unless a halt had it cancelled.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        'the last of its order, which is FILLED or CANCELLED' as expected,
        concat('order ', o.order_id, ' ', o.status, ', last sent at ', n.sent_at) as found,
        concat('the venue ended it: ', s.outcome) as message
      from unwind_v1.submissions s
      join unwind_v1.orders o using (tenant_id, order_id)
      join (
        select n.tenant_id, n.order_id, max(n.sent_at) as sent_at
        from unwind_v1.submissions n
        group by n.order_id, n.tenant_id
      ) n using (tenant_id, order_id)
      where s.status = 'DONE'
        and s.outcome in ('cancelled', 'rejected')
        and s.halt_cancel_at is null
        and (o.status in ('NEW', 'PROCESSING') or n.sent_at > s.sent_at)`,
  },
  // An order that was stopped before and is cleared keeps the instant at which it was stopped last.
  {
    name: 'controls_hold_orders',
    says: 'No order was sent to a venue while a control stopped it.',
    sql: fragment`
      select
        s.tenant_id,
        'submission' as subject,
        s.client_order_id as subject_id,
        concat('not sent from ', c.stopped_at, ' on') as expected,
        concat('sent at ', s.sent_at) as found,
        concat('stop ', c.stop_id, ': ', c.control, ', ', c.detail) as message
      from unwind_v1.control_stops c
      join unwind_v1.submissions s
        on s.tenant_id = c.tenant_id
        and s.order_id = c.order_id
        and s.sent_at > c.stopped_at + ${requestTime} + ${clockSkew}
        and s.sent_at < coalesce(
          least(c.cleared_at, c.released_at) - ${requestTime} - ${clockSkew}, 'infinity'
        )`,
  },
  // The limit that was in force when a halt was lifted. A lift at the same time as a change of the limit may have read
  // either.
  {
    name: 'lifts_had_two_persons',
    says: 'No halt that held more than the limit was lifted without the agreement of a second person.',
    sql: fragment`
      select
        h.tenant_id,
        'halt' as subject,
        h.halt_id as subject_id,
        concat('approved by another than ', h.lifted_by) as expected,
        coalesce(
          (
            select concat('approved by ', a.decided_by)
            from unwind_v1.approvals a
            where a.halt_id = h.halt_id
              and a.decision = 'approved'
            limit 1
          ),
          'no approval'
        ) as found,
        concat(
          'it held ', coalesce(trim_scale(h.lift_value)::text, 'an unknown value'), ', the limit was ',
          trim_scale(min(c.four_eyes_max))
        ) as message
      from unwind_v1.halts h
      join unwind_v1.controls c
        on c.four_eyes_max is not null
        and (c.tenant_id is null or c.tenant_id = h.tenant_id)
        and h.lifted_at > c.set_at + ${requestTime} + ${clockSkew}
        and h.lifted_at < coalesce(c.replaced_at - ${requestTime} - ${clockSkew}, 'infinity')
      where coalesce(h.lift_value > c.four_eyes_max, true)
        and not exists (
          select
          from unwind_v1.approvals a
          where a.halt_id = h.halt_id
            and a.decision = 'approved'
            and a.decided_at = h.lifted_at
            and lower(btrim(a.decided_by)) <> lower(btrim(h.lifted_by))
        )
      group by h.tenant_id, h.halt_id, h.lifted_by, h.lift_value`,
  },
];
