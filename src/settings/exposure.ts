// Whether clients of a sandbox may come from beyond its machine. One process that they can reach, by its
// address or through a proxy, is enough, and all processes of the database agree: a worker that listens on
// loopback itself delivers for the clients of another one.

import type { Clock, Stopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLoopbackName } from '../egress/address.ts';
import { extendOpen, findOpenUntil } from './mode-store.ts';

const limits = {
  /** How often a process says that it is open, and learns of others. */
  everyMs: 5_000,
  /** How long the last word of an open process counts; it may have died, or be asleep. */
  openMs: 60_000,
};

export interface ExposureOptions {
  readonly mode: 'sandbox' | 'live';
  /** Whether this process serves clients. */
  readonly isApi: boolean;
  readonly host: string;
  readonly trustedProxies: readonly string[];
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * Whether clients from elsewhere reach a process. An address to listen on does not say that alone: behind
 * a proxy the clients come from elsewhere, whatever the address is.
 */
export function isOpen({
  isApi,
  host,
  trustedProxies,
}: Pick<ExposureOptions, 'isApi' | 'host' | 'trustedProxies'>): boolean {
  return isApi && (!isLoopbackName(host) || trustedProxies.length > 0);
}

export class Exposure {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #options: ExposureOptions;
  #openUntil: Date | undefined;
  #hasFailed = false;

  private constructor(sql: Sql, clock: Clock, options: ExposureOptions) {
    this.#sql = sql;
    this.#clock = clock;
    this.#options = options;
  }

  /** Says what this process is, before it listens, and learns what the others are. */
  static async read(sql: Sql, clock: Clock, options: ExposureOptions): Promise<Exposure> {
    const exposure = new Exposure(sql, clock, options);
    await exposure.#exchange();
    return exposure;
  }

  /** Whether all clients are of this machine, as far as any process of the database says. */
  get isLocal(): boolean {
    if (this.#options.mode === 'live' || isOpen(this.#options)) return false;
    return this.#openUntil === undefined || this.#openUntil <= this.#clock.now();
  }

  /** Does so again and again until the function it returns is called. */
  follow(stopwatch: Stopwatch): () => void {
    return stopwatch.every(limits.everyMs, () => void this.refresh());
  }

  /** Once more. While the database is away, nothing is delivered either. */
  async refresh(): Promise<void> {
    try {
      await this.#exchange();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.log.warn({ err: error }, 'exposure.not_read');
      this.#hasFailed = true;
    }
  }

  async #exchange(): Promise<void> {
    if (this.#options.mode === 'live') return;
    if (isOpen(this.#options)) {
      await extendOpen(this.#sql, new Date(this.#clock.now().getTime() + limits.openMs));
    } else {
      this.#openUntil = await findOpenUntil(this.#sql);
    }
  }
}
