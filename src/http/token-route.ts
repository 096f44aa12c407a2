// `POST /auth/token` (decisions, point 12) and `POST /auth/revoke` (RFC 7009): the operations that are
// signed but carry no token. Their client says who it is in a form.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, ClientCaller } from '../auth/authenticate.ts';
import { issueToken, revokeToken } from '../auth/issue-token.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { checkAccept } from './accept.ts';
import type { OpenRoute, Work } from './open-route.ts';
import type { OriginOf } from './origin.ts';
import {
  actOf,
  actorOf,
  bodyOf,
  checkApiVersion,
  headerOf,
  readClientId,
  searchOf,
  toMessage,
} from './pipeline.ts';
import type { Rates } from './rates.ts';
import { pairsOf, readNoQuery, tokenFieldLengthMax } from './schemas.ts';

const formType = /^application\/x-www-form-urlencoded(\s*;\s*charset="?utf-8"?)?\s*$/i;
const credentials = ['client_id', 'client_secret'] as const;

interface Options {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly rates: Rates;
  readonly originOf: OriginOf;
  /** Whether a token is issued without the scopes that are not known here, and not refused. */
  readonly ignoresUnknownScopes: boolean;
}

export function tokenRoutes(options: Options): readonly OpenRoute[] {
  return [issueRoute(options), revokeRoute(options)];
}

const issuing = { method: 'POST', path: '/auth/token', operation: 'issue_token' } as const;
const revoking = { method: 'POST', path: '/auth/revoke', operation: 'revoke_token' } as const;

function issueRoute(options: Options): OpenRoute {
  const work: Work = async (request, reply) => {
    checkHeaders(request);
    const form = readForm(request, [...credentials, 'grant_type', 'scope']);
    const caller = await authenticateClient(options, { request, reply, form }, issuing);
    if (form.grant_type !== 'client_credentials') {
      throw new Refusal('bad_request', 'The field grant_type can only be client_credentials.');
    }
    const asked = { scope: form.scope, ignoresUnknown: options.ignoresUnknownScopes };
    const token = await issueToken(options.sql, options.clock, caller, asked);
    options.rates.prove({ clientId: form.client_id, credential: token.accessToken });
    const body = JSON.stringify({
      access_token: token.accessToken,
      expires_in: token.expiresInS,
      scope: token.scope,
      token_type: 'bearer',
    });
    return { status: 200, body, headers: { 'cache-control': 'no-store' } };
  };
  return { ...issuing, work };
}

function revokeRoute(options: Options): OpenRoute {
  const work: Work = async (request, reply) => {
    checkHeaders(request);
    const form = readForm(request, [...credentials, 'token'], ['token_type_hint']);
    const caller = await authenticateClient(options, { request, reply, form }, revoking);
    options.authenticator.forgetToken(await revokeToken(options.sql, caller, form.token));
    return { status: 200, headers: { 'cache-control': 'no-store' } };
  };
  return { ...revoking, work };
}

function checkHeaders(request: FastifyRequest): void {
  checkAccept(headerOf(request, 'accept'));
  checkApiVersion(request);
  readNoQuery(searchOf(request));
}

/** The client that the form names, if secret and signature are its own; counts the request. */
async function authenticateClient(
  { authenticator, rates, originOf }: Options,
  asked: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly form: Readonly<Record<(typeof credentials)[number], string>>;
  },
  route: typeof issuing | typeof revoking,
): Promise<ClientCaller> {
  const { request, reply, form } = asked;
  const isNamed = request.headers['upvest-client-id'] !== undefined;
  if (isNamed && readClientId(request).toLowerCase() !== form.client_id.toLowerCase()) {
    throw new Refusal('unauthorized', 'The header upvest-client-id names another client.');
  }
  const { client_id: clientId, client_secret: credential } = form;
  const claim = { clientId, clientSecret: credential, origin: originOf(request) };
  const signer = await rates.authenticate({ address: request.ip, clientId, credential }, () => {
    return authenticator.authenticateClient(toMessage(request), claim);
  });
  reply.headers(rates.admitClient(signer.tenantId));
  return { ...signer, act: actOf(route, request, actorOf(signer, request)) };
}

/** The needed fields of a form; optional ones are only let through. @throws Refusal */
function readForm<Field extends string>(
  request: FastifyRequest,
  needed: readonly Field[],
  optional: readonly string[] = [],
): Readonly<Record<Field, string>> {
  if (!formType.test(headerOf(request, 'content-type') ?? '')) {
    const detail = 'The body has to be application/x-www-form-urlencoded in UTF-8.';
    throw new Refusal('unsupported_media_type', detail);
  }
  const values = pairsOf(bodyOf(request).toString('utf8'));
  const known: readonly string[] = [...needed, ...optional];
  const unknown = [...values.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Refusal('bad_request', 'The form has an unknown field.');
  for (const field of known) {
    const given = values.getAll(field);
    const isOptional = optional.includes(field);
    if (given.length > 1 || (given.length === 0 && !isOptional)) {
      const often = isOptional ? 'at most' : 'exactly';
      throw new Refusal('bad_request', `The form needs the field ${field} ${often} once.`);
    }
    if ((given[0] ?? '').length > tokenFieldLengthMax) {
      throw new Refusal('bad_request', `The field ${field} is too long.`);
    }
  }
  return Object.fromEntries(needed.map((field) => [field, values.get(field) ?? ''])) as Record<
    Field,
    string
  >;
}
