// Whatever somebody else wrote, no command hands it to a terminal: request lines, names, reasons of a
// venue, files and their names, arguments, errors and the log.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import pino from 'pino';
import { systemClock } from '../../src/clock.ts';
import { runAuditCommand } from '../../src/commands/audit-command.ts';
import { runCalendar } from '../../src/commands/calendar-command.ts';
import { runDelta, runDeltaFile } from '../../src/commands/deltas-command.ts';
import { runImport } from '../../src/commands/import-command.ts';
import { runInspect } from '../../src/commands/inspect-command.ts';
import { lineOf } from '../../src/commands/log.ts';
import { close, listParked, resume } from '../../src/commands/parked-command.ts';
import { outputTo } from '../../src/commands/run.ts';
import { isPrintableLine, printable, printableLine } from '../../src/printable.ts';
import { readConfig } from '../../src/settings/config.ts';
import { Screen } from '../book/screen.ts';
import { makeTenant } from '../support/book.ts';
import { createTestDatabase } from '../support/database.ts';
import { assertHarmless, hostile } from './hostile.ts';
import { newHome, runUnwind } from './processes.ts';

test('text is printed as it is, and what a terminal would obey as JSON would write it', () => {
  for (const usual of [
    '',
    'plain',
    'Müller\t& Söhne\nzweite Zeile',
    '株式会社',
    'a\u200db',
    '👩‍💻',
  ]) {
    assert.equal(printable(usual), usual);
  }
  assert.equal(printable('\u001b[2J\u009b\u202e\u2028'), '\\u001b[2J\\u009b\\u202e\\u2028');
  assert.equal(printable('\u{e0041}\ud800'), '\\udb40\\udc41\\ud800');
  assert.equal(printableLine('a\nb\tc\r'), 'a\\u000ab\\u0009c\\u000d');
  assert.equal(isPrintableLine('a\u200db'), true);
  assert.equal(isPrintableLine('a\nb'), false);
  const value = { [hostile]: hostile };
  assert.deepEqual(JSON.parse(printable(JSON.stringify(value))), value, 'JSON stays the same JSON');
});

test('no command prints what a terminal would obey', async (t) => {
  const { url, sql } = await createTestDatabase(t);
  const home = await newHome(t);
  const directory = dirname(home);
  const tenantId = await makeTenant(sql, hostile);
  await sql`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, cumulative_quantity, transaction_at,
      received_at, parked_reason
    )
    values (${tenantId}, 'XSIM', ${hostile}, ${hostile}, 'cancelled', 1, now(), now(), ${hostile})`;
  await sql`
    insert into unwind.parked (
      tenant_id, step, subject, reason, tries, first_at, last_at, retry_at, parked_at
    )
    values (${tenantId}, 'correction', ${hostile}, ${hostile}, 1, now(), now(), now(), now())`;
  const request = join(directory, 'request.http');
  const signature = `signature-input: sig1=("@method");keyid="${hostile}"\nsignature: sig1=:AAAA:`;
  await writeFile(request, `GET /webhooks?${hostile} HTTP/1.1\nhost: ${hostile}\n${signature}\n\n`);
  const calendar = join(directory, 'calendar.json');
  await writeFile(calendar, JSON.stringify({ [hostile]: 1 }));
  const deltas = join(directory, 'deltas.csv');
  await writeFile(
    deltas,
    `type,account_id,isin,quantity,reference\n${`"${hostile}",`.repeat(4)}x\n`,
  );
  const book = join(directory, 'book');
  await mkdir(book);
  await writeFile(join(book, 'users.csv'), `user_id\n${hostile}\n`);
  await writeFile(join(book, 'accounts.csv'), `${hostile}\n`);
  await writeFile(join(book, `${hostile}.csv`), '');
  const missing = join(directory, hostile);

  const screen = new Screen();
  const on = { sql, clock: systemClock, stdout: outputTo(screen) };
  const to = { ...on, tenantId };
  const plainly = { terminal: undefined, isSandbox: false };
  const inspect = async (file: string, isJson: boolean) => {
    const config = await readConfig({ UNWIND_HOME: home, DATABASE_URL: url });
    const usual = { keyFile: undefined, policy: undefined, at: undefined, stdin: process.stdin };
    return runInspect({ ...usual, ...on, config, log: pino({ level: 'silent' }), file, isJson });
  };
  const closing = { id: `correction/no ${hostile}`, tenantId, actor: 'Ada', reason: 'seen' };
  const inThisProcess: Readonly<Record<string, () => Promise<unknown>>> = {
    'parked list': () => listParked(on, false),
    'parked list --json': () => listParked(on, true),
    'parked resume': () => resume(on, { id: `correction/${hostile}`, tenantId }),
    'parked close': () => close(on, closing),
    audit: () => runAuditCommand({ ...on, json: false }),
    'audit --json': () => runAuditCommand({ ...on, json: true }),
    import: () => runImport({ ...to, directory: book, ...plainly }),
    'import of nothing': () => runImport({ ...to, directory: missing, ...plainly }),
    'positions apply': () => runDeltaFile(to, deltas),
    'positions apply of nothing': () => runDeltaFile(to, missing),
    'positions credit': () => runDelta(to, ['credit', hostile, hostile, hostile, hostile]),
    calendar: () => runCalendar(on, { venue: 'XSIM', file: calendar }),
    'calendar of no venue': () => runCalendar(on, { venue: hostile }),
    'inspect-signature': () => inspect(request, false),
    'inspect-signature --json': () => inspect(request, true),
  };
  for (const [what, command] of Object.entries(inThisProcess)) {
    screen.text = '';
    await command();
    assertHarmless(screen.text, what);
  }

  const settings = { DATABASE_URL: url, UNWIND_MODE: 'sandbox' };
  const asProcesses: readonly (readonly string[])[] = [
    [hostile],
    ['clients', 'create', '--name', hostile, '--scopes', 'all', '--public-key', missing],
    ['clients', 'show', tenantId],
    ['inspect-signature', missing],
  ];
  for (const args of asProcesses) {
    const { stdout, stderr } = await runUnwind(t, args, { home, settings });
    assertHarmless(`${stdout}${stderr}`, args.slice(0, 2).join(' '));
  }
  const program = `
    import { openLog } from '${new URL('../../src/commands/log.ts', import.meta.url)}';
    openLog({ format: 'json' }, 'info').info({ route: process.argv[1] }, process.argv[1]);`;
  const args = ['--input-type=module', '--eval', program, hostile];
  const { stderr } = await promisify(execFile)(process.execPath, args);
  assert.equal((JSON.parse(stderr) as { route: string }).route, hostile);
  assertHarmless(stderr, 'a log in JSON');
  const entry = { level: 30, time: 0, msg: 'request.failed', route: hostile, other: hostile };
  assertHarmless(lineOf(JSON.stringify(entry), false), 'a log for people');
});
