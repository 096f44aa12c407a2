// A FIX venue behind the port of the service. Any process may submit, cancel and look up: what it wants
// is queued as rows, and the process that writes the session sends it. What the venue says is read from
// rows as well.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { accountCurrency } from '../../money.ts';
import {
  type CancelOutcome,
  checkInTime,
  keyOf,
  type LookUpOutcome,
  type NewOrder,
  type OrderReference,
  type SubmitOutcome,
  type Venue,
} from '../venue.ts';
import { type KeeperOptions, SessionKeeper } from './keep-session.ts';
import type { FixOrder } from './order.ts';
import {
  findOrders,
  findReports,
  insertReports,
  queueOrders,
  updateOrders,
} from './order-store.ts';
import { queueCancels, queueStatusRequests, withdrawOrders } from './outbox-store.ts';
import { findSessionState, takeReportNumbers } from './session-store.ts';

/** How long a submit waits for the venue's word, in ms; then the outcome is unknown, and looked up. */
const responseMsMax = 2_000;
/** How often it looks for what another process has received, in ms; seldom where this one receives. */
const lookEveryMs = { usual: 25, informed: 250 } as const;
/** An order under way for longer than this is looked up, in ms. */
const flightMsMax = 10_000;
/** A cancel request that led to nothing is sent again after this, in ms. */
const cancelAgainMs = 30_000;
/** An order without an answer is asked about after this, in ms. */
const askAfterMs = 30_000;

export interface FixVenue {
  readonly venue: Venue;
  readonly keeper: SessionKeeper;
}

/** The venue of a profile. Its session lives in processes that start the keeper. */
export function fixVenue(options: Omit<KeeperOptions, 'onReceived'>): FixVenue {
  const { sql, clock, profile } = options;
  const listeners = new Set<Listener>();
  const onReceived = (changed: readonly FixOrder[]) => {
    for (const hear of listeners) hear(changed);
  };
  const keeper = new SessionKeeper({ ...options, onReceived });
  const { mic } = profile;
  const own: Own = { sql, clock, mic, listeners, wake: () => keeper.wake() };
  return {
    keeper,
    venue: {
      mic,
      currency: profile.currency ?? accountCurrency,
      flightMsMax,
      submit: (orders, sendBefore) => submit(own, orders, sendBefore),
      lookUp: (orders) => lookUp(own, orders),
      cancel: (orders) => cancel(own, orders),
      reports: ({ after, limit }) => findReports(sql, { venue: mic, after, limit }),
    },
  };
}

/** Called with orders that this process has committed. */
type Listener = (changed: readonly FixOrder[]) => void;

interface Own {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly mic: string;
  readonly listeners: Set<Listener>;
  readonly wake: () => void;
}

async function submit(
  own: Own,
  orders: readonly NewOrder[],
  sendBefore: Date | undefined,
): Promise<readonly SubmitOutcome[]> {
  const { sql, clock, mic: venue } = own;
  const answers = new Answers(own, orders);
  try {
    const fresh = await inTransaction(sql, async (tx) => {
      checkInTime(clock, sendBefore);
      const now = clock.now();
      const { status, reason } = await findSessionState(tx, { venue, now });
      if (status !== 'ready') throw new Error(`the session with ${venue} is ${status}: ${reason}`);
      const queued = await queueOrders(tx, { venue, orders, now });
      checkInTime(clock, sendBefore);
      return queued;
    });
    own.wake();
    await answers.until(orders.filter((order) => fresh.has(keyOf(order))));
    return orders.map((order): SubmitOutcome => {
      if (!fresh.has(keyOf(order))) {
        return { type: 'unknown', reason: 'the client order id was used before' };
      }
      const outcome = outcomeOf(answers.of(order));
      if (outcome.type !== 'not_found') return outcome;
      return { type: 'unknown', reason: 'the venue has not answered yet' };
    });
  } finally {
    answers.close();
  }
}

/**
 * What the venue says about orders that are being submitted: heard at once where this process receives it,
 * looked up where another one does, or where the hint was lost.
 */
