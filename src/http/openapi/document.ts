// Makes the API document (OpenAPI 3.1) of the operations a service has, from its route table, the
// schemas that validate requests, and what each operation says of itself (operations.ts).

import type { Contract } from '../../auth/store.ts';
import type { RefusalCode } from '../../refusal.ts';
import type { OpenRoute } from '../open-route.ts';
import type { SignedRoute } from '../pipeline.ts';
import { laterNamed, laterOperations } from './contract-2026.ts';
import { componentOf, openOperation, problem, signedOperation } from './describe-operation.ts';
import { eventDeliveries } from './event-deliveries.ts';
import { type Json, type JsonObject, type Names, toComponent } from './json-schema.ts';
import { named } from './objects.ts';
import { type Tag, tags } from './operation.ts';
import { operations } from './operations.ts';
import { headerParameters } from './parameters.ts';
import { everySigned, responseHeaders } from './responses.ts';
import { sampleAddress } from './sample-request.ts';
import { securitySchemes } from './scopes.ts';

export interface DocumentOptions {
  readonly routes: readonly SignedRoute[];
  readonly open: readonly OpenRoute[];
  readonly version: string;
  /** Default the reference. */
  readonly contract?: Contract;
}

const names: Names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]));

/** The document. The same routes always make the same document. */
export function makeDocument(options: DocumentOptions): JsonObject {
  const { routes, open, version, contract = '2023' } = options;
  const isLater = contract === '2026';
  const parts = isLater ? { ...operations, ...laterOperations } : operations;
  const isSandbox = routes.some((route) => route.scopes.includes('tests:admin'));
  const entries = [
    ...routes.map((route) => ({ route, operation: signedOperation(route, names, parts) })),
    ...open.flatMap((route) => {
      const { operation: id } = route;
      return id === 'page' ? [] : [{ route, operation: openOperation(route, id, names, parts) }];
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
    servers: [{ url: sampleAddress, description: 'The service this document comes from' }],
    tags: usedTags(entries.map(({ route }) => route.operation)),
    paths: Object.fromEntries(
      [...paths].map(([path, its]) => {
        const byMethod = its.map(({ route, operation }): [string, Json] => {
          return [route.method.toLowerCase(), operation];
        });
        return [path, Object.fromEntries(byMethod)];
      }),
    ),
    webhooks: eventDeliveries(names, contract),
    components: {
      schemas: schemas(isLater ? { ...named, ...laterNamed } : named),
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
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function sharedResponses(): Json {
  const entries = (Object.entries(everySigned) as [RefusalCode, string][]).map(([code, when]) => {
    return [componentOf(code), problem(code, when)] as const;
  });
  return Object.fromEntries(entries);
}

function schemas(all: Readonly<Record<string, unknown>>): Json {
  const entries = Object.entries(all).map(([name, schema]): [string, Json] => {
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

/** The first page: what the API is for, and what all its operations have in common. */
const introduction = `
Unwind turns every position of a brokerage account into cash, exactly once. Ask for the liquidation of
an account: the service releases it, sells an order for each position at the venue, and reports every step
as an event.

## Calling it

1. Get a token: \`POST /auth/token\` with your client id and secret.
2. Send every request with \`upvest-client-id\`, \`authorization: Bearer …\` and a signature.
3. Give each liquidation an \`idempotency-key\`. When no response comes, send the same request again with a
   new signature and the same key: it is carried out once, and you get the first response.

## Signing a request

Every request is signed with your private key (HTTP message signatures). The dialects are RFC 9421 and
its drafts 15, 6 and 1; \`upvest-signature-version\` says which one you use.

- Cover \`@method\`, \`@path\`, \`@query\` if there is one, \`authorization\`, \`upvest-client-id\`,
  \`idempotency-key\` if you send it, and \`content-digest\` (dialects 1 and 6: \`digest\`) if there is a
  body.
- Name your key in \`keyid\` and the time in \`created\`: a signature lives for 300 seconds.
- A signature counts once. Add a \`nonce\`, so that two equal requests of one second differ.
- Keys are ECDSA on P-256, P-384 or P-521, or Ed25519; P-521 has no place in RFC 9421.

A sandbox answers a bad signature with the signature base it computed, so that you can compare. The samples of
each operation sign what they send.

## Events

Each step of a liquidation is an event with the liquidation as it was then. Subscribe with \`POST /webhooks\`:
deliveries are signed by the service; verify them with the keys of \`GET /auth/verify_keys\`. Events of one
account arrive in order, a repeated one has the same \`id\`, and what you do not acknowledge with 2xx comes again.
\`GET /events\` is the log behind them, for 90 days: read it from your last cursor when you may have missed some.

## Errors

An error is \`application/problem+json\` (RFC 9457): \`type\` names its kind, \`detail\` says what is wrong.
Every response carries \`upvest-request-id\`, by which its log entry is found; errors repeat it as
\`request_id\`. A refused request has changed nothing. Each kind has a page with what to do:
[/errors](/errors).

## HEAD, OPTIONS and lists

HEAD answers wherever GET does, signed as HEAD, with the headers alone. OPTIONS answers 204 with the
methods of the path in \`allow\`. Lists come in pages of \`limit\` items from \`offset\`, 4 MiB at most;
\`meta.total_count\` counts all, the header \`link\` leads to the next page. Responses are not to be stored
(\`cache-control: no-store\`). Clients accept members that they do not know.
`.trim();
