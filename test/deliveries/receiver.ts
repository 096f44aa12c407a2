// A receiver of webhooks on loopback, with the troubles real ones have. It keeps every request as
// it came, so that a test can verify signatures and look at the order.
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import type { Delivery } from '@unwind/client/webhooks';
import { type Clock, systemClock } from '../../src/clock.ts';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';

/** What the receiver does with a request after it has read it. */
export type Reaction =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Uint8Array;
    }
  /** Closes the socket without a response. */
  | 'close'
  /** Keeps the socket open and says nothing. */
  | 'never'
  /** Answers 200 and a body that does not end, as fast as it is read. */
  | 'endless'
  /** Answers 200 and one byte of a body that never goes on. */
  | 'stalled';

export interface Received extends Delivery {
  readonly receivedAt: Date;
  /** The request is over: it was answered, or broken off. */
  readonly closed: Promise<void>;
}

/** What a receiver shows of itself and asks for when it speaks TLS. */
export type Presented = Pick<
  SecureContextOptions,
  'cert' | 'key' | 'minVersion' | 'maxVersion' | 'ciphers'
>;

export interface TestReceiver {
  readonly url: string;
  readonly port: number;
  /** All requests so far, whatever became of them. */
  readonly received: readonly Received[];
  /** Those that it answered 2xx, in the order of its responses. */
  readonly taken: readonly Received[];
  /** Decides about each request, numbered from 1; set before requests come. Default 204. */
  react: (number: number, delivery: Received) => Reaction | Promise<Reaction>;
  /** Bytes of endless bodies written so far. */
  bytesWritten(): number;
  /** Presents something else from the next connection on. */
  present(presented: Presented): void;
  /** Versions of TLS that requests came by. */
  protocols(): readonly (string | null)[];
  /** Most requests that were under way at one moment. */
  mostAtOnce(): number;
  /** Most requests with events of one account that were under way at one moment. */
  mostOfOneAtOnce(): number;
}

const chunk = Buffer.alloc(16 * 1024, 'x');

/**
 * Starts a receiver, which tells the time by `clock` and speaks TLS where it has something to
 * present; it ends with the test.
 */
export async function startReceiver(
  t: AfterTest,
  clock: Clock = systemClock,
  presented?: Presented,
): Promise<TestReceiver> {
  const received: Received[] = [];
  const taken: Received[] = [];
  let bytesWritten = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  const atOnceOf = new Map<string, number>();
  let mostOfOne = 0;
  const protocols = new Set<string | null>();
  const listener: RequestListener = (request, response) => {
    if (request.socket instanceof TLSSocket) protocols.add(request.socket.getProtocol());
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    response.once('close', () => {
      atOnce -= 1;
    });
    void take(request, response);
  };
  const secure = presented && createSecureServer(presented, listener);
  const server = secure ?? createServer(listener);
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    const delivery = { ...(await readRequest(request)), receivedAt: clock.now(), closed };
    received.push(delivery);
    const accounts = accountsOf(delivery);
    for (const accountId of accounts) {
      const count = (atOnceOf.get(accountId) ?? 0) + 1;
      atOnceOf.set(accountId, count);
      mostOfOne = Math.max(mostOfOne, count);
    }
    response.once('close', () => {
      for (const accountId of accounts) {
        atOnceOf.set(accountId, (atOnceOf.get(accountId) ?? 1) - 1);
      }
    });
    const reaction = await receiver.react(received.length, delivery);
    if (isTaking(reaction)) taken.push(delivery);
    perform(reaction, response, (bytes) => {
      bytesWritten += bytes;
    });
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const port = portOf(server);
  const receiver: TestReceiver = {
    url: `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${port}/events?from=unwind`,
    port,
    received,
    taken,
    react: () => ({ status: 204 }),
    bytesWritten: () => bytesWritten,
    present: (other) => secure?.setSecureContext(other),
    protocols: () => [...protocols],
    mostAtOnce: () => mostAtOnce,
    mostOfOneAtOnce: () => mostOfOne,
  };
  return receiver;
}

function isTaking(reaction: Reaction): boolean {
  if (typeof reaction === 'object') return reaction.status >= 200 && reaction.status < 300;
  return reaction === 'endless' || reaction === 'stalled';
}

function accountsOf({ body }: Delivery): ReadonlySet<string> {
  const found = Buffer.from(body)
    .toString()
    .matchAll(/"account_id":"([0-9a-f-]+)"/g);
  return new Set([...found].map(([, accountId = '']) => accountId));
}

async function readRequest(request: IncomingMessage): Promise<Delivery> {
  const chunks: Buffer[] = [];
  for await (const part of request) chunks.push(part as Buffer);
  const { method = '', url = '', rawHeaders } = request;
  return { method, url, rawHeaders, body: Buffer.concat(chunks) };
}

function perform(
  reaction: Reaction,
  response: ServerResponse,
  onWritten: (bytes: number) => void,
): void {
  switch (reaction) {
    case 'close':
      response.socket?.destroy();
      return;
    case 'never':
      return;
    case 'stalled':
      response.writeHead(200).write('x');
      return;
    case 'endless':
      response.writeHead(200);
      pour(response, onWritten);
      return;
    default:
      response.writeHead(reaction.status, reaction.headers).end(reaction.body);
  }
}

/** Writes until the socket is closed by the other side, waiting whenever it is full. */
function pour(response: ServerResponse, onWritten: (bytes: number) => void): void {
  const write = (): void => {
    while (!response.destroyed) {
      onWritten(chunk.length);
      if (!response.write(chunk)) break;
    }
  };
  response.on('drain', write);
  write();
}
