// Lets one step of a simulated run happen at a time. Whatever goes outside (a statement, a call of the
// venue, a delivery, a wait) waits here until the lot falls on it; so the seed decides the order of
// everything, down to the statements of transactions that meet on one row. A statement that waits for
// a lock is left waiting, and who holds the lock goes on.
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
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
  /** The server's process that works on it, for what may wait for a lock. */
  readonly pid?: () => number;
}

/** What stands before the lot. */
interface Waiting {
  readonly actor: Actor;
  readonly call: Call;
  readonly number: number;
  notBefore: number;
  readonly act: () => Promise<() => void>;
  /** What is to be told of it, once it is answered. */
  readonly notes: string[];
}

/** A statement that was sent and waits for a lock. */
interface Blocked {
  readonly waiting: Waiting;
  readonly settled: Promise<() => void>;
  isSettled: boolean;
  /** Who holds the lock or stands before it. */
  blockers: readonly number[];
}

/** Tells what came of a call. */
export type Note = (what: string) => void;

export interface LockMonitor {
  /** The server's processes that this one waits for, once it is sure; undefined: it does not. */
  blockersOf(pid: number): Promise<readonly number[] | undefined>;
}

export interface SchedulerOptions {
  readonly lot: Lot;
  readonly history: History;
  readonly monitor: LockMonitor;
  readonly startsAt: Date;
  /** From 0 to 1: how often whoever went last goes on. */
  readonly stickiness: number;
}

