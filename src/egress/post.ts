// Sends one signed request to a receiver and says what came of it. Redirects are not followed, the
// answer's body is read only as far as its limit, and the whole attempt has one timeout.

import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import type { DeliveryKey } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { TenantId } from '../ids.ts';
import { keptResponseMax, receiverResponseBytesMax } from '../limits.ts';
import type { Webhook } from '../webhooks/webhook.ts';
import {
  type AddressPolicy,
  checkReceiverUrl,
  ForbiddenAddressError,
  guardedLookup,
} from './address.ts';
import { passOverInterim } from './interim.ts';
import type { Resolve } from './resolve.ts';
import { signedHeaders } from './sign-delivery.ts';

export type Attempt = { readonly durationMs: number } & (
  | {
      readonly type: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      /** The first bytes of the body, as UTF-8. */
      readonly answer: string;
      /** False: the body went on, or broke off. */
      readonly isWhole?: boolean;
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

/** The first characters of a response, as a database, a JSON text and a terminal can hold them. */
export function keptResponse(attempt: Attempt): string {
  if (attempt.type === 'unanswered') return '';
  return harmless(attempt.answer).slice(0, keptResponseMax).toWellFormed();
}

/** What a receiver said, without what a terminal would obey: control characters, turns of direction. */
export function harmless(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\t\n\r]|\p{Bidi_Control}/gu, '\u{fffd}');
}

/** A receiver that takes longer to accept a connection is not there, in ms. */
const connectMsMax = 5_000;
/** How long a connection waits for another request at most, whatever the receiver offers, in ms. */
const idleMsMax = 10_000;
/** How long a connection is used, so that a name that leads elsewhere is followed, in ms. */
const connectionLifeMsUsual = 300_000;
/** How long is read of a response whose status has come, in ms: nothing depends on what follows. */
const responseBodyMsMax = 2_000;
/** Answers such as 103 before the response itself; a receiver has no use for more. */
const informationMax = 10;

export interface ReceiverOptions {
  readonly policy: AddressPolicy;
  readonly timeoutMs: number;
  /** Default the machine's. */
  readonly resolve?: Resolve;
  /** How long a connection is used at most, in ms. */
  readonly connectionLifeMs?: number;
}

/**
 * Connections to receivers; `timeoutMs` bounds connecting and the pauses of a response alike. There are
 * as many to one receiver as requests under way, which have places of their own: were they fewer,
 * those of one tenant would wait for another's at a receiver that both use. HTTP/1.1 only, since a
 * connection of HTTP/2 gives its peer far more to do to us than a delivery needs.
 */
