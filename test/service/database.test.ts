// The running service while its database dies: it says so, goes on living, and works again as soon
// as the database is back, which it sees to itself.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { clientOf } from './client.ts';
import { databasesOn, newHome, patienceMs, startService } from './processes.ts';

interface Probe {
  readonly status: number;
  readonly checks: Readonly<Record<string, string>>;
}

async function probe(url: string): Promise<Probe> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(30_000) });
  const { checks } = (await answer.json()) as Pick<Probe, 'checks'>;
  return { status: answer.status, checks };
}

test('a killed database is reported and started again', onlyFull, async (t) => {
  const home = await newHome(t);
  const service = await startService(t, { home });
  const { url } = service;
  await eventually('it is ready', async () => (await probe(url)).status === 200, patienceMs);
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const client = await clientOf(sandbox);
  const create = () => {
    const json = { title: 'test', url: 'https://hooks.example.com/' };
    return client.send({ method: 'POST', target: '/webhooks', json });
  };
  assert.equal((await create()).status, 201);

  const kills = 2;
  for (let kill = 1; kill <= kills; kill += 1) {
    const [database, ...others] = await databasesOn(home);
    assert.ok(database !== undefined && others.length === 0);
    const killedAt = performance.now();
    process.kill(database, 'SIGKILL');
    const down = await eventually('it says that it is not ready', async () => {
      const seen = await probe(url);
      return seen.status === 200 ? undefined : seen;
    });
    assert.equal(down.status, 503);
    assert.match(down.checks['database'] ?? '', /^not reached: [a-z ]+$/);
    const alive = await fetch(`${url}/healthz`);
    assert.equal(alive.status, 200, 'the process itself is well');
    await eventually('it is ready', async () => (await probe(url)).status === 200, patienceMs);
    const downMs = Math.round(performance.now() - killedAt);
    t.diagnostic(`kill ${kill}: ready again after ${downMs} ms`);
    assert.equal((await create()).status, 201);
  }
  const list = await client.send({ method: 'GET', target: '/webhooks' });
  const { meta } = list.json as { meta: { total_count: number } };
  assert.equal(meta.total_count, kills + 1, 'what was acknowledged is still there');
  service.kill('SIGTERM');
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  assert.deepEqual(await databasesOn(home), []);
});
