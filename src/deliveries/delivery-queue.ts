// What a claimed subscription has to send, in memory: the events behind its mark, the accounts that
// are out of step, what is under way. It decides what is sent next and what an outcome means;
// reading, sending and recording are the session's.
//
// At most one request of an account is under way, and what follows in an account is sent only after
// what came before was taken: so its events first arrive in the order in which they happened,
// whoever else sends the same at the same time.

import type { AccountId } from '../ids.ts';
import {
  deliveryWindowMax,
  heldAccountsMax,
  packagesAtOnceMax,
  singlesAtOnceMax,
  stepAsideAccountsMax,
  stepAsideMs,
} from '../limits.ts';
import {
  fitting,
  isMoreThanFits,
  isPackaged,
  type LoggedEvent,
  nextPackage,
} from '../webhooks/webhook.ts';
import type { Next, Outcome, QueueOptions, Sending, Standing, Wanted } from './delivery.ts';
import { HeldAccounts } from './held-accounts.ts';
import {
  type Failure,
  type Hold,
  newHold,
  refused,
  refusedAgain,
  taken,
  wholeAttempts,
} from './hold.ts';
import { LogWindow } from './log-window.ts';
import { ReceiverHealth, type Rest } from './receiver-health.ts';
import { RequestsUnderWay } from './under-way.ts';

/** The first events that may be sent; `isEnough` where they fill more than one request. */
interface Sendable {
  readonly events: readonly LoggedEvent[];
  readonly isEnough: boolean;
}

/** Single events looked at ahead: enough for all requests at once. */
const singlesAhead = 8 * singlesAtOnceMax;

export class DeliveryQueue {
  readonly #options: QueueOptions;
  readonly #health: ReceiverHealth;
  readonly #window: LogWindow;
  readonly #held: HeldAccounts;
  readonly #underWay = new RequestsUnderWay();
  #head = 0;
  /** Since when there is not enough to send, though the log goes on: the window is full. */
  #starvesSince: Date | undefined;
  /** What may be sent of the window, and what is sent next, as long as nothing has changed. */
  #known: { sendable?: Sendable; next?: Next } = {};

