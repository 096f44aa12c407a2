// A simulated run from beginning to end: makes the book, the venue, the receivers and the customers
// from a seed, lets them meet the troubles of their plan, calms down, and checks what is left.
import { findPublicJwks } from '../../src/auth/signing-keys.ts';
import { connect, type Sql } from '../../src/db/connect.ts';
import type { TenantId } from '../../src/ids.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { type Lot, lotOf } from '../crash/random.ts';
import { testSeal } from '../deliveries/subscriptions.ts';
import { type TestDatabase, testAdminUrl } from '../support/database.ts';
import { drawIdsBy } from '../support/ids.ts';
import type { Service } from './asking.ts';
import { Backends } from './backends.ts';
import { keepBook } from './bookkeeper.ts';
import { faultsOf } from './check.ts';
import { notAtHead, undelivered } from './check-deliveries.ts';
import type { Connections } from './connection.ts';
import { playCustomer, type Wish } from './customers.ts';
import { describe, isExplained } from './errors.ts';
import { History } from './history.ts';
import { Keeper } from './keeper.ts';
import { isOverAtEnd as isAllOver, type Market, makeMarket, moveMarket } from './market.ts';
import type { Network } from './network.ts';
import { guardMarket, playBatch } from './operators.ts';
import { type Plan, planOf, type Trouble, Troubles } from './plan.ts';
import { noTimeout, SimulatedProcess, type Surroundings, troublelessPool } from './process.ts';
import { receiveAt } from './receivers.ts';
import { Actor, Scheduler } from './scheduler.ts';
import { lockWaitsOf, placesOf, steadyDatabase } from './server.ts';
import { signInOrder } from './signing.ts';
import { manageSubscriptions } from './subscriptions.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly liquidations: number;
  readonly database: TestDatabase;
  /** Gets every line of the history. */
  readonly trace?: (line: string) => void;
}

export interface Outcome {
  readonly plan: Plan;
  /** Sentences about what is wrong; empty when all is well. */
  readonly faults: readonly string[];
  /** Of the whole history: the same for every run of the seed. */
  readonly digest: string;
  readonly lines: number;
  readonly last: readonly string[];
  readonly steps: number;
  readonly lockWaits: number;
  /** Deadlocks that the server found: two of our own statements in different order. */
  readonly deadlocks: number;
  readonly troubles: ReadonlyMap<string, number>;
  readonly simulatedMs: number;
}

/** Long after the migrations, so that the parts of the log they made are old and dropped. */
const startsAt = new Date('2030-01-05T09:00:00.000Z');
/** A run that is not done after so many steps for each liquidation will never be. */
const stepsPerLiquidationMax = 2_000;
const stepsMin = 60_000;
const restartMsMax = 3_000;
/** How long troubles go on after the last request, in simulated time: longer than any lease. */
const troubledMsMax = 12_000;
/** A run that is not at its end so long after all troubles will never be: a venue may interrupt an order often. */
const calmMsMax = 4 * 3_600_000;
const watchMs = { troubled: 500, calm: 1_000, longest: 60_000 };
/** What makes a process forget what was taken. */
const disturbances: readonly Trouble[] = [
  'statement_refused',
  'connection_lost',
  'process_killed',
  'sender_asleep',
];

