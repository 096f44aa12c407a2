// The commands beside `unwind start`, each as its own process: what they print, what they change,
// and which exit code they end with.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Client } from '@unwind/client';
import { databasesOn, newHome, newHomeOnServer, runUnwind, startService } from './processes.ts';

const quiet = { UNWIND_LOG_LEVEL: 'error' };

async function newKeyPair(_t: TestContext, home: string, name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = join(dirname(home), `${name}.pem`);
  await writeFile(file, publicKey.export({ format: 'pem', type: 'spki' }));
  return { file, privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

test('clients create prints a client once, and the client works', async (t) => {
  const home = await newHomeOnServer(t);
  const service = await startService(t, { home, settings: quiet });
  const { file, privateKeyPem } = await newKeyPair(t, home, 'client');
  const create = ['clients', 'create', '--name', 'Broker', '--public-key', file];
  const made = await runUnwind(t, [...create, '--scopes', 'webhooks:read webhooks:admin'], {
    home,
    settings: quiet,
  });
  assert.deepEqual([made.code, made.stderr], [0, '']);
  const { keys: madeKeys, ...shown } = JSON.parse(made.stdout) as Record<string, string>;
  assert.deepEqual(madeKeys, [{ key_id: shown['key_id'], algorithm: 'ecdsa-p256', file }]);
  assert.deepEqual(Object.keys(shown), ['client_id', 'client_secret', 'key_id']);
  const client = new Client({
    baseUrl: service.url,
    clientId: shown['client_id'] ?? '',
    clientSecret: shown['client_secret'] ?? '',
    keyId: shown['key_id'] ?? '',
    privateKey: privateKeyPem,
    scopes: ['webhooks:read', 'webhooks:admin'],
  });
  const keys = await client.send({ method: 'GET', target: '/auth/verify_keys' });
  assert.equal(keys.status, 200, keys.text);
  assert.equal((keys.json as { keys: unknown[] }).keys.length, 2, 'with keys for its webhooks');
  const account = 'c0ffee00-0000-4000-8000-000000000000';
  const forbidden = await client.send({
    method: 'GET',
    target: `/accounts/${account}/liquidations`,
  });
  assert.equal(forbidden.status, 403, 'and no more scopes than it was given');

  const packages = ['clients', 'packages', '4096', '--client', shown['client_id'] ?? ''];
  const set = await runUnwind(t, packages, { home, settings: quiet });
  assert.deepEqual([set.code, set.stderr], [0, '']);
  assert.equal(JSON.parse(set.stdout).max_package_size, 4_096);
  const url = 'https://hooks.example.test/';
  const webhook = await client.webhooks.create({ title: 'packed by default', url });
  assert.equal(webhook.config.max_package_size, 4_096);
});

test('no keys are made with another key file than that of the database', async (t) => {
  const home = await newHomeOnServer(t);
  await startService(t, { home, settings: quiet });
  const { file } = await newKeyPair(t, home, 'client');
  const other = join(dirname(home), 'other-key');
  await writeFile(other, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const settings = { ...quiet, UNWIND_KEY_FILE: other };
  const create = ['clients', 'create', '--name', 'Broker', '--scopes', 'all', '--public-key', file];
  for (const command of [create, ['keys', 'rotate']]) {
    const made = await runUnwind(t, command, { home, settings });
    assert.deepEqual([made.code, made.stdout], [2, ''], made.stderr);
    assert.match(made.stderr, /sealed with another key file than .*other-key/);
  }
});

describe('clients create refuses', () => {
  const table: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['unknown scopes', ['--scopes', 'webhooks:read,moon:admin'], /Unknown: moon:admin/],
    ['no scope', ['--scopes', ' , '], /names no scope/],
    ['another policy', ['--scopes', 'all', '--signature-policy', 'lax'], /strict, compatible/],
    ['a missing name', ['--scopes', 'all'], /--name/],
    ['an empty name', ['--scopes', 'all', '--name', ''], /1 to 100 characters/],
    [
      'a name that a terminal would obey',
      ['--scopes', 'all', '--name', 'a\u001b[2J'],
      /for control/,
    ],
  ];
  for (const [what, args, says] of table) {
    test(what, async (t) => {
      const home = await newHome(t);
      const name = what.includes('name') ? [] : ['--name', 'x'];
      const all = ['clients', 'create', ...name, '--public-key', '/dev/null', ...args];
      const { code, stdout, stderr } = await runUnwind(t, all, { home });
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.ok(code !== 0);
    });
  }

  test('a key file that is not there, and one that holds no public key', async (t) => {
    const home = await newHome(t);
    const create = ['clients', 'create', '--name', 'x', '--scopes', 'all', '--public-key'];
    const missing = join(home, 'no-such.pem');
    const absent = await runUnwind(t, [...create, missing], { home, settings: quiet });
    assert.deepEqual([absent.code, absent.stdout], [2, '']);
    assert.equal(absent.stderr, `unwind: the file ${missing} cannot be read: it does not exist.\n`);
    const nonsense = join(dirname(home), 'nonsense.pem');
    await writeFile(nonsense, 'nonsense');
    const wrong = await runUnwind(t, [...create, nonsense], { home, settings: quiet });
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /^unwind: .+\n$/);
    assert.deepEqual(await databasesOn(home), []);
  });
});

test('migrate makes the schema once, and leaves no database behind', async (t) => {
  const home = await newHome(t);
  const options = { home, settings: quiet };
  const first = await runUnwind(t, ['migrate'], options);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^(applied \d+ \S.*\n)+$/);
  assert.deepEqual(await databasesOn(home), []);
  const second = await runUnwind(t, ['migrate'], options);
  assert.deepEqual([second.code, second.stdout], [0, 'the schema is current\n']);
  const trail = await runUnwind(t, ['trail', 'list', '--operation', 'migrate', '--json'], options);
  const acts = JSON.parse(trail.stdout) as readonly { target: string; detail: string }[];
  assert.deepEqual(
    acts.map(({ target }) => target),
    ['/schema'],
    'what changed nothing is no act',
  );
  assert.match(acts[0]?.detail ?? '', /^1 \S/);
  assert.deepEqual(await databasesOn(home), []);
});

