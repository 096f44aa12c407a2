// Subscriptions to webhooks over HTTP: what is answered, changed in part, listed and deleted, and the
// keys that deliveries are signed with.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parsePublicJwk } from '@unwind/signatures';
import { webhooksOfTenantMax } from '../../src/deliveries/manage-webhooks.ts';
import { parseId } from '../../src/ids.ts';
import { setPackageSizeDefault } from '../../src/webhooks/store.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { apiOf, hook, subscribe } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock, { keyTypes: ['P-256'] });
const api = await apiOf(service, client);

const noSuch = 'There is no such webhook.';

/** Where a subscription stands that has had nothing to deliver. */
const nothingYet = {
  cursor: 'e0',
  behind: 0,
  attempts: 0,
  failing_since: null,
  next_attempt_at: null,
  last_attempt_at: null,
  last_success_at: null,
  last_outcome: null,
  retrying: 0,
  set_aside: 0,
  accounts: [],
  gap: null,
};

/** What is shown of a subscription, without its deliveries. */
async function settingsAt(path: string): Promise<Readonly<Record<string, unknown>>> {
  const reply = await api.call('GET', path);
  assertSuccess(reply, 200);
  const { delivery: _, ...settings } = reply.json;
  return settings;
}

test('point 15: create answers 201 with all settings, disabled unless asked otherwise', async () => {
  const plain = await api.call('POST', '/webhooks', { json: hook });
  assertSuccess(plain, 201);
  const { id } = plain.json;
  assert.equal(
    plain.text,
    `{"id":"${id}","created_at":"2026-01-05T09:00:00.000Z",` +
      '"updated_at":"2026-01-05T09:00:00.000Z","title":"Hook",' +
      '"url":"https://hooks.example.test/in","enabled":false,"type":["ALL"],' +
      '"config":{"signature_version":"6","signature_algorithm":"ecdsa-p521"}}',
  );
  const found = await api.call('GET', `/webhooks/${id}`);
  assertSuccess(found, 200);
  const { delivery, ...same } = found.json;
  assert.deepEqual(same, plain.json);
  assert.deepEqual(delivery, nothingYet);

  const settings = {
    title: 'Übersicht – 100 % 📈',
    url: 'https://Hooks.Example.test:8443/a%20b/?x=1',
    type: ['ALL'],
    exclude_type: ['ORDER', 'POSITION'],
    enabled: true,
    config: {
      delay: '30s',
      max_package_size: 1_048_576,
      signature_version: '9421',
      signature_algorithm: 'ed25519',
    },
  };
  const full = await api.call('POST', '/webhooks', { json: settings });
  assertSuccess(full, 201);
  const { id: _, created_at, updated_at, ...shown } = full.json;
  assert.ok(created_at === updated_at);
  assert.deepEqual(shown, { ...settings, url: 'https://hooks.example.test:8443/a%20b/?x=1' });
  assert.deepEqual(await settingsAt(`/webhooks/${full.json['id']}`), full.json);
});

test('point 15: the client’s default packs what a new subscription leaves open, and nothing else', async () => {
  const own = await makeApiClient(sql, clock);
  const packing = await apiOf(service, own);
  const tenantId = parseId<'tenant'>(own.clientId);
  assert.ok(tenantId !== undefined);
  const before = await subscribe(packing);
  assert.ok(await setPackageSizeDefault(sql, { tenantId, bytes: 4_096 }));
  const sizeOf = async (path: string, caller = packing) => {
    const reply = await caller.call('GET', path);
    return (reply.json['config'] as { max_package_size?: number }).max_package_size;
  };
  assert.equal(await sizeOf(before), undefined);
  assert.equal(await sizeOf(await subscribe(packing)), 4_096);
  assert.equal(await sizeOf(await subscribe(packing, { config: { delay: '5s' } })), undefined);
  const large = { config: { max_package_size: 1_048_576 } };
  assert.equal(await sizeOf(await subscribe(packing, large)), 1_048_576);
  assert.equal(await sizeOf(await subscribe(api), api), undefined, 'another client’s is as it was');
  await setPackageSizeDefault(sql, { tenantId, bytes: undefined });
  assert.equal(await sizeOf(await subscribe(packing)), undefined);
});

