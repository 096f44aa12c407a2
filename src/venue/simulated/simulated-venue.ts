// The simulated venue: a real counterpart with its own memory. Each call is a commit of its own; it
// keeps a journal of everything submitted, refuses a client order id it has seen, and reports in one
// gapless sequence on the market clock, whichever process asks.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { newId } from '../../ids.ts';
import type { Decimal } from '../../money.ts';
import {
  type LookUpOutcome,
  type NewOrder,
  type OrderReference,
  type SubmitOutcome,
  toReportEvent,
  type Venue,
  type VenueReport,
} from '../venue.ts';
import { behaviourOf, priceOf, scheduleOf } from './behaviour.ts';
import { cancelOrders } from './cancel-orders.ts';
import {
  enterOrders,
  enterRepeats,
  findDecisions,
  findMarketTime,
  findPrices,
  findReports,
  type JournalEntry,
  numberDueReports,
  type OwedReport,
  type ReportRow,
  scheduleReports,
} from './store.ts';

/** A MIC kept for private use: no such market is registered (ISO 10383). */
export const simulatedMic = 'XSIM';

/** A call to it is one transaction of a local database: nothing is under way for longer. */
const flightMsMax = 2_000;

/** @param delayMs within how many ms of market time the reports of an order come. */
export function simulatedVenue(sql: Sql, clock: Clock, delayMs: number): Venue {
  return {
    mic: simulatedMic,
    flightMsMax,
    submit: (orders) => submit(sql, clock, { orders, delayMs }),
    lookUp: (orders) => lookUp(sql, orders),
    cancel: (orders) => cancelOrders(sql, clock, orders),
    reports: (request) => reports(sql, clock, request),
  };
}

function keyOf(order: OrderReference): string {
  return `${order.tenantId}/${order.clientOrderId}`;
}

function submit(
  sql: Sql,
  clock: Clock,
  call: { orders: readonly NewOrder[]; delayMs: number },
): Promise<readonly SubmitOutcome[]> {
  const { orders, delayMs } = call;
  return inTransaction(sql, async (tx) => {
    const receivedAt = await findMarketTime(tx, clock.now());
    const prices = await findPrices(tx, orders);
    const entries = orders.map((order): JournalEntry => {
      return { ...order, decision: decide(order, prices) };
    });
    const entered = await enterOrders(tx, { entries, receivedAt });
    const fresh = entries.filter((entry) => entered.has(keyOf(entry)));
    const repeats = entries.filter((entry) => !entered.has(keyOf(entry)));
    await enterRepeats(tx, { orders: repeats, receivedAt });
    const owed = fresh.flatMap((entry) => owedFor(entry, delayMs));
    await scheduleReports(tx, { owed, acceptedAt: receivedAt });
    return entries.map((entry) => answerTo(entry, entered.has(keyOf(entry))));
  });
}

function decide(order: NewOrder, prices: ReadonlyMap<string, Decimal>): JournalEntry['decision'] {
  if (behaviourOf(order.isin) === 'refused') {
    return { outcome: 'refused', reason: 'the instrument is not admitted to trading' };
  }
  const imported = prices.get(`${order.tenantId}/${order.isin}`);
  const price = priceOf({ isin: order.isin, clientOrderId: order.clientOrderId, imported });
  return { outcome: 'accepted', venueOrderId: newId<'venue order'>(), price };
}

function owedFor(entry: JournalEntry, delayMs: number): readonly OwedReport[] {
  const { decision, tenantId, clientOrderId, isin, quantity } = entry;
  if (decision.outcome === 'refused') return [];
  const { venueOrderId, price } = decision;
  return scheduleOf({ isin, clientOrderId, quantity, price, delayMs }).map((report) => {
    return { reportId: newId<'report'>(), tenantId, clientOrderId, venueOrderId, report };
  });
}

function answerTo({ decision }: JournalEntry, isFresh: boolean): SubmitOutcome {
  if (!isFresh) return { type: 'unknown', reason: 'the client order id was used before' };
  if (decision.outcome === 'accepted') {
    return { type: 'accepted', venueOrderId: decision.venueOrderId };
  }
  return { type: 'refused', reason: decision.reason, temporary: false };
}

async function lookUp(
  sql: Sql,
  orders: readonly OrderReference[],
): Promise<readonly LookUpOutcome[]> {
  const rows = await findDecisions(sql, orders);
  const byKey = new Map(rows.map((row) => [`${row.firm}/${row.client_order_id}`, row]));
  return orders.map((order): LookUpOutcome => {
    const row = byKey.get(keyOf(order));
    if (row === undefined) return { type: 'not_found' };
    if (row.venue_order_id !== null) return { type: 'accepted', venueOrderId: row.venue_order_id };
    return { type: 'refused', reason: row.reason ?? 'refused', temporary: false };
  });
}

async function reports(
  sql: Sql,
  clock: Clock,
  request: { after: number; limit: number },
): Promise<readonly VenueReport[]> {
  await inTransaction(sql, (tx) => {
    return numberDueReports(tx, { now: clock.now(), limit: request.limit });
  });
  return (await findReports(sql, request)).map(toReport);
}

function toReport(row: ReportRow): VenueReport {
  return {
    number: Number(row.number),
    tenantId: row.firm,
    clientOrderId: row.client_order_id,
    event: toReportEvent(row),
    transactionAt: row.transaction_at,
  };
}
