// Describes one operation: its parameters, its body, all its responses, and how a request looks. What is
// particular about it comes from its part (operations.ts), the rest from what all have in common.

import type { RefusalCode } from '../../refusal.ts';
import type { OpenRoute } from '../open-route.ts';
import type { SignedRoute } from '../pipeline.ts';
import { problemKinds } from '../problem.ts';
import { type Json, type JsonObject, type Names, toJsonSchema } from './json-schema.ts';
import type { OperationPart, Refusals, Success } from './operation.ts';
import type { OperationId, operations } from './operations.ts';
import {
  type HeaderParameter,
  headerParameters,
  type Parameter,
  pathParameter,
} from './parameters.ts';
import {
  everyOpen,
  everySigned,
  type HeaderName,
  otherRequestUnderKey,
  problemExample,
  problemHeaders,
  rateHeaders,
  responseHeaders,
  unsupportedBody,
} from './responses.ts';
import { samplesOf } from './samples.ts';
import { oauthScheme, signatureScheme } from './scopes.ts';

/** What answers carry to a request with an idempotency key. */
const replayable = [...rateHeaders, 'IdempotencyReplayed'] as const;

const problemType = 'application/problem+json';

type Parts = typeof operations;

/** @throws Error for an operation without a description, where no compiler was asked. */
function partOf(id: OperationId, parts: Parts): OperationPart {
  const part: OperationPart | undefined = parts[id];
  if (part === undefined) {
    throw new Error(`Describe the operation ${id} in src/http/openapi/ (see operations.ts).`);
  }
  return part;
}

/** An operation that needs a token. */
export function signedOperation(route: SignedRoute, names: Names, parts: Parts): Json {
  const part = partOf(route.operation, parts);
  const digests: readonly HeaderParameter[] = part.body ? ['ContentDigest', 'Digest'] : [];
  const shared: readonly HeaderParameter[] = [
    'UpvestClientId',
    'Authorization',
    'Signature',
    'SignatureInput',
    'SignatureVersion',
    'ApiVersion',
    ...digests,
    ...(route.idempotent ? (['IdempotencyKey'] as const) : []),
  ];
  // Of the others a body is refused with 400, as the contract lists no 413 for them.
  const { content_too_large: tooLarge = '', ...always } = everySigned;
  const takesBody = route.method === 'POST' || route.method === 'PATCH';
  const refusals = {
    ...always,
    ...(takesBody ? { content_too_large: tooLarge } : {}),
    ...(part.body ? { unsupported_media_type: unsupportedBody } : {}),
    ...(route.idempotent ? { unprocessable_content: otherRequestUnderKey } : {}),
    ...part.refusals,
  };
  return {
    ...head(route.operation, part),
    security: route.scopes.map((scope) => ({ [oauthScheme]: [scope], [signatureScheme]: [] })),
    parameters: parameters(route.path, part.query, shared, names),
    ...requestBody(part, names),
    responses: responses(part, refusals, route.idempotent ? replayable : rateHeaders, names),
    'x-codeSamples': samples(route, part, shared, true),
  };
}

/** A route without a token. One with a body is signed unless it says otherwise: it is about tokens. */
export function openOperation(
  { method, path }: OpenRoute,
  id: OperationId,
  names: Names,
  parts: Parts,
): Json {
  const part = partOf(id, parts);
  const isSigned = part.body !== undefined && part.isUnsigned !== true;
  const shared: readonly HeaderParameter[] = isSigned
    ? [
        'TokenClientId',
        'Signature',
        'SignatureInput',
        'SignatureVersion',
        'ApiVersion',
        'ContentDigest',
        'Digest',
      ]
    : [];
  const usual = part.body ? { ...everySigned, unsupported_media_type: unsupportedBody } : everyOpen;
  const refusals = { ...usual, ...part.refusals };
  return {
    ...head(id, part),
    security: isSigned ? [{ [signatureScheme]: [] }] : [],
    parameters: parameters(path, part.query, shared, names),
    ...requestBody(part, names),
    responses: responses(part, refusals, isSigned ? rateHeaders : [], names),
    'x-codeSamples': samples({ method, path }, part, shared, isSigned),
  };
}

