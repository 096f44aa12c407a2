// The tunnel of a sandbox, asked for as the public signing proxy asks: every request of its `--listen`, with
// its bodies and headers, and what it reads in the responses.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId, parseId, type TenantId, type WebhookId } from '../../src/ids.ts';
import { tunnelIdleMsMax, tunnelKeptMax, tunnelsOfTenantMax } from '../../src/limits.ts';
import { closeIdleTunnels, tunnelReceiver } from '../../src/tunnels/serve-tunnels.ts';
import {
  deliverDue,
  eventsOfLiquidation,
  keysOf,
  publishAll,
  startDeliverer,
  stateOf,
  writeEvents,
} from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { readDelivery } from '../support/deliveries.ts';
import { makeApiClient, outgoing, seal, send, startHttp } from '../support/http.ts';
import { type Api, apiOf, openEndpoint, tokenRequest } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
/** Another process on the same database; a poll waits there until something comes. */
const elsewhere = await startHttp({ after }, { sql, clock, tunnelWaitMs: 50_000 });
const inner = tunnelReceiver({ sql, clock });

async function newApi(): Promise<Api> {
  return apiOf(service, await makeApiClient(sql, clock, { keyTypes: ['P-256'] }));
}

/** Subscribes and enables as the proxy does. */
async function listen(
  api: Api,
  url: string,
): Promise<{ tenantId: TenantId; webhookId: WebhookId }> {
  const config = { delay: '1s', max_package_size: 12_400 };
  const settings = { title: 'http signature webhook abcdefgh', url, type: ['ALL'], config };
  const made = await api.call('POST', '/webhooks', { json: settings });
  assertSuccess(made, 201);
  const target = `/webhooks/${made.json['id']}`;
  assertSuccess(await api.call('PATCH', target, { json: { ...settings, enabled: true } }), 200);
  const webhookId = parseId<'webhook'>(String(made.json['id']));
  assert.ok(webhookId);
  return { tenantId: api.client.clientId, webhookId };
}

async function happen({ client: { clientId: tenantId } }: Api): Promise<void> {
  const events = eventsOfLiquidation(newId<'account'>());
  await writeEvents(sql, { tenantId, events, at: clock.now() });
  await publishAll(sql);
  clock.advance(1_000);
}

const pathOf = ({ id }: { id: string }) => `/events-acceptor-service/endpoints/${id}`;

const deliverer = startDeliverer({ after }, sql, { clock, seal });

/** What a poll answered. */
interface Item {
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly payload: string;
  readonly created_at: string;
}

async function poll(api: Api, endpoint: { id: string }): Promise<readonly Item[]> {
  const answer = await api.call('GET', pathOf(endpoint), {
    headers: { 'content-type': 'application/json' },
  });
  assertSuccess(answer, 200);
  return JSON.parse(answer.text);
}

test('the health of the tunnel is answered to a client that has no token yet', async () => {
  const asked = outgoing('GET', '/events-acceptor-service/health', {
    headers: {
      'upvest-client-id': '00000000-0000-0000-0000-000000000000',
      authorization: 'Bearer',
      'content-type': 'application/json',
      accept: '*/*',
    },
  });
  const answer = await send(service, asked);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { status: 'alive' });
});

test('a client listens as the proxy does, from its token to the end', async () => {
  const api = await newApi();
  const scoped = await send(
    service,
    await tokenRequest(service, api.client, { scope: 'webhooks:admin' }),
  );
  assertSuccess(scoped, 200);
  const opened = await api.call('POST', '/events-acceptor-service/endpoints', { json: '' });
  assertSuccess(opened, 201);
  const endpoint = { id: String(opened.json['id']) };
  const url = String(opened.json['url']);
  const webhook = await listen(api, url);
  assert.deepEqual(await poll(api, endpoint), []);
  await happen(api);
  await deliverDue(deliverer);

  const [item, ...others] = await poll(api, endpoint);
  assert.ok(item);
  assert.deepEqual(others, [], 'one package');
  const { payload } = JSON.parse(item.payload);
  assert.deepEqual(
    payload.map(({ type }: { type: string }) => type),
    ['NEW', 'PROCESSING', 'FILLED'].map((status) => `ACCOUNT_LIQUIDATION.${status}`),
  );
  assert.equal(payload[0].webhook_id, webhook.webhookId);
  assert.deepEqual(item.headers['Content-Length'], [String(Buffer.byteLength(item.payload))]);
  assert.equal(item.created_at, clock.now().toISOString());
  const rawHeaders = Object.entries(item.headers).flatMap(([name, values]) => [name, ...values]);
  const keys = await keysOf(sql, api.client.clientId, clock.now());
  const delivered = {
    method: 'POST',
    url: new URL(url).pathname,
    rawHeaders,
    body: Buffer.from(item.payload),
  };
  assert.equal((await readDelivery(delivered, keys, clock.now())).length, 3, 'the signature holds');
  assert.deepEqual(await poll(api, endpoint), [], 'what was taken is gone');

  assertSuccess(await api.call('DELETE', `/webhooks/${webhook.webhookId}`), 204);
  assertSuccess(await api.call('DELETE', pathOf(endpoint)), 204);
  assertProblem(await api.call('GET', pathOf(endpoint)), 'not_found', /no such endpoint/);
});

