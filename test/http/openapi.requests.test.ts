// What the API document demands of a request, the service demands: for every header, parameter and
// member of every operation, requests that break one thing it says are refused as it says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Part } from '../support/document.ts';
import {
  makeApiClient,
  type Outgoing,
  outgoing,
  type Reply,
  send,
  sign,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { apiOf, tokenRequest, type Wish, wishFor } from './api.ts';
import { violationsOf } from './violations.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const { document } = service;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Part;
}

interface Documented {
  readonly parameters: readonly Parameter[];
  readonly body: Part | undefined;
}

function documentedAs(operationId: string): Documented {
  const found = document.operations.find(({ operation }) => {
    return operation['operationId'] === operationId;
  });
  assert.ok(found);
  const { parameters, requestBody } = found.operation;
  const { content = {} } = (requestBody ?? {}) as { content?: Record<string, { schema: Part }> };
  const [media] = Object.values(content);
  return {
    parameters: (parameters as readonly Part[]).map(document.resolve) as unknown as Parameter[],
    body: media?.schema,
  };
}

let refused = 0;

/** Refused as the document lists it (which `send` has seen to), with a sentence that says why. */
function assertRefused(reply: Reply, statuses: readonly number[]): void {
  refused += 1;
  assert.ok(statuses.includes(reply.status), `${reply.status} ${reply.text}`);
  assert.ok(String(reply.json['detail']).length > 10);
}

/** Headers of the signature are credentials: without them a request is nobody's. */
function statusesOf(name: string): readonly number[] {
  return /^(authorization|signature|signature-input)$/.test(name) ? [401] : [400];
}

for (const route of service.routes) {
  test(`${route.operation}: what the document demands, the service demands`, async (t) => {
    const wish = await wishFor(sql, api, route);
    const { parameters, body } = documentedAs(route.operation);
    const inHeaders = parameters.filter((one) => one.in === 'header');
    await t.test('headers', () => refusesHeaders(wish, inHeaders));
    await t.test('path', () => refusesPath(route, wish));
    await t.test('query', () => refusesQuery(wish, parameters));
    if (body !== undefined) await t.test('body', () => refusesBodies(wish, body));
  });
}

async function refusesHeaders(wish: Wish, parameters: readonly Parameter[]): Promise<void> {
  const { method, target, content } = wish;
  const usual = api.unsigned(method, target, content);
  for (const { name, required, schema } of parameters) {
    // Those of the signature are made by signing; the others are changed before it.
    const isOfSignature = name === 'signature' || name === 'signature-input';
    const change = async (value: string | undefined): Promise<Outgoing> => {
      if (isOfSignature) return withHeaders(await signed(usual), { [name]: value });
      return signed(withHeaders(usual, { [name]: value }));
    };
    if (required) {
      assertRefused(await send(service, await change(undefined)), statusesOf(name));
    }
    const wrong = violationsOf(schema, '').filter(({ value }) => {
      return typeof value === 'string' && value !== '' && !/[^\x20-\x7e]/.test(value);
    });
    for (const { value } of wrong) {
      const expected = name === 'upvest-signature-version' ? [401] : statusesOf(name);
      assertRefused(await send(service, await change(String(value))), expected);
    }
  }
}

function signed(message: Outgoing): Promise<Outgoing> {
  return sign(message, { clock, key: client.key, keyId: client.keyId });
}

/** 404 where the contract lists no 400 for the operation. */
async function refusesPath({ path }: SignedRoute, { method, target, content }: Wish) {
  const names = path.split('/');
  for (const [at, name] of names.entries()) {
    if (!name.startsWith(':')) continue;
    const wrong = target.split('/').with(at, 'not-a-uuid').join('/');
    assertRefused(await api.call(method, wrong, content), [400, 404]);
  }
}

async function refusesQuery(wish: Wish, parameters: readonly Parameter[]): Promise<void> {
  const { method, target, content } = wish;
  const ask = async (query: string) => {
    assertRefused(await api.call(method, `${target}?${query}`, content), [400]);
  };
  await ask('something_else=1');
  for (const { name, schema } of parameters.filter((one) => one.in === 'query')) {
    const { examples, default: usual } = schema;
    const [good = usual] = (examples ?? []) as readonly unknown[];
    await ask(`${name}=${good}&${name}=${good}`);
    for (const { value } of violationsOf(schema, good)) {
      // In a query everything is a text: as one, 7 may be what somebody is called.
      const isText = schema['type'] === 'string';
      if (isText && document.faults(schema, String(value)).length === 0) continue;
      await ask(`${name}=${encodeURIComponent(String(value))}`);
    }
  }
}

async function refusesBodies({ method, target, content }: Wish, schema: Part): Promise<void> {
  const good = content.json;
  assert.deepEqual(document.faults(schema, good), []);
  const violations = violationsOf(schema, good);
  assert.ok(violations.length > 2);
  for (const { name, value } of violations) {
    const json = JSON.parse(JSON.stringify(value));
    assert.notDeepEqual(document.faults(schema, json), [], `${name} breaks the schema`);
    assertRefused(await api.call(method, target, { ...content, json }), [400]);
  }
}

test('issue_token: what the document demands, the service demands', async () => {
  const { body } = documentedAs('issue_token');
  const good = {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    grant_type: 'client_credentials',
    scope: 'webhooks:read',
  };
  assert.ok(body);
  assert.deepEqual(document.faults(body, good), []);
  for (const { name, value } of violationsOf(body, good)) {
    if (Array.isArray(value)) continue;
    const fields = Object.entries(value as Record<string, unknown>).flatMap(
      ([key, one]): [string, string][] => {
        return one === undefined ? [] : [[key, String(one)]];
      },
    );
    const text = new URLSearchParams(fields).toString();
    const request = await tokenRequest(service, client, {}, { body: text });
    const reply = await send(service, request);
    // In a form everything is a text: as one, 7 is a wrong client or secret.
    assertRefused(reply, /^client_\w+: no text/.test(name) ? [401] : [400]);
  }
});

test('what needs no token takes no body and no other method', async () => {
  for (const { path } of document.operations.filter(({ operation }) => {
    return (operation['security'] as readonly unknown[]).length === 0;
  })) {
    const withBody = outgoing('GET', path, { body: 'text' });
    assertRefused(await send(service, withBody), [400]);
    assertRefused(await send(service, outgoing('DELETE', path)), [405]);
  }
});

test('all of that was many requests', () => {
  assert.ok(refused > 250, String(refused));
});