test('request prints status, headers and body; its exit code shows a success', async (t) => {
  const home = await newHomeOnServer(t);
  const options = { home, settings: quiet };
  const early = await runUnwind(t, ['request', 'GET', '/webhooks'], options);
  assert.deepEqual([early.code, early.stdout], [2, '']);
  assert.match(early.stderr, /^unwind: There is no sandbox client in .+: run "unwind start"\.\n$/);

  const service = await startService(t, options);
  const list = await runUnwind(t, ['request', 'get', '/webhooks?limit=5'], options);
  assert.deepEqual([list.code, list.stderr], [0, '']);
  assert.match(
    list.stdout,
    /^200\ncontent-type: application\/json.*\nupvest-request-id: \S+\n\n\{/,
  );
  assert.match(list.stdout, /"total_count": 0/);

  const data = JSON.stringify({ title: 'first', url: 'https://hooks.example.com/' });
  const post = await runUnwind(t, ['request', 'POST', '/webhooks', '--data', data], options);
  assert.equal(post.code, 0, post.stdout);
  assert.match(post.stdout, /^201\n/);

  const absent = await runUnwind(t, ['request', 'GET', '/nowhere'], options);
  assert.equal(absent.code, 1);
  assert.match(absent.stdout, /^404\ncontent-type: application\/problem\+json/);

  for (const args of [
    ['GET', 'webhooks'],
    ['POST', '/webhooks', '--data', '{'],
  ]) {
    const wrong = await runUnwind(t, ['request', ...args], options);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^unwind: (The target begins|--data is not JSON).*\n$/);
  }

  service.kill('SIGTERM');
  await service.ended;
  for (const print of [[], ['--print']]) {
    const late = await runUnwind(t, ['request', 'GET', '/webhooks', ...print], options);
    assert.deepEqual([late.code, late.stdout], [2, '']);
    assert.ok(late.stderr.startsWith(`unwind: nothing answers at ${service.url}. `), late.stderr);
    assert.match(
      late.stderr,
      /^[^\n]+: connection refused, [^\n]+running there[^\n]+\n$/,
      'one line',
    );
  }
});

test('import and audit work on a database of their own when no service runs', async (t) => {
  const home = await newHome(t);
  const options = { home, settings: quiet };
  const early = await runUnwind(t, ['import', home], options);
  assert.equal(early.code, 2);
  assert.match(early.stderr, /^unwind: there is no sandbox client in /);
  const unmade = await runUnwind(t, ['audit'], options);
  assert.equal(unmade.code, 2, unmade.stdout + unmade.stderr);
  assert.equal((await runUnwind(t, ['migrate'], options)).code, 0);
  const audit = await runUnwind(t, ['audit', '--json'], options);
  assert.deepEqual([audit.code, audit.stderr], [0, '']);
  assert.equal(JSON.parse(audit.stdout).ok, true);
  assert.deepEqual(await databasesOn(home), []);
});

test('parked lists nothing on a new database, and says what it does not know', async (t) => {
  const home = await newHomeOnServer(t, { migrated: false });
  const unwind = (...args: readonly string[]) => runUnwind(t, args, { home, settings: quiet });
  const early = await unwind('parked');
  assert.deepEqual([early.code, early.stdout], [2, '']);
  assert.match(early.stderr, /has no schema yet: run "unwind migrate"/);
  await unwind('migrate');
  const empty = await unwind('parked');
  assert.deepEqual([empty.code, empty.stdout], [0, 'nothing is parked\n']);
  const json = await unwind('parked', 'list', '--json');
  assert.deepEqual([json.code, json.stdout], [0, '[]\n']);
  const unknown = await unwind('parked', 'resume', 'release/none');
  assert.deepEqual([unknown.code, unknown.stdout], [1, 'nothing is parked as release/none\n']);
  const nothing = await unwind('parked', 'resume');
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /Name one id, or --all/);
});

test('abandon says what it cannot end', async (t) => {
  const home = await newHomeOnServer(t);
  const unwind = (...args: readonly string[]) => runUnwind(t, args, { home, settings: quiet });
  const id = '01990000-0000-7000-8000-000000000001';
  const unknown = await unwind('abandon', id, '--reason', 'stuck');
  assert.deepEqual([unknown.code, unknown.stdout], [1, `there is no liquidation ${id}\n`]);
  const noReason = await unwind('abandon', id);
  assert.equal(noReason.code, 2);
  assert.match(noReason.stderr, /--reason/);
  const noId = await unwind('abandon', 'mine', '--reason', 'stuck');
  assert.equal(noId.code, 2);
  assert.match(noId.stderr, /no UUID/);
});
