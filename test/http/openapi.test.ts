// The API document: that it tells of every route and of no other, what the contract's table says, and
// that it is served so that it can be kept. Whether answers are as it says, every test of this room
// finds out (test/support/document.ts).
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { documentText } from '../../src/http/document-routes.ts';
import { makeDocument } from '../../src/http/openapi/document.ts';
import { newEvent, newLiquidation } from '../../src/http/openapi/examples.ts';
import { operations } from '../../src/http/openapi/operations.ts';
import { sampleAddress } from '../../src/http/openapi/sample-request.ts';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import type { AccountId, EventId, WebhookId } from '../../src/ids.ts';
import { eventBody, loggedEvent } from '../../src/webhooks/webhook.ts';
import { checkDocument, wholeDocument } from '../../tools/openapi.ts';
import { contractOperations } from '../contract/operations.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Part, readDocument } from '../support/document.ts';
import { outgoing, send, startHttp } from '../support/http.ts';
import { onlyLong } from '../support/length.ts';

const { sql } = await createTestDatabase({ after });
const service = await startHttp({ after }, { sql, clock: testClock() });

const whole = readDocument(wholeDocument('2023'));

function operationNamed(operationId: string): Part {
  const found = whole.operations.find((one) => one.operation['operationId'] === operationId);
  assert.ok(found, `${operationId} is in the document`);
  return found.operation;
}

const get = (target: string, headers = {}) => send(service, outgoing('GET', target, { headers }));

test('every route has its operation, and every operation its route', async (t) => {
  const { document, routes, open } = service;
  const own = [{ method: 'GET', path: '/openapi.json', operation: 'get_openapi_document' }];
  const served = [...routes, ...open, ...own]
    .filter(({ operation }) => operation !== 'page')
    .map(({ method, path, operation }) => {
      return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')} ${operation}`;
    });
  const told = document.operations.map(({ method, path, operation }) => {
    return `${method.toUpperCase()} ${path} ${operation['operationId']}`;
  });
  assert.deepEqual(told.toSorted(), served.toSorted());
  assert.ok(told.length > 12);

  await t.test('and the paths know the methods that the document gives them', async () => {
    for (const [path, operations] of Map.groupBy(document.operations, (one) => one.path)) {
      const target = path.replaceAll(/\{\w+\}/g, 'some');
      const { headers } = await send(service, outgoing('OPTIONS', target));
      const told = operations.flatMap(({ method }) =>
        method === 'get' ? ['get', 'head'] : method,
      );
      const known = (headers.allow ?? '').toLowerCase().split(', ');
      assert.deepEqual(known.toSorted(), [...told, 'options'].toSorted(), path);
    }
  });
});

test('nothing is described that no service has', () => {
  const told = whole.operations.map(({ operation }) => operation['operationId']);
  assert.deepEqual(told.toSorted(), Object.keys(operations).toSorted());
});

test('a route whose operation is not described stops the service, and says what to do', () => {
  const [route] = service.routes;
  assert.ok(route);
  const unknown = { ...route, operation: 'list_dreams' } as unknown as SignedRoute;
  assert.throws(
    () => documentText({ routes: [unknown], open: [] }),
    /Describe the operation list_dreams in src\/http\/openapi\//,
  );
  const dreams = { ...route, path: '/dreams/:dream_id' };
  assert.throws(
    () => documentText({ routes: [dreams], open: [] }),
    /Describe the path parameter dream_id in src\/http\/openapi\/parameters\.ts/,
  );
});

for (const [operationId, statuses] of Object.entries(contractOperations)) {
  test(`${operationId} lists the answers of the contract`, () => {
    const { responses } = operationNamed(operationId);
    assert.deepEqual(Object.keys(responses as Part).map(Number), statuses);
  });
}

