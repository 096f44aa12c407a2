// One process of the service in a simulation: its pools, its steps under loops of their own, and its
// handlers of requests. It may be killed at any point; what it had open breaks with it.
import pg from 'pg';
import type { Seal } from '../../src/auth/seal.ts';
import { type Clock, later, type Stopwatch } from '../../src/clock.ts';
import { poolConfigOf, type Sql } from '../../src/db/connect.ts';
import { makeSql } from '../../src/db/sql.ts';
import { endDeliveryLeases } from '../../src/deliveries/delivery-store.ts';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import { type EngineSteps, nextSteps, type StepName, stepsOfProcess } from '../../src/engine.ts';
import { type BatchHandlers, batchHandlers } from '../../src/http/batch-handlers.ts';
import { type DeliveryHandlers, deliveryHandlers } from '../../src/http/delivery-handlers.ts';
import { type HaltHandlers, haltHandlers } from '../../src/http/halt-handlers.ts';
import {
  type LiquidationHandlers,
  liquidationHandlers,
} from '../../src/http/liquidation-handlers.ts';
import { type PreTradeHandlers, preTradeHandlers } from '../../src/http/pre-trade-handlers.ts';
import { type WebhookHandlers, webhookHandlers } from '../../src/http/webhook-handlers.ts';
import { newId } from '../../src/ids.ts';
import { deliverySigningsMax } from '../../src/limits.ts';
import { endSubmissionLeases } from '../../src/orders/submission-store.ts';
import { httpKeeper } from '../../src/reservations/keeper.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { placeLength } from '../../src/work/holder.ts';
import type { Step } from '../../src/work/loop.ts';
import type { Backends } from './backends.ts';
import { Connections } from './connection.ts';
import type { History } from './history.ts';
import { keeperUrl } from './keeper.ts';
import { type Network, type Receive, venueOver, WayOut } from './network.ts';
import type { Plan } from './plan.ts';
import { Actor } from './scheduler.ts';

export interface Surroundings {
  readonly plan: Plan;
  readonly network: Network;
  readonly history: History;
  readonly backends: Backends;
  readonly url: string;
  readonly seal: Seal;
  readonly venue: Venue;
  readonly receive: Receive;
  /** Told of every error; throws what no trouble explains. */
  readonly onError: (error: unknown) => void;
  /** Connections beside those of processes, to be closed at the end. */
  readonly opened: Connections[];
  /** The others that live. */
  readonly processes: () => readonly SimulatedProcess[];
  /** Told that the process is dead. */
  readonly onKilled: (process: SimulatedProcess) => void;
}

const idleMs = { first: 40, longest: 5_000, afterFailure: 200 };
/** Once nothing goes wrong any more, only retries are waited for: what is new wakes who looks for it. */
const calmIdleMs = { first: 20_000, longest: 120_000 };
/** How soon another process looks for what one has left to do, and how often it does once all is calm. */
const elsewhere = { msMax: 60, calmChance: 0.1 };
const cleaningMs = { first: 10_000, longest: 30_000 };
const connectionsMax = 60;
/** Looks whether a halt is seen by all are further apart than in real time: each is a step. */
const haltLookTimes = 10;
const unhurried = { within: <T>(_: string, sign: () => Promise<T>) => sign() };
/** By the real clock, so never: receivers that hang are given up by the network. */
const webhookTimeoutMs = 3_600_000;
/** Real time does not count: the scheduler finds out by itself what waits. */
export const noTimeout = {
  statementTimeoutMs: 0,
  lockTimeoutMs: 0,
  idleInTransactionTimeoutMs: 0,
  silenceMarginMs: 600_000,
  connectTimeoutMs: 0,
};

/** A pool whose statements wait for their turn. */
export function simulatedPool(around: {
  url: string;
  connections: Connections;
  network: Network;
  actor: Actor;
  plan: Plan;
}): Sql {
  const { url, connections, network, actor } = around;
  const rest = (msMax: number) => {
    return network.scheduler.turn(actor, 'rest', network.lot.between(0, Math.floor(msMax)));
  };
  const usual = poolConfigOf({
    ...noTimeout,
    url,
    max: connectionsMax,
    applicationName: 'unwind simulation',
  });
  const pool = new pg.Pool({ ...usual, Client: connections.Client });
  return makeSql({ pool, prepare: true, closeMs: 5_000, rest });
}