function head(operationId: OperationId, { tag, summary, description }: OperationPart): JsonObject {
  return { operationId, tags: [tag], summary, description };
}

function samples(
  { method, path }: { readonly method: string; readonly path: string },
  { body }: OperationPart,
  shared: readonly HeaderParameter[],
  isSigned: boolean,
): readonly Json[] {
  const inHeaders = shared.map((name) => headerParameters[name]);
  const [example] = Object.values(body?.examples ?? {});
  return samplesOf({
    method,
    path,
    parameters: [...pathParameters(path), ...inHeaders],
    body: body && { type: body.type ?? 'application/json', value: example?.value },
    isSigned,
  });
}

function pathParameters(path: string): readonly Parameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => pathParameter(name));
}

function parameters(
  path: string,
  query: OperationPart['query'],
  shared: readonly HeaderParameter[],
  names: Names,
): readonly Json[] {
  const required = new Set(query?.required ?? []);
  const inQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => {
    const { description, ...rest } = toJsonSchema(schema, names) as JsonObject;
    const isRequired = required.has(name);
    return {
      name,
      in: 'query',
      required: isRequired,
      description: description ?? '',
      schema: rest,
    };
  });
  const inHeaders = shared.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  return [...pathParameters(path), ...inQuery, ...inHeaders] as readonly Json[];
}

function requestBody({ body }: OperationPart, names: Names): JsonObject {
  if (body === undefined) return {};
  const { type = 'application/json', schema, examples } = body;
  const content = { [type]: { schema: toJsonSchema(schema, names), examples: examples as Json } };
  return { requestBody: { required: true, content } };
}

function responses(
  part: OperationPart,
  refusals: Refusals,
  usual: readonly HeaderName[],
  names: Names,
): JsonObject {
  const others = Object.entries(part.others ?? {}).map(([status, other]) => {
    return [status, answer(other, names)] as const;
  });
  const problems = (Object.entries(refusals) as [RefusalCode, string][])
    .map(([code, when]) => {
      return [String(problemKinds[code].status), problemOrReference(code, when)] as const;
    })
    .toSorted(([one], [other]) => one.localeCompare(other));
  const { success } = part;
  return {
    [success.status]: answer(
      { ...success, headers: [...usual, ...(success.headers ?? [])] },
      names,
    ),
    ...Object.fromEntries(problems),
    ...Object.fromEntries(others),
  };
}

type Described = Omit<Success, 'status' | 'headers'> & { headers?: readonly HeaderName[] };

function answer({ description, body, headers = [] }: Described, names: Names): Json {
  const described = { description, headers: headerReferences(['UpvestRequestId', ...headers]) };
  if (body === undefined) return described;
  const { type = 'application/json', schema, examples } = body;
  const media = {
    schema: toJsonSchema(schema, names),
    ...(examples === undefined ? {} : { examples: examples as Json }),
  };
  return { ...described, content: { [type]: media } };
}

/** A problem, by reference where its sentence is the usual one. */
function problemOrReference(code: RefusalCode, when: string): Json {
  if (when !== everySigned[code]) return problem(code, when);
  return { $ref: `#/components/responses/${componentOf(code)}` };
}

/** The name of a usual problem among the components: `Bad Request` as `BadRequest`. */
export function componentOf(code: RefusalCode): string {
  return problemKinds[code].title.replaceAll(' ', '');
}

/** A problem in full. */
export function problem(code: RefusalCode, when: string): Json {
  const schema = { $ref: '#/components/schemas/Problem' };
  const example = problemExample(code, when) as Json;
  return {
    description: when,
    headers: headerReferences(['UpvestRequestId', ...rateHeaders, ...(problemHeaders[code] ?? [])]),
    content: { [problemType]: { schema, example } },
  };
}

function headerReferences(used: readonly HeaderName[]): Json {
  return Object.fromEntries(
    used.map((name) => [responseHeaders[name].name, { $ref: `#/components/headers/${name}` }]),
  );
}