test('every signed operation asks for the token by scope, and for the headers of a signature', () => {
  const usual = ['upvest-client-id', 'authorization', 'signature', 'signature-input'];
  const optional = ['upvest-signature-version', 'upvest-api-version'];
  for (const route of service.routes) {
    const operation = operationNamed(route.operation);
    const parameters = (operation['parameters'] as readonly Part[]).map(whole.resolve);
    const inHeader = parameters.filter((one) => one['in'] === 'header');
    const required = inHeader.filter((one) => one['required']).map((one) => one['name']);
    const key = route.idempotent ? ['idempotency-key'] : [];
    assert.deepEqual(required, [...usual, ...key], route.operation);
    for (const name of optional) assert.ok(inHeader.some((one) => one['name'] === name));
    const scopes = (operation['security'] as readonly Part[]).flatMap((one) => {
      assert.deepEqual(one['http-message-signature'], []);
      return one['oauth-client-credentials'];
    });
    assert.deepEqual(scopes, route.scopes);
  }
});

test('the scopes are the 33 of the contract, those of extensions, and tests:admin where it opens something', () => {
  const scopesOf = (document: Part): readonly string[] => {
    const { securitySchemes } = document['components'] as { securitySchemes: Part };
    const { flows } = securitySchemes['oauth-client-credentials'] as { flows: Part };
    return Object.keys((flows['clientCredentials'] as { scopes: object }).scopes);
  };
  const version = '1.0.0';
  const [route] = service.routes;
  assert.ok(route);
  const live = makeDocument({ routes: [route], open: [], version });
  const testing: SignedRoute = { ...route, scopes: ['tests:admin'] };
  const sandbox = makeDocument({ routes: [route, testing], open: [], version });
  assert.equal(scopesOf(live).length, 42);
  assert.deepEqual(scopesOf(sandbox), [...scopesOf(live), 'tests:admin']);
});

test('every example fits its schema', () => {
  let count = 0;
  const visit = (one: unknown, place: string): void => {
    if (typeof one !== 'object' || one === null) return;
    const { schema, example, examples } = one as Part;
    const named = Object.values((examples ?? {}) as Part).map((each) => (each as Part)['value']);
    const values = [...(example === undefined ? [] : [example]), ...named];
    for (const value of schema === undefined ? [] : values) {
      assert.deepEqual(whole.faults(schema, value), [], place);
      count += 1;
    }
    for (const [name, member] of Object.entries(one)) visit(member, `${place}/${name}`);
  };
  visit(whole.whole, '#');
  assert.ok(count > 50, String(count));
});

test('the examples of the contract are those of the document', () => {
  const create = operationNamed('create_account_liquidation');
  assert.match(JSON.stringify(create), new RegExp(JSON.stringify(newLiquidation.id)));
  assert.match(JSON.stringify(whole.whole['webhooks']), new RegExp(JSON.stringify(newEvent.id)));
});

test('the webhooks section has the four events, as the service sends them', () => {
  const all = whole.whole['webhooks'] as Part;
  const published = Object.entries(all).filter(([type]) => !type.startsWith('BATCH.'));
  const webhooks = Object.fromEntries(published);
  assert.deepEqual(
    Object.keys(webhooks),
    ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'].map((one) => `ACCOUNT_LIQUIDATION.${one}`),
  );
  const logged = loggedEvent({
    offset: 1,
    eventId: newEvent.id as EventId,
    accountId: newLiquidation.account_id as AccountId,
    type: 'ACCOUNT_LIQUIDATION.NEW',
    object: JSON.stringify(newLiquidation),
    createdAt: newEvent.created_at,
  });
  const body = JSON.parse(eventBody(logged, newEvent.webhook_id as WebhookId));
  for (const entry of Object.values(webhooks)) {
    const { requestBody } = (entry as { post: { requestBody: { content: Part } } }).post;
    const { schema } = requestBody.content['application/json'] as Part;
    assert.deepEqual(whole.faults(schema, body), []);
    assert.deepEqual(whole.faults(schema, { payload: [body, body] }), []);
    assert.notDeepEqual(whole.faults(schema, { ...body, more: 1 }), []);
  }
});

test('it is served to everybody, and need not be sent twice', async () => {
  const first = await get('/openapi.json');
  assert.equal(first.status, 200);
  assert.equal(first.headers['content-type'], 'application/json');
  const address = 'http://api.example.test';
  const expected = service.document.text
    .replaceAll(sampleAddress, address)
    .replaceAll('host: 127.0.0.1:8080', 'host: api.example.test');
  assert.equal(first.text, expected);
  assert.doesNotMatch(first.text, /127\.0\.0\.1:8080/, 'no sample names another service');
  assert.equal(JSON.parse(first.text).servers[0].url, address);
  assert.match(first.headers['cache-control'] ?? '', /max-age/);
  const { etag = '' } = first.headers;
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get('/openapi.json', { 'if-none-match': known });
    assert.equal(again.status, 304, known);
    assert.equal(again.text, '');
    assert.equal(again.headers.etag, etag);
  }
  assert.equal((await get('/openapi.json', { 'if-none-match': '"other"' })).status, 200);
});

