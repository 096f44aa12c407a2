// `unwind listen`: a subscription of its own on a running sandbox, whose deliveries it verifies and
// prints, one line an event, until it is stopped. It may hand them on to a receiver under development.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { styleText } from 'node:util';
import type { Client, NewWebhook } from '@unwind/client';
import {
  BodyTooLargeError,
  type Delivery,
  DeliveryError,
  isLiquidationEvent,
  readBytes,
  type WebhookEvent,
  type WebhookReceiver,
  webhookReceiver,
} from '@unwind/client/webhooks';
import { headerPairs } from '@unwind/signatures';
import { LRUCache } from 'lru-cache';
import { cacheOf } from '../cache.ts';
import type { Clock } from '../clock.ts';
import { printable, printableLine } from '../printable.ts';
import type { Config } from '../settings/config.ts';
import { type ApiArguments, mendable, openSandbox } from './sandbox-access.ts';

export interface ListenOptions {
  readonly config: Pick<Config, 'home' | 'clientFile'>;
  readonly access: ApiArguments;
  readonly clock: Clock;
  /** Kinds of events; default all. */
  readonly types?: readonly string[];
  /** Where deliveries are handed on to. */
  readonly forward?: URL;
  /** Have the events since this time delivered too. */
  readonly from?: string;
  /** Print each event as a line of JSON, as it was delivered. */
  readonly json?: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

const title = 'unwind listen';
/** Bytes of a request: packages have 1 MiB at most, a single event may be larger. */
const bodyBytesMax = 4 * 1024 * 1024;
/** Events whose attempts are counted; the oldest are forgotten first. */
const countedMax = 10_000;
/** How long a service may be away when it is asked first, and when the subscription is removed, in ms. */
const patience = { deadlineMs: 5_000 };

/** Listens until it is stopped. @returns 0; 1 when its subscription could not be removed. */
export async function runListen(options: ListenOptions): Promise<number> {
  const { sandbox, client } = await openSandbox(options.config, options.access);
  const stopped = stopOf(options.stdout);
  const receiver = webhookReceiver({
    keys: (signal) => client.webhooks.verifyKeys({ signal }),
    bodyBytesMax,
  });
  const window = new Window(options);
  const server = createServer((request, response) => window.take(request, response, receiver));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The path is that of the other receiver, since the signature covers it.
  const { pathname, search } = options.forward ?? new URL('http://localhost/');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${pathname}${search}`;
  try {
    await removeLeftOvers(client);
    return await subscribed(client, { ...options, url }, async () => {
      window.open(url, sandbox.client_id);
      await stopped;
    });
  } catch (error) {
    throw mendable(error, sandbox, 'refuses');
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Fulfilled by SIGINT, by SIGTERM, and when the reader of standard output has gone. */
function stopOf(stdout: ListenOptions['stdout']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  stdout.on('error', () => resolve());
  return promise;
}

/** Does some work while there is a subscription. @returns 0; 1 when it is still there afterwards. */
async function subscribed(
  client: Client,
  { url, types, from, stderr }: ListenOptions & { readonly url: string },
  work: () => Promise<void>,
): Promise<number> {
  // The service checks them and says which it does not know.
  const kinds = types === undefined ? {} : { type: types as NonNullable<NewWebhook['type']> };
  const { id } = await client.webhooks.create({ title, url, enabled: true, ...kinds });
  let isRemoved = false;
  try {
    if (from !== undefined) await client.webhooks.replay(id, { from });
    await work();
  } finally {
    isRemoved = await remove(client, id, stderr);
  }
  return isRemoved ? 0 : 1;
}

async function remove(
  client: Client,
  id: string,
  stderr: ListenOptions['stderr'],
): Promise<boolean> {
  try {
    await client.webhooks.remove(id, patience);
    return true;
  } catch (error) {
    const why = printableLine(error instanceof Error ? error.message : String(error));
    stderr.write(`The subscription ${printableLine(id)} could not be removed: ${why}\n`);
    return false;
  }
}

/** Removes the subscriptions of those that were killed: no process listens at their ports any more. */
async function removeLeftOvers(client: Client): Promise<void> {
  for (const webhook of await client.webhooks.list({}, patience).all()) {
    const { hostname, port } = new URL(webhook.url);
    if (webhook.title !== title || hostname !== '127.0.0.1') continue;
    if (!(await isListening(Number(port)))) await client.webhooks.remove(webhook.id);
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** What a person sees of the deliveries. */
class Window {
  readonly #options: ListenOptions;
  readonly #attempts = new LRUCache<string, number>(cacheOf(countedMax));

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  open(url: string, clientId: string): void {
    const { json = false, stdout, stderr, forward } = this.#options;
    const onward = forward === undefined ? '' : `, handed on to ${forward.href}`;
    const says = `Listening at ${url} for the events of client ${clientId}${onward}.\n`;
    (json ? stderr : stdout).write(`${says}Ctrl-C ends it and removes its subscription.\n`);
  }

  /** Verifies one request, hands it on where it shall go, prints it and answers. */
  async take(
    request: IncomingMessage,
    response: ServerResponse,
    receiver: WebhookReceiver,
  ): Promise<void> {
    const { method = '', url = '', rawHeaders } = request;
    try {
      const body = await readBytes(request, bodyBytesMax);
      const delivery: Delivery = { method, url, rawHeaders, body };
      const events = await receiver.read(delivery);
      const { forward } = this.#options;
      const forwarded = forward && (await forwardDelivery(forward, delivery));
      for (const event of events) this.#print(event, forwarded);
      response.writeHead(forwarded?.status ?? 204, forwarded?.headers).end(forwarded?.body);
    } catch (error) {
      const status = statusOf(error);
      response.writeHead(status).end();
      const why = printableLine(error instanceof Error ? error.message : String(error));
      this.#options.stderr.write(`${this.#time()} ${styleText('red', '✗')} ${status} ${why}\n`);
    }
  }

