// Makes the API document (OpenAPI 3.1) of the operations a service has, from its route table, the
// schemas that validate requests, and what each operation says of itself (operations.ts).

import type { RefusalCode } from '../../refusal.ts';
import type { OpenRoute } from '../open-route.ts';
import type { SignedRoute } from '../pipeline.ts';
import { problemKinds } from '../problem.ts';
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
} from './answers.ts';
import { eventDeliveries } from './event-deliveries.ts';
import { introduction } from './introduction.ts';
import { type Json, type Names, toComponent, toJsonSchema } from './json-schema.ts';
import { named } from './objects.ts';
import { type OperationPart, type Refusals, type Success, type Tag, tags } from './operation.ts';
import { type OperationId, operations } from './operations.ts';
import { type HeaderParameter, headerParameters, pathParameter } from './parameters.ts';
import { oauthScheme, securitySchemes, signatureScheme } from './scopes.ts';

type JsonObject = { readonly [name: string]: Json };

export interface DocumentOptions {
  readonly routes: readonly SignedRoute[];
  readonly open: readonly OpenRoute[];
  readonly version: string;
}

const names: Names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]));
const problemType = 'application/problem+json';

/** The document. The same routes always make the same document. */
export function makeDocument({ routes, open, version }: DocumentOptions): JsonObject {
  const isSandbox = routes.some((route) => route.scopes.includes('tests:admin'));
  const entries = [
    ...routes.map((route) => ({ route, operation: signedOperation(route) })),
    ...open.flatMap((route) => {
      const { path, operation: id } = route;
      return id === 'page' ? [] : [{ route, operation: openOperation(path, id) }];
    }),
  ];
  const paths = Map.groupBy(entries, ({ route }) => templateOf(route.path));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Unwind',
      version,
      summary: 'Turns every position of a brokerage account into cash, exactly once.',
      description: introduction,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The service this document comes from' }],
    tags: usedTags(entries.map(({ route }) => route.operation)),
    paths: Object.fromEntries(
      [...paths].map(([path, its]) => {
        const byMethod = its.map(({ route, operation }): [string, Json] => {
          return [route.method.toLowerCase(), operation];
        });
        return [path, Object.fromEntries(byMethod)];
      }),
    ),
    webhooks: eventDeliveries(names),
    components: {
      schemas: schemas(),
      headers: headers(),
      responses: sharedResponses(),
      parameters: headerParameters as unknown as JsonObject,
      securitySchemes: securitySchemes(isSandbox) as JsonObject,
    },
  };
}

/** The groups there is something in, in their order. */
function usedTags(ids: readonly OpenRoute['operation'][]): Json {
  const used = new Set(ids.map((id) => (id === 'page' ? undefined : operations[id].tag)));
  return Object.entries(tags)
    .filter(([name]) => used.has(name as Tag))
    .map(([name, description]) => ({ name, description }));
}

/** `/accounts/:account_id` as `/accounts/{account_id}`. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

/** @throws Error for an operation that nobody has described, where no compiler was asked. */
function partOf(id: OperationId): OperationPart {
  const part: OperationPart | undefined = operations[id];
  if (part === undefined) {
    throw new Error(`Describe the operation ${id} in src/http/openapi/ (see operations.ts).`);
  }
  return part;
}

function signedOperation(route: SignedRoute): Json {
  const part = partOf(route.operation);
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
  const refusals = {
    ...everySigned,
    ...(part.body ? { unsupported_media_type: unsupportedBody } : {}),
    ...(route.idempotent ? { unprocessable_content: otherRequestUnderKey } : {}),
    ...part.refusals,
  };
  return {
    ...head(route.operation, part),
    security: route.scopes.map((scope) => ({ [oauthScheme]: [scope], [signatureScheme]: [] })),
    parameters: parameters(route.path, part, shared),
    ...requestBody(part),
    responses: responses(part, refusals, rateHeaders),
  };
}

/** A route without a token. One with a body is signed: that is the request for a token. */
function openOperation(path: string, id: OperationId): Json {
  const part = partOf(id);
  const isSigned = part.body !== undefined;
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
  const refusals = isSigned
    ? { ...everySigned, unsupported_media_type: unsupportedBody }
    : everyOpen;
  return {
    ...head(id, part),
    security: isSigned ? [{ [signatureScheme]: [] }] : [],
    parameters: parameters(path, part, shared),
    ...requestBody(part),
    responses: responses(part, { ...refusals, ...part.refusals }, isSigned ? rateHeaders : []),
  };
}

function head(operationId: OperationId, { tag, summary, description }: OperationPart): JsonObject {
  return { operationId, tags: [tag], summary, description };
}

function parameters(
  path: string,
  { query }: OperationPart,
  shared: readonly HeaderParameter[],
): readonly Json[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => pathParameter(name));
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
  return [...inPath, ...inQuery, ...inHeaders] as readonly Json[];
}

function requestBody({ body }: OperationPart): JsonObject {
  if (body === undefined) return {};
  const { type = 'application/json', schema, examples } = body;
  const content = { [type]: { schema: toJsonSchema(schema, names), examples: examples as Json } };
  return { requestBody: { required: true, content } };
}

function responses(
  part: OperationPart,
  refusals: Refusals,
  usual: readonly HeaderName[] = [],
): JsonObject {
  const others = Object.entries(part.others ?? {}).map(([status, other]) => {
    return [status, answer(other)] as const;
  });
  const problems = (Object.entries(refusals) as [RefusalCode, string][])
    .map(([code, when]) => {
      return [String(problemKinds[code].status), problemOrReference(code, when)] as const;
    })
    .toSorted(([one], [other]) => one.localeCompare(other));
  const { success } = part;
  return {
    [success.status]: answer({ ...success, headers: [...usual, ...(success.headers ?? [])] }),
    ...Object.fromEntries(problems),
    ...Object.fromEntries(others),
  };
}

function answer({
  description,
  body,
  headers = [],
}: Omit<Success, 'status' | 'headers'> & { readonly headers?: readonly HeaderName[] }): Json {
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

/** `Bad Request` as `BadRequest`. */
function componentOf(code: RefusalCode): string {
  return problemKinds[code].title.replaceAll(' ', '');
}

function problem(code: RefusalCode, when: string): Json {
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

function sharedResponses(): Json {
  const entries = (Object.entries(everySigned) as [RefusalCode, string][]).map(([code, when]) => {
    return [componentOf(code), problem(code, when)] as const;
  });
  return Object.fromEntries(entries);
}

function schemas(): Json {
  const entries = Object.entries(named).map(([name, schema]): [string, Json] => {
    return [name, toComponent(schema, names)];
  });
  return Object.fromEntries(entries);
}

function headers(): Json {
  const entries = Object.entries(responseHeaders).map(([name, header]): [string, Json] => {
    const { name: _, ...rest } = header;
    return [name, rest];
  });
  return Object.fromEntries(entries);
}
