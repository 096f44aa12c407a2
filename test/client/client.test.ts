// The published client against the real service, with a front between them that makes trouble.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, suite, test } from 'node:test';
import {
  ApiError,
  Client,
  type ClientOptions,
  NoResponseError,
  StillRunningError,
} from '@unwind/client';
import { systemClock } from '../../src/clock.ts';
import { giveAccounts, hook } from '../http/api.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { type Front, startFront } from './front.ts';

const { sql } = await createTestDatabase({ after });
const clock = systemClock;
const service = await startHttp({ after }, { sql, clock });
const elsewhere = await startHttp({ after }, { sql, clock });
const registered = await makeApiClient(sql, clock);

const impatient = { firstWaitMs: 5, longestWaitMs: 20 };

interface World {
  readonly client: Client;
  readonly front: Front;
}

async function makeWorld(
  t: Parameters<typeof startFront>[0],
  options: Partial<ClientOptions> = {},
): Promise<World> {
  const front = await startFront(t, service.port);
  const { clientId, clientSecret, keyId, key, scopes } = registered;
  const own = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
  const client = new Client({ baseUrl: front.url, ...own, retry: impatient, ...options });
  return { client, front };
}

async function newAccount() {
  const [account] = await giveAccounts(sql, registered);
  return { ...account, path: `/accounts/${account.accountId}/liquidations` };
}

/** What a call was refused with. */
async function refusal<E>(
  call: Promise<unknown>,
  kind: abstract new (...args: never[]) => E,
): Promise<E> {
  const error = await call.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof kind, String(error));
  return error;
}

suite('operations', () => {
  test('create, retrieve, list and cancel a liquidation', async (t) => {
    const { client } = await makeWorld(t);
    const { accountId, userId } = await newAccount();
    const made = await client.liquidations.create(accountId, { user_id: userId });
    assert.equal(made.status, 'NEW');
    assert.deepEqual(await client.liquidations.retrieve(accountId, made.id), made);
    const listed = client.liquidations.list(accountId, { start_date: made.created_at });
    assert.deepEqual(await listed.all(), [made]);
    const earlier = client.liquidations.list(accountId, { end_date: made.created_at });
    assert.equal((await earlier.page()).meta.total_count, 0);
    assert.equal(await client.liquidations.cancel(accountId, made.id), undefined);
    assert.equal((await client.liquidations.retrieve(accountId, made.id)).status, 'CANCELLED');
  });

  test('create, change, list and remove a webhook, and read the keys of deliveries', async (t) => {
    const { client } = await makeWorld(t);
    const made = await client.webhooks.create(hook);
    assert.equal(made.enabled, false);
    const changed = await client.webhooks.update(made.id, { enabled: true });
    assert.deepEqual([changed.enabled, changed.title], [true, hook.title]);
    const { delivery, ...retrieved } = await client.webhooks.retrieve(made.id);
    assert.deepEqual(retrieved, changed);
    assert.equal(delivery?.behind, 0);
    assert.ok((await client.webhooks.list().all()).some(({ id }) => id === made.id));
    await client.webhooks.remove(made.id);
    assert.equal((await refusal(client.webhooks.retrieve(made.id), ApiError)).status, 404);
    const { keys } = await client.webhooks.verifyKeys();
    assert.deepEqual(
      keys.map(({ crv }) => crv),
      ['P-521', 'Ed25519'],
    );
  });

  test('any other request, by method and target', async (t) => {
    const { client } = await makeWorld(t);
    const page = await client.request<{ meta: { limit: number } }>({
      method: 'GET',
      target: '/webhooks',
      query: { limit: 7, offset: undefined },
    });
    assert.equal(page.meta.limit, 7);
  });

  test('an id can not lead to another path', async (t) => {
    const { client, front } = await makeWorld(t);
    const { accountId } = await newAccount();
    await refusal(client.liquidations.retrieve(accountId, '../../../webhooks?x='), ApiError);
    const { target } = front.passed.at(-1) ?? assert.fail();
    assert.equal(target, `/accounts/${accountId}/liquidations/..%2F..%2F..%2Fwebhooks%3Fx%3D`);
    await assert.rejects(client.send({ method: 'GET', target: 'webhooks' }), TypeError);
  });

  test('the address of the service may have a path of its own', async (t) => {
    const { front } = await makeWorld(t);
    const { client } = await makeWorld(t, { baseUrl: `${front.url}/api/` });
    const error = await refusal(client.webhooks.list().page(), ApiError);
    assert.equal(error.status, 404);
    assert.equal(front.passed.at(-1)?.target, '/api/auth/token');
  });
});

