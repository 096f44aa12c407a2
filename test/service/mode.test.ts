// A database is for one mode: which process records it, and what happens to every process of the other.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newId } from '../../src/ids.ts';
import { createTestDatabase } from '../support/database.ts';
import { isCheckViolation } from '../support/errors.ts';
import { onlyFull } from '../support/length.ts';
import { newHome, runUnwind, type Settings, startService } from './processes.ts';

interface Place {
  readonly home: string;
  /** What a process of live mode is started with. */
  readonly live: Settings;
  readonly sandbox: Settings;
}

async function newPlace(t: TestContext, url: string): Promise<Place> {
  const home = await newHome(t);
  await mkdir(dirname(home), { recursive: true });
  const keyFile = join(dirname(home), 'key-file');
  await writeFile(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const sandbox = { DATABASE_URL: url, UNWIND_LOG_LEVEL: 'error', UNWIND_KEY_FILE: keyFile };
  const live = {
    ...sandbox,
    UNWIND_MODE: 'live',
    UNWIND_VENUE: 'simulated',
    UNWIND_SIMULATE_FILLS: 'yes',
  };
  return { home, live, sandbox };
}

/** One that runs the service, and one that reads alone; every command opens the database in the same way. */
const commands = [['start'], ['audit']];

test('no process of a sandbox enters a live database, by whatever command', async (t) => {
  const { url, sql } = await createTestDatabase(t, { migrated: false });
  const { home, live, sandbox } = await newPlace(t, url);
  const migrated = await runUnwind(t, ['migrate'], { home, settings: live });
  assert.equal(migrated.code, 0, migrated.stderr);
  for (const args of commands) {
    const unstated = await runUnwind(t, args, { home, settings: sandbox });
    assert.deepEqual([unstated.code, unstated.stdout], [2, ''], args.join(' '));
    assert.match(
      unstated.stderr,
      /^unwind: This database is live since 20\S+Z, and without UNWIND_MODE a process is a sandbox\. Set UNWIND_MODE=live.*\n$/,
    );
  }
  const stated = { ...sandbox, UNWIND_MODE: 'sandbox' };
  const refused = await runUnwind(t, ['start'], { home, settings: stated });
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /^unwind: This database is live .*A sandbox needs a database of its own/,
  );
  const clients = await sql`select tenant_id from unwind.tenants`;
  assert.equal(clients.length, 0, 'and nothing of a sandbox is in it');
});

test('no process of live mode enters a sandbox', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const { home, live, sandbox } = await newPlace(t, url);
  const service = await startService(t, { home, settings: sandbox });
  for (const args of commands) {
    const { code, stdout, stderr } = await runUnwind(t, args, { home, settings: live });
    assert.deepEqual([code, args[0] === 'start' ? '' : stdout], [2, ''], args.join(' '));
    assert.match(
      stderr,
      /^unwind: This database is sandbox since 20\S+Z, and UNWIND_MODE is live\. Live mode needs a database that was never a sandbox/m,
    );
  }
  service.kill('SIGTERM');
  await service.ended;
});

test('a database with clients that is older than modes gets none by default', async (t) => {
  const { url, sql } = await createTestDatabase(t);
  const { home, sandbox } = await newPlace(t, url);
  await enterClient(sql, []);
  const unstated = await runUnwind(t, ['migrate'], { home, settings: sandbox });
  assert.equal(unstated.code, 2);
  assert.match(unstated.stderr, /its mode was never recorded\. Set UNWIND_MODE to sandbox or live/);
  const stated = { ...sandbox, UNWIND_MODE: 'sandbox' };
  assert.equal((await runUnwind(t, ['migrate'], { home, settings: stated })).code, 0);
  assert.equal((await runUnwind(t, ['migrate'], { home, settings: sandbox })).code, 0);
});

test('of processes of both modes that are first at once, one mode wins', onlyFull, async (t) => {
  const { url, sql } = await createTestDatabase(t, { migrated: false });
  const { home, live, sandbox } = await newPlace(t, url);
  const ended = await Promise.all(
    [live, sandbox].map((settings) => runUnwind(t, ['migrate'], { home, settings })),
  );
  assert.deepEqual(ended.map(({ code }) => code).toSorted(), [0, 2]);
  const [row] = await sql<{ mode: string }[]>`select mode from unwind.database_mode`;
  assert.equal(row?.mode, ended[0]?.code === 0 ? 'live' : 'sandbox');
});

test('no statement gives a client of a live database the scope of tests', async (t) => {
  const { sql } = await createTestDatabase(t);
  const before = await enterClient(sql, ['orders:read']);
  await sql`insert into unwind.database_mode (mode, recorded_at) values ('live', now())`;
  const isRefused = (error: unknown) => isCheckViolation(error, 'tenants_no_test_scopes_in_live');
  await assert.rejects(enterClient(sql, ['orders:read', 'tests:admin']), isRefused);
  await assert.rejects(
    sql`update unwind.tenants set scopes = '{tests:admin}' where tenant_id = ${before}`,
    isRefused,
  );
  await enterClient(sql, ['orders:admin']);
});

async function enterClient(
  sql: Awaited<ReturnType<typeof createTestDatabase>>['sql'],
  scopes: readonly string[],
): Promise<string> {
  const id = newId<'tenant'>();
  await sql`
    insert into unwind.tenants (
      tenant_id, name, secret_hash, scopes, signature_policy, created_at
    )
    values (${id}, 'x', ${randomBytes(32)}, ${scopes}, 'compatible', now())`;
  return id;
}
