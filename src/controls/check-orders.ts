// Checks orders by the controls in force before they are sent, inside the transaction that claims them: what is
// stopped is not sent by any process. Where no controls are set it asks for them, clears what former ones have
// stopped, and no more. A preview asks the same of orders that are not there.

import type { Tx } from '../db/connect.ts';
import type { OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import {
  type ControlName,
  DayValue,
  type Finding,
  judgeOrders,
  noLimits,
  type OrderFacts,
  type OrderLimits,
  strictest,
} from './control.ts';
import { findControls, findDayValue, findInstrumentFacts, lockCount } from './controls-store.ts';
import { findReleased, type NewStop, recordStops } from './stops-store.ts';

/** What is to be sold of an instrument. */
export interface Sold {
  readonly isin: string;
  readonly quantity: string;
}

/** An order that is about to be sent. */
export interface CheckedOrder extends Sold {
  readonly orderId: OrderId;
}

export interface Checked<T> {
  /** May be sent; `dayPrice`: by which it counts for the value of the day, where that is limited. */
  readonly passed: readonly (T & { readonly dayPrice: Decimal | undefined })[];
  readonly stopped: readonly T[];
}

/** What orders of one tenant are checked at. */
interface Batch<T> {
  readonly tenantId: TenantId;
  readonly orders: readonly T[];
  readonly now: Date;
}

/** Checks orders of one tenant, the oldest first, and writes down which controls stop them. */
export async function checkOrders<T extends CheckedOrder>(
  tx: Tx,
  batch: Batch<T>,
): Promise<Checked<T>> {
  const { tenantId, now } = batch;
  const orders = batch.orders.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1));
  const checked = orders.map(({ orderId }) => orderId);
  const limits = await limitsOf(tx, tenantId);
  if (!isAnySet(limits)) {
    // What a limit stopped that has gone is stopped no more.
    await recordStops(tx, { tenantId, checked, stops: [], now });
    return { passed: orders.map((order) => ({ ...order, dayPrice: undefined })), stopped: [] };
  }
  if (limits.dayValueMax !== undefined) await lockCount(tx, tenantId);
  const day = await findDay(tx, batch, limits);
  const factsOf = await findFacts(tx, batch, limits);
  const isReleased = await findPasses(tx, batch);
  const judged = judgeOrders(orders, { factsOf, limits, day, isReleased, now });
  const stops = judged.flatMap(({ order: { orderId }, stops: own }) => {
    return own.map((stop) => ({ orderId, ...stop }));
  });
  await recordStops(tx, { tenantId, checked, stops, now });
  const isStopped = (one: (typeof judged)[number]) => one.stops.length > 0;
  return {
    passed: judged
      .filter((one) => !isStopped(one))
      .map(({ order, dayPrice }) => ({ ...order, dayPrice })),
    stopped: judged.filter(isStopped).map(({ order }) => order),
  };
}

/**
 * Checks orders of one tenant again that passed before, were sent, and may not have arrived. They are part of the
 * value of the day already. Writes nothing. @returns what stops them now.
 */
export async function recheckOrders(
  tx: Tx,
  batch: Batch<CheckedOrder>,
): Promise<readonly NewStop[]> {
  const limits = await limitsOf(tx, batch.tenantId);
  if (!isAnySet(limits)) return [];
  const factsOf = await findFacts(tx, batch, limits);
  const isReleased = await findPasses(tx, batch);
  const { orders, now } = batch;
  const judged = judgeOrders(orders, { factsOf, limits, day: undefined, isReleased, now });
  return judged.flatMap(({ order: { orderId }, stops }) => {
    return stops.map((stop) => ({ orderId, ...stop }));
  });
}

/**
 * What would stop orders of one tenant that were sent now, in this order. Locks and writes nothing, so that others
 * may be counted first. @returns the findings about each.
 */
export async function previewStops(
  tx: Tx,
  batch: Batch<Sold>,
): Promise<readonly (readonly Finding[])[]> {
  const { orders, now } = batch;
  const limits = await limitsOf(tx, batch.tenantId);
  if (orders.length === 0 || !isAnySet(limits)) return orders.map(() => []);
  const day = await findDay(tx, batch, limits);
  const factsOf = await findFacts(tx, batch, limits);
  const isReleased = () => false;
  return judgeOrders(orders, { factsOf, limits, day, isReleased, now }).map(({ stops }) => stops);
}

// The brake on rejections is applied where they are reported, the four eyes where a halt is lifted.
const { rejections: _, fourEyesMax: __, ...none } = noLimits;

async function limitsOf(tx: Tx, tenantId: TenantId): Promise<OrderLimits> {
  return (await findControls(tx, tenantId)).reduce<OrderLimits>(strictest, none);
}

function isAnySet(limits: OrderLimits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}

/** The value of the day so far, where it is limited. */
async function findDay(
  tx: Tx,
  { tenantId, now }: Pick<Batch<Sold>, 'tenantId' | 'now'>,
  { dayValueMax: max }: OrderLimits,
): Promise<DayValue | undefined> {
  return max && new DayValue(max, await findDayValue(tx, tenantId, now));
}

/** Finds what is known of the instruments of orders. */
async function findFacts(
  tx: Tx,
  { tenantId, orders }: Pick<Batch<Sold>, 'tenantId' | 'orders'>,
  { priceCollarPercent }: OrderLimits,
): Promise<(order: Sold) => OrderFacts> {
  const instruments = await findInstrumentFacts(tx, {
    tenantId,
    isins: [...new Set(orders.map(({ isin }) => isin))],
    withExecutions: priceCollarPercent !== undefined,
  });
  return ({ isin, quantity }) => {
    const instrument = instruments.get(isin);
    return {
      quantity: decimal(quantity),
      price: instrument?.price,
      executedPrice: instrument?.executedPrice,
    };
  };
}

/** Finds what persons have released orders from. */
async function findPasses(
  tx: Tx,
  { tenantId, orders }: Pick<Batch<CheckedOrder>, 'tenantId' | 'orders'>,
): Promise<(order: CheckedOrder, control: ControlName) => boolean> {
  const orderIds = orders.map(({ orderId }) => orderId);
  const released = await findReleased(tx, { tenantId, orderIds });
  return ({ orderId }, control) => released.get(orderId)?.has(control) === true;
}
