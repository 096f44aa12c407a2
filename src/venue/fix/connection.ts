// One connection of a session, from the Logon to its end: reads what comes, asks the session what it
// means, and does that in order: commits what counts, then numbers and commits what is sent, then
// writes it. Whatever fails here ends the connection; the next one begins from the rows.

import type { Duplex } from 'node:stream';
import { type Clock, later } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { fixWriteMsMax } from '../../limits.ts';
import { StatusQuestions } from './ask-status.ts';
import { type Field, type FixMessage, Framer } from './codec.ts';
import type { Effect } from './effects.ts';
import type { FixOrder } from './order.ts';
import { hasRequests } from './outbox-store.ts';
import { type FixProfile, fieldsIn, versions } from './profile.ts';
import { faultIn } from './reading.ts';
import { type Received, receiveMessages } from './receive-messages.ts';
import { numberMessages, numberRequests, replayPage, sentAtOnceMax } from './send-requests.ts';
import { FixSession } from './session.ts';
import { type ClaimedSession, renewSession, SessionLostError } from './session-store.ts';
import { Wire } from './wire.ts';

export interface FixLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ConnectionOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly profile: FixProfile;
  readonly log: FixLog;
  readonly leaseMs: number;
  /** How old an order may be when the venue asks for it again, in ms. */
  readonly staleMs: number;
  /** Both sides are level, and orders may be sent. */
  readonly onReady: () => Promise<void>;
  /** Orders of this venue are committed as they are here; a hint, and no more than that. */
  readonly onReceived: (changed: readonly FixOrder[]) => void;
}

/** How a connection ended. */
export interface Ending {
  readonly reason: string;
  /** Nothing reconnects before a person has looked. */
  readonly isFailure: boolean;
}

/** Many venues hang up without a word on whom they do not know. */
const logonRemedy =
  'it has not answered the Logon: compare CompIDs, logon_fields and certificate of the profile with ' +
  'what the venue has assigned';
const heartbeatSDefault = 30;
const ticksInHeartbeat = 4;
const renewsInLease = 3;
export class FixConnection {
  readonly #claimed: ClaimedSession;
  readonly #options: ConnectionOptions;
  readonly #wire: Wire;
  readonly #framer: Framer;
  readonly #session: FixSession;
  readonly #questions: StatusQuestions;
  #nextOut: number;
  #nextIn: number;
  #ending: Ending | undefined;
  /** What has come up since the last turn. */
  #isTicking = false;
  #isRenewing = false;
  #isWoken = true;
  #isLooking = false;
  #isStopping = false;
  #wakeTurn: () => void = () => {};
  /** Application messages that may still be sent in this second. */
  #allowance = { second: 0, left: 0 };

  constructor(claimed: ClaimedSession, socket: Duplex, options: ConnectionOptions) {
    const { profile } = options;
    const terms = versions[profile.version];
    this.#claimed = claimed;
    this.#wire = new Wire(socket, () => this.#wakeTurn());
    this.#options = options;
    this.#nextOut = claimed.nextOut;
    this.#nextIn = claimed.nextIn;
    this.#questions = new StatusQuestions({ ...options, writer: claimed.writer });
    this.#framer = new Framer(terms.beginString);
    const settings = {
      beginString: terms.beginString,
      senderCompId: profile.sender_comp_id,
      targetCompId: profile.target_comp_id,
      heartbeatS: profile.heartbeat_s ?? heartbeatSDefault,
      applicationVersion: terms.applicationVersion,
      logonFields: fieldsIn(profile.logon_fields),
      sendingTimeToleranceMs: (profile.sending_time_tolerance_s ?? 120) * 1_000,
      check: (message: FixMessage) => faultIn(message, terms),
    };
    this.#session = new FixSession(settings, claimed.nextIn);
  }

  /** Something waits to be sent. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeTurn();
  }

  /** Another process may have put something there. */
  look(): void {
    this.#isLooking = true;
    this.#wakeTurn();
  }

  /** Logs out; `run` ends once the venue has answered, or has not for some seconds. */
  stop(): void {
    this.#isStopping = true;
    this.#wakeTurn();
  }

