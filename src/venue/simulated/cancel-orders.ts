// Cancelling at the simulated venue: an order that has not come to its end ends now, with what it has
// sold; what was planned for later never happens.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { newId } from '../../ids.ts';
import type { CancelOutcome, OrderReference } from '../venue.ts';
import {
  dropPlans,
  enterCancels,
  findOrderStates,
  lockSession,
  type OrderState,
} from './cancel-store.ts';
import { findMarket } from './market-store.ts';
import { type OwedReport, scheduleReports } from './store.ts';
import { checkReached } from './submit-orders.ts';

/** One commit: decides each request, journals it, and plans the reports it leads to. */
export function cancelOrders(
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
    const byKey = new Map(states.map((state) => [`${state.firm}/${state.clientOrderId}`, state]));
    const outcomes = orders.map((order) => {
      return outcomeOf(byKey.get(`${order.tenantId}/${order.clientOrderId}`));
    });
    await enterCancels(tx, { orders, outcomes, receivedAt: at });
    const owed = states.filter((state) => !state.isFinal && !state.isCancelled).flatMap(endOf);
    await dropPlans(tx, { orders: owed, after: at });
    await scheduleReports(tx, { owed, from: at });
    return outcomes;
  });
}

function outcomeOf(state: OrderState | undefined): CancelOutcome {
  if (state === undefined) return { type: 'not_found' };
  return { type: state.isFinal && !state.isCancelled ? 'too_late' : 'accepted' };
}

function endOf(state: OrderState): readonly OwedReport[] {
  const { firm: tenantId, clientOrderId, venueOrderId, soldQuantity } = state;
  if (venueOrderId === undefined) return [];
  const reason = 'cancelled on request';
  const event = { type: 'cancelled', reason, cumulativeQuantity: soldQuantity } as const;
  const report = { happensMs: 0, sentMs: 0, copy: 0, event };
  return [{ reportId: newId<'report'>(), tenantId, clientOrderId, venueOrderId, report }];
}
