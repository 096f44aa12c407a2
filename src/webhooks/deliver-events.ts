// Delivers the event log to subscriptions: claim one under a lease, send what follows its mark in
// the order of the log, commit how far it came. A receiver that fails costs its own subscription a
// growing wait and nobody else anything.

import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { assert } from '../assert.ts';
import type { Seal } from '../auth/seal.ts';
import { type DeliveryKey, findDeliveryKey } from '../auth/signing-keys.ts';
import { type Clock, later, type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type KeptLease, keepLease } from './keep-lease.ts';
import { type Attempt, post } from './post.ts';
import {
  type ClaimedWebhook,
  claimWebhooks,
  type DeliveryResult,
  readLog,
  releaseWebhook,
  renewLease,
} from './store.ts';
import { nextPackage, retryGapMs } from './webhook.ts';

/** Subscriptions a process delivers to at once. */
const deliveriesMax = 32;
/** Events read at once for one subscription. */
const readAheadMax = 200;
/** No attempt of a claim begins later than so many ms after it. */
const sendingMsMax = 2_000;
/**
 * How long a claim lasts, in ms, while an attempt that takes longer renews it. After a kill the
 * subscription waits for its end; a process that only stutters should not lose it.
 */
const leaseMs = 6_000;
const renewEveryMs = 2_000;
/** How long a stop waits for attempts under way before it cuts them off, in ms. */
const stopGraceMs = 3_000;
const cachedKeysMax = 1_000;
const cachedKeyMs = 60_000;

export interface DeliverOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
  /** The way out to receivers. */
  readonly agent: Dispatcher;
  readonly holder: string;
  readonly timeoutMs: number;
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Called when a delivery is done: another may be due. */
  readonly onDone: () => void;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
  /** From 0 up to 1: spreads retries. Default `Math.random`. */
  readonly random?: () => number;
}

/** Delivers events. One for a process. */
export class Deliverer {
  readonly #options: DeliverOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #keys: LRUCache<string, DeliveryKey>;

  constructor(options: DeliverOptions) {
    this.#options = options;
    const { stopwatch = systemStopwatch } = options;
    const perf = { now: () => stopwatch.elapsedMs() };
    this.#keys = new LRUCache({ max: cachedKeysMax, ttl: cachedKeyMs, ttlResolution: 0, perf });
  }

  /** One turn: claims subscriptions that are due and begins to send. @returns how many. */
  async step(): Promise<number> {
    const { sql, clock, holder } = this.#options;
    const limit = deliveriesMax - this.#underWay.size;
    if (limit <= 0 || this.#stopping.signal.aborted) return 0;
    const now = clock.now();
    const leaseExpiresAt = later(now, leaseMs);
    const claimed = await claimWebhooks(sql, { holder, leaseExpiresAt, now, limit });
    for (const webhook of claimed) this.#begin(webhook, now);
    return claimed.length;
  }

  /** Waits until everything that was begun is given back. */
  async drain(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Begins nothing more and gives everything back; slow receivers are cut off after a while. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#cut.abort(), stopGraceMs);
    await this.drain();
    clearTimeout(timer);
  }

  #begin(webhook: ClaimedWebhook, claimedAt: Date): void {
    const { log, onDone } = this.#options;
    const task = this.#deliver(webhook, claimedAt)
      .catch((error: unknown) => {
        // The claim runs out by itself; until then nobody else sends to this subscription.
        log.error({ webhook: webhook.webhookId, err: error }, 'webhook.delivery_failed');
      })
      .finally(() => {
        this.#underWay.delete(task);
        onDone();
      });
    this.#underWay.add(task);
  }

