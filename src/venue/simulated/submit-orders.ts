// Taking orders at the simulated venue: each is decided once, journalled with its price, and its whole
// future is fixed then.

import { assertNever } from '../../assert.ts';
import type { Clock } from '../../clock.ts';
import type { Sql, Tx } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { newId } from '../../ids.ts';
import { type Decimal, decimal } from '../../money.ts';
import { checkInTime, keyOf, type NewOrder, type SubmitOutcome } from '../venue.ts';
import {
  type AskedBehaviour,
  type Behaviour,
  behaviourOf,
  sandboxInstrument,
} from './behaviour.ts';
import {
  everyInstrument,
  findAskedBehaviours,
  findHalted,
  findMarket,
  findNextFixing,
  type Market,
} from './market-store.ts';
import { randomOf, scheduleOf, type Terms } from './schedule.ts';
import {
  enterOrders,
  enterRepeats,
  findPrices,
  type JournalEntry,
  type OwedReport,
  priceKey,
  scheduleReports,
} from './store.ts';

/** What the market is like for a batch of orders. */
interface Scene {
  readonly market: Market;
  readonly halted: ReadonlySet<string>;
  readonly asked: ReadonlyMap<string, AskedBehaviour>;
  readonly prices: ReadonlyMap<string, Decimal>;
}

interface Taken {
  readonly entry: JournalEntry;
  readonly behaviour: Behaviour;
}

/** One commit: decides and journals orders, and plans what will be reported of them. */
export function submitOrders(
  sql: Sql,
  clock: Clock,
  call: { orders: readonly NewOrder[]; delayMs: number; sendBefore: Date | undefined },
): Promise<readonly SubmitOutcome[]> {
  const { orders, delayMs, sendBefore } = call;
  return inTransaction(sql, async (tx) => {
    checkInTime(clock, sendBefore);
    const scene = await findScene(tx, clock, orders);
    const { at: receivedAt } = scene.market;
    const taken = orders.map((order) => take(order, scene));
    const entries = taken.map(({ entry }) => entry);
    const entered = await enterOrders(tx, { entries, receivedAt });
    const isFresh = (entry: JournalEntry) => entered.has(keyOf(entry));
    const repeats = entries.filter((entry) => !isFresh(entry));
    await enterRepeats(tx, { orders: repeats, receivedAt });
    const terms = await findTerms(tx, { taken, market: scene.market, delayMs });
    const owed = taken.filter(({ entry }) => isFresh(entry)).flatMap((one) => owedFor(one, terms));
    await scheduleReports(tx, { owed, from: receivedAt });
    checkInTime(clock, sendBefore);
    return taken.map((one) => answerTo(one, isFresh(one.entry)));
  });
}

async function findScene(tx: Tx, clock: Clock, orders: readonly NewOrder[]): Promise<Scene> {
  const market = await findMarket(tx, clock.now());
  checkReached(market);
  const isins = [...new Set(orders.map((order) => order.isin))];
  return {
    market,
    halted: await findHalted(tx, isins),
    asked: await findAskedBehaviours(tx),
    prices: await findPrices(tx, orders),
  };
}

/** @throws Error while the venue is away, as for the caller of one that does not answer. */
export function checkReached({ isDown }: Pick<Market, 'isDown'>): void {
  if (isDown) throw new Error('the simulated venue does not answer: a test has taken it away');
}

async function findTerms(
  tx: Tx,
  { taken, market, delayMs }: { taken: readonly Taken[]; market: Market; delayMs: number },
): Promise<Terms> {
  const { at, closesAt, seed } = market;
  const isAtFixing = taken.some(({ behaviour }) => behaviour.course === 'once_a_day');
  const fixingAt = isAtFixing ? ((await findNextFixing(tx, at)) ?? at) : at;
  const closesMs = closesAt === undefined ? undefined : closesAt.getTime() - at.getTime();
  return { seed, delayMs, closesMs, fixingMs: fixingAt.getTime() - at.getTime() };
}

function take(order: NewOrder, scene: Scene): Taken {
  const { isin, clientOrderId } = order;
  const { asked, market, prices } = scene;
  const { seed, at } = market;
  const chosen = asked.get(isin) ?? asked.get(everyInstrument);
  const behaviour = behaviourOf(isin, chosen, randomOf('asked', { seed, clientOrderId }));
  const rejection = rejectionOf(isin, behaviour, scene);
  if (rejection !== undefined) {
    return { entry: { ...order, decision: { outcome: 'rejected', ...rejection } }, behaviour };
  }
  const imported = prices.get(priceKey(order.tenantId, order));
  const price = priceOf({ isin, clientOrderId, seed, imported, at });
  const venueOrderId = newId<'venue order'>();
  return { entry: { ...order, decision: { outcome: 'accepted', venueOrderId, price } }, behaviour };
}

function rejectionOf(
  isin: string,
  { course }: Behaviour,
  { market, halted }: Scene,
): { reason: string; temporary: boolean } | undefined {
  if (course === 'rejected') {
    return { reason: 'the instrument is not admitted to trading', temporary: false };
  }
  if (halted.has(isin)) return { reason: 'trading in the instrument is halted', temporary: true };
  // Orders for the fixing are collected around the clock.
  if (!market.isOpen && course !== 'once_a_day') {
    return { reason: 'the market is closed', temporary: true };
  }
  return undefined;
}

function owedFor({ entry, behaviour }: Taken, terms: Terms): readonly OwedReport[] {
  const { decision, tenantId, clientOrderId, quantity } = entry;
  if (decision.outcome === 'rejected') return [];
  const { venueOrderId, price } = decision;
  return scheduleOf({ clientOrderId, quantity, price, behaviour }, terms).map((report) => {
    return { reportId: newId<'report'>(), tenantId, clientOrderId, venueOrderId, report };
  });
}

function answerTo({ entry, behaviour }: Taken, isFresh: boolean): SubmitOutcome {
  if (behaviour.losesAnswers) return { type: 'unknown', reason: 'the answer was lost' };
  if (!isFresh) return { type: 'unknown', reason: 'the client order id was used before' };
  const { decision } = entry;
  if (decision.outcome === 'accepted') {
    return { type: 'accepted', venueOrderId: decision.venueOrderId };
  }
  return { type: 'rejected', reason: decision.reason, temporary: decision.temporary };
}

/** Where no price was imported either. */
const defaultPrice = decimal('100');

const cent = decimal('0.01');

/** The price of an accepted order, in its currency, a unit. Pure: at the same instant it gets the same. */
export function priceOf(order: {
  isin: string;
  clientOrderId: string;
  seed: string;
  imported: Decimal | undefined;
  at: Date;
}): Decimal {
  const { price } = sandboxInstrument(order.isin);
  switch (price.type) {
    case 'imported':
      return order.imported ?? defaultPrice;
    case 'fixed':
      return decimal(price.price);
    case 'wandering':
      return cent.times(decimal(String(8_000 + (randomOf('price', order) % 4_000))));
    case 'swinging':
      return cent.times(decimal(String(swingCents(order.at))));
    default:
      return assertNever(price);
  }
}

/** 200.00 EUR at the full hour, 300.00 half an hour later, and back. */
function swingCents(at: Date): number {
  const second = Math.floor(at.getTime() / 1_000) % 3_600;
  const upTo = second < 1_800 ? second : 3_600 - second;
  return 20_000 + Math.floor((upTo * 10_000) / 1_800);
}
