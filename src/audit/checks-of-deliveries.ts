// Whether subscriptions get every event: the offset and the blocked accounts of each are compared with what
// its receiver refused and acknowledged, and with the replays that were asked for.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew } from './check.ts';

export const checksOfDeliveries: readonly Check[] = [
  {
    name: 'records_follow_replays',
    says: 'The offset of a subscription passes a replay only by a claim that came after it.',
    sql: fragment`
      select
        d.tenant_id,
        'webhook' as subject,
        d.webhook_id::text as subject_id,
        concat('recorded by a claim after ', d.replayed_epoch) as expected,
        concat('recorded by claim ', d.recorded_epoch) as found,
        concat('offset ', d.acknowledged_offset, ', replayed from ', d.replayed_to) as message
      from unwind_v1.deliveries d
      where d.recorded_epoch < d.replayed_epoch
        or (d.recorded_epoch = d.replayed_epoch and d.acknowledged_offset > d.replayed_to)`,
  },
  {
    name: 'blocked_accounts_are_counted',
    says: 'The process that recorded the offset of a subscription knew of the accounts that are blocked.',
    sql: fragment`
      select
        d.tenant_id,
        'webhook' as subject,
        d.webhook_id::text as subject_id,
        d.blocked_count::text as expected,
        b.accounts::text as found,
        concat('accounts that the offset ', d.acknowledged_offset, ' may have passed') as message
      from unwind_v1.deliveries d
      cross join lateral (
        select count(*) as accounts
        from unwind_v1.blocked_accounts b
        where b.tenant_id = d.tenant_id
          and b.webhook_id = d.webhook_id
      ) b
      where b.accounts <> d.blocked_count`,
  },
  // The delivery log keeps the last attempts. Of a package it has the first event and the last; an
  // acknowledged one between which an event stands may have carried it. Judged is what was refused under the
  // present settings, since when no acknowledged attempt was overwritten: each is written when it has ended.
  {
    name: 'refused_events_are_not_passed',
    says: 'An event that a receiver refused is acknowledged since, or its account is blocked before it.',
    sql: fragment`
      with refused as (
        select a.tenant_id, a.webhook_id, e.event_id, e.account_id, e.position, max(a.attempted_at) as at
        from unwind_v1.delivery_attempts a
        join unwind_v1.events e
          on e.tenant_id = a.tenant_id
          and e.event_id in (a.first_event_id, a.last_event_id)
        where a.kind = 'delivery'
          and coalesce(a.status, 0) not between 200 and 299
        group by a.tenant_id, a.webhook_id, e.event_id, e.account_id, e.position
      ),
      acknowledged as (
        select
          a.tenant_id, a.webhook_id, a.attempted_at, f.position as first, l.position as last,
          min(a.attempted_at + make_interval(secs => a.duration_ms / 1000.0)) over (
            partition by a.tenant_id, a.webhook_id
          ) as kept_since,
          count(*) over (partition by a.tenant_id, a.webhook_id) as kept
        from unwind_v1.delivery_attempts a
        left join unwind_v1.events f
          on f.tenant_id = a.tenant_id
          and f.event_id = a.first_event_id
        left join unwind_v1.events l
          on l.tenant_id = a.tenant_id
          and l.event_id = a.last_event_id
        where a.kind = 'delivery'
          and a.status between 200 and 299
      )
      select
        r.tenant_id,
        'event' as subject,
        r.event_id::text as subject_id,
        concat('acknowledged, or account ', r.account_id, ' blocked before ', r.position) as expected,
        concat('refused at ', r.at) as found,
        concat('the offset of subscription ', r.webhook_id, ' is ', d.acknowledged_offset) as message
      from refused r
      join unwind_v1.deliveries d using (tenant_id, webhook_id)
      where r.position <= d.acknowledged_offset
        and r.at > d.settings_at
        and not exists (
          select
          from unwind_v1.blocked_accounts b
          where b.tenant_id = r.tenant_id
            and b.webhook_id = r.webhook_id
            and b.account_id = r.account_id
            and b.acknowledged_offset < r.position
        )
        and not exists (
          select
          from acknowledged a
          where a.tenant_id = r.tenant_id
            and a.webhook_id = r.webhook_id
            and (
              (a.kept < d.acknowledged_count and a.kept_since >= r.at - ${clockSkew})
              or (
                a.attempted_at >= r.at - ${clockSkew}
                and (a.first is null or a.first <= r.position)
                and (a.last is null or a.last >= r.position)
              )
            )
        )`,
  },
];
