// `unwind audit` says what it found, for people and for programs, and by its exit code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checks } from '../../src/audit/checks.ts';
import {
  type AuditProgress,
  auditSnapshot,
  differencesShownMax,
  runAudit,
} from '../../src/audit/run-audit.ts';
import { runAuditCommand } from '../../src/commands/audit-command.ts';
import type { Sql, SqlOrTx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { Screen } from '../book/screen.ts';
import { type AccountOfUser, makeBook, makeTenant } from '../support/book.ts';
import { createTestDatabase } from '../support/database.ts';

async function audit(sql: Sql, json: boolean): Promise<{ code: number; out: string }> {
  let out = '';
  const stdout = { write: (text: string) => (out += text) };
  const code = await runAuditCommand({ sql, json, stdout });
  return { code, out };
}

const isin = 'DE0007164600';

async function makeAccounts(sql: Sql, count: number): Promise<readonly AccountOfUser[]> {
  const tenantId = await makeTenant(sql);
  const account = { positions: [{ isin, quantity: '10' }] };
  const accounts = Array.from({ length: count }, () => account);
  return makeBook(sql, { tenantId, instruments: [{ isin }], accounts });
}

/** Gives every account a share more than its movements say. */
async function giveAway(sql: SqlOrTx): Promise<void> {
  await sql`update unwind.positions set quantity = quantity + 1`;
}

test('all is well: a page of counts and one line', async (t) => {
  const { sql } = await createTestDatabase(t);
  await makeAccounts(sql, 1_234);
  const { code, out } = await audit(sql, false);
  assert.equal(code, 0);
  const [headline, ...rest] = out.split('\n');
  assert.match(headline ?? '', /^Audit of 20[0-9T:.-]+Z, in \d+\.\d s$/);
  assert.deepEqual(rest, [
    '',
    '  tenants              1',
    '  accounts         1,234',
    '  positions        1,234',
    '  movements        1,234',
    '  liquidations         0',
    '  orders               0',
    '  submissions          0',
    '  executions           0',
    '  events               0',
    '  journal entries      0',
    '',
    `All is well: ${checks.length} checks found no difference.`,
    '',
  ]);
});

test('each difference names check, subject, what was expected and what was found', async (t) => {
  const { sql } = await createTestDatabase(t);
  const [account] = await makeAccounts(sql, 1);
  await giveAway(sql);
  const { code, out } = await audit(sql, false);
  assert.equal(code, 1);
  const lines = out.split('\n').slice(13);
  assert.deepEqual(lines, [
    `1 difference in 1 of ${checks.length} checks.`,
    '',
    'positions_are_sums_of_movements: 1 difference',
    '  The quantity and the locked part of a position are the sums of its movements.',
    `  position ${account?.accountId}/${isin} of tenant ${account?.tenantId}: ` +
      'the position is not the sum of its movements',
    '    expected  10, locked 0',
    '    found     11, locked 0',
    '',
  ]);
});

test('many differences are counted in full and named in part', async (t) => {
  const { sql } = await createTestDatabase(t);
  await makeAccounts(sql, differencesShownMax + 50);
  await giveAway(sql);
  const text = await audit(sql, false);
  assert.equal(text.code, 1);
  assert.match(text.out, /^positions_are_sums_of_movements: 150 differences$/m);
  assert.equal(text.out.match(/^ {2}position /gm)?.length, differencesShownMax);
  assert.match(text.out, /^ {2}… and 50 more$/m);
  const json = JSON.parse((await audit(sql, true)).out);
  assert.equal(json.difference_count, 150);
});

test('programs get one document', async (t) => {
  const { sql } = await createTestDatabase(t);
  const [account] = await makeAccounts(sql, 1);
  const well = await audit(sql, true);
  assert.equal(well.code, 0);
  assert.equal(JSON.parse(well.out).ok, true);
  await giveAway(sql);
  const { code, out } = await audit(sql, true);
  assert.equal(code, 1);
  assert.ok(out.endsWith('}\n'));
  const { ok, at, duration_ms, difference_count, counts, checks: told } = JSON.parse(out);
  assert.deepEqual({ ok, difference_count }, { ok: false, difference_count: 1 });
  assert.ok(!Number.isNaN(Date.parse(at)));
  assert.ok(Number.isInteger(duration_ms));
  assert.deepEqual([counts.accounts, counts.journal_entries, counts.orders], [1, 0, {}]);
  assert.deepEqual(
    told.map(({ name, says }: { name: string; says: string }) => ({ name, says })),
    checks.map(({ name, says }) => ({ name, says })),
  );
  const [first] = told;
  assert.deepEqual(first.differences, [
    {
      tenant_id: account?.tenantId,
      subject: 'position',
      subject_id: `${account?.accountId}/${isin}`,
      expected: '10, locked 0',
      found: '11, locked 0',
      message: 'the position is not the sum of its movements',
    },
  ]);
});

test('nothing of a venue moves the cursor of a terminal', async (t) => {
  const { sql } = await createTestDatabase(t);
  const tenantId = await makeTenant(sql);
  await sql`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, cumulative_quantity, transaction_at,
      received_at, parked_reason
    )
    values (
      ${tenantId}, 'XSIM', ${'\u001b[31mred'}, ${'\u001b[2Jgone'}, 'cancelled', 0, now(), now(),
      'why'
    )`;
  const { code, out } = await audit(sql, false);
  assert.equal(code, 1);
  assert.match(out, /red.*gone/s);
  assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u);
});