  constructor(options: QueueOptions) {
    this.#options = options;
    const atOnceMax = isPackaged(options.webhook) ? packagesAtOnceMax : singlesAtOnceMax;
    this.#health = new ReceiverHealth(options.standing, atOnceMax);
    this.#window = new LogWindow(options.standing.position);
    this.#held = new HeldAccounts(options.holds);
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Whether nothing was taken since the last failure of the subscription as a whole. */
  get isFailing(): boolean {
    return this.#health.isFailing;
  }

  /** Why nothing is sent before the next attempt is due, if so. */
  get rests(): Rest | undefined {
    return this.#health.rests;
  }

  get standing(): Standing {
    return { ...this.#health.standing, position: this.#window.position };
  }

  /** When the first hold is due; undefined where none is tried again. */
  get holdDueAt(): Date | undefined {
    return this.#held.dueAt();
  }

  /** Accounts whose hold has changed since this was last asked, with what holds them now if any. */
  takeChanges(): ReadonlyMap<AccountId, Hold | undefined> {
    return this.#held.takeChanges();
  }

  /** How far the log reaches. */
  setHead(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    delete this.#known.next;
  }

  /** What to read next; nothing while enough waits to be sent. */
  wanted(now: Date): Wanted | undefined {
    if (this.rests !== undefined) return undefined;
    const due = this.#held.due(now, this.#isFree);
    const hold = due.find((one) => this.#held.readFor(one) === undefined);
    if (hold !== undefined) {
      const upTo = hold.attempts > 0 ? hold.upTo : this.#window.readTo;
      return { type: 'held', hold, upTo };
    }
    const after = this.#window.readTo;
    if (after >= this.#head || this.#sendable().isEnough) {
      this.#starvesSince = undefined;
      return undefined;
    }
    if (this.#isFull()) this.#makeRoom(now);
    return this.#isFull() ? undefined : { type: 'log', after };
  }

  /** Takes events of the log in, ascending; nothing else is there up to `readTo`. */
  addLog(events: readonly LoggedEvent[], readTo: number): void {
    this.#known = {};
    const isInStep = (event: LoggedEvent) => !this.#held.isSure(event.accountId);
    this.#window.add(this.#held.size === 0 ? events : events.filter(isInStep), readTo);
  }

  /** Takes what was read for a hold in. Where nothing is left, its accounts are in step again. */
  addHeld(hold: Hold, events: readonly LoggedEvent[], upTo: number): void {
    if (!this.#held.isCurrent(hold)) return;
    this.#known = {};
    if (events.length > 0) {
      this.#held.keepRead(hold, events);
    } else if (hold.attempts > 0) {
      // What was refused is not in the log any more.
      this.#held.replace(hold, [taken({ ...hold, upTo }, hold.nextAttemptAt)]);
    } else if (upTo >= this.#window.readTo) {
      this.#held.replace(hold, []);
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

  #choose(now: Date): Next {
    const { width, isFailing, isRefusing } = this.#health;
    if (this.rests || this.#underWay.size >= width) return { type: 'nothing' };
    const logged = isFailing && isRefusing ? this.#alternative() : this.#logged(now);
    const held = this.#nextHeld(now);
    const isTurnOfHeld = !isFailing && this.#underWay.heldSize * 2 < width;
    if (held !== undefined && (isTurnOfHeld || logged.type !== 'send')) {
      return { type: 'send', sending: held };
    }
    return logged;
  }

  /** A request of `next` is under way. */
  begin(sending: Sending): void {
    this.#known = {};
    const { hold, events } = sending;
    this.#underWay.begin(sending);
    if (hold === undefined) {
      if (this.#held.isInDoubt) this.#freeToTryAgain(events);
      this.#window.mark(events, 'sending');
    } else {
      this.#held.forgetRead(hold);
    }
  }

  /** What became of a request. */
  settle(sending: Sending, outcome: Outcome): void {
    this.#known = {};
    const hold = this.#underWay.end(sending);
    if (outcome.type === 'cut') {
      this.#window.mark(sending.events, 'waiting');
      return;
    }
    if (outcome.type === 'taken') {
      this.#health.taken(outcome);
      this.#taken(sending, hold, outcome.at);
      return;
    }
    if (outcome.type === 'refused') this.#refused(sending, hold, outcome);
    else if (hold === undefined) this.#window.mark(sending.events, 'waiting');
    this.#health.failed(outcome);
  }

  /** Nothing more is sent in this claim: what is still in doubt means that the receiver is down. */
  finish(): void {
    this.#known = {};
    if (this.#held.isInDoubt) this.#health.giveUp();
  }

  #taken(sending: Sending, hold: Hold | undefined, at: Date): void {
    if (hold === undefined) {
      this.#window.mark(sending.events, 'done');
    } else {
      const upTo = sending.events.at(-1)?.position ?? hold.upTo;
      this.#held.replace(hold, [taken({ ...hold, upTo }, at)]);
    }
    // It takes others, so what it refused is held, and the mark may pass it.
    if (this.#held.size <= heldAccountsMax) this.#window.leave(this.#held.confirm());
  }

  #refused(sending: Sending, hold: Hold | undefined, failure: Failure): void {
    const { standing } = this.#health;
    if (hold === undefined) {
      const fresh = newHold(this.#options.newId(), sending.events, failure.at);
      this.#held.doubt(refused(fresh, failure, standing));
      this.#window.mark(sending.events, 'refused');
    } else {
      const { setAsideAttempts, newId } = this.#options;
      const { lastSuccessAt } = standing;
      const trial = { events: sending.events, failure, lastSuccessAt, setAsideAttempts, newId };
      this.#held.replace(hold, refusedAgain(hold, trial));
    }
  }

  #freeToTryAgain(events: readonly LoggedEvent[]): void {
    for (const { accountId } of events) {
      if (!this.#held.has(accountId)) continue;
      this.#held.free(accountId);
      this.#window.mark(this.#window.of(accountId), 'waiting');
    }
  }

  #isFull(): boolean {
    const { events, bytes } = this.#window.size;
    return events >= deliveryWindowMax || bytes >= this.#options.windowBytesMax();
  }

  /** What keeps all others waiting for long steps aside: it is held, and the mark may pass it. */
  #makeRoom(now: Date): void {
    this.#starvesSince ??= now;
    if (now.getTime() - this.#starvesSince.getTime() < stepAsideMs || this.isFailing) return;
    const sending = this.#underWay.findFree(({ events }) => this.#window.isBlockedBy(events));
    if (sending === undefined) return;
    const hold = newHold(this.#options.newId(), sending.events, now);
    if (hold.afters.size > stepAsideAccountsMax || this.#held.size >= heldAccountsMax) return;
    this.#known = {};
    this.#underWay.hold(sending, hold);
    this.#held.hold(hold);
    this.#window.leave(new Set(hold.afters.keys()));
  }

  readonly #isFree = (accountId: AccountId): boolean => !this.#underWay.isBusy(accountId);

  readonly #isSendable = (accountId: AccountId): boolean => {
    return this.#isFree(accountId) && !this.#held.has(accountId);
  };

  /** What may be sent of the window, as far as the next request and whether to read on need it. */
  #sendable(): Sendable {
    const { webhook } = this.#options;
    const isMore = isPackaged(webhook)
      ? (events: number, bytes: number) => isMoreThanFits(webhook, { events, bytes })
      : (events: number) => events >= singlesAhead;
    this.#known.sendable ??= this.#window.waiting(this.#isSendable, isMore);
    return this.#known.sendable;
  }

  #nextHeld(now: Date): Sending | undefined {
    for (const hold of this.#held.due(now, this.#isFree)) {
      const read = this.#held.readFor(hold);
      if (read === undefined) continue;
      const { events } = fitting(this.#options.webhook, read);
      return { events, hold, attempt: hold.attempts + 1 };
    }
    return undefined;
  }

  #logged(now: Date): Next {
    const isRead = this.#window.readTo >= this.#head;
    const { events } = this.#sendable();
    // As long as there is room, what is behind is just being read, and may belong to what is collected.
    const isAll = isRead || !this.#isFull();
    const next = nextPackage(this.#options.webhook, events, { now, isAll });
    if (next.type === 'send') return this.#send(next.events);
    if (next.type === 'nothing' || !isRead) return { type: 'nothing' };
    return { ...next, fullAt: this.#head + next.missing };
  }

  /**
   * Something else than what a failing receiver has just refused, to tell whether it takes others:
   * the events of one account by lot. A package is first tried as a whole for some times.
   */
  #alternative(): Next {
    const { events: waiting } = this.#window.waiting(this.#isSendable, () => false);
    const isTogether = this.#held.doubtful().some((hold) => {
      return hold.afters.size > 1 && hold.attempts >= wholeAttempts;
    });
    const others = waiting.length === 0 && isTogether ? this.#window.refused() : waiting;
    const lot = others[Math.floor(this.#options.random() * others.length)];
    if (lot === undefined) return { type: 'nothing' };
    return this.#send(fitting(this.#options.webhook, this.#window.of(lot.accountId)).events);
  }

  #send(events: readonly LoggedEvent[]): Next {
    const attempt = this.#health.standing.attempts + 1;
    return { type: 'send', sending: { events, hold: undefined, attempt } };
  }
}
