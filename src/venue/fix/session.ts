// One connection of a FIX session, as its initiator: which message is expected, what is answered, when
// the session is ready for orders, and when it ends. Pure: messages and instants go in, effects come
// out. Numbering what is sent, storing and the socket are the connection's (connection.ts).
//
// Two rules go beyond the specification, since a lost execution cannot be made good: a number never
// moves past a gap, and whatever says that a side has lost its numbers stops the session for a person.
// Source: FIX 4.4 volume 2, "FIX Session Protocol", and the session test cases named in the tests.

import { Backlog, type Gap, type Kept } from './backlog.ts';
import { type FixMessage, type Framed, fieldOf } from './codec.ts';
import {
  type Effect,
  heartbeat,
  logout,
  receipt,
  reject,
  resendFor,
  resendRequest,
  testRequest,
  textIn,
} from './effects.ts';
import { type Fault, headerFault, numberIn, rejectReasons } from './header.ts';
import { type LogonTerms, logon, refusedLogon, remedies, tooLow, wrongLogon } from './logon.ts';
import { resendTriesMax, silenceShare, waitsMs } from './patience.ts';

export interface SessionSettings extends LogonTerms {
  readonly beginString: string;
  readonly senderCompId: string;
  readonly targetCompId: string;
  /** How far SendingTime (52) may be away from our clock, in ms. */
  readonly sendingTimeToleranceMs: number;
  /** What is wrong with an application message; such a one is answered with a Reject. */
  readonly check: (message: FixMessage) => Fault | undefined;
}

type Phase = 'connected' | 'logon_sent' | 'syncing' | 'ready' | 'logout_sent' | 'ended';

export class FixSession {
  readonly #settings: SessionSettings;
  #phase: Phase = 'connected';
  /** The number expected next. */
  #next: number;
  readonly #later = new Backlog();
  #gap: Gap | undefined;
  /** ResendRequests behind a gap that were answered at once. */
  readonly #answered = new Set<number>();
  #test: { readonly id: string; readonly sentAt: number } | undefined;
  #tests = 0;
  #phaseSince = 0;
  #sentAt = 0;
  #receivedAt = 0;

  /** @param next the number expected of the venue, as the database has it. */
  constructor(settings: SessionSettings, next: number) {
    this.#settings = settings;
    this.#next = next;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get isLoggingOn(): boolean {
    return this.#phase === 'logon_sent';
  }

