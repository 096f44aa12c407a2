// Access that an operator or a client withdraws ends on every process, and what was not withdrawn goes
// on: two processes on one database, the commands, and a revocation at one of the two.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { ensureCertificate } from '../../src/sandbox/certificate.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { type Api, apiOf, askForToken, revoke } from '../http/api.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  type ApiClient,
  type HttpService,
  makeApiClient,
  send,
  startHttp,
} from '../support/http.ts';
import { newHome, runUnwind, startService } from './processes.ts';

const why = ['--reason', 'the laptop was stolen', '--actor', 'Ada'];

test('what is withdrawn ends on every process', async (t) => {
  const { url, sql } = await createTestDatabase(t);
  const home = await newHome(t);
  const options = { home, settings: { DATABASE_URL: url, UNWIND_LOG_LEVEL: 'error' } };
  const started = [await startService(t, options), await startService(t, options)];
  // The document and the clock are those of a service in this process; it answers nothing.
  const local = await startHttp(t, { sql, clock: systemClock });
  const [one, two] = started.map((process): HttpService => {
    return { ...local, port: Number(new URL(process.url).port) };
  });
  assert.ok(one !== undefined && two !== undefined);

  const unwind = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const done = await runUnwind(t, ['clients', ...args], options);
    assert.deepEqual([done.code, done.stderr], [0, ''], args.join(' '));
    return JSON.parse(done.stdout) as Record<string, unknown>;
  };
  const statusAt = async (place: HttpService, api: Api): Promise<number> => {
    return (await send(place, await api.signed('GET', '/webhooks'))).status;
  };
  const tokenStatusAt = async (place: HttpService, client: ApiClient): Promise<number> => {
    return (await askForToken(place, client)).status;
  };
  /** A client whose token, and whose credentials, both processes know. */
  const known = async (): Promise<Api> => {
    const api = await apiOf(one, await makeApiClient(sql, systemClock));
    for (const place of [one, two]) assert.equal(await statusAt(place, api), 200);
    assert.equal(await tokenStatusAt(two, api.client), 200);
    return api;
  };
  /** Waits until both processes answer the token so. */
  const becomes = async (status: number, api: Api): Promise<void> => {
    for (const place of [one, two]) {
      const isSo = async () => (await statusAt(place, api)) === status;
      await eventually(`the token is answered ${status}`, isSo);
    }
  };

  await t.test('a disabled client, until it is enabled', async () => {
    const api = await known();
    const { clientId } = api.client;
    assert.equal((await unwind('disable', clientId, ...why))['disabled'], true);
    await becomes(401, api);
    assert.equal(await tokenStatusAt(two, api.client), 401);
    await unwind('enable', clientId, ...why);
    await eventually('it gets a token again', async () => {
      return (await tokenStatusAt(two, api.client)) === 200;
    });
    assert.equal(await statusAt(two, api), 401, 'its old tokens stay withdrawn');
  });

  await t.test('scopes that were withdrawn', async () => {
    const api = await known();
    await unwind('scopes', api.client.clientId, '--set', 'accounts:read', ...why);
    await becomes(403, api);
  });

  await t.test('all tokens of a client, which may get new ones', async () => {
    const api = await known();
    const { revoked } = await unwind('revoke-tokens', api.client.clientId, ...why);
    assert.equal(revoked, 2);
    await becomes(401, api);
    assert.equal(await tokenStatusAt(one, api.client), 200);
  });

  await t.test('one token, by a client that revokes it at the other process', async () => {
    const api = await known();
    const other = await apiOf(one, api.client);
    assert.equal((await revoke(one, api.client, { token: api.token })).status, 200);
    assert.equal(await statusAt(one, api), 401, 'at once where it was revoked');
    await becomes(401, api);
    for (const place of [one, two]) assert.equal(await statusAt(place, other), 200);
  });

  await t.test(
    'requests without the certificate that a client got, until it is taken away',
    async () => {
      const api = await known();
      const { clientId } = api.client;
      const { cert } = await ensureCertificate(home, { host: 'localhost', now: new Date() });
      const file = join(dirname(home), 'certificate.pem');
      await writeFile(file, cert);
      const added = await unwind('certificates', clientId, '--add', file, ...why);
      const hex = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
      assert.deepEqual(added['certificates'], [hex]);
      await becomes(401, api);
      assert.equal(await tokenStatusAt(two, api.client), 401);
      const { certificates } = await unwind('show', clientId);
      assert.deepEqual(certificates, [hex]);
      await unwind('certificates', clientId, '--clear', ...why);
      await becomes(200, api);
    },
  );

  await t.test('requests from elsewhere', async () => {
    const api = await known();
    const { clientId } = api.client;
    await unwind('addresses', clientId, '--set', '203.0.113.0/24,2001:db8::1', ...why);
    await becomes(401, api);
    const { addresses } = await unwind('show', clientId);
    assert.deepEqual(addresses, ['203.0.113.0/24', '2001:db8::1']);
    await unwind('addresses', clientId, '--set', '127.0.0.1', ...why);
    await becomes(200, api);
    const acts = await sql<{ operation: string; reason: string; detail: string }[]>`
      select a.operation, a.reason, a.detail
      from unwind.acts a
      where a.tenant_id = ${clientId}
        and a.kind = 'command'
      order by a.act_id`;
    const reason = 'the laptop was stolen';
    const operation = 'set_client_addresses';
    assert.deepEqual(
      [...acts],
      [
        { operation, reason, detail: '203.0.113.0/24,2001:db8::1' },
        { operation, reason, detail: '127.0.0.1' },
      ],
    );
  });

  await t.test('a key, while the one that replaces it works', async () => {
    const api = await known();
    const { clientId, keyId } = api.client;
    const pair = generateKeyPairSync('ed25519');
    const file = join(dirname(home), 'new-key.pem');
    await writeFile(file, pair.publicKey.export({ format: 'pem', type: 'spki' }));
    const added = await unwind('add-key', clientId, '--public-key', file, ...why);
    const key = { algorithm: 'ed25519', privateKey: pair.privateKey } as const;
    const renewed = { ...api.client, key, keyId: String(added['key_id']) };
    await eventually('the new key gets a token', async () => {
      return (await tokenStatusAt(two, renewed)) === 200;
    });
    assert.equal(await statusAt(two, api), 200, 'the old key works beside it');
    await unwind('revoke-key', clientId, '--key', keyId, ...why);
    await becomes(401, api);
    assert.equal(await tokenStatusAt(two, renewed), 200);
  });

  await t.test('a secret, at once or when its overlap ends', async () => {
    const api = await known();
    const { clientId } = api.client;
    const first = await unwind('rotate-secret', clientId, '--overlap', '1', ...why);
    const renewed = { ...api.client, clientSecret: String(first['client_secret']) };
    await eventually('the new secret gets a token', async () => {
      return (await tokenStatusAt(two, renewed)) === 200;
    });
    assert.equal(await tokenStatusAt(two, api.client), 200, 'the old secret works beside it');
    assert.equal(await statusAt(two, api), 200, 'and so do its tokens');
    const ends = Date.parse(String(first['old_secret_ends_at']));
    const { old_secret_ends_at: shown } = await unwind('show', clientId);
    assert.equal(shown, new Date(ends).toISOString());

    const last = await unwind('rotate-secret', clientId, '--overlap', '0', ...why);
    await becomes(401, api);
    for (const old of [api.client, renewed]) assert.equal(await tokenStatusAt(two, old), 401);
    const newest = { ...api.client, clientSecret: String(last['client_secret']) };
    assert.equal(await tokenStatusAt(two, newest), 200);
    const seen = await unwind('show', clientId);
    const changes = seen['changes'] as readonly Record<string, string>[];
    assert.deepEqual(
      changes.map(({ change, actor, reason }) => [change, actor, reason]),
      [
        ['secret_rotated', 'Ada', 'the laptop was stolen'],
        ['secret_rotated', 'Ada', 'the laptop was stolen'],
      ],
    );
    const everything = JSON.stringify([first, last, seen]);
    assert.ok(!everything.includes(api.client.clientSecret));
  });

  await t.test('the sandbox client, whose commands say what to do', async () => {
    const { client_id: id = '' } = (await readSandboxClient(home)) ?? {};
    await unwind('rotate-secret', id, '--overlap', '0', ...why);
    const { code, stderr } = await runUnwind(t, ['request', 'GET', '/webhooks'], options);
    assert.equal(code, 2);
    const remedy = `write the new one into sandbox-client.json as client_secret; "unwind clients show ${id}"`;
    assert.ok(stderr.includes('gives no token: 401, ') && stderr.includes(remedy), stderr);
  });
});
