// Moves liquidations on: releases NEW ones whose delay is over, the point of no return, and looks
// again at PROCESSING ones without open orders. Both ask `nextStep` and write its answer as one
// commit: orders, holds, the new state and its event.

import { assert, assertNever } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { recordLiquidationEvents } from '../events/store.ts';
import { type LiquidationId, newId } from '../ids.ts';
import { batchRowsMax, idleLiquidationWaitMs } from '../limits.ts';
import { type Batch, type BatchStep, batchWorker, type Worker } from '../parked/work-batches.ts';
import {
  endOf,
  type Holding,
  liquidationTransitions,
  type NewOrder,
  type NextStep,
  nextStep,
} from './liquidation.ts';
import {
  claimToAdvance,
  claimToRelease,
  type DueLiquidation,
  insertOrders,
  lockHoldings,
  type Move,
  moveLiquidations,
} from './progress-store.ts';

/** When a liquidation that is not flat ends with what was sold (decisions, point 3). */
export interface EndLimits {
  /** Rounds of orders. */
  readonly roundsMax: number;
  /** Market time since its release was due, in ms. */
  readonly ageMsMax: number;
}

/** One turn: releases due NEW liquidations of the next tenant. @returns how many. */
export function liquidationReleaser(worker: Worker, limits: EndLimits): () => Promise<number> {
  return stepOverTenants(worker, limits, { step: 'release', claim: claimToRelease });
}

/** One turn: moves idle PROCESSING liquidations of the next tenant on. @returns how many. */
export function liquidationAdvancer(worker: Worker, limits: EndLimits): () => Promise<number> {
  return stepOverTenants(worker, limits, { step: 'advance', claim: claimToAdvance });
}

function stepOverTenants(
  worker: Worker,
  limits: EndLimits,
  which: Pick<BatchStep<DueLiquidation, never>, 'step' | 'claim'>,
): () => Promise<number> {
  const turn = batchWorker(worker, {
    ...which,
    limit: batchRowsMax,
    subjectOf: (due) => due.liquidationId,
    work: (tx, batch) => moveOn(tx, batch, limits),
  });
  return async () => (await turn()).count;
}

async function moveOn(
  tx: Tx,
  { tenantId, rows: due, now }: Batch<DueLiquidation>,
  limits: EndLimits,
): Promise<readonly never[]> {
  const ids = due.map((liquidation) => liquidation.liquidationId);
  const holdings = await lockHoldings(tx, tenantId, ids);
  const plans = due.map((liquidation) => planFor(liquidation, holdings, limits));
  const orders = plans.flatMap((plan) => plan.orders);
  const moves = plans.map((plan) => plan.move);
  if (orders.length > 0) await insertOrders(tx, { tenantId, orders, now });
  const moved = await moveLiquidations(tx, { tenantId, moves, waitMs: idleLiquidationWaitMs, now });
  assert(moved === moves.length, 'a claimed liquidation stays as it was claimed');
  const changed = moves.filter((move) => move.from !== move.to.status);
  const liquidationIds = changed.map((move) => move.liquidationId);
  await recordLiquidationEvents(tx, { tenantId, liquidationIds, now });
  return [];
}

interface Plan {
  readonly move: Move;
  readonly orders: readonly NewOrder[];
}

function planFor(
  liquidation: DueLiquidation,
  holdings: ReadonlyMap<LiquidationId, readonly Holding[]>,
  { roundsMax, ageMsMax }: EndLimits,
): Plan {
  const exhausted = liquidation.rounds >= roundsMax || liquidation.ageMs >= ageMsMax;
  return planOf(liquidation, nextStep(holdings.get(liquidation.liquidationId) ?? [], exhausted));
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
