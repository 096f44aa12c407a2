// Ends liquidations before they are flat: abandoned by an operator, or too old while orders are open. What
// is not at the venue ends at once; the venue is asked to cancel the rest, outside any transaction, again
// and again until the final reports of all of it are applied. Then the liquidation ends with what was sold.

import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import { batchRowsMax, stopAgainMs } from '../limits.ts';
import { zero } from '../money.ts';
import { findAtVenues } from '../orders/submission-store.ts';
import type { OrderReference, Venue } from '../venue/venue.ts';
import { type Batch, batchWorker } from '../work/work-batches.ts';
import { claimToStop, type DueLiquidation } from './due-store.ts';
import { settleProgress, stopUnsentOrders } from './progress-store.ts';
import { type EndLimits, type Mover, moveOn } from './release-liquidations.ts';
import { waitForVenue } from './stop-store.ts';

/** A mover that can take orders back from the venue. */
export interface Stopper extends Mover {
  readonly venues: readonly CancelVenue[];
}

type CancelVenue = Pick<Venue, 'mic' | 'currency' | 'cancel'>;

/** One turn: goes on ending liquidations of the next tenant that has some. @returns how many. */
export function liquidationStopper(stopper: Stopper, limits: EndLimits): () => Promise<number> {
  const turn = batchWorker<DueLiquidation, Stopped>(stopper, {
    step: 'stop',
    claim: claimToStop,
    limit: batchRowsMax,
    subjectOf: (due) => due.liquidationId,
    work: (tx, batch) => stop(tx, stopper, batch, limits),
    afterCommit: async (stopped) => {
      const unsent = stopped.reduce((total, one) => total + one.unsent, 0);
      if (unsent > 0) stopper.count?.('orders', { outcome: 'stopped' }, unsent);
      const calls = stopper.venues.map((venue) => {
        const atVenue = stopped.flatMap((one) => one.atVenues.get(venue.mic) ?? []);
        return atVenue.length > 0 ? askToCancel(stopper, venue, atVenue) : undefined;
      });
      await Promise.all(calls);
    },
  });
  return async () => (await turn()).count;
}

/** Orders that were stopped before they were sent, and those that venues have to end, by MIC. */
interface Stopped {
  readonly unsent: number;
  readonly atVenues: ReadonlyMap<string, readonly OrderReference[]>;
}

async function stop(
  tx: Tx,
  stopper: Stopper,
  batch: Batch<DueLiquidation>,
  limits: EndLimits,
): Promise<readonly Stopped[]> {
  const { tenantId, rows, now } = batch;
  const liquidationIds = rows.map((row) => row.liquidationId);
  const stopped = await stopUnsentOrders(tx, { tenantId, liquidationIds, now });
  const changes = stopped.map((liquidationId) => ({ liquidationId, proceeds: zero, ended: 1 }));
  await settleProgress(tx, { tenantId, changes, now });
  const until = later(now, stopAgainMs);
  const waiting = await waitForVenue(tx, { tenantId, liquidationIds, until });
  const idle = rows.filter((row) => !waiting.includes(row.liquidationId));
  if (idle.length > 0) await moveOn(tx, stopper, { tenantId, rows: idle, now }, limits);
  const atVenues = await findAtVenues(tx, { tenantId, liquidationIds: waiting });
  return [{ unsent: stopped.length, atVenues }];
}

/** Whatever the venue answers, the final report decides; a venue that is silent is asked again. */
async function askToCancel(
  { log }: Stopper,
  venue: CancelVenue,
  orders: readonly OrderReference[],
): Promise<void> {
  try {
    await venue.cancel(orders);
  } catch (error) {
    log.warn({ venue: venue.mic, orders: orders.length, err: error }, 'venue.cancel_unanswered');
  }
}
