// Writes what the venue answered about submissions, in one commit, fenced by holder and epoch:
// a process that wakes up after its lease went to another one changes nothing.

import { assertNever } from '../assert.ts';
import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import { isPassing } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import type { SubmitOutcome, Venue } from '../venue/venue.ts';
import { isMistake } from '../work/parked.ts';
import { type Worker, workInHalves } from '../work/work-batches.ts';
import {
  type Acceptance,
  type Held,
  lockAnswered,
  type NotWorking,
  recordAcceptances,
  recordNotWorking,
  shortenLeases,
} from './submission-store.ts';

export interface Sender extends Worker {
  readonly venue: Venue;
  /** This process, as holder of leases. */
  readonly holder: string;
  /** Orders that may be with the venue at once. Default as in limits.ts. */
  readonly inFlightMax?: number;
  /** How old a rate may be, in ms of market time. Default as in limits.ts. */
  readonly rateAgeMsMax?: number | undefined;
}

export interface Answered extends Held {
  /** When it was sent first; undefined when that was just now. */
  readonly sentAt: Date | undefined;
  readonly outcome: SubmitOutcome;
}

/**
 * Records acceptances and rejections; what is unknown is looked up once it can have landed. An answer
 * that cannot be recorded by a mistake of ours is looked up again some times, then parked.
 */
async function recordAnswers(sender: Sender, answers: readonly Answered[]): Promise<void> {
  const { sql, clock } = sender;
  const now = clock.now();
  const work = async (
    tx: Tx,
    { rows }: { rows: readonly Answered[] },
  ): Promise<readonly never[]> => {
    await record(tx, { sender, answers: rows, now });
    return [];
  };
  try {
    await inTransaction(sql, (tx) => work(tx, { rows: answers }));
  } catch (error) {
    if (!isMistake(error)) throw error;
    const step = { step: 'answer', subjectOf: (one: Answered) => one.clientOrderId, work } as const;
    await inTransaction(sql, async (tx) => {
      for (const [tenantId, rows] of Map.groupBy(answers, (one) => one.tenantId)) {
        await workInHalves(tx, sender, step, { tenantId, rows, now });
      }
    });
  }
}

/**
 * Records answers, and keeps those that cannot be recorded while the database is away: they are
 * recorded before anything else the next time, unless their lease has gone to another one by then.
 */
export class AnswerRecorder {
  readonly #sender: Sender;
  #kept: readonly Answered[] = [];

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  async record(answers: readonly Answered[]): Promise<void> {
    const sentAt = this.#sender.clock.now();
    try {
      await recordAnswers(this.#sender, answers);
      countAnswers(this.#sender, answers);
    } catch (error) {
      if (isPassing(error)) {
        const kept = answers.map((answer) => ({ ...answer, sentAt: answer.sentAt ?? sentAt }));
        this.#kept = [...this.#kept, ...kept];
      }
      throw error;
    }
  }

  /** Records what was kept. To be called before anything new is sent. */
  async recordKept(): Promise<void> {
    if (this.#kept.length === 0) return;
    const kept = this.#kept;
    this.#kept = [];
    await this.record(kept);
  }
}

function countAnswers({ count, venue }: Sender, answers: readonly Answered[]): void {
  const nameOf = ({ outcome }: Answered) => {
    if (outcome.type !== 'rejected') return outcome.type;
    return endOf(outcome);
  };
  for (const [outcome, own] of Map.groupBy(answers, nameOf)) {
    count?.('venue_answers', { venue: venue.mic, outcome }, own.length);
  }
}

/** A temporary cause is waited out. */
function endOf({ temporary }: { readonly temporary: boolean }): NotWorking['type'] {
  return temporary ? 'suspended' : 'rejected';
}

interface Recording {
  readonly sender: Sender;
  readonly answers: readonly Answered[];
  readonly now: Date;
}

async function record(tx: Tx, { sender, answers, now }: Recording): Promise<void> {
  const { venue, holder } = sender;
  const accepted: Acceptance[] = [];
  const ended: NotWorking[] = [];
  const unknown: (Held & { until: Date })[] = [];
  for (const { outcome, sentAt, ...held } of answers) {
    switch (outcome.type) {
      case 'accepted':
        accepted.push({ ...held, venueOrderId: outcome.venueOrderId });
        break;
      case 'rejected':
        ended.push({ ...held, type: endOf(outcome), reason: outcome.reason });
        break;
      case 'unknown':
        unknown.push({ ...held, until: later(sentAt ?? now, venue.flightMsMax) });
        break;
      default:
        assertNever(outcome);
    }
  }
  await lockAnswered(tx, answers);
  await recordAcceptances(tx, { accepted, holder, now });
  await recordNotWorking(tx, { ended, holder, venue: venue.mic, now });
  await shortenLeases(tx, { unknown, holder });
}
