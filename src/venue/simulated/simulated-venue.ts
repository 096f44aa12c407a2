// The simulated venue: a real counterpart with its own memory. Each call is a commit of its own; it
// keeps a journal of everything submitted, rejects a client order id it has seen, and reports in one
// gapless sequence on the market clock, whichever process asks.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { accountCurrency } from '../../money.ts';
import {
  type CancelOutcome,
  keyOf,
  type LookUpOutcome,
  type OrderReference,
  type Venue,
  type VenueReport,
} from '../venue.ts';
import { endOrders } from './end-orders.ts';
import { findMarket, simulatedMic } from './market-store.ts';
import { findOrderStates, lockSession, type OrderState } from './order-state-store.ts';
import {
  enterCancels,
  findDecisions,
  findRejected,
  findReports,
  numberDueReports,
} from './store.ts';
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
    return { type: 'rejected', reason: row.reason ?? 'rejected', temporary: row.temporary };
  });
}

/**
 * An order that has not come to its end ends now, with what it has sold; what was planned for later never
 * happens. One commit: decides each request, journals it, and plans the reports it leads to.
 */
function cancelOrders(
  sql: Sql,
  clock: Clock,
  orders: readonly OrderReference[],
): Promise<readonly CancelOutcome[]> {
  return inTransaction(sql, async (tx) => {
    await lockSession(tx);
    const market = await findMarket(tx, clock.now());
    checkReached(market);
    const { at } = market;
    const states = await findOrderStates(tx, { orders, at });
    const rejected = await findRejected(tx, orders);
    const byKey = new Map(states.map((state) => [keyOf(state), state]));
    const outcomes = orders.map((order): CancelOutcome => {
      if (rejected.has(keyOf(order))) return { type: 'too_late' };
      return outcomeOf(byKey.get(keyOf(order)));
    });
    await enterCancels(tx, { orders, outcomes, receivedAt: at });
    const working = states.filter((state) => !state.isFinal && !state.isCancelled);
    const end = { type: 'cancelled', reason: 'cancelled on request' } as const;
    await endOrders(tx, { orders: working, end, at });
    return outcomes;
  });
}

function outcomeOf(state: OrderState | undefined): CancelOutcome {
  if (state === undefined) return { type: 'not_found' };
  return { type: state.isFinal && !state.isCancelled ? 'too_late' : 'accepted' };
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
