// Sends one signed request to a receiver and says what came of it. Redirects are not followed, the
// answer's body is read only as far as its limit, and the whole attempt has one timeout.

import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { DeliveryKey } from '../auth/signing-keys.ts';
import { newId } from '../ids.ts';
import { receiverAnswerBytesMax } from '../limits.ts';
import { signMessage, usualComponents } from '../signatures/sign.ts';
import {
  type AddressPolicy,
  checkReceiverUrl,
  ForbiddenAddressError,
  guardedLookup,
} from './address.ts';
import type { Webhook } from './webhook.ts';

export type Attempt =
  | { readonly type: 'delivered'; readonly status: number }
  | { readonly type: 'gone'; readonly status: 410 }
  | {
      readonly type: 'failed';
      readonly reason: string;
      /** What `Retry-After` asked for, if it did. */
      readonly retryAfterMs: number | undefined;
    };

/** Seconds after its creation within which a receiver should take a delivery's signature. */
const signatureLifeS = 60;
const connectionsPerReceiver = 4;

/** Connections to receivers; `timeoutMs` bounds connecting and the pauses of an answer alike. */
export function receiverAgent(options: { policy: AddressPolicy; timeoutMs: number }): Agent {
  const { timeoutMs } = options;
  return new Agent({
    connect: guardedConnector(options),
    connections: connectionsPerReceiver,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: -1,
  });
}

/**
 * Judges the form again at every connection: a subscription may be older than the policy, and a
 * host that is an address is never looked up.
 */
function guardedConnector(options: {
  policy: AddressPolicy;
  timeoutMs: number;
}): buildConnector.connector {
  const { policy, timeoutMs: timeout } = options;
  const lookup = guardedLookup(policy);
  const connect = buildConnector({ lookup, timeout, minVersion: 'TLSv1.2' });
  return (to, callback) => {
    const checked = checkReceiverUrl(`${to.protocol}//${to.host ?? to.hostname}`, policy);
    if ('url' in checked) return connect(to, callback);
    return callback(new ForbiddenAddressError(`the receiver ${checked.fault}`), null);
  };
}

export interface Post {
  readonly webhook: Webhook;
  readonly body: string;
  readonly key: DeliveryKey;
  readonly now: Date;
  readonly timeoutMs: number;
  /** Cuts the attempt off when the process stops. */
  readonly stop: AbortSignal;
}

/** One attempt. A receiver that fails is an outcome; only a fault of ours is thrown. */
export async function post(agent: Dispatcher, delivery: Post): Promise<Attempt> {
  const url = new URL(delivery.webhook.url);
  const body = Buffer.from(delivery.body);
  const headers = await signedHeaders(url, body, delivery);
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.any([AbortSignal.timeout(delivery.timeoutMs), delivery.stop]),
    });
    await answer.body.dump({ limit: receiverAnswerBytesMax });
    return attemptOf(answer.statusCode, answer.headers['retry-after'], delivery.now);
  } catch (error) {
    return { type: 'failed', reason: reasonOf(error), retryAfterMs: undefined };
  }
}

async function signedHeaders(url: URL, body: Buffer, delivery: Post) {
  const { webhook, key, now } = delivery;
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'upvest-client-id': webhook.tenantId,
  };
  const message = {
    method: 'POST',
    target: url.pathname + url.search,
    headers: Object.entries(headers),
    body,
  };
  const dialect = webhook.signatureVersion;
  const created = Math.floor(now.getTime() / 1_000);
  const components = usualComponents({
    dialect,
    message,
    headers: ['content-type', 'content-length', 'digest', 'upvest-client-id'],
    expires: true,
  });
  const signature = await signMessage({
    dialect,
    message,
    components,
    params: { keyid: key.keyId, created, expires: created + signatureLifeS, nonce: newId() },
    key,
  });
  return { ...headers, ...signature };
}

function attemptOf(status: number, retryAfter: unknown, now: Date): Attempt {
  if (status >= 200 && status < 300) return { type: 'delivered', status };
  if (status === 410) return { type: 'gone', status };
  const reason = `answered ${status}`;
  return { type: 'failed', reason, retryAfterMs: readRetryAfter(retryAfter, now) };
}

/** RFC 9110 10.2.3: seconds or a date. */
function readRetryAfter(value: unknown, now: Date): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^[0-9]{1,6}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(at - now.getTime(), 0);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const name = error instanceof Error ? error.name : 'unknown';
  return name === 'TimeoutError' ? 'no answer in time' : (code ?? name);
}
