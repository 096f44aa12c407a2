// The receiver of a crash run: verifies every delivery, keeps the first arrival of each event, and
// now and then fails, as receivers do.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type DeliveryKeys, readDelivery } from '../../src/client/deliveries.ts';
import {
  type AccountLiquidationEvent,
  isLiquidationEvent,
  type WebhookEvent,
} from '../../src/client/events.ts';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import type { Lot } from './random.ts';

/** One of so many requests is answered 500 before it is looked at. */
const failsOneIn = 60;

export interface Collector {
  readonly url: string;
  /** Events in the order of their first arrival. */
  readonly events: readonly AccountLiquidationEvent[];
  /** Deliveries of events that had arrived before. */
  repeats(): number;
  /** Deliveries that did not verify since this was asked last. */
  takeRefused(): readonly unknown[];
}

export interface CollectorOptions {
  readonly lot: Lot;
  readonly keys: DeliveryKeys;
  /** Called when an event arrives for the first time. */
  readonly onArrival: (event: AccountLiquidationEvent) => void;
  /** Awaited before a delivery is answered. */
  readonly beforeAnswer: () => Promise<void>;
}

/** Starts a receiver on loopback; it ends with the run. */
export async function startCollector(t: AfterTest, options: CollectorOptions): Promise<Collector> {
  const { lot, keys, onArrival, beforeAnswer } = options;
  const seen = new Set<string>();
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
    if (lot.between(1, failsOneIn) === 1) {
      response.writeHead(500).end();
      return;
    }
    try {
      for (const event of await readDelivery(delivery, keys, new Date())) take(event);
      await beforeAnswer();
      response.writeHead(204).end();
    } catch (error) {
      refused.push(error);
      response.writeHead(401).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    events,
    repeats: () => repeats,
    takeRefused: () => refused.splice(0),
  };
}
