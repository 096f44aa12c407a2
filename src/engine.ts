// The engine: the steps of a liquidation's life, in their order, and the loops that run them. Each loop runs
// one step again and again, and wakes those of the next steps when it has worked; none depends on being
// woken. Steps that talk to a venue have a loop for each, so that one that is away holds up no other. Steps that work for one tenant at a time have a second loop, which works for the others while the
// first one's batch lasts. Tests run the steps without the loops.

import type { Dispatcher } from 'undici';
import type { Seal } from './auth/seal.ts';
import { batchStarter, type StartSettings } from './batches/start-batches.ts';
import { clean } from './clean.ts';
import type { Clock, Stopwatch } from './clock.ts';
import type { Sql } from './db/connect.ts';
import { Deliverer } from './deliveries/deliver-events.ts';
import { endDeliveryLeases } from './deliveries/delivery-store.ts';
import { eventPublisher } from './events/publish-events.ts';
import { reportApplier } from './executions/apply-reports.ts';
import { reportReceiver } from './executions/receive-reports.ts';
import { newId } from './ids.ts';
import { checkpointEveryMs, sealEveryMs } from './limits.ts';
import { enterReservations } from './liquidations/enter-reservations.ts';
import {
  type EndLimits,
  liquidationAdvancer,
  liquidationReleaser,
} from './liquidations/release-liquidations.ts';
import { holdingsReserver } from './liquidations/reserve-holdings.ts';
import { liquidationSettler } from './liquidations/settle-liquidations.ts';
import { liquidationStopper } from './liquidations/stop-liquidations.ts';
import { haltedCanceller } from './orders/cancel-halted.ts';
import { enterVenues } from './orders/enter-venues.ts';
import { endSubmissionLeases } from './orders/submission-store.ts';
import { orderSubmitter, submissionResolver } from './orders/submit-orders.ts';
import type { Keeper } from './reservations/keeper.ts';
import { salesReporter } from './reservations/report-sales.ts';
import {
  type CheckpointSettings,
  type CheckpointState,
  CheckpointWriter,
  checkpointStep,
} from './trail/export-checkpoints.ts';
import { type Sealer, sealTrail } from './trail/seal-trail.ts';
import { tunnelReceiver } from './tunnels/serve-tunnels.ts';
import type { Venue } from './venue/venue.ts';
import type { Count } from './work/figures.ts';
import { Loop, type Step } from './work/loop.ts';

export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StepsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Where orders go: the first that suits. */
  readonly venues: readonly Venue[];
  /** How old a rate may be that orders are sent by, in ms of market time. Default as in limits.ts. */
  readonly rateAgeMsMax?: number | undefined;
  /** The keeper of the holdings, asked before they are sold; `off`: none is asked, by any process. */
  readonly keeper?: Keeper | 'off' | undefined;
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Dispatcher;
  /** Whether it has what only a sandbox has: tunnels. */
  readonly isSandbox?: boolean;
  readonly webhookTimeoutMs: number;
  /** How long an event that is refused while others are taken is tried again; default an hour. */
  readonly webhookSetAsideMs?: number;
  /** Whether subscriptions that have failed for a month are removed, as in a sandbox. */
  readonly removesFailingWebhooks?: boolean;
  /** This process, as holder of leases. Default one like no other. */
  readonly holder?: string;
  readonly endLimits: EndLimits;
  /** How liquidations of batches are made. */
  readonly starts: StartSettings;
  /** Counts what is committed, for the metrics. */
  readonly count?: Count | undefined;
  /** Where signed checkpoints of the trail go. */
  readonly checkpoints?: CheckpointSettings | undefined;
  readonly log: EngineLog;
  /** Called when a delivery is done: another may be due. */
  readonly onDelivered?: () => void;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
  /** From 0 up to 1, for what is spread at random. Default `Math.random`. */
  readonly random?: () => number;
}

export interface EngineSteps {
  /** Starts accounts of batches. */
  readonly start: Step;
  readonly release: Step;
  /** Asks the keeper of the holdings, if there is one. */
  readonly reserve: Step;
  /** Reports to the keeper what was sold. */
  readonly report: Step;
  readonly submit: Step;
  /** Looks up submissions whose answer is unknown. */
  readonly resolve: Step;
  /** Has venues cancel what a halt cancels. */
  readonly cancel: Step;
  readonly receive: Step;
  readonly apply: Step;
  readonly advance: Step;
  /** Ends what is abandoned or too old. */
  readonly stop: Step;
  /** Settles what is FILLED, where a client has chosen that. */
  readonly settle: Step;
  readonly publish: Step;
  /** Begins deliveries; they go on after the step has ended. */
  readonly deliver: Step;
  /** Chains what was committed in the trail. */
  readonly seal: Step;
  /** Signs the ends of the chains, where a file for it is set. */
  readonly checkpoint: Step;
  /** Removes what has expired, and finds what has run for too long. */
  readonly clean: Step;
}

