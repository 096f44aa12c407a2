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
  logReadMax,
  packageEventsMax,
  packagesAtOnceMax,
  singlesAtOnceMax,
} from '../limits.ts';
import {
  accountsOf,
  type Failed,
  type Next,
  type Outcome,
  type QueueOptions,
  type Sending,
  type Standing,
  type Wanted,
} from './delivery.ts';
import { HeldAccounts } from './held-accounts.ts';
import {
  type Failure,
  type Hold,
  newHold,
  nextAttemptAfter,
  refused,
  refusedAgain,
  taken,
  wholeAttempts,
} from './hold.ts';
import { LogWindow } from './log-window.ts';
import { fitting, isPackaged, type LoggedEvent, nextPackage } from './webhook.ts';

/** Refusals in a row, with no success between, after which the receiver counts as down. */
const refusalsMax = 4;
/** The same for a receiver that has failed before. */
const probesMax = 2;

export class DeliveryQueue {
  readonly #options: QueueOptions;
  readonly #atOnceMax: number;
  readonly #window: LogWindow;
  readonly #held: HeldAccounts;
  /** What is under way, with the hold of its accounts if there is one by now. */
  readonly #underWay = new Map<Sending, Hold | undefined>();
  readonly #busy = new Set<AccountId>();
  #standing: Standing;
  #head = 0;
  #refusals = 0;
  #atOnce = 1;
  /** Why nothing more is sent in this claim. */
  #rests: 'doubt' | 'asked' | 'gone' | undefined;
  #lastFailure: Failure | undefined;
  /** What may be sent of the window, and what is sent next, as long as nothing has changed. */
  #known: { sendable?: LoggedEvent[]; next?: Next } = {};

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#atOnceMax = isPackaged(options.webhook) ? packagesAtOnceMax : singlesAtOnceMax;
    this.#standing = options.standing;
    this.#window = new LogWindow(options.standing.position);
    this.#held = new HeldAccounts(options.holds);
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Whether nothing was taken since the last failure of the subscription as a whole. */
  get isFailing(): boolean {
    return this.#standing.attempts > 0;
  }

  /** Why nothing is sent before the next attempt is due, if so. */
  get rests(): 'doubt' | 'asked' | 'gone' | undefined {
    return this.#rests;
  }

