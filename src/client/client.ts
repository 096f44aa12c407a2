// A client of the API: gets tokens, signs requests, sends them. It depends on nothing of the server
// but the signature code, which knows no server.

import { createPrivateKey, randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import type { DialectVersion } from '../signatures/dialect.ts';
import { keyAlgorithm } from '../signatures/keys.ts';
import { type SigningKey, signMessage, usualComponents } from '../signatures/sign.ts';

export interface ClientOptions {
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly keyId: string;
  /** PEM, PKCS #8. */
  readonly privateKeyPem: string;
  /** Names of the scopes to ask for. */
  readonly scopes: readonly string[];
  readonly dialect?: DialectVersion;
}

export interface ApiRequest {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  /** A value that becomes JSON. */
  readonly json?: unknown;
  readonly idempotencyKey?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; undefined where there is none. */
  readonly json: unknown;
}

/** Signatures live so many seconds. */
const signatureLifeS = 60;
/** A token is renewed so many ms before it expires. */
const renewBeforeMs = 60_000;
const timeoutMs = 30_000;

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

/** One client with its key; safe to share. `close` it, so that its connections end. */
export class Client {
  readonly #options: ClientOptions;
  readonly #key: SigningKey;
  readonly #agent = new Agent({ connections: 32 });
  #token: { text: string; expiresAtMs: number } | undefined;

  /** @throws when the private key cannot be read. */
  constructor(options: ClientOptions) {
    this.#options = options;
    const privateKey = createPrivateKey(options.privateKeyPem);
    this.#key = { privateKey, algorithm: keyAlgorithm(privateKey) };
  }

  /** Sends a signed request with a valid token. @throws when no answer comes. */
  async send(what: ApiRequest): Promise<ApiAnswer> {
    const authorization = `Bearer ${await this.#validToken()}`;
    const body = what.json === undefined ? '' : JSON.stringify(what.json);
    return this.#sendSigned(what.method, what.target, body, {
      authorization,
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...(what.idempotencyKey === undefined ? {} : { 'idempotency-key': what.idempotencyKey }),
    });
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  /** Asks for a new token. */
  async requestToken(): Promise<ApiAnswer> {
    const { clientId, clientSecret, scopes } = this.#options;
    const form = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret,
      grant_type: 'client_credentials',
      scope: scopes.join(' '),
    });
    return this.#sendSigned('POST', '/auth/token', form.toString(), {
      'content-type': 'application/x-www-form-urlencoded',
    });
  }

  async #validToken(): Promise<string> {
    if (this.#token !== undefined && this.#token.expiresAtMs > Date.now()) return this.#token.text;
    const answer = await this.requestToken();
    const { access_token: text, expires_in: lifeS } = (answer.json ?? {}) as Record<
      string,
      unknown
    >;
    if (answer.status !== 200 || typeof text !== 'string') {
      throw new Error(`no token: ${answer.status} ${answer.text}`);
    }
    this.#token = { text, expiresAtMs: Date.now() + Number(lifeS) * 1_000 - renewBeforeMs };
    return text;
  }

  async #sendSigned(
    method: string,
    target: string,
    body: string,
    own: Readonly<Record<string, string>>,
  ): Promise<ApiAnswer> {
    const bytes = Buffer.from(body);
    const headers = {
      accept: 'application/json',
      'upvest-client-id': this.#options.clientId,
      ...(bytes.length === 0 ? {} : { 'content-length': String(bytes.length) }),
      ...own,
    };
    const signature = await this.#sign({ method, target, headers, body: bytes });
    const answer = await request(new URL(target, this.#options.baseUrl), {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: { ...headers, ...signature },
      signal: AbortSignal.timeout(timeoutMs),
      ...(bytes.length === 0 ? {} : { body: bytes }),
    });
    const text = await answer.body.text();
    const isJson = /json/.test(String(answer.headers['content-type'] ?? ''));
    const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: answer.statusCode, headers: answer.headers, text, json };
  }

  async #sign(message: {
    method: string;
    target: string;
    headers: Readonly<Record<string, string>>;
    body: Buffer;
  }) {
    const { dialect = '15', keyId } = this.#options;
    const signed = { ...message, headers: Object.entries(message.headers) };
    const created = Math.floor(Date.now() / 1_000);
    const components = usualComponents({
      dialect,
      message: signed,
      headers: coveredHeaders,
      expires: true,
    });
    const params = {
      keyid: keyId,
      created,
      expires: created + signatureLifeS,
      ...(dialect === '1' ? {} : { nonce: randomUUID() }),
    };
    return {
      ...(await signMessage({ dialect, message: signed, components, params, key: this.#key })),
    };
  }
}
