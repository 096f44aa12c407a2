// The port to the outside market. A venue takes orders in batches, can be asked about a client
// order id, and hands out its reports from any position again. Every call is made outside any
// transaction; the caller has committed the client order ids before.

import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';

/** A new MARKET order to sell units (FIX 35=D; 54=2, 40=1). */
export interface NewOrder {
  /** On whose behalf (FIX 115). */
  readonly tenantId: TenantId;
  /** FIX 11, at most 20 characters, never used before by this tenant. */
  readonly clientOrderId: string;
  /** FIX 48 with 22=4. */
  readonly isin: string;
  /** FIX 38. */
  readonly quantity: Decimal;
  /** What the venue calls the instrument (FIX 55); undefined: no listing says. */
  readonly symbol?: string | undefined;
  /** In which it is sold (FIX 15); undefined: the currency of the venue. */
  readonly currency?: string | undefined;
}

export type OrderReference = Pick<NewOrder, 'tenantId' | 'clientOrderId'>;

/** Names an order among those of all firms. */
export function keyOf(order: OrderReference): string {
  return `${order.tenantId}/${order.clientOrderId}`;
}

/**
 * What a submit answered for one order. `unknown` says nothing: no answer, a broken one, or a
 * rejection as a repeat; the order is then looked up, never sent again blindly.
 */
export type SubmitOutcome =
  | { readonly type: 'accepted'; readonly venueOrderId: string }
  | { readonly type: 'rejected'; readonly reason: string; readonly temporary: boolean }
  | { readonly type: 'unknown'; readonly reason: string };

/** What the venue knows of one client order id. */
export type LookUpOutcome =
  | { readonly type: 'accepted'; readonly venueOrderId: string }
  | { readonly type: 'rejected'; readonly reason: string; readonly temporary: boolean }
  | { readonly type: 'not_found' };

/**
 * What a cancel request answered for one order (FIX 35=F). `accepted`: the venue will report
 * `cancelled` with the cumulative quantity. `too_late`: it is final already, its report comes or
 * came, or it was rejected when submitted. `not_found`: the venue has no such order, yet.
 */
export type CancelOutcome =
  | { readonly type: 'accepted' }
  | { readonly type: 'too_late' }
  | { readonly type: 'not_found' };

/** FIX 35=8 in the form the service keeps; quantities in units. */
export interface VenueReport {
  /** Place in the venue's gapless sequence of reports (FIX 34). */
  readonly number: number;
  readonly tenantId: TenantId;
  readonly clientOrderId: string;
  readonly event: ReportEvent;
  /** FIX 60, market clock. */
  readonly transactionAt: Date;
}

/** An execution: FIX 17, 32, 31. */
export interface Trade {
  readonly venueExecutionId: string;
  readonly lastQuantity: Decimal;
  /** In the currency of the order. */
  readonly lastPrice: Decimal;
  /** FIX 15; undefined: the venue names none. */
  readonly currency?: string | undefined;
}

/**
 * What a report says. `filled`, `cancelled`, `rejected` and `suspended` are final for the client
 * order id and carry the cumulative quantity (FIX 14) that its executions must add up to;
 * `suspended` ends it for a temporary cause (halt, closed market), so it may be tried again.
 * After the end two things may still come: a `trade` (a late fill), and a `bust` (FIX 150=H), which
 * says that an execution reported before is void; each carries the cumulative quantity since then.
 */
export type ReportEvent =
  | { readonly type: 'trade'; readonly trade: Trade; readonly cumulativeQuantity: Decimal }
  | { readonly type: 'filled'; readonly trade: Trade; readonly cumulativeQuantity: Decimal }
  | {
      readonly type: 'cancelled' | 'rejected' | 'suspended';
      readonly reason: string;
      readonly cumulativeQuantity: Decimal;
    }
  | {
      readonly type: 'bust';
      /** The execution that is void (FIX 19). */
      readonly venueExecutionId: string;
      readonly cumulativeQuantity: Decimal;
    };

/** The execution in a report, if there is one. */
export function tradeOf(event: ReportEvent): Trade | undefined {
  return event.type === 'trade' || event.type === 'filled' ? event.trade : undefined;
}

