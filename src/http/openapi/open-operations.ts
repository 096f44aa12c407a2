// What the document says of the routes that need no token: the token itself, probes and documents.

import { part } from '../members.ts';
import { revokeForm, tokenForm } from '../schemas.ts';
import { revokeRequest, tokenRequest, tokenResponse } from './examples.ts';
import { liveness, readiness, token } from './objects.ts';
import { exampleOf, type OperationPart, responseOf } from './operation.ts';

const unauthorized =
  'The client, its secret or its key is wrong (which of them is not said), or the signature does not hold.';

export const openOperations = {
  issue_token: {
    tag: 'Authentication',
    summary: 'Get a token',
    description:
      'The OAuth2 client credentials grant. The request is signed like any other, over its body; it ' +
      'carries no token. Ask for a new token before the old one expires, and for no more scopes than ' +
      'you use.',
    body: {
      type: 'application/x-www-form-urlencoded',
      schema: tokenForm,
      examples: exampleOf('request', 'Two scopes', tokenRequest),
    },
    success: {
      status: 200,
      description:
        'A token, with the scopes that `scope` names: those asked for, without those a sandbox does not know.',
      body: {
        schema: token,
        examples: exampleOf('token', 'A token for half an hour', tokenResponse),
      },
      headers: ['CacheControl'],
    },
    refusals: {
      bad_request: 'A field is missing, unknown or malformed, or a scope is not granted.',
      unauthorized,
    },
  },
  revoke_token: {
    tag: 'Authentication',
    summary: 'Revoke a token',
    description:
      'Ends an access token before its time (RFC 7009). The request is signed like one for a token. ' +
      'Every process refuses the token within 5 seconds. A token that is not known, or that is ' +
      'another client’s, is no error: the response is the same.',
    body: {
      type: 'application/x-www-form-urlencoded',
      schema: revokeForm,
      examples: exampleOf('request', 'A token that has leaked', revokeRequest),
    },
    success: { status: 200, description: 'The token works no more.', headers: ['CacheControl'] },
    refusals: {
      bad_request: 'A field is missing, unknown or malformed.',
      unauthorized,
    },
  },
  check_liveness: {
    tag: 'Service',
    summary: 'Is the process alive?',
    description: 'Answers as long as the process does, with or without its database.',
    success: responseOf('It is.', liveness, exampleOf('alive', 'Alive', { status: 'alive' })),
  },
  check_readiness: {
    tag: 'Service',
    summary: 'Can the process work?',
    description: 'Whether it reaches its database, knows its schema, and all its loops run.',
    success: responseOf(
      'It can.',
      readiness,
      exampleOf('ready', 'Ready', {
        status: 'ready',
        checks: { database: 'reached', schema: 'current', loops: 'running' },
      }),
    ),
    others: {
      503: { description: 'It cannot; `checks` says why.', body: { schema: readiness } },
    },
  },
  get_openapi_document: {
    tag: 'Service',
    summary: 'Get this document',
    description: 'This document, made of the schemas that validate requests.',
    success: {
      status: 200,
      description: 'The document of the operations this service has.',
      body: { schema: part('OpenAPI 3.1.', {}) },
      headers: ['ETag', 'CacheControl'],
    },
    others: {
      304: {
        description: 'It is still the one that `if-none-match` names.',
        headers: ['ETag', 'CacheControl'],
      },
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
