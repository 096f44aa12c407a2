// The future of an order at the simulated venue: what will happen to it, and when the venue reports it.
// Pure: the same order under the same terms always has the same future.

import { createHash } from 'node:crypto';
import { assertNever } from '../../assert.ts';
import { type Decimal, decimal, plain, smaller, zero } from '../../money.ts';
import type { ReportEvent } from '../venue.ts';
import type { Behaviour } from './behaviour.ts';

/** A report of the venue's future, in ms of market time after the order came in. */
export interface ScheduledReport {
  /** When that happens which it reports. */
  readonly happensMs: number;
  /** When it is sent: never before. */
  readonly sentMs: number;
  /** How often the same was said before. */
  readonly copy: number;
  readonly event: ReportEvent;
}

export interface Terms {
  readonly seed: string;
  /** Orders are executed within so many ms of market time. */
  readonly delayMs: number;
  /** When the market closes; undefined: not that anybody knew. */
  readonly closesMs: number | undefined;
  /** When instruments that trade once a day do so next. */
  readonly fixingMs: number;
}

export interface AcceptedOrder {
  readonly clientOrderId: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly behaviour: Behaviour;
}

/** From the end of an order to what comes after it all the same, in ms. */
const afterwardsMs = 10_000;

/** Everything the venue will report about an order it accepts, in the order of sending. */
export function scheduleOf(order: AcceptedOrder, terms: Terms): readonly ScheduledReport[] {
  return reported(untilClosing(eventsOf(order, terms), order, terms), order, terms);
}

interface Happening {
  readonly atMs: number;
  readonly event: ReportEvent;
}

function eventsOf(order: AcceptedOrder, terms: Terms): readonly Happening[] {
  const { course } = order.behaviour;
  switch (course) {
    case 'rejected':
    case 'resting':
      return [];
    case 'filled':
      return executed(order, [order.quantity], terms);
    case 'once_a_day':
      return executed(order, [order.quantity], terms).map((one) => {
        return { ...one, atMs: terms.fixingMs };
      });
    case 'cancelled':
      return ended(executed(order, [order.quantity], terms), 0, partnerCancels);
    case 'in_parts':
      return executed(order, partsOf(order), terms);
    case 'cancelled_before_last':
      return cancelledBeforeLast(order, terms);
    case 'interrupted':
      return interrupted(order, terms);
    case 'filled_late':
      return filledLate(order, terms);
    case 'busted':
      return busted(order, terms);
    default:
      return assertNever(course);
  }
}

const partnerCancels = { type: 'cancelled', reason: 'cancelled by the trading partner' } as const;

/** One execution for each part, spread over the time there is; the last fills the order. */
function executed(
  order: AcceptedOrder,
  parts: readonly Decimal[],
  { seed, delayMs }: Terms,
): readonly Happening[] {
  const { clientOrderId, price: lastPrice } = order;
  const startMs = delayMs === 0 ? 0 : randomOf('start', { seed, clientOrderId }) % delayMs;
  let cumulativeQuantity = zero;
  return parts.map((lastQuantity, i) => {
    cumulativeQuantity = cumulativeQuantity.plus(lastQuantity);
    const venueExecutionId = executionIdOf(clientOrderId, i + 1);
    const trade = { venueExecutionId, lastQuantity, lastPrice };
    const type = i === parts.length - 1 ? 'filled' : 'trade';
    const atMs = startMs + Math.floor(((delayMs - startMs) * i) / parts.length);
    return { atMs, event: { type, trade, cumulativeQuantity } };
  });
}

/** FIX 17: the order and the number of its execution. */
export function executionIdOf(clientOrderId: string, number: number): string {
  return `${clientOrderId}-${number}`;
}

/** The first few, and in place of the next one the end. */
function ended(
  happenings: readonly Happening[],
  kept: number,
  end: { type: 'cancelled' | 'suspended'; reason: string },
): readonly Happening[] {
  const before = happenings.slice(0, kept);
  const cumulativeQuantity = before.at(-1)?.event.cumulativeQuantity ?? zero;
  const atMs = happenings[kept]?.atMs ?? 0;
  return [...before, { atMs, event: { ...end, cumulativeQuantity } }];
}

function cancelledBeforeLast(order: AcceptedOrder, terms: Terms): readonly Happening[] {
  const all = executed(order, partsOf(order), terms);
  return ended(all, all.length - 1, partnerCancels);
}

function interrupted(order: AcceptedOrder, terms: Terms): readonly Happening[] {
  const all = executed(order, partsOf(order), terms);
  const { seed } = terms;
  if (randomOf('interrupted', { seed, clientOrderId: order.clientOrderId }) % 2 === 0) return all;
  const reason = 'trading in the instrument is interrupted';
  return ended(all, Math.floor(all.length / 2), { type: 'suspended', reason });
}