test('a list is read page by page as it is looped over', async (t) => {
  const own = await makeApiClient(sql, clock);
  const { clientId, clientSecret, keyId, key } = own;
  const who = { clientId, clientSecret, keyId, privateKey: key.privateKey };
  const { client, front } = await makeWorld(t, who);
  const ids: string[] = [];
  for (let count = 0; count < 7; count += 1) ids.push((await client.webhooks.create(hook)).id);
  const seen: string[] = [];
  for await (const { id } of client.webhooks.list({ limit: 3 })) seen.push(id);
  assert.deepEqual(seen, ids);
  const offsets = front.passed.flatMap(({ target }) => /offset=(\d+)/.exec(target)?.[1] ?? []);
  assert.deepEqual(offsets, ['0', '3', '6']);
  const [second] = await Array.fromAsync(client.webhooks.list({ limit: 3, offset: 5 }).pages());
  assert.deepEqual(
    second?.data.map(({ id }) => id),
    ids.slice(5),
  );
  const none = client.webhooks.list({ limit: 0 });
  assert.equal((await none.page()).meta.total_count, 7);
  await assert.rejects(none.all(), RangeError);
});

suite('a refusal', () => {
  test('carries what the service says, and the ids that logs need', async (t) => {
    const { client } = await makeWorld(t);
    const { accountId, userId } = await newAccount();
    const { id } = await client.liquidations.create(accountId, { user_id: userId });
    const idempotencyKey = randomUUID();
    const again = client.liquidations.create(accountId, { user_id: userId }, { idempotencyKey });
    const error = await refusal(again, ApiError);
    assert.equal(error.status, 409);
    assert.equal(error.code, 'conflict');
    assert.equal(error.title, 'Conflict');
    assert.match(error.detail, /is still running/);
    assert.equal(error.headers.get('location'), `/accounts/${accountId}/liquidations/${id}`);
    assert.equal(error.instance, `urn:uuid:${error.requestId}`);
    assert.deepEqual([error.attempts, error.idempotencyKey], [1, idempotencyKey]);
    assert.equal(error.message, `409 Conflict: ${error.detail}`);
  });

  test('by something else than the service is shown as it is', async (t) => {
    const { client, front } = await makeWorld(t);
    front.react = () => ({ status: 403, headers: { 'content-type': 'text/html' }, body: '<p>No' });
    const error = await refusal(client.webhooks.list().page(), ApiError);
    assert.deepEqual([error.status, error.code, error.detail], [403, 'unknown', '<p>No']);
    assert.equal(error.requestId, undefined);
  });

  test('a redirect is not followed', async (t) => {
    const { client, front } = await makeWorld(t);
    front.react = (_, { target }) => {
      if (!target.startsWith('/webhooks')) return 'pass';
      return { status: 307, headers: { location: `${front.url}/auth/verify_keys` } };
    };
    assert.equal((await refusal(client.webhooks.list().page(), ApiError)).status, 307);
    assert.equal(front.count('GET', '/auth/verify_keys'), 0);
  });
});

