// Moves liquidations on: releases NEW ones whose delay is over, the point of no return, and looks
// again at PROCESSING ones without open orders. Both ask `nextStep` and write its answer as one
// commit: orders, holds, the new state and its event.

import { assert, assertNever } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { recordLiquidationEvents } from '../events/store.ts';
import { type LiquidationId, newId, type TenantId } from '../ids.ts';
import { batchRowsMax, idleLiquidationWaitMs, liquidationAgeMsMax, roundsMax } from '../limits.ts';
import { Turn } from '../turn.ts';
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
  type DueClaim,
  type DueLiquidation,
  insertOrders,
  lockHoldings,
  type Move,
  moveLiquidations,
} from './progress-store.ts';

type Claim = (tx: Tx, claim: DueClaim) => Promise<readonly DueLiquidation[]>;

/** One turn: releases due NEW liquidations of the next tenant. @returns how many. */
export function liquidationReleaser(sql: Sql, clock: Clock): () => Promise<number> {
  return stepOverTenants(sql, clock, claimToRelease);
}

/** One turn: moves idle PROCESSING liquidations of the next tenant on. @returns how many. */
export function liquidationAdvancer(sql: Sql, clock: Clock): () => Promise<number> {
  return stepOverTenants(sql, clock, claimToAdvance);
}

function stepOverTenants(sql: Sql, clock: Clock, claim: Claim): () => Promise<number> {
  const turn = new Turn();
  return () =>
    inTransaction(sql, async (tx) => {
      const now = clock.now();
      const due = await turn.next((after) => claim(tx, { after, now, limit: batchRowsMax }));
      const [one] = due;
      if (one !== undefined) await moveOn(tx, { tenantId: one.tenantId, due, now });
      return due.length;
    });
}

interface Batch {
  readonly tenantId: TenantId;
  readonly due: readonly DueLiquidation[];
  readonly now: Date;
}

async function moveOn(tx: Tx, { tenantId, due, now }: Batch): Promise<void> {
  const ids = due.map((liquidation) => liquidation.liquidationId);
  const holdings = await lockHoldings(tx, tenantId, ids);
  const plans = due.map((liquidation) => planFor(liquidation, holdings));
  const orders = plans.flatMap((plan) => plan.orders);
  const moves = plans.map((plan) => plan.move);
  if (orders.length > 0) await insertOrders(tx, { tenantId, orders, now });
  const moved = await moveLiquidations(tx, { tenantId, moves, waitMs: idleLiquidationWaitMs, now });
  assert(moved === moves.length, 'a claimed liquidation stays as it was claimed');
  const changed = moves.filter((move) => move.from !== move.to.status);
  const liquidationIds = changed.map((move) => move.liquidationId);
  await recordLiquidationEvents(tx, { tenantId, liquidationIds, now });
}

interface Plan {
  readonly move: Move;
  readonly orders: readonly NewOrder[];
}

function planFor(
  liquidation: DueLiquidation,
  holdings: ReadonlyMap<LiquidationId, readonly Holding[]>,
): Plan {
  const exhausted = liquidation.rounds >= roundsMax || liquidation.ageMs >= liquidationAgeMsMax;
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
