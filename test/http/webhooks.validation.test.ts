// Which settings of a subscription are refused, on creation and on change, and what that says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, hook, subscribe } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const sandbox = await startHttp({ after }, { sql, clock, allowLoopback: true });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const atHome = await apiOf(sandbox, client);
const path = await subscribe(api);

type Cases = readonly (readonly [settings: Readonly<Record<string, unknown>>, detail: RegExp])[];

const p521 = { signature_version: '9421' };

const refused: Cases = [
  [{ title: '' }, /\/title/],
  [{ title: 'a'.repeat(101) }, /\/title/],
  [{ title: '📈'.repeat(101) }, /\/title/],
  [{ title: null }, /\/title/],
  [{ title: 1 }, /\/title/],
  [{ title: 'a\0b' }, /\/title/],
  [{ title: 'a\ud800b' }, /\/title/],
  [{ title: 'line\nfeed' }, /\/title/],
  [{ title: '\u001b[31m' }, /\/title/],
  [{ url: null }, /\/url/],
  [{ url: '' }, /\/url/],
  [{ url: ['https://hooks.example.test'] }, /\/url/],
  [{ type: [] }, /\/type/],
  [{ type: 'ALL' }, /\/type/],
  [{ type: ['EVERYTHING'] }, /\/type/],
  [{ type: ['all'] }, /\/type/],
  [{ type: ['ACCOUNT_LIQUIDATION.NEW'] }, /\/type/],
  [{ type: ['ALL', 'ALL'] }, /\/type/],
  [{ type: [null] }, /\/type/],
  [{ enabled: 'true' }, /\/enabled/],
  [{ enabled: 1 }, /\/enabled/],
  [{ enabled: null }, /\/enabled/],
  [{ config: null }, /\/config/],
  [{ config: [] }, /\/config/],
  [{ config: { retries: 1 } }, /\/config has unknown members \(retries\)/],
  ...['0s', '31s', '100s', '1m', '1', 's', '01s', '1.5s', '-1s', ' 1s', '1s\n', '', 1, null].map(
    (delay) => [{ config: { delay } }, /\/config\/delay/] as const,
  ),
  ...[99, 1_048_577, 0, -100, 100.5, '100', null, 1e99].map((size) => {
    return [{ config: { max_package_size: size } }, /\/config\/max_package_size/] as const;
  }),
  ...['1', '', '06', 'v6', 6, null].map((version) => {
    return [{ config: { signature_version: version } }, /\/config\/signature_version/] as const;
  }),
  ...['ecdsa-p256', 'ED25519', '', null].map((algorithm) => {
    return [{ config: { signature_algorithm: algorithm } }, /signature_algorithm/] as const;
  }),
  [{ config: p521 }, /no algorithm for P-521/],
  [{ config: { ...p521, signature_algorithm: 'ecdsa-p521' } }, /no algorithm for P-521/],
  [{ id: client.clientId }, /unknown members \(id\)/],
  [{ exclude_type: 'ORDER' }, /\/exclude_type/],
  [{ exclude_type: null }, /\/exclude_type/],
  [{ exclude_type: ['ALL'] }, /\/exclude_type/],
  [{ exclude_type: ['order'] }, /\/exclude_type/],
  [{ exclude_type: ['ORDER', 'ORDER'] }, /\/exclude_type/],
  [{ exclude_type: ['ACCOUNT_LIQUIDATION.NEW'] }, /\/exclude_type/],
  [{ type: ['USER'], exclude_type: ['ORDER'] }, /goes with the type ALL only/],
  [{ created_at: '2026-01-05T09:00:00.000Z' }, /unknown members \(created_at\)/],
];

const noHost = /The url (does not name a public host|names an address instead of a host)/;