  async #deliver(webhook: ClaimedWebhook, claimedAt: Date): Promise<void> {
    const { sql, holder, log } = this.#options;
    const lease = this.#keepLease(webhook);
    const result = await this.#send(webhook, { claimedAt, lost: lease.lost }).finally(lease.end);
    const isOurs = await releaseWebhook(sql, webhook, { ...result, holder });
    const { position, attempts, lastOutcome } = result;
    const fields = { webhook: webhook.webhookId, position, attempts, lastOutcome, isOurs };
    if (lastOutcome !== undefined) log.info(fields, 'webhook.sent');
  }

  #keepLease(webhook: ClaimedWebhook): KeptLease {
    const { sql, clock, stopwatch = systemStopwatch, holder, log } = this.#options;
    return keepLease({
      stopwatch,
      renew: () => {
        return renewLease(sql, webhook, { holder, leaseExpiresAt: later(clock.now(), leaseMs) });
      },
      renewEveryMs,
      lifeMs: leaseMs,
      onError: (error) => {
        log.error({ webhook: webhook.webhookId, err: error }, 'webhook.lease_not_renewed');
      },
    });
  }

  async #key(webhook: ClaimedWebhook): Promise<DeliveryKey> {
    const { tenantId, signatureAlgorithm: algorithm } = webhook;
    const name = `${tenantId}/${algorithm}`;
    const cached = this.#keys.get(name);
    if (cached !== undefined) return cached;
    const { sql, seal } = this.#options;
    const key = await findDeliveryKey(sql, seal, { tenantId, algorithm });
    assert(key !== undefined, 'every tenant has its signing keys');
    this.#keys.set(name, key);
    return key;
  }

  /** Sends until the log is at its end, an attempt fails, the claim's time is up, or a stop. */
  async #send(
    webhook: ClaimedWebhook,
    { claimedAt, lost }: { claimedAt: Date; lost: AbortSignal },
  ): Promise<Omit<DeliveryResult, 'holder'>> {
    const { sql, clock, agent, timeoutMs, random = Math.random } = this.#options;
    const key = await this.#key(webhook);
    const stop = AbortSignal.any([this.#cut.signal, lost]);
    let { position, attempts } = webhook;
    let lastOutcome: string | undefined;
    let events = await readLog(sql, { ...webhook, after: position, limit: readAheadMax });
    let isAll = events.length < readAheadMax;
    for (;;) {
      const now = clock.now();
      const given = { position, attempts, lastOutcome, disable: false, nextAttemptAt: now, now };
      if (now.getTime() - claimedAt.getTime() > sendingMsMax) return given;
      if (this.#stopping.signal.aborted || lost.aborted) return given;
      const next = nextPackage(webhook, events, now, isAll);
      // What is left up to the head of the claim is of kinds this subscription does not take.
      if (next.type === 'nothing') {
        return { ...given, position: Math.max(position, webhook.head) };
      }
      if (next.type === 'collect') return { ...given, nextAttemptAt: next.until };
      const { body, upTo } = next.package;
      const attempt = await post(agent, { webhook, body, key, now, timeoutMs, stop });
      // What we cut off ourselves says nothing about the receiver.
      if (attempt.type === 'failed' && stop.aborted) return given;
      lastOutcome = outcomeText(attempt);
      if (attempt.type !== 'delivered') {
        return failed({ ...given, lastOutcome, now: clock.now() }, attempt, random());
      }
      position = upTo;
      attempts = 0;
      events = events.filter((event) => event.position > upTo);
      if (events.length === 0) {
        events = await readLog(sql, { ...webhook, after: position, limit: readAheadMax });
        isAll = events.length < readAheadMax;
      }
    }
  }
}

function failed(
  given: Omit<DeliveryResult, 'holder'>,
  attempt: Exclude<Attempt, { type: 'delivered' }>,
  random: number,
): Omit<DeliveryResult, 'holder'> {
  const attempts = given.attempts + 1;
  const gapMs = retryGapMs(attempts, random);
  const askedMs = attempt.type === 'failed' ? (attempt.retryAfterMs ?? 0) : 0;
  const nextAttemptAt = later(given.now, Math.max(gapMs, Math.min(askedMs, 600_000)));
  return { ...given, attempts, nextAttemptAt, disable: attempt.type === 'gone' };
}

function outcomeText(attempt: Attempt): string {
  return attempt.type === 'failed' ? attempt.reason : `answered ${attempt.status}`;
}
