// Sends one signed request to a receiver and says what came of it. Redirects are not followed, the
// answer's body is read only as far as its limit, and the whole attempt has one timeout.

import { type KeyObject, sign } from 'node:crypto';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { DeliveryKey } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { keptAnswerMax, receiverAnswerBytesMax } from '../limits.ts';
import { withCopy } from '../signatures/key-copies.ts';
import { signMessage, usualComponents } from '../signatures/sign.ts';
import {
  type AddressPolicy,
  checkReceiverUrl,
  ForbiddenAddressError,
  guardedLookup,
} from './address.ts';
import type { FairSlots } from './fair-slots.ts';
import type { Resolve } from './resolve.ts';
import type { Webhook } from './webhook.ts';

export type Attempt = { readonly durationMs: number } & (
  | {
      readonly type: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      /** The first bytes of the body, as UTF-8. */
      readonly answer: string;
      /** What `Retry-After` asked for, if it did. */
      readonly retryAfterMs: number | undefined;
    }
  | {
      readonly type: 'unanswered';
      readonly reason: string;
      /** False where there was no connection: the request cannot be what is wrong. */
      readonly wasReached: boolean;
    }
);

/** What came of an attempt, in a few words. */
export function outcomeText(attempt: Attempt): string {
  return attempt.type === 'answered' ? `answered ${attempt.status}` : attempt.reason;
}

/** The first characters of an answer, as a database and a JSON text can hold them. */
export function keptAnswer(attempt: Attempt): string {
  if (attempt.type === 'unanswered') return '';
  const text = attempt.answer.toWellFormed().replaceAll('\0', '\u{fffd}');
  return text.slice(0, keptAnswerMax).toWellFormed();
}

/** Seconds after its creation within which a receiver should take a delivery's signature. */
const signatureLifeS = 60;
/** Requests of several subscriptions may go to one receiver. */
const connectionsPerReceiver = 16;
/** A receiver that takes longer to accept a connection is not there, in ms. */
const connectMsMax = 5_000;

export interface ReceiverOptions {
  readonly policy: AddressPolicy;
  readonly timeoutMs: number;
  /** Default the system's. */
  readonly resolve?: Resolve;
}

/** Connections to receivers; `timeoutMs` bounds connecting and the pauses of an answer alike. */
export function receiverAgent(options: ReceiverOptions): Agent {
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
function guardedConnector(options: ReceiverOptions): buildConnector.connector {
  const { policy } = options;
  const timeout = Math.min(options.timeoutMs, connectMsMax);
  const lookup = guardedLookup(policy, options.resolve);
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
  /** The same whenever the same events are sent together again. */
  readonly messageId: string;
  readonly key: DeliveryKey;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Cuts the attempt off when the process stops. */
  readonly stop: AbortSignal;
  /** Places for signing. */
  readonly signings: FairSlots;
}

/** One attempt. A receiver that fails is an outcome; only a fault of ours is thrown. */
export async function post(agent: Dispatcher, delivery: Post): Promise<Attempt> {
  const { webhook, clock, stop, signings } = delivery;
  const url = new URL(webhook.url);
  const body = Buffer.from(delivery.body);
  const headers = await signings.within(webhook.tenantId, () => {
    return signedHeaders(url, body, { ...delivery, now: clock.now() });
  });
  const begunAt = clock.now();
  const durationMs = () => Math.max(clock.now().getTime() - begunAt.getTime(), 0);
  const signal = AbortSignal.any([AbortSignal.timeout(delivery.timeoutMs), stop]);
  try {
    const options = { dispatcher: agent, method: 'POST', headers, body, signal } as const;
    const { statusCode: status, headers: answered, body: content } = await request(url, options);
    const answer = await readStart(content);
    const retryAfterMs = readRetryAfter(answered['retry-after'], clock.now());
    return {
      type: 'answered',
      status,
      headers: answered,
      answer,
      retryAfterMs,
      durationMs: durationMs(),
    };
  } catch (error) {
    const reason = reasonOf(error);
    return { type: 'unanswered', reason, wasReached: wasReached(reason), durationMs: durationMs() };
  }
}

/** The first bytes of a body; a body that stalls or breaks off has none but those. */
async function readStart(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= receiverAnswerBytesMax) break;
    }
  } catch {
    // The status has arrived, and that decides.
  }
  return Buffer.concat(chunks).subarray(0, receiverAnswerBytesMax).toString('utf8');
}

async function signedHeaders(url: URL, body: Buffer, delivery: Post & { now: Date }) {
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
  const standard = webhook.standardHeaders ? await standardHeaders(body, delivery) : {};
  return { ...headers, ...signature, ...standard };
}

/**
 * The headers of Standard Webhooks, besides: signed by all Ed25519 keys that receivers may know, each
 * as `v1a`, so that nobody holds a secret.
 */
async function standardHeaders(body: Buffer, { messageId, key, now }: Post & { now: Date }) {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const signed = Buffer.concat([Buffer.from(`${messageId}.${timestamp}.`), body]);
  const signatures = await Promise.all(
    key.standardKeys.map(
      async (own) => `v1a,${(await signEd25519(own, signed)).toString('base64')}`,
    ),
  );
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** Runs in libuv's pool, not on the event loop. */
function signEd25519(original: KeyObject, bytes: Buffer): Promise<Buffer> {
  return withCopy(original, (key) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    sign(null, bytes, key, (error, signature) => (error ? reject(error) : resolve(signature)));
    return promise;
  });
}

/** RFC 9110 10.2.3: seconds or a date. */
function readRetryAfter(value: unknown, now: Date): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^[0-9]{1,6}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(at - now.getTime(), 0);
}

const tooLate = 'no answer in time';

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const name = error instanceof Error ? error.name : 'unknown';
  return name === 'TimeoutError' ? tooLate : (code ?? name);
}

/** What can only happen on a connection that was there; the names are of undici, Node and llhttp. */
function wasReached(reason: string): boolean {
  return (
    [tooLate, 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'ECONNRESET', 'EPIPE'].includes(
      reason,
    ) || reason.startsWith('HPE_')
  );
}
