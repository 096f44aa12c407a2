// A call as an operation makes it: a request that carries a token, is sent again where that is safe,
// and ends with the object of the response or a typed error.

import { randomUUID } from 'node:crypto';
import { abortable } from './abortable.ts';
import type { Token } from './contract.ts';
import { ApiError, type ApiResponse } from './errors.ts';
import {
  exchange,
  exchangeStream,
  type Outgoing,
  type PreparedRequest,
  prepare,
  type Sender,
  type StreamBody,
} from './exchange.ts';
import { type Persistence, persist, type RetryPolicy } from './retry.ts';
import { type HeldToken, TokenKeeper } from './token.ts';

/** What a caller may say about one call. */
export interface CallOptions {
  /** Ends the call at once, with the signal's reason; the service may still do what it asks. */
  readonly signal?: AbortSignal;
  /** How long the call may take with all its attempts, in ms; default 60 s. */
  readonly deadlineMs?: number;
}

/** A call of an operation that is done once for each key. */
export interface KeyedOptions extends CallOptions {
  /** Default a fresh one. Give your own to be able to ask again after a crash. */
  readonly idempotencyKey?: string;
}

/** Any request of the contract. */
export interface ApiRequest extends KeyedOptions {
  readonly method: string;
  /** Path, and query where `query` does not give it. */
  readonly target: string;
  readonly query?: object | undefined;
  /** A value that becomes JSON. */
  readonly json?: unknown;
  /** Beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes calls for one client, with one token between them. */
export class Caller {
  readonly #sender: Sender;
  readonly #policy: RetryPolicy;
  readonly #tokens: TokenKeeper;

  constructor(sender: Sender, policy: RetryPolicy, credentials: Credentials) {
    this.#sender = sender;
    this.#policy = policy;
    this.#tokens = new TokenKeeper(() => this.#askForToken(credentials), sender.now);
  }

  /**
   * The object of a successful response; undefined where it has no body. Its type is the caller's word.
   *
   * @throws ApiError, NoResponseError, or the reason of `signal`.
   */
  async request<T>(request: ApiRequest): Promise<T> {
    const { method, idempotencyKey, signal } = request;
    const outgoing = outgoingOf(request);
    const renewal = { isDone: false };
    const { response, attempts } = await persist(
      (either, sending) => {
        return this.#sendWithToken(
          outgoing,
          { signal: either, sending },
          { renewal, by: exchange },
        );
      },
      {
        ...this.#persistence(request.deadlineMs, signal),
        isRepeatable: method !== 'POST' || idempotencyKey !== undefined,
        idempotencyKey,
      },
    );
    if (response.status >= 200 && response.status < 300) return response.json as T;
    throw new ApiError(response, { attempts, idempotencyKey });
  }

  /** The object at a path. @throws as `request` does. */
  get<T>(target: string, options?: CallOptions & Pick<ApiRequest, 'query'>): Promise<T> {
    return this.request({ method: 'GET', target, ...options });
  }

  /** Posts what is done once for each key. @throws as `request` does. */
  postOnce<T>(target: string, json: object, options: KeyedOptions = {}): Promise<T> {
    const { idempotencyKey = randomUUID(), ...others } = options;
    return this.request({ method: 'POST', target, json, idempotencyKey, ...others });
  }

  /** Opens a stream of events, asking again as `request` does. The signal ends it at any time. */
  async open(request: ApiRequest & { readonly signal: AbortSignal }): Promise<StreamBody> {
    const { signal } = request;
    const outgoing = outgoingOf(request);
    const renewal = { isDone: false };
    let body: StreamBody | undefined;
    const take = (opened: StreamBody) => {
      body = opened;
    };
    const by: Exchange = (sender, sent, either) => {
      return exchangeStream(sender, sent, either, { signal, take });
    };
    const { response, attempts } = await persist(
      (either, sending) => {
        return this.#sendWithToken(outgoing, { signal: either, sending }, { renewal, by });
      },
      {
        ...this.#persistence(request.deadlineMs, signal),
        isRepeatable: true,
        idempotencyKey: undefined,
      },
    );
    if (body !== undefined) return body;
    throw new ApiError(response, { attempts, idempotencyKey: undefined });
  }

