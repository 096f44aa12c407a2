// Finds out what became of submissions whose answer is not known: the process died, or the venue did
// not answer. They are looked up by client order id. One that the venue does not know although it
// must have landed by now is sent again under the same client order id, never under another one: a
// process that was only asleep may still wake up and send it, and of the two the venue takes one.

import { later } from '../clock.ts';
import { batchRowsMax, submissionLeaseMs } from '../limits.ts';
import type { LookUpOutcome, SubmitOutcome, Venue } from '../venue/venue.ts';
import { type Answered, AnswerRecorder } from './record-answers.ts';
import { claimExpired, type HeldSubmission } from './submission-store.ts';
import { type Sender, submitOrNothing, unanswered } from './submit-orders.ts';

/** One turn: looks up submissions whose lease ran out. @returns how many were decided. */
export function submissionResolver(sender: Sender): () => Promise<number> {
  const recorder = new AnswerRecorder(sender);
  return async () => {
    await recorder.recordKept();
    const now = sender.clock.now();
    const lease = { holder: sender.holder, expiresAt: later(now, submissionLeaseMs) };
    const held = await claimExpired(sender.sql, { lease, now, limit: batchRowsMax });
    if (held.length === 0) return 0;
    const found = await sender.venue.lookUp(held);
    const known = held.map((submission, i) => {
      return { submission, outcome: outcomeOf(sender.venue, submission, found[i], now) };
    });
    const missing = known.flatMap(({ submission, outcome }) => {
      return outcome === 'never_arrived' ? submission : [];
    });
    const answered = missing.length === 0 ? [] : await submitOrNothing(sender, missing);
    const sent = new Map(missing.map((submission, i) => [submission, answered[i]]));
    const answers = known.map(({ submission, outcome }): Answered => {
      if (outcome !== 'never_arrived') return { ...submission, outcome };
      return { ...submission, sentAt: undefined, outcome: sent.get(submission) ?? unanswered };
    });
    await recorder.record(answers);
    return answers.filter(({ outcome }) => outcome.type !== 'unknown').length;
  };
}

function outcomeOf(
  venue: Venue,
  submission: HeldSubmission,
  found: LookUpOutcome | undefined,
  now: Date,
): SubmitOutcome | 'never_arrived' {
  if (found !== undefined && found.type !== 'not_found') return found;
  if (later(submission.sentAt, venue.flightMsMax) <= now) return 'never_arrived';
  return { type: 'unknown', reason: 'the order may still be under way' };
}
