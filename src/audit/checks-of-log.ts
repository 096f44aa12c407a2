// Checks of the log of events: it has no gap, keeps its order, and lost nothing that it promises to keep.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew } from './check.ts';

/** SQL: how long the log keeps events (decisions, point 15). */
const keptFor = fragment`interval '90 days'`;

export const checksOfLog: readonly Check[] = [
  {
    name: 'log_positions_are_gapless',
    says: 'The positions in the log of a tenant follow each other from its low mark to its head.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        e.place::text as expected,
        e.position::text as found,
        'the log has a gap, or a position twice, at or before this event' as message
      from (
        select
          e.tenant_id, e.event_id, e.position,
          lag(e.position, 1, coalesce(h.dropped_to, 0)) over (
            partition by e.tenant_id
            order by e.position, e.event_id
          ) + 1 as place
        from unwind_v1.events e
        left join unwind_v1.event_heads h on h.tenant_id = e.tenant_id
        where e.position > coalesce(h.dropped_to, 0)
      ) e
      where e.position <> e.place
      union all
      select
        coalesce(h.tenant_id, e.tenant_id) as tenant_id,
        'log' as subject,
        coalesce(h.tenant_id, e.tenant_id)::text as subject_id,
        greatest(e.position, h.dropped_to, 0)::text as expected,
        h.position::text as found,
        'the head is not the position of the last published event' as message
      from unwind_v1.event_heads h
      full join (
        select e.tenant_id, max(e.position) as position
        from unwind_v1.events e
        where e.position is not null
        group by e.tenant_id
      ) e using (tenant_id)
      where h.position is distinct from greatest(e.position, h.dropped_to, 0)`,
  },
  {
    name: 'log_keeps_the_order_of_accounts',
    says: 'The log has the events of each account in the order in which they happened.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        concat('after position ', e.before) as expected,
        e.position::text as found,
        concat('the event before it, of account ', e.account_id, ', comes later in the log')
          as message
      from (
        select
          e.tenant_id, e.event_id, e.account_id, e.position,
          lag(e.position) over account as before,
          row_number() over account as place
        from unwind_v1.events e
        window account as (
          partition by e.account_id, e.tenant_id
          order by e.sequence, e.number
        )
      ) e
      where e.position is not null
        and e.place > 1
        and (e.before is null or e.before >= e.position)`,
  },
  {
    name: 'log_times_never_go_back',
    says: 'No event of the log of a tenant is older than the one before it.',
    sql: fragment`
      select
        e.tenant_id,
        'event' as subject,
        e.event_id::text as subject_id,
        concat('not before ', e.before_at) as expected,
        e.created_at::text as found,
        concat('at position ', e.position, ' of the log') as message
      from (
        select
          e.tenant_id, e.event_id, e.position, e.created_at,
          lag(e.created_at) over (partition by e.tenant_id order by e.position) as before_at
        from unwind_v1.events e
        where e.position is not null
      ) e
      where e.created_at < e.before_at`,
  },
  // The first 48 bits of an id are its time in ms (RFC 9562). A month is dropped when all of it is older
  // than the log keeps; the last event of it is where the low mark of a log then stands.
  {
    name: 'log_is_kept_for_its_time',
    says: 'Nothing was dropped from the log that is younger than it keeps, or that nothing accounts for.',
    sql: fragment`
      select
        null::uuid as tenant_id,
        'log' as subject,
        r.dropped_before::text as subject_id,
        concat('before ', now() - ${keptFor}) as expected,
        dropped.at::text as found,
        'the log says that it has dropped what it has to keep' as message
      from unwind_v1.event_retention r
      cross join lateral (
        select to_timestamp(
          concat('x', left(replace(r.dropped_before::text, '-', ''), 12))::bit(48)::bigint / 1000.0
        ) as at
      ) dropped
      where dropped.at > now() - ${keptFor} + ${clockSkew}
      union all
      select
        e.tenant_id,
        'log' as subject,
        e.tenant_id::text as subject_id,
        concat('the low mark before position ', e.position) as expected,
        h.dropped_to::text as found,
        case
          when e.position = h.dropped_to
            then 'the low mark stands at an event of a liquidation that was not dropped'
          else 'the low mark stands behind an event that the log has to keep'
        end as message
      from unwind_v1.event_heads h
      join unwind_v1.events e
        on e.tenant_id = h.tenant_id
        and e.position <= h.dropped_to
      cross join unwind_v1.event_retention r
      where (e.position = h.dropped_to and e.liquidation_id >= r.dropped_before)
        or e.created_at > now() - ${keptFor} + ${clockSkew}`,
  },
];
