// The statements of the accounts of a batch: looked for, started together by one statement, cancelled.

import type { Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { liquidationEventsSql } from '../events/store.ts';
import type { AccountId, EventId, LiquidationId, TenantId, UserId } from '../ids.ts';
import {
  cancelledSql,
  isLiquidatedSql,
  isTooLargeSql,
  newLiquidationsSql,
  renderedSql,
} from '../liquidations/made-store.ts';
import { type Decimal, decimal } from '../money.ts';
import { reservationsClosedSql } from '../reservations/reservations-store.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { Batch } from './batch.ts';
import type { NamedAccount } from './batch-store.ts';

type Which = Pick<Batch, 'tenantId' | 'batchId'>;

/** An account that waits, at its place in the list. */
export interface WaitingAccount extends NamedAccount {
  readonly tenantId: TenantId;
  readonly number: number;
}

/**
 * What accounts could sell sooner or later, in EUR by the last prices, as a liquidation of each would show it;
 * undefined where a price is not known.
 */
export function findValue(
  tx: Tx,
  tenantId: TenantId,
  accounts: readonly NamedAccount[],
): Promise<Decimal | undefined> {
  const named = fragment`
    select n.account_id, n.user_id
    from ${rowsOf(accounts).as('n (account_id uuid, user_id uuid)')}`;
  return worthOf(tx, tenantId, named);
}

/** The same of the accounts of a batch. */
export function findValueOfBatch(
  tx: Tx,
  { tenantId, batchId }: Which,
): Promise<Decimal | undefined> {
  const named = fragment`
    select b.account_id, b.user_id
    from unwind.batch_accounts b
    where b.tenant_id = ${tenantId}
      and b.batch_id = ${batchId}`;
  return worthOf(tx, tenantId, named);
}

async function worthOf(tx: Tx, tenantId: TenantId, named: Fragment): Promise<Decimal | undefined> {
  const rows = await tx<{ value: string; is_known: boolean }[]>`
    select
      coalesce(sum(unwind.to_cents(r.price * s.quantity)), 0) as value,
      coalesce(bool_and(r.price is not null), true) as is_known
    from (${named}) as n
    join unwind.accounts a
      on a.tenant_id = ${tenantId}
      and a.account_id = n.account_id
      and a.user_id = coalesce(n.user_id, a.user_id)
    join unwind.positions p
      on p.tenant_id = ${tenantId}
      and p.account_id = n.account_id
    join unwind.instruments i
      on i.tenant_id = ${tenantId}
      and i.isin = p.isin
    cross join lateral (select unwind.sellable(p.quantity, i.fractional) as quantity) s
    left join unwind.prices r
      on r.tenant_id = ${tenantId}
      and r.isin = p.isin
    where p.quantity > 0
      and s.quantity > 0`;
  const [row] = rows;
  return row?.is_known ? decimal(row.value) : undefined;
}

/** The next accounts that wait behind a place of the list, without those that are parked or rest. */
export async function findWaiting(
  tx: Tx,
  { tenantId, batchId, passed }: Pick<Batch, 'tenantId' | 'batchId' | 'passed'>,
  { limit, now }: { readonly limit: number; readonly now: Date },
): Promise<readonly WaitingAccount[]> {
  const mayBeStarted = mayBeWorked('start', {
    tenantId: fragment`a.tenant_id`,
    subject: fragment`a.batch_id || '/' || a.account_id`,
    now,
  });
  const rows = await tx<{ number: number; account_id: AccountId; user_id: UserId | null }[]>`
    select a.number, a.account_id, a.user_id
    from unwind.batch_accounts a
    where a.tenant_id = ${tenantId}
      and a.batch_id = ${batchId}
      and a.status = 'WAITING'
      and a.number > ${passed}
      and ${mayBeStarted}
    order by a.number
    limit ${limit}`;
  return rows.map(({ number, account_id: accountId, user_id }) => {
    return { tenantId, number, accountId, userId: user_id ?? undefined };
  });
}

/**
 * Locks accounts, in the order of their ids. @returns those that another transaction holds: they are left for
 * another turn. What is not there is not held.
 */
export async function lockAccounts(
  tx: Tx,
  tenantId: TenantId,
  accountIds: readonly AccountId[],
): Promise<ReadonlySet<AccountId>> {
  const rows = await tx<{ account_id: AccountId }[]>`
    with locked as materialized (
      select a.account_id
      from unwind.accounts a
      where a.tenant_id = ${tenantId}
        and a.account_id = any (${accountIds}::uuid[])
      order by a.account_id
      for no key update skip locked
    )
    select a.account_id
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
      and a.account_id = any (${accountIds}::uuid[])
      and not exists (
        select
        from locked l
        where l.account_id = a.account_id
      )`;
  return new Set(rows.map((row) => row.account_id));
}

export interface Start extends WaitingAccount {
  readonly liquidationId: LiquidationId;
  readonly eventId: EventId;
}

/**
 * Starts accounts that the caller holds, all by one statement: liquidations by the rules by which a client
 * creates one, their events, and what became of each account. It sees what was committed before the accounts
 * were locked, so nothing overtakes it.
 */
export async function startAccounts(
  tx: Tx,
  { tenantId, batchId }: Which,
  starts: readonly Start[],
  how: { readonly now: Date; readonly releaseDelayMs: number; readonly positionsMax: number },
): Promise<{ readonly started: number; readonly refused: number }> {
  const { now, positionsMax } = how;
  const account = {
    tenantId: fragment`a.tenant_id`,
    accountId: fragment`a.account_id`,
    positionsMax,
  };
  const made = fragment`
    select
      ${tenantId}::uuid as tenant_id, v.liquidation_id, v.account_id, v.user_id,
      ${batchId}::uuid as batch_id, t.contract,
      null::timestamptz as scheduled_at, null::text as opening_of, null::text as schedule_reason
    from verdict v
    join unwind.tenants t on t.tenant_id = ${tenantId}
    where v.refusal is null`;
  const events = fragment`
    select r.*, v.event_id
    from (${renderedSql(fragment`created`)}) r
    join verdict v on v.liquidation_id = r.liquidation_id`;
  const rows = await tx<{ started: number; refused: number }[]>`
    with verdict as materialized (
      select
        n.account_id, n.liquidation_id, n.event_id, a.user_id,
        running.liquidation_id as running_id,
        case
          when a.account_id is null or n.user_id <> a.user_id then 'no_such_account'
          when not ${isLiquidatedSql(fragment`a.status`)} then 'account_not_active'
          when running.liquidation_id is not null then 'liquidation_running'
          when ${isTooLargeSql(account, fragment`a.account_id is not null`)} then 'too_many_positions'
        end as refusal
      from ${rowsOf(starts).as('n (account_id uuid, user_id uuid, liquidation_id uuid, event_id uuid)')}
      left join unwind.accounts a
        on a.tenant_id = ${tenantId}
        and a.account_id = n.account_id
      left join unwind.liquidations running
        on running.tenant_id = ${tenantId}
        and running.account_id = n.account_id
        and running.status in ('NEW', 'PROCESSING')
    ),
    created as (${newLiquidationsSql(made, how)}),
    event as (${liquidationEventsSql(events, now)}),
    decided as (
      update unwind.batch_accounts a
      set
        status = case when v.refusal is null then 'STARTED' else 'REFUSED' end,
        liquidation_id = case when v.refusal is null then v.liquidation_id end,
        refusal = v.refusal,
        running_id = case when v.refusal = 'liquidation_running' then v.running_id end,
        decided_at = ${now}
      from verdict v
      where a.tenant_id = ${tenantId}
        and a.batch_id = ${batchId}
        and a.account_id = v.account_id
        and a.status = 'WAITING'
      returning a.status
    )
    select
      count(*) filter (where d.status = 'STARTED')::integer as started,
      count(*) filter (where d.status = 'REFUSED')::integer as refused
    from decided d`;
  return rows[0] ?? { started: 0, refused: 0 };
}

/** Cancels accounts that were not started, so many at most. @returns how many. */
export async function cancelWaiting(
  tx: Tx,
  { tenantId, batchId }: Which,
  { limit, now }: { readonly limit: number; readonly now: Date },
): Promise<number> {
  const rows = await tx`
    update unwind.batch_accounts a
    set
      status = 'CANCELLED',
      decided_at = ${now}
    where a.tenant_id = ${tenantId}
      and a.batch_id = ${batchId}
      and a.status = 'WAITING'
      and a.account_id in (
        select w.account_id
        from unwind.batch_accounts w
        where w.tenant_id = ${tenantId}
          and w.batch_id = ${batchId}
          and w.status = 'WAITING'
        order by w.number
        limit ${limit}
      )`;
  return rows.count;
}

/** Locks NEW liquidations of a batch that no other transaction is about to release. */
export async function lockNew(
  tx: Tx,
  { tenantId, batchId }: Which,
  limit: number,
): Promise<readonly LiquidationId[]> {
  const rows = await tx<{ liquidation_id: LiquidationId }[]>`
    select l.liquidation_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}
      and l.batch_id = ${batchId}
      and l.status = 'NEW'
    order by l.liquidation_id
    limit ${limit}
    for no key update skip locked`;
  return rows.map((row) => row.liquidation_id);
}

/** Cancels NEW liquidations that the caller holds, as their client would, each with its event. */
export async function cancelNew(
  tx: Tx,
  tenantId: TenantId,
  chosen: readonly { readonly liquidationId: LiquidationId; readonly eventId: EventId }[],
  now: Date,
): Promise<void> {
  const isChosen = fragment`
    l.tenant_id = ${tenantId}
    and l.liquidation_id in (select n.liquidation_id from named n)`;
  const events = fragment`
    select r.*, n.event_id
    from (${renderedSql(fragment`cancelled`)}) r
    join named n on n.liquidation_id = r.liquidation_id`;
  await tx`
    with named as materialized (
      select n.liquidation_id, n.event_id
      from ${rowsOf(chosen).as('n (liquidation_id uuid, event_id uuid)')}
    ),
    cancelled as (${cancelledSql(isChosen, now)}),
    let_go as (${reservationsClosedSql({ tenantId, now }, fragment`select c.liquidation_id from cancelled c`)})
    ${liquidationEventsSql(events, now)}`;
}

/** How many liquidations of a batch are open, counted up to a limit. */
export async function countOpen(
  tx: Tx,
  { tenantId, batchId }: Which,
  limit: number,
): Promise<number> {
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from (
      select
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.batch_id = ${batchId}
        and l.status in ('NEW', 'PROCESSING')
      limit ${limit}
    ) open`;
  return rows[0]?.count ?? 0;
}
