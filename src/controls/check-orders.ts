// Checks orders by the controls in force before they are sent, inside the transaction that claims them: what is
// stopped is not sent by any process. Where nobody has set controls it asks for them, and no more.

import type { Tx } from '../db/connect.ts';
import type { OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import {
  type ControlName,
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
  const checked = orders.map(({ orderId }) => orderId);
  const limits = await limitsOf(tx, tenantId);
  if (!isAnySet(limits)) {
    // What a limit stopped that has gone is stopped no more.
    await recordStops(tx, { tenantId, checked, stops: [], now });
    return { passed: orders.map((order) => ({ ...order, dayPrice: undefined })), stopped: [] };
  }
  const { dayValueMax: max } = limits;
  if (max !== undefined) await lockCount(tx, tenantId);
  const day = max && new DayValue(max, await findDayValue(tx, tenantId, now));
  const known = await findKnown(tx, batch, limits);
  const passed: Checked<T>['passed'][number][] = [];
  const stopped: T[] = [];
  const stops: NewStop[] = [];
  for (const order of orders) {
    const facts = factsOf(order, known);
    const ofDay = day?.findingOf(facts);
    const findings = [...findingsOf(facts, limits, now), ...(ofDay ? [ofDay] : [])];
    const held = stopsOf(order, findings, known);
    stops.push(...held);
    if (held.length > 0) {
      stopped.push(order);
    } else {
      day?.add(facts);
      passed.push({ ...order, dayPrice: day && facts.price?.price });
    }
  }
  await recordStops(tx, { tenantId, checked, stops, now });
  return { passed, stopped };
}

/**
 * Checks orders of one tenant again that passed before, were sent, and may not have arrived. They are part of the
 * value of the day already. Writes nothing. @returns what stops them now.
 */
export async function recheckOrders(
  tx: Tx,
  batch: {
    readonly tenantId: TenantId;
    readonly orders: readonly CheckedOrder[];
    readonly now: Date;
  },
): Promise<readonly NewStop[]> {
  const limits = await limitsOf(tx, batch.tenantId);
  if (!isAnySet(limits)) return [];
  const known = await findKnown(tx, batch, limits);
  return batch.orders.flatMap((order) => {
    return stopsOf(order, findingsOf(factsOf(order, known), limits, batch.now), known);
  });
}

// The brake on rejections is applied where they are reported, the four eyes where a halt is lifted.
const { rejections: _, fourEyesMax: __, ...none } = noLimits;

async function limitsOf(tx: Tx, tenantId: TenantId): Promise<OrderLimits> {
  return (await findControls(tx, tenantId)).reduce<OrderLimits>(strictest, none);
}

function isAnySet(limits: OrderLimits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}

/** What is known of orders of a tenant. */
interface Known {
  readonly instruments: ReadonlyMap<string, InstrumentFacts>;
  readonly released: ReadonlyMap<OrderId, ReadonlySet<ControlName>>;
}

async function findKnown(
  tx: Tx,
  { tenantId, orders }: { readonly tenantId: TenantId; readonly orders: readonly CheckedOrder[] },
  { priceCollarPercent }: OrderLimits,
): Promise<Known> {
  const instruments = await findInstrumentFacts(tx, {
    tenantId,
    isins: [...new Set(orders.map(({ isin }) => isin))],
    withExecutions: priceCollarPercent !== undefined,
  });
  const orderIds = orders.map(({ orderId }) => orderId);
  return { instruments, released: await findReleased(tx, { tenantId, orderIds }) };
}

function factsOf({ isin, quantity }: CheckedOrder, { instruments }: Known): OrderFacts {
  const instrument = instruments.get(isin);
  return {
    quantity: decimal(quantity),
    price: instrument?.price,
    executedPrice: instrument?.executedPrice,
  };
}

/** Those of the findings about an order that no person has released it from. */
function stopsOf(
  { orderId }: CheckedOrder,
  findings: readonly Finding[],
  { released }: Known,
): readonly NewStop[] {
  const passes = released.get(orderId);
  return findings.flatMap((finding) => {
    return passes?.has(finding.control) === true ? [] : { orderId, ...finding };
  });
}