export type StepName = keyof EngineSteps;

/** What has something to do once a step has worked. */
export const nextSteps: Readonly<Record<StepName, readonly StepName[]>> = {
  start: ['release', 'publish'],
  release: ['reserve', 'submit', 'publish'],
  reserve: ['release', 'advance'],
  report: [],
  submit: ['receive', 'apply'],
  resolve: ['apply'],
  cancel: ['receive', 'apply'],
  receive: ['apply'],
  apply: ['advance', 'submit'],
  advance: ['reserve', 'report', 'submit', 'publish', 'settle'],
  stop: ['receive', 'publish'],
  settle: ['publish'],
  publish: ['deliver'],
  deliver: [],
  seal: [],
  checkpoint: [],
  clean: ['stop'],
};

const venueStepNames = ['submit', 'resolve', 'cancel', 'receive'] as const;

type VenueStepName = (typeof venueStepNames)[number];

/** The steps that talk to one venue. */
type VenueSteps = Readonly<Record<VenueStepName, Step>>;

/** The steps of one process: they share its identity as a holder of leases. */
export interface ProcessSteps {
  /** Those of venues are worked one venue after the other here. */
  readonly steps: EngineSteps;
  /** By MIC. */
  readonly venueSteps: ReadonlyMap<string, VenueSteps>;
  readonly deliverer: Deliverer;
  /** Of checkpoints, where a file is set. */
  readonly writer: CheckpointWriter | undefined;
}

export function stepsOfProcess(options: StepsOptions): ProcessSteps {
  const { sql, clock, venues, log, endLimits, webhookTimeoutMs, onDelivered = () => {} } = options;
  const { holder = newId<'process'>(), webhookSetAsideMs } = options;
  const worker = { sql, clock, log, count: options.count };
  const { rateAgeMsMax } = options;
  const { keeper } = options;
  const mover = { ...worker, venues, rateAgeMsMax };
  const { random } = options;
  const ofKeeper = typeof keeper === 'object' && { ...worker, keeper, holder, random };
  const deliverer = new Deliverer({
    ...options,
    holder,
    timeoutMs: webhookTimeoutMs,
    ...(options.isSandbox ? { inner: tunnelReceiver(options) } : {}),
    ...(webhookSetAsideMs === undefined ? {} : { setAsideAfterMs: webhookSetAsideMs }),
    onDone: onDelivered,
  });
  const sealer: Sealer = { sql, clock };
  const writer = options.checkpoints && new CheckpointWriter(sql, clock, options.checkpoints);
  const venueSteps = new Map(
    venues.map((venue) => {
      const sender = { ...worker, venue, holder, rateAgeMsMax };
      const own: VenueSteps = {
        submit: orderSubmitter(sender),
        resolve: submissionResolver(sender),
        cancel: haltedCanceller(sender),
        receive: reportReceiver(sender),
      };
      return [venue.mic, own];
    }),
  );
  const atEach = (name: VenueStepName): Step => {
    return async () => {
      let worked = 0;
      for (const own of venueSteps.values()) worked += await own[name]();
      return worked;
    };
  };
  const steps = {
    start: batchStarter(worker, options.starts),
    release: liquidationReleaser(mover, endLimits),
    reserve: ofKeeper ? holdingsReserver(ofKeeper) : nothing,
    report: ofKeeper ? salesReporter(ofKeeper) : nothing,
    submit: atEach('submit'),
    resolve: atEach('resolve'),
    cancel: atEach('cancel'),
    receive: atEach('receive'),
    apply: reportApplier(worker),
    advance: liquidationAdvancer(mover, endLimits),
    stop: liquidationStopper(mover, endLimits),
    settle: liquidationSettler(worker),
    publish: eventPublisher(worker),
    deliver: () => deliverer.step(),
    // At rest it looks once a second; only what was too much for one turn goes on at once.
    seal: async () => ((await sealTrail(sealer)) ? 1 : 0),
    checkpoint: checkpointStep(writer, log),
    clean: () => clean(options, clock.now()),
  };
  return { steps, venueSteps, deliverer, writer };
}

/** A step of a service that has no use for it. */
const nothing: Step = async () => 0;

export type EngineOptions = Omit<StepsOptions, 'onDelivered'> & { readonly holder: string };

