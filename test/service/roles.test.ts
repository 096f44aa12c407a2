// Processes with one role each on one database: who answers, who works, what their probes say.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { type Candidate, drawAccounts, writeBook } from '../crash/book.ts';
import { lotOf } from '../crash/random.ts';
import { eventually } from '../support/condition.ts';
import { freePort } from '../support/port.ts';
import { clientOf } from './client.ts';
import { newHome, newHomeOnServer, patienceMs, runUnwind, startService } from './processes.ts';

const settings = { UNWIND_RELEASE_DELAY_MS: '0', UNWIND_VENUE_DELAY_MS: '0' };

async function get(url: string): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  return { status: answer.status, json: await answer.json() };
}

async function importAccounts(t: TestContext, home: string): Promise<readonly Candidate[]> {
  const candidates = drawAccounts(lotOf(1), 3);
  const directory = join(dirname(home), 'book');
  await writeBook(directory, candidates);
  const imported = await runUnwind(t, ['import', directory], { home, settings });
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  return candidates;
}

test('one process answers, another one works, and each says so', async (t) => {
  const home = await newHomeOnServer(t);
  const api = await startService(t, { home, settings, args: ['--roles', 'api'] });
  assert.match(api.stdout(), /\(sandbox, only api, ready in/);
  const checks = {
    database: 'reached',
    schema: 'current',
    parked: '0',
    clock: 'in step with the database',
  };
  assert.deepEqual(await get(`${api.url}/readyz`), {
    status: 200,
    json: { status: 'ready', checks },
  });
  const [candidate] = await importAccounts(t, home);
  const sandbox = await readSandboxClient(home);
  assert.ok(candidate !== undefined && sandbox !== undefined);
  const client = await clientOf(sandbox);
  const target = `/accounts/${candidate.accountId}/liquidations`;
  const made = await client.send({
    method: 'POST',
    target,
    json: { user_id: candidate.userId },
    idempotencyKey: randomUUID(),
  });
  assert.equal(made.status, 202, made.text);
  const { id } = made.json as { id: string };
  const status = async () => {
    const read = await client.send({ method: 'GET', target: `${target}/${id}` });
    return (read.json as { status: string }).status;
  };

  const metricsPort = await freePort();
  const worker = await startService(t, {
    home,
    settings: { ...settings, UNWIND_ROLES: 'worker', UNWIND_METRICS_PORT: String(metricsPort) },
    // While nobody works, the liquidation stays as it is, however long a process takes to start.
    whileStarting: async () => assert.equal(await status(), 'NEW'),
  });
  assert.match(
    worker.stdout(),
    /\(sandbox, only worker, ready in \d+ ms\)\n\n {2}Health +http\S+\n/,
  );
  const isFinal = async () => ['FILLED', 'CANCELLED'].includes(await status());
  await eventually('the worker has sold the account', isFinal, patienceMs);

  assert.deepEqual(await get(`${worker.url}/healthz`), { status: 200, json: { status: 'alive' } });
  const isReady = async () => (await get(`${worker.url}/readyz`)).status === 200;
  await eventually('the worker is ready', isReady, patienceMs);
  assert.deepEqual(await get(`${worker.url}/readyz`), {
    status: 200,
    json: { status: 'ready', checks: { ...checks, loops: 'running' } },
  });
  const elsewhere = await get(`${worker.url}${target}`);
  assert.equal(elsewhere.status, 404, 'a worker answers nothing but its probes');
  assert.equal((elsewhere.json as { type: string }).type, 'not_found');
  assert.equal((await readSandboxClient(home))?.base_url, api.url, 'nor is it called by clients');
  assert.equal(
    (await get(`${worker.url}/metrics`)).status,
    404,
    'metrics have a port of their own',
  );
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const text = await metrics.text();
  assert.match(text, /^unwind_orders_total\{outcome="filled"\} [1-9]/m);
  assert.match(text, /^unwind_database_connections\{pool="loops",state="idle"\} \d+$/m);
  const probe = await get(`http://127.0.0.1:${metricsPort}/readyz`);
  assert.equal(probe.status, 404, 'and that port has nothing else');

  for (const service of [api, worker]) {
    service.kill('SIGTERM');
    assert.deepEqual(await service.ended, { code: 0, signal: null }, service.stderr());
  }
});

test('roles that are none are refused before anything is begun', async (t) => {
  const home = await newHome(t);
  const table: readonly (readonly [roles: string, says: RegExp])[] = [
    ['api,wroker', /names wroker; the roles are api and worker/],
    [' , ', /names no role/],
    ['', /names no role/],
  ];
  for (const [roles, says] of table) {
    const flag = await runUnwind(t, ['start', '--roles', roles], { home });
    assert.match(flag.stderr, says);
    assert.deepEqual([flag.code, flag.stdout], [2, '']);
    if (roles === '') continue; // an empty variable counts as absent
    const setting = await runUnwind(t, ['start'], { home, settings: { UNWIND_ROLES: roles } });
    assert.match(setting.stderr, new RegExp(`^unwind: UNWIND_ROLES ${says.source}`));
    assert.deepEqual([setting.code, setting.stdout], [2, '']);
  }
});
