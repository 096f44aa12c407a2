// What stands between a client and the service, with the troubles such a thing has: it answers by
// itself, loses answers, or says nothing. It keeps what it was sent.
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';

export interface Passing {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What the front does with a request. */
export type Reaction =
  | 'pass'
  /** The service does its work, and its response is lost. */
  | 'lose the answer'
  /** Says nothing and keeps the connection. */
  | 'never'
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    };

export interface Front {
  readonly url: string;
  readonly passed: readonly Passing[];
  /** Decides about a request, numbered from 1 among those of its method and path. Default pass. */
  react: (number: number, passing: Passing) => Reaction;
  /** Where requests go on to; a test may change it. */
  port: number;
  /** How often this method and path were asked for. */
  count(method: string, path: string): number;
}

/** Starts a front before the service at a port; it ends with the test. */
export async function startFront(t: AfterTest, port: number): Promise<Front> {
  const passed: Passing[] = [];
  const pathOf = (target: string) => target.split('?')[0];
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', headers } = request;
    const passing = { method, target, headers, body: Buffer.concat(await request.toArray()) };
    passed.push(passing);
    const number = front.count(method, pathOf(target) ?? '');
    const reaction = front.react(number, passing);
    if (reaction === 'never') return;
    if (typeof reaction === 'object') {
      response.writeHead(reaction.status, reaction.headers).end(reaction.body);
      return;
    }
    await relay(front.port, request, { passing, response, isLost: reaction !== 'pass' });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const front: Front = {
    url: `http://127.0.0.1:${portOf(server)}`,
    passed,
    react: () => 'pass',
    port,
    count: (method, path) => {
      return passed.filter((one) => one.method === method && pathOf(one.target) === path).length;
    },
  };
  return front;
}

async function relay(
  port: number,
  { method, url: path, rawHeaders }: IncomingMessage,
  to: { passing: Passing; response: ServerResponse; isLost: boolean },
): Promise<void> {
  const { passing, response, isLost } = to;
  const headers = [...rawHeaders];
  const onward = httpRequest({ host: '127.0.0.1', port, agent: false, method, path, headers });
  onward.end(passing.body);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  const body = Buffer.concat(await answer.toArray());
  if (isLost) response.socket?.resetAndDestroy();
  else response.writeHead(answer.statusCode ?? 0, answer.rawHeaders).end(body);
}