function filledLate(order: AcceptedOrder, terms: Terms): readonly Happening[] {
  const last = executed(order, partsOf(order), terms).at(-1);
  const before = cancelledBeforeLast(order, terms);
  if (last === undefined || last.event.type !== 'filled') return before;
  const atMs = last.atMs + afterwardsMs;
  return [...before, { atMs, event: { ...last.event, type: 'trade' } }];
}

function busted(order: AcceptedOrder, terms: Terms): readonly Happening[] {
  const all = executed(order, partsOf(order), terms);
  const [first] = all;
  const last = all.at(-1);
  if (first === undefined || last === undefined || !('trade' in first.event)) return all;
  const { venueExecutionId, lastQuantity } = first.event.trade;
  const cumulativeQuantity = order.quantity.minus(lastQuantity);
  const bust = { type: 'bust', venueExecutionId, cumulativeQuantity } as const;
  return [...all, { atMs: last.atMs + afterwardsMs, event: bust }];
}

/** What the market closes over does not happen: the order is suspended then. */
function untilClosing(
  happenings: readonly Happening[],
  { behaviour }: AcceptedOrder,
  { closesMs }: Terms,
): readonly Happening[] {
  if (closesMs === undefined || behaviour.course === 'once_a_day') return happenings;
  const atEnd = happenings.findIndex(({ event }) => isFinal(event));
  const isOver = atEnd >= 0 && (happenings[atEnd]?.atMs ?? 0) < closesMs;
  if (isOver) return happenings;
  const kept = happenings.slice(0, atEnd < 0 ? 0 : atEnd).filter(({ atMs }) => atMs < closesMs);
  const cumulativeQuantity = kept.at(-1)?.event.cumulativeQuantity ?? zero;
  const reason = marketHasClosed;
  return [...kept, { atMs: closesMs, event: { type: 'suspended', reason, cumulativeQuantity } }];
}

export const marketHasClosed = 'the market has closed';

/** Whether a report ends the order. */
export function isFinal(event: ReportEvent): boolean {
  return event.type !== 'trade' && event.type !== 'bust';
}

/** When and how often it is reported: truthfully, or as the behaviour says. */
function reported(
  happenings: readonly Happening[],
  { clientOrderId, behaviour }: AcceptedOrder,
  { seed }: Terms,
): readonly ScheduledReport[] {
  const { repeatsReports, shufflesReports, delaysReportsMs } = behaviour;
  const reports = happenings.flatMap(({ atMs, event }): ScheduledReport[] => {
    const report = { happensMs: atMs, sentMs: atMs + delaysReportsMs, event };
    return Array.from({ length: repeatsReports ? 2 : 1 }, (_, copy) => ({ ...report, copy }));
  });
  if (!shufflesReports) return reports;
  const lastMs = Math.max(0, ...reports.map((report) => report.sentMs));
  const random = randomOf('shuffle', { seed, clientOrderId });
  return shuffled(reports, random).map((report, i) => ({ ...report, sentMs: lastMs + i }));
}

/** A permutation that a random number decides, and never the order as it was if that can be. */
function shuffled<T>(items: readonly T[], random: number): readonly T[] {
  const rest = [...items];
  const result: T[] = [];
  for (let left = random; rest.length > 0; left = Math.floor(left / (rest.length + 1))) {
    result.push(...rest.splice(left % rest.length, 1));
  }
  const isAsBefore = result.every((item, i) => item === items[i]);
  return isAsBefore ? result.toReversed() : result;
}

/** One part below EUR 101, two below 201, … five above 401; never more parts than units. */
function partsOf({ quantity, price }: AcceptedOrder): readonly Decimal[] {
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

/** An execution of all that is left, at once. */
export function executionOf(order: {
  clientOrderId: string;
  number: number;
  quantity: Decimal;
  price: string;
}) {
  const venueExecutionId = executionIdOf(order.clientOrderId, order.number);
  return { venueExecutionId, lastQuantity: order.quantity, lastPrice: decimal(order.price) };
}

/** What is drawn; draws for different things do not depend on each other. */
export type Draw = 'asked' | 'interrupted' | 'price' | 'shuffle' | 'start';

/** 0 up to 2^32 - 1. */
export function randomOf(draw: Draw, from: { seed: string; clientOrderId: string }): number {
  const { seed, clientOrderId } = from;
  return createHash('sha256').update(`${seed}/${draw}/${clientOrderId}`).digest().readUInt32BE(0);
}
