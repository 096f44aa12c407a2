// The operations of the contract, each a line over `Caller.request`.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller, CallOptions, KeyedOptions } from './call.ts';
import type { EventQuery, KeySet, Liquidation, LiquidationQuery } from './contract.ts';
import { ApiError, StillRunningError } from './errors.ts';
import { EventLog, type Listing, listAt } from './listing.ts';
import { at } from './path.ts';
import type {
  AttemptQuery,
  DeliveryAttempt,
  NewWebhook,
  Replayed,
  ReplayRequest,
  Webhook,
  WebhookQuery,
  WebhookTest,
} from './subscriptions.ts';

/** From where to deliver again: a time (RFC 3339), an event, or what was set aside. */
export type Replay =
  | Required<Pick<ReplayRequest, 'from'>>
  | Required<Pick<ReplayRequest, 'event_id'>>
  | (Required<Pick<ReplayRequest, 'set_aside'>> & Pick<ReplayRequest, 'account_id'>);

export interface Liquidations {
  /** Asks to sell everything of an account; answers the liquidation, NEW. Once for each key. */
  create(
    accountId: string,
    body: { readonly user_id: string },
    options?: KeyedOptions,
  ): Promise<Liquidation>;
  /** Oldest first. */
  list(
    accountId: string,
    query?: LiquidationQuery,
    options?: CallOptions,
  ): Listing<Liquidation, LiquidationQuery>;
  retrieve(accountId: string, liquidationId: string, options?: CallOptions): Promise<Liquidation>;
  /** Only while it is NEW. @throws ApiError `conflict`, which names the state it is in. */
  cancel(accountId: string, liquidationId: string, options?: CallOptions): Promise<void>;
  /**
   * Waits until it is FILLED or CANCELLED, by asking again and again; webhooks report it sooner.
   * @throws StillRunningError when the patience ends.
   */
  untilFinal(accountId: string, liquidationId: string, options?: WaitOptions): Promise<Liquidation>;
}

export interface WaitOptions {
  /** How long to wait in ms; default ten minutes. */
  readonly patienceMs?: number;
  /** From one look to the next in ms; it grows to ten times of it. Default 500. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

export interface Webhooks {
  /** It delivers nothing until it is enabled. Not repeatable: a lost answer is for you to look into. */
  create(body: NewWebhook, options?: CallOptions): Promise<Webhook>;
  list(query?: WebhookQuery, options?: CallOptions): Listing<Webhook, WebhookQuery>;
  retrieve(webhookId: string, options?: CallOptions): Promise<Webhook>;
  update(webhookId: string, body: Partial<NewWebhook>, options?: CallOptions): Promise<Webhook>;
  remove(webhookId: string, options?: CallOptions): Promise<void>;
  /** Has a test event delivered now, and returns what the receiver said; it may be disabled. */
  test(webhookId: string, options?: CallOptions): Promise<WebhookTest>;
  /** The last attempts, newest first. */
  deliveries(
    webhookId: string,
    query?: AttemptQuery,
    options?: CallOptions,
  ): Promise<readonly DeliveryAttempt[]>;
  /** Has events delivered again, with their ids. Never forward: what is due anyway still comes. */
  replay(webhookId: string, from: Replay, options?: CallOptions): Promise<Replayed>;
  /** The public keys of deliveries, for `unwind/webhooks`. */
  verifyKeys(options?: CallOptions): Promise<KeySet>;
}

/** The log of events: what every subscription gets, for 90 days, in the same order. */
export interface Events {
  /** From a cursor, or the beginning, to the end of the log as it is when that is reached. */
  list(query?: EventQuery, options?: CallOptions): EventLog;
}

export function liquidationsOf(caller: Caller): Liquidations {
  const ofAccount = (id: string) => at`/accounts/${id}/liquidations`;
  const one = (accountId: string, id: string) => at`/accounts/${accountId}/liquidations/${id}`;
  const retrieve: Liquidations['retrieve'] = (accountId, id, options) => {
    return caller.get(one(accountId, id), options);
  };
  return {
    create: (accountId, json, options) => caller.postOnce(ofAccount(accountId), json, options),
    list: (accountId, query = {}, options = {}) => {
      return listAt(caller, ofAccount(accountId), query, options);
    },
    retrieve,
    cancel: (accountId, id, options) => {
      return caller.request({ method: 'DELETE', target: one(accountId, id), ...options });
    },
    untilFinal: (accountId, id, options = {}) => {
      return untilFinal((signal) => retrieve(accountId, id, signal && { signal }), options);
    },
  };
}

async function untilFinal(
  look: (signal: AbortSignal | undefined) => Promise<Liquidation>,
  { patienceMs = 600_000, everyMs = 500, signal }: WaitOptions,
): Promise<Liquidation> {
  const endMs = performance.now() + patienceMs;
  for (let waitMs = everyMs; ; waitMs = Math.min(waitMs * 1.25, everyMs * 10)) {
    const liquidation = await look(signal);
    const { status } = liquidation;
    if (status !== 'NEW' && status !== 'PROCESSING') return liquidation;
    if (performance.now() + waitMs > endMs) throw new StillRunningError(liquidation);
    await sleep(waitMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
}

export function webhooksOf(caller: Caller): Webhooks {
  const target = '/webhooks';
  return {
    ...deliveringOf(caller),
    create: (json, options) => caller.request({ method: 'POST', target, json, ...options }),
    list: (query = {}, options = {}) => listAt(caller, target, query, options),
    retrieve: (id, options) => caller.get(at`/webhooks/${id}`, options),
    update: (id, json, options) => {
      return caller.request({ method: 'PATCH', target: at`/webhooks/${id}`, json, ...options });
    },
    remove: async (id, options) => {
      try {
        await caller.request({ method: 'DELETE', target: at`/webhooks/${id}`, ...options });
      } catch (error) {
        // The response to an earlier attempt was lost: it is gone, as it should be.
        const isGone = error instanceof ApiError && error.status === 404 && error.attempts > 1;
        if (!isGone) throw error;
      }
    },
    verifyKeys: (options) => caller.get('/auth/verify_keys', options),
  };
}

function deliveringOf(caller: Caller): Pick<Webhooks, 'test' | 'deliveries' | 'replay'> {
  return {
    test: (id, options) => {
      return caller.request({ method: 'POST', target: at`/webhooks/${id}/test`, ...options });
    },
    deliveries: async (id, query, options) => {
      const target = at`/webhooks/${id}/deliveries`;
      const found = await caller.get<{ data: readonly DeliveryAttempt[] }>(target, {
        query,
        ...options,
      });
      return found.data;
    },
    replay: (id, json, options) => {
      return caller.request({
        method: 'POST',
        target: at`/webhooks/${id}/replay`,
        json,
        ...options,
      });
    },
  };
}

export function eventsOf(caller: Caller): Events {
  return {
    list: (query = {}, options) => {
      return new EventLog((part) => caller.get('/events', { query: part, ...options }), query);
    },
  };
}
