// Two clients × every operation × every id of the other: nothing of another can be read, changed or
// guessed. What is another's is answered exactly like what is not there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Content, makeApiClient, send, startHttp } from '../support/http.ts';
import { sentDuring } from '../support/statements.ts';
import {
  type Api,
  apiOf,
  askApproval,
  giveAccounts,
  hook,
  liquidate,
  openEndpoint,
  sell,
  stopOrder,
  subscribe,
  targetOf,
  toBatch,
  toHalt,
  toLiquidate,
} from './api.ts';
import { assertProblem, recordsOf, shapeOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });

/** An instrument of each tenant that the other does not have, with its units in every account. */
const ownIsins = ['DE0007236101', 'US0378331005'] as const;

/** A client and one of each thing it can have. */
async function tenant(isin: string) {
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const [account, free] = await giveAccounts(sql, client, [{}, {}]);
  const [sold] = await makeBook(sql, {
    tenantId: client.clientId,
    instruments: [{ isin, price: '10' }],
    accounts: [{ positions: [{ isin, quantity: '1' }] }],
  });
  assert.ok(free && sold);
  const { orderId, executionId } = await sell(sql, clock, sold);
  const [row] = await sql<{ instrument_id: string }[]>`
    select i.instrument_id
    from unwind.instruments i
    where i.isin = ${isin}`;
  const last = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const ids = {
    account_id: account.accountId,
    user_id: account.userId,
    endpoint_id: (await openEndpoint(api)).id,
    account_liquidation_id: last(await liquidate(api, account)),
    halt_id: String((await api.call('POST', '/halts', toHalt(account))).json['id']),
    approval_id: await askApproval(sql, clock, client),
    stop_id: await stopOrder(sql, clock, client),
    batch_id: String((await api.call('POST', '/batches', toBatch(free))).json['id']),
    webhook_id: last(await subscribe(api, { title: `Hook of ${client.clientId}` })),
    order_id: orderId,
    execution_id: executionId,
    instrument_id: `isin:${isin}`,
  };
  return {
    api,
    userId: free.userId,
    ids,
    /** Other words for the same. */
    otherIds: [
      { account_id: free.accountId },
      { account_id: sold.accountId },
      { instrument_id: `uuid:${row?.instrument_id}` },
      { instrument_id: `urn:isin:${isin}` },
    ] satisfies Partial<typeof ids>[],
    freeAccountId: free.accountId,
  };
}

type Tenant = Awaited<ReturnType<typeof tenant>>;
type Ids = Readonly<Record<keyof Tenant['ids'], string>>;

const tenants = [await tenant(ownIsins[0]), await tenant(ownIsins[1])] as const;

function contentOf({ method, path }: SignedRoute, userId: string): Content {
  if (method === 'PATCH') return { json: { title: 'Mine now' } };
  if (path.endsWith('/replay')) return { json: { set_aside: true } };
  if (method === 'POST' && path.endsWith('/faults')) return { json: { late_s: 1 } };
  if (/\/(lift|release|approve|decline)$/.test(path) || path.startsWith('/batches/')) {
    if (method !== 'POST') return {};
    const json = { reason: 'Ours now', person: 'Another' };
    return { json, headers: { 'idempotency-key': randomUUID() } };
  }
  if (method !== 'POST' || !path.startsWith('/accounts')) return {};
  return { json: { user_id: userId }, headers: { 'idempotency-key': randomUUID() } };
}

/** Who is calling is remembered for a while, so it is asked for at some requests only. */
const asksForCaller = /from unwind\.(access_tokens|tenants|client_keys) /;

/** Sends a request that must not find anything, and changes nothing but the memory of signatures. */
async function lookInVain(api: Api, route: SignedRoute, target: string, content: Content) {
  const before = await recordsOf(sql);
  const message = await api.signed(route.method, target, content);
  const { result: reply, statements } = await sentDuring(() => send(service, message));
  assert.deepEqual(await recordsOf(sql), before);
  assertProblem(reply, 'not_found', /^There is no such /);
  const texts = statements.map(({ text }) => text).filter((text) => !asksForCaller.test(text));
  assert.ok(texts.length > 0, 'the database was asked');
  return { ...reply, statements: texts };
}

type Vain = Awaited<ReturnType<typeof lookInVain>>;

function assertAlike(reply: Vain, other: Vain): void {
  assert.deepEqual(shapeOf(reply), shapeOf(other));
  assert.deepEqual(Object.keys(reply.headers), Object.keys(other.headers));
  assert.equal(reply.headers['content-length'], other.headers['content-length']);
  assert.deepEqual(reply.statements, other.statements);
}

const unknownIds: Ids = {
  account_id: randomUUID(),
  user_id: randomUUID(),
  endpoint_id: randomUUID(),
  account_liquidation_id: randomUUID(),
  halt_id: randomUUID(),
  approval_id: randomUUID(),
  stop_id: randomUUID(),
  batch_id: randomUUID(),
  webhook_id: randomUUID(),
  order_id: randomUUID(),
  execution_id: randomUUID(),
  instrument_id: 'isin:FR0000121014',
};

/** All ids theirs, in all their words, and each of them alone among our own. */
function mixtures(ours: Tenant, theirs: Tenant, path: string): readonly Ids[] {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name as keyof Ids);
  const foreign = [theirs.ids, ...theirs.otherIds.map((other) => ({ ...theirs.ids, ...other }))];
  const alone = foreign.flatMap((ids) => {
    return names.map((name) => ({ ...ours.ids, [name]: ids[name] }));
  });
  // A path without an account and an instrument is the same in all their words.
  const byTarget = new Map([...foreign, ...alone].map((ids) => [targetOf(path, ids), ids]));
  return [...byTarget.values()];
}

/** Ids of which none is there, in the words of these: `uuid:` is not asked for as `isin:` is. */
function unknownAs({ instrument_id: words }: Ids): Ids {
  const isByUuid = words.startsWith('uuid:');
  return { ...unknownIds, instrument_id: isByUuid ? `uuid:${randomUUID()}` : 'isin:FR0000121014' };
}

for (const route of service.routes.filter(({ path }) => path.includes(':'))) {
  test(`point 7: ${route.method} ${route.path}`, async () => {
    for (const [ours, theirs] of [tenants, tenants.toReversed() as [Tenant, Tenant]]) {
      const ask = (ids: Ids) => {
        const target = targetOf(route.path, ids);
        return lookInVain(ours.api, route, target, contentOf(route, ours.userId));
      };
      for (const ids of mixtures(ours, theirs, route.path)) {
        assertAlike(await ask(ids), await ask(unknownAs(ids)));
      }
    }
  });
}

for (const route of service.routes.filter(({ method, path }) => {
  return method === 'GET' && !path.includes(':');
})) {
  test(`GET ${route.path}: nothing of another is in it`, async () => {
    for (const [ours, theirs] of [tenants, tenants.toReversed() as [Tenant, Tenant]]) {
      const reply = await ours.api.call('GET', route.path);
      assert.equal(reply.status, 200, reply.text);
      const foreign = [theirs.ids, ...theirs.otherIds].flatMap((ids) => Object.values(ids));
      for (const id of foreign) {
        const name = id.replace(/^(urn:)?(isin|uuid):/, '');
        assert.ok(!reply.text.includes(name), `${route.path} tells of ${id}`);
      }
    }
  });
}

test("point 7: another's account with another's user, and our account with another's user", async () => {
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

test('point 7: lists and keys are those of the client alone', async () => {
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

test('point 7: what a client has is no limit for another', async () => {
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
