// The steps of the engine, by name, in the order of a liquidation's life: what each loop does in one
// turn. Whoever has them decides when they run: the loops of engine.ts, or a test.

import type { Dispatcher } from 'undici';
import type { Seal } from './auth/seal.ts';
import { removeExpired } from './auth/store.ts';
import type { Clock, Stopwatch } from './clock.ts';
import type { Sql } from './db/connect.ts';
import { Deliverer } from './deliveries/deliver-events.ts';
import { keepLog } from './events/keep-log.ts';
import { eventPublisher } from './events/publish-events.ts';
import { reportApplier } from './executions/apply-reports.ts';
import { reportReceiver } from './executions/receive-reports.ts';
import { newId } from './ids.ts';
import {
  type EndLimits,
  liquidationAdvancer,
  liquidationReleaser,
} from './liquidations/release-liquidations.ts';
import { liquidationStopper } from './liquidations/stop-liquidations.ts';
import { stopAged } from './liquidations/stop-store.ts';
import { submissionResolver } from './orders/resolve-submissions.ts';
import { orderSubmitter } from './orders/submit-orders.ts';
import type { Venue } from './venue/venue.ts';
import { removeFailingWebhooks } from './webhooks/manage-webhooks.ts';
import type { Step } from './work/loop.ts';
import { forgetOldTries } from './work/parked-store.ts';

export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StepsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly venue: Venue;
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Dispatcher;
  readonly webhookTimeoutMs: number;
  /** How long an event that is refused while others are taken is tried again; default an hour. */
  readonly webhookSetAsideMs?: number;
  /** Whether subscriptions that have failed for a month are removed, as in a sandbox. */
  readonly removesFailingWebhooks?: boolean;
  /** This process, as holder of leases. Default one like no other. */
  readonly holder?: string;
  readonly endLimits: EndLimits;
  readonly log: EngineLog;
  /** Called when a delivery is done: another may be due. */
  readonly onDelivered?: () => void;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
  /** From 0 up to 1, for what is spread by lot. Default `Math.random`. */
  readonly random?: () => number;
}

export interface EngineSteps {
  readonly release: Step;
  readonly submit: Step;
  /** Looks up submissions whose answer is unknown. */
  readonly resolve: Step;
  readonly receive: Step;
  readonly apply: Step;
  readonly advance: Step;
  /** Ends what is abandoned or too old. */
  readonly stop: Step;
  readonly publish: Step;
  /** Begins deliveries; they go on after the step has ended. */
  readonly deliver: Step;
  /** Removes what has expired, and finds what has run for too long. */
  readonly clean: Step;
}

export type StepName = keyof EngineSteps;

/** What has something to do once a step has worked. */
export const nextSteps: Readonly<Record<StepName, readonly StepName[]>> = {
  release: ['submit', 'publish'],
  submit: ['receive', 'apply'],
  resolve: ['apply'],
  receive: ['apply'],
  apply: ['advance', 'submit'],
  advance: ['submit', 'publish'],
  stop: ['receive', 'publish'],
  publish: ['deliver'],
  deliver: [],
  clean: ['stop'],
};

/** The steps of one process: they share its identity as a holder of leases. */
export interface ProcessSteps {
  readonly steps: EngineSteps;
  readonly deliverer: Deliverer;
}

/** Rows that one turn of cleaning removes at most. */
const cleanedRowsMax = 1_000;

export function stepsOfProcess(options: StepsOptions): ProcessSteps {
  const { sql, clock, venue, log, endLimits, webhookTimeoutMs, onDelivered = () => {} } = options;
  const { holder = newId<'process'>(), webhookSetAsideMs } = options;
  const worker = { sql, clock, log };
  const sender = { ...worker, venue, holder };
  const deliverer = new Deliverer({
    ...options,
    holder,
    timeoutMs: webhookTimeoutMs,
    ...(webhookSetAsideMs === undefined ? {} : { setAsideAfterMs: webhookSetAsideMs }),
    onDone: onDelivered,
  });
  const steps = {
    release: liquidationReleaser(sender, endLimits),
    submit: orderSubmitter(sender),
    resolve: submissionResolver(sender),
    receive: reportReceiver(sender),
    apply: reportApplier(worker),
    advance: liquidationAdvancer(sender, endLimits),
    stop: liquidationStopper(sender, endLimits),
    publish: eventPublisher(worker),
    deliver: () => deliverer.step(),
    clean: () => clean(options, clock.now()),
  };
  return { steps, deliverer };
}

async function clean(options: StepsOptions, now: Date): Promise<number> {
  const { sql, log, endLimits, removesFailingWebhooks = false } = options;
  const rows = cleanedRowsMax;
  const expired = await removeExpired(sql, now, rows);
  const forgotten = await forgetOldTries(sql, now, rows);
  const stopped = await stopAged(sql, { ageMsMax: endLimits.ageMsMax, rows, now });
  const webhooks = removesFailingWebhooks ? await removeFailingWebhooks(sql, now, log) : 0;
  return expired + forgotten + stopped + webhooks + (await keepLog({ sql, log }, now));
}
