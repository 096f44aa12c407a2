// Checks of batches: what became of each account, what of it counts, when a batch has ended, how fast it was, and
// its events.

import { fragment } from '../db/sql.ts';
import { type Check, clockSkew, requestTime } from './check.ts';

export const checksOfBatches: readonly Check[] = [
  // The limit that was in force when a batch was made; one that was made at the same time as a change of the limit may
  // have read either. Whatever the limit, what was asked for has to be agreed to.
  {
    name: 'batches_had_two_persons',
    says: 'No batch that could sell more than the limit was begun without the agreement of a second person.',
    sql: fragment`
      select
        b.tenant_id,
        'batch' as subject,
        b.batch_id::text as subject_id,
        concat('approved by another than ', b.person) as expected,
        coalesce(
          (
            select concat(coalesce(a.decision, 'asked for'), ' by ', coalesce(a.decided_by, a.person))
            from unwind_v1.approvals a
            where a.tenant_id = b.tenant_id
              and a.batch_id = b.batch_id
          ),
          'no approval'
        ) as found,
        concat(
          'it is ', b.status, ' and could sell ', coalesce(trim_scale(b.value)::text, 'an unknown value')
        ) as message
      from unwind_v1.batches b
      where (b.started_at is not null or b.status not in ('PENDING_APPROVAL', 'CANCELLING', 'CANCELLED'))
        and (
          b.approval_id is not null
          or exists (
            select
            from unwind_v1.approvals a
            where a.tenant_id = b.tenant_id
              and a.batch_id = b.batch_id
          )
          or exists (
            select
            from unwind_v1.controls c
            where c.four_eyes_max is not null
              and (c.tenant_id is null or c.tenant_id = b.tenant_id)
              and b.created_at > c.set_at + ${requestTime} + ${clockSkew}
              and b.created_at < coalesce(c.replaced_at - ${requestTime} - ${clockSkew}, 'infinity')
              and coalesce(b.value > c.four_eyes_max, true)
          )
        )
        and not exists (
          select
          from unwind_v1.approvals a
          where a.tenant_id = b.tenant_id
            and a.batch_id = b.batch_id
            and a.approval_id = b.approval_id
            and a.decision = 'approved'
            and a.decided_at <= coalesce(b.started_at, a.decided_at) + ${clockSkew}
            and lower(btrim(a.decided_by)) <> lower(btrim(b.person))
        )`,
  },
  {
    name: 'batches_count_their_accounts',
    says: 'The counts of a batch are those of its accounts.',
    sql: fragment`
      select
        coalesce(b.tenant_id, a.tenant_id) as tenant_id,
        'batch' as subject,
        coalesce(b.batch_id, a.batch_id)::text as subject_id,
        concat(a.accounts, ': ', a.started, ', ', a.refused, ', ', a.cancelled) as expected,
        concat(b.accounts, ': ', b.started, ', ', b.refused, ', ', b.cancelled) as found,
        'accounts: started, refused, cancelled' as message
      from unwind_v1.batches b
      full join (
        select
          a.tenant_id, a.batch_id,
          count(*) as accounts,
          count(*) filter (where a.status = 'STARTED') as started,
          count(*) filter (where a.status = 'REFUSED') as refused,
          count(*) filter (where a.status = 'CANCELLED') as cancelled
        from unwind_v1.batch_accounts a
        group by a.batch_id, a.tenant_id
      ) a using (tenant_id, batch_id)
      where (b.accounts, b.started, b.refused, b.cancelled)
        is distinct from (a.accounts, a.started, a.refused, a.cancelled)`,
  },
  {
    name: 'batch_accounts_have_one_outcome',
    says: 'An account of a batch has one liquidation of it where it was started, and none where it was not.',
    sql: fragment`
      select
        coalesce(a.tenant_id, l.tenant_id) as tenant_id,
        'account of a batch' as subject,
        concat(coalesce(a.batch_id, l.batch_id), '/', coalesce(a.account_id, l.account_id))
          as subject_id,
        case when a.status = 'STARTED' then concat('liquidation ', a.liquidation_id) end as expected,
        l.liquidations as found,
        concat('the account is ', coalesce(a.status, 'not one of the batch')) as message
      from unwind_v1.batch_accounts a
      full join (
        select
          l.tenant_id, l.batch_id, l.account_id,
          string_agg(concat('liquidation ', l.liquidation_id), ', ' order by l.liquidation_id)
            as liquidations
        from unwind_v1.batch_liquidations l
        group by l.batch_id, l.account_id, l.tenant_id
      ) l using (tenant_id, batch_id, account_id)
      where case when a.status = 'STARTED' then concat('liquidation ', a.liquidation_id) end
        is distinct from l.liquidations`,
  },
  // It was running when the account was refused; how it ended since does not matter.
  {
    name: 'batch_accounts_are_refused_for_cause',
    says: 'Where a running liquidation stood against an account of a batch, there was one of that account.',
    sql: fragment`
      select
        a.tenant_id,
        'account of a batch' as subject,
        concat(a.batch_id, '/', a.account_id) as subject_id,
        concat('a liquidation of the account, that ran at ', a.decided_at) as expected,
        concat('liquidation ', a.running_id, ' of account ', l.account_id) as found,
        a.refusal as message
      from unwind_v1.batch_accounts a
      left join unwind_v1.liquidations l
        on l.tenant_id = a.tenant_id
        and l.liquidation_id = a.running_id
      where a.running_id is not null
        and (
          l.account_id is distinct from a.account_id
          or l.created_at > a.decided_at + ${clockSkew}
          or l.ended_at < a.decided_at - ${clockSkew}
        )`,
  },
  {
    name: 'batches_end_when_all_has_ended',
    says: 'Of a batch that has ended no account waits and no liquidation is open.',
    sql: fragment`
      select
        b.tenant_id,
        'batch' as subject,
        b.batch_id::text as subject_id,
        '0 waiting, 0 open' as expected,
        concat(w.waiting, ' waiting, ', w.open, ' open') as found,
        concat('the batch is ', b.status) as message
      from unwind_v1.batches b
      join (
        select
          a.tenant_id, a.batch_id,
          count(*) filter (where a.status = 'WAITING') as waiting,
          count(*) filter (where l.status in ('NEW', 'PROCESSING')) as open
        from unwind_v1.batch_accounts a
        left join unwind_v1.batch_liquidations l using (tenant_id, liquidation_id)
        group by a.batch_id, a.tenant_id
      ) w using (tenant_id, batch_id)
      where b.status in ('COMPLETED', 'CANCELLED')
        and (w.waiting > 0 or w.open > 0)`,
  },
  // The account that is as many places behind as the rate allows in a minute came at least a minute later.
  {
    name: 'batches_keep_their_rate',
    says: 'In no minute a batch starts or refuses more accounts than its rate.',
    sql: fragment`
      select
        a.tenant_id,
        'batch' as subject,
        a.batch_id::text as subject_id,
        concat('at most ', a.rate, ' a minute') as expected,
        concat(count(*), ' accounts too early') as found,
        concat('the first at ', min(a.decided_at)) as message
      from (
        select
          a.tenant_id, a.batch_id, b.rate, a.decided_at,
          lag(a.decided_at, b.rate) over (
            partition by a.batch_id, a.tenant_id
            order by a.decided_at
          ) as before_at
        from unwind_v1.batch_accounts a
        join unwind_v1.batches b using (tenant_id, batch_id)
        where b.rate is not null
          and a.status in ('STARTED', 'REFUSED')
      ) a
      where a.decided_at < a.before_at + interval '1 minute' - ${clockSkew}
      group by a.tenant_id, a.batch_id, a.rate`,
  },
  // Events of progress and of pauses stand in between. Events of old batches that have ended have been dropped.
  {
    name: 'events_tell_the_batch',
    says: 'The events of a batch follow it to where it is, numbered without a gap.',
    sql: fragment`
      select
        coalesce(b.tenant_id, e.tenant_id) as tenant_id,
        'batch' as subject,
        coalesce(b.batch_id, e.batch_id)::text as subject_id,
        case when b.batch_id is not null then
          concat('CREATED to ', w.last, ', ', b.event_count, ' without a gap')
        end as expected,
        concat(e.life, ', ', e.events, ' up to ', e.last_number) as found,
        concat('the batch is ', coalesce(b.status, 'not there')) as message
      from unwind_v1.batches b
      full join (
        select
          e.tenant_id, e.liquidation_id as batch_id,
          count(*) as events,
          max(e.number) as last_number,
          count(distinct e.number) as numbers,
          bool_and(e.account_id = e.liquidation_id and e.sequence = 0) as belong,
          string_agg(split_part(e.type, '.', 2), ', ' order by e.number)
            filter (where e.type <> 'BATCH.PROGRESS') as life
        from unwind_v1.events e
        where starts_with(e.type, 'BATCH.')
        group by e.liquidation_id, e.tenant_id
      ) e using (tenant_id, batch_id)
      cross join lateral (
        select case b.status
          when 'PENDING_APPROVAL' then 'CREATED'
          when 'SCHEDULED' then '(CREATED|APPROVED|RESUMED)'
          when 'RUNNING' then '(STARTED|RESUMED)'
          else b.status
        end as last
      ) w
      cross join unwind_v1.event_retention r
      where (
        b.batch_id is null
        or e.life is null
        or e.events <> b.event_count
        or e.last_number <> b.event_count
        or e.numbers <> e.events
        or not e.belong
        or (e.life ~ 'STARTED') <> (b.started_at is not null)
        or e.life !~ (
          '^CREATED(, APPROVED)?(, PAUSED, RESUMED)*(, STARTED(, PAUSED, RESUMED)*)?'
          '(, COMPLETED|(, PAUSED)?(, CANCELLING(, CANCELLED)?)?)$'
        )
        or (e.life ~ 'APPROVED') <> exists (
          select
          from unwind_v1.approvals a
          where a.tenant_id = b.tenant_id
            and a.batch_id = b.batch_id
            and a.decision = 'approved'
        )
        or e.life !~ ('(^|, )' || w.last || '$')
      )
        and not (e.batch_id is null and b.batch_id < r.dropped_before and b.ended_at is not null)`,
  },
];
