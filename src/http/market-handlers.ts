// `/tests/market` of the sandbox: shows the simulated market and lets a test change it. The market is
// one for all clients of a sandbox, and every client with the scope may change it; the outcome of an order is
// for its own client only. In live mode there is no such route.

import { isIsin } from '../book/isin.ts';
import type { SqlOrTx, Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { decimal } from '../money.ts';
import { findClientOrderIds } from '../orders/order-store.ts';
import { Refusal } from '../refusal.ts';
import { type Calendar, CalendarError, readCalendar } from '../venue/calendar.ts';
import type { AskedBehaviour } from '../venue/simulated/behaviour.ts';
import {
  controlMarket,
  type MarketCommands,
  type Unfulfilled,
} from '../venue/simulated/control-market.ts';
import type { Forced } from '../venue/simulated/force-order.ts';
import { everyInstrument, simulatedMic } from '../venue/simulated/market-store.ts';
import { jsonBody } from './json-body.ts';
import { type ControlMarketBody, controlMarketBody } from './market-schemas.ts';
import { showMarket } from './market-view.ts';
import { type ChangeOptions, respondOnce } from './once.ts';
import type { Handler } from './pipeline.ts';
import { readerOf, readInstant, readNoQuery } from './schemas.ts';

const readBody = readerOf(controlMarketBody);

export function marketHandlers(options: ChangeOptions) {
  const { sql, clock } = options;
  return {
    show: async (call) => {
      readNoQuery(call.search);
      return { status: 200, body: await bodyAt(sql, clock.now()) };
    },

    control: async (call) => {
      readNoQuery(call.search);
      const body = readBody(jsonBody(call), 'body');
      const commands = commandsIn(body);
      return respondOnce(options, call, (tx, now) => {
        return orUndone(tx, async (part) => {
          const orders = await readOrders(part, call.caller.tenantId, body);
          const unfulfilled = await controlMarket(part, { ...commands, orders }, now);
          if (unfulfilled !== undefined) throw refusalOf(unfulfilled);
          return { status: 200, body: await bodyAt(part, now) };
        });
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type MarketHandlers = ReturnType<typeof marketHandlers>;

async function bodyAt(sql: SqlOrTx, now: Date): Promise<string> {
  return JSON.stringify(await showMarket(sql, now));
}

/** Runs a part of a transaction; what it refuses is undone and returned. */
async function orUndone<T>(tx: Tx, work: (part: Tx) => Promise<T>): Promise<T | Refusal> {
  try {
    return await tx.savepoint(work);
  } catch (error) {
    if (error instanceof Refusal) return error;
    if (error instanceof CalendarError) return refusalOfCalendar(error);
    throw error;
  }
}

/** @throws Refusal `bad_request` */
function commandsIn(body: ControlMarketBody): Omit<MarketCommands, 'orders'> {
  if (Object.keys(body).length === 0)
    throw new Refusal('bad_request', 'The body asks for nothing.');
  const { venue = {}, instruments = [], behaviours = [] } = body;
  return {
    reset: body.reset ?? false,
    seed: body.seed,
    calendar: venue.calendar === undefined ? undefined : calendarOf(venue.calendar),
    trading: venue.trading,
    isReachable: venue.reachable,
    instruments: instruments.map(({ isin, halted: isHalted }, i) => {
      checkIsin(isin, `/instruments/${i}`);
      return { isin, isHalted };
    }),
    behaviours: behaviours.map((wanted, i) => {
      if (wanted.isin !== undefined) checkIsin(wanted.isin, `/behaviours/${i}`);
      return { isin: wanted.isin ?? everyInstrument, asked: askedIn(wanted) };
    }),
    clock: clockIn(body.clock),
  };
}

function checkIsin(isin: string, place: string): void {
  if (!isIsin(isin)) throw new Refusal('bad_request', `${place}/isin is no ISIN.`);
}

/** `{}` is no calendar at all: always open. */
function calendarOf(value: object): Calendar | null {
  if (Object.keys(value).length === 0) return null;
  try {
    return readCalendar(value);
  } catch (error) {
    if (error instanceof CalendarError) throw refusalOfCalendar(error);
    throw error;
  }
}

function refusalOfCalendar({ faults }: CalendarError): Refusal {
  return new Refusal('bad_request', `The calendar is not as it must be: ${faults.join(' ')}`);
}

type AskedFor = NonNullable<ControlMarketBody['behaviours']>[number];

function askedIn(wanted: AskedFor): AskedBehaviour | undefined {
  const { isin: _, one_in: oneIn = 1, ...members } = wanted;
  if (Object.keys(members).length === 0) return undefined;
  return {
    course: wanted.course,
    losesAnswers: wanted.loses_answers,
    repeatsReports: wanted.repeats_reports,
    shufflesReports: wanted.shuffles_reports,
    delaysReportsMs: wanted.delays_reports_ms,
    oneIn,
  };
}

function clockIn(clock: ControlMarketBody['clock']): MarketCommands['clock'] {
  if (clock === undefined) return undefined;
  const { advance_ms: by, advance_to: text } = clock;
  if ((by === undefined) === (text === undefined)) {
    throw new Refusal('bad_request', '/clock has either advance_ms or advance_to.');
  }
  if (by !== undefined) return { by };
  const to = readInstant(text, '/clock/advance_to');
  return to && { to };
}

/** @throws Refusal `not_found` for an order that this client does not have, `conflict` for one unsent. */
async function readOrders(
  tx: Tx,
  tenantId: TenantId,
  { orders = [] }: ControlMarketBody,
): Promise<readonly Forced[]> {
  const orderIds = orders.map((order) => order.order_id);
  const sent = await findClientOrderIds(tx, { tenantId, orderIds, venue: simulatedMic });
  return orders.map(({ order_id: orderId, outcome, quantity }, i): Forced => {
    const clientOrderId = sent.get(orderId.toLowerCase());
    if (clientOrderId === undefined) {
      throw new Refusal('not_found', `/orders/${i}: there is no such order.`);
    }
    if (clientOrderId === null) {
      throw new Refusal('conflict', `/orders/${i}: the order was not sent to the venue yet.`);
    }
    const order = { tenantId, clientOrderId };
    return { order, outcome, quantity: quantity === undefined ? undefined : decimal(quantity) };
  });
}

function refusalOf(unfulfilled: Unfulfilled): Refusal {
  const place = unfulfilled.type === 'order' ? `/orders/${unfulfilled.place}:` : '/clock:';
  const whole = unfulfilled.type === 'order' ? '' : 'the market clock ';
  return new Refusal('conflict', `${place} ${whole}${unfulfilled.reason}. Nothing was changed.`);
}
