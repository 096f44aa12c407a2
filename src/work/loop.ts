// The runner of all background work: claim a batch, work, go again at once while there is work, else
// wait a little. What a step does, and that it is safe to stop anywhere, is the step's own affair.

import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Does one batch. @returns how many rows were worked; 0 when there is nothing to do now. */
export type Step = () => Promise<number>;

export interface LoopLog {
  error(fields: object, message: string): void;
}

export interface LoopOptions {
  readonly name: string;
  readonly step: Step;
  /** Called after a step that worked: what follows has something to do. */
  readonly onWork?: () => void;
  readonly clock: Clock;
  readonly log: LoopLog;
  /** The wait between looks grows from the first to the second while there is nothing to do. */
  readonly idleMs?: { readonly first: number; readonly longest: number };
}

const idleMsDefault = { first: 20, longest: 250 };
/** After a failed step the wait grows up to this, so that a database that is gone is not beaten. */
const failureWaitMsMax = 1_000;
const failureWaitMsFirst = 50;
/** A loop whose last good step is older than this does not count as running, in ms. */
const silenceMsMax = 15_000;

/** Runs a step again and again until it is stopped; errors are logged and waited out. */
export class Loop {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #waiting = new AbortController();
  #running: Promise<void> | undefined;
  #lastGoodAt: Date | undefined;
  #isHinted = false;
  #isWorking = false;

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Starting twice is starting once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the wait between two steps: there may be work. Harmless at any time. */
  wake(): void {
    this.#isHinted = true;
    this.#waiting.abort();
  }

  /** Lets the step under way end, and starts no other. Safe before `start` and twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.abort();
    await this.#running;
  }

  /** Whether a step ended well lately. */
  get isHealthy(): boolean {
    const last = this.#lastGoodAt;
    return (
      last !== undefined && this.#options.clock.now().getTime() - last.getTime() < silenceMsMax
    );
  }

  /** Whether a step is under way. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  async #run(): Promise<void> {
    const { step, onWork, clock, log, idleMs = idleMsDefault } = this.#options;
    let idle = 0;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#isHinted = false;
      try {
        this.#isWorking = true;
        const worked = await step();
        this.#lastGoodAt = clock.now();
        failures = 0;
        idle = worked > 0 ? 0 : Math.min(Math.max(idle * 2, idleMs.first), idleMs.longest);
        if (worked > 0) onWork?.();
      } catch (error) {
        failures += 1;
        log.error({ loop: this.name, failures, err: error }, 'loop.step_failed');
        idle = Math.min(failureWaitMsFirst * 2 ** failures, failureWaitMsMax);
      } finally {
        this.#isWorking = false;
      }
      if (idle > 0) await this.#wait(failures > 0 ? idle * (0.5 + Math.random() / 2) : idle);
    }
  }

  /** Waits, but not past a hint or a stop. */
  async #wait(ms: number): Promise<void> {
    if (this.#isHinted || this.#stopping.signal.aborted) return;
    this.#waiting = new AbortController();
    try {
      await wait(ms, undefined, { signal: this.#waiting.signal });
    } catch (error) {
      if (!this.#waiting.signal.aborted) throw error;
    }
  }
}
