// Starts the accounts of batches. A turn takes the batch that has waited longest, locks it, and starts as many
// of its accounts as its rate, its limit and the tenant's allow, as one commit with what became of each. A
// process that dies leaves the batch as it was before its turn. Any number of processes share a batch's rate,
// since it is kept in its row.

import { expireApprovals } from '../approvals/approvals-store.ts';
import { assertNever } from '../assert.ts';
import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import { recordBatchEvent } from '../events/store.ts';
import { newId } from '../ids.ts';
import { batchRowsMax, positionsMax as usualPositionsMax } from '../limits.ts';
import { OpenLiquidations } from '../liquidations/open-liquidations.ts';
import { servicePersons } from '../person-name.ts';
import {
  batchWorker,
  type Batch as Claimed,
  type Worker,
  workInHalves,
} from '../work/work-batches.ts';
import {
  cancelNew,
  cancelWaiting,
  countOpen,
  findWaiting,
  lockAccounts,
  lockNew,
  startAccounts,
  type WaitingAccount,
} from './account-store.ts';
import {
  type Allowance,
  allowanceOf,
  type Batch,
  type BatchEvent,
  batchTransitions,
  progressOf,
  waitingOf,
} from './batch.ts';
import {
  type Advance,
  advanceBatch,
  claimBatch,
  type Move,
  moveBatch,
  recordProgress,
} from './batch-store.ts';
import { findBatchObject, findFigures } from './figures-store.ts';
import {
  batchCancelRowsMax,
  batchCountedMax,
  batchLookMs,
  batchProgressMs,
  batchStepMs,
} from './limits.ts';

export interface StartSettings {
  readonly releaseDelayMs: number;
  /** Default as in limits.ts. */
  readonly positionsMax?: number;
}

interface Starter extends StartSettings {
  readonly worker: Worker;
  readonly open: OpenLiquidations;
}

/** One turn of one batch. @returns 1, or 0 where none is due. */
export function batchStarter(worker: Worker, settings: StartSettings): () => Promise<number> {
  const { sql, clock } = worker;
  const starter = { ...settings, worker, open: new OpenLiquidations(sql, clock) };
  const turn = batchWorker<Batch>(worker, {
    step: 'start',
    limit: 1,
    claim: claimBatch,
    subjectOf: ({ batchId }) => batchId,
    work: async (tx, { rows, now }) => {
      for (const batch of rows) await takeTurn(tx, starter, batch, now);
      return [];
    },
  });
  return async () => (await turn()).count;
}

async function takeTurn(tx: Tx, starter: Starter, batch: Batch, now: Date): Promise<void> {
  switch (batch.status) {
    case 'PENDING_APPROVAL':
      return expire(tx, batch, now);
    case 'SCHEDULED': {
      const to = batchTransitions.SCHEDULED.due;
      await move(tx, batch, { to, nextAt: now, now }, 'STARTED');
      return;
    }
    case 'RUNNING':
      return waitingOf(batch) > 0
        ? startSome(tx, starter, batch, now)
        : endOrLook(tx, batch, { to: batchTransitions.RUNNING.ended, event: 'COMPLETED', now });
    case 'CANCELLING':
      return cancelSome(tx, batch, now);
    case 'PAUSED':
    case 'CANCELLED':
    case 'COMPLETED':
      return;
    default:
      return assertNever(batch.status);
  }
}

/** Cancels a batch that no second person has approved in time. */
async function expire(tx: Tx, batch: Batch, now: Date): Promise<void> {
  const { tenantId, batchId } = batch;
  await expireApprovals(tx, { tenantId, command: { operation: 'start_batch', batchId } }, now);
  const to = batchTransitions.PENDING_APPROVAL.expired;
  const by = {
    person: servicePersons.fourEyes,
    reason: 'No second person has approved it in time.',
  };
  await move(tx, batch, { to, by, nextAt: now, now }, 'CANCELLING');
}

/** Moves a batch that the caller holds on, with its event. @returns undefined where it had moved before. */
export async function move(
  tx: Tx,
  batch: Batch,
  how: Move,
  event: BatchEvent,
): Promise<Batch | undefined> {
  const moved = await moveBatch(tx, batch, how);
  if (moved !== undefined) await recordEvent(tx, moved, event, how.now);
  return moved;
}

/** Records an event of a batch as it stands in this transaction; the caller has counted it. */
export async function recordEvent(
  tx: Tx,
  batch: Batch,
  event: BatchEvent,
  now: Date,
): Promise<void> {
  const { tenantId, batchId, eventCount: number } = batch;
  await recordBatchEvent(tx, {
    tenantId,
    batchId,
    eventId: newId<'event'>(),
    number,
    type: event,
    object: await findBatchObject(tx, batch, now),
    now,
  });
}

