// One claimed subscription while this process delivers to it. Its one loop reads what the queue wants,
// sends what the queue says, records what came of it, and gives the claim back when nothing is left.

import type { Clock } from '../clock.ts';
import type { Attempt, Post } from '../egress/post.ts';
import { type LoggedEvent, ofTypes, type Webhook } from '../webhooks/webhook.ts';
import { AttemptLog, kept, Notices } from './attempt-log.ts';
import {
  type Block,
  isFailing,
  isResting,
  type Outcome,
  outcomeOf,
  type Sending,
  type Wanted,
} from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { ClaimedWebhook } from './delivery-store.ts';
import { type FaultName, type Faults, silentUntil } from './fault.ts';
import { recordEveryMs } from './limits.ts';
import { isAllOfBlock, type LogEnds, type LogRead } from './log-store.ts';
import type { Progress } from './progress-store.ts';
import type { FairSlots } from './sharing.ts';

/** What one request needs: when to break it off, and the slot in which it is signed. */
export type SendingPorts = Pick<Post, 'stop' | 'signings'> & {
  readonly faults: Faults | undefined;
};

/** What came of a request, which faults it had, and what came of it when it was sent once more. */
export type Sent = Attempt & {
  readonly faults?: readonly FaultName[];
  readonly again?: Attempt;
};

