// The published views are what docs/views.md says, and they are all that the audit reads.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { auditSnapshot } from '../../src/audit/run-audit.ts';
import type { Tx } from '../../src/db/connect.ts';
import { identifier, raw } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeHistory } from './history.ts';

const document = await readFile(new URL('../../docs/views.md', import.meta.url), 'utf8');

interface Column {
  readonly view: string;
  readonly column: string;
  readonly type: string;
}

/** The columns that the document lists, in its order. */
function documented(): readonly Column[] {
  const sections = document.split(/^## /m).slice(1);
  return sections.flatMap((section) => {
    const view = section.split('\n', 1)[0] ?? '';
    return [...section.matchAll(/^\| `(\w+)` \| ([\w[\]]+) \|/gm)].map(
      ([, column = '', type = '']) => {
        return { view, column, type };
      },
    );
  });
}

/** What the database really has. */
async function published(tx: Tx): Promise<readonly Column[]> {
  return tx<Column[]>`
    select
      c.relname as view,
      a.attname as column,
      replace(format_type(a.atttypid, null), 'timestamp with time zone', 'timestamptz') as type
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'unwind_v1'::regnamespace
    order by c.relname, a.attnum`;
}

test('each view has the columns the document promises, in its order', async (t) => {
  const { sql } = await createTestDatabase(t);
  const found = await inTransaction(sql, published);
  const byView = (columns: readonly Column[]) => {
    const views = Map.groupBy(columns, ({ view }) => view);
    return Object.fromEntries([...views].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  assert.ok(found.length > 100);
  assert.deepEqual(byView(found), byView(documented()));
});

test('the questions of the document have answers', async (t) => {
  const { sql } = await createTestDatabase(t);
  await makeHistory(sql);
  const questions = [...document.matchAll(/^```sql\n(.*?);\n```$/gms)].map(([, text = '']) => text);
  assert.equal(questions.length, 3);
  // The history is of one January; whoever asks this later asks for an older month.
  const [first, ...others] = questions.map((text) => text.replace('1 month', '100 years'));
  for (const question of [first ?? '', ...others]) {
    assert.ok((await sql`${raw(question)}`).length > 5, question);
  }
  const [, , third = ''] = questions;
  const wrong = await sql`
    select q.day, q.isin
    from (${raw(third)}) q
    where abs(q.booked - q.reported) > 0.005 * q.executions`;
  assert.deepEqual([...wrong], []);
});

/** Thrown to take the role back. */
class Undo extends Error {}

test('who may read nothing but the views can read all of them and run the audit', async (t) => {
  const { sql } = await createTestDatabase(t);
  await makeHistory(sql);
  // Roles are of the whole server, which another run may share.
  const reader = `unwind_reader_${randomBytes(4).toString('hex')}`;
  const work = inTransaction(sql, async (tx) => {
    const views = new Set((await published(tx)).map(({ view }) => view));
    await tx.script(`
      create role ${reader};
      grant usage on schema unwind_v1 to ${reader};
      grant select on all tables in schema unwind_v1 to ${reader};
      set local role ${reader};`);
    assert.equal((await auditSnapshot(tx)).total, 0);
    for (const view of views) await tx`select * from unwind_v1.${identifier(view)}`;
    throw new Undo();
  });
  await assert.rejects(work, Undo);
});