  /** Runs the connection to its end. Never throws for what a venue or a network does. */
  async run(): Promise<Ending> {
    const timers = this.#startTimers();
    try {
      const now = this.#options.clock.now();
      await this.#perform(this.#session.open(now, this.#claimed.isResetPending));
      while (this.#ending === undefined) await this.#turn();
      return this.#ending;
    } catch (error) {
      if (error instanceof SessionLostError) return { reason: error.message, isFailure: false };
      this.#options.log.error({ venue: this.#options.profile.mic, err: error }, 'fix.broken');
      return { reason: 'an error of this side; see the log', isFailure: false };
    } finally {
      for (const timer of timers) clearInterval(timer);
      await this.#wire.close();
    }
  }

  #startTimers(): readonly NodeJS.Timeout[] {
    const { leaseMs, profile } = this.#options;
    const heartbeatMs = (profile.heartbeat_s ?? heartbeatSDefault) * 1_000;
    const tick = () => {
      this.#isTicking = true;
      this.#wakeTurn();
    };
    const renew = () => {
      this.#isRenewing = true;
      this.#wakeTurn();
    };
    return [
      setInterval(tick, Math.min(heartbeatMs / ticksInHeartbeat, 1_000)),
      setInterval(renew, leaseMs / renewsInLease),
    ];
  }