  get standing(): Standing {
    return { ...this.#standing, position: this.#window.position };
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
    this.#known = {};
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
    const ahead = isPackaged(this.#options.webhook) ? packageEventsMax : logReadMax / 2;
    if (after >= this.#head || this.#sendable().length >= ahead) return undefined;
    if (this.#window.length >= deliveryWindowMax) this.#stepAside(now);
    return this.#window.length < deliveryWindowMax ? { type: 'log', after } : undefined;
  }

  /** Takes events of the log in, ascending; nothing else is there up to `readTo`. */
  addLog(events: readonly LoggedEvent[], readTo: number): void {
    this.#known = {};
    const inStep = events.filter((event) => !this.#held.isSure(event.accountId));
    this.#window.add(inStep, readTo);
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
    const width = this.isFailing ? 1 : this.#atOnce;
    if (this.rests || this.#underWay.size >= width) return { type: 'nothing' };
    const logged = this.isFailing && this.#refusals > 0 ? this.#alternative() : this.#logged(now);
    const held = this.#nextHeld(now);
    const heldUnderWay = [...this.#underWay.values()].filter((hold) => hold !== undefined).length;
    const isTurnOfHeld = !this.isFailing && heldUnderWay * 2 < width;
    if (held !== undefined && (isTurnOfHeld || logged.type !== 'send')) {
      return { type: 'send', sending: held };
    }
    return logged;
  }

  /** A request of `next` is under way. */
  begin(sending: Sending): void {
    this.#known = {};
    const { hold, events } = sending;
    const accounts = accountsOf(sending);
    if (hold === undefined) {
      this.#freeToTryAgain(accounts);
      this.#window.mark(events, 'sending');
    } else {
      this.#held.forgetRead(hold);
    }
    this.#underWay.set(sending, hold);
    for (const accountId of accounts) this.#busy.add(accountId);
  }

  /** What became of a request. */
  settle(sending: Sending, outcome: Outcome): void {
    this.#known = {};
    const hold = this.#underWay.get(sending);
    this.#underWay.delete(sending);
    for (const accountId of accountsOf(sending)) this.#busy.delete(accountId);
    if (outcome.type === 'cut') {
      this.#window.mark(sending.events, 'waiting');
      return;
    }
    const { at: lastAttemptAt, reason: lastOutcome } = outcome;
    this.#standing = { ...this.#standing, lastAttemptAt, lastOutcome };
    if (outcome.type === 'taken') this.#taken(sending, hold, outcome.at);
    else this.#failed(sending, hold, outcome);
  }

  /** Nothing more is sent in this claim: what is still in doubt means that the receiver is down. */
  finish(): void {
    this.#known = {};
    const failure = this.#lastFailure;
    if (this.#held.isInDoubt && this.rests === undefined && failure) this.#rest(failure, 'doubt');
  }

  #taken(sending: Sending, hold: Hold | undefined, at: Date): void {
    this.#refusals = 0;
    this.#atOnce = Math.min(this.#atOnce * 2, this.#atOnceMax);
    if (this.#rests === 'doubt') this.#rests = undefined;
    const success = { attempts: 0, failingSince: undefined, lastSuccessAt: at };
    this.#standing = { ...this.#standing, ...success };
    if (hold === undefined) {
      this.#window.mark(sending.events, 'done');
    } else {
      const upTo = sending.events.at(-1)?.position ?? hold.upTo;
      this.#held.replace(hold, [taken({ ...hold, upTo }, at)]);
    }
    // It takes others, so what it refused is held, and the mark may pass it.
    if (this.#held.size <= heldAccountsMax) this.#window.leave(this.#held.confirm());
  }

  #failed(sending: Sending, hold: Hold | undefined, outcome: Failed): void {
    this.#lastFailure = outcome;
    if (outcome.type === 'refused') {
      this.#refused(sending, hold, outcome);
      return;
    }
    if (hold === undefined) this.#window.mark(sending.events, 'waiting');
    const isAsked = outcome.retryAfterMs !== undefined;
    this.#rest(outcome, outcome.type === 'gone' ? 'gone' : isAsked ? 'asked' : 'doubt');
  }

  #refused(sending: Sending, hold: Hold | undefined, failure: Failure): void {
    this.#refusals += 1;
    if (hold === undefined) {
      const fresh = newHold(this.#options.newId(), sending.events, failure.at);
      this.#held.doubt(refused(fresh, failure, this.#standing));
      this.#window.mark(sending.events, 'refused');
    } else {
      const { setAsideAttempts, newId } = this.#options;
      const { lastSuccessAt } = this.#standing;
      const trial = { events: sending.events, failure, lastSuccessAt, setAsideAttempts, newId };
      this.#held.replace(hold, refusedAgain(hold, trial));
    }
    if (this.#refusals >= (this.isFailing ? probesMax : refusalsMax)) this.#rest(failure, 'doubt');
  }

  /** Sends nothing more in this claim, and not before the next attempt is due. */
  #rest(failure: Failure, why: 'doubt' | 'asked' | 'gone'): void {
    const { attempts, failingSince = failure.at, nextAttemptAt } = this.#standing;
    const count = this.rests ? Math.max(attempts, 1) : attempts + 1;
    const due = nextAttemptAfter(count, failure);
    this.#standing = {
      ...this.#standing,
      attempts: count,
      failingSince,
      nextAttemptAt: this.rests && nextAttemptAt > due ? nextAttemptAt : due,
    };
    if (this.#rests !== 'gone') this.#rests = why;
  }

  #freeToTryAgain(accounts: ReadonlySet<AccountId>): void {
    for (const accountId of accounts) {
      if (!this.#held.has(accountId)) continue;
      this.#held.free(accountId);
      this.#window.mark(this.#window.of(accountId), 'waiting');
    }
  }

  /** What is under way for long makes room: its accounts are held, and the mark may pass them. */
  #stepAside(now: Date): void {
    for (const [sending, hold] of this.#underWay) {
      const isInTheWay = hold === undefined && this.#window.isBlockedBy(sending.events);
      if (!isInTheWay || this.isFailing) continue;
      this.#known = {};
      const own = newHold(this.#options.newId(), sending.events, now);
      this.#underWay.set(sending, own);
      this.#held.hold(own);
      this.#window.leave(accountsOf(sending));
    }
  }

  readonly #isFree = (accountId: AccountId): boolean => !this.#busy.has(accountId);

  /** What may be sent of the window. */
  #sendable(): LoggedEvent[] {
    this.#known.sendable ??= this.#window.waiting((one) => {
      return !this.#busy.has(one) && !this.#held.has(one);
    });
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
    const isAll = this.#window.readTo >= this.#head;
    const next = nextPackage(this.#options.webhook, this.#sendable(), { now, isAll });
    if (next.type === 'send') return this.#send(next.events);
    return next.type === 'nothing' ? next : { ...next, fullAt: this.#head + next.missing };
  }

  /**
   * Something else than what a failing receiver has just refused, to tell whether it takes others:
   * the events of one account by lot. A package is first tried as a whole for some times.
   */
  #alternative(): Next {
    const waiting = this.#sendable();
    const isTogether = this.#held.doubtful().some((hold) => {
      return hold.afters.size > 1 && hold.attempts >= wholeAttempts;
    });
    const others = waiting.length === 0 && isTogether ? this.#window.refused() : waiting;
    const lot = others[Math.floor(this.#options.random() * others.length)];
    if (lot === undefined) return { type: 'nothing' };
    return this.#send(fitting(this.#options.webhook, this.#window.of(lot.accountId)).events);
  }

  #send(events: readonly LoggedEvent[]): Next {
    const attempt = this.#standing.attempts + 1;
    return { type: 'send', sending: { events, hold: undefined, attempt } };
  }
}
