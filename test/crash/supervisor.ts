// Runs the service of a crash cycle, kills it, starts it again, and measures how long its clients
// and its receivers noticed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type LaunchedService,
  launchService,
  type ServiceOptions,
  type Settings,
} from '../service/processes.ts';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';

/** A port for all starts of one service, so that its clients find it again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** The time from a kill until something works again; the longest one counts. */
export class Outage {
  #since: number | undefined;
  #longestMs = 0;

  begin(): void {
    this.#since ??= performance.now();
  }

  end(): void {
    if (this.#since === undefined) return;
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#since);
    this.#since = undefined;
  }

  get longestMs(): number {
    return Math.round(this.#longestMs);
  }
}

export class Supervisor {
  readonly requests = new Outage();
  readonly deliveries = new Outage();
  readonly #t: AfterTest;
  readonly #options: ServiceOptions;
  #service: LaunchedService | undefined;
  #up = Promise.withResolvers<void>();
  #kills = 0;

  constructor(t: AfterTest, home: string, settings: Settings) {
    this.#t = t;
    this.#options = { home, settings };
  }

  get kills(): number {
    return this.#kills;
  }

  /** Resolves while the service listens. */
  up(): Promise<void> {
    return this.#up.promise;
  }

  /** Starts the process and does not wait for it. */
  launch(): void {
    this.#service = launchService(this.#t, this.#options);
  }

  /** Waits until it listens, and lets requests through. */
  async listen(): Promise<void> {
    await this.#running().listening();
    this.#up.resolve();
  }

  /** Kills the process, whatever it is doing, after so many ms. */
  async killIn(ms: number): Promise<void> {
    await wait(ms);
    const service = this.#running();
    this.#up.resolve();
    this.#up = Promise.withResolvers();
    this.requests.begin();
    this.deliveries.begin();
    service.kill('SIGKILL');
    const { signal } = await service.ended;
    assert.equal(signal, 'SIGKILL', `it ended before it was killed: ${service.stderr()}`);
    this.#kills += 1;
  }

  /** Ends it as an operator does. @returns what it logged while it ran last. */
  async stop(): Promise<string> {
    const service = this.#running();
    service.kill('SIGTERM');
    assert.deepEqual(await service.ended, { code: 0, signal: null }, service.stderr());
    return service.stderr();
  }

  #running(): LaunchedService {
    assert.ok(this.#service !== undefined, 'the service was launched');
    return this.#service;
  }
}