/** A pool of somebody for whom nothing goes wrong; its statements wait for locks as those of others do. */
export function troublelessPool(
  around: Pick<Surroundings, 'url' | 'network' | 'plan' | 'backends' | 'opened'>,
  actor: Actor,
): Sql {
  const connections = new Connections({
    actor,
    scheduler: around.network.scheduler,
    backends: around.backends,
    fateOf: () => ({ type: 'well' }),
    pauseOf: () => 0,
    slownessOf: () => 0,
    onKilled: async () => {},
  });
  around.opened.push(connections);
  return simulatedPool({ ...around, connections, actor });
}

/** Those of one place begin alike, as `newHolder` makes them. */
function holderIn(place: number): string {
  const prefix = `${String(place).padStart(8, '0')}-0000-8000`.slice(0, placeLength);
  return prefix + newId<'process'>().slice(placeLength);
}

export class SimulatedProcess {
  readonly actor: Actor;
  readonly handlers: LiquidationHandlers;
  readonly webhooks: DeliveryHandlers & WebhookHandlers;
  readonly batches: BatchHandlers;
  readonly halts: HaltHandlers;
  readonly controls: PreTradeHandlers;
  /** A process that takes the same one knows that this one is dead. */
  readonly place: number;
  readonly #around: Surroundings;
  readonly #steps: EngineSteps;
  readonly #sql: Sql;
  readonly #holder: string;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #death = Promise.withResolvers<never>();
  #timers = 0;

