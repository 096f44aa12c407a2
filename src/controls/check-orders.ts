// Checks orders by the controls in force before they are sent, inside the transaction that claims them: what is
// stopped is not sent by any process. Where nobody has set controls it asks for them, and no more.

import type { Tx } from '../db/connect.ts';
import type { OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import {
  DayValue,
  type Finding,
  findingsOf,
  noLimits,
  type OrderFacts,
  type OrderLimits,
  strictest,
} from './control.ts';
import {
  findControls,
  findDayValue,
  findInstrumentFacts,
  type InstrumentFacts,
  lockCount,
} from './controls-store.ts';
import { findReleased, type NewStop, recordStops } from './stops-store.ts';

/** An order that is about to be sent. */
export interface CheckedOrder {
  readonly orderId: OrderId;
  readonly isin: string;
  readonly quantity: string;
}

export interface Checked<T> {
  /** May be sent; `dayPrice`: by which it counts for the value of the day, where that is limited. */
  readonly passed: readonly (T & { readonly dayPrice: Decimal | undefined })[];
  readonly stopped: readonly T[];
}

/** Checks orders of one tenant in their order, and writes down which controls stop them. */
export async function checkOrders<T extends CheckedOrder>(
  tx: Tx,
  batch: { readonly tenantId: TenantId; readonly orders: readonly T[]; readonly now: Date },
): Promise<Checked<T>> {
  const { tenantId, orders, now } = batch;
  const limits = (await findControls(tx, tenantId)).reduce<OrderLimits>(strictest, none);
  if (Object.values(limits).every((limit) => limit === undefined)) {
    return { passed: orders.map((order) => ({ ...order, dayPrice: undefined })), stopped: [] };
  }
  const { dayValueMax: max } = limits;
  if (max !== undefined) await lockCount(tx, tenantId);
  const day = max && new DayValue(max, await findDayValue(tx, tenantId, now));
  const instruments = await findInstrumentFacts(tx, {
    tenantId,
    isins: [...new Set(orders.map(({ isin }) => isin))],
    withExecutions: limits.priceCollarPercent !== undefined,
  });
  const orderIds = orders.map(({ orderId }) => orderId);
  const released = await findReleased(tx, { tenantId, orderIds });
  const passed: Checked<T>['passed'][number][] = [];
  const stopped: T[] = [];
  const stops: NewStop[] = [];
  for (const order of orders) {
    const facts = factsOf(order, instruments.get(order.isin));
    const isPassed = ({ control }: Finding) => released.get(order.orderId)?.has(control) === true;
    const ofDay = day?.findingOf(facts);
    const findings = [...findingsOf(facts, limits, now), ...(ofDay ? [ofDay] : [])];
    const held = findings.filter((finding) => !isPassed(finding));
    stops.push(...held.map((finding) => ({ orderId: order.orderId, ...finding })));
    if (held.length > 0) {
      stopped.push(order);
    } else {
      day?.add(facts);
      passed.push({ ...order, dayPrice: day && facts.price?.price });
    }
  }
  await recordStops(tx, { tenantId, checked: orderIds, stops, now });
  return { passed, stopped };
}

// The brake on rejections is applied where they are reported, the four eyes where a halt is lifted.
const { rejections: _, fourEyesMax: __, ...none } = noLimits;

function factsOf(order: CheckedOrder, instrument: InstrumentFacts | undefined): OrderFacts {
  return {
    quantity: decimal(order.quantity),
    price: instrument?.price,
    executedPrice: instrument?.executedPrice,
  };
}