const refusedUrls: readonly (readonly [url: string, detail: RegExp])[] = [
  ['hooks.example.test', /is not a URL/],
  ['/in', /is not a URL/],
  ['https://', /is not a URL/],
  ['https://hooks..example.test:99999', /is not a URL/],
  ['https://exa mple.test', /is not a URL/],
  ['http://hooks.example.test', /is not https/],
  ['ftp://hooks.example.test', /is not https/],
  ['file:///etc/passwd', /is not https/],
  ['javascript:alert(1)', /is not https/],
  ['data:text/plain,x', /is not https/],
  ['wss://hooks.example.test', /is not https/],
  ['https://hooks.example.test:0/', /has the port 0/],
  ['https://user@hooks.example.test', /carries credentials/],
  ['https://:secret@hooks.example.test', /carries credentials/],
  ['https://hooks.example.test@evil.example.test', /carries credentials/],
  ['https://hooks.example.test/#part', /has a fragment/],
  ['https://hooks.example.test/#', /has a fragment/],
  ['https://203.0.113.7', noHost],
  ['https://10.0.0.1', noHost],
  ['https://127.0.0.1', noHost],
  ['https://127.1', noHost],
  ['https://2130706433', noHost],
  ['https://0x7f.0.0.1', noHost],
  ['https://0177.0.0.1', noHost],
  ['https://１２７.0.0.1', noHost],
  ['https://127.0.0.1.', noHost],
  ['https://0', noHost],
  ['https://169.254.169.254/latest/meta-data', noHost],
  ['https://[::1]', noHost],
  ['https://[::ffff:127.0.0.1]', noHost],
  ['https://[2001:db8::1]', noHost],
  ['https://localhost', noHost],
  ['https://LOCALHOST', noHost],
  ['https://localhost.', noHost],
  ['https://hooks.localhost', noHost],
  ['https://hooks.localhost.', noHost],
  ['https://intranet', noHost],
  ['https://intranet.', noHost],
  [`https://hooks.example.test/${'a'.repeat(974)}`, /\/url/],
  // 200 letters that are 1,200 bytes in the normal form that is stored.
  [`https://hooks.example.test/${'ä'.repeat(200)}`, /is longer than 1000 characters/],
];

const isComplete = { ...hook };

for (const [settings, detail] of [
  ...refused,
  ...refusedUrls.map(([url, said]) => [{ url }, said] as const),
]) {
  test(`point 15: refused: ${JSON.stringify(settings).slice(0, 80)}`, async () => {
    const before = await recordsOf(sql);
    const created = await api.call('POST', '/webhooks', { json: { ...isComplete, ...settings } });
    assertProblem(created, 'bad_request', detail);
    assertProblem(await api.call('PATCH', path, { json: settings }), 'bad_request', detail);
    assert.deepEqual(await recordsOf(sql), before);
  });
}

test('point 15: a creation needs title and url', async () => {
  for (const name of ['title', 'url'] as const) {
    const { [name]: _, ...json } = hook;
    const reply = await api.call('POST', '/webhooks', { json });
    assertProblem(reply, 'bad_request', new RegExp(`required properties ${name}`));
  }
  const before = await recordsOf(sql);
  const headers = { 'content-type': 'text/plain' };
  for (const [method, target] of [['POST', '/webhooks'] as const, ['PATCH', path] as const]) {
    const notJson = await api.call(method, target, { body: '{', headers: { ...headers } });
    assertProblem(notJson, 'unsupported_media_type', /application\/json/);
    const json = { 'content-type': 'application/json' };
    const broken = await api.call(method, target, { body: '{', headers: json });
    assertProblem(broken, 'bad_request', 'The body is not JSON.');
  }
  assert.deepEqual(await recordsOf(sql), before);
});

test('point 15: what is just right is taken', async (t) => {
  const right: readonly Readonly<Record<string, unknown>>[] = [
    { title: 'a'.repeat(100) },
    { title: '📈'.repeat(100) },
    { title: ' ' },
    { url: `https://hooks.example.test/${'a'.repeat(973)}` },
    { url: 'https://hooks.example.test:443/in?key=value&' },
    { url: 'https://bücher.example.test' },
    { url: 'https://hooks.example.test.' },
    { type: ['ALL'], exclude_type: [] },
    { config: { delay: '1s' } },
    { config: { delay: '30s' } },
    { config: { max_package_size: 100 } },
    { config: { max_package_size: 1_048_576 } },
    { config: { signature_version: '15', signature_algorithm: 'ed25519' } },
  ];
  for (const settings of right) {
    await t.test(JSON.stringify(settings).slice(0, 80), async () => {
      const created = await api.call('POST', '/webhooks', { json: { ...hook, ...settings } });
      assertSuccess(created, 201);
      assertSuccess(await api.call('PATCH', path, { json: settings }), 200);
    });
  }
});

test('point 15: receivers on this machine are taken only where the service allows them', async (t) => {
  const local = [
    'http://localhost:9000/in',
    'http://127.0.0.1:9000/',
    'http://127.9.8.7/',
    'http://[::1]:9000/',
    'https://localhost/',
    'https://127.0.0.1/',
  ];
  for (const url of local) {
    await t.test(url, async () => {
      const json = { ...hook, url };
      assertSuccess(await atHome.call('POST', '/webhooks', { json }), 201);
      assertProblem(await api.call('POST', '/webhooks', { json }), 'bad_request', /^The url /);
    });
  }
  const never = ['http://hooks.example.test/', 'http://10.0.0.1/', 'http://0.0.0.0/'];
  for (const url of [...never, 'http://[::]/', 'http://user@localhost/', 'http://localhost/#']) {
    await t.test(url, async () => {
      const json = { ...hook, url };
      assertProblem(await atHome.call('POST', '/webhooks', { json }), 'bad_request', /^The url /);
    });
  }
});