  constructor(name: string, place: number, around: Surroundings) {
    const { network, backends, plan } = around;
    const { scheduler, troubles } = network;
    this.#around = around;
    this.place = place;
    const skewMs = plan.skewMsMax === 0 ? 0 : network.lot.between(-plan.skewMsMax, plan.skewMsMax);
    this.#clock = { now: () => later(scheduler.clock.now(), skewMs) };
    this.actor = new Actor(name);
    this.#death.promise.catch(() => {});
    const slowness = troubles.drawSlowness();
    this.#connections = new Connections({
      actor: this.actor,
      scheduler,
      backends,
      fateOf: (text) => troubles.fateOf(text),
      pauseOf: (step) => troubles.pauseOf(step, slowness),
      slownessOf: (what) => troubles.slownessOf(what, slowness),
      onKilled: () => this.kill(),
    });
    const { actor } = this;
    const sql = simulatedPool({ ...around, connections: this.#connections, actor });
    this.#sql = sql;
    this.#holder = holderIn(place);
    const agent = new WayOut(network, actor, around.receive);
    this.#steps = this.#makeSteps(sql, agent);
    const { releaseDelayMs } = plan;
    const settings = { releaseDelayMs, idempotencyRetentionMs: 30 * 86_400_000 };
    const changes = { sql, clock: this.#clock, settings };
    const rest = (ms: number) => scheduler.turn(actor, 'rests', ms * haltLookTimes);
    this.halts = haltHandlers({ ...changes, rest });
    this.controls = preTradeHandlers({ ...changes, rest });
    this.batches = batchHandlers({ ...changes, onChanged: () => this.#wake('start', 'publish') });
    this.handlers = liquidationHandlers({
      ...changes,
      onCreated: () => this.#wake('release', 'publish'),
      onEvent: () => this.#wake('publish'),
    });
    const ofWebhooks = {
      sql,
      clock: this.#clock,
      seal: around.seal,
      agent,
      timeoutMs: webhookTimeoutMs,
      signings: new FairSlots(deliverySigningsMax),
      policy: { allowLoopback: true },
      onChanged: () => this.#wake('deliver'),
    };
    this.webhooks = { ...deliveryHandlers(ofWebhooks), ...webhookHandlers(ofWebhooks) };
  }

  start(): void {
    void this.#start();
  }

  /** What dead processes in its place held is free from now on, as when a service starts. */
  async #start(): Promise<void> {
    const { scheduler } = this.#around.network;
    await scheduler.turn(this.actor, 'starts');
    try {
      const successor = { holder: this.#holder, now: this.#clock.now() };
      await endSubmissionLeases(this.#sql, successor);
      await endDeliveryLeases(this.#sql, successor);
    } catch (error) {
      this.#take(error);
    }
    const names = Object.keys(this.#steps) as StepName[];
    for (const name of names.filter((one) => this.#hasUse(one))) {
      void this.#loop(name, this.#steps[name]);
    }
  }

  /** The others have nothing to do in this run. */
  #hasUse(name: StepName): boolean {
    const { hasKeeper, batches } = this.#around.plan;
    if (name === 'reserve' || name === 'report') return hasKeeper;
    if (name === 'start') return batches > 0;
    return name !== 'checkpoint' && name !== 'settle';
  }

  /** Does something for somebody outside. Rejects when the process dies meanwhile. */
  serve<T>(work: () => Promise<T>): Promise<T> {
    return Promise.race([work(), this.#death.promise]);
  }

  /** Ends it at once; its connections are gone at the server when this returns. */
  async kill(): Promise<void> {
    if (!this.actor.isAlive) return;
    this.#around.network.scheduler.kill(this.actor);
    await this.#connections.terminateAll();
    this.#around.onKilled(this);
    this.#death.reject(new Error('connection reset'));
  }

  #makeSteps(sql: Sql, agent: WayOut): EngineSteps {
    const { network, venue, seal, plan } = this.#around;
    const quiet = () => {};
    const onLogged = (fields: object) => {
      if ('err' in fields) this.#take(fields.err);
    };
    const clock = this.#clock;
    const asking = { sql, clock, seal, agent, signings: unhurried, timeoutMs: webhookTimeoutMs };
    return stepsOfProcess({
      sql,
      holder: this.#holder,
      clock,
      keeper: plan.hasKeeper ? httpKeeper({ ...asking, url: keeperUrl }) : undefined,
      venues: [venueOver(network, this.actor, venue)],
      seal,
      agent,
      endLimits: { roundsMax: 100, ageMsMax: 30 * 86_400_000 },
      starts: { releaseDelayMs: plan.releaseDelayMs },
      webhookTimeoutMs,
      webhookSetAsideMs: plan.setAsideMs,
      log: { info: quiet, warn: onLogged, error: onLogged },
      stopwatch: this.#stopwatch(),
      random: () => network.lot.next(),
      onDelivered: () => this.#wake('deliver'),
    }).steps;
  }

  /** As the loops of the engine: again at once after work, else after a growing wait. */
  async #loop(name: StepName, step: Step): Promise<void> {
    const { network, history, plan } = this.#around;
    let waitMs = name === 'clean' ? network.lot.between(0, cleaningMs.first) : 0;
    for (;;) {
      await network.scheduler.turn(this.actor, `loop ${name}`, waitMs);
      try {
        const worked = await step();
        const usual = network.troubles.isOver ? calmIdleMs : idleMs;
        const { first, longest } = name === 'clean' ? cleaningMs : usual;
        waitMs = worked > 0 ? 0 : Math.min(Math.max(waitMs * plan.restGrowth, first), longest);
        if (worked > 0) {
          history.note(`${this.actor.name} ${name} worked ${worked}`);
          this.#wake(...nextSteps[name]);
          this.#wakeElsewhere(nextSteps[name]);
        }
      } catch (error) {
        history.note(`${this.actor.name} ${name} failed`);
        this.#take(error);
        waitMs = idleMs.afterFailure;
      }
    }
  }

  #take(error: unknown): void {
    if (this.actor.isAlive) this.#around.onError(error);
  }

  #wake(...names: readonly StepName[]): void {
    this.wake(names, 0);
  }

  /** Has its loops of these steps look within so many ms. */
  wake(names: readonly StepName[], withinMs: number): void {
    const labels = new Set(names.map((name) => `loop ${name}`));
    this.#around.network.scheduler.wake(this.actor, labels, withinMs);
  }

  /** Another process may come to the same work: instead of long rests that end by chance. */
  #wakeElsewhere(names: readonly StepName[]): void {
    const { network, processes, plan } = this.#around;
    const { lot, troubles } = network;
    const chance = troubles.isOver ? elsewhere.calmChance : plan.rivalry;
    for (const other of processes()) {
      if (other === this || lot.next() >= chance) continue;
      other.wake(names, lot.between(0, elsewhere.msMax));
    }
  }

  #stopwatch(): Stopwatch {
    const { scheduler } = this.#around.network;
    return {
      elapsedMs: () => scheduler.clock.now().getTime(),
      every: (ms, work) => {
        this.#timers += 1;
        const label = `timer ${this.#timers}`;
        let isEnded = false;
        const run = async () => {
          for (;;) {
            await scheduler.turn(this.actor, label, ms);
            if (isEnded) return;
            work();
          }
        };
        void run();
        return () => {
          isEnded = true;
        };
      },
    };
  }
}
