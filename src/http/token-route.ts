// `POST /auth/token` (decisions, point 12): the one operation that is signed but carries no token.

import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Authenticator } from '../auth/authenticate.ts';
import { issueToken } from '../auth/issue-token.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { checkAccept } from './accept.ts';
import type { OpenRoute, Work } from './open-route.ts';
import {
  bodyOf,
  checkApiVersion,
  countingFailures,
  headerOf,
  readClientId,
  searchOf,
  toMessage,
} from './pipeline.ts';
import type { Rates } from './rates.ts';
import { noQuery, queryReaderOf, tokenFieldLengthMax, type tokenForm } from './schemas.ts';

const form = /^application\/x-www-form-urlencoded(\s*;\s*charset="?utf-8"?)?\s*$/i;
const fields = ['client_id', 'client_secret', 'grant_type', 'scope'] as const;

const readNoQuery = queryReaderOf(noQuery);

type TokenForm = Readonly<Static<typeof tokenForm>>;

export function tokenRoute(options: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly rates: Rates;
}): OpenRoute {
  const { sql, clock, authenticator, rates } = options;
  const work: Work = async (request, reply) => {
    checkAccept(headerOf(request, 'accept'));
    checkApiVersion(request);
    readNoQuery(searchOf(request));
    const given = readForm(request);
    const isNamed = request.headers['upvest-client-id'] !== undefined;
    if (isNamed && readClientId(request).toLowerCase() !== given.client_id.toLowerCase()) {
      throw new Refusal('unauthorized', 'The header upvest-client-id names another client.');
    }
    const claim = { clientId: given.client_id, clientSecret: given.client_secret };
    const caller = await countingFailures(rates, request.ip, () => {
      return authenticator.authenticateClient(toMessage(request), claim);
    });
    reply.headers(rates.admitClient(caller.tenantId));
    if (given.grant_type !== 'client_credentials') {
      throw new Refusal('bad_request', 'The field grant_type can only be client_credentials.');
    }
    const token = await issueToken(sql, clock, caller, given.scope);
    const body = JSON.stringify({
      access_token: token.accessToken,
      expires_in: token.expiresInS,
      scope: token.scope,
      token_type: 'bearer',
    });
    return { status: 200, body, headers: { 'cache-control': 'no-store' } };
  };
  return { method: 'POST', path: '/auth/token', operation: 'issue_token', work };
}

function readForm(request: FastifyRequest): TokenForm {
  if (!form.test(headerOf(request, 'content-type') ?? '')) {
    const detail = 'The body has to be application/x-www-form-urlencoded in UTF-8.';
    throw new Refusal('unsupported_media_type', detail);
  }
  const values = new URLSearchParams(bodyOf(request).toString('utf8'));
  const unknown = [...values.keys()].find((name) => !fields.some((field) => field === name));
  if (unknown !== undefined) throw new Refusal('bad_request', 'The form has an unknown field.');
  const read = (field: (typeof fields)[number]): string => {
    const [value, ...others] = values.getAll(field);
    if (value === undefined || others.length > 0) {
      throw new Refusal('bad_request', `The form needs the field ${field} exactly once.`);
    }
    if (value.length > tokenFieldLengthMax) {
      throw new Refusal('bad_request', `The field ${field} is too long.`);
    }
    return value;
  };
  return {
    client_id: read('client_id'),
    client_secret: read('client_secret'),
    grant_type: read('grant_type'),
    scope: read('scope'),
  };
}
