// The figures of a process for Prometheus: requests by route and status, loops that run, work that is
// open, parked or failing, and what Node tells of itself. What is counted in the database is read
// when somebody asks, and is the same from every process.

import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { countParked } from '../work/parked-store.ts';
import { readBacklog } from './store.ts';

export interface MetricsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Whether each loop of this process works; empty without loops. */
  readonly loops: () => Readonly<Record<string, boolean>>;
}

/** A request that was answered. */
export interface Answered {
  readonly method: string;
  /** The path with its parameters' names, so that there are few of them. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** From half a millisecond to the deadline of a request. */
const bucketsS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one process. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #loops: Gauge<'loop'>;
  readonly #open: Gauge<'what'>;
  readonly #parked: Gauge;
  readonly #failingWebhooks: Gauge;
  readonly #longestFailure: Gauge;
  readonly #webhooksWithGap: Gauge;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Histogram({
      name: 'unwind_http_request_duration_seconds',
      help: 'Requests answered by this process, by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: bucketsS,
      registers,
    });
    this.#loops = new Gauge({
      name: 'unwind_loop_running',
      help: '1 when the loop of this process has worked well lately, 0 when not.',
      labelNames: ['loop'],
      registers,
    });
    this.#open = new Gauge({
      name: 'unwind_open',
      help: 'Rows that have work before them, of all processes.',
      labelNames: ['what'],
      registers,
    });
    this.#parked = gauge('unwind_parked_rows', 'Rows that wait for a person: unwind parked.');
    this.#failingWebhooks = gauge(
      'unwind_webhooks_failing',
      'Enabled subscriptions whose last attempt failed.',
    );
    this.#longestFailure = gauge(
      'unwind_webhook_longest_failure_seconds',
      'For how long the subscription that fails for the longest has failed.',
    );
    this.#webhooksWithGap = gauge(
      'unwind_webhooks_with_gap',
      'Enabled subscriptions for which events were dropped unread, noticed in the last day.',
    );
  }

  /** Counts a request. */
  answered({ method, route, status, durationMs }: Answered): void {
    this.#requests.observe({ method, route, status }, durationMs / 1_000);
  }

  /** The text that Prometheus reads, and its media type. @throws where the database is away. */
  async render(): Promise<{ readonly type: string; readonly body: string }> {
    const { sql, clock, loops } = this.#options;
    for (const [loop, isRunning] of Object.entries(loops())) {
      this.#loops.set({ loop }, isRunning ? 1 : 0);
    }
    const [backlog, parked] = await Promise.all([readBacklog(sql, clock.now()), countParked(sql)]);
    this.#parked.set(parked);
    if (backlog !== undefined) {
      const { failingWebhooks, longestWebhookFailureS, webhooksWithGap, ...open } = backlog;
      this.#failingWebhooks.set(failingWebhooks);
      this.#longestFailure.set(longestWebhookFailureS);
      this.#webhooksWithGap.set(webhooksWithGap);
      for (const [what, count] of Object.entries(open)) {
        this.#open.set({ what: snakeCase(what) }, count);
      }
    }
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
