// The figures of a process for Prometheus: requests by route and status, loops that run, connections, what
// its steps have counted, and what Node says of itself. What is open, waits or fails is read from the
// database at a request, and is the same from every process.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { PoolUse, Sql } from '../db/connect.ts';
import type { CheckpointState } from '../trail/export-checkpoints.ts';
import { findUnsealedAge } from '../trail/seals-store.ts';
import { findSessionStatuses } from '../venue/fix/operate-store.ts';
import { type Count, type FigureName, figures } from '../work/figures.ts';
import { countParked } from '../work/parked-store.ts';
import { type Backlog, readBacklog, readOpenLiquidations } from './store.ts';

export interface MetricsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Whether each loop of this process works; empty without loops. */
  readonly loops: () => Readonly<Record<string, boolean>>;
  /** The pools of this process by name. Default none. */
  readonly pools?: Readonly<Record<string, { use(): PoolUse }>>;
  /** When this process signed the trail last. */
  readonly signing?: () => CheckpointState | undefined;
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

/** How long the figures of open liquidations are shown before they are read again, in ms. */
const liquidationsFreshMs = 10_000;

/** Acts of one tenant that are not sealed and are counted at most: beyond, more makes no difference. */
const unsealedCountedMax = 10_000;

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, Math.round((to.getTime() - from.getTime()) / 1_000));
}

