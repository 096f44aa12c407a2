// What answers have in common: their headers, and the problems that any operation can answer. Which
// operation adds which problem stands with the operation.

import type { RefusalCode } from '../../refusal.ts';
import { problemKinds } from '../problem.ts';
import type { Refusals } from './operation.ts';

const requestId = '169ae4c7-ebd7-4041-94da-25369653eba7';

/** Header parameters of responses, by their name among the components. */
export const responseHeaders = {
  UpvestRequestId: {
    name: 'upvest-request-id',
    required: true,
    description:
      'The id of this request in the log of the service. Errors repeat it in `request_id`.',
    schema: { type: 'string', format: 'uuid' },
    example: requestId,
  },
  IdempotencyReplayed: {
    name: 'idempotency-replayed',
    description: 'Present, and `true`, when this is the stored response to an earlier request.',
    schema: { type: 'string', const: 'true' },
    example: 'true',
  },
  Allow: {
    name: 'allow',
    required: true,
    description: 'The methods this path knows.',
    schema: { type: 'string' },
    example: 'GET, HEAD, POST, OPTIONS',
  },
  Location: {
    name: 'location',
    description: 'The resource that is in the way, where there is one.',
    schema: { type: 'string', format: 'uri-reference' },
    example:
      '/accounts/debf2026-f2da-4ff0-bb84-92e45babb1e3/liquidations/b2f541dc-a27b-4d5a-b970-41812b0892b9',
  },
  Link: {
    name: 'link',
    description:
      'The next page, with `rel="next"` (RFC 8288); absent on the last page. A page holds 4 MiB at ' +
      'most, so one of very large items may be shorter than `limit`: go on with this link.',
    schema: { type: 'string' },
    example: '</webhooks?limit=100&offset=100>; rel="next"',
  },
  RetryAfter: {
    name: 'retry-after',
    required: true,
    description: 'Whole seconds after which it is worth trying again.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
    example: '1',
  },
  MayRetryAfter: {
    name: 'retry-after',
    description: 'Whole seconds after which it is worth trying again; absent where it is not.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
    example: '1',
  },
  RateLimit: {
    name: 'ratelimit',
    description:
      'Requests left to the client (`r`) and seconds until there are more (`t`); absent without a ' +
      'limit.',
    schema: { type: 'string' },
    example: '"client";r=199;t=1',
  },
  RateLimitPolicy: {
    name: 'ratelimit-policy',
    description: 'The limit of the client: `q` requests in `w` seconds; absent without one.',
    schema: { type: 'string' },
    example: '"client";q=200;w=1',
  },
  WwwAuthenticate: {
    name: 'www-authenticate',
    required: true,
    description: 'How to authenticate: a bearer token (RFC 6750).',
    schema: { type: 'string' },
    example: 'Bearer realm="unwind"',
  },
  ETag: {
    name: 'etag',
    required: true,
    description: 'Names this version; send it back in `if-none-match`.',
    schema: { type: 'string' },
    example: '"3f1c"',
  },
  CacheControl: {
    name: 'cache-control',
    required: true,
    description: 'How long the response may be kept.',
    schema: { type: 'string' },
    example: 'no-store',
  },
} as const;

export type HeaderName = keyof typeof responseHeaders;

/** How many requests a client has left, once it is authenticated. */
export const rateHeaders = ['RateLimit', 'RateLimitPolicy'] as const;

/** What problems carry besides these and `upvest-request-id`. */
export const problemHeaders: Readonly<Partial<Record<RefusalCode, readonly HeaderName[]>>> = {
  unauthorized: ['WwwAuthenticate'],
  method_not_allowed: ['Allow'],
  conflict: ['Location', 'MayRetryAfter'],
  too_many_requests: ['RetryAfter'],
  service_unavailable: ['RetryAfter'],
};

/** What any operation that is signed can answer. */
export const everySigned: Refusals = {
  bad_request: 'A header, parameter or member is missing, malformed or unknown; `detail` names it.',
  unauthorized:
    'The token or the signature is not valid: unknown, expired, used before, or over other bytes.',
  forbidden: 'The token lacks the scope of this operation.',
  method_not_allowed: 'The path does not know the method; `allow` lists those it knows.',
  not_acceptable: 'The header `accept` does not admit JSON.',
  content_too_large: 'The request has a body of more than 16 KiB.',
  too_many_requests:
    'The client sends more requests than it may, or its address failed to authenticate too often.',
  internal_server_error: 'The service failed. The fault is logged under `request_id`.',
  service_unavailable:
    'The database cannot serve the request now, or too many requests wait. Nothing was changed; try again after `retry-after` seconds.',
  gateway_timeout:
    'The request outlived its deadline and was rolled back, unless its commit was on the way; ' +
    'ask again with the same idempotency key.',
};

/** What any operation that is not signed can answer: it is still an HTTP request. */
export const everyOpen: Refusals = {
  bad_request: 'The request is not well-formed.',
  method_not_allowed: 'The path does not know the method; `allow` lists those it knows.',
  internal_server_error: 'The service failed. The fault is logged under `request_id`.',
  gateway_timeout: 'The request outlived its deadline.',
};

export const unsupportedBody = 'The header `content-type` names another form than the one below.';
export const otherRequestUnderKey =
  'The idempotency key was used for another request: other method, path or body.';

/** The body of a problem as an example. */
export function problemExample(code: RefusalCode, detail: string): object {
  const { status, title } = problemKinds[code];
  return {
    type: code,
    status,
    title,
    detail: detail.replaceAll('`', ''),
    instance: `urn:uuid:${requestId}`,
    request_id: requestId,
  };
}
