// Moves liquidations on: releases NEW ones whose delay is over, the point of no return, and looks
// again at PROCESSING ones without open orders. Both ask `nextStep` and write its answer as one
// commit: orders, holds, the new state and its event. One that needs only venues that are closed is not
// released, and waits until one of them opens (decisions, point 2). Once it is released, each of its orders
// waits for its own venue.

import { assert, assertNever } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { recordLiquidationEvents } from '../events/store.ts';
import { type LiquidationId, newId } from '../ids.ts';
import {
  batchRowsMax,
  idleLiquidationWaitMs,
  rateAgeMsMax as usualRateAgeMsMax,
} from '../limits.ts';
import type { PlannedOrder } from '../orders/order.ts';
import { findDuty } from '../reservations/duty-store.ts';
import type { Question, ReservationId } from '../reservations/reservation.ts';
import {
  closeReservations,
  findReserved,
  insertReservations,
  type Reserved,
  useReservations,
} from '../reservations/reservations-store.ts';
import { findOpenVenues } from '../venue/calendar-store.ts';
import type { TradingVenue } from '../venue/venue.ts';
import { type Batch, type BatchStep, batchWorker, type Worker } from '../work/work-batches.ts';
import {
  claimToAdvance,
  claimToRelease,
  claimWhileClosed,
  type DueClaim,
  type DueLiquidation,
  endAllVenueWaits,
  endVenueWaits,
  type LiquidationKey,
  type VenueWait,
  waitForOpening,
} from './due-store.ts';
import { lockHoldings } from './holdings-store.ts';
import {
  endOf,
  type Holding,
  liquidationTransitions,
  type NextStep,
  nextStep,
  reservedStep,
  venuesNeeded,
} from './liquidation.ts';
import { type Move, moveLiquidations, placeOrders } from './progress-store.ts';
import { awaitReservations } from './reservation-waits-store.ts';

/** When a liquidation that is not flat ends with what was sold (decisions, point 3). */
export interface EndLimits {
  /** Rounds of orders. */
  readonly roundsMax: number;
  /** Market time since its release was due, in ms. */
  readonly ageMsMax: number;
}

/** A worker, and where orders go: the first venue that suits. */
export interface Mover extends Worker {
  readonly venues: readonly TradingVenue[];
  /** How old a rate may be, in ms of market time. Default as in limits.ts. */
  readonly rateAgeMsMax?: number | undefined;
}

/**
 * One turn: releases due NEW liquidations of the next tenant; while a venue is closed, those that do not
 * need it. @returns how many it has released, or left until a venue opens.
 */
export function liquidationReleaser(mover: Mover, limits: EndLimits): () => Promise<number> {
  const release = stepOverTenants(mover, {
    step: 'release',
    claim: claimToRelease,
    work: (tx, batch) => moveOn(tx, mover, batch, limits),
  });
  const releaseSome = stepOverTenants(mover, {
    step: 'release',
    claim: claimWhileClosed,
    work: (tx, batch) => releaseOrWait(tx, mover, batch, limits),
  });
  const endWaits = venueWaitsEnder(mover);
  return async () => (await release()) || (await endWaits()) || releaseSome();
}

/** What waits for a venue is looked for when another one is open than before, and every so many ms. */
const lookForWaitsMs = 10_000;

/**
 * One turn: ends the wait for venues that are open while others are not; and at first, and every
 * `idleLiquidationWaitMs.longest`, all waits: what a liquidation needs changes by imports, the end of a halt
 * and the venues file. With a single venue there is none to end: while it is open all is released.
 * @returns 0 when there was none.
 */
function venueWaitsEnder({ sql, clock, venues }: Mover): () => Promise<number> {
  let seen: { readonly open: string; readonly at: number } | undefined;
  let allFrom = 0;
  let last: LiquidationKey | undefined;
  return async () => {
    if (venues.length === 1) return 0;
    const now = clock.now();
    const open = await findOpenVenues(sql, { venues: micsOf(venues), now });
    if (open.length === 0) return 0;
    // Once over all by their keys: another process sets some aside again meanwhile.
    if (now.getTime() >= allFrom) {
      const pass = allFrom;
      const reached = await endAllVenueWaits(sql, { after: last, limit: batchRowsMax });
      // A turn beside this one may have found the end already.
      if (pass === allFrom) last = reached;
      if (reached !== undefined) return 1;
      allFrom = now.getTime() + idleLiquidationWaitMs.longest;
    }
    const isSame = seen?.open === open.join() && now.getTime() - seen.at < lookForWaitsMs;
    if (isSame) return 0;
    const ended = await endVenueWaits(sql, { venues: open, limit: batchRowsMax });
    if (ended < batchRowsMax) seen = { open: open.join(), at: now.getTime() };
    return ended;
  };
}

