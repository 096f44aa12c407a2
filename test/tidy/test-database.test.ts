// The database that a test leaves to the next one is as new: it has the same rows, and whatever else was changed is
// not there. A process that goes on after its test does not write into the next one's.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { makeTenant } from '../support/book.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { lookAtNew } from '../support/emptied.ts';
import { digestsOf } from '../support/tables.ts';

const rowsOf = (sql: Sql) => digestsOf(sql, 'md5(string_agg(t::text, chr(10) order by t::text))');

/** Uses a database, and gives what was given. */
async function used(
  t: TestContext,
  use: (sql: Sql) => Promise<unknown>,
): Promise<TestDatabase | undefined> {
  let given: TestDatabase | undefined;
  await t.test('uses it', async (inner) => {
    given = await createTestDatabase(inner);
    await use(given.sql);
  });
  return given;
}

test('is the same with the same rows where only rows were written', async (t) => {
  const { sql } = await createTestDatabase(t, { fresh: true });
  const asNew = await rowsOf(sql);
  const first = await used(t, async (own) => {
    await makeTenant(own);
    await own`update unwind.market_clock set offset_ms = offset_ms + 1`;
    await own`delete from unwind.migrations`;
    assert.notDeepEqual(await rowsOf(own), asNew);
  });
  const second = await used(t, async (own) => assert.deepEqual(await rowsOf(own), asNew));
  const isKept = (await lookAtNew(sql)) !== undefined;
  assert.equal(second?.url === first?.url, isKept);
  const late = first?.sql ?? assert.fail();
  assert.throws(() => void late`select 1`, /revoked/);
});

const changes = {
  'a column': 'alter table unwind.accounts add column added integer',
  'a function': 'create function unwind.added() returns integer return 1',
  'a right': 'grant select on unwind.accounts to public',
  'a setting of the database': `do $$ begin execute
    format('alter database %I set work_mem = 1024', current_database()); end $$`,
  'a temporary table': 'create temporary table added ()',
  'a trigger': `
    create trigger added before update on unwind.accounts
    for each row execute function suppress_redundant_updates_trigger()`,
  statistics: 'analyze unwind.migrations',
};

for (const [name, statements] of Object.entries(changes)) {
  test(`is another one where a test has changed ${name}`, async (t) => {
    const first = await used(t, (sql) => sql.script(statements));
    const second = await used(t, async () => {});
    assert.notEqual(second?.url, first?.url);
  });
}