  #print(event: WebhookEvent, response: Forwarded | undefined): void {
    const { json = false, stdout } = this.#options;
    const attempt = this.#count(event.id);
    if (json) {
      stdout.write(`${printable(JSON.stringify(event))}\n`);
      return;
    }
    const about = isLiquidationEvent(event)
      ? `${event.object.account_id}  ${event.object.cash_amount.padStart(12)} EUR`
      : '';
    const parts = [
      event.type.padEnd(30),
      about,
      `event ${event.id}`,
      ...(attempt > 1 ? [`attempt ${attempt}`] : []),
      ...(response === undefined ? [] : [`→ ${response.outcome}`]),
    ];
    const text = printableLine(parts.join('  '));
    stdout.write(`${this.#time()} ${styleText('green', '✓')} ${text}\n`);
  }

  #time(): string {
    return this.#options.clock.now().toISOString().slice(11, 23);
  }

  #count(eventId: string): number {
    const attempt = (this.#attempts.get(eventId) ?? 0) + 1;
    this.#attempts.set(eventId, attempt);
    return attempt;
  }
}

function statusOf(error: unknown): number {
  if (error instanceof DeliveryError) return error.status;
  return error instanceof BodyTooLargeError ? 413 : 500;
}

/** The response to the service, and what is printed of it in a word. */
interface Forwarded {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The status of the receiver, or why there is none. */
  readonly outcome: string;
}

/** As long as the service itself waits by default, in ms. */
const responseMsMax = 15_000;
const responseBytesMax = 64 * 1024;

/** What belongs to one connection, and what `fetch` writes by itself. */
const ownToConnection: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'transfer-encoding'],
]);

/**
 * Hands a delivery on once, as it came, so that its signature still verifies there: it covers method, path,
 * query and body, but not the host. What does not answer in time counts as 502, so that the service tries again.
 */
async function forwardDelivery(to: URL, delivery: Delivery): Promise<Forwarded> {
  const { rawHeaders, body } = delivery;
  const headers = new Headers();
  for (const [name, value] of headerPairs(rawHeaders)) {
    if (!ownToConnection.has(name.toLowerCase())) headers.append(name, value);
  }
  try {
    const response = await fetch(to, {
      method: 'POST',
      headers,
      body: Buffer.from(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(responseMsMax),
    });
    const { status } = response;
    const retryAfter = response.headers.get('retry-after');
    return {
      status,
      headers: retryAfter === null ? {} : { 'retry-after': retryAfter },
      body: await readBytes(response.body, responseBytesMax),
      outcome: String(status),
    };
  } catch (error) {
    const outcome = reasonOf(error);
    return { status: 502, headers: {}, body: Buffer.from(outcome), outcome };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no response';
  if (error.name === 'TimeoutError') return `no response in ${responseMsMax / 1_000} s`;
  const { cause = error } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
