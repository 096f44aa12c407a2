// Delivers the event log to subscriptions: claims those that are due under a lease, runs a session for
// each, and shares slots, statements and leases among the sessions. A receiver that fails costs its own
// subscription a growing wait, and the others nothing.

import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { assert } from '../assert.ts';
import type { Seal } from '../auth/seal.ts';
import { type DeliveryKey, findDeliveryKey } from '../auth/signing-keys.ts';
import { cacheOf } from '../cache.ts';
import { type Clock, later, type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isPassing } from '../db/errors.ts';
import { type InnerReceiver, type Post, post } from '../egress/post.ts';
import { newId, type TenantId, type WebhookId } from '../ids.ts';
import { deliverySigningsMax } from '../limits.ts';
import type { WebhookKey } from '../webhooks/store.ts';
import { attemptsWithin, messageIdOf, requestBody, type Webhook } from '../webhooks/webhook.ts';
import type { Block, Sending } from './delivery.ts';
import { claimWebhooks, readBlocks, renewLeases } from './delivery-store.ts';
import { type Faults, requestFaults, takenAs } from './fault.ts';
import { readFaults } from './fault-store.ts';
import { LeaseKeeper } from './leases.ts';
import {
  deliveredWebhooksMax,
  deliveriesMax,
  deliveryWindowBytesMax,
  deliveryWindowsBytesMax,
  failingDeliveriesMax,
} from './limits.ts';
import { type LogAsked, LogPages, readBlocked, readHeads, readLogs } from './log-store.ts';
import { type Progress, recordProgress } from './progress-store.ts';
import { type SendingPorts, type Sent, Session, type SessionPorts } from './session.ts';
import { FairSlots, inBatches, shareOf } from './sharing.ts';

/**
 * How long a claim lasts, in ms, while its session renews it. After a kill the subscription waits
 * for its end; a process that only stutters should not lose it.
 */
const leaseMs = 6_000;
const renewEveryMs = 2_000;
/** How long a stop waits for attempts under way before it cuts them off, in ms. */
const stopGraceMs = 3_000;
/** How long a session may go on while others wait to be claimed by this process, in ms. */
const turnMs = 10_000;
/** Questions answered by one statement; pages of the log are large. */
const batchMax = 32;
const pagesBatchMax = 16;
const cachedKeysMax = 1_000;
const cachedKeyMs = 5_000;
const setAsideAfterMsDefault = 3_600_000;

export interface DeliverOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Dispatcher;
  /** What is not delivered over the network. */
  readonly inner?: InnerReceiver;
  /** Whether clients may ask for faults. */
  readonly isSandbox?: boolean;
  /** Waits in the middle of a request; default by the timers of this machine. */
  readonly pause?: Post['pause'];
  readonly holder: string;
  readonly timeoutMs: number;
  /** How long an account is tried again before it is set aside; default an hour. */
  readonly setAsideAfterMs?: number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Called when a subscription is given back: another may be due. */
  readonly onDone: () => void;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
  /** From 0 up to 1: spreads retries. Default `Math.random`. */
  readonly random?: () => number;
}

/** Delivers events. One for a process. */
export class Deliverer {
  readonly #options: DeliverOptions;
  readonly #sessions = new Map<Session, { readonly since: Date; readonly done: Promise<void> }>();
  /** Leases of sessions that failed. */
  #abandoned: readonly (WebhookKey & { readonly epoch: number })[] = [];
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #keys: LRUCache<string, DeliveryKey>;
  readonly #leases: LeaseKeeper<Session>;
  readonly #ports: SessionPorts;

