// `unwind start` as a person meets it: the first start, the second, the end, and everything that
// can be wrong before it begins.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { scopes } from '../../src/auth/scope.ts';
import { readSandboxClient, type SandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { eventually, portOf } from '../support/condition.ts';
import { clientOf } from './client.ts';
import {
  databasesOn,
  newHome,
  patienceMs,
  type RunningService,
  runUnwind,
  startService,
} from './processes.ts';

const live = { UNWIND_MODE: 'live', UNWIND_VENUE: 'simulated', UNWIND_SIMULATE_FILLS: 'yes' };

async function get(url: string): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  return { status: answer.status, json: await answer.json() };
}

function ready({ url }: RunningService): Promise<unknown> {
  const isReady = async () => (await get(`${url}/readyz`)).status === 200;
  return eventually('the service is ready', isReady, patienceMs);
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

async function sandboxOf(home: string): Promise<SandboxClient> {
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined, 'there is a sandbox client');
  return sandbox;
}

test('point 17: a first start makes everything it needs, a second one keeps it', async (t) => {
  const home = await newHome(t);
  const first = await startService(t, { home });
  t.diagnostic(`first start: listens after ${Math.round(first.startMs)} ms (aim 6,000)`);
  assert.match(first.stdout(), welcomeOf(first, home));
  await ready(first);
  const sandbox = await sandboxOf(home);
  await checkSandbox(home, sandbox, first);
  await checkProbes(first);
  const client = await clientOf(sandbox);
  const json = { title: 'kept', url: 'https://hooks.example.com/' };
  const made = await client.send({ method: 'POST', target: '/webhooks', json });
  assert.equal(made.status, 201, made.text);
  await checkEnd(home, first, 'SIGTERM');

  const second = await startService(t, { home });
  t.diagnostic(`second start: listens after ${Math.round(second.startMs)} ms (aim 3,000)`);
  await ready(second);
  assert.match(second.stdout(), welcomeOf(second, home), 'nobody answers where the first has been');
  const kept = await sandboxOf(home);
  assert.deepEqual(kept, { ...sandbox, base_url: second.url });
  const again = await clientOf(kept);
  const list = await again.send({ method: 'GET', target: '/webhooks' });
  const { data } = list.json as { data: readonly { title: string }[] };
  assert.deepEqual(
    data.map((webhook) => webhook.title),
    ['kept'],
  );
  await checkEnd(home, second, 'SIGINT');
});

test('a home that was moved keeps its client, and the next start names its keys anew', async (t) => {
  const home = await newHome(t);
  const settings = { UNWIND_LOG_LEVEL: 'error' };
  const first = await startService(t, { home, settings });
  first.kill('SIGTERM');
  await first.ended;
  const before = await sandboxOf(home);
  const moved = await newHome(t);
  await rename(home, moved);
  const printed = await runUnwind(t, ['request', 'GET', '/webhooks', '--print'], { home: moved });
  assert.match(printed.stderr, /nothing answers at/, 'it signs with the keys that moved along');
  const second = await startService(t, { home: moved, settings });
  const file: SandboxClient = JSON.parse(
    await readFile(join(moved, 'sandbox-client.json'), 'utf8'),
  );
  assert.equal(file.client_id, before.client_id);
  for (const { private_key_file: key } of file.keys)
    assert.ok(key.startsWith(`${moved}/keys/`), key);
  const asked = await runUnwind(t, ['request', 'GET', '/webhooks'], { home: moved });
  assert.equal(asked.code, 0, asked.stderr);
  second.kill('SIGTERM');
  await second.ended;
  for (const base_url of ['ftp://unwind.example', '127.0.0.1:8080', 'http://']) {
    await writeFile(join(moved, 'sandbox-client.json'), JSON.stringify({ ...file, base_url }));
    const elsewhere = await runUnwind(t, ['request', 'GET', '/webhooks'], { home: moved });
    assert.equal(elsewhere.code, 2);
    assert.match(elsewhere.stderr, /^unwind: \S+ cannot be used: its base_url is no address .*\n$/);
  }
  await writeFile(join(moved, 'sandbox-client.json'), JSON.stringify(file));
  for (const { private_key_file: key } of file.keys) await rm(key);
  const lost = await runUnwind(t, ['request', 'GET', '/webhooks'], { home: moved });
  assert.equal(lost.code, 2);
  assert.match(
    lost.stderr,
    /^unwind: The private key of the sandbox client, \S+, cannot be used: it does not exist\. Bring it back .*\n$/,
  );
});