/** The running loops. */
export interface Engine {
  /**
   * Starts the loops. What dead processes in this one's place held is free from then on, instead of
   * when their leases run out.
   */
  start(): Promise<void>;
  /** There may be a batch to start, or to go on with. */
  wakeStart(): void;
  /** There may be a liquidation to release. */
  wakeRelease(): void;
  /** There may be an event to publish or to deliver. */
  wakePublish(): void;
  wakeDeliver(): void;
  /** Whether each loop has worked well lately, by name. */
  loops(): Readonly<Record<string, boolean>>;
  /** How this process signs the trail; undefined where it does not. */
  signing(): CheckpointState | undefined;
  /** Lets every step under way end. Nothing is lost if the process is killed instead. */
  stop(): Promise<void>;
}

const stepNames = Object.keys(nextSteps) as readonly StepName[];

/** Steps whose batch of one tenant may keep the others waiting. */
const besideNames = ['start', 'release', 'submit', 'apply', 'advance', 'publish'] as const;

/** Steps that rest longer than the others. */
const idleMsOf: Partial<Record<StepName, { readonly first: number; readonly longest: number }>> = {
  clean: { first: 60_000, longest: 60_000 },
  seal: { first: sealEveryMs, longest: sealEveryMs },
  checkpoint: { first: checkpointEveryMs, longest: checkpointEveryMs },
};

interface Work {
  readonly step: StepName;
  /** Of its loop: where there are several venues, theirs stands in it. */
  readonly name: string;
  readonly work: Step;
}

function worksOf({ steps, venueSteps }: ProcessSteps): readonly Work[] {
  return stepNames.flatMap((step): readonly Work[] => {
    if (steps[step] === nothing) return [];
    const ofVenues = venueStepNames.find((name) => name === step);
    if (ofVenues === undefined) return [{ step, name: step, work: steps[step] }];
    const isOnly = venueSteps.size === 1;
    return [...venueSteps].map(([mic, own]) => {
      return { step, name: isOnly ? step : `${step} ${mic}`, work: own[ofVenues] };
    });
  });
}

export function buildEngine(options: EngineOptions): Engine {
  const { sql, clock, holder, log, venues, rateAgeMsMax, keeper } = options;
  const process = stepsOfProcess({ ...options, onDelivered: () => wake('deliver') });
  const { deliverer, writer } = process;
  const byStep = new Map<StepName, Loop[]>();
  const mains: Loop[] = [];
  for (const { step: of, name, work } of worksOf(process)) {
    const rest = idleMsOf[of];
    const idleMs = rest === undefined ? {} : { idleMs: rest };
    const onWork = () => wake(...nextSteps[of]);
    const main = new Loop({ name, step: work, clock, log, onWork, ...idleMs });
    mains.push(main);
    byStep.set(of, [...(byStep.get(of) ?? []), main]);
    if (!besideNames.some((one) => one === of)) continue;
    const step = async () => (main.isWorking ? work() : 0);
    // What it has worked on the first one may have passed over.
    const beside = new Loop({ name, step, clock, log, onWork: () => wake(of, ...nextSteps[of]) });
    byStep.get(of)?.push(beside);
  }
  const all = [...byStep.values()].flat();
  const wake = (...names: readonly StepName[]) => {
    for (const name of names) for (const loop of byStep.get(name) ?? []) loop.wake();
  };
  // Cleaning rests longer than a loop may be silent, and nothing waits for it.
  const watched = mains.filter((loop) => loop.name !== 'clean' && loop.name !== 'checkpoint');
  return {
    start: async () => {
      const now = clock.now();
      const successor = { holder, now };
      await enterVenues(sql, { venues, rateAgeMsMax, now }, log);
      const setting = typeof keeper === 'object' ? 'asks' : (keeper ?? 'unset');
      await enterReservations(sql, { setting, now }, log);
      const submissions = await endSubmissionLeases(sql, successor);
      const deliveries = await endDeliveryLeases(sql, successor);
      if (submissions + deliveries > 0) log.info({ submissions, deliveries }, 'leases.inherited');
      for (const loop of all) loop.start();
    },
    wakeStart: () => wake('start', 'publish'),
    wakeRelease: () => wake('release', 'publish'),
    wakePublish: () => wake('publish'),
    wakeDeliver: () => wake('deliver'),
    loops: () => Object.fromEntries(watched.map((loop) => [loop.name, loop.isHealthy])),
    signing: () => writer?.state,
    stop: async () => {
      await Promise.all(all.map((loop) => loop.stop()));
      await deliverer.stop();
      await writer?.close();
    },
  };
}