/** What sessions share in a process. */
export interface SessionPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly setAsideAttempts: number;
  readonly windowBytesMax: () => number;
  /** Events of all kinds behind an offset. */
  readonly readLog: (webhook: Webhook, after: number) => Promise<LogRead>;
  readonly readBlocked: (
    webhook: Webhook,
    block: Block,
    upTo: number,
  ) => Promise<readonly LoggedEvent[]>;
  /** @returns when the settings last changed; undefined: no longer ours, nothing was written. */
  readonly record: (progress: Progress) => Promise<Date | undefined>;
  readonly send: (webhook: Webhook, sending: Sending, how: SendingPorts) => Promise<Sent>;
  readonly signings: FairSlots;
  readonly slots: FairSlots;
  /** For subscriptions that are known to fail. */
  readonly failingSlots: FairSlots;
  /** The process begins nothing more. */
  readonly stopping: AbortSignal;
  /** The process breaks off what is under way. */
  readonly cut: AbortSignal;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export class Session {
  readonly #claimed: ClaimedWebhook;
  readonly #ports: SessionPorts;
  readonly #queue: DeliveryQueue;
  readonly #lost = new AbortController();
  #isWindingDown = false;
  #isAsking = false;
  #isChanged = false;
  #requests = 0;
  readonly #attempts: AttemptLog;
  #gap: Progress['gap'];
  readonly #notices: Notices;
  /** Nothing of the log up to here is promised any more. */
  #droppedTo: number;
  #reading: Promise<void> | undefined;
  #recording: Promise<void> | undefined;
  #recordedAt: Date | undefined;
  #failure: unknown;
  #wake = Promise.withResolvers<void>();

  constructor(claimed: ClaimedWebhook, blocks: readonly Block[], ports: SessionPorts) {
    const { webhook, standing, head, gap, faults } = claimed;
    const { clock, log, newId } = ports;
    this.#claimed = claimed;
    this.#ports = ports;
    this.#queue = new DeliveryQueue({ ...ports, webhook, standing, blocks, faults });
    this.#queue.setHead(head);
    const { acknowledgedCount, failedCount } = claimed;
    this.#attempts = new AttemptLog({ acknowledgedCount, failedCount }, newId);
    this.#droppedTo = claimed.droppedTo;
    const { webhookId } = webhook;
    const reportedUpTo = standing.lastAttemptAt;
    this.#notices = new Notices({ webhookId, attempts: this.#attempts, log, reportedUpTo });
    const at = clock.now();
    const silence = silentUntil(faults, at);
    if (silence !== undefined && standing.nextAttemptAt < silence)
      this.#notices.silent(silence, at);
    if (gap === undefined) return;
    this.#gap = { ...gap, noticedAt: at };
    this.#notices.gap(gap, at);
  }

  get lease(): ClaimedWebhook {
    return this.#claimed;
  }

  /** The lease is another's: breaks off, since another sends by now. */
  lose(): void {
    this.#lost.abort();
    this.#notify();
  }

  /** Begins nothing more, so that others have their turn, or new settings. */
  windDown(): void {
    this.#isWindingDown = true;
    this.#notify();
  }

  /** Time has gone on, and the log maybe as well, at its end or at its beginning. */
  poke(log: LogEnds | undefined): void {
    if (log !== undefined) this.#queue.setHead(log.head);
    // What was retired since the claim is reported as a gap by the next one, before it is gone.
    const known = Math.max(this.#claimed.droppedTo, this.#queue.standing.offset);
    if (log !== undefined && log.droppedTo > known) this.#isWindingDown = true;
    this.#droppedTo = Math.max(this.#droppedTo, log?.droppedTo ?? 0);
    if (this.#isChanged) this.#recordInTime();
    this.#notify();
  }

  /** Delivers until nothing is due. @throws what reading or recording throws; the lease runs out. */
  async run(): Promise<void> {
    for (;;) {
      this.#readOn();
      this.#askForSlot();
      if (!this.#goesOn()) break;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    // Nothing is added any more; yet a poke may have begun to record when another recording ended.
    while (this.#recording !== undefined) await this.#recording;
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.finish();
    this.#report((await this.#record(true)) !== undefined);
  }

  /** Whether a request or a reading is under way, or a request is about to begin. */
  #goesOn(): boolean {
    const mayBegin = this.#isAsking && this.#mayBegin();
    return this.#queue.underWay > 0 || this.#reading !== undefined || mayBegin;
  }

  #report(isOurs: boolean): void {
    if (this.#requests === 0) return;
    const { webhookId: webhook } = this.#claimed.webhook;
    const { offset, attempts, lastOutcome } = this.#queue.standing;
    const fields = { webhook, offset, attempts, lastOutcome, isOurs, requests: this.#requests };
    this.#ports.log.info(fields, 'webhook.sent');
  }

  #mayBegin(): boolean {
    const { stopping } = this.#ports;
    return !this.#isWindingDown && !stopping.aborted && !this.#lost.signal.aborted;
  }

  #notify(): void {
    this.#wake.resolve();
  }

  /** Reads what is wanted while requests go on. */
  #readOn(): void {
    if (this.#reading !== undefined || !this.#mayBegin()) return;
    const wanted = this.#queue.wanted(this.#ports.clock.now());
    if (wanted === undefined) return;
    this.#reading = this.#read(wanted)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#reading = undefined;
        this.#notify();
      });
  }

  async #read(wanted: Wanted): Promise<void> {
    const { webhook } = this.#claimed;
    if (wanted.type === 'log') {
      const { events, readTo, head } = await this.#ports.readLog(webhook, wanted.after);
      this.#queue.setHead(head);
      this.#queue.addLog(ofTypes(webhook, events), readTo);
    } else {
      const { block, upTo } = wanted;
      const events = await this.#ports.readBlocked(webhook, block, upTo);
      const [droppedTo, at] = [this.#droppedTo, this.#ports.clock.now()];
      if (isAllOfBlock(webhook, events)) this.#notices.lost(block, { events, droppedTo, at });
      this.#queue.addBlocked(block, events, upTo);
      this.#isChanged = true;
    }
  }

  #askForSlot(): void {
    if (this.#isAsking || !this.#mayBegin()) return;
    if (this.#queue.next(this.#ports.clock.now()).type !== 'send') return;
    this.#isAsking = true;
    const { slots, failingSlots, signings } = this.#ports;
    const { tenantId } = this.#claimed.webhook;
    const own = isFailing(this.#queue.receiver) ? failingSlots : slots;
    // What is sent is chosen when it can be signed: what comes until then goes with it.
    own.ask(tenantId, () => {
      signings.ask(tenantId, () => {
        this.#isAsking = false;
        this.#begin(own);
        this.#notify();
      });
    });
  }

  /** The slots are there; what was to be sent may have changed meanwhile. */
  #begin(own: FairSlots): void {
    const { signings, clock } = this.#ports;
    const { tenantId } = this.#claimed.webhook;
    const next = this.#mayBegin() ? this.#queue.next(clock.now()) : undefined;
    if (next?.type !== 'send') {
      signings.give(tenantId);
      own.give(tenantId);
      return;
    }
    this.#queue.begin(next.sending);
    this.#requests += 1;
    void this.#send(next.sending).finally(() => {
      own.give(tenantId);
      this.#notify();
    });
  }

  /** Sends what has its slots, and gives that for signing back once it is signed. */
  async #send(sending: Sending): Promise<void> {
    const { clock, cut, random, send, signings } = this.#ports;
    const { webhook, faults } = this.#claimed;
    const at = clock.now();
    const stop = AbortSignal.any([cut, this.#lost.signal]);
    let isSigning = true;
    const signed = () => {
      if (isSigning) signings.give(webhook.tenantId);
      isSigning = false;
    };
    try {
      const inPlace = { within: <T>(_: string, sign: () => Promise<T>) => sign().finally(signed) };
      const attempt = await send(webhook, sending, { stop, signings: inPlace, faults });
      const isCut = attempt.type === 'unanswered' && stop.aborted;
      const outcome: Outcome = isCut ? { type: 'cut' } : outcomeOf(attempt, clock.now(), random());
      this.#queue.settle(sending, outcome);
      if (outcome.type === 'cut') return;
      const { events } = sending;
      const number = sending.attempt;
      for (const one of attempt.again === undefined ? [attempt] : [attempt, attempt.again]) {
        const had = [...(attempt.faults ?? []), ...(one === attempt ? [] : ['twice' as const])];
        const logged = { ...kept(one), attempt: number, events, faults: had };
        this.#attempts.keep({ kind: 'delivery', at, ...logged });
      }
      this.#recordInTime();
    } catch (error) {
      this.#queue.settle(sending, { type: 'cut' });
      this.#fail(error);
    } finally {
      signed();
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#lost.abort();
    this.#notify();
  }

  /** Records what has changed, now or with what comes in the next moment. */
  #recordInTime(): void {
    this.#isChanged = true;
    // A clock that was set back makes nothing wait.
    const ageMs = Math.abs(this.#ports.clock.now().getTime() - (this.#recordedAt?.getTime() ?? 0));
    if (this.#recording !== undefined || ageMs < recordEveryMs) return;
    this.#recording = this.#recordChanges()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#recording = undefined;
      });
  }

  async #recordChanges(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    const changedAt = await this.#record(false);
    if (changedAt === undefined) this.lose();
    else if (changedAt.getTime() !== this.#claimed.webhook.updatedAt.getTime()) this.windDown();
  }

  #record(release: boolean): Promise<Date | undefined> {
    const { webhook, epoch } = this.#claimed;
    const now = this.#ports.clock.now();
    this.#isChanged = false;
    this.#recordedAt = now;
    const { standing, blockedCount, blockedDueAt, receiver } = this.#queue;
    const next = this.#queue.next(now);
    const collects = next.type === 'collect' ? next : undefined;
    const otherDueAt = collects?.isSilent ? undefined : blockedDueAt;
    const due = collects === undefined ? now : earliest(collects.until, otherDueAt);
    this.#notices.failing(standing);
    return this.#ports.record({
      webhook,
      epoch,
      standing: { ...standing, nextAttemptAt: isResting(receiver) ? standing.nextAttemptAt : due },
      blockedCount,
      blockedDueAt,
      fullOffset: release ? collects?.fullOffset : undefined,
      ...this.#attempts.counts,
      gap: this.#gap,
      disable: receiver.status === 'gone',
      release,
      blocks: this.#queue.takeChanges(),
      attempts: this.#attempts.take(),
    });
  }
}

function earliest(one: Date, other: Date | undefined): Date {
  return other !== undefined && other < one ? other : one;
}