test('a poll at another process is answered as soon as something comes', async () => {
  const api = await newApi();
  const endpoint = await openEndpoint(api);
  await listen(api, endpoint.url);
  const waiting = send(elsewhere, await api.signed('GET', pathOf(endpoint)));
  await happen(api);
  await deliverDue(deliverer);
  const answer = await waiting;
  assertSuccess(answer, 200);
  assert.equal(JSON.parse(answer.text).length, 1);
});

test('a HEAD and a captured poll take nothing', async () => {
  const api = await newApi();
  const endpoint = await openEndpoint(api);
  await listen(api, endpoint.url);
  const captured = await api.signed('GET', pathOf(endpoint));
  assertSuccess(await send(service, captured), 200);
  await happen(api);
  await deliverDue(deliverer);
  assert.equal((await api.call('HEAD', pathOf(endpoint))).status, 200);
  assertProblem(await send(elsewhere, captured), 'unauthorized', /used before/);
  assert.equal((await poll(api, endpoint)).length, 1);
});

test('a full tunnel refuses, and nothing is lost', async () => {
  const api = await newApi();
  const endpoint = await openEndpoint(api);
  const webhook = await listen(api, endpoint.url);
  const request = {
    tenantId: api.client.clientId,
    url: new URL(endpoint.url),
    headers: { 'content-type': 'application/json' },
    body: 'x'.repeat(1_048_576),
  };
  const fit = Math.floor(tunnelKeptMax.bytes / (request.body.length + 40));
  for (let i = 0; i < fit; i += 1) assert.equal((await inner.receive(request)).status, 200);
  assert.equal((await inner.receive(request)).status, 503);
  await happen(api);
  const events = { ...request, body: '1'.repeat(1_048_576) };
  assert.equal((await inner.receive(events)).status, 503);
  // Smaller ones still fit until the count is reached.
  await sql`
    insert into unwind.tunnel_requests (
      tenant_id, tunnel_id, request_id, headers, body, bytes, received_at
    )
    select ${request.tenantId}, ${endpoint.id}, gen_random_uuid(), '{}', '', 2, ${clock.now()}
    from generate_series(1, ${tunnelKeptMax.requests - fit})`;
  await deliverDue(deliverer);
  assert.equal((await stateOf(sql, webhook)).lastOutcome, 'answered 503');
  // Each poll answers 4 MiB or 100 requests at most.
  let taken = 0;
  for (let items = await poll(api, endpoint); items.length > 0; items = await poll(api, endpoint)) {
    assert.ok(items.length <= 100);
    taken += items.length;
  }
  assert.equal(taken, tunnelKeptMax.requests);
  clock.set((await stateOf(sql, webhook)).nextAttemptAt);
  await deliverDue(deliverer);
  assert.equal((await poll(api, endpoint)).length, 1, 'the events have waited');
});

test('a tunnel is closed that its client does not ask for, and its subscription is disabled', async () => {
  const api = await newApi();
  const endpoint = await openEndpoint(api);
  const webhook = await listen(api, endpoint.url);
  clock.advance(tunnelIdleMsMax - 1_000);
  await closeIdleTunnels(sql, clock.now(), 1_000);
  const { token } = await apiOf(service, api.client);
  const still = await api.call('GET', pathOf(endpoint), {
    headers: { authorization: `Bearer ${token}` },
  });
  assertSuccess(still, 200);
  clock.advance(tunnelIdleMsMax + 1);
  assert.ok((await closeIdleTunnels(sql, clock.now(), 1_000)) >= 1);
  await happen(api);
  await deliverDue(deliverer);
  const { enabled, lastOutcome } = await stateOf(sql, webhook);
  assert.deepEqual({ enabled, lastOutcome }, { enabled: false, lastOutcome: 'answered 410' });
});

test("another client's tunnel is neither read, closed nor delivered to", async () => {
  const [ours, theirs] = [await newApi(), await newApi()];
  const endpoint = await openEndpoint(ours);
  assertProblem(await theirs.call('GET', pathOf(endpoint)), 'not_found', /no such endpoint/);
  assertProblem(await theirs.call('DELETE', pathOf(endpoint)), 'not_found', /no such endpoint/);
  const webhook = await listen(theirs, endpoint.url);
  await happen(theirs);
  await deliverDue(deliverer);
  assert.equal((await stateOf(sql, webhook)).enabled, false);
  assert.deepEqual(await poll(ours, endpoint), []);
});

test('a client has only so many tunnels', async () => {
  const api = await newApi();
  for (let i = 0; i < tunnelsOfTenantMax; i += 1) await openEndpoint(api);
  const more = await api.call('POST', '/events-acceptor-service/endpoints');
  assertProblem(more, 'conflict', /at most 20 endpoints\. Close one/);
});

test('an id that is none, or a query, is refused', async () => {
  const api = await newApi();
  const none = await api.call('GET', '/events-acceptor-service/endpoints/nonsense');
  assertProblem(none, 'not_found', /endpoint_id is no UUID/);
  const endpoint = await openEndpoint(api);
  const query = await api.call('GET', `${pathOf(endpoint)}?limit=1`);
  assertProblem(query, 'bad_request', /limit/);
});

test('live mode has no tunnel', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  const health = await send(live, outgoing('GET', '/events-acceptor-service/health'));
  assertProblem(health, 'not_found', /no such resource/);
  const api = await newApi();
  const opened = await send(live, await api.signed('POST', '/events-acceptor-service/endpoints'));
  assertProblem(opened, 'not_found', /no such resource/);
});
