// The loops of the service: each runs one step again and again, and wakes those of the next steps when
// it has worked; none depends on being woken. Steps that work for one tenant at a time have a second
// loop, which works for the others while the first one's batch lasts.

import { endDeliveryLeases } from './deliveries/delivery-store.ts';
import { endSubmissionLeases } from './orders/submission-store.ts';
import { nextSteps, type StepName, type StepsOptions, stepsOfProcess } from './steps.ts';
import { Loop } from './work/loop.ts';

export type EngineOptions = Omit<StepsOptions, 'onDelivered'> & { readonly holder: string };

/** The running loops. */
export interface Engine {
  /**
   * Starts the loops. What dead processes in this one's place held is free from then on, instead of
   * when their leases run out.
   */
  start(): Promise<void>;
  /** There may be a liquidation to release. */
  wakeRelease(): void;
  /** There may be an event to publish or to deliver. */
  wakePublish(): void;
  wakeDeliver(): void;
  /** Whether each loop has worked well lately, by name. */
  loops(): Readonly<Record<string, boolean>>;
  /** Lets every step under way end. Nothing is lost if the process is killed instead. */
  stop(): Promise<void>;
}

const stepNames = Object.keys(nextSteps) as readonly StepName[];

/** Steps whose batch of one tenant may keep the others waiting. */
const besideSteps: readonly StepName[] = ['release', 'submit', 'apply', 'advance', 'publish'];

const cleaningIdleMs = { first: 60_000, longest: 60_000 };

export function buildEngine(options: EngineOptions): Engine {
  const { sql, clock, holder, log } = options;
  const { steps, deliverer } = stepsOfProcess({ ...options, onDelivered: () => wake('deliver') });
  const loops = new Map(
    stepNames.map((name) => {
      const idleMs = name === 'clean' ? { idleMs: cleaningIdleMs } : {};
      const onWork = () => wake(...nextSteps[name]);
      return [name, new Loop({ name, step: steps[name], clock, log, onWork, ...idleMs })];
    }),
  );
  const besides = new Map(
    besideSteps.map((name) => {
      const step = async () => (loops.get(name)?.isWorking ? steps[name]() : 0);
      // What it has worked on the first one may have passed over.
      const onWork = () => wake(name, ...nextSteps[name]);
      return [name, new Loop({ name, step, clock, log, onWork })];
    }),
  );
  const all = [...loops.values(), ...besides.values()];
  const wake = (...names: readonly StepName[]) => {
    for (const name of names) {
      loops.get(name)?.wake();
      besides.get(name)?.wake();
    }
  };
  // Cleaning rests longer than a loop may be silent, and nothing waits for it.
  const watched = [...loops.values()].filter((loop) => loop.name !== 'clean');
  return {
    start: async () => {
      const successor = { holder, now: clock.now() };
      const submissions = await endSubmissionLeases(sql, successor);
      const deliveries = await endDeliveryLeases(sql, successor);
      if (submissions + deliveries > 0) log.info({ submissions, deliveries }, 'leases.inherited');
      for (const loop of all) loop.start();
    },
    wakeRelease: () => wake('release', 'publish'),
    wakePublish: () => wake('publish'),
    wakeDeliver: () => wake('deliver'),
    loops: () => Object.fromEntries(watched.map((loop) => [loop.name, loop.isHealthy])),
    stop: async () => {
      await Promise.all(all.map((loop) => loop.stop()));
      await deliverer.stop();
    },
  };
}
