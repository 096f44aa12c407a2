// `unwind sandbox reset`: the book, what came of it and other clients go; the client of the home stays.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { sealWith } from '../../src/auth/seal.ts';
import { connect, type Sql } from '../../src/db/connect.ts';
import { resetSandbox } from '../../src/sandbox/reset.ts';
import { ensureSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { readConfig } from '../../src/settings/config.ts';
import { prepareDatabase } from '../../src/settings/database.ts';
import { newHome } from '../service/processes.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const clock = testClock();

async function newSandbox(t: TestContext, environment: Readonly<Record<string, string>> = {}) {
  const { url, sql } = await createTestDatabase(t, { max: 2 });
  const home = await newHome(t);
  const config = await readConfig({ DATABASE_URL: url, UNWIND_HOME: home, ...environment });
  const seal = sealWith(randomBytes(32));
  return { url, sql, home, config, seal };
}

/** Another client, with an account. */
async function fill(sql: Sql): Promise<void> {
  const tenantId = await makeTenant(sql);
  await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions: [] }] });
}

const live = {
  UNWIND_MODE: 'live',
  UNWIND_VENUE: 'simulated',
  UNWIND_SIMULATE_FILLS: 'yes',
  UNWIND_KEY_FILE: '/run/key',
};

test('everything goes but the client of the home', async (t) => {
  const { sql, home, config, seal } = await newSandbox(t);
  await prepareDatabase(sql, clock, config);
  const where = { home, seal, baseUrl: 'http://127.0.0.1:1' };
  const client = await ensureSandboxClient(sql, clock, where);
  await fill(sql);
  await resetSandbox(sql, clock, { ...config, seal });
  const clients = await sql<{ tenant_id: string }[]>`select tenant_id from unwind.tenants`;
  assert.deepEqual([...clients], [{ tenant_id: client.client_id }]);
  const accounts = await sql`select account_id from unwind.accounts`;
  assert.equal(accounts.length, 0);
  await resetSandbox(sql, clock, { ...config, seal });
});

test('nothing is removed beside a running service', async (t) => {
  const { url, sql, config, seal } = await newSandbox(t);
  await prepareDatabase(sql, clock, config);
  const service = connect({ url, max: 1, applicationName: 'unwind loops' });
  t.after(() => service.end());
  await service`select 1 as connected`;
  await fill(sql);
  await assert.rejects(resetSandbox(sql, clock, { ...config, seal }), {
    message: 'A service runs on this database: stop it, then run "unwind sandbox reset" again.',
  });
  const accounts = await sql`select account_id from unwind.accounts`;
  assert.ok(accounts.length > 0);
});

test('a live database is never reset, nor one that is nothing yet', async (t) => {
  const { sql, home, config, seal } = await newSandbox(t, live);
  const message = 'This database was never a sandbox: nothing was removed.';
  const sandbox = await readConfig({ UNWIND_HOME: home });
  await assert.rejects(resetSandbox(sql, clock, { ...sandbox, seal }), { message });
  await prepareDatabase(sql, clock, config);
  await assert.rejects(resetSandbox(sql, clock, { ...sandbox, seal }), { message });
  await assert.rejects(resetSandbox(sql, clock, { ...config, seal }), {
    message: 'Only a sandbox can be reset.',
  });
});
