// Cancelling at the simulated venue: an order that has not come to its end ends now, with what it has
// sold; what was planned for later never happens.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { type CancelOutcome, keyOf, type OrderReference } from '../venue.ts';
import { enterCancels, findRefused } from './cancel-store.ts';
import { endOrders } from './end-orders.ts';
import { findMarket } from './market-store.ts';
import { findOrderStates, lockSession, type OrderState } from './order-state-store.ts';
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
    const refused = await findRefused(tx, orders);
    const byKey = new Map(states.map((state) => [keyOf(state), state]));
    const outcomes = orders.map((order): CancelOutcome => {
      if (refused.has(keyOf(order))) return { type: 'too_late' };
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
