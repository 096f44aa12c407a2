// One claimed subscription while this process delivers to it: reads what its queue wants, sends what
// the queue says, records what came of it, and gives the claim back when there is nothing to do.

import type { Clock } from '../clock.ts';
import type { Attempt, Post } from '../egress/post.ts';
import { recordEveryMs } from '../limits.ts';
import { type LoggedEvent, ofTypes, type Webhook } from '../webhooks/webhook.ts';
import { AttemptLog } from './attempt-log.ts';
import type { Outcome, Sending, Wanted } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { ClaimedWebhook, LogEnds } from './delivery-store.ts';
import type { FairSlots } from './fair-slots.ts';
import type { Hold } from './hold.ts';
import { isAllOfHeld, type LogRead } from './log-store.ts';
import { Notices } from './notices.ts';
import { kept, outcomeOf } from './outcome.ts';
import type { Progress } from './progress-store.ts';

/** What one request needs: when to break it off, and the place where it is signed. */
export type SendingPorts = Pick<Post, 'stop' | 'signings'>;

/** What sessions share in a process. */
export interface SessionPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly setAsideAttempts: number;
  readonly windowBytesMax: () => number;
  /** Events of all kinds behind a position. */
  readonly readLog: (webhook: Webhook, after: number) => Promise<LogRead>;
  readonly readHeld: (
    webhook: Webhook,
    hold: Hold,
    upTo: number,
  ) => Promise<readonly LoggedEvent[]>;
  /** @returns when the settings last changed; undefined: no longer ours, nothing was written. */
  readonly record: (progress: Progress) => Promise<Date | undefined>;
  readonly send: (webhook: Webhook, sending: Sending, how: SendingPorts) => Promise<Attempt>;
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

  constructor(claimed: ClaimedWebhook, holds: readonly Hold[], ports: SessionPorts) {
    const { webhook, standing, head, gap } = claimed;
    const { clock, log, newId } = ports;
    this.#claimed = claimed;
    this.#ports = ports;
    this.#queue = new DeliveryQueue({ ...ports, webhook, standing, holds });
    this.#queue.setHead(head);
    const { takenCount, failedCount } = claimed;
    this.#attempts = new AttemptLog({ takenCount, failedCount }, newId);
    this.#droppedTo = claimed.droppedTo;
    const { webhookId } = webhook;
    const toldUpTo = standing.lastAttemptAt;
    this.#notices = new Notices({ webhookId, attempts: this.#attempts, log, toldUpTo });
    if (gap === undefined) return;
    const at = clock.now();
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
    // What was given up since the claim is told as a gap by the next one, before it is gone.
    const known = Math.max(this.#claimed.droppedTo, this.#queue.standing.position);
    if (log !== undefined && log.droppedTo > known) this.#isWindingDown = true;
    this.#droppedTo = Math.max(this.#droppedTo, log?.droppedTo ?? 0);
    if (this.#isChanged) this.#recordInTime();
    this.#notify();
  }

  /** Delivers until nothing is due. @throws what reading or recording throws; the lease runs out. */
  async run(): Promise<void> {
    const { webhook } = this.#claimed;
    for (;;) {
      this.#readOn();
      this.#askForSlot();
      const mayGoOn = this.#isAsking && this.#mayBegin();
      if (this.#queue.underWay === 0 && !mayGoOn && this.#reading === undefined) break;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    // Nothing is added any more; yet a poke may have begun to record when another recording ended.
    while (this.#recording !== undefined) await this.#recording;
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.finish();
    const isOurs = (await this.#record(true)) !== undefined;
    if (this.#requests === 0) return;
    const { position, attempts, lastOutcome } = this.#queue.standing;
    const fields = { webhook: webhook.webhookId, position, attempts, lastOutcome, isOurs };
    this.#ports.log.info({ ...fields, requests: this.#requests }, 'webhook.sent');
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
      const { hold, upTo } = wanted;
      const events = await this.#ports.readHeld(webhook, hold, upTo);
      const [droppedTo, at] = [this.#droppedTo, this.#ports.clock.now()];
      if (isAllOfHeld(webhook, events)) this.#notices.lost(hold, { events, droppedTo, at });
      this.#queue.addHeld(hold, events, upTo);
      this.#isChanged = true;
    }
  }

  #askForSlot(): void {
    if (this.#isAsking || !this.#mayBegin()) return;
    if (this.#queue.next(this.#ports.clock.now()).type !== 'send') return;
    this.#isAsking = true;
    const { slots, failingSlots, signings } = this.#ports;
    const { tenantId } = this.#claimed.webhook;
    const own = this.#queue.isFailing ? failingSlots : slots;
    // What is sent is chosen when it can be signed: what comes until then goes with it.
    own.ask(tenantId, () => {
      signings.ask(tenantId, () => {
        this.#isAsking = false;
        this.#begin(own);
        this.#notify();
      });
    });
  }

  /** The places are there; what was to be sent may have changed meanwhile. */
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

  /** Sends what has its places, and gives that for signing back once it is signed. */
  async #send(sending: Sending): Promise<void> {
    const { clock, cut, random, send, signings } = this.#ports;
    const { webhook } = this.#claimed;
    const at = clock.now();
    const stop = AbortSignal.any([cut, this.#lost.signal]);
    let isSigning = true;
    const signed = () => {
      if (isSigning) signings.give(webhook.tenantId);
      isSigning = false;
    };
    try {
      const inPlace = { within: <T>(_: string, sign: () => Promise<T>) => sign().finally(signed) };
      const attempt = await send(webhook, sending, { stop, signings: inPlace });
      const isCut = attempt.type === 'unanswered' && stop.aborted;
      const outcome: Outcome = isCut ? { type: 'cut' } : outcomeOf(attempt, clock.now(), random());
      this.#queue.settle(sending, outcome);
      if (outcome.type === 'cut') return;
      const { events } = sending;
      const number = sending.attempt;
      this.#attempts.keep({ kind: 'delivery', at, ...kept(attempt), attempt: number, events });
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
    const { standing, holdDueAt, rests } = this.#queue;
    const next = this.#queue.next(now);
    const collects = next.type === 'collect' ? next : undefined;
    const due = collects === undefined ? now : earliest(collects.until, holdDueAt);
    this.#notices.failing(standing);
    return this.#ports.record({
      webhook,
      epoch,
      standing: { ...standing, nextAttemptAt: rests === undefined ? due : standing.nextAttemptAt },
      holdDueAt,
      fullAt: release ? collects?.fullAt : undefined,
      ...this.#attempts.counts,
      gap: this.#gap,
      disable: rests === 'gone',
      release,
      holds: this.#queue.takeChanges(),
      attempts: this.#attempts.take(),
    });
  }
}

function earliest(one: Date, other: Date | undefined): Date {
  return other !== undefined && other < one ? other : one;
}
