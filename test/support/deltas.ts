// Changes positions as the sandbox and the command do: by deltas, each with a reference.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Delta, DeltaType } from '../../src/book/delta.ts';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { AccountId, TenantId } from '../../src/ids.ts';
import { applyDeltas, type DeltaResult } from '../../src/liquidations/apply-deltas.ts';
import { decimal } from '../../src/money.ts';

export interface DeltaDescription {
  readonly type: DeltaType;
  readonly accountId: AccountId;
  readonly isin: string;
  readonly quantity: string;
  /** Default one that nothing else has. */
  readonly reference?: string;
}

export function toDelta({ quantity, reference, ...rest }: DeltaDescription): Delta {
  return { ...rest, quantity: decimal(quantity), reference: reference ?? randomUUID() };
}

/** Sends a set of deltas, in one commit. */
export function sendDeltas(
  { sql, clock, tenantId }: { sql: Sql; clock: Clock; tenantId: TenantId },
  deltas: readonly DeltaDescription[],
): Promise<DeltaResult> {
  const set = { tenantId, deltas: deltas.map(toDelta), now: clock.now() };
  return inTransaction(sql, (tx) => applyDeltas(tx, set));
}

/** Sends a set of deltas that must be applied, none of them for the second time. */
export async function changePositions(
  where: { sql: Sql; clock: Clock; tenantId: TenantId },
  deltas: readonly DeltaDescription[],
): Promise<void> {
  const result = await sendDeltas(where, deltas);
  assert.equal(result.outcome, 'applied');
  assert.ok(result.deltas.every(({ isRepeated }) => !isRepeated));
}
