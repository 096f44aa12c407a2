// The import into the book: what is inserted, changed and left alone, what the database has against
// a line, and that a file is imported wholly or not at all.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ImportError, importDirectory } from '../../src/book/import-directory.ts';
import type { ImportProgress } from '../../src/book/import-report.ts';
import { newId } from '../../src/ids.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  allianz,
  anna,
  assertBookAddsUp,
  type Bench,
  bert,
  bookDirectory,
  countsOf,
  headers,
  holdingsOf,
  importFiles,
  importRight,
  movementsOf,
  positions,
  sap,
  siemens,
  smallBook,
  stranger,
  versionsOf,
} from './import-support.ts';

const { sql } = await createTestDatabase({ after });
const exampleBook = join(import.meta.dirname, '../../examples/book');

/** A client of its own for one test. */
async function newBench(): Promise<Bench> {
  return { sql, clock: testClock(), tenantId: await makeTenant(sql) };
}

const smallHoldings = [
  `${anna.accountId} ${sap} 12.5 2`,
  `${anna.accountId} ${siemens} 3 0`,
  `${bert.accountId} ${sap} 7 0`,
];

test('the example book is imported wholly, and again without any change', async () => {
  const bench = await newBench();
  const request = { tenantId: bench.tenantId, directory: exampleBook };
  const first = await importDirectory(sql, bench.clock, request);
  assert.deepEqual(
    first.files.map((report) => `${report.file} ${countsOf(report)}`),
    [
      'users.csv 960/0/0',
      'accounts.csv 1000/0/0',
      'instruments.csv 81/0/0',
      'prices.csv 81/0/0',
      'positions.csv 13436/0/0',
    ],
  );
  assert.deepEqual(first.ignored, ['README.md', 'instruments.ts', 'make.ts', 'showcase.ts']);
  await assertBookAddsUp(bench);
  const [movements, versions] = [await movementsOf(bench), await versionsOf(bench)];
  assert.equal(movements.length, 13_436);
  assert.deepEqual(new Set(Object.values(versions)), new Set(['1']));

  const second = await importDirectory(sql, bench.clock, request);
  assert.deepEqual(second.files.map(countsOf), [
    '0/0/960',
    '0/0/1000',
    '0/0/81',
    '0/0/81',
    '0/0/13436',
  ]);
  assert.deepEqual(await movementsOf(bench), movements);
  assert.deepEqual(await versionsOf(bench), versions);
});

test('positions are booked as their differences, and those not named stay', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  assert.deepEqual(await holdingsOf(bench), smallHoldings);

  const next = '2026-01-03T17:30:00.000Z';
  const { files } = await importFiles(t, bench, {
    'positions.csv': positions(
      [anna.accountId, siemens, '5.50', '0.250', next],
      [anna.accountId, sap, '12.500', '2', next],
      [bert.accountId, siemens, '0', '0', next],
    ),
  });
  assert.deepEqual(files.map(countsOf), ['0/1/2']);
  assert.deepEqual(await holdingsOf(bench), [
    `${anna.accountId} ${sap} 12.5 2`,
    `${anna.accountId} ${siemens} 5.5 0.25`,
    `${bert.accountId} ${sap} 7 0`,
  ]);
  assert.deepEqual((await movementsOf(bench)).slice(3), [
    `${anna.accountId} ${siemens} 2.5 0.25 import ${next}`,
  ]);
  assert.deepEqual(await versionsOf(bench), { [anna.accountId]: '2', [bert.accountId]: '1' });
  await assertBookAddsUp(bench);

  const gone = positions([anna.accountId, sap, '0', '0', '2026-01-04T00:00:00Z']);
  await importRight(t, bench, { 'positions.csv': gone });
  assert.equal((await holdingsOf(bench))[0], `${anna.accountId} ${sap} 0 0`);
  await assertBookAddsUp(bench);
});

test('quantities are kept to the last decimal, without zeros at their end', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const long = `${'9'.repeat(18)}.${'9'.repeat(15)}`;
  await importRight(t, bench, {
    'positions.csv': positions(
      [bert.accountId, sap, long, '0.000000000000001'],
      [bert.accountId, siemens, '0.100000000000000', '0.1'],
    ),
    'prices.csv': [headers.prices, `${sap},0.000000000001,EUR`, `${siemens},1.500,EUR`],
  });
  assert.deepEqual((await holdingsOf(bench)).slice(2), [
    `${bert.accountId} ${sap} ${long} 0.000000000000001`,
    `${bert.accountId} ${siemens} 0.1 0.1`,
  ]);
  const prices = await sql`
    select p.price
    from unwind.prices p
    where p.tenant_id = ${bench.tenantId}
    order by p.isin`;
  assert.deepEqual(
    prices.map((row) => row['price']),
    ['0.000000000001', '1.5'],
  );
});