const looksSoonMs = 3;
const looksAgainMs = 2;
/** A statement that neither ends nor waits for a lock for so long is a defect of the simulation. */
const lostMs = 60_000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #blocked = new Set<Blocked>();
  readonly #signing = signingWatch();
  #now: Date;
  #arrivals = 0;
  #last: Waiting | undefined;
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
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#arrivals += 1;
    const notBefore = this.#now.getTime() + (call.delayMs ?? 0);
    const notes: string[] = [];
    const note = (what: string) => notes.push(`${actor.name} ${call.label}: ${what}`);
    const settle = async () => {
      try {
        const result = await act(note);
        return () => resolve(result);
      } catch (error) {
        return () => reject(error);
      }
    };
    if (actor.isAlive) {
      this.#waiting.add({ actor, call, number: this.#arrivals, notBefore, act: settle, notes });
    }
    return promise;
  }

  /** Waits for so long and for the lot. */
  async turn(actor: Actor, label: string, delayMs = 0): Promise<void> {
    await this.perform(actor, { label, delayMs }, async () => {});
  }

  /** Lets waits of an actor end now. */
  wake(actor: Actor, labels: ReadonlySet<string>): void {
    for (const one of this.#waiting) {
      if (one.actor === actor && labels.has(one.call.label)) {
        one.notBefore = Math.min(one.notBefore, this.#now.getTime());
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
      if (next === undefined) return isDone();
      this.steps += 1;
      await this.#carryOut(next);
    }
    return false;
  }

  /** What waits at the moment, for whoever wants to know why nothing goes on. */
  describe(): readonly string[] {
    const blocked = [...this.#blocked].map(({ waiting, blockers }) => {
      return `${waiting.actor.name} ${waiting.call.label} waits for ${blockers.join()}`;
    });
    const waiting = [...this.#waiting].map(({ actor, call, notBefore }) => {
      return `${actor.name} ${call.label} in ${notBefore - this.#now.getTime()} ms`;
    });
    return [...blocked, ...waiting];
  }

  close(): void {
    this.#signing.close();
  }

  /** Waits until all code has run as far as it can without us. */
  async #quiet(): Promise<void> {
    const deadline = performance.now() + lostMs;
    do {
      await afterInput();
      await afterInput();
      assert.ok(performance.now() < deadline, 'a signature is never done');
    } while (this.#signing.pending() > 0);
  }

  #choose(): Waiting | undefined {
    const candidates = this.#candidates();
    const soonest = Math.min(...candidates.map((one) => one.notBefore));
    if (!Number.isFinite(soonest)) return undefined;
    const { lot, stickiness } = this.#options;
    const atMs = Math.max(this.#now.getTime() + lot.between(0, 2), soonest);
    this.#now = later(this.#now, atMs - this.#now.getTime());
    const ready = candidates.filter((one) => one.notBefore <= atMs).toSorted(byName);
    const again = ready.filter((one) => isSameThread(one, this.#last));
    const from = again.length > 0 && lot.next() < stickiness ? again : ready;
    const chosen = from[lot.between(0, from.length - 1)];
    assert.ok(chosen !== undefined);
    this.#waiting.delete(chosen);
    this.#last = chosen;
    return chosen;
  }

  /** Where somebody waits for a lock, only whoever has it: so at most one lock is given at a time. */
  #candidates(): readonly Waiting[] {
    const all = [...this.#waiting];
    if (this.#blocked.size === 0) return all;
    const blockers = new Set([...this.#blocked].flatMap((one) => one.blockers));
    const holders = all.filter((one) => blockers.has(one.call.pid?.() ?? 0));
    return holders.length > 0 ? holders : all;
  }

  async #carryOut(waiting: Waiting): Promise<void> {
    const sent: Blocked = { waiting, settled: waiting.act(), isSettled: false, blockers: [] };
    void sent.settled.then(() => {
      sent.isSettled = true;
    });
    if (await this.#waitsForLock(sent)) {
      this.lockWaits += 1;
      this.#blocked.add(sent);
      return;
    }
    await this.#answer(sent);
    for (const one of this.#blocked) {
      if (await this.#waitsForLock(one)) continue;
      this.#blocked.delete(one);
      // First whatever went on by the answer before.
      await this.#quiet();
      await this.#answer(one);
    }
  }

  async #answer({ waiting, settled }: Blocked): Promise<void> {
    const answer = await settled;
    const at = this.#now.toISOString();
    for (const note of waiting.notes) this.#options.history.note(`${at} ${note}`);
    if (waiting.actor.isAlive) answer();
  }

  /** Waits until a statement is done (false) or surely waits for a lock (true). */
  async #waitsForLock(sent: Blocked): Promise<boolean> {
    const deadline = performance.now() + lostMs;
    const pid = sent.waiting.call.pid;
    let lookMs = looksSoonMs;
    for (;;) {
      await settledWithin(sent.settled, lookMs);
      if (sent.isSettled) return false;
      lookMs = looksAgainMs;
      const blockers = pid && (await this.#options.monitor.blockersOf(pid()));
      if (sent.isSettled) return false;
      if (blockers !== undefined) {
        sent.blockers = blockers;
        return true;
      }
      const { actor, call } = sent.waiting;
      assert.ok(performance.now() < deadline, `lost: ${actor.name} ${call.label}`);
    }
  }
}

/** Waits for something, but not for long. */
async function settledWithin(settled: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([settled, late]);
  clearTimeout(timer);
}

function isSameThread(one: Waiting, last: Waiting | undefined): boolean {
  if (last === undefined || one.actor !== last.actor) return false;
  const pid = last.call.pid?.();
  return pid === undefined ? one.call.label === last.call.label : one.call.pid?.() === pid;
}

// The order of arrival is not for sure: signatures are made by several threads.
function byName(a: Waiting, b: Waiting): number {
  if (a.actor.name !== b.actor.name) return a.actor.name < b.actor.name ? -1 : 1;
  if (a.call.label !== b.call.label) return a.call.label < b.call.label ? -1 : 1;
  return a.number - b.number;
}

/** Counts the signatures that other threads are making or verifying. */
function signingWatch(): { pending(): number; close(): void } {
  const pending = new Set<number>();
  const hook = createHook({
    init: (id, type) => {
      if (type === 'SIGNREQUEST' || type === 'VERIFYREQUEST') pending.add(id);
    },
    after: (id) => pending.delete(id),
  });
  hook.enable();
  return { pending: () => pending.size, close: () => hook.disable() };
}
