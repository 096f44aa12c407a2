// Whatever the server, the database and the role prefer, a statement of the service means the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { type ConnectOptions, connect, type Sql } from '../../src/db/connect.ts';
import { pinned, wrongSettings } from '../../src/db/session.ts';
import { identifier, raw } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askToCancel, askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

/** A default of a database that changes what statements mean, for everything that is pinned. */
const odd: Readonly<Record<string, string>> = {
  DateStyle: 'German, DMY',
  IntervalStyle: 'iso_8601',
  TimeZone: 'America/St_Johns',
  timezone_abbreviations: 'Australia',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
  search_path: 'odd',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  row_security: 'on',
  exit_on_error: 'on',
  idle_session_timeout: '50ms',
  plan_cache_mode: 'force_generic_plan',
  ...Object.fromEntries(
    Object.keys(pinned).flatMap((name) => (name.startsWith('enable_') ? [[name, 'off']] : [])),
  ),
};
const bounds = {
  statement_timeout: '50ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
};

async function setDefaults(
  { sql, url }: TestDatabase,
  defaults: Readonly<Record<string, string>>,
): Promise<void> {
  const database = identifier(new URL(url).pathname.slice(1));
  await inTransaction(sql, async (tx) => {
    for (const [name, value] of Object.entries(defaults)) {
      await tx`alter database ${database} set ${raw(name)} = ${raw(`'${value}'`)}`;
    }
  });
}

function settingsOf(sql: Sql, names: readonly string[]) {
  return sql<{ name: string; value: string }[]>`
    select n.name, current_setting(n.name) as value
    from unnest(${names}::text[]) as n (name)`;
}

test('every setting that changes what a statement means is the same whatever the database prefers', async (t) => {
  const database = await createTestDatabase(t, { migrated: false });
  assert.deepEqual(Object.keys(odd).toSorted(), Object.keys(pinned).toSorted());
  await setDefaults(database, { ...odd, ...bounds });

  const ours = connect({ url: database.url, max: 1, applicationName: 'unwind test' });
  t.after(() => ours.end());
  const found = await settingsOf(ours, Object.keys(pinned));
  assert.deepEqual(Object.fromEntries(found.map(({ name, value }) => [name, value])), pinned);
  assert.deepEqual(await wrongSettings(ours), []);
});

test('options in the URL hold, but not against ours', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const asked = new URL(url);
  asked.searchParams.set('options', '-c DateStyle=German -c work_mem=7MB');
  asked.searchParams.set('client_encoding', 'LATIN1');
  const sql = connect({ url: asked.href, max: 1, applicationName: 'unwind test' });
  t.after(() => sql.end());
  const found = await settingsOf(sql, ['DateStyle', 'work_mem', 'client_encoding']);
  assert.deepEqual(
    found.map(({ value }) => value),
    ['ISO, MDY', '7MB', 'UTF8'],
  );
});

test('behind a pooler that takes no settings, each that does not hold is named with its remedy', async (t) => {
  const database = await createTestDatabase(t, { migrated: false });
  const plain: Partial<ConnectOptions> = { sessionSettings: false, prepare: false };
  const pooled = () => {
    const { url } = database;
    const sql = connect({ url, max: 1, applicationName: 'unwind test', ...plain });
    t.after(() => sql.end());
    return sql;
  };
  await setDefaults(database, { TimeZone: 'UTC' });
  assert.deepEqual(await wrongSettings(pooled()), []);

  // These let the very statement that looks pass.
  const { exit_on_error: _, idle_session_timeout: __, ...others } = odd;
  await setDefaults(database, { ...others, lock_timeout: '1ms' });
  const wrong = await wrongSettings(pooled());
  const harmless = ['row_security', 'idle_session_timeout', 'exit_on_error'];
  const named = [...Object.keys(pinned), 'lock_timeout']
    .filter((name) => !name.startsWith('enable_') && !harmless.includes(name))
    .toSorted();
  assert.deepEqual(wrong.map((sentence) => sentence.split(' is ')[0]).toSorted(), named);
  const style = wrong.find((sentence) => sentence.startsWith('DateStyle'));
  assert.match(
    String(style),
    /^DateStyle is German, DMY: alter role … set DateStyle = 'ISO, MDY'$/,
  );
});

test('accounts are sold and cancelled side by side on a database with every odd default', async (t) => {
  const database = await createTestDatabase(t);
  await setDefaults(database, { ...odd, ...bounds });
  const sql = connect({ url: database.url, max: 10, applicationName: 'unwind test' });
  t.after(() => sql.end());
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isin = 'DE0007164600';
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '200.5' }],
    accounts: Array.from({ length: 40 }, () => ({ positions: [{ isin, quantity: '1.5' }] })),
  });
  const ids = await Promise.all(
    accounts.map((account) => askToLiquidate(sql, clock, { ...account, releaseDelayMs: 1_000 })),
  );
  const withdrawn = accounts.slice(0, 8).map((account, i) => {
    return askToCancel(sql, clock, { ...account, liquidationId: ids[i] ?? assert.fail() });
  });
  await Promise.all(withdrawn);
  clock.advance(1_000);
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  const ends = await sql`
    select l.status, count(*)::integer as count, min(l.cash_amount) as least
    from unwind_v1.liquidations l
    group by l.status
    order by l.status`;
  assert.deepEqual(
    [...ends],
    [
      { status: 'CANCELLED', count: 8, least: '0' },
      { status: 'FILLED', count: 32, least: '300.75' },
    ],
  );
  assert.equal((await runAudit(sql)).total, 0);
});
