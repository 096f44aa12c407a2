// Cancels a liquidation that nothing of was sold yet. Cancel and release change the same row under
// the same guard (status NEW), so exactly one of them wins.

import { assertNever } from '../assert.ts';
import type { SignatureUse } from '../auth/signature-use.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type AccountId, type LiquidationId, newId, type TenantId } from '../ids.ts';
import { overtakenTriesMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Act } from '../trail/act.ts';
import { type CancellationRow, cancelNewLiquidation } from './store.ts';

export interface CancelRequest {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly liquidationId: LiquidationId;
  readonly signature: SignatureUse;
  readonly act: Act | undefined;
}

/**
 * Cancels a NEW liquidation with one CANCELLED event. Idempotent: repeating it changes nothing and
 * succeeds (decisions, point 4).
 *
 * @throws Refusal `unauthorized` (signature used before), `not_found`, `conflict` naming the state.
 */
export async function cancelLiquidation(
  sql: Sql,
  clock: Clock,
  request: CancelRequest,
): Promise<void> {
  for (let tries = 1; tries <= overtakenTriesMax; tries += 1) {
    const cancellation = {
      ...request,
      eventId: newId<'event'>(),
      now: clock.now(),
      signatureIsNew: tries === 1,
    };
    const row = await cancelNewLiquidation(sql, cancellation);
    if (row !== undefined && isSettled(row)) return;
  }
  throw new Refusal('conflict', 'The liquidation is being changed by others; try again.', {
    headers: { 'retry-after': '1' },
  });
}

/** True when it is cancelled; false when it changed under the statement and has to be read again. */
function isSettled(row: CancellationRow): boolean {
  if (row.signature_replayed) throw new Refusal('unauthorized', 'This signature was used before.');
  if (row.cancelled) return true;
  switch (row.status) {
    case null:
      throw new Refusal('not_found', 'There is no such liquidation of this account.');
    case 'NEW':
      return false;
    case 'CANCELLED':
      if (row.end_reason === 'client') return true;
      throw tooLate(row.status);
    case 'PROCESSING':
    case 'FILLED':
    case 'SETTLED':
      throw tooLate(row.status);
    default:
      return assertNever(row.status);
  }
}

function tooLate(status: string): Refusal {
  return new Refusal('conflict', `Only a NEW liquidation can be cancelled; this one is ${status}.`);
}
