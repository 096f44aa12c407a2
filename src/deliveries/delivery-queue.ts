// What a claimed subscription has to send, in memory: the events behind its offset, its accounts, its
// receiver. The queue decides what is sent next and follows the state machine with what came of it;
// reading, sending and recording are the session's.
//
// What follows in an account is sent only after what came before was acknowledged: so its events first
// arrive in the order in which they happened, whichever process sends the same at the same time.

import type { AccountId } from '../ids.ts';
import {
  fitting,
  isPackaged,
  type LoggedEvent,
  nextPackage,
  type Webhook,
} from '../webhooks/webhook.ts';
import {
  Accounts,
  caughtUpTo,
  doubted,
  overtaken,
  refusedAgain,
  wholeAttempts,
} from './accounts.ts';
import {
  type Block,
  type Failure,
  isFailing,
  isResting,
  type Next,
  type Outcome,
  type Receiver,
  receiverAcknowledged,
  receiverAtClaim,
  receiverFailed,
  receiverGivenUp,
  type Sending,
  type Standing,
  type Wanted,
  widthOf,
} from './delivery.ts';
import { type Faults, notHeld, silentUntil } from './fault.ts';
import {
  blockedAccountsMax,
  deliveryWindowMax,
  packagesAtOnceMax,
  singlesAtOnceMax,
  stepAsideAccountsMax,
  stepAsideMs,
} from './limits.ts';
import { LogWindow, sendableOf } from './log-window.ts';

export interface QueueOptions {
  readonly webhook: Webhook;
  readonly standing: Standing;
  readonly blocks: readonly Block[];
  readonly faults?: Faults | undefined;
  /** Failed attempts after which an account is set aside. */
  readonly setAsideAttempts: number;
  /** About how many bytes of events it may hold in memory at present. */
  readonly windowBytesMax: () => number;
  readonly newId: () => string;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** The first events that may be sent; `isEnough` where they fill more than one request. */
type Sendable = ReturnType<LogWindow['waiting']>;

export class DeliveryQueue {
  readonly #options: QueueOptions;
  readonly #window: LogWindow;
  readonly #accounts: Accounts;
  #receiver: Receiver;
  #head = 0;
  /** Since when there is not enough to send, though the log goes on: the window is full. */
  #starvesSince: Date | undefined;
  /** What may be sent of the window, and what is sent next, as long as nothing has changed. */
  #known: { sendable?: Sendable; next?: Next } = {};

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#receiver = receiverAtClaim(options.standing);
    this.#window = new LogWindow(options.standing.offset);
    this.#accounts = new Accounts(options.blocks);
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#accounts.underWay;
  }

  get receiver(): Receiver {
    return this.#receiver;
  }

