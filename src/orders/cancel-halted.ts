// Cancels at the venue what is halted with strength `cancel`. The mark is committed first, then the venue is asked,
// again and again until its final reports are applied: what it answers does not count. An order that ends in this
// way with less than its quantity is not given up, it is due again (order.ts), and waits for the end of the halt.

import { inTransaction } from '../db/transaction.ts';
import { batchRowsMax, stopAgainMs } from '../limits.ts';
import type { Venue } from '../venue/venue.ts';
import type { Worker } from '../work/work-batches.ts';
import { claimToCancel } from './submission-store.ts';

/** A worker that can take orders back from a venue. */
export interface Canceller extends Worker {
  readonly venue: Pick<Venue, 'mic' | 'cancel'>;
}

/** One turn: has a venue cancel what is halted so. @returns how many orders. */
export function haltedCanceller(canceller: Canceller): () => Promise<number> {
  const { sql, clock, venue, log } = canceller;
  return async () => {
    const claim = {
      venue: venue.mic,
      now: clock.now(),
      againAfterMs: stopAgainMs,
      limit: batchRowsMax,
    };
    const orders = await inTransaction(sql, (tx) => claimToCancel(tx, claim));
    if (orders.length === 0) return 0;
    try {
      await venue.cancel(orders);
    } catch (error) {
      // Whether it has heard is unknown: it is asked again.
      log.warn({ venue: venue.mic, orders: orders.length, err: error }, 'venue.cancel_unanswered');
    }
    return orders.length;
  };
}