async function startSome(tx: Tx, starter: Starter, batch: Batch, now: Date): Promise<void> {
  const { tenantId, batchId } = batch;
  const pace = paceOf(batch, now);
  const count = Math.min(pace?.count ?? batchRowsMax, await roomOf(tx, starter, batch));
  // Turns of a pace are not smaller than what it allows in this time.
  const stepAt = laterOf(later(now, batchStepMs), pace?.after(0));
  if (count === 0) {
    const isLarge = (batch.inProgressMax ?? Number.POSITIVE_INFINITY) > batchCountedMax;
    const lookAt = isLarge ? laterOf(later(now, batchLookMs), pace?.after(0)) : stepAt;
    return goOn(tx, batch, { nextAt: lookAt }, now);
  }
  const waiting = await findWaiting(tx, batch, { limit: Math.min(count, batchRowsMax), now });
  const last = waiting.at(-1);
  // Those that are left were held by others, or have failed: once more from the beginning, after a rest.
  if (last === undefined)
    return goOn(tx, batch, { passed: 0, nextAt: later(now, batchLookMs) }, now);
  const accountIds = waiting.map(({ accountId }) => accountId);
  const held = await lockAccounts(tx, tenantId, accountIds);
  const rows = waiting.filter(({ accountId }) => !held.has(accountId));
  const step = {
    step: 'start' as const,
    subjectOf: ({ accountId }: WaitingAccount) => `${batchId}/${accountId}`,
    work: async (part: Tx, some: Claimed<WaitingAccount>) => [
      await start(part, starter, batch, some),
    ],
  };
  const done = await workInHalves(tx, starter.worker, step, { tenantId, rows, now });
  const started = done.reduce((sum, one) => sum + one.started, 0);
  const refused = done.reduce((sum, one) => sum + one.refused, 0);
  const passed = last.number;
  if (pace === undefined) return goOn(tx, batch, { started, refused, passed, nextAt: now }, now);
  const pacedTo = pace.after(rows.length);
  const nextAt = laterOf(stepAt, pacedTo);
  await goOn(tx, batch, { started, refused, passed, pacedTo, nextAt }, now);
}

function laterOf(one: Date, other: Date | undefined): Date {
  return other !== undefined && other > one ? other : one;
}

function paceOf({ rate, pacedTo }: Batch, now: Date): Allowance | undefined {
  return rate === undefined ? undefined : allowanceOf(rate, pacedTo ?? now, now);
}

/** How many more of a batch may be open now: by its own limit, and by that of the tenant. */
async function roomOf(tx: Tx, { open }: Starter, batch: Batch): Promise<number> {
  const ofTenant = await open.room(batch.tenantId, tx);
  const { inProgressMax } = batch;
  if (inProgressMax === undefined) return ofTenant;
  return Math.min(ofTenant, inProgressMax - (await countOpen(tx, batch, inProgressMax)));
}

async function start(
  tx: Tx,
  { open, releaseDelayMs, positionsMax = usualPositionsMax }: Starter,
  batch: Batch,
  { rows, now }: Claimed<WaitingAccount>,
): Promise<{ readonly started: number; readonly refused: number }> {
  const starts = rows.map((row) => {
    return { ...row, liquidationId: newId<'liquidation'>(), eventId: newId<'event'>() };
  });
  const done = await startAccounts(tx, batch, starts, { now, releaseDelayMs, positionsMax });
  open.created(batch.tenantId, done.started);
  return done;
}

/** Writes down what a turn has done, and records the progress where it is time. */
async function goOn(tx: Tx, batch: Batch, by: Advance, now: Date): Promise<void> {
  const advanced = await advanceBatch(tx, batch, by, now);
  const { progressAt = batch.startedAt ?? now } = batch;
  if (now.getTime() - progressAt.getTime() < batchProgressMs) return;
  const { liquidations } = progressOf(await findFigures(tx, batch));
  const { started, refused, cancelled } = advanced;
  const progress = JSON.stringify({ started, refused, cancelled, liquidations });
  if (progress === batch.progress) return;
  await recordEvent(tx, await recordProgress(tx, advanced, progress, now), 'PROGRESS', now);
}

interface End extends Pick<Move, 'to' | 'now'> {
  readonly event: BatchEvent;
}

/** Ends a batch of which nothing waits, once none of its liquidations is open. */
async function endOrLook(tx: Tx, batch: Batch, { to, event, now }: End): Promise<void> {
  if ((await countOpen(tx, batch, 1)) > 0) {
    return goOn(tx, batch, { nextAt: later(now, batchLookMs) }, now);
  }
  await move(tx, batch, { to, nextAt: undefined, now }, event);
}

/** Cancels what was not started, then what is still NEW; the rest ends by itself. */
async function cancelSome(tx: Tx, batch: Batch, now: Date): Promise<void> {
  const cancelled = await cancelWaiting(tx, batch, { limit: batchCancelRowsMax, now });
  if (cancelled > 0) return goOn(tx, batch, { cancelled, nextAt: now }, now);
  const fresh = await lockNew(tx, batch, batchRowsMax);
  if (fresh.length === 0) {
    return endOrLook(tx, batch, {
      to: batchTransitions.CANCELLING.ended,
      event: 'CANCELLED',
      now,
    });
  }
  const chosen = fresh.map((liquidationId) => ({ liquidationId, eventId: newId<'event'>() }));
  await cancelNew(tx, batch.tenantId, chosen, now);
  await goOn(tx, batch, { nextAt: now }, now);
}
