// The story of a liquidation, and acts of the trail, as they are on the wire. What is undefined is absent in JSON.

import type { Story, StoryOrder } from '../liquidations/story-store.ts';
import type { StoryEntry } from '../liquidations/timeline-store.ts';
import type { Wait, WaitingPosition } from '../liquidations/waits-store.ts';
import type { RecordedAct } from '../trail/acts-store.ts';

/** JSON text; the liquidation in it is the text that the database has rendered. */
export function storyText(story: Story): string {
  const waits = new Map(story.positions.map((position) => [position.isin, position]));
  const rest = {
    release_at: story.releaseAt,
    schedule: story.schedule && {
      at: story.schedule.at,
      opening_of: story.schedule.openingOf,
      reason: story.schedule.reason,
    },
    released_at: story.releasedAt,
    ended_at: story.endedAt,
    end_reason: story.endReason,
    end_note: story.endNote,
    rounds: story.rounds,
    stop: story.stop && {
      reason: story.stop.reason,
      note: story.stop.note,
      asked_at: story.stop.askedAt,
    },
    orders: story.orders.map((order) => orderView(order, waits.get(order.isin))),
    orders_left_out: story.ordersLeftOut,
    positions: story.positions.map((position) => {
      const { isin, quantity, priced } = position;
      return { isin, quantity, ...waitView(position), priced };
    }),
    timeline: story.timeline.map(entryView),
    timeline_cut: story.isTimelineCut,
  };
  return `{"liquidation":${story.object},${JSON.stringify(rest).slice(1)}`;
}

function waitView({ reason, since, until, detail }: Omit<Wait, 'isin'>) {
  return { reason, since, until, detail };
}

/** An order, with what its position waits for. */
export function orderView(order: StoryOrder, wait?: WaitingPosition) {
  const { submission } = order;
  return {
    id: order.orderId,
    isin: order.isin,
    name: order.name,
    status: order.status,
    round: order.round,
    quantity: order.quantity,
    executed_quantity: order.executedQuantity,
    proceeds: order.proceeds,
    attempts: order.attempts,
    submit_at: order.submitAt,
    created_at: order.createdAt,
    ended_at: order.endedAt,
    cancellation_reason: order.cancellationReason,
    submission: submission && {
      venue: submission.venue,
      client_order_id: submission.clientOrderId,
      venue_order_id: submission.venueOrderId,
      status: submission.status,
      sent_at: submission.sentAt,
      outcome: submission.outcome,
      reason: submission.reason,
    },
    waiting: wait !== undefined && order.endedAt === undefined ? waitView(wait) : undefined,
  };
}

/** An entry of a timeline. */
export function entryView(entry: StoryEntry) {
  return {
    at: entry.at,
    kind: entry.kind,
    event_id: entry.eventId,
    type: entry.type,
    order_id: entry.orderId,
    isin: entry.isin,
    client_order_id: entry.clientOrderId,
    venue_order_id: entry.venueOrderId,
    venue: entry.venue,
    execution_id: entry.executionId,
    quantity: entry.quantity,
    price: entry.price,
    proceeds: entry.proceeds,
    webhook_id: entry.webhookId,
    outcome: entry.outcome,
    detail: entry.detail,
  };
}

/** An act as the operator sees it. */
export function operatorActView(act: RecordedAct) {
  return {
    id: act.place.id,
    at: act.at,
    kind: act.kind,
    actor: act.name,
    role: act.role,
    subject: act.subject,
    origin: act.origin,
    operation: act.operation,
    target: act.target,
    reason: act.reason,
    detail: act.detail,
    request_sha256: act.requestSha256?.toString('hex'),
  };
}