function welcomeOf({ url }: RunningService, home: string): RegExp {
  const escaped = (text: string) => RegExp.escape(text);
  return new RegExp(
    `^\\n  Unwind \\S+ listens at ${escaped(url)} \\(sandbox, ready in \\d+ ms\\)\\n\\n` +
      `  Console         ${escaped(url)}/console \\(sign in with a link: npm run -s unwind -- console\\)\\n` +
      `  API, to read    ${escaped(url)}/docs\\n` +
      `  Health          ${escaped(url)}/readyz\\n` +
      `  Database        ${escaped(join(home, 'pg18'))}\\n` +
      `  Sandbox client  ${escaped(join(home, 'sandbox-client.json'))}\\n\\n` +
      '  Now, in another terminal:\\n' +
      '    npm run -s unwind -- listen\\n' +
      '  and in a third, import a book, sell an account of it, then check it all:\\n' +
      '    npm run -s unwind -- import examples/book\\n' +
      '    npm run -s unwind -- request POST /accounts/\\S+/liquidations --data .*\\n' +
      '    npm run -s unwind -- audit\\n\\n$',
  );
}

async function checkSandbox(
  home: string,
  sandbox: SandboxClient,
  { url }: RunningService,
): Promise<void> {
  assert.equal(sandbox.base_url, url);
  assert.match(sandbox.client_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.ok(sandbox.client_secret.length >= 43, '256 bits');
  assert.deepEqual(sandbox.scopes, scopes);
  assert.deepEqual(
    sandbox.keys.map((key) => key.algorithm),
    ['ed25519', 'ecdsa-p521'],
  );
  for (const { private_key_file: file } of sandbox.keys) {
    assert.equal(await modeOf(file), '600', file);
    assert.match(await readFile(file, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  }
  for (const file of ['sandbox-client.json', 'key', 'pg18.log']) {
    assert.equal(await modeOf(join(home, file)), '600', file);
  }
  assert.equal(await modeOf(join(home, 'keys')), '700');
  const entries = await readdir(home);
  const known = ['key', 'keys', 'pg18', 'pg18.log', 'sandbox-client.json'];
  assert.deepEqual(entries.toSorted(), known, 'nothing half-written is left');
}

async function checkProbes({ url }: RunningService): Promise<void> {
  assert.deepEqual(await get(`${url}/healthz`), { status: 200, json: { status: 'alive' } });
  const checks = {
    database: 'reached',
    schema: 'current',
    parked: '0',
    clock: 'in step with the database',
    loops: 'running',
  };
  assert.deepEqual(await get(`${url}/readyz`), { status: 200, json: { status: 'ready', checks } });
}

async function checkEnd(
  home: string,
  service: RunningService,
  signal: 'SIGINT' | 'SIGTERM',
): Promise<void> {
  assert.equal((await databasesOn(home)).length, 1, 'one database');
  // Twice, as npm makes it of one Ctrl-C: the second one must not cut the stop short.
  service.kill(signal);
  service.kill(signal);
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  assert.deepEqual(await databasesOn(home), [], 'the database is gone with it');
  for (const line of service.stderr().split('\n')) {
    if (line !== '') assert.ok(JSON.parse(line).level < 50, line);
  }
}

describe('a service that cannot start says why and ends with 2:', () => {
  test('every wrong setting is named at once', async (t) => {
    const home = await newHome(t);
    const settings = {
      UNWIND_MODE: 'production',
      PORT: 'http',
      DATABASE_URL: 'mysql://localhost',
      UNWIND_DATABASE_CONNECTIONS: '0',
      UNWIND_VENUE_DELAY_MS: '-1',
      UNWIND_RELEASE_DELAY_MS: '2 s',
      UNWIND_LOG_LEVEL: 'loud',
    };
    const { code, stdout, stderr } = await runUnwind(t, ['start'], { home, settings });
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^unwind: /);
    for (const name of Object.keys(settings)) assert.match(stderr, new RegExp(`\\b${name} is `));
    assert.equal(stderr.trimEnd().split('\n').length, Object.keys(settings).length);
    await assert.rejects(stat(home), { code: 'ENOENT' }, 'nothing was begun');
  });

  test('the port is in use', async (t) => {
    const home = await newHome(t);
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    t.after(() => other.close());
    const port = portOf(other);
    const settings = { PORT: String(port), UNWIND_LOG_LEVEL: 'error' };
    const { code, stdout, stderr } = await runUnwind(t, ['start'], { home, settings });
    assert.deepEqual([code, stdout], [2, '']);
    assert.equal(stderr, `unwind: The port ${port} is in use; choose another with PORT.\n`);
    await assert.rejects(stat(home), { code: 'ENOENT' }, 'nothing was begun');
  });

  test('live mode has no key file', async (t) => {
    const home = await newHome(t);
    const settings = live;
    const { code, stderr } = await runUnwind(t, ['start'], { home, settings });
    assert.equal(code, 2);
    assert.equal(stderr, 'unwind: UNWIND_KEY_FILE is needed in live mode.\n');
    await assert.rejects(stat(home), { code: 'ENOENT' }, 'nothing was begun');
  });

  test('the key file is not the one the database was filled with', async (t) => {
    const home = await newHome(t);
    const before = await startService(t, { home, settings: { UNWIND_LOG_LEVEL: 'error' } });
    before.kill('SIGTERM');
    await before.ended;
    const settings = { UNWIND_KEY_FILE: await writeKeyFile(t, home, randomBytes(32)) };
    const { code, stderr } = await runUnwind(t, ['start'], { home, settings });
    assert.equal(code, 2);
    assert.match(stderr, /^unwind: The keys in this database were sealed with another key file/m);
    assert.deepEqual(await databasesOn(home), [], 'the database was stopped again');
  });
});

async function writeKeyFile(_t: TestContext, home: string, key: Buffer): Promise<string> {
  const file = join(dirname(home), 'webhook-key');
  await mkdir(dirname(home), { recursive: true });
  await writeFile(file, key.toString('base64'), { mode: 0o600 });
  return file;
}

test('point 17: live mode starts with its key file and makes no sandbox client', async (t) => {
  const home = await newHome(t);
  const file = await writeKeyFile(t, home, randomBytes(32));
  const settings = { ...live, UNWIND_KEY_FILE: file };
  const service = await startService(t, { home, settings });
  await ready(service);
  const warning = /LIVE MODE WITH A SIMULATED VENUE: fills are invented, nothing is sold/;
  assert.match(service.stdout(), /\n {2}Unwind \S+ listens at \S+ \(live, ready in \d+ ms\)\n/);
  assert.match(service.stdout(), warning);
  assert.match(service.stderr(), warning, 'and in the log');
  const { json } = await get(`${service.url}/readyz`);
  assert.match(
    (json as { checks: Readonly<Record<string, string>> }).checks['venue'] ?? '',
    warning,
  );
  assert.match(await (await fetch(`${service.url}/`)).text(), warning);
  assert.equal(await readSandboxClient(home), undefined);
  assert.ok(!(await readdir(home)).includes('key'), 'it makes no key of its own');
  await checkEnd(home, service, 'SIGTERM');
});
