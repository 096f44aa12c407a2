import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';

test('hello', async (t) => {
  const { sql } = await createTestDatabase(t);
  const [r] =
    await sql`select 1::bigint as a, 1.50::numeric as b, '2026-01-02'::date as c, now() as d, current_setting('search_path') s, current_setting('statement_timeout') as st, array['2026-01-02'::date] as e`;
  console.log(r);
  console.log(await sql`select * from unwind.migrations`);
  assert.ok(true);
});