test('point 15: PATCH changes what it names and nothing else', async () => {
  const path = await subscribe(api, { config: { delay: '5s', max_package_size: 100 } });
  let expected = await settingsAt(path);
  const config = { ...(expected['config'] as object) };
  const changes: readonly (readonly [change: object, shown: object])[] = [
    [{}, {}],
    [{ title: 'Renamed' }, { title: 'Renamed' }],
    [{ url: 'https://other.example.test' }, { url: 'https://other.example.test/' }],
    [{ enabled: true }, { enabled: true }],
    [{ exclude_type: ['ORDER'] }, { exclude_type: ['ORDER'] }],
    [{ exclude_type: [] }, { exclude_type: undefined }],
    [{ type: ['USER'] }, { type: ['USER'] }],
    [{ config: { delay: '1s' } }, { config: { ...config, delay: '1s' } }],
    [{ config: {} }, {}],
    [
      { enabled: false, title: 'x' },
      { enabled: false, title: 'x' },
    ],
  ];
  for (const [json, shown] of changes) {
    clock.advance(1_000);
    const all = { ...expected, ...shown, updated_at: clock.now().toISOString() };
    expected = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const reply = await api.call('PATCH', path, { json });
    assertSuccess(reply, 200);
    assert.deepEqual(reply.json, expected);
    assert.deepEqual(await settingsAt(path), reply.json);
  }
});

test('point 15: a PATCH is judged by what it would make', async () => {
  const path = await subscribe(api, {
    config: { signature_version: '9421', signature_algorithm: 'ed25519' },
  });
  const before = await recordsOf(sql);
  const p521 = { config: { signature_algorithm: 'ecdsa-p521' } };
  const reply = await api.call('PATCH', path, { json: p521 });
  assertProblem(reply, 'bad_request', /no algorithm for P-521/);
  assert.deepEqual(await recordsOf(sql), before);
  const both = { config: { signature_algorithm: 'ecdsa-p521', signature_version: '15' } };
  assertSuccess(await api.call('PATCH', path, { json: both }), 200);
  const back = await api.call('PATCH', path, { json: { config: { signature_version: '9421' } } });
  assertProblem(back, 'bad_request', /no algorithm for P-521/);
  const all = { type: ['ALL', 'ORDER'], exclude_type: ['POSITION'] };
  assertSuccess(await api.call('PATCH', path, { json: all }), 200);
  const some = await api.call('PATCH', path, { json: { type: ['ORDER'] } });
  assertProblem(some, 'bad_request', 'An exclude_type goes with the type ALL only.');
  const neither = { type: ['ORDER'], exclude_type: [] };
  assertSuccess(await api.call('PATCH', path, { json: neither }), 200);
});

test('point 15: DELETE answers 204, afterwards it is 404', async () => {
  const path = await subscribe(api);
  assertSuccess(await api.call('DELETE', path), 204);
  const before = await recordsOf(sql);
  for (const method of ['GET', 'DELETE', 'PATCH']) {
    const content = method === 'PATCH' ? { json: {} } : {};
    assertProblem(await api.call(method, path, content), 'not_found', noSuch);
  }
  for (const id of ['', '1', 'me', '%00', `${client.clientId}0`, 'a'.repeat(3_000)]) {
    const reply = await api.call('DELETE', `/webhooks/${id}`);
    assertProblem(reply, 'not_found', /webhook_id is no UUID/);
  }
  assert.deepEqual(await recordsOf(sql), before);
});

test('point 15: the list in pages, oldest first', async () => {
  const collector = await apiOf(service, await makeApiClient(sql, clock));
  const titles = ['a', 'b', 'c', 'd', 'e'];
  for (const title of titles) {
    clock.advance(1_000);
    await subscribe(collector, { title });
  }
  const pages: readonly (readonly [query: string, shown: string, meta: object])[] = [
    ['', 'abcde', {}],
    ['?sort=created_at&order=ASC', 'abcde', {}],
    ['?limit=2', 'ab', { limit: 2 }],
    ['?limit=2&offset=3', 'de', { limit: 2, offset: 3 }],
    ['?offset=5', '', { offset: 5 }],
    ['?limit=0', '', { limit: 0 }],
  ];
  for (const [query, shown, meta] of pages) {
    const reply = await collector.call('GET', `/webhooks${query}`);
    assertSuccess(reply, 200);
    const { data } = reply.json;
    assert.ok(Array.isArray(data));
    assert.equal(data.map((one: { title: string }) => one.title).join(''), shown);
    const usual = { count: shown.length, limit: 100, offset: 0, order: 'ASC', sort: 'created_at' };
    assert.deepEqual(reply.json['meta'], { ...usual, total_count: 5, ...meta });
  }
  const refused = [
    'limit=1001',
    'limit=-1',
    'offset=-1',
    'sort=id',
    'sort=',
    'sort=position',
    'sort=title,url',
    'order=desc',
    'start_date=2026',
  ];
  for (const query of refused) {
    const name = query.slice(0, query.indexOf('='));
    const reply = await collector.call('GET', `/webhooks?${query}`);
    assertProblem(reply, 'bad_request', new RegExp(name));
  }
});