  /** The connection stands. `resets`: a new trading day begins, both sides count from 1 again. */
  open(now: Date, resets: boolean): readonly Effect[] {
    this.#enter('logon_sent', now);
    this.#receivedAt = now.getTime();
    return [logon(this.#settings, resets)];
  }

  /** Something was written: a Heartbeat is due that much later. */
  sent(now: Date): void {
    this.#sentAt = now.getTime();
  }

  receive(framed: Framed, now: Date): readonly Effect[] {
    if (this.#phase === 'ended') return [];
    if (framed.kind === 'garbled') return this.#garbled(framed);
    const { message, bytes } = framed;
    this.#receivedAt = now.getTime();
    const number = numberIn(message, 34);
    if (number === undefined)
      return this.#logOutAndEnd('MsgSeqNum (34) is missing', remedies.broken);
    const received = { message, number, bytes };
    const fault = headerFault(message, { ...this.#settings, now });
    if (fault?.ends) return this.#endFor(received, fault);
    if (this.#phase === 'logon_sent') return this.#receiveLogon(received, now);
    if (message.type === '4' && fieldOf(message, 123) !== 'Y') return this.#reset(message);
    if (number < this.#next) return this.#receiveLow(message, number);
    if (number > this.#next) return this.#receiveHigh(received, now);
    return this.#settle([...this.#count(received, fault), ...this.#drain()], now);
  }

  /** Time has passed: to be called a few times in each heartbeat interval. */
  tick(now: Date): readonly Effect[] {
    const at = now.getTime();
    const inPhase = at - this.#phaseSince;
    switch (this.#phase) {
      case 'connected':
      case 'ended':
        return [];
      case 'logon_sent':
        return inPhase < waitsMs.logon
          ? []
          : this.#end('the venue did not answer the Logon', false);
      case 'logout_sent':
        return inPhase < waitsMs.logout
          ? []
          : this.#end('the venue did not answer the Logout', false);
      case 'syncing':
      case 'ready':
        return this.#keepAlive(at, now);
    }
  }

  /** Begins an orderly end; the connection is closed once the venue has answered. */
  logOut(text: string, now: Date): readonly Effect[] {
    if (this.#phase !== 'syncing' && this.#phase !== 'ready') return this.#end(text, false);
    this.#enter('logout_sent', now);
    return [logout(text)];
  }

  #garbled(framed: Framed & { kind: 'garbled' }): readonly Effect[] {
    const text = `${framed.bytes} bytes ignored: ${framed.reason}`;
    if (framed.version === undefined) return [{ type: 'note', text }];
    const reason = `Incorrect BeginString: ${framed.version}, not ${this.#settings.beginString}`;
    return this.#logOutAndEnd(reason, remedies.version);
  }

  /** The answer to our Logon, or the refusal of it. */
  #receiveLogon(received: Kept, now: Date): readonly Effect[] {
    const { message, number } = received;
    const text = fieldOf(message, 58);
    if (message.type === '5') return this.#end(refusedLogon(text), true);
    if (message.type !== 'A') {
      return this.#end(`the first message is of type ${message.type}, not a Logon`, false);
    }
    const wrong = wrongLogon(message, this.#settings, this.#next);
    if (wrong !== undefined) return this.#logOutAndEnd(wrong.reason, wrong.remedy);
    this.#enter('syncing', now);
    if (number === this.#next) {
      const effects = [receipt(message, this.#advance(number + 1)), this.#testRequest(now)];
      return [...effects, ...this.#drain()];
    }
    // The venue has sent what we do not have: the Logon counts as soon as that is here.
    this.#later.keep(received);
    return [...this.#askForGap(number, now), this.#testRequest(now)];
  }

  /** SequenceReset in reset mode: what lay between is lost, so the session stops. */
  #reset(message: FixMessage): readonly Effect[] {
    const to = numberIn(message, 36);
    if (to === undefined || to < this.#next) {
      return [reject(message, { tag: 36, reason: rejectReasons.valueIncorrect })];
    }
    const from = this.#next;
    const effects = [receipt(message, this.#advance(to))];
    if (to === from) return effects;
    const reason = `the venue moved its numbers from ${from} to ${to}: reports may be lost, reconcile`;
    return [...effects, ...this.#logOutAndEnd(reason, remedies.reset)];
  }

  #receiveLow(message: FixMessage, number: number): readonly Effect[] {
    if (fieldOf(message, 43) === 'Y') return [];
    if (message.type === '5') return this.#end(`the venue logged out: ${textIn(message)}`, true);
    return this.#logOutAndEnd(tooLow(this.#next, number), remedies.numbers);
  }

  #receiveHigh(received: Kept, now: Date): readonly Effect[] {
    const { message, number } = received;
    if (message.type === '5') return this.#receiveLogout(message);
    const effects: Effect[] = [];
    if (message.type === '2' && !this.#answered.has(number)) {
      // Both sides may wait for each other's past: the one asked answers first (test case 20).
      effects.push(resendFor(message));
      this.#answered.add(number);
    }
    this.#later.keep(received);
    return [...effects, ...(this.#gap === undefined ? this.#askForGap(number, now) : [])];
  }

  #askForGap(upTo: number, now: Date, tries = 1): readonly Effect[] {
    this.#gap = { upTo, askedAt: now.getTime(), tries };
    return [resendRequest(this.#next)];
  }

  /** A message that is next in turn. */
  #count({ message, number }: Kept, fault: Fault | undefined): readonly Effect[] {
    if (fault !== undefined) return this.#countFaulty(message, number, fault);
    switch (message.type) {
      case '0':
        if (this.#test && fieldOf(message, 112) === this.#test.id) this.#test = undefined;
        return [receipt(message, this.#advance(number + 1))];
      case '1':
        return [receipt(message, this.#advance(number + 1)), heartbeat(fieldOf(message, 112))];
      case '2': {
        const isAnswered = this.#answered.has(number);
        const effects = isAnswered ? [] : [resendFor(message)];
        return [receipt(message, this.#advance(number + 1)), ...effects];
      }
      case '4': {
        const to = numberIn(message, 36) ?? 0;
        if (to > number) return [receipt(message, this.#advance(to))];
        return this.#countFaulty(message, number, {
          tag: 36,
          reason: rejectReasons.valueIncorrect,
        });
      }
      case '5':
        return [receipt(message, this.#advance(number + 1)), ...this.#receiveLogout(message)];
      case 'A': {
        const effects = [receipt(message, this.#advance(number + 1))];
        if (this.#phase !== 'ready' || fieldOf(message, 141) !== 'Y') return effects;
        return [
          ...effects,
          ...this.#logOutAndEnd('the venue has reset its numbers (141=Y)', remedies.reset),
        ];
      }
      default: {
        const wrong = message.type === '3' ? undefined : this.#settings.check(message);
        if (wrong !== undefined) return this.#countFaulty(message, number, wrong);
        return [receipt(message, this.#advance(number + 1))];
      }
    }
  }

  #countFaulty(message: FixMessage, number: number, fault: Fault): readonly Effect[] {
    return [receipt(message, this.#advance(number + 1), fault), reject(message, fault)];
  }

  /** Counts what was kept behind a gap that is closed now. */
  #drain(): readonly Effect[] {
    const effects: Effect[] = [];
    for (;;) {
      const kept = this.#later.at(this.#next);
      if (kept === undefined || this.#phase === 'ended') return effects;
      const fault = headerFault(kept.message, { ...this.#settings, now: undefined });
      effects.push(...this.#count(kept, fault));
    }
  }

  #advance(next: number): number {
    this.#later.forgetBelow(next);
    for (const number of this.#answered) if (number < next) this.#answered.delete(number);
    this.#next = next;
    return next;
  }

  /** What follows from numbers that have moved: a gap is closed, another shows, both are level. */
  #settle(effects: readonly Effect[], now: Date): readonly Effect[] {
    if (this.#phase === 'ended') return effects;
    const then: Effect[] = [];
    if (this.#gap !== undefined) {
      this.#gap =
        this.#next > this.#gap.upTo ? undefined : { ...this.#gap, askedAt: now.getTime() };
    }
    if (this.#gap === undefined && this.#later.size > 0) {
      then.push(...this.#askForGap(this.#later.highest, now));
    }
    if (this.#phase === 'syncing' && this.#test === undefined && this.#gap === undefined) {
      this.#enter('ready', now);
      then.push({ type: 'ready' });
    }
    return [...effects, ...then];
  }

  #receiveLogout(message: FixMessage): readonly Effect[] {
    const text = textIn(message);
    if (this.#phase === 'logout_sent') return this.#end('logged out', false);
    // A venue that ends a session over its numbers would do so again.
    const isFailure = /too low|sequence/i.test(text);
    return [logout('Logout confirmed'), ...this.#end(`the venue logged out: ${text}`, isFailure)];
  }

  #keepAlive(at: number, now: Date): readonly Effect[] {
    const intervalMs = this.#settings.heartbeatS * 1_000;
    if (this.#gap !== undefined && at - this.#gap.askedAt >= waitsMs.resend) {
      const { upTo, tries } = this.#gap;
      if (tries >= resendTriesMax) return this.#end('the venue does not close a gap', false);
      return this.#askForGap(upTo, now, tries + 1);
    }
    const silentMs = at - this.#receivedAt;
    const limitMs = intervalMs * silenceShare;
    if (this.#test === undefined) {
      if (silentMs >= limitMs) return [this.#testRequest(now)];
    } else if (at - this.#test.sentAt >= limitMs) {
      if (silentMs >= limitMs) return this.#end('the venue has been silent', false);
      const isStuck = this.#phase === 'syncing' && this.#gap === undefined;
      if (isStuck) return this.#end('the venue does not answer a TestRequest', false);
    }
    return at - this.#sentAt >= intervalMs ? [heartbeat(undefined)] : [];
  }

  #testRequest(now: Date): Effect {
    this.#tests += 1;
    this.#test = { id: `${now.getTime()}-${this.#tests}`, sentAt: now.getTime() };
    return testRequest(this.#test.id);
  }

  #endFor({ message, number }: Kept, fault: Fault): readonly Effect[] {
    const isNext = number === this.#next && this.#phase !== 'logon_sent';
    const effects = isNext ? this.#countFaulty(message, number, fault) : [reject(message, fault)];
    const remedy = fault.tag === 52 ? remedies.clock : remedies.compId;
    return [...effects, ...this.#logOutAndEnd(fault.text ?? 'a wrong header', remedy)];
  }

  #logOutAndEnd(reason: string, remedy: string): readonly Effect[] {
    return [logout(reason), ...this.#end(`${reason}; ${remedy}`, true)];
  }

  #end(reason: string, isFailure: boolean): readonly Effect[] {
    if (this.#phase === 'ended') return [];
    this.#phase = 'ended';
    return [{ type: 'end', reason, isFailure }];
  }

  #enter(phase: Phase, now: Date): void {
    this.#phase = phase;
    this.#phaseSince = now.getTime();
  }
}
