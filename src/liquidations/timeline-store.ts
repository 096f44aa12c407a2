// The statement that reads what happened to one liquidation, in the order in which it was recorded.

import type { SqlOrTx } from '../db/connect.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { storyEntriesMax } from '../limits.ts';

/** What kinds of entries a timeline has, in the order of those of one instant. */
export const entryKinds = [
  'stop_asked',
  'order_placed',
  'order_sent',
  'execution',
  'execution_busted',
  'attempt_ended',
  'order_ended',
  'event',
  'delivery',
] as const;

/** One entry; which members it has depends on its kind. */
export interface StoryEntry {
  readonly at: Date;
  readonly kind: (typeof entryKinds)[number];
  readonly eventId: string | undefined;
  readonly type: string | undefined;
  readonly orderId: string | undefined;
  readonly isin: string | undefined;
  readonly clientOrderId: string | undefined;
  readonly venueOrderId: string | undefined;
  readonly venue: string | undefined;
  readonly executionId: string | undefined;
  readonly quantity: string | undefined;
  readonly price: string | undefined;
  readonly proceeds: string | undefined;
  readonly webhookId: string | undefined;
  readonly outcome: string | undefined;
  readonly detail: string | undefined;
}

type EntryRow = { readonly [Name in keyof StoryEntry]: StoryEntry[Name] | null } & {
  readonly at: Date;
  readonly kind: StoryEntry['kind'];
};

/** The latest entries, one more than are shown; of a package of events, those of its first and last. */
export async function findTimeline(
  sql: SqlOrTx,
  {
    tenantId,
    liquidationId,
  }: { readonly tenantId: TenantId; readonly liquidationId: LiquidationId },
): Promise<readonly StoryEntry[]> {
  const rows = await sql<EntryRow[]>`
    with orders as materialized (
      select o.*
      from unwind.orders o
      where o.tenant_id = ${tenantId}
        and o.liquidation_id = ${liquidationId}
    ),
    submissions as materialized (
      select o.isin, s.*
      from orders o
      join unwind.submissions s using (tenant_id, order_id)
    ),
    executions as materialized (
      select e.*
      from orders o
      join unwind.executions e using (tenant_id, order_id)
    ),
    events as materialized (
      select e.*
      from unwind.events e
      where e.tenant_id = ${tenantId}
        and e.liquidation_id = ${liquidationId}
    ),
    entries (
      at, kind, event_id, type, order_id, isin, client_order_id, venue_order_id, venue, execution_id,
      quantity, price, proceeds, webhook_id, outcome, detail
    ) as (
      select
        e.created_at, 'event', e.event_id, e.type, null::uuid, null, null, null, null, null::uuid,
        null::numeric, null::numeric, null::numeric, null::uuid, null, null
      from events e
      union all
      select
        l.stop_asked_at, 'stop_asked', null, null, null, null, null, null, null, null,
        null, null, null, null, l.stop_reason, l.stop_note
      from unwind.liquidations l
      where l.tenant_id = ${tenantId}
        and l.liquidation_id = ${liquidationId}
        and l.stop_asked_at is not null
      union all
      select
        o.created_at, 'order_placed', null, null, o.order_id, o.isin, null, null, null, null,
        o.quantity, null, null, null, null, null
      from orders o
      union all
      select
        s.sent_at, 'order_sent', null, null, s.order_id, s.isin, s.client_order_id, s.venue_order_id, s.venue,
        null, s.quantity, null, null, null, null, null
      from submissions s
      union all
      select
        s.updated_at, 'attempt_ended', null, null, s.order_id, s.isin, s.client_order_id, s.venue_order_id,
        s.venue, null, s.executed_quantity, null, null, null, s.outcome, s.reason
      from submissions s
      where s.status = 'DONE'
      union all
      select
        e.recorded_at, 'execution', null, null, e.order_id, e.isin, e.client_order_id, null, e.venue,
        e.execution_id, e.quantity, e.price * coalesce(e.rate, 1), e.proceeds, null, null, null
      from executions e
      union all
      select
        e.busted_at, 'execution_busted', null, null, e.order_id, e.isin, e.client_order_id, null, e.venue,
        e.execution_id, e.quantity, e.price * coalesce(e.rate, 1), e.proceeds, null, null, null
      from executions e
      where e.busted_at is not null
      union all
      select
        o.ended_at, 'order_ended', null, null, o.order_id, o.isin, null, null, null, null,
        o.filled_quantity, null, o.proceeds, null, o.status, o.cancellation_reason
      from orders o
      where o.ended_at is not null
      union all
      select
        a.attempted_at, 'delivery', e.event_id, e.type, null, null, null, null, null, null,
        null, null, null, a.webhook_id, a.outcome,
        case when a.events > 1 then concat('in a package of ', a.events, ' events') end
      from events e
      join unwind.delivery_attempts a
        on a.tenant_id = e.tenant_id
        and (a.first_event_id = e.event_id or a.last_event_id = e.event_id)
    )
    select
      e.at, e.kind, e.event_id as "eventId", e.type, e.order_id as "orderId", e.isin,
      e.client_order_id as "clientOrderId", e.venue_order_id as "venueOrderId", e.venue,
      e.execution_id as "executionId", trim_scale(e.quantity) as quantity, trim_scale(e.price) as price,
      round(e.proceeds, 2) as proceeds, e.webhook_id as "webhookId", e.outcome, e.detail
    from entries e
    order by
      e.at desc,
      array_position(${entryKinds}::text[], e.kind) desc,
      e.order_id desc,
      e.execution_id desc
    limit ${storyEntriesMax}::bigint + 1`;
  return rows.toReversed().map((row) => withoutNulls(row));
}

function withoutNulls(row: EntryRow): StoryEntry {
  const entries = Object.entries(row).map(([name, value]) => [name, value ?? undefined]);
  return Object.fromEntries(entries) as StoryEntry;
}
