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

type StoryPart = Pick<
  Story,
  'object' | 'releaseAt' | 'releasedAt' | 'endedAt' | 'endReason' | 'endNote' | 'rounds'
>;

type StoryRow = RowOf<StoryPart> & {
  readonly scheduled_at: Date | null;
  readonly opening_of: string | null;
  readonly schedule_reason: string | null;
  readonly stop_reason: StopReason | null;
  readonly stop_note: string | null;
  readonly stop_asked_at: Date | null;
  readonly orders: number;
};

/** The story of a liquidation; undefined where the tenant has no such one. */
export async function findStory(sql: SqlOrTx, which: Which): Promise<Story | undefined> {
  const { tenantId, liquidationId } = which;
  const rows = await sql<StoryRow[]>`
    select
      i.object, l.release_at, l.scheduled_at, l.opening_of, l.schedule_reason, l.released_at,
      l.ended_at, l.end_reason, l.end_note, l.rounds, l.stop_reason, l.stop_note, l.stop_asked_at,
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
  const { scheduled_at, opening_of, schedule_reason, orders: all, ...others } = row;
  const { stop_reason, stop_note, stop_asked_at, ...story } = others;
  const orders = await findOrders(sql, which);
  const timeline = await findTimeline(sql, which);
  return {
    ...thingOf<StoryPart>(story),
    schedule: scheduled_at
      ? thingOf<Schedule>({ at: scheduled_at, opening_of, reason: schedule_reason })
      : undefined,
    stop:
      stop_reason !== null && stop_asked_at !== null
        ? thingOf<Stop>({ reason: stop_reason, note: stop_note, asked_at: stop_asked_at })
        : undefined,
    orders,
    ordersLeftOut: Math.max(0, all - orders.length),
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
