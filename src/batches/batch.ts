// A batch: many accounts to be liquidated at a rate, so many at once, until it has ended or is cancelled. Pure.

import type { Id, TenantId } from '../ids.ts';
import { accountCurrency, type Decimal } from '../money.ts';
import type { Transitions } from '../state-machine.ts';
import { batchBurstMs } from './limits.ts';

export type BatchId = Id<'batch'>;

export type BatchStatus =
  | 'PENDING_APPROVAL'
  | 'SCHEDULED'
  | 'RUNNING'
  | 'PAUSED'
  | 'CANCELLING'
  | 'CANCELLED'
  | 'COMPLETED';

/**
 * The life of a batch: above a limit it waits for a second person; it waits for its start, starts accounts, and is
 * over when all it has started has ended. One that was paused before its start is scheduled again.
 */
export const batchTransitions = {
  PENDING_APPROVAL: {
    approved: 'SCHEDULED',
    declined: 'CANCELLING',
    expired: 'CANCELLING',
    cancel: 'CANCELLING',
  },
  SCHEDULED: { due: 'RUNNING', pause: 'PAUSED', cancel: 'CANCELLING' },
  RUNNING: { pause: 'PAUSED', cancel: 'CANCELLING', ended: 'COMPLETED' },
  PAUSED: { resume: 'RUNNING', reschedule: 'SCHEDULED', cancel: 'CANCELLING' },
  CANCELLING: { ended: 'CANCELLED' },
  CANCELLED: {},
  COMPLETED: {},
} as const satisfies Transitions<BatchStatus>;

/** What became of an account: nothing yet, a liquidation, or none, and why. */
export const accountStatuses = ['WAITING', 'STARTED', 'REFUSED', 'CANCELLED'] as const;

export type AccountStatusInBatch = (typeof accountStatuses)[number];

/** Why an account of a batch has no liquidation. */
export const refusals = {
  no_such_account: 'There is no such account, or it is not of this user.',
  account_not_active: 'The account is not active.',
  liquidation_running: 'Another liquidation of the account was still running.',
  too_many_positions: 'The account holds more positions than one liquidation may sell.',
} as const;

export type BatchRefusal = keyof typeof refusals;

export const batchEvents = [
  'CREATED',
  'APPROVED',
  'STARTED',
  'PROGRESS',
  'PAUSED',
  'RESUMED',
  'CANCELLING',
  'CANCELLED',
  'COMPLETED',
] as const;

export type BatchEvent = (typeof batchEvents)[number];

/** Who has decided something, and why. */
export interface By {
  readonly person: string;
  readonly reason: string;
}

/** What a client asks for. */
export interface BatchPlan extends By {
  /** Accounts a minute; undefined: as fast as they can be started. */
  readonly rate: number | undefined;
  /** Liquidations of the batch that may be open at once; undefined: any number. */
  readonly inProgressMax: number | undefined;
  readonly startAt: Date;
}

export interface Batch extends BatchPlan {
  readonly tenantId: TenantId;
  readonly batchId: BatchId;
  readonly status: BatchStatus;
  /** How many accounts it names, and what became of them; the others wait. */
  readonly accounts: number;
  readonly started: number;
  readonly refused: number;
  readonly cancelled: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** What its accounts could sell when it was made, in EUR; undefined: it was not asked for, or a price was not known. */
  readonly value: Decimal | undefined;
  /** Of one that waits or has waited for a second person. */
  readonly approvalId: Id<'approval'> | undefined;
  /** Who has approved, declined, paused, resumed or cancelled it last. */
  readonly steered: (By & { readonly at: Date }) | undefined;
  /** How long it was paused before, in ms. */
  readonly pausedMs: number;
  readonly eventCount: number;
  readonly pacedTo: Date | undefined;
  readonly passed: number;
  readonly progress: string | undefined;
  readonly progressAt: Date | undefined;
}

