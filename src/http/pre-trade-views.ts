// Controls, stopped orders and approvals as clients see them. What is undefined is absent in JSON.

import type { Approval } from '../approvals/approval.ts';
import type { Controls } from '../controls/controls-store.ts';
import type { Stop } from '../controls/stops-store.ts';
import { plain } from '../money.ts';

export function controlsView(controls: Controls) {
  const {
    orderQuantityMax,
    orderValueMax,
    dayValueMax,
    priceCollarPercent,
    rejections,
    fourEyesMax,
  } = controls;
  return {
    id: controls.controlsId,
    order_quantity_max: orderQuantityMax && plain(orderQuantityMax),
    order_value_max: orderValueMax && plain(orderValueMax),
    day_value_max: dayValueMax && plain(dayValueMax),
    price_age_max_s: controls.priceAgeMaxS,
    price_collar_percent: priceCollarPercent && plain(priceCollarPercent),
    rejections: rejections && { max: rejections.max, window_s: rejections.windowS },
    four_eyes_max: fourEyesMax && plain(fourEyesMax),
    reason: controls.reason,
    person: controls.person,
    set_at: controls.setAt,
  };
}

/** `value` is absent where a price was not known. */
export function approvalView(approval: Approval) {
  const { command, value, decided } = approval;
  return {
    id: approval.approvalId,
    operation: command.operation,
    halt_id: command.operation === 'lift_halt' ? command.haltId : undefined,
    batch_id: command.operation === 'start_batch' ? command.batchId : undefined,
    status: approval.status,
    value: value && plain(value),
    four_eyes_max: plain(approval.valueMax),
    reason: approval.reason,
    person: approval.asker.person,
    asked_at: approval.askedAt,
    expires_at: approval.expiresAt,
    decided_at: decided?.at,
    decided_by: decided?.by,
    decide_reason: decided?.reason,
  };
}

export function stopView(stop: Stop) {
  return {
    id: stop.stopId,
    order_id: stop.orderId,
    account_id: stop.accountId,
    account_liquidation_id: stop.liquidationId,
    isin: stop.isin,
    venue: stop.venue,
    quantity: stop.quantity,
    control: stop.control,
    detail: stop.detail,
    stopped_at: stop.stoppedAt,
    released_at: stop.release?.at,
    released_by: stop.release?.by,
    release_reason: stop.release?.reason,
  };
}
