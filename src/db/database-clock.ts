// The clock of the service follows the clock of the database, so that all processes have one time whatever
// their machines say: a lease that one of them takes ends for all of them at the same moment. Between two
// measurements a stopwatch carries it on, also while the database is away.

import { type Clock, type Stopwatch, systemClock, systemStopwatch } from '../clock.ts';
import type { SqlOrTx } from './sql.ts';

export interface ClockLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface DatabaseClockOptions {
  readonly log: ClockLog;
  /** The clock of this machine. */
  readonly machine?: Clock;
  readonly stopwatch?: Stopwatch;
}

const limits = {
  /** How often it is measured. Crystals drift by some ms in a minute. */
  everyMs: 5_000,
  /** A measurement is wrong by half its round trip at most; longer ones are not believed. */
  roundTripMsMax: 1_000,
  firstTries: 5,
  /** A machine that is off by more is worth a word to a person. */
  machineOffMs: 2_000,
};

export class DatabaseClock implements Clock {
  readonly #sql: SqlOrTx;
  readonly #log: ClockLog;
  readonly #machine: Clock;
  readonly #stopwatch: Stopwatch;
  /** Time of the database when the stopwatch stood at 0, in ms. */
  #originMs = 0;
  #isMeasured = false;
  #isMeasuring = false;
  #isMachineOff = false;
  #hasFailed = false;

  private constructor(sql: SqlOrTx, options: DatabaseClockOptions) {
    this.#sql = sql;
    this.#log = options.log;
    this.#machine = options.machine ?? systemClock;
    this.#stopwatch = options.stopwatch ?? systemStopwatch;
  }

  /** Measures the clock of a database. @throws what the statement throws. */
  static async read(sql: SqlOrTx, options: DatabaseClockOptions): Promise<DatabaseClock> {
    const clock = new DatabaseClock(sql, options);
    for (let tries = 1; !(await clock.#take(tries === limits.firstTries)); tries += 1);
    clock.#compare();
    return clock;
  }

  now(): Date {
    return new Date(Math.floor(this.#originMs + this.#stopwatch.elapsedMs()));
  }

  /** How far the clock of this machine is ahead of that of the database, in ms; negative: behind. */
  get machineAheadMs(): number {
    return this.#machine.now().getTime() - this.now().getTime();
  }

  /** Whether the clock of this machine is right, in words. */
  describe(): string {
    const seconds = Math.round(this.machineAheadMs / 1_000);
    if (Math.abs(this.machineAheadMs) <= limits.machineOffMs) return 'in step with the database';
    const where = seconds > 0 ? 'ahead of' : 'behind';
    return `this machine is ${Math.abs(seconds)} s ${where} the database, whose time is used`;
  }

  /** Measures again and again until the function it returns is called. */
  follow(): () => void {
    return this.#stopwatch.every(limits.everyMs, () => void this.measure());
  }

  /** Measures once more. While the database is away the last measurement goes on to count. */
  async measure(): Promise<void> {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    try {
      await this.#take(false);
      this.#hasFailed = false;
      this.#compare();
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn({ err: error }, 'clock.not_measured');
      this.#hasFailed = true;
    } finally {
      this.#isMeasuring = false;
    }
  }

  /**
   * The database read its clock at some moment of the round trip, so its time is known up to that. What was
   * believed before stays as far as it agrees, so that the clock does not jump to and fro.
   *
   * @returns whether the measurement was believed.
   */
  async #take(isBelieved: boolean): Promise<boolean> {
    const sentMs = this.#stopwatch.elapsedMs();
    const [row] = await this.#sql<{ ms: string }[]>`
      select extract(epoch from clock_timestamp()) * 1000 as ms`;
    const receivedMs = this.#stopwatch.elapsedMs();
    if (!isBelieved && receivedMs - sentMs > limits.roundTripMsMax) return false;
    const earliest = Number(row?.ms) - receivedMs;
    const latest = Number(row?.ms) - sentMs;
    this.#originMs = this.#isMeasured
      ? Math.min(Math.max(this.#originMs, earliest), latest)
      : (earliest + latest) / 2;
    this.#isMeasured = true;
    return true;
  }

  #compare(): void {
    const aheadMs = this.machineAheadMs;
    const isOff = Math.abs(aheadMs) > limits.machineOffMs;
    if (isOff === this.#isMachineOff) return;
    this.#isMachineOff = isOff;
    if (isOff) this.#log.warn({ machine_ahead_ms: aheadMs }, 'clock.machine_off');
    else this.#log.info({ machine_ahead_ms: aheadMs }, 'clock.machine_in_step');
  }
}