test('an audit that cannot be run is no good news', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const text = await audit(sql, false);
  assert.equal(text.code, 2);
  assert.match(text.out, /^The audit could not be run, so nothing is known: .*unwind_v1/);
  const json = await audit(sql, true);
  assert.equal(json.code, 2);
  assert.equal(JSON.parse(json.out).ok, false);
});

test('an audit that a check stops says which', async (t) => {
  const { sql } = await createTestDatabase(t);
  await sql`drop view unwind_v1.venue_cursors`;
  const { code, out } = await audit(sql, false);
  assert.equal(code, 2);
  assert.match(out, /venue_reports_are_applied/);
});

test('nothing can be written in an audit, not even by mistake', async (t) => {
  const { sql } = await createTestDatabase(t);
  const work = inTransaction(sql, async (tx) => {
    await auditSnapshot(tx);
    await giveAway(tx);
  });
  const readOnly = '25006';
  await assert.rejects(work, { code: readOnly });
});

test('on a terminal a bar shows which checks run, and leaves nothing of it', async (t) => {
  const { sql } = await createTestDatabase(t);
  await makeAccounts(sql, 1);
  const [stdout, terminal] = [new Screen(), new Screen(true)];
  assert.equal(await runAuditCommand({ sql, json: true, stdout, terminal }), 0);
  assert.equal((JSON.parse(stdout.text) as { ok: boolean }).ok, true);
  const count = checks.length;
  assert.match(terminal.text, new RegExp(`audit \\[.*\\d+ of ${count} checks in \\d+ s: \\w+`));
  const clearLine = `${String.fromCharCode(27)}[2K`;
  assert.ok(terminal.text.lastIndexOf(clearLine) > terminal.text.lastIndexOf('checks in'));
  assert.doesNotMatch(terminal.text, /100%|: ,/);
});

test('progress counts each check once, up to all of them', async (t) => {
  const { sql } = await createTestDatabase(t);
  const seen: AuditProgress[] = [];
  await runAudit(sql, (progress) => seen.push(progress));
  const names = new Set(seen.flatMap(({ running }) => running));
  assert.deepEqual([...names].sort(), checks.map(({ name }) => name).sort());
  const done = seen.map(({ checksDone }) => checksDone);
  assert.deepEqual(
    done,
    done.toSorted((a, b) => a - b),
  );
  assert.deepEqual(seen.at(-1), {
    checksDone: checks.length,
    checksTotal: checks.length,
    running: [],
  });
});
