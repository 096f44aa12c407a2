// Forces what becomes of one order at the simulated venue, as a test asks for it.

import { assertNever } from '../../assert.ts';
import type { Tx } from '../../db/connect.ts';
import { type Decimal, plain, zero } from '../../money.ts';
import type { OrderReference, ReportEvent } from '../venue.ts';
import { reportNow } from './end-orders.ts';
import { dropPlans, findOrderStates, type OrderState } from './order-state-store.ts';
import { executionIdOf } from './schedule.ts';
import { scheduleReports } from './store.ts';

/** `filled_late` and `busted` are of an order that is final; the others of one that is not. */
export const forcedOutcomes = [
  'filled',
  'cancelled',
  'suspended',
  'filled_late',
  'busted',
] as const;

export type ForcedOutcome = (typeof forcedOutcomes)[number];

export interface Forced {
  readonly order: OrderReference;
  readonly outcome: ForcedOutcome;
  /** Executed before the end, or late; undefined: all that is left where it is filled, else none. */
  readonly quantity: Decimal | undefined;
}

/**
 * Lets the outcome happen now; the caller holds the session. @returns why not, if it cannot be, and
 * then nothing is changed.
 */
export async function forceOrder(
  tx: Tx,
  { order, outcome, quantity }: Forced,
  at: Date,
): Promise<string | undefined> {
  const [state] = await findOrderStates(tx, { orders: [order], at });
  if (state === undefined) return 'the venue has not taken the order';
  const events = eventsOf(state, outcome, quantity);
  if (typeof events === 'string') return events;
  await dropPlans(tx, { orders: [order], after: at });
  await scheduleReports(tx, { owed: events.map((event) => reportNow(state, event)), from: at });
  return undefined;
}

function eventsOf(
  state: OrderState,
  outcome: ForcedOutcome,
  quantity: Decimal | undefined,
): readonly ReportEvent[] | string {
  const left = state.quantity.minus(state.soldQuantity);
  const isAfterEnd = outcome === 'filled_late' || outcome === 'busted';
  if (isAfterEnd !== state.isFinal) {
    return state.isFinal ? 'the order has come to its end' : 'the order has not come to its end';
  }
  if (quantity?.gt(left)) return `only ${plain(left)} of the order is left`;
  switch (outcome) {
    case 'filled': {
      if (quantity?.lt(left)) return 'an order that is filled has nothing left';
      return [execution(state, left, 'filled')];
    }
    case 'cancelled':
    case 'suspended': {
      const sold = quantity ?? zero;
      if (sold.eq(left)) return 'an order of which nothing is left is filled';
      const cumulativeQuantity = state.soldQuantity.plus(sold);
      const end = { type: outcome, reason: 'forced by a test', cumulativeQuantity } as const;
      return sold.gt('0') ? [execution(state, sold, 'trade'), end] : [end];
    }
    case 'filled_late':
      return fillLate(state, quantity ?? left);
    case 'busted':
      return bust(state, quantity);
    default:
      return assertNever(outcome);
  }
}

function fillLate(state: OrderState, quantity: Decimal): readonly ReportEvent[] | string {
  if (state.quantity.eq(state.soldQuantity)) return 'nothing of the order is left';
  if (quantity.eq('0')) return 'a late execution sells something';
  return [execution(state, quantity, 'trade')];
}

function execution(state: OrderState, quantity: Decimal, type: 'trade' | 'filled'): ReportEvent {
  const { clientOrderId, executions, price: lastPrice, soldQuantity } = state;
  const venueExecutionId = executionIdOf(clientOrderId, executions + 1);
  const trade = { venueExecutionId, lastQuantity: quantity, lastPrice };
  return { type, trade, cumulativeQuantity: soldQuantity.plus(quantity) };
}

function bust(state: OrderState, quantity: Decimal | undefined): readonly ReportEvent[] | string {
  const { lastExecution, soldQuantity } = state;
  if (quantity !== undefined) return 'an execution is declared void as a whole';
  if (lastExecution === undefined) return 'no execution of the order is left to be void';
  const cumulativeQuantity = soldQuantity.minus(lastExecution.quantity);
  return [{ type: 'bust', venueExecutionId: lastExecution.id, cumulativeQuantity }];
}