/** Runs one seed. Never throws for what it finds: that is in the outcome. */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const run = new Run(options);
  try {
    return await run.play();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #options: SimulationOptions;
  readonly #history: History;
  readonly #lot: Lot;
  readonly #plan: Plan;
  readonly #admin: Sql;
  readonly #backends: Backends;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #keeper: Keeper | undefined;
  readonly #processes: SimulatedProcess[] = [];
  readonly #errors: unknown[] = [];
  readonly #opened: Connections[] = [];
  readonly #closers: (() => unknown)[] = [signInOrder()];
  #started = 0;
  #deadlocks = 0;

  constructor(options: SimulationOptions) {
    const { seed, trace } = options;
    this.#options = options;
    this.#history = new History(trace);
    this.#lot = lotOf(seed);
    this.#plan = planOf(this.#lot, options);
    this.#admin = connect({
      ...noTimeout,
      url: testAdminUrl(),
      max: 1,
      applicationName: 'unwind simulation admin',
    });
    this.#backends = new Backends(this.#admin);
    this.#scheduler = new Scheduler({
      lot: this.#lot,
      history: this.#history,
      lockWaitsOf: (pids) => lockWaitsOf(this.#admin, pids),
      mayMeet: () => this.#backends.lent > 1,
      settled: () => this.#backends.settled(),
      onDeadlock: (what) => this.#onDeadlock(what),
      startsAt,
      stickiness: this.#plan.stickiness,
    });
    const ids = lotOf(seed + 1_000_003);
    const bytesOfId = () => Uint8Array.from({ length: 16 }, () => ids.between(0, 255));
    this.#closers.push(drawIdsBy(this.#scheduler.clock, bytesOfId));
    const troubles = new Troubles(this.#plan, this.#lot);
    const sentAsleep = new Set<string>();
    this.#network = { scheduler: this.#scheduler, lot: this.#lot, troubles, sentAsleep };
    const { sql } = options.database;
    const jwksOf = (tenantId: TenantId) =>
      findPublicJwks(sql, tenantId, this.#scheduler.clock.now());
    this.#keeper = this.#plan.hasKeeper ? new Keeper(this.#network, jwksOf) : undefined;
  }

  async play(): Promise<Outcome> {
    const { database, liquidations } = this.#options;
    await steadyDatabase(database);
    const { clock } = this.#scheduler;
    const market = await makeMarket(database.sql, clock, {
      lot: this.#lot,
      plan: this.#plan,
      liquidations,
    });
    const stepsMax = Math.max(stepsMin, liquidations * stepsPerLiquidationMax);
    const isWell = await this.#live(market, stepsMax);
    const faults = this.#errors.map(describe);
    if (!isWell) {
      faults.push(`not at its end after ${this.#scheduler.steps} steps`);
      faults.push(...(await undelivered(database.sql, market.receivers)));
      faults.push(...(await notAtHead(database.sql)));
    }
    if (!isWell) for (const line of this.#scheduler.describe()) this.#history.note(line);
    this.#network.troubles.isOver = true;
    for (const process of [...this.#processes]) await process.kill();
    this.#history.note(`rows lie at: ${await placesOf(database.sql)}`);
    // A run that was broken off says nothing about its end.
    if (faults.length === 0) faults.push(...(await this.#check(market)));
    return this.#outcome(faults);
  }

  #check(market: Market): Promise<readonly string[]> {
    const { counts } = this.#network.troubles;
    const isUndisturbed = !disturbances.some((trouble) => counts.has(trouble));
    const now = this.#scheduler.clock.now();
    return faultsOf(this.#options.database.sql, market, {
      isUndisturbed,
      now,
      keeper: this.#keeper,
    });
  }

  async close(): Promise<void> {
    for (const process of [...this.#processes]) await process.kill();
    for (const connections of this.#opened) await connections.terminateAll();
    for (const close of this.#closers) await close();
    await this.#backends.end();
    await this.#admin.end();
  }

  /** @returns whether everything came to its end. */
  async #live(market: Market, stepsMax: number): Promise<boolean> {
    const service = this.#openService(market);
    const { customers, processes } = this.#plan;
    for (let place = 1; place <= processes; place += 1) this.#startProcess(service, place);
    const isOver = { asking: false, book: false, all: false };
    const playing = Array.from({ length: customers }, (_, i) => {
      const wishes = market.wishes.filter((_wish, n) => n % customers === i);
      const onNewWish = (wish: Wish) => market.wishes.push(wish);
      const isOverAtEnd = (wish: Wish) => isAllOver(market, wish.accountId);
      return playCustomer(service, `customer ${i + 1}`, { wishes, isOverAtEnd, onNewWish });
    });
    const inBatches = market.batches.map((batch, i) => playBatch(service, `batch ${i + 1}`, batch));
    const { officerMsMax: pauseMsMax } = this.#plan;
    const guarding =
      pauseMsMax === undefined
        ? Promise.resolve()
        : guardMarket(service, market, { pauseMsMax, isOver: () => isOver.asking });
    const keeping = keepBook(service, market, () => isOver.asking);
    const managing = manageSubscriptions(service, { market, isOver: () => isOver.asking });
    const watching = this.#watch(service, market, () => {
      isOver.all = isOver.book;
    });
    Promise.all([...playing, ...inBatches]).then(
      () => {
        isOver.asking = true;
      },
      (error: unknown) => this.#errors.push(error),
    );
    const fail = (error: unknown) => this.#errors.push(error);
    watching.catch(fail);
    managing.catch(fail);
    guarding.catch(fail);
    keeping.then(() => {
      isOver.book = true;
    }, fail);
    let askedAt: Date | undefined;
    const isStopped = () => this.#errors.length > 0;
    const isEnough = () => {
      if (isStopped() || !isOver.book) return isStopped();
      askedAt ??= this.#scheduler.clock.now();
      const since = this.#scheduler.clock.now().getTime() - askedAt.getTime();
      return market.progress.open === 0 || since > troubledMsMax;
    };
    const asked = await this.#scheduler.run(isEnough, stepsMax);
    this.#network.troubles.isOver = true;
    this.#history.note('all have asked; nothing goes wrong from here on');
    if (!asked || isStopped()) return asked;
    const calmAt = this.#scheduler.clock.now().getTime();
    const isTooLong = () => this.#scheduler.clock.now().getTime() - calmAt > calmMsMax;
    const isOut = () => isOver.all || isStopped() || isTooLong();
    return (await this.#scheduler.run(isOut, stepsMax)) && (isOver.all || isStopped());
  }

  #openService(market: Market): Service {
    const { database } = this.#options;
    const network = this.#network;
    const history = this.#history;
    const { sql, url } = database;
    const receiving = {
      network,
      history,
      jwksOf: (tenantId: TenantId) => findPublicJwks(sql, tenantId, this.#scheduler.clock.now()),
      isHealed: () => market.progress.isHealed,
      known: new Map(),
    };
    const around = {
      plan: this.#plan,
      network,
      url,
      backends: this.#backends,
      opened: this.#opened,
    };
    const pool = troublelessPool(around, new Actor('venue'));
    const venue = simulatedVenue(pool, this.#scheduler.clock, this.#plan.venueDelayMs);
    const service: Service = {
      ...around,
      history,
      seal: testSeal,
      venue,
      receive: async (post) => {
        try {
          if (this.#keeper?.keeps(post)) return await this.#keeper.receive(post);
          return await receiveAt(market.receivers, post, receiving);
        } catch (error) {
          this.#errors.push(error);
          throw error;
        }
      },
      onError: (error) => {
        if (!isExplained(error)) this.#errors.push(error);
      },
      processes: () => this.#processes,
      onKilled: (process) => this.#onKilled(service, process),
      someProcess: () => {
        const living = this.#processes.filter((one) => one.actor.isAlive);
        return living[this.#lot.between(0, Math.max(0, living.length - 1))];
      },
    };
    return service;
  }

  /** Statements that lock in the one order never wait in a circle. */
  #onDeadlock(what: string): void {
    this.#deadlocks += 1;
    this.#history.note(what);
    this.#errors.push(new Error(what));
  }

  #startProcess(service: Surroundings, place: number): void {
    this.#started += 1;
    const process = new SimulatedProcess(`process ${this.#started}`, place, service);
    this.#processes.push(process);
    process.start();
  }

  #onKilled(service: Surroundings, process: SimulatedProcess): void {
    this.#processes.splice(this.#processes.indexOf(process), 1);
    if (this.#network.troubles.isOver) return;
    this.#history.note(`${process.actor.name} died`);
    const waitMs = this.#lot.between(0, restartMsMax);
    const isSamePlace = this.#lot.next() < 0.5;
    const place = isSamePlace ? process.place : 1_000 + this.#started;
    const successor = new Actor(`after ${process.actor.name}`);
    void this.#scheduler
      .turn(successor, 'starts', waitMs)
      .then(() => this.#startProcess(service, place));
  }

  /** Moves the market now and then, and looks whether all is done once nobody asks any more. */
  async #watch(service: Service, market: Market, onDone: () => void): Promise<void> {
    const watcher = new Actor('market');
    const moving = { ...service, sql: troublelessPool(service, watcher) };
    for (let calmMs = watchMs.calm; ; ) {
      const { isCalm } = market.progress;
      if (isCalm) calmMs = Math.min(Math.ceil(1.2 * calmMs), watchMs.longest);
      await this.#scheduler.turn(watcher, 'looks', isCalm ? calmMs : watchMs.troubled);
      const now = this.#scheduler.clock.now();
      if (await moveMarket({ ...moving, now }, market)) onDone();
    }
  }

  #outcome(faults: readonly string[]): Outcome {
    const { steps, lockWaits, clock } = this.#scheduler;
    return {
      plan: this.#plan,
      faults,
      digest: this.#history.digest(),
      lines: this.#history.count,
      last: this.#history.last,
      steps,
      lockWaits,
      deadlocks: this.#deadlocks,
      troubles: this.#network.troubles.counts,
      simulatedMs: clock.now().getTime() - startsAt.getTime(),
    };
  }
}
