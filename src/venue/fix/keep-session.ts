// Keeps one session alive in this process, where no other process has it: claims it, connects, and
// connects again after growing waits. A session that has failed is left to a person.

import { later } from '../../clock.ts';
import { inTransaction } from '../../db/transaction.ts';
import { announceStatus } from '../calendar-store.ts';
import { type ConnectionOptions, type Ending, FixConnection } from './connection.ts';
import { forgetMessages } from './message-store.ts';
import { openSocket } from './open-socket.ts';
import type { FixProfile } from './profile.ts';
import {
  type ClaimedSession,
  claimSession,
  type FixStatus,
  isDayOver,
  releaseSession,
  setSessionStatus,
  type TradingDay,
} from './session-store.ts';

export interface KeeperOptions
  extends Pick<ConnectionOptions, 'sql' | 'clock' | 'profile' | 'log' | 'onReceived'> {
  /** This process, as holder of leases. */
  readonly holder: string;
}

/** A process that dies is followed by another one within this time, in ms. */
export const leaseMs = 6_000;
const claimEveryMs = 1_000;
/** Waits between two connections, in ms; a session that was ready begins with the first again. */
const backOffMs = { first: 250, longest: 15_000 } as const;
/** An order older than this is not sent again when the venue asks for it, in ms. */
export const staleMs = 60_000;
/** How often the trading day and the age of messages are looked at, in ms. */
const dayEveryMs = 5_000;
/** How long messages are kept, in ms, and how many are forgotten at once. */
const keptMs = 30 * 86_400_000;
const forgottenMax = 1_000;
/** How often the queue is looked at for what other processes put there, in ms. */
const pollMs = 50;

export class SessionKeeper {
  readonly #options: KeeperOptions;
  #connection: FixConnection | undefined;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #waitMs: number = backOffMs.first;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#keep();
  }

  /** Something may wait to be sent. */
  wake(): void {
    this.#connection?.wake();
  }

  /** Logs out and gives the session back. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#connection?.stop();
    await this.#running;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const { sql, clock, profile, holder, log } = this.#options;
    const tradingDay = tradingDayOf(profile);
    while (!signal.aborted) {
      try {
        const claim = { venue: profile.mic, holder, leaseMs, tradingDay, now: clock.now() };
        const claimed = await claimSession(sql, claim);
        if (claimed === undefined) await this.#pause(claimEveryMs);
        else await this.#runOnce(claimed, tradingDay);
      } catch (error) {
        log.error({ venue: profile.mic, err: error }, 'fix.session_broken');
        await this.#pause(this.#backOff());
      }
    }
  }

  async #runOnce(claimed: ClaimedSession, tradingDay: TradingDay | undefined): Promise<void> {
    const { profile, log } = this.#options;
    await this.#setStatus(claimed, 'connecting');
    const ending = await this.#connectAndRun(claimed, tradingDay);
    const fields = { venue: profile.mic, reason: ending.reason };
    if (ending.isFailure) log.error(fields, 'fix.session_failed');
    else log.info(fields, 'fix.session_ended');
    await this.#setStatus(claimed, ending.isFailure ? 'failed' : 'disconnected', ending.reason);
    await releaseSession(this.#options.sql, claimed.writer);
    if (!this.#stopping.signal.aborted) await this.#pause(this.#backOff());
  }

  async #connectAndRun(
    claimed: ClaimedSession,
    tradingDay: TradingDay | undefined,
  ): Promise<Ending> {
    const { sql, clock, profile, log, onReceived } = this.#options;
    const socket = await openSocket(profile, this.#stopping.signal);
    if (typeof socket === 'string') return { reason: socket, isFailure: false };
    const connection = new FixConnection(claimed, socket, {
      sql,
      clock,
      profile,
      log,
      leaseMs,
      staleMs,
      onReceived,
      onReady: async () => {
        this.#waitMs = backOffMs.first;
        await this.#setStatus(claimed, 'ready');
        log.info({ venue: profile.mic }, 'fix.session_ready');
      },
    });
    this.#connection = connection;
    const polling = setInterval(() => connection.look(), pollMs);
    const watch = async () => {
      const now = clock.now();
      if (await isDayOver(sql, claimed.writer, tradingDay, now)) connection.stop();
      const { mic: venue } = profile;
      await forgetMessages(sql, { venue, before: later(now, -keptMs), limit: forgottenMax });
    };
    const watching = setInterval(() => {
      watch().catch((error: unknown) => {
        log.warn({ venue: profile.mic, err: error }, 'fix.watch_failed');
      });
    }, dayEveryMs);
    try {
      if (this.#stopping.signal.aborted) connection.stop();
      return await connection.run();
    } finally {
      clearInterval(polling);
      clearInterval(watching);
      this.#connection = undefined;
    }
  }

  /** The venue trades for the service while its session is ready, and not otherwise. */
  async #setStatus(claimed: ClaimedSession, status: FixStatus, reason?: string): Promise<void> {
    const { sql, clock, profile } = this.#options;
    const state = { status, now: clock.now(), ...(reason === undefined ? {} : { reason }) };
    await inTransaction(sql, async (tx) => {
      const isOurs = await setSessionStatus(tx, claimed.writer, state);
      if (isOurs) await announceStatus(tx, profile.mic, status === 'ready' ? undefined : 'closed');
    });
  }

  #backOff(): number {
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(waitMs * 2, backOffMs.longest);
    return waitMs * (0.75 + Math.random() / 2);
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stopping;
    const timer = setTimeout(resolve, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => clearTimeout(timer));
  }
}

export function tradingDayOf({ trading_day: day }: FixProfile): TradingDay | undefined {
  return day === undefined ? undefined : { timeZone: day.time_zone, resetTime: day.reset_time };
}