function micsOf(venues: readonly TradingVenue[]): readonly string[] {
  return venues.map(({ mic }) => mic);
}

/** One turn: moves idle PROCESSING liquidations of the next tenant on. @returns how many. */
export function liquidationAdvancer(mover: Mover, limits: EndLimits): () => Promise<number> {
  return stepOverTenants(mover, {
    step: 'advance',
    claim: claimToAdvance,
    work: (tx, batch) => moveOn(tx, mover, batch, limits),
  });
}

type DueBatch = Batch<DueLiquidation>;

function stepOverTenants(
  mover: Mover,
  which: Pick<BatchStep<DueLiquidation, never>, 'step'> & {
    claim: (tx: Tx, claim: DueClaim) => Promise<readonly DueLiquidation[]>;
    work: (tx: Tx, batch: DueBatch) => Promise<void>;
  },
): () => Promise<number> {
  const { step, claim, work } = which;
  const turn = batchWorker<DueLiquidation>(mover, {
    step,
    claim: (tx, due) => claim(tx, { ...due, venues: micsOf(mover.venues) }),
    limit: batchRowsMax,
    subjectOf: (due) => due.liquidationId,
    work: async (tx, batch) => {
      await work(tx, batch);
      return [];
    },
  });
  return async () => (await turn()).count;
}

/** Takes claimed liquidations without open orders to what comes next, each with its event. */
export async function moveOn(
  tx: Tx,
  mover: Mover,
  batch: DueBatch,
  limits: EndLimits,
): Promise<void> {
  await carryOut(tx, batch, await planAll(tx, mover, batch, limits));
}

/** Ends what has nothing to sell, and releases what needs a venue that is open; the rest waits for one. */
async function releaseOrWait(
  tx: Tx,
  mover: Mover,
  batch: DueBatch,
  limits: EndLimits,
): Promise<void> {
  const plans = await planAll(tx, mover, batch, limits);
  const venues = micsOf(mover.venues);
  const open = new Set(await findOpenVenues(tx, { venues, now: batch.now }));
  const going: Plan[] = [];
  const waits: VenueWait[] = [];
  for (const plan of plans) {
    const needed = venuesNeeded(plan.step, venues);
    if (needed === undefined || needed.some((venue) => open.has(venue))) going.push(plan);
    else waits.push({ liquidationId: plan.move.liquidationId, venues: needed });
  }
  if (going.length > 0) await carryOut(tx, batch, going);
  await waitForOpening(tx, { tenantId: batch.tenantId, waits });
}

async function planAll(
  tx: Tx,
  mover: Mover,
  { tenantId, rows: due, now }: DueBatch,
  limits: EndLimits,
): Promise<readonly Plan[]> {
  const liquidationIds = due.map((liquidation) => liquidation.liquidationId);
  const { venues, rateAgeMsMax = usualRateAgeMsMax } = mover;
  const which = { tenantId, liquidationIds, venues, rateAgeMsMax, now };
  const holdings = await lockHoldings(tx, which);
  const duty = await findDuty(tx);
  if (duty === 'none') return due.map((liquidation) => planFor(liquidation, holdings, limits));
  const reserved = await findReserved(tx, { tenantId, liquidationIds });
  if (duty === 'ended') {
    return due.map((liquidation) => {
      const closes = reserved.get(liquidation.liquidationId)?.open ?? [];
      return { ...planFor(liquidation, holdings, limits), closes };
    });
  }
  return due.map((liquidation) => planReserved(liquidation, holdings, limits, reserved));
}

async function carryOut(
  tx: Tx,
  { tenantId, now }: Pick<DueBatch, 'tenantId' | 'now'>,
  plans: readonly Plan[],
): Promise<void> {
  await settleReservations(tx, { tenantId, now }, plans);
  const moving = plans.filter((plan) => plan.asks === undefined);
  if (moving.length === 0) return;
  const orders = moving.flatMap((plan) => plan.orders);
  const moves = moving.map((plan) => plan.move);
  if (orders.length > 0) await placeOrders(tx, { tenantId, orders, now });
  const moved = await moveLiquidations(tx, { tenantId, moves, waitMs: idleLiquidationWaitMs, now });
  assert(moved === moves.length, 'a claimed liquidation stays as it was claimed');
  const changed = moves.filter((move) => move.from !== move.to.status);
  const liquidationIds = changed.map((move) => move.liquidationId);
  await recordLiquidationEvents(tx, { tenantId, liquidationIds, now });
}

