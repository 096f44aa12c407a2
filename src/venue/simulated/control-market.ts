// What tests may do to the simulated market: the commands of one request are one commit. The market is one for
// all who trade on it; only the outcome of an order is a matter of its sender.

import type { Tx } from '../../db/connect.ts';
import type { Calendar } from '../calendar.ts';
import { type Announced, announceHalt, announceStatus, setCalendar } from '../calendar-store.ts';
import { type AskedBehaviour, sandboxInstruments } from './behaviour.ts';
import {
  advanceClock,
  askBehaviour,
  findClockOffset,
  forgetBehaviour,
  resetMarket,
  setDown,
  setSeed,
} from './control-store.ts';
import { endOrders } from './end-orders.ts';
import { type Forced, forceOrder } from './force-order.ts';
import { findAskedBehaviours, findMarket, simulatedMic } from './market-store.ts';
import { findWorkingOrders, lockSession } from './order-state-store.ts';
import { marketHasClosed } from './schedule.ts';

/** What a test asks for; what is undefined stays as it is. Carried out in this order. */
export interface MarketCommands {
  /** Forgets all earlier commands but those about clock, calendar and orders. */
  readonly reset: boolean;
  readonly seed: string | undefined;
  /** `null`: always open. */
  readonly calendar: Calendar | null | undefined;
  readonly trading: 'open' | 'closed' | 'calendar' | undefined;
  readonly isReachable: boolean | undefined;
  readonly instruments: readonly { readonly isin: string; readonly isHalted: boolean }[];
  /** An undefined behaviour: as usual again. */
  readonly behaviours: readonly {
    readonly isin: string;
    readonly asked: AskedBehaviour | undefined;
  }[];
  readonly orders: readonly Forced[];
  readonly clock: { readonly by: number } | { readonly to: Date } | undefined;
}

/** Why a command cannot be carried out, and its place among the orders. */
export type Unfulfilled =
  | { readonly type: 'order'; readonly place: number; readonly reason: string }
  | { readonly type: 'clock'; readonly reason: string };

/** The furthest a market clock may be ahead: a hundred years, in ms. */
const offsetMsMax = 100 * 366 * 86_400_000;

/** Orders ended by one statement when trading stops. */
const endedAtOnceMax = 10_000;

/**
 * Carries out commands at an instant of the wall clock. @returns why it cannot; the caller undoes then what
 * was done. @throws CalendarError
 */
export async function controlMarket(
  tx: Tx,
  commands: MarketCommands,
  now: Date,
): Promise<Unfulfilled | undefined> {
  await lockSession(tx);
  if (commands.reset) await resetMarket(tx);
  if (commands.seed !== undefined) await setSeed(tx, commands.seed);
  if (commands.isReachable !== undefined) await setDown(tx, !commands.isReachable);
  await trade(tx, commands, now);
  for (const { isin, asked } of commands.behaviours) {
    if (asked === undefined) await forgetBehaviour(tx, isin);
    else await askBehaviour(tx, isin, asked);
  }
  const { at } = await findMarket(tx, now);
  for (const [place, forced] of commands.orders.entries()) {
    const reason = await forceOrder(tx, forced, at);
    if (reason !== undefined) return { type: 'order', place, reason };
  }
  return commands.clock === undefined ? undefined : moveClock(tx, commands.clock, now);
}

/** Calendar, announcements and halts; what is working when trading stops is suspended. */
async function trade(tx: Tx, commands: MarketCommands, now: Date): Promise<void> {
  const { calendar, trading, instruments } = commands;
  if (calendar !== undefined) await setCalendar(tx, simulatedMic, calendar ?? undefined);
  if (trading !== undefined) {
    const announced: Announced = trading === 'calendar' ? undefined : trading;
    await announceStatus(tx, simulatedMic, announced);
  }
  const { at, isOpen } = await findMarket(tx, now);
  if (!isOpen) {
    const without = await findIsinsOfFixing(tx);
    await suspendWorking(tx, { isin: undefined, without, at, reason: marketHasClosed });
  }
  for (const { isin, isHalted } of instruments) {
    await announceHalt(tx, { venue: simulatedMic, isin, isHalted, at });
    const reason = 'trading in the instrument is halted';
    if (isHalted) await suspendWorking(tx, { isin, without: [], at, reason });
  }
}

/** Instruments whose orders are collected for the fixing, open or not. */
async function findIsinsOfFixing(tx: Tx): Promise<readonly string[]> {
  const asked = await findAskedBehaviours(tx);
  const own = Object.entries(sandboxInstruments).flatMap(([isin, { behaviour }]) => {
    return behaviour.course === 'once_a_day' ? isin : [];
  });
  const chosen = [...asked].flatMap(([isin, { course }]) => (course === 'once_a_day' ? isin : []));
  return [...own, ...chosen];
}

async function suspendWorking(
  tx: Tx,
  which: { isin: string | undefined; without: readonly string[]; at: Date; reason: string },
): Promise<void> {
  const { at, reason } = which;
  const end = { type: 'suspended', reason } as const;
  for (;;) {
    const orders = await findWorkingOrders(tx, { ...which, limit: endedAtOnceMax });
    await endOrders(tx, { orders, end, at });
    if (orders.length < endedAtOnceMax) return;
  }
}

async function moveClock(
  tx: Tx,
  clock: { by: number } | { to: Date },
  now: Date,
): Promise<Unfulfilled | undefined> {
  const offsetMs = await findClockOffset(tx);
  const target = 'by' in clock ? offsetMs + clock.by : clock.to.getTime() - now.getTime();
  if (target > offsetMsMax) return { type: 'clock', reason: 'cannot be more than 100 years ahead' };
  const moved = await advanceClock(tx, 'by' in clock ? clock : { ...clock, now });
  if (moved) return undefined;
  const at = new Date(now.getTime() + offsetMs).toISOString();
  return { type: 'clock', reason: `is at ${at} and never goes back` };
}
