// Lets one step of a simulated run happen at a time. Whatever goes outside (a statement, a call of the
// venue, a delivery, a wait) waits here until the lot falls on it; so the seed decides the order of
// everything, down to the statements of transactions that meet on one row. A statement that waits for
// a lock is left waiting, and the holder of the lock goes on.
//
// Nothing here depends on how long anything takes: a wait for a lock is known by its holder, who does
// nothing at that moment, and a circle of waits is found here before the server looks for one.
import assert from 'node:assert/strict';
import { setImmediate as afterInput } from 'node:timers/promises';
import { type Clock, later } from '../../src/clock.ts';
import type { Lot } from '../crash/random.ts';
import type { History } from './history.ts';

/** Somebody who acts: a process, a client, the venue. Dead ones never go on. */
export class Actor {
  readonly name: string;
  isAlive = true;

  constructor(name: string) {
    this.name = name;
  }
}

export interface Call {
  /** What is called; together with the actor it names the call whenever it arrives. */
  readonly label: string;
  /** Not before so many ms of simulated time. */
  readonly delayMs?: number;
  /** The server's process of its transaction, for what may hold locks or wait for one. */
  readonly pid?: () => number | undefined;
  /** What goes on with this call, such as a connection; default the label. */
  readonly thread?: string;
}

/** Does what follows from an answer. @returns what gives it. */
type Finish = () => Promise<() => void>;

/** What stands before the lot. */
interface Waiting {
  readonly actor: Actor;
  readonly call: Call;
  readonly number: number;
  notBefore: number;
  readonly act: () => Promise<Finish>;
  /** What is to be told of it, once it is answered. */
  readonly notes: string[];
}

/** A statement that was sent and waits for a lock. */
interface Blocked {
  readonly waiting: Waiting;
  readonly settled: Promise<Finish>;
  isSettled: boolean;
}

/** The server's processes that wait for a lock, each with those that hold it or stand before it. */
export type LockWaits = ReadonlyMap<number, readonly number[]>;

/** Tells what came of a call. */
export type Note = (what: string) => void;

export interface SchedulerOptions {
  readonly lot: Lot;
  readonly history: History;
  /** Which of these processes of the server wait for a lock. */
  readonly lockWaitsOf: (pids: readonly number[]) => Promise<LockWaits>;
  /** Whether anybody else is in a transaction, for whom a statement could wait. */
  readonly mayMeet: () => boolean;
  /** Waits for what goes on at the server without a turn. */
  readonly settled: () => Promise<void>;
  /** Called when statements wait for each other; describes them. */
  readonly onDeadlock: (what: string) => void;
  readonly startsAt: Date;
  /** From 0 to 1: how often whoever went last goes on. */
  readonly stickiness: number;
}

/**
 * When the server is asked whether a statement waits: real time, on which nothing depends. Few do, and on a busy
 * machine all others take some ms too; to ask about each of them would cost as much as the run.
 */
