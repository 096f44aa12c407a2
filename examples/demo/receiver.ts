// A receiver of webhooks as an integrator would write it: verify, look at the events, answer.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AccountLiquidationEvent,
  type Delivery,
  type FetchKeys,
  isLiquidationEvent,
  type WebhookReceiver,
  webhookReceiver,
} from '@unwind/client/webhooks';
import { DemoFailure } from './terminal.ts';

const waitMsMax = 30_000;

type LiquidationStatus = AccountLiquidationEvent['object']['status'];

/** Takes deliveries in and hands out their events in the order of arrival. */
export class Receiver {
  readonly #server = createServer();
  readonly #deliveries: WebhookReceiver;
  readonly #onEvent: (event: AccountLiquidationEvent) => void;
  readonly #seen = new Map<string, AccountLiquidationEvent>();
  #last: Delivery | undefined;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(keys: FetchKeys, onEvent: (event: AccountLiquidationEvent) => void) {
    this.#deliveries = webhookReceiver({ keys });
    this.#onEvent = onEvent;
    this.#server.on('request', async (request, response) => {
      response.statusCode = await this.#take(request);
      response.end();
    });
  }

  /** @returns the URL to subscribe. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/liquidations`;
  }

  /** The event that a liquidation has reached a state, as soon as it is there. */
  async event(liquidationId: string, status: LiquidationStatus): Promise<AccountLiquidationEvent> {
    const deadline = performance.now() + waitMsMax;
    for (;;) {
      const found = this.events(liquidationId).find((event) => event.object.status === status);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0 || this.#isClosed) {
        throw new DemoFailure(`no event ${status} of ${liquidationId} within ${waitMsMax} ms`);
      }
      await this.#next(left);
    }
  }

  /** The events of a liquidation so far, in the order they arrived first. */
  events(liquidationId: string): readonly AccountLiquidationEvent[] {
    return [...this.#seen.values()].filter((event) => event.object.id === liquidationId);
  }

  /** All events so far, in the order they arrived first. */
  all(): readonly AccountLiquidationEvent[] {
    return [...this.#seen.values()];
  }

  /** Offers the last delivery once more, changed. @returns the status it is answered with. */
  async takeForged(): Promise<number> {
    const last = this.#last;
    if (last === undefined) throw new DemoFailure('there was no delivery to forge');
    const text = Buffer.from(last.body).toString();
    const body = Buffer.from(text.replace('"cash_amount":"', '"cash_amount":"1'));
    if (body.equals(last.body)) throw new DemoFailure('the forgery is no forgery');
    const { status } = await this.#deliveries.receive({ ...last, body }, () => {});
    return status;
  }

  /** Ends it, and the wait for events with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#server.close();
    this.#server.closeAllConnections();
    for (const wake of this.#waiting) wake();
  }

  async #take(request: IncomingMessage): Promise<number> {
    const { method = '', url = '', rawHeaders } = request;
    const delivery = { method, url, rawHeaders, body: Buffer.concat(await request.toArray()) };
    const { status, error } = await this.#deliveries.receive(delivery, (event) => {
      if (!isLiquidationEvent(event) || this.#seen.has(event.id)) return;
      this.#seen.set(event.id, event);
      this.#onEvent(event);
    });
    if (status === 500) throw error;
    this.#last = delivery;
    for (const wake of this.#waiting) wake();
    return status;
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
