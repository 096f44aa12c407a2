// The statements that read the whole story of one liquidation: its orders with what became of them at the
// venue, and what is not sold and why; its timeline is read in timeline-store.ts. Each part is bounded; of a
// longer story they read the open orders and the latest entries.

import type { SqlOrTx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { LiquidationId, OrderId, TenantId } from '../ids.ts';
import { storyEntriesMax, storyOrdersMax } from '../limits.ts';
import type { EndReason, LiquidationStatus, StopReason } from './liquidation.ts';
import { itemSql } from './overview-store.ts';
import type { Schedule } from './store.ts';
import { findTimeline, type StoryEntry } from './timeline-store.ts';
import { findWaitingPositions, type WaitingPosition } from './waits-store.ts';

export interface Story {
  /** JSON text of the liquidation as the list shows it. */
  readonly object: string;
  readonly releaseAt: Date;
  /** The release that its client asked for; undefined: as soon as the delay was over. */
  readonly schedule: Schedule | undefined;
  readonly releasedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  readonly endReason: EndReason | undefined;
  readonly endNote: string | undefined;
  readonly rounds: number;
  readonly stop: Stop | undefined;
  /** Open ones first. */
  readonly orders: readonly StoryOrder[];
  readonly ordersLeftOut: number;
  /** What is not sold, while it is open. */
  readonly positions: readonly WaitingPosition[];
  /** In the order in which it was recorded. */
  readonly timeline: readonly StoryEntry[];
  /** True: earlier entries are left out. */
  readonly isTimelineCut: boolean;
}

export interface Stop {
  readonly reason: StopReason;
  readonly note: string | undefined;
  readonly askedAt: Date;
}

/** An order with its last submission. */
export interface StoryOrder {
  readonly orderId: OrderId;
  readonly isin: string;
  readonly name: string;
  readonly status: LiquidationStatus;
  readonly round: number;
  readonly quantity: string;
  readonly executedQuantity: string;
  readonly proceeds: string;
  /** Client order ids used for it. */
  readonly attempts: number;
  readonly submitAt: Date | undefined;
  readonly createdAt: Date;
  readonly endedAt: Date | undefined;
  readonly cancellationReason: string | undefined;
  readonly submission: StorySubmission | undefined;
}

export interface StorySubmission {
  readonly venue: string;
  readonly clientOrderId: string;
  readonly venueOrderId: string | undefined;
  readonly status: 'SENDING' | 'WORKING' | 'DONE';
  readonly sentAt: Date;
  readonly outcome: string | undefined;
  /** The venue's. */
  readonly reason: string | undefined;
}

interface Which {
  readonly tenantId: TenantId;
  readonly liquidationId: LiquidationId;
}

/** The story of a liquidation; undefined where the tenant has no such one. */
export async function findStory(sql: SqlOrTx, which: Which): Promise<Story | undefined> {
  const { tenantId, liquidationId } = which;
  const rows = await sql<
    {
      object: string;
      release_at: Date;
      scheduled_at: Date | null;
      opening_of: string | null;
      schedule_reason: string | null;
      released_at: Date | null;
      ended_at: Date | null;
      end_reason: EndReason | null;
      end_note: string | null;
      rounds: number;
      stop_reason: StopReason | null;
      stop_note: string | null;
      stop_asked_at: Date | null;
      orders: number;
    }[]
  >`
    select
      i.object, l.release_at, l.scheduled_at, l.opening_of, l.schedule_reason, l.released_at, l.ended_at, l.end_reason, l.end_note, l.rounds,
      l.stop_reason, l.stop_note, l.stop_asked_at,
      (
        select count(*)::integer
        from unwind.orders o
        where o.tenant_id = l.tenant_id
          and o.liquidation_id = l.liquidation_id
      ) as orders
    from unwind.liquidations l
    cross join lateral (${itemSql(tenantId, fragment`${liquidationId}::uuid`)}) i
    where l.tenant_id = ${tenantId}
      and l.liquidation_id = ${liquidationId}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const orders = await findOrders(sql, which);
  const timeline = await findTimeline(sql, which);
  return {
    object: row.object,
    releaseAt: row.release_at,
    schedule: row.scheduled_at
      ? {
          at: row.scheduled_at,
          openingOf: row.opening_of ?? undefined,
          reason: row.schedule_reason ?? undefined,
        }
      : undefined,
    releasedAt: row.released_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    endReason: row.end_reason ?? undefined,
    endNote: row.end_note ?? undefined,
    rounds: row.rounds,
    stop:
      row.stop_reason !== null && row.stop_asked_at !== null
        ? { reason: row.stop_reason, note: row.stop_note ?? undefined, askedAt: row.stop_asked_at }
        : undefined,
    orders,
    ordersLeftOut: Math.max(0, row.orders - orders.length),
    positions: await findWaitingPositions(sql, which),
    timeline: timeline.slice(-storyEntriesMax),
    isTimelineCut: timeline.length > storyEntriesMax,
  };
}

type OrderPart = Omit<StoryOrder, 'submission'>;

async function findOrders(
  sql: SqlOrTx,
  { tenantId, liquidationId }: Which,
): Promise<readonly StoryOrder[]> {
  const rows = await sql<
    (RowOf<OrderPart> &
      Omit<RowOf<StorySubmission>, 'status' | 'client_order_id'> & {
        client_order_id: string | null;
        submission_status: StorySubmission['status'];
      })[]
  >`
    select
      o.order_id, o.isin, i.name, o.status, o.round,
      trim_scale(o.quantity) as quantity,
      trim_scale(o.filled_quantity) as executed_quantity,
      round(o.proceeds, 2) as proceeds,
      o.submissions as attempts, o.submit_at, o.created_at, o.ended_at, o.cancellation_reason,
      s.client_order_id, s.venue, s.venue_order_id, s.status as submission_status, s.sent_at,
      s.outcome, s.reason
    from (
      select o.*
      from unwind.orders o
      where o.tenant_id = ${tenantId}
        and o.liquidation_id = ${liquidationId}
      order by o.ended_at is not null, o.order_id desc
      limit ${storyOrdersMax}
    ) o
    join unwind.instruments i using (tenant_id, isin)
    left join lateral (
      select s.*
      from unwind.submissions s
      where s.tenant_id = o.tenant_id
        and s.order_id = o.order_id
      order by s.sent_at desc, s.client_order_id
      limit 1
    ) s on true
    order by o.ended_at is not null, o.order_id`;
  return rows.map((row) => {
    const { client_order_id, venue, venue_order_id, submission_status: status, ...others } = row;
    const { sent_at, outcome, reason, ...order } = others;
    const submission = { venue, venue_order_id, status, sent_at, outcome, reason };
    return {
      ...thingOf<OrderPart>(order),
      submission:
        client_order_id === null
          ? undefined
          : thingOf<StorySubmission>({ client_order_id, ...submission }),
    };
  });
}