  /** Everything that has come up, once; then waits for more. */
  async #turn(): Promise<void> {
    const { clock } = this.#options;
    if (this.#isRenewing) await this.#renew();
    const effects = this.#read();
    if (effects.length > 0) await this.#perform(effects);
    if (this.#ending !== undefined) return;
    if (this.#wire.lost !== undefined && !this.#wire.hasUnread) {
      const { lost } = this.#wire;
      const reason = this.#session.isLoggingOn ? `${lost}; ${logonRemedy}` : lost;
      this.#ending = { reason, isFailure: false };
      return;
    }
    if (this.#isTicking) {
      this.#isTicking = false;
      await this.#perform(this.#session.tick(clock.now()));
    }
    if (this.#isStopping) {
      this.#isStopping = false;
      await this.#perform(this.#session.logOut('the service stops', clock.now()));
    }
    if (this.#session.isReady && this.#isLooking && !this.#isWoken) {
      const { sql } = this.#options;
      this.#isWoken = await hasRequests(sql, this.#claimed.writer.venue);
    }
    this.#isLooking = false;
    if (this.#session.isReady && this.#isWoken) await this.#send();
    await this.#rest();
  }

  #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeTurn = resolve;
    const isIdle =
      this.#ending === undefined &&
      !this.#wire.hasUnread &&
      this.#wire.lost === undefined &&
      !this.#isTicking &&
      !this.#isRenewing &&
      !this.#isStopping &&
      !(this.#session.isReady && (this.#isWoken || this.#isLooking));
    if (!isIdle) resolve();
    return promise;
  }

  #read(): readonly Effect[] {
    const now = this.#options.clock.now();
    return this.#wire
      .read()
      .flatMap((chunk) => this.#framer.push(chunk))
      .flatMap((framed) => this.#session.receive(framed, now));
  }

  async #renew(): Promise<void> {
    this.#isRenewing = false;
    const { sql, clock, leaseMs } = this.#options;
    const { writer } = this.#claimed;
    if (await renewSession(sql, writer, { leaseMs, now: clock.now() })) return;
    throw new SessionLostError(`${writer.venue}: another process writes it`);
  }

  /** What counts is committed before anything that follows from it is sent. */
  async #perform(effects: readonly Effect[]): Promise<void> {
    const { venue } = this.#claimed.writer;
    for (let at = 0; at < effects.length; ) {
      const effect = effects[at];
      if (effect === undefined) return;
      const run = runOf(effects, at);
      at += run.length;
      switch (effect.type) {
        case 'receive':
          await this.#receive(run as readonly Received[]);
          break;
        case 'send':
          await this.#number(run.flatMap((one) => (one.type === 'send' ? [one.fields] : [])));
          break;
        case 'resend':
          await this.#replay(effect.from, effect.to);
          break;
        case 'ready':
          await this.#becomeReady();
          break;
        case 'note':
          this.#options.log.warn({ venue, note: effect.text }, 'fix.note');
          break;
        case 'end':
          this.#ending = { reason: effect.reason, isFailure: effect.isFailure };
          break;
      }
    }
  }

  async #receive(received: readonly Received[]): Promise<void> {
    const { sql, clock, profile, log, onReceived } = this.#options;
    const { writer } = this.#claimed;
    const terms = versions[profile.version];
    const cancelsByItself = profile.cancel_on_disconnect ?? false;
    const run = { received, from: this.#nextIn, terms, cancelsByItself, now: clock.now() };
    const { changed, problems } = await receiveMessages(sql, writer, run);
    this.#nextIn = received.at(-1)?.next ?? this.#nextIn;
    for (const problem of problems) log.error({ venue: writer.venue, problem }, 'fix.problem');
    onReceived(changed);
    if (await this.#questions.read(received)) this.#isWoken = true;
  }

  async #number(messages: readonly (readonly Field[])[]): Promise<void> {
    const { sql, clock, profile } = this.#options;
    const batch = { profile, from: this.#nextOut, messages, now: clock.now() };
    const wire = await numberMessages(sql, this.#claimed.writer, batch);
    this.#nextOut += messages.length;
    await this.#write(wire);
  }

  async #replay(from: number, upTo: number | undefined): Promise<void> {
    const { sql, clock, profile, staleMs } = this.#options;
    const to = Math.min(upTo ?? this.#nextOut - 1, this.#nextOut - 1);
    let next = from;
    while (next <= to && this.#ending === undefined) {
      const page = { profile, from: next, to, staleMs, now: clock.now() };
      const replayed = await replayPage(sql, this.#claimed.writer, page);
      next = replayed.next;
      await this.#write(replayed.wire, page.now);
    }
  }

  /** What is open from before is asked about first: a process that dies behind it need not know of it. */
  async #becomeReady(): Promise<void> {
    const question = await this.#questions.begin(this.#claimed.isResetPending);
    if (question !== undefined) await this.#number([question]);
    await this.#options.onReady();
    this.#isWoken = true;
  }

  /** A commit's worth of what is queued, within the rate that the venue takes. */
  async #send(): Promise<void> {
    const { sql, clock, profile } = this.#options;
    const now = clock.now();
    const limit = Math.min(sentAtOnceMax, this.#allowed(now));
    // The keeper of the session wakes it again in the next second.
    this.#isWoken = false;
    if (limit === 0) return;
    const batch = { profile, from: this.#nextOut, limit, now };
    const { wire, count, taken } = await numberRequests(sql, this.#claimed.writer, batch);
    if (taken > count) this.#options.onReceived([]);
    if (taken === 0) return;
    this.#nextOut += count;
    this.#allowance = { ...this.#allowance, left: this.#allowance.left - count };
    this.#isWoken = taken === limit;
    await this.#write(wire, now);
  }

  #allowed(now: Date): number {
    const { messages_per_s: most } = this.#options.profile;
    if (most === undefined) return sentAtOnceMax;
    const second = Math.floor(now.getTime() / 1_000);
    if (second !== this.#allowance.second) this.#allowance = { second, left: most };
    return this.#allowance.left;
  }

  /** Orders that were numbered long ago may be halted by now: the next connection looks again. */
  async #write(bytes: Buffer, numberedAt?: Date): Promise<void> {
    const now = this.#options.clock.now();
    if (numberedAt !== undefined && now >= later(numberedAt, fixWriteMsMax)) {
      this.#ending = { reason: 'it was too late to send what was numbered', isFailure: false };
      return;
    }
    this.#session.sent(now);
    await this.#wire.write(bytes);
  }
}

/** The effects from one on that are of its type and may be done together. */
function runOf(effects: readonly Effect[], from: number): readonly Effect[] {
  const type = effects[from]?.type;
  if (type !== 'receive' && type !== 'send') return effects.slice(from, from + 1);
  const end = effects.findIndex((effect, i) => i >= from && effect.type !== type);
  return effects.slice(from, end < 0 ? undefined : end);
}
