// What clients ask of batches: make one, pause it, resume it, cancel it. Each takes the transaction in which
// the request is carried out once; what it refuses has changed nothing.

import { type Approval, type Asker, passedLimit, pendingApproval } from '../approvals/approval.ts';
import { findFourEyesLimits, insertApproval } from '../approvals/approvals-store.ts';
import { assert } from '../assert.ts';
import type { Tx } from '../db/connect.ts';
import { newId, type TenantId } from '../ids.ts';
import type { Decimal } from '../money.ts';
import { Refusal } from '../refusal.ts';
import { follow } from '../state-machine.ts';
import { findValue } from './account-store.ts';
import {
  type Batch,
  type BatchEvent,
  type BatchId,
  type BatchPlan,
  type By,
  batchTransitions,
} from './batch.ts';
import { countOpenBatches, insertBatch, lockBatch, type NamedAccount } from './batch-store.ts';
import { openBatchesMax } from './limits.ts';
import { move, recordEvent } from './start-batches.ts';

export interface NewBatchRequest extends BatchPlan {
  readonly tenantId: TenantId;
  /** Each account once. */
  readonly accounts: readonly NamedAccount[];
  /** What proves who `person` is. */
  readonly proof: Omit<Asker, 'person'>;
}

/**
 * Makes a batch: SCHEDULED, also where it is due at once; PENDING_APPROVAL where it could sell more than the limit
 * of the controls.
 */
export async function createBatch(
  tx: Tx,
  request: NewBatchRequest,
  now: Date,
): Promise<Batch | Refusal> {
  if ((await countOpenBatches(tx, request.tenantId)) >= openBatchesMax) {
    const detail = `${openBatchesMax} batches are open; wait until one of them has ended.`;
    return new Refusal('too_many_requests', detail, { headers: { 'retry-after': '60' } });
  }
  const batchId = newId<'batch'>();
  const { value, approval } = await weigh(tx, { ...request, batchId }, now);
  const batch = await insertBatch(tx, { ...request, batchId, value, approval, now });
  assert(batch !== undefined, 'a new id meets no other batch');
  if (approval !== undefined) {
    assert(await insertApproval(tx, approval), 'a new batch has no approval yet');
  }
  await recordEvent(tx, batch, 'CREATED', now);
  return batch;
}

/** What a batch could sell, where there is a limit of that, and the approval that it needs above one. */
async function weigh(
  tx: Tx,
  batch: NewBatchRequest & { readonly batchId: BatchId },
  now: Date,
): Promise<{ readonly value: Decimal | undefined; readonly approval: Approval | undefined }> {
  const { tenantId, batchId, reason, person } = batch;
  const limits = await findFourEyesLimits(tx, { tenantId });
  if (limits.length === 0) return { value: undefined, approval: undefined };
  const value = await findValue(tx, tenantId, batch.accounts);
  const valueMax = passedLimit([{ tenantId, value }], limits);
  if (valueMax === undefined) return { value, approval: undefined };
  const asked = {
    ...{ tenantId, value, valueMax, reason },
    approvalId: newId<'approval'>(),
    command: { operation: 'start_batch', batchId },
    asker: { ...batch.proof, person },
  } as const;
  return { value, approval: pendingApproval(asked, now) };
}

/** What a person can do to a batch. */
export type Steering = 'pause' | 'resume' | 'cancel';

const events: Readonly<Record<Steering, BatchEvent>> = {
  pause: 'PAUSED',
  resume: 'RESUMED',
  cancel: 'CANCELLING',
};

/**
 * Pauses, resumes or cancels a batch: from the commit on, since a turn under way is waited for. Cancelled is
 * what was not started and what is still NEW, by the turns that follow; what is released goes on.
 */
export async function steerBatch(
  tx: Tx,
  which: { readonly tenantId: TenantId; readonly batchId: BatchId },
  { act, by, now }: { readonly act: Steering; readonly by: By; readonly now: Date },
): Promise<Batch | Refusal> {
  const batch = await lockBatch(tx, which);
  if (batch === undefined) return new Refusal('not_found', 'There is no such batch.');
  // One that had not begun yet is begun by a turn, which records the event.
  const cause = act === 'resume' && batch.startedAt === undefined ? 'reschedule' : act;
  if (!Object.hasOwn(batchTransitions[batch.status], cause)) {
    const detail = `The batch is ${batch.status}; ${needs[act]}`;
    return new Refusal('conflict', detail);
  }
  const to = follow(batchTransitions, { from: batch.status, cause });
  const nextAt = to === 'PAUSED' ? undefined : to === 'SCHEDULED' ? batch.startAt : now;
  const moved = await move(tx, batch, { to, by, nextAt, now }, events[act]);
  assert(moved !== undefined, 'a batch that is held stays as it is');
  return moved;
}

const needs: Readonly<Record<Steering, string>> = {
  pause: 'only one that is SCHEDULED or RUNNING can be paused.',
  resume: 'only one that is PAUSED can be resumed.',
  cancel: 'only one that is PENDING_APPROVAL, SCHEDULED, RUNNING or PAUSED can be cancelled.',
};
