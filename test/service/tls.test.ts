// `unwind start --tls` as a process: the commands beside it trust its authority by themselves, others do
// once they are told, and live mode has none of it.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { eventually } from '../support/condition.ts';
import { clientOf } from './client.ts';
import {
  launchUnwind,
  newHome,
  newHomeOnServer,
  patienceMs,
  runUnwind,
  startService,
} from './processes.ts';

const quiet = { UNWIND_LOG_LEVEL: 'error' };

async function statusOf(url: string, options: RequestOptions): Promise<number | string> {
  const asked = request(`${url}/healthz`, { agent: false, ...options });
  asked.end();
  try {
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

test('a sandbox speaks TLS, and everything works over it', async (t) => {
  const home = await newHomeOnServer(t);
  const service = await startService(t, { home, settings: quiet, args: ['--tls'] });
  assert.match(service.url, /^https:\/\/127\.0\.0\.1:/);
  const caFile = join(home, 'tls', 'ca.pem');
  assert.ok(service.stdout().includes(`curl --cacert ${caFile} ${service.url}/readyz`));
  assert.equal(await statusOf(service.url, { ca: await readFile(caFile) }), 200);
  assert.match(
    String(await statusOf(service.url, {})),
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/,
  );

  const asked = await runUnwind(t, ['request', 'GET', '/webhooks'], { home, settings: quiet });
  assert.equal(asked.code, 0, asked.stderr);
  const listening = launchUnwind(t, ['listen'], { home, settings: quiet });
  const says = () => `${listening.stdout()}${listening.stderr()}`;
  const isListening = () => {
    assert.ok(listening.isRunning(), says());
    return says().includes('Listening at ');
  };
  await eventually('it listens', isListening, patienceMs);
  listening.kill('SIGINT');
  assert.deepEqual(await listening.ended, { code: 0, signal: null });
  const document = await readSandboxClient(home);
  assert.ok(document !== undefined);
  assert.equal(document.ca_file, caFile);
  const client = await clientOf(document);
  assert.ok((await client.grantedScopes()).length > 0, 'the client in this process');

  service.kill('SIGTERM');
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  const plain = await startService(t, { home, settings: quiet });
  assert.match(plain.url, /^http:/);
  const again = await readSandboxClient(home);
  assert.deepEqual([again?.base_url, again?.ca_file], [plain.url, undefined]);
});

test('live mode makes no certificate', async (t) => {
  const home = await newHome(t);
  const settings = { UNWIND_VENUE: 'simulated', UNWIND_SIMULATE_FILLS: 'yes', UNWIND_MODE: 'live' };
  const keyFile = join(home, '..', 'key');
  await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const refused = await runUnwind(t, ['start', '--tls'], {
    home,
    settings: { ...quiet, ...settings, UNWIND_KEY_FILE: keyFile },
  });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--tls makes a certificate that only a sandbox can use/);
});
