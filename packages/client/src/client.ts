// `unwind/client`: a client of the API for TypeScript. It signs, holds a token, asks again where that
// is safe, and goes through lists. It needs nothing of the service but the signature code.

import type { KeyObject } from 'node:crypto';
import {
  allDialects,
  type DialectVersion,
  parsePrivateKey,
  type SigningKey,
  UnusableKeyError,
} from '@unwind/signatures';
import { type ApiRequest, Caller } from './call.ts';
import type { StreamQuery } from './control.ts';
import { type Batches, batchesOf, type Control, controlOf } from './control-operations.ts';
import type { ApiResponse } from './errors.ts';
import { EventStream } from './event-stream.ts';
import type { PreparedRequest } from './exchange.ts';
import {
  type Events,
  eventsOf,
  type Liquidations,
  liquidationsOf,
  type Webhooks,
  webhooksOf,
} from './operations.ts';
import {
  type Accounts,
  type Executions,
  type Instruments,
  type Orders,
  type Positions,
  readingOf,
  type Users,
} from './reading.ts';
import { type RetryPolicy, usualRetryPolicy } from './retry.ts';

export type { DialectVersion } from '@unwind/signatures';
// biome-ignore lint/performance/noBarrelFile: what a user of the package needs has one address.
export { UnusableKeyError } from '@unwind/signatures';
export type * from './batches.ts';
export type * from './book.ts';
export type { ApiRequest, CallOptions, KeyedOptions } from './call.ts';
export type * from './contract.ts';
export type * from './control.ts';
export type { Batches, Control, SteerRequest } from './control-operations.ts';
export type { ApiResponse, Problem } from './errors.ts';
export { ApiError, LogGapError, NoResponseError, StillRunningError } from './errors.ts';
export type { EventStream, StreamedEvent } from './event-stream.ts';
export type { LoggedBatchEvent, LoggedEvent, LoggedLiquidationEvent } from './events.ts';
export { isBatchEvent, isLiquidationEvent } from './events.ts';
export type { PreparedRequest } from './exchange.ts';
export type * from './halts.ts';
export type { CursorListing, CursorPage, EventLog, EventPage, Listing, Page } from './listing.ts';
export type * from './looks.ts';
export type { NoResponseReason } from './network-fault.ts';
export type { Events, Liquidations, Replay, WaitOptions, Webhooks } from './operations.ts';
export type * from './pre-trade.ts';
export type * from './preview.ts';
export type { Accounts, Executions, Instruments, Orders, Positions, Users } from './reading.ts';
export type { RetryPolicy } from './retry.ts';
export type * from './subscriptions.ts';
export type * from './trail.ts';

export interface ClientOptions {
  /** Where the service is, for example `https://api.example.com`. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The id under which the public key is registered. */
  readonly keyId: string;
  /** PEM (PKCS #8) or Node's own: Ed25519, or ECDSA on P-256, P-384 or P-521. */
  readonly privateKey: string | KeyObject;
  /** Names of the scopes to ask for. */
  readonly scopes: readonly string[];
  /** How requests are signed; default draft 15, which takes every key. 9421 takes no P-521. */
  readonly dialect?: DialectVersion;
  readonly retry?: Partial<RetryPolicy>;
  /** Default the platform's; give one that goes through a proxy, for example. */
  readonly fetch?: typeof fetch;
  /** The clock that signatures and tokens go by; default the machine's. */
  readonly now?: () => Date;
}

/** One client of the API with its key and its token. Make one and share it; it needs no closing. */
export class Client {
  readonly liquidations: Liquidations;
  readonly webhooks: Webhooks;
  readonly events: Events;
  readonly users: Users;
  readonly accounts: Accounts;
  readonly positions: Positions;
  readonly orders: Orders;
  readonly executions: Executions;
  readonly instruments: Instruments;
  readonly control: Control;
  readonly batches: Batches;
  readonly #caller: Caller;

  /** @throws TypeError or UnusableKeyError when URL or private key cannot be used; each says why. */
  constructor(options: ClientOptions) {
    const { clientId, clientSecret, keyId, scopes, dialect = '15' } = options;
    const sender = {
      baseUrl: baseUrlOf(options.baseUrl),
      clientId,
      keyId,
      key: keyFor(dialect, parsePrivateKey(options.privateKey)),
      dialect,
      fetch: options.fetch ?? fetch,
      now: options.now ?? (() => new Date()),
    };
    const policy = { ...usualRetryPolicy, ...options.retry };
    this.#caller = new Caller(sender, policy, { clientSecret, scopes });
    this.liquidations = liquidationsOf(this.#caller);
    this.webhooks = webhooksOf(this.#caller);
    this.events = eventsOf(this.#caller);
    const { users, accounts, positions, orders, executions, instruments } = readingOf(this.#caller);
    this.users = users;
    this.accounts = accounts;
    this.positions = positions;
    this.orders = orders;
    this.executions = executions;
    this.instruments = instruments;
    this.control = controlOf(this.#caller);
    this.batches = batchesOf(this.#caller);
  }

  /** The scopes that were granted, which may be fewer than were asked for. @throws as `request` does. */
  grantedScopes(): Promise<readonly string[]> {
    return this.#caller.scopes();
  }

  /**
   * Any other operation: the object of a successful response, of the type you say. Sent again where
   * that is safe: a POST only with an `idempotencyKey`.
   *
   * @throws ApiError, NoResponseError, or the reason of `signal`.
   */
  request<T>(request: ApiRequest): Promise<T> {
    return this.#caller.request<T>(request);
  }

  /**
   * The events of the client as they happen, without loss or repeats: it connects again by itself, and goes
   * on behind the last event that was taken. Ends with `signal`, whose reason it throws.
   *
   * @throws LogGapError, ApiError, NoResponseError, or the reason of `signal`.
   */
  stream(query: StreamQuery, signal: AbortSignal): EventStream {
    return new EventStream(this.#caller, query, signal);
  }

  /** The request, signed, as `fetch` would send it: to look at, or to send in another way, once. */
  prepare(request: ApiRequest): Promise<PreparedRequest> {
    return this.#caller.prepare(request);
  }

  /** Sends one signed request once and gives the response whatever its status. @throws NoResponseError */
  send(request: ApiRequest): Promise<ApiResponse> {
    return this.#caller.send(request);
  }
}

function baseUrlOf(text: string): URL {
  const expected = 'expected is an address such as https://api.example.com';
  if (!URL.canParse(text)) throw new TypeError(`baseUrl "${text}" cannot be read; ${expected}.`);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) {
    throw new TypeError(`baseUrl "${text}" does not begin with http:// or https://; ${expected}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(
      'baseUrl has a user or password in it; the client id and secret go elsewhere.',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new TypeError(`baseUrl "${text}" has a query or fragment; ${expected}.`);
  }
  return url;
}

function keyFor(dialect: DialectVersion, key: SigningKey): SigningKey {
  if (allDialects[dialect].schemes.has(key.algorithm)) return key;
  throw new UnusableKeyError(`Signature version ${dialect} takes no key of ${key.algorithm}.`);
}