  /**
   * Sends a request once and gives the response, whatever its status. @throws NoResponseError; ApiError
   * when there is no token to be had.
   */
  async send(request: ApiRequest): Promise<ApiResponse> {
    const { idempotencyKey, signal } = request;
    const outgoing = outgoingOf(request);
    const persistence = this.#persistence(request.deadlineMs, signal);
    const policy = { ...persistence.policy, attemptsMax: 1 };
    const of = { ...persistence, policy, isRepeatable: false, idempotencyKey };
    const { response } = await persist(async (either, sending) => {
      const { text } = await abortable(this.#tokens.valid(), either);
      sending();
      return exchange(this.#sender, withToken(outgoing, text), either);
    }, of);
    return response;
  }

  /** The request with a valid token, signed and not sent. @throws as `request` does for the token. */
  async prepare(request: ApiRequest): Promise<PreparedRequest> {
    const { text } = await this.#tokens.valid();
    return prepare(this.#sender, withToken(outgoingOf(request), text));
  }

  /** The scopes of the token, which may be fewer than were asked for. */
  async scopes(): Promise<readonly string[]> {
    const { scopes } = await this.#tokens.valid();
    return scopes;
  }

  /**
   * A 401 has changed nothing, so the request may go out again: once, with a new token, where the old
   * one may have been at fault. Many calls with one old token ask for one new one.
   */
  async #sendWithToken(
    outgoing: Outgoing,
    { signal, sending }: { signal: AbortSignal; sending: () => void },
    { renewal, by }: { readonly renewal: { isDone: boolean }; readonly by: Exchange },
  ): Promise<ApiResponse> {
    const { asked } = this.#tokens;
    const token = await abortable(this.#tokens.valid(), signal);
    sending();
    const response = await by(this.#sender, withToken(outgoing, token.text), signal);
    if (response.status !== 401) return response;
    this.#tokens.drop(token);
    const isFresh = token.number > asked;
    if (isFresh || renewal.isDone) return response;
    renewal.isDone = true;
    const { text } = await abortable(this.#tokens.valid(), signal);
    return by(this.#sender, withToken(outgoing, text), signal);
  }

  async #askForToken({ clientSecret, scopes }: Credentials): Promise<Token> {
    const form = new URLSearchParams({
      client_id: this.#sender.clientId,
      client_secret: clientSecret,
      grant_type: 'client_credentials',
      scope: scopes.join(' '),
    });
    const outgoing: Outgoing = {
      method: 'POST',
      target: '/auth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new TextEncoder().encode(form.toString()),
    };
    const { response, attempts } = await persist(
      (signal, sending) => {
        sending();
        return exchange(this.#sender, outgoing, signal);
      },
      { ...this.#persistence(), isRepeatable: true, idempotencyKey: undefined },
    );
    const token = response.json as Partial<Token> | undefined;
    if (response.status === 200 && typeof token?.access_token === 'string') return token as Token;
    throw new ApiError(response, { attempts, idempotencyKey: undefined });
  }

  #persistence(deadlineMs = this.#policy.deadlineMs, signal?: AbortSignal): Persistence {
    const { baseUrl, now } = this.#sender;
    return { baseUrl, policy: { ...this.#policy, deadlineMs }, now, signal };
  }
}

/** How one request is sent and answered. */
type Exchange = (sender: Sender, sent: Outgoing, signal: AbortSignal) => Promise<ApiResponse>;

/** What a client proves itself with beside its key. */
export interface Credentials {
  readonly clientSecret: string;
  readonly scopes: readonly string[];
}

function outgoingOf(request: ApiRequest): Outgoing {
  const { method, target, query, json, idempotencyKey, headers = {} } = request;
  const given = Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] => {
    return value === undefined ? [] : [[name, String(value)]];
  });
  const search = new URLSearchParams(given);
  return {
    method,
    target: given.length === 0 ? target : `${target}?${search}`,
    headers: {
      ...headers,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    body: new TextEncoder().encode(json === undefined ? '' : JSON.stringify(json)),
  };
}

function withToken(outgoing: Outgoing, token: HeldToken['text']): Outgoing {
  return { ...outgoing, headers: { authorization: `Bearer ${token}`, ...outgoing.headers } };
}
