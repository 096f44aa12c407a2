// Writes what the venue answered about submissions, in one commit, fenced by holder and epoch:
// a process that wakes up after its lease went to another one changes nothing.

import { assertNever } from '../assert.ts';
import { later } from '../clock.ts';
import { inTransaction } from '../db/transaction.ts';
import type { SubmitOutcome } from '../venue/venue.ts';
import {
  type Acceptance,
  type Held,
  type NotWorking,
  recordAcceptances,
  recordNotWorking,
  shortenLeases,
} from './store.ts';
import type { Sender } from './submit-orders.ts';

export interface Answered extends Held {
  /** When it was sent first; undefined when that was just now. */
  readonly sentAt: Date | undefined;
  readonly outcome: SubmitOutcome;
}

/** Records acceptances and refusals; what is unknown is looked up once it can have landed. */
export async function recordAnswers(sender: Sender, answers: readonly Answered[]): Promise<void> {
  const { sql, clock, venue, holder } = sender;
  const now = clock.now();
  const accepted: Acceptance[] = [];
  const refused: NotWorking[] = [];
  const unknown: (Held & { until: Date })[] = [];
  for (const { outcome, sentAt, ...held } of answers) {
    switch (outcome.type) {
      case 'accepted':
        accepted.push({ ...held, venueOrderId: outcome.venueOrderId });
        break;
      case 'refused': {
        const type = outcome.temporary ? 'postponed' : 'rejected';
        refused.push({ ...held, type, reason: outcome.reason });
        break;
      }
      case 'unknown':
        unknown.push({ ...held, until: later(sentAt ?? now, venue.flightMsMax) });
        break;
      default:
        assertNever(outcome);
    }
  }
  await inTransaction(sql, async (tx) => {
    await recordAcceptances(tx, { accepted, holder, now });
    await recordNotWorking(tx, { refused, holder, venue: venue.mic, now });
    await shortenLeases(tx, { unknown, holder });
  });
}
