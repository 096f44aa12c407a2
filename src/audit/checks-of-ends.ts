// Checks against what the simulated venue (XSIM) says of ends: cancels that it accepted, and executions
// that it declared void.

import { fragment } from '../db/sql.ts';
import type { Check } from './check.ts';

export const checksOfEnds: readonly Check[] = [
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
      where r.type in ('filled', 'rejected', 'postponed')`,
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
