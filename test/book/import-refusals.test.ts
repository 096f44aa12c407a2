// What the import has against lines of a file, and that a file with one bad line changes nothing.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { badLinesListedMax } from '../../src/book/import-limits.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  allianz,
  anna,
  asOf,
  type Bench,
  badLinesOf,
  bert,
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
} from './import-support.ts';

const { sql } = await createTestDatabase({ after });

/** A client of its own for one test. */
async function newBench(): Promise<Bench> {
  return { sql, clock: testClock(), tenantId: await makeTenant(sql) };
}

const smallHoldings = [
  `${anna.accountId} ${sap} 12.5 2`,
  `${anna.accountId} ${siemens} 3 0`,
  `${bert.accountId} ${sap} 7 0`,
];

test('a key may stand in a file once', async (t) => {
  const bench = await newBench();
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'users.csv': [headers.users, anna.userId, bert.userId, anna.userId.toUpperCase()],
    }),
    ['4: user_id: the same as in line 2'],
  );
  await importRight(t, bench, smallBook);
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'accounts.csv': [
        headers.accounts,
        `${anna.accountId},${anna.userId},ACTIVE,EUR`,
        `${anna.accountId},${anna.userId},ACTIVE,EUR`,
        `${anna.accountId},${bert.userId},ACTIVE,EUR`,
      ],
    }),
    ['3: account_id: the same as in line 2', '4: account_id: the same as in line 2'],
  );
  const instrument = `${sap},SAP SE,ACTIVE,true`;
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'instruments.csv': [headers.instruments, instrument, instrument],
    }),
    ['3: isin: the same as in line 2'],
  );
  assert.deepEqual(
    await badLinesOf(t, bench, { 'prices.csv': [headers.prices, `${sap},1,EUR`, `${sap},2,EUR`] }),
    ['3: isin: the same as in line 2'],
  );
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'positions.csv': positions(
        [anna.accountId, sap, '1', '0'],
        [bert.accountId, sap, '1', '0'],
        [anna.accountId, siemens, '1', '0'],
        [anna.accountId, sap, '1', '0', '2026-01-03T00:00:00Z'],
      ),
    }),
    ['5: account_id and isin: the same as in line 2'],
  );
});

test('what is referred to must be there', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'accounts.csv': [headers.accounts, `${anna.accountId},${stranger},ACTIVE,EUR`],
    }),
    ['2: user_id: this client has no such user'],
  );
  assert.deepEqual(
    await badLinesOf(t, bench, { 'prices.csv': [headers.prices, `${allianz},391.2,EUR`] }),
    ['2: isin: this client has no such instrument'],
  );
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'positions.csv': positions([stranger, sap, '1', '0'], [anna.accountId, allianz, '1', '0']),
    }),
    [
      '2: account_id: this client has no such account',
      '3: isin: this client has no such instrument',
    ],
  );
});

test('one bad line, of whatever kind, and nothing of its file is imported', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const movements = await movementsOf(bench);
  const next = '2026-01-03T00:00:00Z';
  const good = [anna.accountId, sap, '1', '0', next];
  const bad: readonly (readonly [readonly string[], string])[] = [
    [[anna.accountId, siemens, '-1', '0', next], '3: quantity: "-1" is negative'],
    [[anna.accountId, siemens, '1'], '3: the number of fields is 4, not 5'],
    [
      [anna.accountId, siemens, '1', '0', '2026-01-01T00:00:00Z'],
      "3: as_of: older than the account's last movement or snapshot, at 2026-01-02T17:30:00.000Z",
    ],
    [[stranger, siemens, '1', '0', next], '3: account_id: this client has no such account'],
  ];
  for (const [line, reason] of bad) {
    const files = { 'positions.csv': positions(good, line) };
    assert.deepEqual(await badLinesOf(t, bench, files), [reason]);
    assert.deepEqual(await holdingsOf(bench), smallHoldings);
    assert.deepEqual(await movementsOf(bench), movements);
  }
  // The same good line alone shows that it was not the one to blame.
  await importRight(t, bench, { 'positions.csv': positions(good) });
  assert.deepEqual((await movementsOf(bench)).length, movements.length + 1);
});

test('a file that is refused does not stop those after it', async (t) => {
  const bench = await newBench();
  const { files } = await importFiles(t, bench, {
    ...smallBook,
    'users.csv': [headers.users, anna.userId, 'bert'],
  });
  assert.deepEqual(
    files.map((report) => `${report.file} ${countsOf(report)}`),
    [
      'users.csv refused',
      'accounts.csv refused',
      'instruments.csv 2/0/0',
      'prices.csv 2/0/0',
      'positions.csv refused',
    ],
  );
  assert.deepEqual(await holdingsOf(bench), []);
});

test('bad lines of all kinds come in their order, and not more than can be read', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const lines = Array.from({ length: 700 }, () => [
    `${stranger},${sap},1,0,${asOf}`,
    `${anna.accountId},${sap},x,0,${asOf}`,
    `${anna.accountId},${sap}`,
  ]).flat();
  const { files } = await importFiles(t, bench, { 'positions.csv': [headers.positions, ...lines] });
  const [report] = files;
  assert.ok(report?.outcome === 'refused');
  assert.equal(report.lines, 2_100);
  assert.equal(report.badLineCount, 2_100);
  assert.deepEqual(
    report.badLines.map(({ line }) => line),
    Array.from({ length: badLinesListedMax }, (_, index) => index + 2),
  );
  assert.deepEqual(
    report.badLines.slice(0, 4).map(({ reason }) => reason),
    [
      'account_id: this client has no such account',
      'quantity: "x" is not a number in plain notation, such as 12 or 0.75',
      'the number of fields is 2, not 5',
      `account_id and isin: the same as in line 2`,
    ],
  );
});

test('a file that is cut off inside a quoted field is refused, and says where', async (t) => {
  const bench = await newBench();
  const { files } = await importFiles(t, bench, {
    'instruments.csv': `${headers.instruments}\n${sap},SAP SE,ACTIVE,true\n${siemens},"Siem`,
  });
  assert.deepEqual(files, [
    {
      outcome: 'refused',
      file: 'instruments.csv',
      lines: 1,
      badLines: [{ line: 3, reason: 'a quoted field that begins here does not end' }],
      badLineCount: 1,
      isWhole: false,
      isOld: false,
    },
  ]);
});
