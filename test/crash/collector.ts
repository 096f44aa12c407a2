// The receivers of a crash run: each verifies every delivery with the keys that are served, keeps the
// first arrival of each event, and fails in a way of its own, as receivers do.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type AccountLiquidationEvent,
  DeliveryError,
  type FetchKeys,
  isLiquidationEvent,
  type WebhookEvent,
  webhookReceiver,
} from '@unwind/client/webhooks';
import { assertNever } from '../../src/assert.ts';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import type { Lot } from './random.ts';

/** How a receiver fails. */
export type Temper =
  /** One of sixty requests is answered 500 before it is looked at. */
  | 'fails seldom'
  | 'refuses every third'
  /** In each cycle some account is refused, a few times, while others are taken. */
  | 'refuses an account'
  /** Answers late, breaks off, asks for patience, or is gone for good and then is not. */
  | 'is difficult'
  /** Now nobody is there, then somebody is. */
  | 'comes and goes';

export interface Collector {
  readonly temper: Temper;
  readonly url: string;
  /** Events in the order of their first arrival. */
  readonly events: readonly AccountLiquidationEvent[];
  /** Whether the end of a liquidation was taken. */
  hasEnd(liquidationId: string): boolean;
  /** Deliveries of events that had arrived before. */
  repeats(): number;
  /** Deliveries that did not verify since this was asked last. */
  takeRefused(): readonly unknown[];
  /** Another account is refused from now on, or none. */
  setRefusing(isRefusing: boolean): void;
}

export interface CollectorOptions {
  readonly lot: Lot;
  readonly temper: Temper;
  readonly fetchKeys: FetchKeys;
  /** Called when an event arrives for the first time. */
  readonly onArrival?: (event: AccountLiquidationEvent) => void;
  /** Awaited before a delivery is answered. */
  readonly beforeAnswer?: () => Promise<void>;
}

const away = { everyMs: 10_000, forMs: 3_000 };
const refusalsMax = 4;
const lateMsMax = 4_000;
const readTimes = { betweenMs: 500 };

/** What is done instead of taking a delivery; undefined: it is taken. */
type Trouble = { readonly status: number; readonly retryAfter?: string } | 'breaks off' | undefined;

/** Starts a receiver on loopback; it ends with the run. */
export async function startCollector(t: AfterTest, options: CollectorOptions): Promise<Collector> {
  const { temper, fetchKeys, onArrival = () => {}, beforeAnswer } = options;
  const receiver = webhookReceiver({ keys: fetchKeys, keyTimes: readTimes });
  const state = { requests: 0, refusals: 0, refused: '', isRefusing: false, options };
  const seen = new Set<string>();
  const ended = new Set<string>();
  const events: AccountLiquidationEvent[] = [];
  const refused: unknown[] = [];
  let repeats = 0;
  const take = (event: WebhookEvent): void => {
    if (!isLiquidationEvent(event)) throw new TypeError(`an event of type ${event.type}`);
    if (seen.has(event.id)) {
      repeats += 1;
      return;
    }
    seen.add(event.id);
    events.push(event);
    onArrival(event);
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the sender was killed in the middle of its request
    }
    const { method = '', url = '', rawHeaders } = request;
    const delivery = { method, url, rawHeaders, body: Buffer.concat(chunks) };
    state.requests += 1;
    const unread = troubleBefore(state);
    if (unread !== undefined) {
      answer(response, unread);
      return;
    }
    try {
      const arrived = await receiver.read(delivery);
      const trouble = troubleWith(state, arrived);
      for (const event of arrived) take(event);
      await beforeAnswer?.();
      if (temper === 'is difficult') await wait(options.lot.next() ** 8 * lateMsMax);
      if (trouble === undefined) for (const event of arrived) noteEnd(ended, event);
      answer(response, trouble ?? { status: 204 });
    } catch (error) {
      const status = error instanceof DeliveryError ? error.status : 500;
      // Keys are served by the processes that are killed: what cannot be verified now comes again.
      if (status !== 503) refused.push(error);
      answer(response, { status });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('connection', (socket) => {
    if (temper === 'comes and goes' && Date.now() % away.everyMs < away.forMs) socket.destroy();
  });
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    temper,
    url: `http://127.0.0.1:${portOf(server)}/`,
    events,
    hasEnd: (liquidationId) => ended.has(liquidationId),
    repeats: () => repeats,
    takeRefused: () => refused.splice(0),
    setRefusing: (isRefusing) => Object.assign(state, { isRefusing, refusals: 0, refused: '' }),
  };
}

interface State {
  requests: number;
  refusals: number;
  refused: string;
  isRefusing: boolean;
  readonly options: CollectorOptions;
}

function noteEnd(ended: Set<string>, event: WebhookEvent): void {
  if (!isLiquidationEvent(event)) return;
  const { id, status } = event.object;
  if (status === 'FILLED' || status === 'CANCELLED') ended.add(id);
}

function troubleBefore({ requests, isRefusing, options }: State): Trouble {
  const { lot, temper } = options;
  switch (temper) {
    case 'fails seldom':
      return lot.between(1, 60) === 1 ? { status: 500 } : undefined;
    case 'refuses every third':
      return requests % 3 === 0 ? { status: 500 } : undefined;
    case 'is difficult':
      if (isRefusing && requests % 97 === 50) return { status: 410 };
      if (lot.between(1, 30) > 1) return undefined;
      return { status: lot.next() < 0.5 ? 429 : 503, retryAfter: '1' };
    case 'comes and goes':
    case 'refuses an account':
      return undefined;
    default:
      return assertNever(temper);
  }
}

/** What happens to a delivery that was read: the receiver has its events all the same. */
function troubleWith(state: State, arrived: readonly WebhookEvent[]): Trouble {
  const { lot, temper } = state.options;
  if (temper === 'is difficult' && lot.between(1, 15) === 1) return 'breaks off';
  if (temper !== 'refuses an account' || !state.isRefusing) return undefined;
  const accounts = arrived.flatMap((event) => {
    return isLiquidationEvent(event) ? [event.object.account_id] : [];
  });
  if (state.refused === '') state.refused = accounts[lot.between(0, accounts.length - 1)] ?? '';
  if (state.refusals >= refusalsMax || !accounts.includes(state.refused)) return undefined;
  state.refusals += 1;
  return { status: 422 };
}

function answer(response: ServerResponse, trouble: Exclude<Trouble, undefined>): void {
  if (trouble === 'breaks off') {
    response.socket?.destroy();
    return;
  }
  const { status, retryAfter } = trouble;
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
}
