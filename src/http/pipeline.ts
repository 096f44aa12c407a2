// What every request passes, in one order from cheap to costly: form of the headers, token, signature
// (form, key, age, replay, digest, verification), scope, schema, and then its handler.

import type { Readable } from 'node:stream';
import { headerPairs, type SignedMessage } from '@unwind/signatures';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, Caller, Signer } from '../auth/authenticate.ts';
import type { Scope } from '../auth/scope.ts';
import { sha256 } from '../auth/secret.ts';
import { parseId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { type Act, type Actor, actLengths } from '../trail/act.ts';
import { checkAccept } from './accept.ts';
import type { OperationId } from './openapi/operations.ts';
import type { OriginOf } from './origin.ts';
import type { Rates } from './rates.ts';

/** What a handler answers: a text, a stream, or nothing. */
export interface HttpResponse {
  readonly status: number;
  readonly body?: string;
  /** Media type of the body; default JSON. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Begins the body that goes on by itself; not called for a HEAD. */
  readonly stream?: () => Readable;
}

/** A request that is authenticated and allowed. */
export interface Call {
  readonly caller: Caller;
  /** Path parameters as sent; `idParam` reads one. */
  readonly params: Readonly<Record<string, string>>;
  /** The path as sent. */
  readonly path: string;
  /** The query as sent, without its question mark. */
  readonly search: string;
  readonly rawBody: Buffer;
  readonly contentType: string | undefined;
  /** Where a reader of a stream was (the header `last-event-id`). */
  readonly lastEventId: string | undefined;
  /** Whether the token may still do this, for what outlives the request. */
  readonly holds: () => Promise<boolean>;
  /** The key, in lower case without dashes; empty on routes that are not idempotent by key. */
  readonly idempotencyKey: string;
  /** SHA-256 of method, path and body: what "the same request" means. Empty where the key is. */
  readonly requestHash: Buffer;
  /** HEAD: only the headers of the response are sent, so nothing may be used up for its body. */
  readonly isHead: boolean;
  /** Whether its client still waits for the response, and the service goes on. */
  readonly isAwaited: () => boolean;
}

export type Handler = (call: Call) => Promise<HttpResponse>;

export interface SignedRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Its id in the API document; what it says of itself stands in `openapi/`, by room. */
  readonly operation: OperationId;
  /** Any one of them; `admin` stands in for `read`, since routes list both. */
  readonly scopes: readonly Scope[];
  /** Whether the contract demands an `idempotency-key`. */
  readonly idempotent: boolean;
  /** Media type of its response; default JSON. */
  readonly type?: 'text/event-stream';
  /** Largest body in bytes, where it is not `requestBodyBytesMax`. */
  readonly bodyBytesMax?: number;
  readonly handler: Handler;
}

const noBytes = Buffer.alloc(0);
// The name of the scheme in any letter case (RFC 9110 section 11.1).
const bearer = /^bearer +([a-zA-Z0-9\-._~+/]+=*)$/i;
const idempotencyKeyForm =
  /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-5][0-9a-fA-F]{3}-?[089abAB][0-9a-fA-F]{3}-?[0-9a-fA-F]{12}$/;

/** Who is asked whether a request may pass. */
export interface Gate {
  readonly authenticator: Authenticator;
  readonly rates: Rates;
  readonly originOf: OriginOf;
}

/**
 * Whether who sends a body beyond the usual size holds a token for it: looked at before any of it is read, so
 * that no other client has the service hold much. Everything else is checked once it is there.
 * @returns the client that it says it is. @throws Refusal
 */
export async function admitLargeBody(
  route: SignedRoute,
  request: FastifyRequest,
  { authenticator, rates, originOf }: Gate,
): Promise<string> {
  const clientId = readClientId(request);
  const token = bearer.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const claim = { clientId, token, origin: originOf(request) };
  const attempt = { address: request.ip, clientId, credential: token };
  await rates.authenticate(attempt, async () => {
    if (await authenticator.holds(claim, route.scopes)) return;
    const scopes = route.scopes.join(' or ');
    const detail = `A body of this size needs an access token with the scope ${scopes} before it is read.`;
    throw new Refusal('unauthorized', detail);
  });
  return clientId.toLowerCase();
}

/** Runs a request of a signed route through all checks and its handler. */
export async function handleSigned(
  route: SignedRoute,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { authenticator, rates, originOf }: Gate,
): Promise<HttpResponse> {
  const message = toMessage(request);
  checkAccept(headerOf(request, 'accept'), route.type);
  const clientId = readClientId(request);
  checkApiVersion(request);
  const token = bearer.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new Refusal('unauthorized', 'The header authorization carries no bearer token.');
  }
  const claim = { clientId, token, origin: originOf(request) };
  const attempt = { address: request.ip, clientId, credential: token };
  const signer = await rates.authenticate(attempt, () => {
    return authenticator.authenticate(message, claim);
  });
  reply.headers(rates.admitClient(signer.tenantId));
  if (!mayCall(route, signer)) {
    const detail = `The access token lacks the scope ${route.scopes.join(' or ')}.`;
    throw new Refusal('forbidden', detail);
  }
  const holds = () => authenticator.holds(claim, route.scopes);
  const caller = { ...signer, act: actOf(route, request, actorOf(signer, request)) };
  return route.handler(callOf(route, request, { caller, holds }));
}

