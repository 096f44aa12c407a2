// The loops of the service in the order of a liquidation's life. Each wakes the next when it has
// worked; none depends on being woken.

import type { Agent } from 'undici';
import type { Seal } from './auth/seal.ts';
import { removeExpired } from './auth/store.ts';
import type { Clock } from './clock.ts';
import type { Sql } from './db/connect.ts';
import { eventPublisher } from './events/publish-events.ts';
import { newId } from './ids.ts';
import { reportApplier } from './liquidations/apply-reports.ts';
import { liquidationAdvancer, liquidationReleaser } from './liquidations/release-liquidations.ts';
import { Loop, type Step } from './loop.ts';
import { reportReceiver } from './orders/receive-reports.ts';
import { submissionResolver } from './orders/resolve-submissions.ts';
import { orderSubmitter } from './orders/submit-orders.ts';
import type { Venue } from './venue/venue.ts';
import { Deliverer } from './webhooks/deliver-events.ts';

export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface EngineOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly venue: Venue;
  readonly seal: Seal;
  readonly agent: Agent;
  readonly webhookTimeoutMs: number;
  readonly log: EngineLog;
}

/** The running loops. */
export interface Engine {
  start(): void;
  /** There may be a liquidation to release. */
  wakeRelease(): void;
  /** There may be an event to publish or to deliver. */
  wakePublish(): void;
  wakeDeliver(): void;
  /** Names of loops that have not worked well lately. */
  unhealthy(): readonly string[];
  /** Lets every step under way end. Nothing is lost if the process is killed instead. */
  stop(): Promise<void>;
}

const cleaning = { rows: 1_000, idleMs: { first: 60_000, longest: 60_000 } };

export function buildEngine(options: EngineOptions): Engine {
  const { sql, clock, venue, seal, agent, webhookTimeoutMs: timeoutMs, log } = options;
  const holder = newId<'process'>();
  const sender = { sql, clock, venue, holder, log };
  const loops = new Map<string, Loop>();
  const wake = (...names: readonly string[]) => {
    for (const name of names) loops.get(name)?.wake();
  };
  const deliverer = new Deliverer({
    sql,
    clock,
    seal,
    agent,
    holder,
    timeoutMs,
    log,
    onDone: () => wake('deliver'),
  });
  const add = (name: string, step: Step, ...next: readonly string[]) => {
    loops.set(name, new Loop({ name, step, clock, log, onWork: () => wake(...next) }));
  };
  add('release', liquidationReleaser(sql, clock), 'submit', 'publish');
  add('submit', orderSubmitter(sender), 'receive', 'apply');
  add('resolve', submissionResolver(sender), 'apply');
  add('receive', reportReceiver(sender), 'apply');
  add('apply', reportApplier(sql, clock), 'advance', 'submit');
  add('advance', liquidationAdvancer(sql, clock), 'submit', 'publish');
  add('publish', eventPublisher(sql), 'deliver');
  add('deliver', () => deliverer.step());
  const cleaner = new Loop({
    name: 'clean',
    step: () => removeExpired(sql, clock.now(), cleaning.rows),
    clock,
    log,
    idleMs: cleaning.idleMs,
  });
  return {
    start: () => {
      for (const loop of [...loops.values(), cleaner]) loop.start();
    },
    wakeRelease: () => wake('release', 'publish'),
    wakePublish: () => wake('publish'),
    wakeDeliver: () => wake('deliver'),
    unhealthy: () => [...loops.values()].flatMap((loop) => (loop.isHealthy ? [] : [loop.name])),
    stop: async () => {
      await Promise.all([...loops.values(), cleaner].map((loop) => loop.stop()));
      await deliverer.stop();
    },
  };
}
