// `unwind calendar`: what it prints, what it changes, and that a file with mistakes changes nothing.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCalendar } from '../../src/commands/calendar-command.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { announceStatus, findCalendar } from '../../src/venue/calendar-store.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const folder = await mkdtemp(join(tmpdir(), 'unwind-calendar-'));
after(() => rm(folder, { recursive: true, force: true }));
const german = fileURLToPath(
  new URL('../../examples/calendars/german-exchange.json', import.meta.url),
);

async function calendar(wish: { venue?: string; file?: string; alwaysOpen?: true } = {}) {
  let shown = '';
  const stdout = { write: (text: string) => (shown += text) };
  const code = await runCalendar({ sql, clock, stdout }, { venue: 'XSIM', ...wish });
  return { code, shown };
}

const always = 'XSIM is always open.\nAt 2026-01-05T09:00:00.000Z it is open.\n';

test('shows a venue without a calendar, gives it one, and takes it away', async () => {
  assert.deepEqual(await calendar(), { code: 0, shown: always });
  const given = await calendar({ file: german });
  assert.equal(
    given.shown,
    [
      'XSIM is open, in the time zone Europe/Berlin:',
      '  MON 08:00 to 22:00',
      '  TUE 08:00 to 22:00',
      '  WED 08:00 to 22:00',
      '  THU 08:00 to 22:00',
      '  FRI 08:00 to 22:00',
      '  but for 60 holidays, 2026-01-01 to 2035-12-26',
      'At 2026-01-05T09:00:00.000Z it is open, until 2026-01-05T21:00:00.000Z.',
      '',
    ].join('\n'),
  );
  assert.deepEqual(await calendar(), given);
  assert.deepEqual(await calendar({ alwaysOpen: true }), { code: 0, shown: always });
});

test('says when a venue has announced otherwise', async () => {
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', 'closed'));
  const { shown } = await calendar();
  assert.match(shown, /^XSIM is always open\.\nAt \S+ it is closed, as it has announced\.\n$/);
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', undefined));
});

test('knows no venue that is not there, and gives it no calendar', async () => {
  for (const wish of [{}, { file: german }, { alwaysOpen: true }] as const) {
    const refused = await calendar({ venue: 'NOPE', ...wish });
    assert.deepEqual(refused, { code: 1, shown: 'there is no venue NOPE; there is XSIM\n' });
  }
  assert.equal(await findCalendar(sql, 'NOPE'), undefined);
});

const files: readonly { what: string; text: string | undefined; says: RegExp }[] = [
  { what: 'that is missing', text: undefined, says: /the file cannot be read: it does not exist/ },
  { what: 'that is not JSON', text: '{', says: /the file is not JSON/ },
  {
    what: 'with mistakes',
    text: '{"time_zone":"Mars/Olympus","hours":[],"open":true}',
    says: /unknown members \(open\)\.\n {2}\/time_zone is no time zone.*\n {2}\/hours names no session/,
  },
];

for (const { what, text, says } of files) {
  test(`a file ${what} changes nothing`, async () => {
    await calendar({ file: german });
    const before = await findCalendar(sql, 'XSIM');
    const file = join(folder, 'calendar.json');
    if (text === undefined) await rm(file, { force: true });
    else await writeFile(file, text);
    const { code, shown } = await calendar({ file });
    assert.equal(code, 1);
    assert.match(shown, /^Nothing was changed\. /);
    assert.match(shown, says);
    assert.deepEqual(await findCalendar(sql, 'XSIM'), before);
  });
}