/** The metrics of one process. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #counters: Readonly<Record<FigureName, Counter>>;
  readonly #loops: Gauge;
  readonly #connections: Gauge;
  readonly #open: Gauge;
  readonly #oldest: Gauge;
  readonly #liquidations: Gauge;
  readonly #waiting: Gauge;
  readonly #parked: Gauge;
  readonly #sessions: Gauge;
  readonly #failingWebhooks: Gauge;
  readonly #longestFailure: Gauge;
  readonly #webhooksWithGap: Gauge;
  readonly #checkpointAge: Gauge;
  readonly #unsigned: Gauge;
  #liquidationsReadAt: Date | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    const gauge = (name: string, help: string, ...labelNames: string[]) => {
      return new Gauge({ name, help, labelNames, registers });
    };
    const counter = (name: FigureName) => {
      const { help, labels } = figures[name];
      return new Counter({ name: `unwind_${name}_total`, help, labelNames: labels, registers });
    };
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Histogram({
      name: 'unwind_http_request_duration_seconds',
      help: 'Requests answered by this process, by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: bucketsS,
      registers,
    });
    this.#counters = {
      liquidations: counter('liquidations'),
      orders: counter('orders'),
      proceeds: counter('proceeds'),
      venue_answers: counter('venue_answers'),
    };
    const loopHelp = '1 when the loop of this process has worked well lately, 0 when not.';
    this.#loops = gauge('unwind_loop_running', loopHelp, 'loop');
    const poolHelp = 'Database connections of this process, and work that waits for one.';
    this.#connections = gauge('unwind_database_connections', poolHelp, 'pool', 'state');
    const openHelp = 'Rows that have work before them, of all processes.';
    this.#open = gauge('unwind_open', openHelp, 'what');
    const oldestHelp = 'Age of the oldest row that has work before it; 0 where there is none.';
    this.#oldest = gauge('unwind_oldest_seconds', oldestHelp, 'what');
    const statusHelp = 'Open liquidations by status, of all processes.';
    this.#liquidations = gauge('unwind_open_liquidations', statusHelp, 'status');
    const waitHelp = 'The oldest 1000 open liquidations by what they wait for (docs/views.md).';
    this.#waiting = gauge('unwind_waiting_liquidations', waitHelp, 'reason');
    this.#parked = gauge('unwind_parked_rows', 'Rows that wait for a person: unwind parked.');
    const sessionHelp = '1 when the session with a FIX venue is ready for orders, 0 when not.';
    this.#sessions = gauge('unwind_fix_session_ready', sessionHelp, 'venue');
    this.#failingWebhooks = gauge(
      'unwind_webhooks_failing',
      'Enabled subscriptions whose last attempt failed.',
    );
    this.#longestFailure = gauge(
      'unwind_webhook_longest_failure_seconds',
      'For how long the subscription that fails for the longest has failed.',
    );
    this.#checkpointAge = gauge(
      'unwind_trail_checkpoint_age_seconds',
      'Since this process last signed the trail; it signs only what has grown.',
    );
    this.#unsigned = gauge(
      'unwind_trail_unsigned',
      '1 when this process could not sign the trail at its last try: see the log, trail.not_signed.',
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

  /** Counts what a step has done. */
  readonly count: Count = (name, labels, by = 1) => this.#counters[name].inc(labels, by);

  /** The text that Prometheus reads, and its media type. @throws where the database is away. */
  async render(): Promise<{ readonly type: string; readonly body: string }> {
    const { sql, clock, loops, pools = {} } = this.#options;
    const now = clock.now();
    for (const [loop, isRunning] of Object.entries(loops())) {
      this.#loops.set({ loop }, isRunning ? 1 : 0);
    }
    for (const [pool, { use }] of Object.entries(pools)) {
      for (const [state, count] of Object.entries(use())) {
        this.#connections.set({ pool, state }, count);
      }
    }
    this.#parked.set(await countParked(sql));
    for (const [venue, status] of Object.entries(await findSessionStatuses(sql, now))) {
      this.#sessions.set({ venue }, status === 'ready' ? 1 : 0);
    }
    const backlog = await readBacklog(sql, now);
    if (backlog !== undefined) this.#showBacklog(backlog);
    const { acts, since } = await findUnsealedAge(sql, unsealedCountedMax);
    this.#open.set({ what: 'acts_to_seal' }, acts);
    this.#oldest.set({ what: 'act_to_seal' }, since === undefined ? 0 : secondsBetween(since, now));
    const signing = this.#options.signing?.();
    if (signing !== undefined) this.#unsigned.set(signing.isFailing ? 1 : 0);
    if (signing?.lastAt) this.#checkpointAge.set(secondsBetween(signing.lastAt, now));
    await this.#showLiquidations(now);
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #showBacklog(backlog: Backlog): void {
    this.#failingWebhooks.set(backlog.failingWebhooks);
    this.#longestFailure.set(backlog.longestWebhookFailureS);
    this.#webhooksWithGap.set(backlog.webhooksWithGap);
    this.#open.set({ what: 'orders_to_submit' }, backlog.ordersToSubmit);
    this.#open.set({ what: 'reports_to_apply' }, backlog.reportsToApply);
    this.#open.set({ what: 'events_to_publish' }, backlog.eventsToPublish);
    this.#oldest.set({ what: 'order_to_submit' }, backlog.oldestOrderToSubmitS);
    this.#oldest.set({ what: 'report_to_apply' }, backlog.oldestReportToApplyS);
    this.#oldest.set({ what: 'event_to_publish' }, backlog.oldestEventToPublishS);
  }

  /** What costs more than the rest is read again only after a while. */
  async #showLiquidations(now: Date): Promise<void> {
    const readAt = this.#liquidationsReadAt;
    const ageMs = readAt === undefined ? undefined : now.getTime() - readAt.getTime();
    if (ageMs !== undefined && ageMs >= 0 && ageMs < liquidationsFreshMs) return;
    const { counts, oldestS, waiting } = await readOpenLiquidations(this.#options.sql, now);
    this.#liquidationsReadAt = now;
    for (const status of ['NEW', 'PROCESSING']) {
      this.#liquidations.set({ status }, counts.get(status) ?? 0);
    }
    this.#oldest.set({ what: 'liquidation' }, oldestS);
    this.#waiting.reset();
    for (const [reason, count] of waiting) this.#waiting.set({ reason }, count);
  }
}
