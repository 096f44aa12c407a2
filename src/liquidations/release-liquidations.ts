// Moves liquidations on: releases NEW ones whose delay is over, the point of no return, and looks
// again at PROCESSING ones without open orders. Both ask `nextStep` and write its answer as one
// commit: orders, holds, the new state and its event. While the venue is closed only liquidations that
// need none are released; the others wait until it opens (decisions, point 2).

import { assert, assertNever } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { recordLiquidationEvents } from '../events/store.ts';
import { type LiquidationId, newId } from '../ids.ts';
import { batchRowsMax, idleLiquidationWaitMs } from '../limits.ts';
import type { PlannedOrder } from '../orders/order.ts';
import type { Venue } from '../venue/venue.ts';
import { type Batch, type BatchStep, batchWorker, type Worker } from '../work/work-batches.ts';
import {
  claimToAdvance,
  claimToRelease,
  claimWhileClosed,
  type DueClaim,
  type DueLiquidation,
  waitForOpening,
} from './due-store.ts';
import {
  endOf,
  type Holding,
  liquidationTransitions,
  type NextStep,
  nextStep,
} from './liquidation.ts';
import { lockHoldings, type Move, moveLiquidations, placeOrders } from './progress-store.ts';

/** When a liquidation that is not flat ends with what was sold (decisions, point 3). */
export interface EndLimits {
  /** Rounds of orders. */
  readonly roundsMax: number;
  /** Market time since its release was due, in ms. */
  readonly ageMsMax: number;
}

/** A worker, and where orders go. */
export interface Mover extends Worker {
  readonly venue: Pick<Venue, 'mic'>;
}

/**
 * One turn: releases due NEW liquidations of the next tenant; while the venue is closed, those that
 * have nothing to sell there. @returns how many it has released or left until the venue opens.
 */
export function liquidationReleaser(mover: Mover, limits: EndLimits): () => Promise<number> {
  const release = stepOverTenants(mover, {
    step: 'release',
    claim: claimToRelease,
    work: (tx, batch) => moveOn(tx, mover, batch, limits),
  });
  const releaseWhileClosed = stepOverTenants(mover, {
    step: 'release',
    claim: claimWhileClosed,
    work: (tx, batch) => endOrWait(tx, mover, batch, limits),
  });
  return async () => (await release()) || releaseWhileClosed();
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
    claim: (tx, due) => claim(tx, { ...due, venue: mover.venue.mic }),
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

/** Ends what has nothing to sell; the rest needs the venue and waits until it opens. */
async function endOrWait(tx: Tx, mover: Mover, batch: DueBatch, limits: EndLimits): Promise<void> {
  const plans = await planAll(tx, mover, batch, limits);
  const isWaiting = ({ move }: Plan) => move.to.status === 'PROCESSING';
  const ends = plans.filter((plan) => !isWaiting(plan));
  if (ends.length > 0) await carryOut(tx, batch, ends);
  const liquidationIds = plans.filter(isWaiting).map(({ move }) => move.liquidationId);
  await waitForOpening(tx, { tenantId: batch.tenantId, liquidationIds });
}

async function planAll(
  tx: Tx,
  mover: Mover,
  { tenantId, rows: due }: DueBatch,
  limits: EndLimits,
): Promise<readonly Plan[]> {
  const liquidationIds = due.map((liquidation) => liquidation.liquidationId);
  const { mic: venue } = mover.venue;
  const holdings = await lockHoldings(tx, { tenantId, liquidationIds, venue });
  return due.map((liquidation) => planFor(liquidation, holdings, limits));
}

async function carryOut(
  tx: Tx,
  { tenantId, now }: Pick<DueBatch, 'tenantId' | 'now'>,
  plans: readonly Plan[],
): Promise<void> {
  const orders = plans.flatMap((plan) => plan.orders);
  const moves = plans.map((plan) => plan.move);
  if (orders.length > 0) await placeOrders(tx, { tenantId, orders, now });
  const moved = await moveLiquidations(tx, { tenantId, moves, waitMs: idleLiquidationWaitMs, now });
  assert(moved === moves.length, 'a claimed liquidation stays as it was claimed');
  const changed = moves.filter((move) => move.from !== move.to.status);
  const liquidationIds = changed.map((move) => move.liquidationId);
  await recordLiquidationEvents(tx, { tenantId, liquidationIds, now });
}

interface Plan {
  readonly move: Move;
  readonly orders: readonly PlannedOrder[];
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
      const orders = step.sales.map(({ isin, quantity }) => {
        return { orderId: newId<'order'>(), liquidationId, accountId, isin, round, quantity };
      });
      return { move: { liquidationId, from, to: runningOn(orders.length) }, orders };
    }
    case 'wait':
      return { move: { liquidationId, from, to: runningOn(0) }, orders: [] };
    case 'end':
      return { move: { liquidationId, from, to: endOf(from, step.reason) }, orders: [] };
    default:
      return assertNever(step);
  }
}

function runningOn(openOrders: number): Move['to'] {
  return { status: liquidationTransitions.NEW.released, openOrders };
}
