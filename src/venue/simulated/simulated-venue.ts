// The simulated venue: a real counterpart with its own memory. Each call is a commit of its own; it
// keeps a journal of everything submitted, refuses a client order id it has seen, and reports in one
// gapless sequence on the market clock, whichever process asks.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { accountCurrency } from '../../money.ts';
import {
  keyOf,
  type LookUpOutcome,
  type OrderReference,
  type Venue,
  type VenueReport,
} from '../venue.ts';
import { cancelOrders } from './cancel-orders.ts';
import { findMarket, simulatedMic } from './market-store.ts';
import { findDecisions, findReports, numberDueReports } from './store.ts';
import { checkReached, submitOrders } from './submit-orders.ts';

/** A call to it is one transaction of a local database: nothing is under way for longer. */
const flightMsMax = 2_000;

/** @param delayMs within how many ms of market time orders are executed. */
export function simulatedVenue(sql: Sql, clock: Clock, delayMs: number): Venue {
  return {
    mic: simulatedMic,
    currency: accountCurrency,
    flightMsMax,
    submit: (orders, sendBefore) => submitOrders(sql, clock, { orders, delayMs, sendBefore }),
    lookUp: (orders) => lookUp(sql, clock, orders),
    cancel: (orders) => cancelOrders(sql, clock, orders),
    reports: (request) => reports(sql, clock, request),
  };
}

async function lookUp(
  sql: Sql,
  clock: Clock,
  orders: readonly OrderReference[],
): Promise<readonly LookUpOutcome[]> {
  checkReached(await findMarket(sql, clock.now()));
  const rows = await findDecisions(sql, orders);
  const byKey = new Map(rows.map((row) => [`${row.firm}/${row.client_order_id}`, row]));
  return orders.map((order): LookUpOutcome => {
    const row = byKey.get(keyOf(order));
    if (row === undefined) return { type: 'not_found' };
    if (row.venue_order_id !== null) return { type: 'accepted', venueOrderId: row.venue_order_id };
    return { type: 'refused', reason: row.reason ?? 'refused', temporary: row.temporary };
  });
}

async function reports(
  sql: Sql,
  clock: Clock,
  request: { after: number; limit: number },
): Promise<readonly VenueReport[]> {
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    checkReached(await findMarket(tx, now));
    await numberDueReports(tx, { now, limit: request.limit });
  });
  return findReports(sql, request);
}
