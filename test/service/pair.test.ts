// Two services at once on one home: they share the database, make it only once, and either may go
// first.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { readSandboxClient, type SandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { clientOf } from './client.ts';
import {
  databasesOn,
  newHome,
  patienceMs,
  type RunningService,
  startService,
} from './processes.ts';

async function isReady({ url }: RunningService): Promise<boolean> {
  return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(30_000) })).status === 200;
}

test(
  'two first starts at the same moment give two services on one database',
  onlyFull,
  async (t) => {
    const home = await newHome(t);
    const services = await Promise.all([startService(t, { home }), startService(t, { home })]);
    const [one, two] = services;
    assert.notEqual(one.url, two.url);
    for (const service of services) {
      await eventually('it is ready', () => isReady(service), patienceMs);
    }
    assert.equal((await databasesOn(home)).length, 1);
    const sandbox = await readSandboxClient(home);
    assert.ok(sandbox !== undefined);
    const [named, unnamed] = one.url === sandbox.base_url ? [one, two] : [two, one];
    assert.equal(named.url, sandbox.base_url);
    const says = `(commands go to ${named.url}, which answers too)`;
    assert.ok(unnamed.stdout().includes(says) && !named.stdout().includes(says), unnamed.stdout());
    const config = await readConfig({ UNWIND_HOME: home });
    const tenants = await withDatabase(config, pino({ level: 'silent' }), (sql) => {
      return sql<{ tenant_id: string }[]>`select t.tenant_id from unwind.tenants t`;
    });
    assert.deepEqual(
      [...tenants],
      [{ tenant_id: sandbox.client_id }],
      'one client, that of the file',
    );

    const at = async (service: RunningService) => {
      const client = await clientOf({ ...sandbox, base_url: service.url } satisfies SandboxClient);
      return client;
    };
    const json = { title: 'shared', url: 'https://hooks.example.com/' };
    const made = await (await at(one)).send({ method: 'POST', target: '/webhooks', json });
    assert.equal(made.status, 201, made.text);
    const { id } = made.json as { id: string };
    const other = await at(two);
    const seen = await other.send({ method: 'GET', target: `/webhooks/${id}` });
    assert.equal(seen.status, 200, seen.text);
    const { delivery, ...read } = seen.json as { delivery: object };
    assert.ok(delivery);
    assert.deepEqual(read, made.json);

    // The one that started the database goes first, or the other: both must be possible.
    one.kill('SIGTERM');
    assert.deepEqual(await one.ended, { code: 0, signal: null });
    assert.equal((await databasesOn(home)).length, 1, 'the other still uses it');
    assert.ok(await isReady(two));
    const still = await other.send({ method: 'GET', target: `/webhooks/${id}` });
    assert.equal(still.status, 200);
    two.kill('SIGTERM');
    assert.deepEqual(await two.ended, { code: 0, signal: null });
    assert.deepEqual(await databasesOn(home), []);
  },
);