export function receiverAgent(options: ReceiverOptions): Agent {
  const { timeoutMs, connectionLifeMs = connectionLifeMsUsual } = options;
  return new Agent({
    connect: guardedConnector(options),
    allowH2: false,
    clientTtl: connectionLifeMs,
    keepAliveMaxTimeout: idleMsMax,
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
  const connect = buildConnector({ lookup, timeout, minVersion: 'TLSv1.2', allowH2: false });
  return (to, callback) => {
    const fail = (error: Error) => callback(new UnreachedError(error), null);
    const checked = checkReceiverUrl(`${to.protocol}//${to.host ?? to.hostname}`, policy);
    if ('fault' in checked) return fail(new ForbiddenAddressError(`the receiver ${checked.fault}`));
    return connect(to, (...[error, socket]) => {
      if (error !== null) return fail(error);
      passOverInterim(socket);
      return callback(null, socket);
    });
  };
}

/** There is no connection, for the reason that is its cause. */
class UnreachedError extends Error {
  override readonly name = 'UnreachedError';

  constructor(cause: Error) {
    super('the receiver was not reached', { cause });
  }
}

/** Whose request it is, where it goes, and how it is signed. */
export type PostTarget = Pick<Webhook, 'tenantId' | 'url' | 'signatureVersion' | 'standardHeaders'>;

export interface Post {
  readonly webhook: PostTarget;
  readonly body: string;
  /** The same whenever the same events are sent together again. */
  readonly messageId: string;
  readonly key: DeliveryKey;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Cuts the attempt off when the process stops. */
  readonly stop: AbortSignal;
  readonly signings: SigningPlaces;
  /** Bytes that are read of the response. Default as in limits.ts. */
  readonly responseBytesMax?: number | undefined;
  readonly inner?: InnerReceiver | undefined;
  /** What a client of a sandbox asks to be done to it. */
  readonly faults?: PostFaults | undefined;
  /** Waits in the middle of a body; default by the timers of this machine. */
  readonly pause?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
}

export interface PostFaults {
  readonly signature: 'wrong' | 'old_key' | undefined;
  /** How long after the first half of the body the rest is sent, in ms. */
  readonly stallMs: number;
}

/** A receiver inside this service: what is posted to its addresses goes over no network. */
export interface InnerReceiver {
  serves(url: URL): boolean;
  receive(request: {
    readonly tenantId: TenantId;
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }): Promise<{ readonly status: number; readonly answer: string }>;
}

/** Where signing has its place: signatures cost more processor time than anything else here. */
export interface SigningPlaces {
  within<T>(tenantId: string, sign: () => Promise<T>): Promise<T>;
}

/** One attempt. A receiver that fails is an outcome; only a fault of ours is thrown. */
export async function post(agent: Dispatcher, delivery: Post): Promise<Attempt> {
  const { webhook, clock, stop, signings, inner, faults } = delivery;
  const stallMs = faults?.stallMs ?? 0;
  const timeoutMs = delivery.timeoutMs + stallMs;
  const url = new URL(webhook.url);
  const body = Buffer.from(delivery.body);
  const headers = await signings.within(webhook.tenantId, () => {
    return signedHeaders(url, body, { ...delivery, now: clock.now() });
  });
  const begunAt = clock.now();
  const durationMs = () => Math.max(clock.now().getTime() - begunAt.getTime(), 0);
  if (inner?.serves(url)) {
    const { tenantId } = webhook;
    const answered = await inner.receive({ tenantId, url, headers, body: delivery.body });
    return {
      ...{ type: 'answered', headers: {}, retryAfterMs: undefined, ...answered },
      durationMs: durationMs(),
    };
  }
  const flooded = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stop, flooded.signal]);
  let information = 0;
  const onInfo = () => {
    information += 1;
    if (information > informationMax) flooded.abort(new FloodedError());
  };
  try {
    const sent = stallMs > 0 ? Readable.from(halves(body, delivery, signal)) : body;
    const options = {
      ...{ dispatcher: agent, method: 'POST', headers, body: sent, signal, onInfo },
      ...(stallMs > 0 ? { headersTimeout: timeoutMs } : {}),
    } as const;
    const { statusCode: status, headers: answered, body: content } = await request(url, options);
    const { answer, isWhole } = await readStart(
      content,
      delivery.responseBytesMax ?? receiverResponseBytesMax,
    );
    const retryAfterMs = readRetryAfter(answered['retry-after'], clock.now());
    return {
      type: 'answered',
      status,
      headers: answered,
      answer,
      isWhole,
      retryAfterMs,
      durationMs: durationMs(),
    };
  } catch (error) {
    // What can only happen on a connection that was there may be due to what was sent.
    const wasReached = !(error instanceof UnreachedError);
    const reason = reasonOf(wasReached ? error : error.cause);
    return { type: 'unanswered', reason, wasReached, durationMs: durationMs() };
  }
}

/** A body with a pause in its middle. */
async function* halves(body: Buffer, delivery: Post, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { faults, pause = (ms) => wait(ms, undefined, { signal }) } = delivery;
  const middle = Math.ceil(body.length / 2);
  yield body.subarray(0, middle);
  await pause(faults?.stallMs ?? 0, signal);
  yield body.subarray(middle);
}

/** The receiver goes on and on without coming to its response. */
class FloodedError extends Error {
  override readonly name = 'FloodedError';
  readonly code = 'TOO_MUCH_BEFORE_THE_ANSWER';
}

/** The first bytes of a body; a body that stalls or breaks off has none but those. */
async function readStart(
  body: Readable,
  bytesMax: number,
): Promise<{ readonly answer: string; readonly isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isWhole = false;
  const timer = setTimeout(() => body.destroy(), responseBodyMsMax);
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) break;
    }
    isWhole = bytes <= bytesMax;
  } catch {
    // The status has arrived, and that decides.
  } finally {
    clearTimeout(timer);
  }
  return { answer: Buffer.concat(chunks).subarray(0, bytesMax).toString('utf8'), isWhole };
}

/**
 * RFC 9110 10.2.3: whole seconds, or a date in one of the forms of HTTP (5.6.7), one of which has no
 * zone and means UTC. @returns how long in ms; undefined where it is neither of them.
 */
export function readRetryAfter(value: unknown, now: Date): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
  if (/^[0-9]+$/.test(text)) return Number(text) * 1_000;
  const isDate = [imfDate, rfc850Date, ascTime].some((form) => form.test(text));
  const at = isDate ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(at - now.getTime(), 0);
}

const imfDate = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/;
const rfc850Date = /^[A-Z][a-z]{5,8}, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9:]{8} GMT$/;
const ascTime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}$/;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'no response in time';
  // The parser of responses has errors whose code is there and undefined.
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
