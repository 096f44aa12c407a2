// Whether the service can work on a database: what is in the way of requests is in the way of readiness.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ConnectOptions, connect, type Sql } from '../../src/db/connect.ts';
import { isPassing } from '../../src/db/errors.ts';
import { DatabaseFaultError } from '../../src/db/fault.ts';
import { expectedSchema } from '../../src/db/migrate.ts';
import { probeDatabase } from '../../src/db/probe.ts';
import { identifier, raw } from '../../src/db/sql.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { useLikeRequests } from '../support/engine.ts';
import { keepsPreparedStatements, noPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

const expected = await expectedSchema();
const clock = testClock();
const both = { prepare: false, sessionSettings: false } as const;

function open(t: TestContext, url: string, options: Partial<ConnectOptions> = {}): Sql {
  const sql = connect({ url, max: 8, applicationName: 'unwind test', ...options });
  t.after(() => sql.end());
  return sql;
}

async function setDefault(sql: Sql, url: string, name: string, value: string): Promise<void> {
  const database = identifier(new URL(url).pathname.slice(1));
  await sql`alter database ${database} set ${raw(name)} = ${raw(`'${value}'`)}`;
}

const saysBrief = (brief: string) => (error: unknown) => {
  assert.ok(error instanceof DatabaseFaultError, String(error));
  assert.equal(error.fault.brief, brief);
  return true;
};

test('a database that serves is reached, written to, and left as it was', async (t) => {
  const { url } = await createTestDatabase(t);
  const sql = open(t, url, { max: 1 });
  for (const _ of [1, 2]) {
    assert.deepEqual(await probeDatabase(sql, expected), { schema: 'current', wrongSettings: [] });
  }
  const [left] = await sql`select count(*)::integer as count from pg_temp.unwind_probe`;
  assert.deepEqual(left, { count: 0 });
});

test('a database that takes no writes does not serve', async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'default_transaction_read_only', 'on');
  assert.deepEqual(
    (await probeDatabase(open(t, url), expected)).schema,
    'current',
    'a default is not in the way: the session sets its own',
  );
  await assert.rejects(probeDatabase(open(t, url, both), expected), saysBrief('it is read-only'));
});

test('PgBouncer with both switches off serves, and a default behind it is named', {
  skip: noPgBouncer,
}, async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'TimeZone', 'UTC');
  await setDefault(sql, url, 'search_path', '');
  const pooled = open(t, await startPgBouncer(t, url), both);
  assert.deepEqual(await probeDatabase(pooled, expected), { schema: 'current', wrongSettings: [] });
  await useLikeRequests(pooled, clock, 40);

  await setDefault(sql, url, 'default_transaction_isolation', 'serializable');
  await setDefault(sql, url, 'statement_timeout', '50ms');
  // A pooler of its own, whose sessions begin after the change.
  const later = open(t, await startPgBouncer(t, url), both);
  assert.deepEqual((await probeDatabase(later, expected)).wrongSettings, [
    "default_transaction_isolation is serializable: alter role … set default_transaction_isolation = 'read committed'",
    "statement_timeout is 50: alter role … set statement_timeout = '15s'",
  ]);
});

test('PgBouncer with one of the switches only does not serve', { skip: noPgBouncer }, async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'TimeZone', 'UTC');
  await setDefault(sql, url, 'search_path', '');
  const through = await startPgBouncer(t, url);

  const settings = open(t, through, { prepare: false });
  await assert.rejects(probeDatabase(settings, expected), isPassing);

  const prepared = open(t, through, { sessionSettings: false });
  if (keepsPreparedStatements()) {
    assert.equal((await probeDatabase(prepared, expected)).schema, 'current');
  } else {
    const brief = 'prepared statements get lost in a pooler';
    await assert.rejects(probeDatabase(prepared, expected), saysBrief(brief));
  }
});
