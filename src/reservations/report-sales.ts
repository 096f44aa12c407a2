// Reports to the keeper of the holdings what was sold of what it has granted, and what is free again: once a reservation
// is closed, and again after each correction. At least once, each reservation in the order of its reports: the next
// one is made of the rows as they are then, and only the last counts.

import { later } from '../clock.ts';
import { inTransaction } from '../db/transaction.ts';
import { batchWorker, type Worker } from '../work/work-batches.ts';
import type { Keeper } from './keeper.ts';
import {
  claimReservations,
  findSold,
  type Leased,
  recordReported,
  recordUnanswered,
} from './leases-store.ts';
import {
  reservationLeaseMs,
  reservationsAtOnceMax,
  type SalesReport,
  waitMsAfter,
} from './reservation.ts';

/** Who talks to the keeper. */
export interface KeeperWorker extends Worker {
  readonly keeper: Keeper;
  /** This process, as holder of leases. */
  readonly holder: string;
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

type ToReport = Leased & { readonly positions: SalesReport['positions'] };

/** One turn: sends reports of the next tenant that has some due. @returns how many. */
export function salesReporter(worker: KeeperWorker): () => Promise<number> {
  const turn = batchWorker<Leased, ToReport>(worker, {
    step: 'report',
    limit: reservationsAtOnceMax,
    claim: (tx, due) => claimReservations(tx, { ...due, step: 'report', lease: leaseOf(worker) }),
    subjectOf: ({ reservationId }) => reservationId,
    work: async (tx, { tenantId, rows }) => {
      const sold = await findSold(tx, {
        tenantId,
        reservationIds: rows.map((row) => row.reservationId),
      });
      return rows.map((row) => ({ ...row, positions: sold.get(row.reservationId) ?? [] }));
    },
    afterCommit: async (reports) => {
      await Promise.all(reports.map((report) => send(worker, report)));
    },
  });
  return async () => (await turn()).count;
}

/** The lease that a claim of now takes. */
export function leaseOf({ clock, holder }: KeeperWorker): { holder: string; expiresAt: Date } {
  return { holder, expiresAt: later(clock.now(), reservationLeaseMs) };
}

async function send(worker: KeeperWorker, leased: ToReport): Promise<void> {
  const { keeper, sql, clock, holder } = worker;
  const answer = await keeper.report({ ...leased, number: leased.report });
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    if (answer.type === 'reported') await recordReported(tx, { ...leased, holder, now });
    else
      await recordUnanswered(tx, { ...leased, holder, ...failureOf(worker, leased, answer, now) });
  });
}

/** What is recorded of a request without an answer. */
export function failureOf(
  { random = Math.random, log }: KeeperWorker,
  { tries, tenantId, reservationId }: Leased,
  { reason, retryAfterMs }: { readonly reason: string; readonly retryAfterMs: number | undefined },
  now: Date,
): { readonly reason: string; readonly nextAt: Date } {
  log.warn({ tenantId, reservationId, tries, reason }, 'reservation.unanswered');
  return { reason, nextAt: later(now, waitMsAfter(tries, retryAfterMs, random)) };
}
