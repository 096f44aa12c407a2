// Takes the venue's reports in: inbox rows and the cursor in one commit. What they mean is applied by
// a step of its own, so that a report is never lost between the venue and us.

import { inTransaction } from '../db/transaction.ts';
import { reportBatchMax } from '../limits.ts';
import { findCursor, insertReports, moveCursor } from './inbox-store.ts';
import type { Sender } from './submit-orders.ts';

/**
 * One turn: asks the venue for the reports after the cursor. Several processes may do so at once:
 * the one whose commit finds the cursor where it read it takes them in. @returns how many.
 */
export function reportReceiver(sender: Pick<Sender, 'sql' | 'clock' | 'venue'>) {
  const { sql, clock, venue } = sender;
  return async (): Promise<number> => {
    const from = await findCursor(sql, venue.mic);
    const reports = await venue.reports({ after: from, limit: reportBatchMax });
    const last = reports.at(-1);
    if (last === undefined) return 0;
    return inTransaction(sql, async (tx) => {
      const moved = await moveCursor(tx, { venue: venue.mic, from, to: last.number });
      if (!moved) return 0;
      await insertReports(tx, { venue: venue.mic, reports, now: clock.now() });
      return reports.length;
    });
  };
}
