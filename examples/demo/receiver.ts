// A receiver of webhooks as an integrator would write it: verify, answer, then look at the event.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AccountLiquidationEvent,
  type DeliveryKeys,
  readDelivery,
} from '../../src/client/deliveries.ts';
import { SignatureError } from '../../src/signatures/signature-error.ts';
import { DemoFailure } from './terminal.ts';

const waitMsMax = 30_000;

/** Takes deliveries in and hands out their events in the order of arrival. */
export class Receiver {
  readonly #server = createServer();
  readonly #keys: DeliveryKeys;
  readonly #onEvent: (event: AccountLiquidationEvent) => void;
  readonly #seen = new Map<string, AccountLiquidationEvent>();
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(keys: DeliveryKeys, onEvent: (event: AccountLiquidationEvent) => void) {
    this.#keys = keys;
    this.#onEvent = onEvent;
    this.#server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url = '', rawHeaders } = request;
      const delivery = { method, url, rawHeaders, body: Buffer.concat(chunks) };
      response.statusCode = await this.#take(delivery);
      response.end();
    });
  }

  /** @returns the URL to subscribe. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/liquidations`;
  }

  /** The event of this type of a liquidation, as soon as it is there. */
  async event(liquidationId: string, type: string): Promise<AccountLiquidationEvent> {
    const deadline = performance.now() + waitMsMax;
    for (;;) {
      const found = this.events(liquidationId).find((event) => event.type === type);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0 || this.#isClosed) {
        throw new DemoFailure(`no ${type} of ${liquidationId} within ${waitMsMax} ms`);
      }
      await this.#next(left);
    }
  }

  /** The events of a liquidation so far, in the order they arrived first. */
  events(liquidationId: string): readonly AccountLiquidationEvent[] {
    return [...this.#seen.values()].filter((event) => event.object.id === liquidationId);
  }

  /** Ends it, and the wait for events with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#server.close();
    this.#server.closeAllConnections();
    for (const wake of this.#waiting) wake();
  }

  async #take(delivery: Parameters<typeof readDelivery>[0]): Promise<number> {
    try {
      for (const event of await readDelivery(delivery, this.#keys, new Date())) {
        if (this.#seen.has(event.id)) continue;
        this.#seen.set(event.id, event);
        this.#onEvent(event);
      }
    } catch (error) {
      if (error instanceof SignatureError) return 401;
      throw error;
    }
    for (const wake of this.#waiting) wake();
    return 204;
  }

  async #next(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }
}
