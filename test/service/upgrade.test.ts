// A rolling upgrade: a newer version migrates the database while older processes go on, and start again.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedSchema } from '../../src/db/migrate.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { newHome, patienceMs, type RunningService, runUnwind, startService } from './processes.ts';

interface Ready {
  readonly status: number;
  readonly schema: string | undefined;
}

async function ready({ url }: RunningService): Promise<Ready> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(30_000) });
  const { checks } = (await answer.json()) as { checks: Readonly<Record<string, string>> };
  return { status: answer.status, schema: checks['schema'] };
}

test('--no-migrate refuses a database without the schema, and says what to do', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  const home = await newHome(t);
  const settings = { DATABASE_URL: url };
  const { code, stderr } = await runUnwind(t, ['start', '--no-migrate'], { home, settings });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /The database has no schema yet: run "unwind migrate", or start the service/,
  );
  const [row] = await sql`select to_regnamespace('unwind') is null as untouched`;
  assert.deepEqual(row, { untouched: true });

  assert.equal((await runUnwind(t, ['migrate'], { home, settings })).code, 0);
  const service = await startService(t, { home, settings, args: ['--no-migrate'] });
  const isReady = async () => (await ready(service)).status === 200;
  await eventually('it is ready', isReady, patienceMs);
});

test('a process stays ready, and starts again, beside a schema one step ahead that serves it', async (t) => {
  const { sql, url } = await createTestDatabase(t);
  const home = await newHome(t);
  const settings = { DATABASE_URL: url };
  const service = await startService(t, { home, settings });
  const expected = await expectedSchema();
  await sql`
    insert into unwind.migrations (number, name, sha256, compatible_from)
    values (${expected + 1}, 'next', repeat('0', 64), ${expected})`;
  const says =
    (status: number, schema: string, of = service) =>
    async () => {
      const now = await ready(of);
      return now.status === status && now.schema === schema;
    };
  await eventually('it is still ready', says(200, 'ahead, compatible'), patienceMs);
  const again = await startService(t, { home, settings });
  await eventually('it is ready as well', says(200, 'ahead, compatible', again), patienceMs);
  assert.equal((await runUnwind(t, ['audit'], { home, settings })).code, 0);

  await sql`
    update unwind.migrations
    set compatible_from = ${expected + 1}
    where number = ${expected + 1}`;
  await eventually('it is not ready any more', says(503, 'ahead'), patienceMs);
  const { code, stderr } = await runUnwind(t, ['audit'], { home, settings });
  assert.equal(code, 2);
  assert.match(stderr, /ahead of this version: a newer one has migrated it. Run that one/);
});
