// Two clients × every operation × every id of the other: nothing of another can be read, changed or
// guessed. What is another's is answered exactly like what is not there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Content, makeApiClient, type Reply, startHttp } from '../support/http.ts';
import { type Api, apiOf, giveAccounts, hook, liquidate, subscribe, toLiquidate } from './api.ts';
import { assertProblem, recordsOf, shapeOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });

/** A client and one of each thing it can have. */
async function tenant() {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const [account, free] = await giveAccounts(sql, client, [{}, {}]);
  assert.ok(free);
  const last = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return {
    api,
    userId: free.userId,
    ids: {
      account_id: account.accountId,
      account_liquidation_id: last(await liquidate(api, account)),
      webhook_id: last(await subscribe(api, { title: `Hook of ${client.clientId}` })),
    },
    freeAccountId: free.accountId,
  };
}

type Tenant = Awaited<ReturnType<typeof tenant>>;

const tenants = [await tenant(), await tenant()] as const;

function targetOf(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? assert.fail(name));
}

function contentOf({ method, path }: SignedRoute, userId: string): Content {
  if (method === 'PATCH') return { json: { title: 'Mine now' } };
  if (method !== 'POST' || !path.startsWith('/accounts')) return {};
  return { json: { user_id: userId }, headers: { 'idempotency-key': randomUUID() } };
}

/** Sends a request that must not find anything, and changes nothing but the memory of signatures. */
async function lookInVain(api: Api, route: SignedRoute, target: string, content: Content) {
  const before = await recordsOf(sql);
  const reply = await api.call(route.method, target, content);
  assert.deepEqual(await recordsOf(sql), before);
  assertProblem(reply, 'not_found', /^There is no such /);
  return reply;
}

function assertAlike(reply: Reply, other: Reply): void {
  assert.deepEqual(shapeOf(reply), shapeOf(other));
  assert.deepEqual(Object.keys(reply.headers), Object.keys(other.headers));
  assert.equal(reply.headers['content-length'], other.headers['content-length']);
}

const unknownIds = {
  account_id: randomUUID(),
  account_liquidation_id: randomUUID(),
  webhook_id: randomUUID(),
};

/** All ids theirs, and each of them alone among our own. */
function mixtures(ours: Tenant, theirs: Tenant, path: string) {
  const names = (['account_id', 'account_liquidation_id', 'webhook_id'] as const).filter((name) => {
    return new RegExp(`:${name}\\b`).test(path);
  });
  const alone = names.map((name) => ({ ...ours.ids, [name]: theirs.ids[name] }));
  return [theirs.ids, { ...theirs.ids, account_id: theirs.freeAccountId }, ...alone];
}

for (const route of service.routes.filter(({ path }) => path.includes(':'))) {
  test(`${route.method} ${route.path}`, async () => {
    for (const [ours, theirs] of [tenants, tenants.toReversed() as [Tenant, Tenant]]) {
      const unknown = targetOf(route.path, unknownIds);
      const content = () => contentOf(route, ours.userId);
      const nothing = await lookInVain(ours.api, route, unknown, content());
      for (const ids of mixtures(ours, theirs, route.path)) {
        const target = targetOf(route.path, ids);
        assertAlike(await lookInVain(ours.api, route, target, content()), nothing);
      }
    }
  });
}

test("another's account with another's user, and our account with another's user", async () => {
  const [ours, theirs] = tenants;
  const route = service.routes.find(({ method, path }) => {
    return method === 'POST' && path.startsWith('/accounts');
  });
  assert.ok(route);
  const pairs = [
    [theirs.freeAccountId, theirs.userId],
    [theirs.freeAccountId, ours.userId],
    [ours.freeAccountId, theirs.userId],
    [randomUUID(), randomUUID()],
  ];
  const replies = [];
  for (const [accountId = '', userId = ''] of pairs) {
    const target = `/accounts/${accountId}/liquidations`;
    replies.push(await lookInVain(ours.api, route, target, contentOf(route, userId)));
  }
  for (const reply of replies) assertAlike(reply, replies[0] ?? assert.fail());
});

test('lists and keys are those of the client alone', async () => {
  for (const { api, ids } of tenants) {
    const { data, meta } = (await api.call('GET', '/webhooks')).json;
    assert.ok(Array.isArray(data));
    assert.deepEqual(
      data.map((one: { id: string }) => one.id),
      [ids.webhook_id],
    );
    assert.equal((meta as { total_count: number }).total_count, 1);
  }
  const keysOf = async ({ api }: Tenant) => {
    const { keys } = (await api.call('GET', '/auth/verify_keys')).json;
    assert.ok(Array.isArray(keys));
    return keys.map((key: { kid: string }) => key.kid);
  };
  const [ours, theirs] = [await keysOf(tenants[0]), await keysOf(tenants[1])];
  assert.equal(new Set([...ours, ...theirs]).size, 4);
});

test('what a client has is no limit for another', async () => {
  const [ours, theirs] = tenants;
  const [account] = await giveAccounts(sql, ours.api.client);
  const key = randomUUID();
  const { target, content } = toLiquidate(account, key);
  assert.equal((await ours.api.call('POST', target, content)).status, 202);
  const same = { json: { user_id: theirs.userId }, headers: { 'idempotency-key': key } };
  const path = `/accounts/${theirs.freeAccountId}/liquidations`;
  const answer = await theirs.api.call('POST', path, same);
  assert.equal(answer.status, 202, answer.text);
  assert.equal((await ours.api.call('POST', '/webhooks', { json: hook })).status, 201);
});
