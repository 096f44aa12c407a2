// `unwind request`: one signed request as the sandbox client, for a first look and for scripts.

import { randomUUID } from 'node:crypto';
import type { ApiResponse, PreparedRequest } from '@unwind/client';
import { printable } from '../printable.ts';
import { type Config, ConfigError } from '../settings/config.ts';
import { printJson } from './run.ts';
import { type ApiArguments, mendable, openSandbox } from './sandbox-access.ts';

export interface RequestOptions {
  readonly config: Pick<Config, 'home' | 'clientFile'>;
  readonly access: ApiArguments;
  readonly method: string;
  readonly target: string;
  readonly data?: string;
  readonly idempotencyKey?: string;
  /** Whether a POST without a key gets a fresh one; default true. */
  readonly makesKey?: boolean;
  /** Print the signed request instead of sending it. */
  readonly print?: boolean;
  /** One JSON document: status, headers and body. */
  readonly json?: true;
  /** What a document begins with. */
  readonly before?: object;
  readonly stdout: NodeJS.WritableStream;
}

/** Prints status, headers and body. @returns 0 for a 2xx response, else 1. */
export async function runRequest(options: RequestOptions): Promise<number> {
  const { config, access, target, data, stdout, makesKey = true } = options;
  const { sandbox, client } = await openSandbox(config, access);
  if (!target.startsWith('/')) throw new ConfigError('The target begins with a slash.');
  const method = options.method.toUpperCase();
  const idempotencyKey =
    options.idempotencyKey ?? (makesKey && method === 'POST' ? randomUUID() : undefined);
  const request = {
    method,
    target,
    ...(data === undefined ? {} : { json: parse(data) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  try {
    if (options.print === true) {
      const prepared = await client.prepare(request);
      if (options.json) printJson(stdout, preparedDocument(prepared));
      else stdout.write(textOf(prepared));
      return 0;
    }
    const response = await client.send(request);
    if (options.json) printJson(stdout, { ...options.before, ...responseDocument(response) });
    else stdout.write(print(response));
    return response.status < 300 ? 0 : 1;
  } catch (error) {
    throw mendable(error, sandbox, 'gives no token');
  }
}

/** As it goes over the wire, for `unwind inspect-signature` and for comparison. */
function textOf({ url, method, headers, body }: PreparedRequest): Buffer {
  const length = body.length === 0 ? {} : { 'content-length': String(body.length) };
  const lines = Object.entries({ host: url.host, ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function preparedDocument({ url, method, headers, body }: PreparedRequest): object {
  return {
    method,
    url: url.href,
    headers,
    body: body.length === 0 ? null : String(Buffer.from(body)),
  };
}

function responseDocument({ status, headers, text, json }: ApiResponse): object {
  return { status, headers: Object.fromEntries(headers), body: json ?? text };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new ConfigError('--data is not JSON.', { cause: error });
  }
}

function print({ status, headers, text, json }: ApiResponse): string {
  const shown = ['content-type', 'location', 'allow', 'idempotency-replayed', 'upvest-request-id'];
  const lines = shown.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [`${name}: ${value}`];
  });
  const body = json === undefined ? text : JSON.stringify(json, undefined, 2);
  return printable(`${[String(status), ...lines, '', body].join('\n')}\n`);
}
