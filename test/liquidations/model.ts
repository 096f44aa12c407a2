// What a liquidation has to do, in its smallest form: whole units, one account, no database. It shares
// nothing with the code it is compared with.
import type { Reception, Telling } from './model-venue.ts';

export const isins = ['DE0007164600', 'DE0008404005'] as const;
export type Isin = (typeof isins)[number];

export interface ModelOrder {
  readonly isin: Isin;
  readonly quantity: number;
  filled: number;
  status: 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
  /** Where the present attempt is. */
  at: 'here' | 'under way' | 'venue' | 'answered';
  /** Units of the present attempt that the venue has sold. */
  executed: number;
  /** Units it was sent with. */
  sent: number;
  dueAt: number;
  /** When an attempt without answer is looked up. */
  lookUpAt: number;
  wasTaken: boolean;
}

export interface Model {
  now: number;
  status: 'none' | 'NEW' | 'PROCESSING' | 'FILLED' | 'CANCELLED';
  reason: string | null;
  createdAt: number;
  rounds: number;
  lookAt: number;
  readonly held: Map<Isin, { quantity: number; locked: number; isHalted: boolean }>;
  orders: ModelOrder[];
}

export const roundsMax = 2;
export const ageMsMax = 30 * 86_400_000;
const waitMs = 5_000;
const flightMs = 2_000;

export function newModel(quantities: readonly number[]): Model {
  const held = new Map(
    isins.map((isin, i) => [isin, { quantity: quantities[i] ?? 0, locked: 0, isHalted: false }]),
  );
  return {
    now: 0,
    status: 'none',
    reason: null,
    createdAt: 0,
    rounds: 0,
    lookAt: 0,
    held,
    orders: [],
  };
}

export function isOpen(order: ModelOrder): boolean {
  return order.status === 'NEW' || order.status === 'PROCESSING';
}

export function heldBy(model: Model, isin: Isin): number {
  const own = model.orders.filter((order) => order.isin === isin && isOpen(order));
  return own.reduce((all, order) => all + order.quantity - order.filled, 0);
}

export function create(model: Model): void {
  Object.assign(model, { status: 'NEW', createdAt: model.now });
}

export function end(model: Model, status: 'FILLED' | 'CANCELLED', reason: string): void {
  Object.assign(model, { status, reason });
}

/** Release, and every later look at a liquidation without open orders. */
export function moveOn(model: Model): void {
  const refused = (isin: Isin) => {
    return model.orders.some((order) => order.isin === isin && order.status === 'CANCELLED');
  };
  const open = [...model.held].filter(([isin]) => !refused(isin));
  const isUnsold = open.some(([, { quantity }]) => quantity > 0);
  const isExhausted = model.rounds >= roundsMax || model.now - model.createdAt >= ageMsMax;
  if (isUnsold && isExhausted) {
    end(model, 'CANCELLED', 'limit');
    return;
  }
  const sales = open.filter(([, one]) => !one.isHalted && one.quantity > one.locked);
  if (sales.length > 0) {
    model.status = 'PROCESSING';
    model.rounds += 1;
    for (const [isin, { quantity, locked }] of sales) {
      model.orders.push(newOrder(model, isin, quantity - locked));
    }
    return;
  }
  if (isUnsold) {
    model.status = 'PROCESSING';
    model.lookAt = model.now + waitMs;
    return;
  }
  const isLeft = [...model.held].some(([isin, { quantity }]) => refused(isin) && quantity > 0);
  if (isLeft) end(model, 'CANCELLED', 'rejected');
  else end(model, 'FILLED', 'flat');
}

function newOrder(model: Model, isin: Isin, quantity: number): ModelOrder {
  const nothing = { filled: 0, executed: 0, sent: 0, lookUpAt: 0, wasTaken: false } as const;
  return { isin, quantity, status: 'NEW', at: 'here', dueAt: model.now, ...nothing };
}

export function submit(model: Model, reception: Reception): void {
  for (const order of model.orders) {
    if (!isOpen(order) || order.at !== 'here' || order.dueAt > model.now) continue;
    order.status = 'PROCESSING';
    order.sent = order.quantity - order.filled;
    order.executed = 0;
    order.wasTaken = reception === 'taken' || reception === 'answer lost';
    const isAnswered = reception !== 'answer lost' && reception !== 'never came';
    order.at = isAnswered ? 'venue' : 'under way';
    if (!isAnswered) order.lookUpAt = model.now + flightMs;
    if (reception === 'rejected') finish(model, order, 'CANCELLED');
    if (reception === 'rejected for now') suspend(model, order);
  }
}

/** What was lost is found, or sent once more and taken. */
export function resolve(model: Model): void {
  for (const order of model.orders) {
    if (order.at !== 'under way' || order.lookUpAt > model.now || !isOpen(order)) continue;
    order.at = 'venue';
    order.wasTaken = true;
  }
}

export function canTell(model: Model, isin: Isin): ModelOrder | undefined {
  return model.orders.find((one) => one.isin === isin && isOpen(one) && one.wasTaken);
}

export function tell(model: Model, order: ModelOrder, telling: Telling): void {
  const left = order.sent - order.executed;
  const units = { part: 1, filled: left, cancelled: 0, suspended: 0 }[telling];
  order.executed += units;
  order.filled += units;
  const position = model.held.get(order.isin);
  if (position !== undefined) position.quantity -= units;
  if (telling === 'part') return;
  order.wasTaken = false;
  if (order.filled === order.quantity) finish(model, order, 'FILLED');
  else if (telling === 'cancelled') finish(model, order, 'CANCELLED');
  else suspend(model, order);
}

function suspend(model: Model, order: ModelOrder): void {
  Object.assign(order, { at: 'here', dueAt: model.now + waitMs, wasTaken: false });
}

function finish(model: Model, order: ModelOrder, status: 'FILLED' | 'CANCELLED'): void {
  Object.assign(order, { status, at: 'answered', wasTaken: false });
  if (!model.orders.some(isOpen)) model.lookAt = model.now;
}