  constructor(options: DeliverOptions) {
    this.#options = options;
    const { stopwatch = systemStopwatch, log } = options;
    const perf = { now: () => stopwatch.elapsedMs() };
    this.#keys = new LRUCache({
      ...cacheOf(cachedKeysMax),
      ttl: cachedKeyMs,
      ttlResolution: 0,
      perf,
    });
    this.#leases = new LeaseKeeper<Session>({
      renew: (sessions) => this.#renew(sessions),
      renewEveryMs,
      lifeMs: leaseMs,
      onLost: (session) => session.lose(),
      onError: (error) => log.error({ err: error }, 'webhook.leases_not_renewed'),
      stopwatch,
    });
    this.#ports = this.#makePorts();
  }

  /** One turn: claims subscriptions that are due and begins to send. @returns how many. */
  async step(): Promise<number> {
    const { sql, clock, holder, isSandbox = false } = this.#options;
    if (this.#stopping.signal.aborted) return 0;
    await this.#endAbandoned();
    await this.#pokeSessions();
    const free = deliveredWebhooksMax - this.#sessions.size;
    const counts = this.#sessionsOfTenants();
    this.#endLongTurns(free, counts);
    if (free <= 0) return 0;
    const now = clock.now();
    const leaseExpiresAt = later(now, leaseMs);
    const claimed = await claimWebhooks(sql, {
      holder,
      leaseExpiresAt,
      now,
      // All tenants of this turn together leave some for those of the next.
      limit: shareOf(free, 0),
      shares: new Map([...counts].map(([tenantId, count]) => [tenantId, shareOf(free, count)])),
    });
    if (claimed.length === 0) return 0;
    const claims = claimed.map(({ webhook, epoch }) => ({ ...webhook, epoch }));
    const blocks = await readBlocks(sql, claims);
    const faults = isSandbox ? await readFaults(sql, claims) : new Map<WebhookId, Faults>();
    for (const [i, one] of claimed.entries()) {
      const own = blocks[i];
      if (own === undefined) continue;
      const asked = { ...one, faults: faults.get(one.webhook.webhookId) };
      this.#begin(new Session(asked, own, this.#ports), now);
    }
    return claimed.length;
  }

  /** Waits until everything that was begun is given back. */
  async drain(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ done }) => done));
    await this.#leases.settled();
  }

  /** Begins nothing more and gives everything back; slow receivers are cut off after a while. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const session of this.#sessions.keys()) session.windDown();
    const timer = setTimeout(() => this.#cut.abort(), stopGraceMs);
    await this.drain();
    clearTimeout(timer);
  }

  /**
   * Runs a session. One that this process still has of the same subscription has lost its lease: it
   * breaks off, and the new one waits for the last of its requests and records.
   */
  #begin(session: Session, since: Date): void {
    const { log, onDone } = this.#options;
    const before = this.#sessionsOf(session.lease.webhook);
    for (const [old] of before) old.lose();
    this.#leases.keep(session);
    const done = Promise.all(before.map(([, { done }]) => done))
      .then(() => session.run())
      .catch((error: unknown) => {
        // What it still sends is cut off. Its lease is ended where that may help, and runs out by itself
        // where the next session would fail in the same way again.
        session.lose();
        const { webhook, epoch } = session.lease;
        if (isPassing(error)) this.#abandoned = [...this.#abandoned, { ...webhook, epoch }];
        log.error({ webhook: webhook.webhookId, err: error }, 'webhook.delivery_failed');
      })
      .finally(() => {
        this.#leases.leave(session);
        this.#sessions.delete(session);
        onDone();
      });
    this.#sessions.set(session, { since, done });
  }

  /** Ends the leases of sessions that failed, most likely since the database was away. */
  async #endAbandoned(): Promise<void> {
    const abandoned = this.#abandoned;
    if (abandoned.length === 0) return;
    const { sql, clock, holder } = this.#options;
    await renewLeases(sql, abandoned, { holder, expiresAt: clock.now() });
    this.#abandoned = this.#abandoned.slice(abandoned.length);
  }

  /** Says to sessions how far the log has come; retries and collected events may be due by now. */
  async #pokeSessions(): Promise<void> {
    if (this.#sessions.size === 0) return;
    const tenants = [...this.#sessions.keys()].map(({ lease }) => lease.webhook.tenantId);
    const heads = await readHeads(this.#options.sql, [...new Set(tenants)]);
    for (const session of this.#sessions.keys()) {
      session.poke(heads.get(session.lease.webhook.tenantId));
    }
  }

  /** Sessions that have gone on for long make room where their tenant has its share. */
  #endLongTurns(free: number, counts: ReadonlyMap<TenantId, number>): void {
    const now = this.#options.clock.now().getTime();
    for (const [session, { since }] of this.#sessions) {
      const isLong = now - since.getTime() > turnMs;
      const count = counts.get(session.lease.webhook.tenantId) ?? 0;
      if (isLong && shareOf(free, count) === 0) session.windDown();
    }
  }

  #sessionsOf({ webhookId }: WebhookKey): readonly (readonly [Session, { done: Promise<void> }])[] {
    return [...this.#sessions].filter(([{ lease }]) => lease.webhook.webhookId === webhookId);
  }

  #sessionsOfTenants(): ReadonlyMap<TenantId, number> {
    const counts = new Map<TenantId, number>();
    for (const { lease } of this.#sessions.keys()) {
      const { tenantId } = lease.webhook;
      counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    }
    return counts;
  }

  async #renew(sessions: readonly Session[]): Promise<readonly Session[]> {
    const { sql, clock, holder } = this.#options;
    const leases = sessions.map(({ lease }) => ({ ...lease.webhook, epoch: lease.epoch }));
    const expiresAt = later(clock.now(), leaseMs);
    const renewed = await renewLeases(sql, leases, { holder, expiresAt });
    return sessions.filter((session, i) => {
      const { updatedAt } = session.lease.webhook;
      const changedAt = renewed[i];
      if (changedAt !== undefined && changedAt.getTime() !== updatedAt.getTime()) {
        session.windDown();
      }
      return changedAt === undefined;
    });
  }

  #makePorts(): SessionPorts {
    const { sql, clock, holder, log, random = Math.random } = this.#options;
    const { setAsideAfterMs = setAsideAfterMsDefault } = this.#options;
    const pages = new LogPages(
      inBatches(pagesBatchMax, (asked: readonly LogAsked[]) => readLogs(sql, asked)),
    );
    type BlockAsked = Webhook & { readonly block: Block; readonly upTo: number };
    const blocked = inBatches(pagesBatchMax, (asked: readonly BlockAsked[]) => {
      return readBlocked(sql, asked);
    });
    const record = inBatches(batchMax, (all: readonly Progress[]) =>
      recordProgress(sql, holder, all),
    );
    return {
      clock,
      random,
      newId,
      setAsideAttempts: attemptsWithin(setAsideAfterMs),
      windowBytesMax: () => {
        const share = deliveryWindowsBytesMax / Math.max(this.#sessions.size, 1);
        return Math.min(share, deliveryWindowBytesMax);
      },
      readLog: ({ tenantId }, after) => pages.next(tenantId, after),
      readBlocked: (webhook, block, upTo) => blocked({ ...webhook, block, upTo }),
      record,
      send: (webhook, sending, how) => this.#send(webhook, sending, how),
      signings: new FairSlots(deliverySigningsMax),
      slots: new FairSlots(deliveriesMax),
      failingSlots: new FairSlots(failingDeliveriesMax),
      stopping: this.#stopping.signal,
      cut: this.#cut.signal,
      log,
    };
  }

  async #send(webhook: Webhook, sending: Sending, how: SendingPorts): Promise<Sent> {
    const { agent, inner, clock, timeoutMs, pause } = this.#options;
    const { events, attempt, block } = sending;
    const key = await this.#key(webhook);
    const body = requestBody(webhook, events);
    const messageId = messageIdOf(events);
    const which = { messageId, attempt, isApart: block !== undefined, now: clock.now() };
    const { faults, names } = requestFaults(how.faults, which);
    const request = {
      webhook,
      body,
      messageId,
      key,
      clock,
      timeoutMs,
      inner,
      pause,
      ...how,
      faults,
    };
    const first = takenAs(await post(agent, request), faults?.answeredAs);
    if (names.length === 0 && faults === undefined) return first;
    const isTaken = first.type === 'answered' && first.status >= 200 && first.status < 300;
    const isAgain = isTaken && faults?.twice === true;
    return { ...first, faults: names, ...(isAgain ? { again: await post(agent, request) } : {}) };
  }

  async #key(webhook: Webhook): Promise<DeliveryKey> {
    const { tenantId, signatureAlgorithm: algorithm } = webhook;
    const name = `${tenantId}/${algorithm}`;
    const cached = this.#keys.get(name);
    if (cached !== undefined) return cached;
    const { sql, seal, clock } = this.#options;
    const key = await findDeliveryKey(sql, seal, { tenantId, algorithm, now: clock.now() });
    assert(key !== undefined, 'every tenant has its signing keys');
    this.#keys.set(name, key);
    return key;
  }
}
