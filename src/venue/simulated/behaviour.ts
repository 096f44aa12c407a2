// How the simulated venue treats an order: a pure function of the order, its price and the behaviour
// of its instrument, so that the same order always gets the same reports at the same offsets.

import { createHash } from 'node:crypto';
import { type Decimal, decimal, plain, smaller, zero } from '../../money.ts';
import type { Trade } from '../venue.ts';

/** What an instrument does with orders. Chosen by ISIN; every other instrument fills at once. */
export type Behaviour = 'fill' | 'partial_fills' | 'partial_then_cancelled' | 'refused' | 'resting';

const behaviours: Readonly<Record<string, Behaviour>> = {
  // 1 to 5 executions by the amount of the order.
  IE00B5M1WJ87: 'partial_fills',
  // Up to 4 executions, then cancelled by the trading partner before the last.
  IE00BF2GFH28: 'partial_then_cancelled',
  // Refused for good.
  ZZREFUSED006: 'refused',
  // Taken, and never executed: it rests until it is cancelled.
  ZZRESTING006: 'resting',
};

/** Prices of sandbox instruments that do not follow the imported ones: what a seller gets, EUR. */
const sandboxPrices: Readonly<Record<string, string>> = {
  IE00BKBF6H24: '7.51',
  IE00B3XXRP09: '113.03',
  DE0005933931: '81.77',
};

/** Where no price was imported either. */
const defaultPrice = decimal('100');

export function behaviourOf(isin: string): Behaviour {
  return behaviours[isin] ?? 'fill';
}

/** The price the venue fixes when it accepts an order, in EUR. */
export function priceOf(order: {
  isin: string;
  clientOrderId: string;
  imported: Decimal | undefined;
}): Decimal {
  const { isin, clientOrderId, imported } = order;
  if (isin === 'IE00B95PGT31') return wanderingPrice(clientOrderId);
  const fixed = sandboxPrices[isin];
  return fixed === undefined ? (imported ?? defaultPrice) : decimal(fixed);
}

/** 80.00 to 119.99 EUR: looks random, but is the same for the same order. */
function wanderingPrice(clientOrderId: string): Decimal {
  return decimal(String(8_000 + (fingerprint(clientOrderId) % 4_000))).times('0.01');
}

function fingerprint(clientOrderId: string): number {
  return createHash('sha256').update(clientOrderId).digest().readUInt32BE(0);
}

/** A report of the venue's future, so many ms of market time after acceptance. */
export type ScheduledReport =
  | {
      readonly offsetMs: number;
      readonly type: 'trade' | 'filled';
      readonly trade: Trade;
      readonly cumulativeQuantity: Decimal;
    }
  | {
      readonly offsetMs: number;
      readonly type: 'cancelled';
      readonly reason: string;
      readonly cumulativeQuantity: Decimal;
    };

/** Everything the venue will report about an order it accepts, ascending. */
export function scheduleOf(order: {
  isin: string;
  clientOrderId: string;
  quantity: Decimal;
  price: Decimal;
  /** All reports come within so many ms of market time. */
  delayMs: number;
}): readonly ScheduledReport[] {
  const behaviour = behaviourOf(order.isin);
  if (behaviour === 'resting') return [];
  const split = behaviour === 'partial_fills' || behaviour === 'partial_then_cancelled';
  const parts = split ? partsOf(order.quantity, order.price) : [order.quantity];
  const startMs = order.delayMs === 0 ? 0 : fingerprint(order.clientOrderId) % order.delayMs;
  const reports: ScheduledReport[] = [];
  let cumulativeQuantity = zero;
  for (const [i, lastQuantity] of parts.entries()) {
    const offsetMs = startMs + Math.floor(((order.delayMs - startMs) * i) / parts.length);
    const isLast = i === parts.length - 1;
    if (isLast && behaviour === 'partial_then_cancelled') {
      const reason = 'cancelled by the trading partner';
      reports.push({ offsetMs, type: 'cancelled', reason, cumulativeQuantity });
    } else {
      cumulativeQuantity = cumulativeQuantity.plus(lastQuantity);
      const venueExecutionId = `${order.clientOrderId}-${i + 1}`;
      const trade = { venueExecutionId, lastQuantity, lastPrice: order.price };
      reports.push({ offsetMs, type: isLast ? 'filled' : 'trade', trade, cumulativeQuantity });
    }
  }
  return reports;
}

/** One part below EUR 101, two below 201, … five above 401; never more parts than units. */
function partsOf(quantity: Decimal, price: Decimal): readonly Decimal[] {
  const amount = quantity.times(price);
  const steps = ['101', '201', '301', '401'].filter((step) => amount.gte(step)).length;
  const share = quantity.times(['1', '0.5', '0.333', '0.25', '0.2'][steps] ?? '1');
  const part = share.round(decimalsOf(quantity), 0);
  if (part.eq('0')) return [quantity];
  const parts: Decimal[] = [];
  let left = quantity;
  for (let i = 0; i < steps; i += 1) {
    const next = smaller(part, left);
    parts.push(next);
    left = left.minus(next);
  }
  return left.gt('0') ? [...parts, left] : parts;
}

function decimalsOf(quantity: Decimal): number {
  return plain(quantity).split('.')[1]?.length ?? 0;
}
