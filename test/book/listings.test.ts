// listings.csv, where instruments trade, and rates.csv, what currencies are worth.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { untilLocked } from '../support/locks.ts';
import {
  allianz,
  type Bench,
  badLinesOf,
  countsOf,
  headers,
  importFiles,
  importRight,
  sap,
  siemens,
  smallBook,
} from './import-support.ts';

const { sql } = await createTestDatabase({ after });

async function newBench(): Promise<Bench> {
  return { sql, clock: testClock(), tenantId: await makeTenant(sql) };
}

const lines = (...rows: readonly string[]) => ({ 'listings.csv': [headers.listings, ...rows] });

test('an instrument may be listed at several venues, and a listing changes by its next import', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, {
    ...smallBook,
    ...lines(`${sap},XETR,SAP,EUR,1`, `${sap},XSIM,,EUR,0.001`, `${siemens},XETR,SIE,EUR,100`),
  });
  const report = await importFiles(
    t,
    bench,
    lines(`${sap},XETR,SAPG,EUR,10`, `${sap},XSIM,,EUR,0.001`),
  );
  assert.equal(countsOf(report.files[0]), '0/1/1');
  const rows = await sql`
    select l.isin, l.mic, l.symbol, l.currency, trim_scale(l.lot_size)::text as lot
    from unwind_v1.listings l
    where l.tenant_id = ${bench.tenantId}
    order by l.isin, l.mic`;
  assert.deepEqual(
    [...rows],
    [
      { isin: sap, mic: 'XETR', symbol: 'SAPG', currency: 'EUR', lot: '10' },
      { isin: sap, mic: 'XSIM', symbol: '', currency: 'EUR', lot: '0.001' },
      { isin: siemens, mic: 'XETR', symbol: 'SIE', currency: 'EUR', lot: '100' },
    ],
  );
});

test('each line is right by itself, of a known instrument, and its only one at the venue', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const rows = [
    `${allianz},XETR,ALV,EUR,1`,
    `${sap},xetr,SAP,EUR,1`,
    `${sap},XETR,SÄP,EUR,1`,
    `${sap},XETR,SAP,EUR,0`,
    `${sap},XETR,SAP,EUR,1.5`,
    `${sap},XETR,SAP,EUR,0.2`,
  ];
  assert.deepEqual(await badLinesOf(t, bench, lines(...rows)), [
    '2: isin: this client has no such instrument',
    '3: mic: "xetr" is no MIC, such as XETR',
    '4: symbol: "SÄP" is not at most 64 printable ASCII characters',
    '5: lot_size: "0" is neither a whole number from 1 on nor such as 0.1 or 0.001',
    '6: lot_size: "1.5" is neither a whole number from 1 on nor such as 0.1 or 0.001',
    '7: lot_size: "0.2" is neither a whole number from 1 on nor such as 0.1 or 0.001',
  ]);
  const twice = lines(`${sap},XETR,SAP,EUR,1`, `${sap},XETR,SAP,EUR,10`);
  assert.deepEqual(await badLinesOf(t, bench, twice), ['3: isin and mic: the same as in line 2']);
});

const rates = (...rows: readonly string[]) => ({ 'rates.csv': [headers.rates, ...rows] });

test('rates follow one another; a file that is imported again changes nothing', async (t) => {
  const bench = await newBench();
  const days = ['USD,0.9213,2026-01-01T15:00:00Z', 'USD,0.92,2026-01-02T15:00:00Z'];
  await importRight(t, bench, rates(...days, 'GBX,0.0115,2026-01-02T15:00:00Z'));
  const again = await importFiles(t, bench, rates(...days, 'USD,0.9,2026-01-03T15:00:00Z'));
  assert.equal(countsOf(again.files[0]), '1/0/2');
  const rows = await sql`
    select r.currency, trim_scale(r.rate)::text as rate
    from unwind_v1.rates r
    where r.tenant_id = ${bench.tenantId}
    order by r.currency, r.as_of`;
  assert.deepEqual(
    rows.map(({ currency, rate }) => `${currency} ${rate}`),
    ['GBX 0.0115', 'USD 0.9213', 'USD 0.92', 'USD 0.9'],
  );
});

test('a rate never changes, and none comes before one that executions may be converted by', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, rates('USD,0.92,2026-01-02T15:00:00Z'));
  const rows = [
    'USD,0.93,2026-01-02T15:00:00Z',
    'USD,0.92,2026-01-01T15:00:00Z',
    'EUR,1,2026-01-02T15:00:00Z',
    'usd,1,2026-01-02T15:00:00Z',
    'CHF,0,2026-01-02T15:00:00Z',
    'CHF,1.05,2027-01-02T15:00:00Z',
  ];
  assert.deepEqual(await badLinesOf(t, bench, rates(...rows)), [
    '2: rate: another rate is known for that instant, and executions may be converted by it',
    '3: as_of: not after the newest rate of the currency, of 2026-01-02T15:00:00.000Z',
    '4: currency: "EUR" is the currency of accounts and needs no rate',
    '5: currency: "usd" is no currency, such as USD',
    '6: rate: "0" is not more than 0',
    '7: as_of: "2027-01-02T15:00:00Z" is in the future',
  ]);
});

test('of two imports at once that rate an instant, one is refused: no rate changes', async (t) => {
  const bench = await newBench();
  await importRight(t, bench, smallBook);
  const held = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  // A reader of the rates keeps both from writing, once they have begun.
  const reader = inTransaction(sql, async (tx) => {
    await tx`lock table unwind.rates in share mode`;
    held.resolve();
    await finish.promise;
  });
  await held.promise;
  const imports = ['0.92', '0.93'].map((rate) => {
    return importFiles(t, bench, rates(`USD,${rate},2026-01-02T15:00:00Z`));
  });
  await untilLocked('both imports wait', sql, 2);
  finish.resolve();
  await reader;
  const reports = await Promise.all(imports);
  assert.deepEqual(reports.map(({ files }) => countsOf(files[0])).sort(), ['1/0/0', 'refused']);
});
