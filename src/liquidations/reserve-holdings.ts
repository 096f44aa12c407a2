// Asks the keeper of the holdings whether quantities may be sold, before they are: the intent is committed with
// the step that needs it, the call is made outside any transaction under a lease, and what it granted is recorded
// by the holder of the lease alone. Until there is an answer the liquidation waits, and nothing of it is sold.

import { later } from '../clock.ts';
import { inTransaction } from '../db/transaction.ts';
import {
  claimReservations,
  findAsked,
  type Leased,
  recordGrants,
  recordUnanswered,
} from '../reservations/leases-store.ts';
import { failureOf, type KeeperWorker, leaseOf } from '../reservations/report-sales.ts';
import {
  type AskedPosition,
  reservationLeaseMs,
  reservationsAtOnceMax,
} from '../reservations/reservation.ts';
import { batchWorker } from '../work/work-batches.ts';
import { endReservationWait } from './reservation-waits-store.ts';

type Asked = Leased & {
  readonly positions: readonly AskedPosition[];
  /** Later than that the question is not sent: another process may ask it by then. */
  readonly sendBefore: Date;
};

/** A lease leaves this for the way to the keeper, in ms. */
const sendMarginMs = 1_000;

/** One turn: asks for reservations of the next tenant that has some due. @returns how many. */
export function holdingsReserver(worker: KeeperWorker): () => Promise<number> {
  const turn = batchWorker<Leased, Asked>(worker, {
    step: 'reserve',
    limit: reservationsAtOnceMax,
    claim: (tx, due) => claimReservations(tx, { ...due, step: 'reserve', lease: leaseOf(worker) }),
    subjectOf: ({ reservationId }) => reservationId,
    work: async (tx, { tenantId, rows, now }) => {
      const asked = await findAsked(tx, {
        tenantId,
        reservationIds: rows.map((row) => row.reservationId),
      });
      const sendBefore = later(now, reservationLeaseMs / 2 - sendMarginMs);
      return rows.map((row) => {
        return { ...row, positions: asked.get(row.reservationId) ?? [], sendBefore };
      });
    },
    afterCommit: async (questions) => {
      await Promise.all(questions.map((question) => ask(worker, question)));
    },
  });
  return async () => (await turn()).count;
}

async function ask(worker: KeeperWorker, asked: Asked): Promise<void> {
  const { keeper, sql, clock, holder } = worker;
  if (clock.now() >= asked.sendBefore) return;
  const answer = await keeper.ask(asked);
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    if (answer.type === 'unanswered') {
      const failure = failureOf(worker, asked, answer, now);
      await recordUnanswered(tx, { ...asked, holder, ...failure });
      return;
    }
    // The liquidation first: who releases or cancels it holds that lock, and closes what is asked for.
    await endReservationWait(tx, { ...asked, now });
    const granted = answer.positions;
    const isAnswered = await recordGrants(tx, { ...asked, holder, granted, now });
    if (!isAnswered) throw new OvertakenError();
  }).catch((error: unknown) => {
    // It was closed meanwhile, or asked by another: its answer counts, and of this one nothing is kept.
    if (!(error instanceof OvertakenError)) throw error;
  });
}

class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}
