// A person at the console, as their browser sends requests: a cookie once it has one, and the headers by
// which the page proves to be ours.
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../src/clock.ts';
import type { ConsoleRole } from '../../src/console/person.ts';
import { makeLink } from '../../src/console/sessions.ts';
import type { Sql } from '../../src/db/connect.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Headers; undefined takes one away that would be there. */
export type Headers = Readonly<Record<string, string | undefined>>;

export interface Wish {
  readonly json?: unknown;
  readonly headers?: Headers;
}

export interface Browser {
  /** The cookie that it keeps, as it sends it. */
  cookie: string | undefined;
  send(method: string, path: string, wish?: Wish): Promise<Reply>;
}

/** What our page sends with every request. */
export function pageHeaders(port: number): Headers {
  return {
    host: `127.0.0.1:${port}`,
    origin: `http://127.0.0.1:${port}`,
    'sec-fetch-site': 'same-origin',
    'x-unwind-console': '1',
    accept: 'application/json',
  };
}

export function browserAt({ port }: { readonly port: number }): Browser {
  const browser: Browser = {
    cookie: undefined,
    send: async (method, path, { json, headers = {} } = {}) => {
      const body = json === undefined ? '' : JSON.stringify(json);
      const all = {
        ...pageHeaders(port),
        ...(browser.cookie === undefined ? {} : { cookie: browser.cookie }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      };
      const reply = await exchange(port, { method, path, headers: all, body });
      const [set] = reply.headers['set-cookie'] ?? [];
      if (set !== undefined) {
        const [pair = ''] = set.split(';');
        browser.cookie = /Max-Age=0/.test(set) ? undefined : pair;
      }
      return reply;
    },
  };
  return browser;
}

async function exchange(
  port: number,
  sent: { method: string; path: string; headers: Headers; body: string },
): Promise<Reply> {
  const given = Object.entries(sent.headers).flatMap(([name, value]) => {
    return value === undefined ? [] : [name, value];
  });
  const length = sent.body === '' ? [] : ['content-length', String(Buffer.byteLength(sent.body))];
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const { method, path } = sent;
  const headers = [...given, ...length];
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
  request.on('error', reject);
  request.on('response', (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const isJson = /json/.test(answer.headers['content-type'] ?? '') && text !== '';
      const json: Reply['json'] = isJson ? JSON.parse(text) : {};
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json });
    });
  });
  request.end(sent.body);
  return promise;
}

/** A browser in which somebody has signed in. */
export async function signedIn(
  service: { readonly port: number },
  { sql, clock, role = 'operator' }: { sql: Sql; clock: Clock; role?: ConsoleRole },
): Promise<Browser> {
  const browser = browserAt(service);
  const link = await makeLink(sql, clock, { name: `the ${role}`, role });
  const reply = await browser.send('POST', '/console/sign-in', { json: { link } });
  assert.equal(reply.status, 204, reply.text);
  return browser;
}