/** The liquidations of a batch by status, and their money as decimals. */
export interface BatchFigures {
  readonly fresh: number;
  readonly processing: number;
  readonly filled: number;
  readonly cancelled: number;
  /** Indicative of what is open, exact of what has ended. */
  readonly cashAmount: string;
  readonly proceeds: string;
}

export function waitingOf({ accounts, started, refused, cancelled }: Batch): number {
  return accounts - started - refused - cancelled;
}

/** How many accounts may be looked at now, and what the pace is after so many. */
export interface Allowance {
  readonly count: number;
  /** When the next account may follow. */
  after(count: number): Date;
}

/**
 * How many accounts a rate allows now. Time that was not used is kept for `batchBurstMs` at most, and the
 * pace is slower than the rate by that share: so no minute, wherever it begins, has more accounts than the
 * rate. What is finer than a millisecond counts up.
 */
export function allowanceOf(rate: number, pacedTo: Date, now: Date): Allowance {
  const gapMs = (60_000 + batchBurstMs) / rate;
  const from = Math.max(pacedTo.getTime(), now.getTime() - batchBurstMs);
  const ahead = now.getTime() - from;
  return {
    count: ahead < 0 ? 0 : Math.floor(ahead / gapMs) + 1,
    after: (count) => new Date(Math.ceil(from + count * gapMs)),
  };
}

/** When a batch is looked at, and whether some of it waits for what has no foreseeable end. */
export interface BatchLook {
  readonly now: Date;
  readonly hasOpenEndedWait: boolean;
}

/**
 * When a running batch will have ended if it goes on as it did, and not sooner than its rate allows; undefined
 * where it cannot be estimated.
 */
export function estimatedEnd(
  batch: Batch,
  figures: BatchFigures,
  { now, hasOpenEndedWait }: BatchLook,
): Date | undefined {
  const { status, startedAt, pausedMs, rate } = batch;
  const final = batch.refused + batch.cancelled + figures.filled + figures.cancelled;
  if (status !== 'RUNNING' || startedAt === undefined || final === 0) return undefined;
  if (hasOpenEndedWait) return undefined;
  const elapsedMs = Math.max(now.getTime() - startedAt.getTime() - pausedMs, 0);
  const asBefore = (elapsedMs * (batch.accounts - final)) / final;
  const byRate = rate === undefined ? 0 : (waitingOf(batch) * 60_000) / rate;
  return new Date(now.getTime() + Math.ceil(Math.max(asBefore, byRate)));
}

/** A batch as clients see it. What is undefined is absent in JSON. */
export function batchView(batch: Batch) {
  const { steered } = batch;
  return {
    id: batch.batchId,
    status: batch.status,
    reason: batch.reason,
    person: batch.person,
    rate: batch.rate,
    in_progress_max: batch.inProgressMax,
    start_at: batch.startAt,
    created_at: batch.createdAt,
    updated_at: batch.updatedAt,
    started_at: batch.startedAt,
    ended_at: batch.endedAt,
    value: batch.value?.toFixed(2),
    approval_id: batch.approvalId,
    steered_at: steered?.at,
    steered_by: steered?.person,
    steer_reason: steered?.reason,
    accounts: {
      total: batch.accounts,
      waiting: waitingOf(batch),
      started: batch.started,
      refused: batch.refused,
      cancelled: batch.cancelled,
    },
  };
}

/** A batch with what its liquidations came to. */
export function batchWithProgress(batch: Batch, figures: BatchFigures, look: BatchLook) {
  return {
    ...batchView(batch),
    ...progressOf(figures),
    estimated_end_at: estimatedEnd(batch, figures, look),
  };
}

/** What changes while liquidations go on. */
export function progressOf({ fresh, processing, filled, cancelled, ...money }: BatchFigures) {
  return {
    liquidations: { new: fresh, processing, filled, cancelled },
    money: {
      currency: accountCurrency,
      cash_amount: money.cashAmount,
      proceeds: money.proceeds,
    },
  };
}
