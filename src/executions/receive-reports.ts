// Takes the venue's reports in: inbox rows and the cursor in one commit. What they mean is applied by
// a step of its own, so that a report is never lost between the venue and us.

import type { Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { nilId, parseId } from '../ids.ts';
import { reportBatchMax } from '../limits.ts';
import type { Sender } from '../orders/record-answers.ts';
import { findCursor, insertReports, moveCursor } from '../venue/inbox-store.ts';
import type { VenueReport } from '../venue/venue.ts';
import { isMistake } from '../work/parked.ts';
import { findResumed, forgetResumed } from '../work/parked-store.ts';
import { workInHalves } from '../work/work-batches.ts';

type Receiver = Omit<Sender, 'holder'>;

/**
 * One turn: asks the venue for the reports after the cursor. Several processes may do so at once:
 * the one whose commit finds the cursor where it read it takes them in. A report that does not fit
 * into the inbox is parked by its number, under which the venue can be asked for it again.
 *
 * @returns how many.
 */
export function reportReceiver(receiver: Receiver) {
  const { sql, venue } = receiver;
  return async (): Promise<number> => {
    const again = await receiveAgain(receiver);
    const from = await findCursor(sql, venue.mic);
    const reports = await venue.reports({ after: from, limit: reportBatchMax });
    const last = reports.at(-1);
    if (last === undefined) return again;
    return again + (await takeIn(receiver, reports, { from, to: last.number }));
  };
}

async function takeIn(
  receiver: Receiver,
  reports: readonly VenueReport[],
  move: { from: number; to: number },
): Promise<number> {
  const { sql, venue } = receiver;
  const run = (insert: (tx: Tx) => Promise<unknown>) =>
    inTransaction(sql, async (tx) => {
      const moved = await moveCursor(tx, { venue: venue.mic, ...move });
      if (!moved) return 0;
      await insert(tx);
      return reports.length;
    });
  const now = receiver.clock.now();
  try {
    return await run((tx) => insertReports(tx, { venue: venue.mic, reports, now }));
  } catch (error) {
    if (!isMistake(error)) throw error;
    return run((tx) => insertInHalves(tx, receiver, reports));
  }
}

/** Trying again at once cannot help: the first failure parks a report. */
async function insertInHalves(
  tx: Tx,
  receiver: Receiver,
  reports: readonly VenueReport[],
): Promise<void> {
  const { mic } = receiver.venue;
  const now = receiver.clock.now();
  // Rows are parked under the tenant they name; what names none, under none.
  const tenantOf = ({ tenantId }: VenueReport) => parseId<'tenant'>(tenantId) ?? noTenant;
  const step = {
    step: 'receive',
    triesMax: 1,
    subjectOf: ({ report }: { report: VenueReport }) => `${mic}/${report.number}`,
    work: async (part: Tx, { rows }: { rows: readonly { report: VenueReport }[] }) => {
      await insertReports(part, { venue: mic, reports: rows.map(({ report }) => report), now });
      return [] as const;
    },
  } as const;
  for (const [tenantId, own] of Map.groupBy(reports, tenantOf)) {
    const rows = own.map((report) => ({ tenantId, report }));
    await workInHalves(tx, receiver, step, { tenantId, rows, now });
  }
}

const noTenant = nilId as NonNullable<ReturnType<typeof parseId<'tenant'>>>;

/** Each is a call of its own: few at once, so that what is new need not wait for them. */
const againAtOnceMax = 20;

/** Asks for reports again that a person has resumed. */
async function receiveAgain(receiver: Receiver): Promise<number> {
  const { sql, venue } = receiver;
  const numbers = await findResumed(sql, { venue: venue.mic, limit: againAtOnceMax });
  for (const number of numbers) {
    const reports = await venue.reports({ after: number - 1, limit: 1 });
    await inTransaction(sql, async (tx) => {
      await forgetResumed(tx, { venue: venue.mic, number });
      await insertInHalves(tx, receiver, reports);
    });
  }
  return numbers.length;
}