test('point 15: the list sorted by each of its keys, both ways, in pages that fit together', async () => {
  const sorter = await apiOf(service, await makeApiClient(sql, clock));
  const hooks: readonly (readonly [title: string, path: string, enabled: boolean])[] = [
    ['b', '3', true],
    ['a', '2', false],
    ['b', '1', false],
    ['Z', '4', true],
  ];
  const paths: string[] = [];
  for (const [title, path, enabled] of hooks) {
    clock.advance(1_000);
    const url = `https://hooks.example.test/${path}`;
    paths.push(await subscribe(sorter, { title, url, enabled }));
  }
  clock.advance(1_000);
  await sorter.call('PATCH', paths[1] ?? '', { json: {} });
  const shown = async (query: string) => {
    const reply = await sorter.call('GET', `/webhooks?${query}`);
    assertSuccess(reply, 200);
    const { data, meta } = reply.json as {
      data: { url: string }[];
      meta: { sort: string; order: string; count: number };
    };
    assert.equal(meta.count, data.length);
    assert.ok(query.includes(`sort=${meta.sort}&order=${meta.order}`));
    return data.map(({ url }) => url.at(-1)).join('');
  };
  // What is equal stands in the order of creation.
  const ascending = {
    created_at: '3214',
    updated_at: '3142',
    title: '4231',
    url: '1234',
    enabled: '2134',
  };
  for (const [sort, expected] of Object.entries(ascending)) {
    const descending = [...expected].reverse().join('');
    assert.equal(await shown(`sort=${sort}&order=ASC`), expected);
    assert.equal(await shown(`sort=${sort}&order=DESC`), descending);
    const pages = [0, 1, 2, 3].map((offset) =>
      shown(`sort=${sort}&order=DESC&limit=1&offset=${offset}`),
    );
    assert.equal((await Promise.all(pages)).join(''), descending);
  }
});

test('point 15: there are only so many of one client, also when they are created at once', async () => {
  const greedy = await apiOf(service, await makeApiClient(sql, clock));
  await subscribe(greedy);
  await sql`
    insert into unwind.webhooks (
      tenant_id, webhook_id, title, url, enabled, types, signature_version, signature_algorithm,
      created_at, updated_at
    )
    select
      w.tenant_id, gen_random_uuid(), w.title, w.url, false, w.types, w.signature_version,
      w.signature_algorithm, w.created_at, w.created_at
    from unwind.webhooks w
    cross join generate_series(1, ${webhooksOfTenantMax - 4}) n
    where w.tenant_id = ${greedy.client.clientId}`;
  const signed = Array.from({ length: 8 }, () =>
    greedy.signed('POST', '/webhooks', { json: hook }),
  );
  const messages = await Promise.all(signed);
  const replies = await Promise.all(messages.map((message) => send(service, message)));
  assert.equal(replies.filter((reply) => reply.status === 201).length, 3);
  const many = `There can be at most ${webhooksOfTenantMax} webhooks.`;
  for (const reply of replies.filter((other) => other.status !== 201)) {
    assertProblem(reply, 'conflict', many);
  }
});

test('point 15: verify_keys are one P-521 and one Ed25519 public key, named as deliveries name them', async () => {
  const reply = await api.call('GET', '/auth/verify_keys');
  assertSuccess(reply, 200);
  assert.deepEqual(Object.keys(reply.json), ['keys']);
  const { keys } = reply.json;
  assert.ok(Array.isArray(keys));
  const jwks: readonly Readonly<Record<string, string>>[] = keys;
  assert.deepEqual(
    jwks.map(({ crv, kty, use }) => ({ crv, kty, use })),
    [
      { crv: 'P-521', kty: 'EC', use: 'sig' },
      { crv: 'Ed25519', kty: 'OKP', use: 'sig' },
    ],
  );
  for (const [kty, count] of [
    ['EC', 1],
    ['OKP', 1],
  ] as const) {
    const some = await api.call('GET', `/auth/verify_keys?kty=${kty}`);
    assertSuccess(some, 200);
    assert.deepEqual(some.json['keys'], jwks.filter((one) => one['kty'] === kty).slice(0, count));
  }
  assertProblem(await api.call('GET', '/auth/verify_keys?kty=RSA'), 'bad_request', /kty/);
  const known = await sql<{ key_id: string }[]>`
    select k.key_id
    from unwind.signing_keys k
    where k.tenant_id = ${client.clientId}
    order by k.created_at, k.key_id`;
  assert.deepEqual(
    jwks.map((jwk) => jwk['kid']),
    known.map((row) => row.key_id),
  );
  assert.deepEqual(
    jwks.map((jwk) => parsePublicJwk(jwk).algorithm),
    ['ecdsa-p521', 'ed25519'],
  );
  for (const jwk of jwks) assert.equal(jwk['d'], undefined);
});