  get standing(): Standing {
    return { ...this.#receiver.standing, offset: this.#window.offset };
  }

  /** When the first block is due; undefined where none is tried again. */
  get blockedDueAt(): Date | undefined {
    return this.#accounts.dueAt();
  }

  /** Accounts that the offset may have passed without all of their events being acknowledged. */
  get blockedCount(): number {
    return this.#accounts.blockedSize;
  }

  /** Accounts whose block has changed since this was last asked, with their block if they have one. */
  takeChanges(): ReadonlyMap<AccountId, Block | undefined> {
    return this.#accounts.takeChanges();
  }

  /** How far the log reaches. */
  setHead(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    delete this.#known.next;
  }

  /** What to read next; nothing while enough waits to be sent. */
  wanted(now: Date): Wanted | undefined {
    if (isResting(this.#receiver)) return undefined;
    const unread = this.#accounts.due(now).find((one) => !this.#accounts.readFor(one));
    if (unread !== undefined) {
      const upTo = unread.attempts > 0 ? unread.upTo : this.#window.readTo;
      return { type: 'block', block: unread, upTo };
    }
    const after = this.#window.readTo;
    if (after >= this.#head || this.#sendable().isEnough) {
      this.#starvesSince = undefined;
      return undefined;
    }
    if (this.#isFull()) this.#makeRoom(now);
    return this.#isFull() ? undefined : { type: 'log', after };
  }

  /** Adds events of the log, ascending; nothing else is there up to `readTo`. */
  addLog(events: readonly LoggedEvent[], readTo: number): void {
    this.#known = {};
    const isOfWindow = (event: LoggedEvent) => !this.#accounts.isBlocked(event.accountId);
    this.#window.add(this.#accounts.size === 0 ? events : events.filter(isOfWindow), readTo);
  }

  /** Adds what was read for a block. Where nothing is left, its accounts are in step again. */
  addBlocked(block: Block, events: readonly LoggedEvent[], upTo: number): void {
    if (!this.#accounts.isCurrent(block)) return;
    this.#known = {};
    if (events.length > 0) {
      this.#accounts.keepRead(block, events);
    } else if (block.attempts > 0) {
      // What was refused is not in the log any more.
      const dropped = { upTo, at: block.nextAttemptAt, cause: 'dropped' } as const;
      this.#accounts.replace(block, [caughtUpTo(block, dropped)]);
    } else if (upTo >= this.#window.readTo) {
      this.#accounts.replace(block, []);
    }
  }

  /** What can be done at this instant; changes nothing. */
  next(now: Date): Next {
    // What is sent now is sent later as well; what waits may be due by then.
    if (this.#known.next?.type === 'send') return this.#known.next;
    const next = this.#choose(now);
    this.#known.next = next;
    return next;
  }

  /** A request of `next` is under way. */
  begin(sending: Sending): void {
    this.#known = {};
    if (sending.block === undefined) this.#probe(sending.events);
    this.#accounts.begin(sending);
    if (sending.block === undefined) this.#window.mark(sending.events, 'sending');
  }

  /** What became of a request. */
  settle(sending: Sending, outcome: Outcome): void {
    this.#known = {};
    const block = this.#accounts.end(sending);
    if (outcome.type === 'acknowledged') {
      this.#acknowledged(sending, block, outcome);
    } else if (outcome.type === 'cut') {
      this.#window.mark(sending.events, 'waiting');
    } else {
      if (outcome.type === 'refused') this.#refused(sending, block, outcome);
      else if (block === undefined) this.#window.mark(sending.events, 'waiting');
      this.#receiver = receiverFailed(this.#receiver, outcome);
    }
  }

  /** Nothing more is sent in this claim: what is still doubted means that the receiver is down. */
  finish(): void {
    this.#known = {};
    if (this.#accounts.isInDoubt) this.#receiver = receiverGivenUp(this.#receiver);
  }

  #choose(now: Date): Next {
    const width = widthOf(this.#receiver);
    if (isResting(this.#receiver) || this.underWay >= width) return { type: 'nothing' };
    const until = silentUntil(this.#options.faults, now);
    if (until !== undefined)
      return { type: 'collect', until, fullOffset: undefined, isSilent: true };
    const isDoubtful = isFailing(this.#receiver) && this.#receiver.refusals > 0;
    const logged = isDoubtful ? this.#alternative() : this.#nextOfLog(now);
    const apart = this.#nextApart(now);
    const isTurn = !isFailing(this.#receiver) && this.#accounts.underWayApart * 2 < width;
    if (apart !== undefined && (isTurn || logged.type !== 'send')) {
      return { type: 'send', sending: apart };
    }
    return logged;
  }

  #nextOfLog(now: Date): Next {
    const isRead = this.#window.readTo >= this.#head;
    const { ready, heldUntil } = notHeld(this.#options.faults, this.#sendable().events, now);
    if (heldUntil !== undefined)
      return { type: 'collect', until: heldUntil, fullOffset: undefined };
    // As long as there is room, what is behind is just being read, and may belong to what is collected.
    const isAll = isRead || !this.#isFull();
    const next = nextPackage(this.#options.webhook, ready, { now, isAll });
    if (next.type === 'send') return this.#sendInStep(next.events);
    if (next.type === 'nothing' || !isRead) return { type: 'nothing' };
    return { type: 'collect', until: next.until, fullOffset: this.#head + next.missing };
  }

  #nextApart(now: Date): Sending | undefined {
    for (const block of this.#accounts.due(now)) {
      const read = this.#accounts.readFor(block);
      if (read === undefined) continue;
      const { events } = fitting(this.#options.webhook, read);
      return { events, block, attempt: block.attempts + 1 };
    }
    return undefined;
  }

  /**
   * Something else than what a failing receiver has just refused, to find out whether it acknowledges
   * others: the events of a random account. A package is first tried as a whole for some times.
   */
  #alternative(): Next {
    const { events: waiting } = this.#window.waiting(this.#accounts.isInStep, () => false);
    const isTogether = this.#accounts.doubted().some((block) => {
      return block.acknowledged.size > 1 && block.attempts >= wholeAttempts;
    });
    const others = waiting.length === 0 && isTogether ? this.#window.refused() : waiting;
    const one = others[Math.floor(this.#options.random() * others.length)];
    if (one === undefined) return { type: 'nothing' };
    return this.#sendInStep(fitting(this.#options.webhook, this.#window.of(one.accountId)).events);
  }

  #sendInStep(events: readonly LoggedEvent[]): Next {
    const attempt = this.#receiver.standing.attempts + 1;
    return { type: 'send', sending: { events, block: undefined, attempt } };
  }

  /** Doubted accounts whose events are sent once more are in step again. */
  #probe(events: readonly LoggedEvent[]): void {
    if (!this.#accounts.isInDoubt) return;
    for (const { accountId } of events) {
      if (!this.#accounts.probe(accountId)) continue;
      this.#window.mark(this.#window.of(accountId), 'waiting');
    }
  }

  #acknowledged(
    { events }: Sending,
    block: Block | undefined,
    outcome: { readonly at: Date; readonly reason: string },
  ): void {
    const { at } = outcome;
    const atOnceMax = isPackaged(this.#options.webhook) ? packagesAtOnceMax : singlesAtOnceMax;
    this.#receiver = receiverAcknowledged(this.#receiver, outcome, atOnceMax);
    if (block === undefined) {
      this.#window.mark(events, 'done');
    } else {
      const upTo = events.at(-1)?.offset ?? block.upTo;
      const caughtUp = caughtUpTo(block, { upTo, at, cause: 'acknowledged' });
      this.#accounts.replace(block, [caughtUp]);
    }
    // It acknowledges others, so what it refused is blocked, and the offset may pass it.
    if (this.#accounts.size <= blockedAccountsMax) this.#window.leave(this.#accounts.confirm());
  }

  #refused({ events }: Sending, block: Block | undefined, failure: Failure): void {
    const { newId, setAsideAttempts } = this.#options;
    const { standing } = this.#receiver;
    if (block === undefined) {
      this.#accounts.doubt(doubted(newId(), { events, failure, before: standing }));
      this.#window.mark(events, 'refused');
    } else {
      const { lastSuccessAt } = standing;
      const trial = { events, failure, lastSuccessAt, setAsideAttempts, newId };
      this.#accounts.replace(block, refusedAgain(block, trial));
    }
  }

  #isFull(): boolean {
    const { events, bytes } = this.#window.size;
    return events >= deliveryWindowMax || bytes >= this.#options.windowBytesMax();
  }

  /** What keeps all others waiting for long is overtaken: the offset may pass it. */
  #makeRoom(now: Date): void {
    this.#starvesSince ??= now;
    const starvedMs = now.getTime() - this.#starvesSince.getTime();
    if (starvedMs < stepAsideMs || isFailing(this.#receiver)) return;
    const inStep = this.#accounts.underWayInStep();
    const sending = inStep.find(({ events }) => this.#window.isBlockedBy(events));
    if (sending === undefined) return;
    const block = overtaken(this.#options.newId(), sending.events, now);
    const isLarge = block.acknowledged.size > stepAsideAccountsMax;
    if (isLarge || this.#accounts.size >= blockedAccountsMax) return;
    this.#known = {};
    this.#accounts.overtake(sending, block);
    this.#window.leave(new Set(block.acknowledged.keys()));
  }

  /** What may be sent of the window, as far as the next request and whether to read on need it. */
  #sendable(): Sendable {
    const { webhook } = this.#options;
    this.#known.sendable ??= sendableOf(webhook, this.#window, this.#accounts.isInStep);
    return this.#known.sendable;
  }
}