/** What the columns of rows hold of a report; its execution is the one it reports, or declares void. */
export function columnsOf(event: ReportEvent) {
  const trade = tradeOf(event);
  return {
    ...trade,
    type: event.type,
    venueExecutionId: event.type === 'bust' ? event.venueExecutionId : trade?.venueExecutionId,
    cumulativeQuantity: event.cumulativeQuantity,
    reason: 'reason' in event ? event.reason : undefined,
  };
}

/** Orders were not sent, since another process may hold them by now. */
export class TooLateError extends Error {
  override readonly name = 'TooLateError';
}

/** Called inside the transaction that sends. @throws TooLateError */
export function checkInTime(clock: Clock, sendBefore: Date | undefined): void {
  if (sendBefore === undefined || clock.now() < sendBefore) return;
  throw new TooLateError(
    `it was too late to send orders: their lease ends at ${sendBefore.toISOString()}`,
  );
}

/** A venue as orders are directed to it. */
export type TradingVenue = Pick<Venue, 'mic' | 'currency'>;

export interface Venue {
  /** ISO 10383 market identifier code. */
  readonly mic: string;
  /** In which it trades what no listing says another currency of. */
  readonly currency: string;
  /** How long a submitted order may be under way before "not found" counts. */
  readonly flightMsMax: number;

  /**
   * Sends orders; one outcome each, in the order given. Refuses a client order id it has seen.
   *
   * @param sendBefore From then on nothing is sent, however long it has waited for a connection; undefined:
   *   it is never too late.
   * @throws TooLateError when it was, and none was sent; anything else when nothing is known of any of them
   *   (the venue did not answer): all are unknown.
   */
  submit(orders: readonly NewOrder[], sendBefore?: Date): Promise<readonly SubmitOutcome[]>;

  /** Asks about client order ids; one outcome each, in the order given. @throws when it is silent. */
  lookUp(orders: readonly OrderReference[]): Promise<readonly LookUpOutcome[]>;

  /**
   * Asks for the end of orders; one outcome each, in the order given. Idempotent: an order that is
   * cancelled once is not cancelled twice. @throws when it is silent; whether it has heard is unknown.
   */
  cancel(orders: readonly OrderReference[]): Promise<readonly CancelOutcome[]>;

  /** The reports after a position, ascending, gapless. Idempotent. @throws when it is silent. */
  reports(request: { after: number; limit: number }): Promise<readonly VenueReport[]>;
}

/** A report as SQL rows carry it: the columns of the inbox and of the simulated venue alike. */
export interface ReportColumns {
  readonly type: ReportEvent['type'];
  readonly venue_execution_id: string | null;
  readonly last_quantity: string | null;
  readonly last_price: string | null;
  readonly cumulative_quantity: string;
  readonly reason: string | null;
  readonly currency?: string | null;
}

/** @throws ImpossibleState when an execution or a bust lacks its id, quantity or price. */
export function toReportEvent(row: ReportColumns): ReportEvent {
  const cumulativeQuantity = decimal(row.cumulative_quantity);
  const { venue_execution_id: venueExecutionId, last_quantity, last_price } = row;
  if (row.type === 'bust') {
    assert(venueExecutionId !== null, 'a bust names its execution');
    return { type: row.type, venueExecutionId, cumulativeQuantity };
  }
  if (row.type !== 'trade' && row.type !== 'filled') {
    return { type: row.type, reason: row.reason ?? row.type, cumulativeQuantity };
  }
  assert(
    venueExecutionId !== null && last_quantity !== null && last_price !== null,
    'a trade has an execution id, a quantity and a price',
  );
  const trade = {
    venueExecutionId,
    lastQuantity: decimal(last_quantity),
    lastPrice: decimal(last_price),
    currency: row.currency ?? undefined,
  };
  return { type: row.type, trade, cumulativeQuantity };
}

/** A report of a venue of ours as its row carries it. */
export interface ReportRow extends ReportColumns {
  readonly number: string;
  readonly tenant_id: TenantId;
  readonly client_order_id: string;
  readonly transaction_at: Date;
}

/** @throws ImpossibleState as `toReportEvent` does. */
export function toReport(row: ReportRow): VenueReport {
  return {
    number: Number(row.number),
    tenantId: row.tenant_id,
    clientOrderId: row.client_order_id,
    event: toReportEvent(row),
    transactionAt: row.transaction_at,
  };
}
