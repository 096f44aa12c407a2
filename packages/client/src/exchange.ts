// One signed request and its response, by the `fetch` of the platform. It knows nothing of tokens and
// never asks twice.

import { randomUUID } from 'node:crypto';
import {
  type DialectVersion,
  type SigningKey,
  signMessage,
  usualComponents,
} from '@unwind/signatures';
import { readBytes } from './body.ts';
import type { ApiResponse } from './errors.ts';
import { isNetworkError, NetworkFault } from './network-fault.ts';

/** Who signs, how, and where to. */
export interface Sender {
  /** Where the service is; a path in it comes before every target. */
  readonly baseUrl: URL;
  readonly clientId: string;
  readonly keyId: string;
  readonly key: SigningKey;
  readonly dialect: DialectVersion;
  readonly fetch: typeof fetch;
  readonly now: () => Date;
}

/** A request before it is signed. */
export interface Outgoing {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Signatures live so many seconds: longer than a slow network, shorter than the service allows. */
const signatureLifeS = 60;

/** Bytes of a response that are read at most: a page of 1000 liquidations of 50 orders is 5 MB. */
const responseBytesMax = 64 * 1024 * 1024;

const coveredHeaders = [
  'accept',
  'authorization',
  'content-type',
  'content-length',
  'digest',
  'idempotency-key',
  'upvest-api-version',
  'upvest-client-id',
];

/**
 * Signs a request with a fresh nonce, sends it and reads the whole response, whatever its status.
 * Redirects are not followed: the signature is good for one place only.
 *
 * @throws NetworkFault when no response comes; the reason of the signal.
 */
export async function exchange(
  sender: Sender,
  request: Outgoing,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const prepared = await prepare(sender, request);
  try {
    return await send(sender.fetch, prepared, signal);
  } catch (error) {
    throw !signal.aborted && isNetworkError(error) ? new NetworkFault(prepared.url, error) : error;
  }
}

/** Bytes of a stream as they come. */
export type StreamBody = ReadableStream<Uint8Array>;

/** How a stream is opened: what ends it, and who reads it. */
export interface Opening {
  readonly signal: AbortSignal;
  readonly take: (body: StreamBody) => void;
}

/**
 * Like `exchange`, for a stream of events: its body is handed on and read as long as `opening.signal` allows;
 * `signal` is about the response's beginning alone. Any other response is read as usual.
 */
export async function exchangeStream(
  sender: Sender,
  request: Outgoing,
  signal: AbortSignal,
  opening: Opening,
): Promise<ApiResponse> {
  const prepared = await prepare(sender, request);
  const beginning = new AbortController();
  const giveUp = () => beginning.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', giveUp, { once: true });
  const either = AbortSignal.any([beginning.signal, opening.signal]);
  try {
    const { url, method, headers } = prepared;
    const response = await sender.fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: either,
    });
    if (response.status === 200 && response.body !== null) {
      opening.take(response.body);
      return { status: 200, headers: response.headers, text: '', json: undefined };
    }
    const text = new TextDecoder().decode(await readBytes(response.body, responseBytesMax));
    const json = jsonOf(response.headers, text);
    return { status: response.status, headers: response.headers, text, json };
  } catch (error) {
    throw !either.aborted && isNetworkError(error) ? new NetworkFault(prepared.url, error) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function send(
  fetchIt: typeof fetch,
  { url, method, headers, body }: PreparedRequest,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const response = await fetchIt(url, {
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body.length === 0 ? {} : { body }),
  });
  const text = new TextDecoder().decode(await readBytes(response.body, responseBytesMax));
  const { status } = response;
  return { status, headers: response.headers, text, json: jsonOf(response.headers, text) };
}

/** A signed request, good for one use. `fetch` adds `host` and `content-length` by itself. */
export interface PreparedRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Signs a request with a fresh nonce, for the moment. */
export async function prepare(sender: Sender, request: Outgoing): Promise<PreparedRequest> {
  const { method, body } = request;
  const url = urlOf(sender.baseUrl, request.target);
  const headers = await signedHeaders(sender, { ...request, target: url.pathname + url.search });
  return { url, method, headers, body };
}

/** Put together as text: a target that looks like a host must not lead to another one. */
function urlOf({ origin, pathname }: URL, target: string): URL {
  if (!target.startsWith('/')) throw new TypeError(`A target begins with a slash: ${target}`);
  return new URL(origin + pathname.replace(/\/$/, '') + target);
}

/** What goes out beside what `fetch` adds by itself, `content-length` among that. */
async function signedHeaders(
  sender: Sender,
  { method, target, headers, body }: Outgoing,
): Promise<Readonly<Record<string, string>>> {
  const { dialect, keyId: keyid, key } = sender;
  const sent = { accept: 'application/json', 'upvest-client-id': sender.clientId, ...headers };
  const length = body.length === 0 ? {} : { 'content-length': String(body.length) };
  const message = { method, target, headers: Object.entries({ ...sent, ...length }), body };
  const created = Math.floor(sender.now().getTime() / 1_000);
  const expires = created + signatureLifeS;
  const nonce = dialect === '1' ? {} : { nonce: randomUUID() };
  const signature = await signMessage({
    dialect,
    message,
    components: usualComponents({ dialect, message, headers: coveredHeaders, expires: true }),
    params: { keyid, created, expires, ...nonce },
    key,
  });
  return { ...sent, ...signature };
}

function jsonOf(headers: Headers, text: string): unknown {
  if (text === '' || !/json/.test(headers.get('content-type') ?? '')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off or a lie of the content type: the text says what came
  }
}
