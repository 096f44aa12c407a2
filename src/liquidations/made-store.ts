// The pieces of statements by which liquidations are made and cancelled, one by its client or many by a batch:
// so the rules are the same.

import { type Fragment, fragment } from '../db/sql.ts';
import { objectSql } from '../events/store.ts';
import { liquidationTransitions } from './liquidation.ts';

/** SQL: whether an account of this status is liquidated. */
export function isLiquidatedSql(accountStatus: Fragment): Fragment {
  return fragment`${accountStatus} in ('ACTIVE', 'CLOSING')`;
}

/** SQL: whether an account that is there holds more positions than one liquidation may sell. */
export function isTooLargeSql(
  account: {
    readonly tenantId: string | Fragment;
    readonly accountId: string | Fragment;
    readonly positionsMax: number;
  },
  isThere: Fragment,
): Fragment {
  const { tenantId, accountId, positionsMax } = account;
  return fragment`(
    select count(*) > ${positionsMax}
    from (
      select
      from unwind.positions p
      where p.tenant_id = ${tenantId}
        and p.account_id = ${accountId}
        and p.quantity > 0
        and ${isThere}
      limit ${positionsMax}::bigint + 1
    ) held
  )`;
}

/** SQL: what a changed liquidation `l` returns to be shown. */
const returned = fragment`
  l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.sequence, l.status, l.cash_amount,
  l.event_count, l.created_at, l.updated_at, l.contract`;

/**
 * SQL: makes NEW liquidations with their first event counted. Columns of the select: tenant_id,
 * liquidation_id, account_id, user_id, batch_id, contract, scheduled_at, opening_of, schedule_reason.
 * The caller holds the accounts.
 */
export function newLiquidationsSql(
  made: Fragment,
  { now, releaseDelayMs }: { readonly now: Date; readonly releaseDelayMs: number },
): Fragment {
  return fragment`
    insert into unwind.liquidations as l (
      tenant_id, liquidation_id, account_id, user_id, batch_id, sequence, status, cash_amount,
      event_count, release_at, scheduled_at, opening_of, schedule_reason, created_at, updated_at, contract
    )
    select
      m.tenant_id, m.liquidation_id, m.account_id, m.user_id, m.batch_id,
      (
        select coalesce(max(e.sequence), 0) + 1
        from unwind.liquidations e
        where e.tenant_id = m.tenant_id
          and e.account_id = m.account_id
      ),
      'NEW',
      (
        select i.value
        from unwind.indicative_values(m.tenant_id, m.account_id, m.liquidation_id) as i
      ),
      1,
      greatest(
        (select unwind.market_time(${now})) + ${releaseDelayMs} * interval '1 millisecond',
        m.scheduled_at
      ),
      m.scheduled_at, m.opening_of, m.schedule_reason,
      ${now}, ${now}, m.contract
    from (${made}) as m
    returning ${returned}, l.release_at, l.opening_of, l.schedule_reason`;
}

/** SQL: cancels NEW liquidations `l` that meet a condition, as their client, with the event counted. */
export function cancelledSql(condition: Fragment, now: Date): Fragment {
  return fragment`
    update unwind.liquidations l
    set
      status = ${liquidationTransitions.NEW.client},
      end_reason = 'client',
      stop_at = null,
      awaits_reservation = false,
      ended_at = ${now},
      cash_amount = l.proceeds,
      event_count = l.event_count + 1,
      updated_at = (
        select n.at
        from unwind.next_changes(l.tenant_id, l.liquidation_id, l.updated_at, ${now}) as n
      )
    where l.status = 'NEW'
      and ${condition}
    returning ${returned}`;
}

/** SQL: the rows of one of these pieces with their objects, as `liquidationEventsSql` takes them. */
export function renderedSql(changed: Fragment): Fragment {
  return fragment`
    select
      c.tenant_id, c.account_id, c.liquidation_id, c.sequence, c.event_count as number, c.status,
      o.object
    from ${changed} c
    ${objectSql(fragment`c`)}`;
}
