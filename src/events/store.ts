// The event log: what happened to liquidations, written in the commit that caused it. An event gets
// its position in the tenant's log later, in a publishing step of its own.

import type { Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import {
  type AccountId,
  type EventId,
  type Id,
  type LiquidationId,
  newId,
  type TenantId,
} from '../ids.ts';
import { mayBeWorked } from '../work/parked-store.ts';
import type { ClaimTurn } from '../work/turn.ts';

/**
 * Records that liquidations reached their present status: one event each, with the object as it
 * stands in this transaction. The caller holds their row locks and has counted the event.
 */
export async function recordLiquidationEvents(
  tx: Tx,
  change: { tenantId: TenantId; liquidationIds: readonly LiquidationId[]; now: Date },
): Promise<void> {
  const { tenantId, liquidationIds, now } = change;
  if (liquidationIds.length === 0) return;
  const named = liquidationIds.map((liquidationId) => {
    return { tenantId, liquidationId, eventId: newId<'event'>() };
  });
  const changed = fragment`
    select
      l.tenant_id, n.event_id, l.account_id, l.liquidation_id, l.sequence,
      l.event_count as number,
      l.status, o.object
    from ${rowsOf(named).as('n (tenant_id uuid, liquidation_id uuid, event_id uuid)')}
    join unwind.liquidations l using (tenant_id, liquidation_id)
    ${objectSql(fragment`l`)}`;
  await tx`${liquidationEventsSql(changed, now)}`;
}

/** SQL: joins `o.object`, the text of a liquidation as the contract of its client shows it. */
export function objectSql(liquidation: Fragment): Fragment {
  const l = liquidation;
  return fragment`cross join lateral unwind.liquidation_objects(
      ${l}.tenant_id, ${l}.liquidation_id, ${l}.account_id, ${l}.user_id, ${l}.contract, ${l}.status,
      ${l}.cash_amount, ${l}.created_at, ${l}.updated_at
    ) as o`;
}

/**
 * SQL: records an event for each row of a select of liquidations that reached their status. Its
 * columns: tenant_id, event_id, account_id, liquidation_id, sequence, number, status, object.
 */
export function liquidationEventsSql(changed: Fragment, now: Date): Fragment {
  return fragment`
    insert into unwind.events (
      tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object,
      object_sha256, created_at
    )
    select
      c.tenant_id, c.event_id, c.account_id, c.liquidation_id, c.sequence, c.number,
      'ACCOUNT_LIQUIDATION.' || c.status, c.object, sha256(convert_to(c.object, 'UTF8')), ${now}
    from (${changed}) as c`;
}

/** An event of a batch, and the batch as it was then. */
export interface BatchEventRecord {
  readonly tenantId: TenantId;
  readonly batchId: Id<'batch'>;
  readonly eventId: EventId;
  /** 1, 2, 3 … within the batch. */
  readonly number: number;
  /** What follows `BATCH.` in its type. */
  readonly type: string;
  readonly object: string;
  readonly now: Date;
}

/**
 * Records an event of a batch. In place of account and liquidation it has the id of the batch, so that the
 * events of one batch stay in their order everywhere.
 */
export async function recordBatchEvent(tx: Tx, event: BatchEventRecord): Promise<void> {
  await tx`
    insert into unwind.events (
      tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object,
      object_sha256, created_at
    )
    values (
      ${event.tenantId}, ${event.eventId}, ${event.batchId}, ${event.batchId}, 0, ${event.number},
      ${`BATCH.${event.type}`}, ${event.object}, sha256(convert_to(${event.object}::text, 'UTF8')),
      ${event.now}
    )`;
}

/** An account with events that have no position yet. */
export interface AccountToPublish {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
}

/**
 * Locks the end of the log of the first tenant of a span that has events without a position, so that one process
 * at a time gives positions, and finds the accounts of its oldest such events. A tenant whose end another process
 * holds is passed over: to wait for it behind the end of a third would be to wait in a circle, and its holder
 * looks again once it has published.
 */
export async function claimToPublish(
  tx: Tx,
  turn: ClaimTurn,
): Promise<readonly AccountToPublish[]> {
  const mayBePublished = mayBeWorked('publish', {
    tenantId: fragment`e.tenant_id`,
    subject: fragment`e.account_id::text`,
    now: turn.now,
  });
  for (let after = turn.after; ; ) {
    const found = await tx<{ tenant_id: TenantId }[]>`
      select e.tenant_id
      from unwind.events e
      where e.position is null
        and e.tenant_id > ${after}
        and e.tenant_id < ${turn.before}
        and ${mayBePublished}
      order by e.tenant_id, e.created_at
      limit 1`;
    const tenantId = found[0]?.tenant_id;
    if (tenantId === undefined) return [];
    after = tenantId;
    if (!(await lockLogHead(tx, tenantId))) continue;
    const rows = await tx<{ account_id: AccountId }[]>`
      select distinct w.account_id
      from (
        select e.account_id
        from unwind.events e
        where e.tenant_id = ${tenantId}
          and e.position is null
          and ${mayBePublished}
        order by e.created_at
        limit ${turn.limit}
      ) w`;
    if (rows.count > 0) return rows.map((row) => ({ tenantId, accountId: row.account_id }));
  }
}

/** @returns whether it is locked; false where another process holds it. */
async function lockLogHead(tx: Tx, tenantId: TenantId): Promise<boolean> {
  await tx`
    insert into unwind.event_heads (tenant_id, position)
    values (${tenantId}, 0)
    on conflict (tenant_id) do nothing`;
  const { count } = await tx`
    select h.position
    from unwind.event_heads h
    where h.tenant_id = ${tenantId}
    for update skip locked`;
  return count > 0;
}

/**
 * Gives positions to all events of these accounts that have none and can be seen, so that no two
 * events of one account can ever turn around. The caller holds the head.
 *
 * An event carries the instant at which the work on its change began, which may be before that of one
 * already published. It is then given the time of its predecessor, so that times never go back in
 * the log, nor within anything that is sent from it (behaviour §3.2).
 *
 * @returns the type of each event that was published.
 */
export async function appendToLog(
  tx: Tx,
  batch: { tenantId: TenantId; accountIds: readonly AccountId[] },
): Promise<readonly string[]> {
  const { tenantId, accountIds } = batch;
  const rows = await tx<{ type: string }[]>`
    with fresh as (
      select
        e.event_id, e.liquidation_id, e.sequence, e.number,
        max(e.created_at) over (
          partition by e.account_id
          order by e.sequence, e.number
        ) as not_before
      from unwind.events e
      where e.tenant_id = ${tenantId}
        and e.position is null
        and e.account_id = any (${accountIds}::uuid[])
    ),
    placed as (
      select
        f.liquidation_id, f.number, f.not_before,
        row_number() over (order by f.not_before, f.sequence, f.number, f.event_id) as place
      from fresh f
    ),
    last as (
      select e.created_at
      from unwind.events e
      where e.tenant_id = ${tenantId}
        and e.position = (
          select h.position
          from unwind.event_heads h
          where h.tenant_id = ${tenantId}
        )
    ),
    head as (
      update unwind.event_heads h
      set position = h.position + (select count(*) from placed)
      where h.tenant_id = ${tenantId}
      returning h.position - (select count(*) from placed) as base
    )
    update unwind.events e
    set
      position = head.base + placed.place,
      created_at = greatest(placed.not_before, (select l.created_at from last l))
    from placed, head
    where e.tenant_id = ${tenantId}
      and e.liquidation_id = placed.liquidation_id
      and e.number = placed.number
      and e.position is null
    returning e.type`;
  return rows.map(({ type }) => type);
}