suite('asking again', () => {
  test('a lost answer is asked for with the same key and a fresh signature', async (t) => {
    const { client, front } = await makeWorld(t);
    const { accountId, userId, path } = await newAccount();
    front.react = (number, { target }) => {
      return target === path && number === 1 ? 'lose the answer' : 'pass';
    };
    const made = await client.liquidations.create(accountId, { user_id: userId });
    const [first, second, ...others] = front.passed.filter(({ target }) => target === path);
    assert.ok(first && second && others.length === 0);
    assert.equal(first.headers['idempotency-key'], second.headers['idempotency-key']);
    assert.notEqual(first.headers['signature'], second.headers['signature']);
    assert.deepEqual(first.body, second.body);
    assert.deepEqual(await client.liquidations.list(accountId).all(), [made]);
  });

  const passing: readonly (readonly [number, Readonly<Record<string, string>>])[] = [
    [429, {}],
    [502, {}],
    [503, {}],
    [504, {}],
    [409, { 'retry-after': '0' }],
  ];
  for (const [status, headers] of passing) {
    const isForKeysOnly = status !== 429;
    test(`${status} is asked again${isForKeysOnly ? ', with a key' : ''}`, async (t) => {
      const { client, front } = await makeWorld(t);
      front.react = (number, { target }) => {
        return target !== '/auth/token' && number <= 2 ? { status, headers } : 'pass';
      };
      const { accountId, userId, path } = await newAccount();
      const made = await client.liquidations.create(accountId, { user_id: userId });
      assert.equal(made.status, 'NEW');
      assert.equal(front.count('POST', path), 3);
      if (isForKeysOnly) {
        const error = await refusal(client.webhooks.create(hook), ApiError);
        assert.deepEqual([error.status, error.attempts], [status, 1]);
      } else {
        assert.equal((await client.webhooks.create(hook)).title, hook.title);
      }
    });
  }

  for (const status of [400, 401, 403, 404, 409, 422, 500]) {
    test(`${status} is final`, async (t) => {
      const { client, front } = await makeWorld(t);
      await client.grantedScopes();
      front.react = (_, { target }) => (target === '/auth/token' ? 'pass' : { status });
      const { accountId, userId, path } = await newAccount();
      const call = client.liquidations.create(accountId, { user_id: userId });
      assert.equal((await refusal(call, ApiError)).status, status);
      // A 401 may be about a token that was not new: that one is tried once more.
      assert.equal(front.count('POST', path), status === 401 ? 2 : 1);
    });
  }

  test('as often as the policy says, then the last answer is the error', async (t) => {
    const { client, front } = await makeWorld(t, { retry: { ...impatient, attemptsMax: 3 } });
    front.react = (_, { target }) => (target === '/auth/token' ? 'pass' : { status: 503 });
    const error = await refusal(client.webhooks.list().page(), ApiError);
    assert.deepEqual([error.status, error.attempts], [503, 3]);
  });

  test('not before the time the service asks for', async (t) => {
    const { client, front } = await makeWorld(t);
    front.react = (number, { target }) => {
      if (target === '/auth/token' || number > 1) return 'pass';
      return { status: 503, headers: { 'retry-after': '1' } };
    };
    await client.grantedScopes();
    const begunAt = performance.now();
    await client.webhooks.list().page();
    assert.ok(performance.now() - begunAt >= 1_000);
  });

  test('not at all where the deadline comes first', async (t) => {
    const { client, front } = await makeWorld(t);
    const headers = { 'retry-after': new Date(Date.now() + 600_000).toUTCString() };
    front.react = (_, { target }) => (target === '/auth/token' ? 'pass' : { status: 429, headers });
    const error = await refusal(client.webhooks.list().page(), ApiError);
    assert.deepEqual([error.status, error.attempts], [429, 1]);
  });

  test('not what could be done twice: the error says that it may be done', async (t) => {
    const { client, front } = await makeWorld(t);
    front.react = (_, { target }) => (target === '/webhooks' ? 'lose the answer' : 'pass');
    const error = await refusal(client.webhooks.create(hook), NoResponseError);
    assert.deepEqual([error.attempts, error.mayBeDone], [1, true]);
    assert.equal(front.count('POST', '/webhooks'), 1);
  });

  test('a removal whose answer was lost has happened', async (t) => {
    const { client, front } = await makeWorld(t);
    const { id } = await client.webhooks.create(hook);
    front.react = (number, { method }) => {
      return method === 'DELETE' && number === 1 ? 'lose the answer' : 'pass';
    };
    await client.webhooks.remove(id);
    assert.equal(front.count('DELETE', `/webhooks/${id}`), 2);
    front.react = () => 'pass';
    assert.equal((await refusal(client.webhooks.remove(id), ApiError)).status, 404);
  });

  test('after a silence of the network', async (t) => {
    const { client, front } = await makeWorld(t, { retry: { ...impatient, attemptMs: 2_000 } });
    await client.grantedScopes();
    front.react = (number) => (number === 1 ? 'never' : 'pass');
    assert.ok((await client.webhooks.list().page()).meta);
  });
});

