// A second person agrees to what waits for one, which is done in the same commit, or declines it: the lift of a halt,
// the start of a batch. Of two that decide the same, one decides. Locks: the approval, then the halt or the batch.

import {
  type Approval,
  type Asker,
  grownText,
  hasGrown,
  isSamePerson,
  totalOf,
} from '../approvals/approval.ts';
import { findHeld, lockOpen, markDecided } from '../approvals/approvals-store.ts';
import { assert, assertNever } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { findHalt } from '../halts/halts-store.ts';
import { liftHalt } from '../liquidations/lift-halt.ts';
import type { Decimal } from '../money.ts';
import { findValueOfBatch } from './account-store.ts';
import { type Batch, batchTransitions } from './batch.ts';
import { lockBatch } from './batch-store.ts';
import { move } from './start-batches.ts';

export interface Decision {
  readonly as: 'approved' | 'declined';
  readonly by: Asker;
  readonly reason: string;
  readonly at: Date;
}

export type Decided =
  | { readonly as: 'decided'; readonly approval: Approval }
  /** Who has asked cannot decide. */
  | { readonly as: 'same_person' }
  /** It is not pending any more: decided, expired, or void. */
  | { readonly as: 'over' }
  /** It is worth far more than when it was asked for. */
  | { readonly as: 'grown'; readonly why: string };

/**
 * Approves or declines. A refusal has changed nothing. What is worth far more than when it was asked for can only be
 * declined: the second person agrees to what was asked for.
 */
export async function decideApproval(
  tx: Tx,
  approval: Approval,
  decision: Decision,
): Promise<Decided> {
  if (isSamePerson(approval.asker, decision.by)) return { as: 'same_person' };
  if (!(await lockOpen(tx, approval, decision.at))) return { as: 'over' };
  const refused = await carryOut(tx, approval, decision);
  if (refused !== undefined) return refused;
  const decided = await markDecided(tx, approval, decision);
  assert(decided !== undefined, 'an approval that is locked open can be decided');
  return { as: 'decided', approval: decided };
}

/** @returns why it is not decided; undefined: it is done. */
async function carryOut(
  tx: Tx,
  approval: Approval,
  decision: Decision,
): Promise<Exclude<Decided, { as: 'decided' }> | undefined> {
  const { tenantId, command } = approval;
  const isApproved = decision.as === 'approved';
  const grown = (now: Decimal | undefined) => {
    return { as: 'grown', why: grownText(approval, now) } as const;
  };
  switch (command.operation) {
    case 'lift_halt': {
      const halt = await findHalt(tx, { tenantId, haltId: command.haltId });
      if (halt === undefined || halt.lift !== undefined) return { as: 'over' };
      if (!isApproved) return undefined;
      const value = totalOf(await findHeld(tx, halt));
      if (hasGrown(approval.value, value)) return grown(value);
      const lift = { at: decision.at, by: approval.asker.person, reason: approval.reason };
      return (await liftHalt(tx, halt, lift, value)) === undefined ? { as: 'over' } : undefined;
    }
    case 'start_batch': {
      const batch = await lockBatch(tx, { tenantId, batchId: command.batchId });
      if (batch?.status !== 'PENDING_APPROVAL') return { as: 'over' };
      if (isApproved) {
        const value = await findValueOfBatch(tx, batch);
        if (hasGrown(approval.value, value)) return grown(value);
      }
      await moveAsDecided(tx, batch, decision);
      return undefined;
    }
    default:
      return assertNever(command);
  }
}

/** An approved batch waits for its start; a declined one is cancelled. */
async function moveAsDecided(tx: Tx, batch: Batch, decision: Decision): Promise<void> {
  const { as, reason, at: now } = decision;
  const by = { person: decision.by.person, reason };
  const { approved, declined } = batchTransitions.PENDING_APPROVAL;
  const moved =
    as === 'approved'
      ? await move(tx, batch, { to: approved, by, nextAt: batch.startAt, now }, 'APPROVED')
      : await move(tx, batch, { to: declined, by, nextAt: now, now }, 'CANCELLING');
  assert(moved !== undefined, 'a batch that is held stays as it is');
}
