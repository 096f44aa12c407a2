// Finds out what became of submissions whose answer is not known: the process died, or the venue did
// not answer. They are looked up by client order id, never sent again; "not found" counts only when
// the order can no longer be under way, and then the order is tried again under a new id.

import { later } from '../clock.ts';
import { batchRowsMax, submissionLeaseMs } from '../limits.ts';
import type { LookUpOutcome, Venue } from '../venue/venue.ts';
import { type Answered, recordAnswers } from './record-answers.ts';
import { claimExpired, type HeldSubmission } from './store.ts';
import type { Sender } from './submit-orders.ts';

/** One turn: looks up submissions whose lease ran out. @returns how many were decided. */
export function submissionResolver(sender: Sender): () => Promise<number> {
  return async () => {
    const now = sender.clock.now();
    const lease = { holder: sender.holder, expiresAt: later(now, submissionLeaseMs) };
    const held = await claimExpired(sender.sql, { lease, now, limit: batchRowsMax });
    if (held.length === 0) return 0;
    const found = await sender.venue.lookUp(held);
    const answers = held.map((submission, i): Answered => {
      return { ...submission, outcome: outcomeOf(sender.venue, submission, found[i], now) };
    });
    await recordAnswers(sender, answers);
    return answers.filter(({ outcome }) => outcome.type !== 'unknown').length;
  };
}

function outcomeOf(
  venue: Venue,
  submission: HeldSubmission,
  found: LookUpOutcome | undefined,
  now: Date,
): Answered['outcome'] {
  if (found !== undefined && found.type !== 'not_found') return found;
  const landed = later(submission.sentAt, venue.flightMsMax) <= now;
  if (!landed) return { type: 'unknown', reason: 'the order may still be under way' };
  return { type: 'refused', temporary: true, reason: 'the venue never received the order' };
}