export function mayCall(
  { scopes }: Pick<SignedRoute, 'scopes'>,
  caller: Pick<Caller, 'scopes'>,
): boolean {
  return scopes.some((scope) => caller.scopes.includes(scope));
}

/** A client, by the key that it has signed with. */
export function actorOf(
  { keyId, signedInAt: at }: Pick<Signer, 'keyId' | 'signedInAt'>,
  { ip }: FastifyRequest,
): Actor & Pick<Act, 'at' | 'reason'> {
  return { kind: 'client', name: keyId, role: undefined, origin: ip, at, reason: undefined };
}

/** Bodies that are not kept: what they say stands elsewhere, or is about a person. */
const bodiesLeftOut: ReadonlySet<OperationId> = new Set([
  'create_account_liquidation',
  'create_user',
  // The secret of the client.
  'issue_token',
  'revoke_token',
]);

/** Those of them that can be guessed: a reader of the trail could try values until their hash fits. */
const bodiesNotHashed: ReadonlySet<OperationId> = new Set([
  'create_user',
  'issue_token',
  'revoke_token',
]);

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is recorded of a request once it is done; undefined where it only reads. */
export function actOf(
  { method, path, operation }: Pick<SignedRoute, 'method' | 'path' | 'operation'>,
  request: FastifyRequest,
  by: Actor & Pick<Act, 'at' | 'reason'>,
): Act | undefined {
  if (method === 'GET') return undefined;
  const params = request.params as Readonly<Record<string, string>>;
  // Made of the route, so that one thing has one name however its address was written.
  const target = path.replaceAll(/:(\w+)/g, (_, name) => {
    const value = params[name] ?? '';
    return uuid.test(value) ? value.toLowerCase() : encodeURIComponent(value);
  });
  const body = bodyOf(request);
  const detail =
    body.length === 0 || bodiesLeftOut.has(operation)
      ? undefined
      : body.subarray(0, actLengths.detail).toString('utf8');
  const requestSha256 = bodiesNotHashed.has(operation) ? undefined : hashOf(method, target, body);
  return { ...by, operation, target, detail, requestSha256 };
}

function hashOf(method: string, path: string, body: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from(`${method} ${path}\n`), body]));
}

/**
 * What a handler gets of a request that is allowed.
 * @param prefix what the path was sent with before the path of the route.
 */
export function callOf(
  route: SignedRoute,
  request: FastifyRequest,
  { caller, holds }: Pick<Call, 'caller' | 'holds'>,
  prefix = '',
): Call {
  const [target, search] = splitTarget(request.raw.url ?? '/');
  const path = target.slice(prefix.length);
  const rawBody = bodyOf(request);
  return {
    caller,
    params: request.params as Readonly<Record<string, string>>,
    path,
    search,
    rawBody,
    contentType: headerOf(request, 'content-type'),
    lastEventId: headerOf(request, 'last-event-id'),
    holds,
    idempotencyKey: route.idempotent ? readIdempotencyKey(request) : '',
    requestHash: route.idempotent ? hashOf(route.method, path, rawBody) : noBytes,
    isHead: request.method === 'HEAD',
    isAwaited: () => !request.raw.socket.destroyed && request.server.server.listening,
  };
}

/** The request as its sender signed it: raw target, all header lines, body bytes. */
export function toMessage(request: FastifyRequest): SignedMessage {
  const { rawHeaders, method = 'GET', url = '/' } = request.raw;
  return { method, target: url, headers: headerPairs(rawHeaders), body: bodyOf(request) };
}

export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : noBytes;
}

/** The value of a header that may come once; undefined where it is absent. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** `upvest-client-id`. @throws Refusal `bad_request` when it is missing or no UUID. */
export function readClientId(request: FastifyRequest): string {
  const clientId = headerOf(request, 'upvest-client-id');
  if (clientId === undefined) {
    throw new Refusal('bad_request', 'The header upvest-client-id is missing.');
  }
  if (parseId(clientId) === undefined) {
    throw new Refusal('bad_request', 'The header upvest-client-id is no UUID.');
  }
  return clientId;
}

/** @throws Refusal `bad_request` for any version but 1. */
export function checkApiVersion(request: FastifyRequest): void {
  const version = headerOf(request, 'upvest-api-version');
  if (version !== undefined && version !== '1') {
    throw new Refusal('bad_request', 'The header upvest-api-version can only be 1.');
  }
}

function readIdempotencyKey(request: FastifyRequest): string {
  const key = headerOf(request, 'idempotency-key');
  if (key === undefined) throw new Refusal('bad_request', 'The header idempotency-key is missing.');
  if (!idempotencyKeyForm.test(key)) {
    throw new Refusal('bad_request', 'The header idempotency-key is no UUID of version 0 to 5.');
  }
  return key.replaceAll('-', '').toLowerCase();
}

/** The query as sent, without its question mark. */
export function searchOf(request: FastifyRequest): string {
  return splitTarget(request.raw.url ?? '/')[1];
}

function splitTarget(target: string): [path: string, search: string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** A path parameter as id; where it is none, the refusal the contract lists for the operation. */
export function idParam<Thing extends string>(
  call: Call,
  name: string,
  otherwise: 'bad_request' | 'not_found',
) {
  const id = parseId<Thing>(call.params[name] ?? '');
  if (id === undefined) throw new Refusal(otherwise, `The path parameter ${name} is no UUID.`);
  return id;
}
