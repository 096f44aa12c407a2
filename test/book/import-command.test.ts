// What a person sees of an import, on a terminal and elsewhere, and the exit code.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { runImport } from '../../src/commands/import-command.ts';
import { ProgressBar } from '../../src/commands/progress-bar.ts';
import type { TenantId } from '../../src/ids.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  anna,
  type BookFiles,
  bookDirectory,
  headers,
  positions,
  sap,
  smallBook,
} from './import-support.ts';
import { Screen } from './screen.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();

interface How {
  readonly isTerminal?: boolean;
  readonly isSandbox?: boolean;
  /** Whose book it is; default a client that has none. */
  readonly client?: TenantId;
}

async function run(directory: string, options: How = {}) {
  const { isTerminal = false, isSandbox = false } = options;
  const stdout = new Screen(isTerminal);
  const tenantId = options.client ?? (await makeTenant(sql));
  const terminal = isTerminal ? stdout : undefined;
  const code = await runImport({ sql, clock, tenantId, directory, stdout, terminal, isSandbox });
  return { code, text: stdout.text };
}

test('says what became of each file', async (t) => {
  const directory = await bookDirectory(t, smallBook);
  const { code, text } = await run(directory);
  assert.equal(code, 0);
  assert.equal(
    text,
    [
      'users.csv       2 lines: 2 new, 0 changed, 0 as before',
      'accounts.csv    2 lines: 2 new, 0 changed, 0 as before',
      'instruments.csv 2 lines: 2 new, 0 changed, 0 as before',
      'prices.csv      2 lines: 2 new, 0 changed, 0 as before',
      'positions.csv   3 lines: 3 new, 0 changed, 0 as before',
      'Imported 5 files.',
      '',
    ].join('\n'),
  );
});

test('names each bad line by file, line and reason, and fails', async (t) => {
  const directory = await bookDirectory(t, {
    'users.csv': [headers.users, anna.userId],
    'prices.csv': `isin;price\n`,
    'positions.csv': positions([anna.accountId, sap, '-1', '0']),
  });
  const { code, text } = await run(directory);
  assert.equal(code, 1);
  assert.equal(
    text,
    [
      'users.csv       1 line: 1 new, 0 changed, 0 as before',
      'prices.csv      nothing imported: 1 bad line',
      '  prices.csv:1: column isin is missing, column price is missing, column currency is ' +
        'missing, column "isin;price" is unknown; the first line must be isin,price,currency',
      '  The rest of the file could not be read.',
      'positions.csv   nothing imported: 1 bad line of 1',
      '  positions.csv:2: quantity: "-1" is negative',
      'Imported 1 of 3 files. Correct the bad lines and import again: what is imported already stays ' +
        'as it is.',
      '',
    ].join('\n'),
  );
});

test('lists no more than can be read, and counts the rest', async (t) => {
  const users = Array.from({ length: 1_234 }, (_, index) => `user ${index}`);
  const directory = await bookDirectory(t, { 'users.csv': [headers.users, ...users] });
  const { text } = await run(directory);
  const lines = text.split('\n');
  assert.equal(lines[0], 'users.csv       nothing imported: 1,234 bad lines of 1,234');
  assert.equal(lines[1_000], '  users.csv:1001: user_id: "user 999" is no UUID');
  assert.equal(lines[1_001], '  and 234 more bad lines');
});

test('names the tables that it ignores, harmless to a terminal', async (t) => {
  const tables = { 'users.csv': [headers.users], 'Users.csv': '', '\u001b[31m.csv': '' };
  const odd = { ...tables, 'README.md': '', 'make.ts': '' };
  const directory = await bookDirectory(t, odd as BookFiles);
  const { code, text } = await run(directory);
  assert.equal(code, 0);
  assert.match(text, /^Ignored, since no part of a book: "\\u001b\[31m\.csv", "Users\.csv"$/m);
});

test('says why there is nothing to import', async (t) => {
  const directory = join(await bookDirectory(t, {}), 'nowhere');
  const { code, text } = await run(directory);
  assert.equal(code, 1);
  assert.match(text, /^Nothing was imported: .*nowhere cannot be read: it does not exist\.$/m);
});

test('draws a bar on a terminal, and leaves nothing of it', async (t) => {
  const directory = await bookDirectory(t, smallBook);
  const { code, text } = await run(directory, { isTerminal: true });
  assert.equal(code, 0);
  const esc = String.fromCharCode(27);
  const clearLine = `${esc}[2K`;
  assert.match(text, /users\.csv {7}\[=+\] 99% {2}writing, \d+ of \d+, about \d+ s left/);
  assert.match(text, /positions\.csv {3}\[=+\] 99% {2}writing, \d+ of \d+, about \d+ s left/);
  assert.doesNotMatch(text, /100%/, 'what is done has no bar any more');
  // Whatever is said stands on a cleared line, and the last bar is cleared as well.
  assert.ok(text.includes(`${clearLine}users.csv       2 lines: 2 new`));
  assert.ok(text.lastIndexOf(clearLine) > text.lastIndexOf('99%'));
  assert.ok(!text.includes(`${esc}[?25l`), 'the cursor is not hidden');
  assert.ok(!text.includes(`${esc}[?7l`), 'the wrapping of lines is left alone');
  assert.equal(process.listenerCount('SIGINT'), 0);
});

test('writes nothing but lines where there is no terminal', async (t) => {
  const { text } = await run(await bookDirectory(t, smallBook));
  assert.doesNotMatch(text, /[^\P{Cc}\n]/u);
});

test('a bar says how long the rest takes, and never stands at the end', () => {
  let elapsedMs = 0;
  const stopwatch = { elapsedMs: () => elapsedMs, every: () => () => {} };
  const frameAt = (ms: number, done: number): string => {
    const screen = new Screen(true);
    elapsedMs = 0;
    const bar = new ProgressBar(screen, stopwatch);
    bar.show({ subject: 'book', done: 0, detail: 'begins' });
    elapsedMs = ms;
    bar.show({ subject: 'book', done, detail: 'reading' });
    bar.clear();
    return stripVTControlCharacters(screen.text);
  };
  assert.match(frameAt(10_000, 0.5), /book \[=+-+\] 50% {2}reading, about 10 s left/);
  assert.match(frameAt(30_000, 0.1), /10% {2}reading, about 4 min 30 s left/);
  assert.match(frameAt(1_000, 0.01), /1% {2}reading$/m, 'too early to tell');
  assert.match(frameAt(9_000, 1), /99% {2}reading, about 0 s left/);
});

test('of a book that was sold since, a sandbox says how to begin anew', async (t) => {
  const client = await makeTenant(sql);
  const directory = await bookDirectory(t, smallBook);
  assert.equal((await run(directory, { client })).code, 0);
  assert.equal((await run(directory, { client, isSandbox: true })).code, 0, 'nothing was sold yet');
  await sql`
    update unwind.accounts
    set positions_as_of = now() + interval '1 day'
    where tenant_id = ${client}`;
  const reset =
    /^To sell an example book once more: "unwind sandbox reset", and import it again\.$/m;
  const inSandbox = await run(directory, { client, isSandbox: true });
  assert.equal(inSandbox.code, 1);
  assert.match(inSandbox.text, /as_of: older than the account's last movement or snapshot/);
  assert.match(inSandbox.text, reset);
  assert.doesNotMatch((await run(directory, { client })).text, reset);
});