class Answers {
  readonly #own: Own;
  readonly #keys: ReadonlySet<string>;
  readonly #answered = new Map<string, FixOrder>();
  readonly #hear: Listener = (changed) => {
    this.#isInformed = true;
    this.#take(changed);
  };
  #open: readonly OrderReference[] | undefined;
  #isInformed = false;
  #onDone: () => void = () => {};

  /** Hears from now on, so that no answer comes too early. */
  constructor(own: Own, orders: readonly OrderReference[]) {
    this.#own = own;
    this.#keys = new Set(orders.map(keyOf));
    own.listeners.add(this.#hear);
  }

  of(order: OrderReference): FixOrder | undefined {
    return this.#answered.get(keyOf(order));
  }

  close(): void {
    this.#own.listeners.delete(this.#hear);
  }

  /** Returns once the venue has spoken about all of them, or when the wait is over. */
  async until(orders: readonly OrderReference[]): Promise<void> {
    const { sql, mic: venue } = this.#own;
    const end = performance.now() + responseMsMax;
    this.#open = orders.filter((order) => this.of(order) === undefined);
    while (this.#open.length > 0 && performance.now() < end) {
      await this.#pause(this.#isInformed ? lookEveryMs.informed : lookEveryMs.usual);
      if (this.#open.length === 0) return;
      this.#take(await findOrders(sql, { venue, orders: this.#open, isAnswered: true }));
    }
  }

  #take(orders: readonly FixOrder[]): void {
    const own = orders.filter((order) => this.#keys.has(keyOf(order)));
    for (const order of own) {
      if (outcomeOf(order).type !== 'not_found') this.#answered.set(keyOf(order), order);
    }
    this.#open = this.#open?.filter((order) => this.of(order) === undefined);
    if (this.#open?.length === 0) this.#onDone();
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onDone = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }
}

function outcomeOf(order: FixOrder | undefined): LookUpOutcome {
  if (order === undefined) return { type: 'not_found' };
  const { rejection, venueOrderId } = order;
  if (rejection !== undefined) {
    return { type: 'rejected', reason: rejection.reason, temporary: rejection.isTemporary };
  }
  if (venueOrderId !== undefined) return { type: 'accepted', venueOrderId };
  // Withdrawn before it was sent: its report says so.
  if (order.status === 'DONE') return { type: 'accepted', venueOrderId: 'NONE' };
  return { type: 'not_found' };
}

async function lookUp(
  { sql, clock, mic: venue, wake }: Own,
  orders: readonly OrderReference[],
): Promise<readonly LookUpOutcome[]> {
  const found = await findOrders(sql, { venue, orders });
  const silent = found.filter(({ status }) => status === 'SENT');
  if (silent.length > 0) {
    await queueStatusRequests(sql, { orders: silent, now: clock.now(), afterMs: askAfterMs });
    wake();
  }
  const byKey = new Map(found.map((order) => [keyOf(order), order]));
  return orders.map((order) => outcomeOf(byKey.get(keyOf(order))));
}

async function cancel(
  own: Own,
  orders: readonly OrderReference[],
): Promise<readonly CancelOutcome[]> {
  const { sql, clock, mic: venue } = own;
  const now = clock.now();
  const outcomes = await inTransaction(sql, async (tx) => {
    const before = await findOrders(tx, { venue, orders });
    const withdrawn = await withdrawOrders(tx, before);
    const found = await findOrders(tx, { venue, orders: before });
    const back = found.filter((order) => withdrawn.has(keyOf(order)));
    if (back.length > 0) {
      const reason = 'cancelled before it was sent';
      const done = back.map((order): FixOrder => ({ ...order, status: 'DONE' }));
      const first = await takeReportNumbers(tx, { venue, count: done.length });
      await updateOrders(tx, done);
      const reports = done.map((order) => {
        const { cumulativeQuantity } = order;
        const event = { type: 'cancelled', reason, cumulativeQuantity } as const;
        return { order, event, transactionAt: now, execId: undefined };
      });
      await insertReports(tx, { venue, first, reports });
    }
    const open = found.filter((order) => order.status !== 'DONE' && !withdrawn.has(keyOf(order)));
    await queueCancels(tx, { orders: open, now, againAfterMs: cancelAgainMs });
    const byKey = new Map(found.map((order) => [keyOf(order), order]));
    return orders.map((order): CancelOutcome => {
      const known = byKey.get(keyOf(order));
      if (known === undefined) return { type: 'not_found' };
      return { type: known.status === 'DONE' ? 'too_late' : 'accepted' };
    });
  });
  own.wake();
  return outcomes;
}
