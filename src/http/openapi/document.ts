// Makes the API document (OpenAPI 3.1) of the operations a service has, from its route table, the
// schemas that validate requests, and what each operation says of itself (operations.ts).

import type { RefusalCode } from '../../refusal.ts';
import type { OpenRoute } from '../open-route.ts';
import type { SignedRoute } from '../pipeline.ts';
import { everySigned, responseHeaders } from './answers.ts';
import { componentOf, openOperation, problem, signedOperation } from './describe-operation.ts';
import { eventDeliveries } from './event-deliveries.ts';
import { introduction } from './introduction.ts';
import { type Json, type JsonObject, type Names, toComponent } from './json-schema.ts';
import { named } from './objects.ts';
import { type Tag, tags } from './operation.ts';
import { operations } from './operations.ts';
import { headerParameters } from './parameters.ts';
import { sampleAddress } from './samples.ts';
import { securitySchemes } from './scopes.ts';

export interface DocumentOptions {
  readonly routes: readonly SignedRoute[];
  readonly open: readonly OpenRoute[];
  readonly version: string;
}

const names: Names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]));

/** The document. The same routes always make the same document. */
export function makeDocument({ routes, open, version }: DocumentOptions): JsonObject {
  const isSandbox = routes.some((route) => route.scopes.includes('tests:admin'));
  const entries = [
    ...routes.map((route) => ({ route, operation: signedOperation(route, names) })),
    ...open.flatMap((route) => {
      const { operation: id } = route;
      return id === 'page' ? [] : [{ route, operation: openOperation(route, id, names) }];
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
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
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