/** What the plans do with reservations: those that are over are closed, one is used, another is asked for. */
async function settleReservations(
  tx: Tx,
  { tenantId, now }: Pick<DueBatch, 'tenantId' | 'now'>,
  plans: readonly Plan[],
): Promise<void> {
  const reservationIds = plans.flatMap((plan) => plan.closes ?? []);
  await closeReservations(tx, { tenantId, reservationIds, now });
  await useReservations(tx, { tenantId, used: plans.flatMap((plan) => plan.uses ?? []) });
  const questions = plans.flatMap(({ asks }) => {
    return asks === undefined ? [] : [{ ...asks, tenantId, reservationId: newId<'reservation'>() }];
  });
  if (questions.length === 0) return;
  await insertReservations(tx, { tenantId, questions, now });
  const liquidationIds = questions.map(({ liquidationId }) => liquidationId);
  await awaitReservations(tx, { tenantId, liquidationIds });
}

interface Plan {
  readonly step: NextStep;
  readonly move: Move;
  readonly orders: readonly PlannedOrder[];
  /** Nothing moves: first this is asked of the keeper. */
  readonly asks?: Pick<Question, 'liquidationId' | 'accountId' | 'positions'>;
  readonly uses?: { readonly reservationId: ReservationId; readonly round: number };
  readonly closes?: readonly ReservationId[];
}

/** The same where nothing is sold that is not granted. */
function planReserved(
  liquidation: DueLiquidation,
  holdings: ReadonlyMap<LiquidationId, readonly Holding[]>,
  { roundsMax, ageMsMax }: EndLimits,
  reserved: ReadonlyMap<LiquidationId, Reserved>,
): Plan {
  const { liquidationId, accountId, rounds, stopReason } = liquidation;
  const exhausted = rounds >= roundsMax || liquidation.ageMs >= ageMsMax;
  const { open = [], unused, withheld } = reserved.get(liquidationId) ?? {};
  const held = (holdings.get(liquidationId) ?? []).map((holding) => {
    return { ...holding, withheld: withheld?.get(holding.isin) };
  });
  const next = reservedStep(held, { exhausted, stopReason, granted: unused?.granted });
  const plan = planOf(liquidation, next.step);
  if (next.type === 'uses' && unused !== undefined) {
    const { reservationId } = unused;
    const uses = { reservationId, round: rounds + 1 };
    return { ...plan, uses, closes: open.filter((id) => id !== reservationId) };
  }
  if (next.step.type !== 'sell') return { ...plan, closes: open };
  const positions = next.step.sales.map(({ isin, quantity }) => ({ isin, quantity }));
  return { ...plan, asks: { liquidationId, accountId, positions }, closes: open };
}

function planFor(
  liquidation: DueLiquidation,
  holdings: ReadonlyMap<LiquidationId, readonly Holding[]>,
  { roundsMax, ageMsMax }: EndLimits,
): Plan {
  const exhausted = liquidation.rounds >= roundsMax || liquidation.ageMs >= ageMsMax;
  const held = holdings.get(liquidation.liquidationId) ?? [];
  return planOf(liquidation, nextStep(held, exhausted, liquidation.stopReason));
}

function planOf(liquidation: DueLiquidation, step: NextStep): Plan {
  const { liquidationId, accountId, status: from, rounds } = liquidation;
  switch (step.type) {
    case 'sell': {
      const round = rounds + 1;
      const orders = step.sales.map(({ isin, quantity, route }): PlannedOrder => {
        const orderId = newId<'order'>();
        return { orderId, liquidationId, accountId, isin, round, quantity, ...route };
      });
      return { step, move: { liquidationId, from, to: runningOn(orders.length) }, orders };
    }
    case 'wait':
      return { step, move: { liquidationId, from, to: runningOn(0) }, orders: [] };
    case 'end':
      return {
        step,
        move: { liquidationId, from, to: endOf(from, step.reason), note: step.note },
        orders: [],
      };
    default:
      return assertNever(step);
  }
}

function runningOn(openOrders: number): Move['to'] {
  return { status: liquidationTransitions.NEW.released, openOrders };
}
