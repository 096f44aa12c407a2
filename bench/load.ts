// Sends requests that were signed before over some connections, each one's next as soon as its last
// is answered, and says how many a second were answered and how long each took.

import { randomUUID } from 'node:crypto';
import { signMessage, usualComponents } from '@unwind/signatures';
import { Pool } from 'undici';
import type { BenchClient } from './place.ts';

export interface Signed {
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface ToSign {
  readonly method: Signed['method'];
  readonly target: string;
  readonly json?: object;
}

const host = '127.0.0.1';

/** Signs as a client of the service does: dialect -15, every header it sends. */
export async function sign(client: BenchClient, request: ToSign): Promise<Signed> {
  const { method, target, json } = request;
  const body = json === undefined ? null : JSON.stringify(json);
  const headers: Record<string, string> = {
    accept: 'application/json',
    authorization: `Bearer ${client.token}`,
    'upvest-client-id': client.tenantId,
    ...(body === null
      ? {}
      : {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'idempotency-key': randomUUID(),
        }),
  };
  const message = {
    method,
    target,
    headers: [['host', host] as const, ...Object.entries(headers)],
    body: Buffer.from(body ?? ''),
  };
  const dialect = '15';
  const components = usualComponents({
    dialect,
    message,
    headers: [...Object.keys(headers), 'digest'],
    expires: true,
  });
  const created = Math.floor(Date.now() / 1_000);
  const params = { keyid: client.keyId, created, expires: created + 299, nonce: randomUUID() };
  const added = await signMessage({ dialect, message, components, params, key: client.key });
  return { method, target, headers: { ...headers, host, ...added }, body };
}

export async function signAll(
  client: BenchClient,
  requests: readonly ToSign[],
): Promise<readonly Signed[]> {
  const signed: Signed[] = [];
  for (const request of requests) signed.push(await sign(client, request));
  return signed;
}

export interface Load {
  readonly url: string;
  readonly requests: readonly Signed[];
  readonly connections: number;
  /** What every answer has to be; another one ends the measurement. */
  readonly status: number;
}

export interface Answered {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/** Sends all of them. @throws when one is answered otherwise. */
export async function sendAll(load: Load): Promise<Answered> {
  const { url, requests, connections, status } = load;
  const pool = new Pool(url, { connections, pipelining: 1 });
  const latenciesMs: number[] = [];
  let next = 0;
  const sender = async () => {
    for (let at = next++; at < requests.length; at = next++) {
      const request = requests[at];
      if (request === undefined) return;
      const { method, target: path, headers, body } = request;
      const begunAt = performance.now();
      const answer = await pool.request({ method, path, headers, body });
      const text = await answer.body.text();
      latenciesMs.push(performance.now() - begunAt);
      if (answer.statusCode !== status) throw new Error(`${answer.statusCode}: ${text}`);
    }
  };
  const begunAt = performance.now();
  try {
    await Promise.all(Array.from({ length: connections }, sender));
  } finally {
    await pool.close();
  }
  const seconds = (performance.now() - begunAt) / 1_000;
  return { perSecond: requests.length / seconds, latenciesMs };
}
