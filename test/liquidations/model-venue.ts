// A venue that does what a test says, order by order: it takes, refuses or loses what comes, and
// reports what it is told to report, as often as it is told.
import assert from 'node:assert/strict';
import { type Decimal, decimal } from '../../src/money.ts';
import type { NewOrder, ReportEvent, Venue, VenueReport } from '../../src/venue/venue.ts';

/** What the venue does with orders that are sent. */
export type Reception = 'taken' | 'answer lost' | 'never came' | 'rejected' | 'rejected for now';

export type Telling = 'part' | 'filled' | 'cancelled' | 'suspended';

export interface ToldVenue {
  readonly venue: Venue;
  /** For whatever is sent from now on. */
  receive(reception: Reception): void;
  /** Reports about the newest order of an instrument, each twice and the last first if so wished. */
  tell(isin: string, telling: Telling, isMessy: boolean): void;
}

interface Taken extends NewOrder {
  executed: number;
}

export function toldVenue(now: () => Date): ToldVenue {
  const taken = new Map<string, Taken>();
  const reports: VenueReport[] = [];
  let reception: Reception = 'taken';
  const add = (order: Taken, event: ReportEvent) => {
    const { tenantId, clientOrderId } = order;
    const number = reports.length + 1;
    reports.push({ number, tenantId, clientOrderId, event, transactionAt: now() });
  };
  const submitOne = (order: NewOrder) => {
    const { clientOrderId } = order;
    if (reception === 'rejected' || reception === 'rejected for now') {
      const temporary = reception === 'rejected for now';
      return { type: 'rejected', reason: reception, temporary } as const;
    }
    assert.ok(!taken.has(clientOrderId), 'nothing is sent twice in this model');
    taken.set(clientOrderId, { ...order, executed: 0 });
    return { type: 'accepted', venueOrderId: clientOrderId } as const;
  };
  const venue: Venue = {
    mic: 'XMOD',
    currency: 'EUR',
    flightMsMax: 2_000,
    submit: async (orders) => {
      if (reception === 'never came') throw new Error('nothing came');
      const outcomes = orders.map(submitOne);
      if (reception === 'answer lost') throw new Error('the answer was lost');
      return outcomes;
    },
    lookUp: async (orders) => {
      return orders.map(({ clientOrderId }) => {
        const isTaken = taken.has(clientOrderId);
        return isTaken ? { type: 'accepted', venueOrderId: clientOrderId } : { type: 'not_found' };
      });
    },
    cancel: async (orders) => orders.map(() => ({ type: 'not_found' })),
    reports: async ({ after, limit }) => reports.slice(after, after + limit),
  };
  return {
    venue,
    receive: (next) => {
      reception = next;
    },
    tell: (isin, telling, isMessy) => {
      const order = [...taken.values()].findLast((one) => one.isin === isin);
      assert.ok(order !== undefined, 'the model knows what the venue has taken');
      const events = eventsOf(order, telling);
      const told = isMessy ? [...events.toReversed(), ...events] : events;
      for (const event of told) add(order, event);
    },
  };
}

function eventsOf(order: Taken, telling: Telling): readonly ReportEvent[] {
  const left = Number(order.quantity.toFixed()) - order.executed;
  const units = (count: number): Decimal => decimal(String(count));
  const trade = (count: number) => {
    order.executed += count;
    const venueExecutionId = `${order.clientOrderId}-${order.executed}`;
    return { venueExecutionId, lastQuantity: units(count), lastPrice: decimal('10') };
  };
  switch (telling) {
    case 'part': {
      const one = trade(1);
      return [{ type: 'trade', trade: one, cumulativeQuantity: units(order.executed) }];
    }
    case 'filled': {
      const before = left > 1 ? eventsOf(order, 'part') : [];
      const last = trade(left > 1 ? left - 1 : left);
      return [...before, { type: 'filled', trade: last, cumulativeQuantity: order.quantity }];
    }
    case 'cancelled':
    case 'suspended':
      return [{ type: telling, reason: telling, cumulativeQuantity: units(order.executed) }];
  }
}
