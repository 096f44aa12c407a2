// Applies deltas to positions: credits, locks and unlocks, in one commit, all or none. This is how
// positions change while a liquidation runs on their account; a snapshot is refused then. What
// becomes sellable by it gets a further order (decisions, point 3): a liquidation that waits is
// looked at again at once, one with open orders as soon as they are final.

import { assertNever } from '../assert.ts';
import { type Delta, type DeltaRefusal, judgeDeltas } from '../book/delta.ts';
import {
  findDeltas,
  findInstruments,
  lockAccounts,
  lockPositions,
  writeDeltas,
} from '../book/delta-store.ts';
import type { Tx } from '../db/connect.ts';
import { newId, type TenantId } from '../ids.ts';
import { plain } from '../money.ts';
import { followDeltas, lockRunningLiquidations } from './progress-store.ts';

export interface DeltaSet {
  readonly tenantId: TenantId;
  /** In the order in which they happened. */
  readonly deltas: readonly Delta[];
  readonly now: Date;
}

/** What became of a set; with a refusal nothing of it was applied. */
export type DeltaResult =
  | { readonly outcome: 'applied'; readonly deltas: readonly AppliedDelta[] }
  | { readonly outcome: 'refused'; readonly refusals: readonly RefusedDelta[] };

export interface AppliedDelta {
  readonly delta: Delta;
  /** True when this delta had been applied before: it has changed nothing now. */
  readonly isRepeated: boolean;
}

export interface RefusedDelta {
  /** In the set, counted from 0. */
  readonly place: number;
  readonly refusal: DeltaRefusal;
  /** For people. */
  readonly reason: string;
}

/**
 * Applies a set of deltas in the caller's transaction. Idempotent by reference: the same delta again
 * changes nothing; another under a known reference is refused.
 */
export async function applyDeltas(
  tx: Tx,
  { tenantId, deltas, now }: DeltaSet,
): Promise<DeltaResult> {
  const accounts = [...new Set(deltas.map((delta) => delta.accountId))];
  const isins = [...new Set(deltas.map((delta) => delta.isin))];
  const accountIds = await lockAccounts(tx, tenantId, accounts);
  await lockRunningLiquidations(tx, tenantId, accounts);
  const { refusals, repeated, changes } = judgeDeltas(deltas, {
    accountIds,
    positions: await lockPositions(tx, tenantId, deltas),
    isins: await findInstruments(tx, tenantId, isins),
    known: await findDeltas(
      tx,
      tenantId,
      deltas.map((delta) => delta.reference),
    ),
  });
  if (refusals.length > 0) {
    return {
      outcome: 'refused',
      refusals: refusals.map((one) => ({ ...one, reason: reasonOf(one.refusal) })),
    };
  }
  const fresh = deltas
    .filter((_, place) => !repeated.has(place))
    .map((delta) => ({ ...delta, movementId: newId<'movement'>() }));
  if (fresh.length > 0) {
    await writeDeltas(tx, { tenantId, deltas: fresh, changes, now });
    const changed = [...new Set(fresh.map((delta) => delta.accountId))];
    await followDeltas(tx, { tenantId, accountIds: changed, now });
  }
  return {
    outcome: 'applied',
    deltas: deltas.map((delta, place) => ({ delta, isRepeated: repeated.has(place) })),
  };
}

function reasonOf(refusal: DeltaRefusal): string {
  switch (refusal.type) {
    case 'account_unknown':
      return 'account_id: this client has no such account';
    case 'instrument_unknown':
      return 'isin: this client has no such instrument';
    case 'reference_used':
      return 'reference: it was used for another delta';
    case 'more_than_locked':
      return `quantity: only ${plain(refusal.locked)} is locked`;
    case 'more_than_free':
      return `quantity: only ${plain(refusal.free)} is neither locked nor being sold`;
    default:
      return assertNever(refusal);
  }
}