const looksMs = { first: 25, longest: 400 };
/** A statement that neither ends nor waits for a lock for so long is a defect of the simulation. */
const lostMs = 600_000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #blocked = new Set<Blocked>();
  #now: Date;
  #arrivals = 0;
  #isDeadlocked = false;
  #last: Waiting | undefined;
  #waits: LockWaits = new Map();
  /** Steps so far. */
  steps = 0;
  /** Times a statement had to wait for a lock. */
  lockWaits = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#now = options.startsAt;
  }

  /** The simulated wall clock. */
  readonly clock: Clock = { now: () => this.#now };

  /** Does something outside when the lot falls on it. Never answers an actor that died. */
  perform<T>(actor: Actor, call: Call, act: (note: Note) => Promise<T>): Promise<T> {
    return this.performInTwo(actor, call, async (note) => {
      const result = await act(note);
      return async () => result;
    });
  }

  /**
   * The same for what may wait for a lock: answers of the server come in any order once it is free, so what
   * follows from an answer is done by the function that `act` returns, in the order of the scheduler.
   */
  performInTwo<T>(
    actor: Actor,
    call: Call,
    act: (note: Note) => Promise<() => Promise<T>>,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#arrivals += 1;
    const notBefore = this.#now.getTime() + (call.delayMs ?? 0);
    const notes: string[] = [];
    const note = (what: string) => notes.push(`${actor.name} ${call.label}: ${what}`);
    const carryOut = async () => {
      const finish = await settledOf(act(note));
      return async () => {
        const result = finish.isWell ? await settledOf(finish.value()) : finish;
        return () => (result.isWell ? resolve(result.value) : reject(result.error));
      };
    };
    if (actor.isAlive) {
      this.#waiting.add({ actor, call, number: this.#arrivals, notBefore, act: carryOut, notes });
    }
    return promise;
  }

  /** Waits for so long and for the lot. */
  async turn(actor: Actor, label: string, delayMs = 0): Promise<void> {
    await this.perform(actor, { label, delayMs }, async () => {});
  }

  /** Lets waits of an actor end within so many ms. */
  wake(actor: Actor, labels: ReadonlySet<string>, withinMs: number): void {
    for (const one of this.#waiting) {
      if (one.actor === actor && labels.has(one.call.label)) {
        one.notBefore = Math.min(one.notBefore, this.#now.getTime() + withinMs);
      }
    }
  }

  /** Forgets everything an actor was about to do. What it has sent is ended by the caller. */
  kill(actor: Actor): void {
    actor.isAlive = false;
    for (const one of this.#waiting) if (one.actor === actor) this.#waiting.delete(one);
  }

  /** Runs until it is done, or for so many steps. @returns whether it is done. */
  async run(isDone: () => boolean, stepsMax: number): Promise<boolean> {
    const end = this.steps + stepsMax;
    while (this.steps < end) {
      await this.#quiet();
      if (isDone() && this.#blocked.size === 0) return true;
      const next = this.#choose();
      if (next === undefined || this.#isDeadlocked) return isDone();
      this.steps += 1;
      await this.#carryOut(next);
    }
    return false;
  }

  /** What waits at the moment, to explain why nothing goes on. */
  describe(): readonly string[] {
    const blocked = [...this.#blocked].map(({ waiting }) => {
      return `${waiting.actor.name} ${waiting.call.label} waits for a lock`;
    });
    const waiting = [...this.#waiting].map(({ actor, call, notBefore }) => {
      return `${actor.name} ${call.label} in ${notBefore - this.#now.getTime()} ms`;
    });
    return [...blocked, ...waiting];
  }

  /** Waits until all code has run as far as it can without us: it waits for nothing else outside. */
  async #quiet(): Promise<void> {
    await afterInput();
    await afterInput();
    await this.#options.settled();
  }

  #choose(): Waiting | undefined {
    const candidates = this.#candidates();
    let soonest = Number.POSITIVE_INFINITY;
    for (const one of candidates) soonest = Math.min(soonest, one.notBefore);
    if (soonest === Number.POSITIVE_INFINITY) return undefined;
    const { lot, stickiness } = this.#options;
    const atMs = Math.max(this.#now.getTime() + lot.between(0, 2), soonest);
    this.#now = later(this.#now, atMs - this.#now.getTime());
    const ready: Waiting[] = [];
    for (const one of candidates) if (one.notBefore <= atMs) ready.push(one);
    ready.sort(byName);
    const again = ready.filter((one) => isSameThread(one, this.#last));
    const from = again.length > 0 && lot.next() < stickiness ? again : ready;
    const chosen = from[lot.between(0, from.length - 1)];
    assert.ok(chosen !== undefined);
    this.#waiting.delete(chosen);
    this.#last = chosen;
    return chosen;
  }

  /** Where somebody waits for a lock, only the holder: so one lock is given at a time. */
  #candidates(): Iterable<Waiting> {
    if (this.#blocked.size === 0) return this.#waiting;
    const all = [...this.#waiting];
    const blockers = new Set([...this.#waits.values()].flat());
    const holders = all.filter((one) => blockers.has(one.call.pid?.() ?? 0));
    return holders.length > 0 ? holders : all;
  }

  async #carryOut(waiting: Waiting): Promise<void> {
    const sent: Blocked = { waiting, settled: waiting.act(), isSettled: false };
    void sent.settled.then(() => {
      sent.isSettled = true;
    });
    if (await this.#waitsForLock(sent, looksMs.first)) {
      this.lockWaits += 1;
      this.#blocked.add(sent);
      return;
    }
    await this.#answer(sent);
    for (const one of this.#blocked) {
      // First whatever went on by the answer before.
      await this.#quiet();
      if (await this.#waitsForLock(one, 0)) continue;
      this.#blocked.delete(one);
      await this.#answer(one);
    }
  }

  async #answer({ waiting, settled }: Blocked): Promise<void> {
    const finish = await settled;
    const { actor, notes } = waiting;
    const answer = actor.isAlive ? await finish() : undefined;
    const at = this.#now.toISOString();
    for (const note of notes) this.#options.history.note(`${at} ${note}`);
    if (actor.isAlive) answer?.();
  }

  /** Waits until a statement is done (false) or surely waits for a lock (true). */
  async #waitsForLock(sent: Blocked, firstLookMs: number): Promise<boolean> {
    const deadline = performance.now() + lostMs;
    const { actor, call } = sent.waiting;
    for (let lookMs = firstLookMs; ; lookMs = Math.min(2 * lookMs + 1, looksMs.longest)) {
      // Without a place at the server there is no lock to wait for.
      if (call.pid === undefined) await sent.settled;
      else await settledWithin(sent.settled, lookMs);
      if (sent.isSettled) return false;
      const pid = call.pid?.();
      const mayWait = pid !== undefined && this.#options.mayMeet();
      if (mayWait && (await this.#surelyWaits(sent, pid))) return !sent.isSettled;
      assert.ok(performance.now() < deadline, `lost: ${actor.name} ${call.label}`);
    }
  }

  /**
   * A statement surely waits when everyone it waits for either waits as well or does nothing: then no
   * time changes it. Where it comes back to itself, none of them will ever go on.
   */
  async #surelyWaits(sent: Blocked, pid: number): Promise<boolean> {
    // One whose lock has come does nothing until its answer is given here.
    const asked = [...this.#blocked, sent].filter((one) => !one.isSettled);
    const underWay = new Map(asked.map((one) => [one.waiting.call.pid?.(), one]));
    const pids = [...underWay.keys()].filter((one) => one !== undefined);
    const waits = await this.#options.lockWaitsOf(pids);
    const seen = new Set<number>();
    const isSure = (one: number): boolean => {
      if (seen.has(one)) return true;
      seen.add(one);
      const blockers = waits.get(one);
      return blockers === undefined ? !underWay.has(one) : blockers.every(isSure);
    };
    if (!waits.has(pid) || !isSure(pid)) return false;
    this.#waits = waits;
    const circle = circleOf(pid, waits);
    if (circle.length > 0) {
      this.#isDeadlocked = true;
      const names = circle.map((one) => underWay.get(one)?.waiting);
      const shown = names.map((one) => `${one?.actor.name} ${one?.call.label}`);
      this.#options.onDeadlock(`wait for each other: ${shown.join(', ')}`);
    }
    return true;
  }
}

/** The waits that lead from a process back to itself; empty where there are none. */
function circleOf(pid: number, waits: LockWaits): readonly number[] {
  const paths: (readonly number[])[] = [[pid]];
  const seen = new Set<number>();
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    for (const next of waits.get(path.at(-1) ?? 0) ?? []) {
      if (next === pid) return path;
      if (!seen.has(next)) paths.push([...path, next]);
      seen.add(next);
    }
  }
  return [];
}

type Settled<T> =
  | { readonly isWell: true; readonly value: T }
  | { readonly isWell: false; readonly error: unknown };

function settledOf<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ isWell: true, value }),
    (error: unknown) => ({ isWell: false, error }),
  );
}

/** Waits for something, but not for long. */
async function settledWithin(settled: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([settled, late]);
  clearTimeout(timer);
}

function isSameThread(one: Waiting, last: Waiting | undefined): boolean {
  return one.actor === last?.actor && threadOf(one) === threadOf(last);
}

function threadOf({ call }: Waiting): string {
  return call.thread ?? call.label;
}

function byName(a: Waiting, b: Waiting): number {
  if (a.actor.name !== b.actor.name) return a.actor.name < b.actor.name ? -1 : 1;
  if (a.call.label !== b.call.label) return a.call.label < b.call.label ? -1 : 1;
  return a.number - b.number;
}