test('only what differs is written; a price that comes again is as new as its import', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const later = { ...bench, clock: testClock('2026-01-06T09:00:00.000Z') };
  const { files } = await importFiles(t, later, {
    'users.csv': [headers.users, anna.userId, stranger],
    'accounts.csv': [
      headers.accounts,
      `${anna.accountId},${anna.userId},LOCKED,EUR`,
      `${bert.accountId},${bert.userId},ACTIVE,EUR`,
    ],
    'instruments.csv': [
      headers.instruments,
      `${sap},SAP SE,ACTIVE,true`,
      `${siemens},"Siemens, Munich",INACTIVE,false`,
      `${allianz},Allianz SE,ACTIVE,true`,
    ],
    'prices.csv': [headers.prices, `${sap},208.350,EUR`, `${siemens},240,EUR`],
  });
  assert.deepEqual(files.map(countsOf), ['1/0/1', '0/1/1', '1/1/1', '0/1/1']);
  const changed = await sql`
    select 'account ' || a.account_id as what
    from unwind.accounts a
    where a.tenant_id = ${bench.tenantId}
      and a.updated_at = ${later.clock.now()}
    union all
    select 'instrument ' || i.isin
    from unwind.instruments i
    where i.tenant_id = ${bench.tenantId}
      and i.updated_at = ${later.clock.now()}
    union all
    select 'price ' || p.isin
    from unwind.prices p
    where p.tenant_id = ${bench.tenantId}
      and p.updated_at = ${later.clock.now()}
    order by what`;
  assert.deepEqual(
    changed.map((row) => row['what']),
    [
      `account ${anna.accountId}`,
      `instrument ${siemens}`,
      `instrument ${allianz}`,
      `price ${sap}`,
      `price ${siemens}`,
    ],
  );
});

test('an account goes over to another user, and positions do not count as changed', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const before = await versionsOf(bench);
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${anna.accountId},${bert.userId},CLOSING,EUR`],
  });
  const [account] = await sql`
    select a.user_id, a.status
    from unwind.accounts a
    where a.tenant_id = ${bench.tenantId}
      and a.account_id = ${anna.accountId}`;
  assert.deepEqual({ ...account }, { user_id: bert.userId, status: 'CLOSING' });
  assert.deepEqual(await versionsOf(bench), before);
});

test('two clients with the same ids know nothing of each other', async (t) => {
  const [one, other] = [await newBench(), await newBench()];
  await importRight(t, one, smallBook);
  assert.deepEqual(await holdingsOf(other), []);
  const { 'users.csv': _, ...withoutUsers } = smallBook;
  const refused = await importFiles(t, other, withoutUsers);
  assert.deepEqual(refused.files.map(countsOf), ['refused', '2/0/0', '2/0/0', 'refused']);
  await importRight(t, other, smallBook);
  const later = positions([anna.accountId, sap, '1', '0', '2026-01-04T00:00:00Z']);
  await importRight(t, other, { 'positions.csv': later });
  assert.deepEqual(await holdingsOf(one), smallHoldings);
  assert.equal((await holdingsOf(other))[0], `${anna.accountId} ${sap} 1 0`);
  // The other's movement is newer, and does not make this client's snapshot an old one.
  const between = positions([anna.accountId, sap, '2', '0', '2026-01-03T00:00:00Z']);
  await importRight(t, one, { 'positions.csv': between });
  await assertBookAddsUp(one);
});

test('a directory without a book and an unknown client are errors', async (t) => {
  const { clock, tenantId } = await newBench();
  const empty = await bookDirectory(t, {});
  await assert.rejects(importDirectory(sql, clock, { tenantId, directory: empty }), (error) => {
    assert.ok(error instanceof ImportError);
    assert.match(error.message, /holds none of users\.csv, accounts\.csv, /);
    return true;
  });
  const missing = join(empty, 'nowhere');
  await assert.rejects(importDirectory(sql, clock, { tenantId, directory: missing }), ImportError);
  await assert.rejects(
    importDirectory(sql, clock, { tenantId: newId<'tenant'>(), directory: exampleBook }),
    ImportError,
  );
});

test('what has the name of a file and is none is refused', async (t) => {
  const { clock, tenantId } = await newBench();
  const directory = await bookDirectory(t, { 'users.csv': [headers.users, anna.userId] });
  await mkdir(join(directory, 'prices.csv'));
  const { files } = await importDirectory(sql, clock, { tenantId, directory });
  assert.deepEqual(files.map(countsOf), ['1/0/0', 'refused']);
  const [, prices] = files;
  assert.ok(prices?.outcome === 'refused');
  assert.deepEqual(prices.badLines, [{ line: undefined, reason: 'this is not a regular file' }]);
});

test('progress is reported from the first byte to the last row', async () => {
  const { clock, tenantId } = await newBench();
  const told: ImportProgress[] = [];
  const onProgress = (progress: ImportProgress) => told.push(progress);
  await importDirectory(sql, clock, { tenantId, directory: exampleBook, onProgress });
  const ofPositions = told.filter(({ file }) => file === 'positions.csv');
  const reading = ofPositions.filter((progress) => progress.step === 'reading');
  assert.deepEqual(
    reading.map(({ linesRead }) => linesRead),
    reading.map(({ linesRead }) => linesRead).sort((a, b) => a - b),
  );
  assert.ok(reading.length > 2);
  const end = reading.at(-1);
  assert.equal(end?.bytesRead, end?.bytesTotal);
  assert.equal(end?.linesRead, 13_436);
  const written = ofPositions.at(-1);
  assert.ok(written?.step === 'writing');
  assert.equal(written.rowsWritten, 13_436);
  assert.equal(written.rowsTotal, 13_436);
});