suite('stopping', () => {
  test('a signal ends a call at once, with its own reason', async (t) => {
    const { client, front } = await makeWorld(t);
    const { accountId, userId, path } = await newAccount();
    front.react = (_, { target }) => (target === path ? 'never' : 'pass');
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const call = client.liquidations.create(accountId, { user_id: userId }, options);
    await eventually('it is sent', () => front.count('POST', path) === 1);
    const reason = new Error('enough');
    stop.abort(reason);
    await assert.rejects(call, reason);
    await assert.rejects(
      client.liquidations.create(accountId, { user_id: userId }, options),
      reason,
    );
    assert.equal(front.count('POST', path), 1);
  });

  test('one that waits for a token with others stops alone', async (t) => {
    const { client, front } = await makeWorld(t);
    front.react = (_, { target }) => (target === '/auth/token' ? 'never' : 'pass');
    const stop = new AbortController();
    const stopped = client.webhooks.list({}, { signal: stop.signal }).page();
    const waits = client.webhooks.list({}, { deadlineMs: 2_000 }).page();
    await eventually('a token is asked for', () => front.count('POST', '/auth/token') === 1);
    stop.abort(new Error('enough'));
    await assert.rejects(stopped, /enough/);
    const error = await refusal(waits, NoResponseError);
    assert.match(error.message, /^No response in time from 127\.0\.0\.1:\d+, after 1 attempt\.$/);
    assert.equal(error.mayBeDone, false);
  });

  test('a deadline ends a call without an answer', async (t) => {
    const { client, front } = await makeWorld(t);
    await client.grantedScopes();
    front.react = () => 'never';
    const { accountId, userId, path } = await newAccount();
    const idempotencyKey = randomUUID();
    // Longer each time until even a busy machine has sent it by then: what was not sent is surely not done.
    for (const deadlineMs of [250, 2_000, 20_000, 60_000]) {
      const options = { deadlineMs, idempotencyKey };
      const call = client.liquidations.create(accountId, { user_id: userId }, options);
      const error = await refusal(call, NoResponseError);
      if (front.count('POST', path) === 0) continue;
      assert.deepEqual([error.mayBeDone, error.idempotencyKey], [true, idempotencyKey]);
      return;
    }
    assert.fail('it was never sent');
  });
});

suite('waiting for the end', () => {
  test('gives the liquidation as it ended', async (t) => {
    const { client } = await makeWorld(t);
    const { accountId, userId } = await newAccount();
    const { id } = await client.liquidations.create(accountId, { user_id: userId });
    const ended = client.liquidations.untilFinal(accountId, id, { everyMs: 5 });
    await client.liquidations.cancel(accountId, id);
    assert.equal((await ended).status, 'CANCELLED');
  });

  test('has an end itself', async (t) => {
    const { client } = await makeWorld(t);
    const { accountId, userId } = await newAccount();
    const { id } = await client.liquidations.create(accountId, { user_id: userId });
    const options = { everyMs: 5, patienceMs: 20 };
    const error = await refusal(
      client.liquidations.untilFinal(accountId, id, options),
      StillRunningError,
    );
    assert.deepEqual([error.liquidation.id, error.liquidation.status], [id, 'NEW']);
    const stop = AbortSignal.abort(new Error('enough'));
    await assert.rejects(client.liquidations.untilFinal(accountId, id, { signal: stop }), /enough/);
  });
});

suite('the token', () => {
  test('is asked for once, however many wait for it', async (t) => {
    const { client, front } = await makeWorld(t);
    await Promise.all(Array.from({ length: 50 }, () => client.webhooks.list().page()));
    assert.equal(front.count('POST', '/auth/token'), 1);
    assert.deepEqual(await client.grantedScopes(), registered.scopes);
  });

  test('that is not given is refused to all that wait', async (t) => {
    const { client, front } = await makeWorld(t, { clientSecret: 'wrong' });
    const calls = Array.from({ length: 10 }, () =>
      refusal(client.webhooks.list().page(), ApiError),
    );
    for (const { status } of await Promise.all(calls)) assert.equal(status, 401);
    assert.equal(front.count('POST', '/auth/token'), 1);
  });

  test('that the service takes no longer is replaced, and the request sent once more', async (t) => {
    const { client, front } = await makeWorld(t);
    await client.webhooks.list().page();
    await sql`delete from unwind.access_tokens where tenant_id = ${registered.clientId}`;
    front.port = elsewhere.port; // the other process remembers the token for some seconds
    const calls = Array.from({ length: 10 }, () => client.webhooks.list().page());
    assert.equal((await Promise.all(calls)).length, 10);
    assert.equal(front.count('POST', '/auth/token'), 2);
  });
});