test('the page that shows it fetches nothing from elsewhere, and may not', async () => {
  const page = await get('/docs');
  assert.equal(page.status, 200);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.doesNotMatch(page.text, /https?:|["'(]\/\//);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
  for (const [, address = ''] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.equal((await get(address)).status, 200, address);
  }
  const script = await get('/docs/scalar.js');
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(script.text, /createApiReference/);
});

test('the document names the address it was asked for under, if that has the form of one', async () => {
  const serverOf = async (host: string) => {
    const { text } = await get('/openapi.json', { host });
    return JSON.parse(text).servers[0].url;
  };
  for (const host of ['127.0.0.1:8080', '[::1]:8080', 'unwind.example', 'A.example:1']) {
    assert.equal(await serverOf(host), `http://${host}`);
  }
  for (const host of ['a"b', 'a/b', '<b>', 'a b', 'ü', `${'a'.repeat(300)}`, '', 'a:b']) {
    assert.equal(await serverOf(Buffer.from(host).toString('latin1')), sampleAddress, host);
  }
  const proxied = await startHttp(
    { after },
    { sql, clock: testClock(), trustedProxies: ['127.0.0.1'] },
  );
  const headers = { 'x-forwarded-host': 'public.example', 'x-forwarded-proto': 'https' };
  const { text } = await send(proxied, outgoing('GET', '/openapi.json', { headers }));
  assert.equal(JSON.parse(text).servers[0].url, 'https://public.example');
});

test('the first page says what this is and leads to everything', async () => {
  const index = await get('/');
  assert.equal(index.status, 200);
  assert.equal(index.headers['content-type'], 'text/html; charset=utf-8');
  const links = [...index.text.matchAll(/href="([^"]+)"/g)].map(([, address = '']) => address);
  assert.deepEqual(links, ['/favicon.svg', '/docs', '/openapi.json', '/errors', '/readyz']);
  for (const link of links) assert.equal((await get(link)).status, 200, link);
  assert.match(index.text, /This is a <strong>sandbox<\/strong>/);
  const live = await startHttp({ after }, { sql, clock: testClock(), isSandbox: false });
  const { text } = await send(live, outgoing('GET', '/'));
  assert.match(text, /This service is <strong>live<\/strong>/);
  const icon = await get('/favicon.ico');
  assert.equal(icon.headers['content-type'], 'image/svg+xml');
  assert.match(String(index.headers['link']), /^<\/docs>; rel="service-doc", <\/openapi\.json>/);
});

test('the tool that prints it ends well when its reader is gone', async () => {
  const tool = fileURLToPath(new URL('../../tools/openapi.ts', import.meta.url));
  const command = `set -o pipefail; '${process.execPath}' '${tool}' | head -c 5`;
  const { stdout } = await promisify(execFile)('bash', ['-c', command]);
  assert.equal(stdout, '{\n  "');
});

test('it breaks no rule, and the rules are applied', onlyLong, async (t) => {
  assert.equal(await checkDocument(whole.text), 0);
  await t.test('to an operation without answers to bad requests', async (inner) => {
    inner.mock.method(process.stdout, 'write', () => true);
    inner.mock.method(process.stderr, 'write', () => true);
    const { paths } = JSON.parse(whole.text);
    paths['/webhooks'].get.responses = { 200: { description: 'All' } };
    assert.ok((await checkDocument(JSON.stringify({ ...whole.whole, paths }))) > 0);
  });
});

test('an answer that the document does not describe is refused', () => {
  const { document } = service;
  const request = { method: 'GET', target: '/healthz' };
  const id = '169ae4c7-ebd7-4041-94da-25369653eba7';
  const usual = { 'content-type': 'application/json', 'upvest-request-id': id };
  const answer = { status: 200, headers: usual, text: '{"status":"alive"}' };
  document.judge(request, answer);
  const wrong: readonly [RegExp, object][] = [
    [/answered 202, which the document does not list/, { status: 202 }],
    [/without upvest-request-id/, { headers: { 'content-type': 'application/json' } }],
    [/with upvest-request-id: 7/, { headers: { ...usual, 'upvest-request-id': '7' } }],
    [/headers that the document does not list/, { headers: { ...usual, etag: '"1"' } }],
    [/with text\/html, which/, { headers: { ...usual, 'content-type': 'text/html' } }],
    [/additional properties/, { text: '{"status":"alive","more":1}' }],
    [/required property 'status'/, { text: '{}' }],
    [/allowed values/, { text: '{"status":"dead"}' }],
  ];
  for (const [complaint, change] of wrong) {
    assert.throws(() => document.judge(request, { ...answer, ...change }), complaint);
  }
});

/** Every pattern of the document, each once. */
function patternsOf(part: unknown): ReadonlySet<string> {
  if (typeof part !== 'object' || part === null) return new Set();
  const own = Object.entries(part).flatMap(([name, value]) => {
    return name === 'pattern' && typeof value === 'string' ? [value] : [...patternsOf(value)];
  });
  return new Set(own);
}

// What ECMAScript with and without the flag u, Python's re, Rust's regex (pydantic) and RE2 (Go) read
// as the same: no classes by letter, no properties, no look-around, no lazy quantifiers, no names.
const inClass = String.raw`(?:[^\\[\]&~]|\\[.\\^$*+?()[\]{}|-]|\\x[0-9a-f]{2}|~(?!~)|&(?!&))`;
const portable = new RegExp(
  String.raw`^(?:(?:[^\\[\](){}*+?|]|\\[.\\^$*+?()[\]{}|-]|\\x[0-9a-f]{2}|\[\^?${inClass}+\]|\((?!\?)|\))` +
    String.raw`(?:[*+?]|\{\d+(?:,\d*)?\})?(?![*+?{])|\|)*$`,
);

test('patterns are of the syntax that the engines of all languages read', () => {
  for (const wrong of [
    '\\d+',
    '[^\\p{Cc}]',
    'a+?',
    '(?:a)',
    '(?<n>a)',
    '\\u0000',
    '[a&&b]',
    '\\/',
  ]) {
    assert.doesNotMatch(wrong, portable);
  }
  const patterns = patternsOf(service.document.whole);
  assert.ok(patterns.size > 10);
  for (const pattern of patterns) {
    assert.match(pattern, portable);
    for (const flags of ['', 'u']) assert.ok(new RegExp(pattern, flags), pattern);
  }
});

const texts = [
  '',
  'a',
  'Back office',
  'e12',
  '5s',
  '30s',
  '0.50',
  'DE0007164600',
  'Bearer abc==',
  'bearer a',
  'isin:DE0007164600',
  'ccb07f42-4104-44ad-8e1f-c660bb7b269c',
  'ACCOUNT_LIQUIDATION.FILLED',
  'tab\there',
  'nul\u0000',
  'c1 \u0085',
  'del \u007f',
  'ü 語 𐍈',
];

test('Python reads every pattern, and as we do', (t) => {
  const program = `
import json, re, sys
given = json.load(sys.stdin)
try:
    from pydantic_core import SchemaValidator
except ImportError:
    SchemaValidator = None
verdicts = {}
for pattern in given["patterns"]:
    ofPython = [re.search(pattern, text) is not None for text in given["texts"]]
    verdicts[pattern] = [ofPython]
    if SchemaValidator is not None:
        one = SchemaValidator({"type": "str", "pattern": pattern})
        verdicts[pattern].append([one.isinstance_python(text) for text in given["texts"]])
print(json.dumps(verdicts))
`;
  const patterns = [...patternsOf(service.document.whole)];
  const input = JSON.stringify({ patterns, texts });
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', program], { input });
  if (error !== undefined) return t.skip('there is no python3');
  assert.equal(status, 0, stderr.toString());
  const verdicts = JSON.parse(stdout.toString()) as Record<string, boolean[][]>;
  for (const pattern of patterns) {
    const ours = texts.map((text) => new RegExp(pattern, 'u').test(text));
    for (const theirs of verdicts[pattern] ?? assert.fail(pattern)) assert.deepEqual(theirs, ours);
  }
});
