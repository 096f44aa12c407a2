// Every behaviour of the simulated venue, to its end through the real engine: what a client sees, and
// that the audit finds nothing but what has to be parked for a person.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { decimal } from '../../src/money.ts';
import { sandboxInstruments } from '../../src/venue/simulated/behaviour.ts';
import { setDown } from '../../src/venue/simulated/control-store.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { VenueReport } from '../../src/venue/venue.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { drawIdsAlike } from '../support/ids.ts';

const delayMs = 800;

async function begin(t: TestContext, isin: string, quantity: string) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  drawIdsAlike(t, clock.now());
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '100' }],
    accounts: [{ positions: [{ isin, quantity }] }],
  });
  assert.ok(account);
  const warnings: object[] = [];
  const onWarning = (fields: object) => warnings.push(fields);
  const steps = engineSteps(sql, clock, { delayMs, onWarning });
  const liquidationId = await askToLiquidate(sql, clock, account);
  const look = async () => {
    const rows = await sql<{ shown: string }[]>`
      select concat(
        l.status, ' ', round(l.cash_amount, 2), ', ',
        (
          select string_agg(concat(o.status, ' ', trim_scale(o.filled_quantity)), ', ')
          from unwind.orders o
          where o.liquidation_id = l.liquidation_id
        ),
        ', ', (select count(*) from unwind.executions), ' executions, ',
        (select count(*) from unwind.submissions), ' submissions'
      ) as shown
      from unwind.liquidations l
      where l.liquidation_id = ${liquidationId}`;
    return rows[0]?.shown;
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await runUntilIdle(steps);
  };
  return { sql, clock, steps, look, pass, warnings };
}

interface Case {
  readonly isin: string;
  /** Of 6 units at EUR 100, after a minute. */
  readonly end: string;
}

const cases: readonly Case[] = [
  { isin: 'DE0007164600', end: 'FILLED 600.00, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'IE00BKBF6H24', end: 'FILLED 45.06, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'IE00B3XXRP09', end: 'FILLED 678.18, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'DE0005933931', end: 'FILLED 490.62, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'IE00B5M1WJ87', end: 'FILLED 600.00, FILLED 6, 5 executions, 1 submissions' },
  { isin: 'IE00BF2GFH28', end: 'CANCELLED 400.00, CANCELLED 4, 4 executions, 1 submissions' },
  { isin: 'ZZCANCEL0000', end: 'CANCELLED 0.00, CANCELLED 0, 0 executions, 1 submissions' },
  { isin: 'ZZREFUSED006', end: 'CANCELLED 0.00, CANCELLED 0, 0 executions, 1 submissions' },
  { isin: 'ZZRESTING006', end: 'PROCESSING 600.00, PROCESSING 0, 0 executions, 1 submissions' },
  { isin: 'ZZSWINGING08', end: 'FILLED 1200.00, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'ZZLOSTREPLY4', end: 'FILLED 600.00, FILLED 6, 1 executions, 1 submissions' },
  { isin: 'ZZTWICE00002', end: 'FILLED 600.00, FILLED 6, 5 executions, 1 submissions' },
  { isin: 'ZZSHUFFLED01', end: 'FILLED 600.00, FILLED 6, 5 executions, 1 submissions' },
  { isin: 'ZZDELAYED004', end: 'FILLED 600.00, FILLED 6, 1 executions, 1 submissions' },
];

for (const { isin, end } of cases) {
  test(`${isin} ends: ${end}`, async (t) => {
    const { look, pass, sql } = await begin(t, isin, '6');
    await pass(0);
    for (let i = 0; i < 4; i += 1) await pass(15_000);
    assert.equal(await look(), end);
    assert.equal((await runAudit(sql)).total, 0);
  });
}

test('a price that wanders is somewhere from 80 to 120, and that of the journal', async (t) => {
  const { pass, sql } = await begin(t, 'IE00B95PGT31', '6');
  await pass(0);
  await pass(delayMs);
  const rows = await sql<{ ours: string; theirs: string }[]>`
    select e.price as ours, j.price as theirs
    from unwind.executions e
    join unwind_v1.venue_journal j on j.client_order_id = e.client_order_id`;
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.ours, rows[0]?.theirs);
  assert.ok(Number(rows[0]?.ours) >= 80 && Number(rows[0]?.ours) < 120);
});

test('an interrupted instrument is sold in as many attempts as the lot demands', async (t) => {
  const { look, pass, sql } = await begin(t, 'ZZHALTING000', '6');
  await pass(0);
  for (let i = 0; i < 12; i += 1) await pass(60_000);
  assert.equal(await look(), 'FILLED 600.00, FILLED 6, 6 executions, 4 submissions');
  assert.equal((await runAudit(sql)).total, 0);
});

test('delayed reports say when it happened, not when they were sent', async (t) => {
  const { pass, look, sql } = await begin(t, 'ZZDELAYED004', '6');
  await pass(0);
  await pass(29_000);
  assert.match((await look()) ?? '', /^PROCESSING/);
  await pass(2_000);
  assert.match((await look()) ?? '', /^FILLED/);
  const rows = await sql<{ ago_ms: string }[]>`
    select extract(epoch from e.recorded_at - e.executed_at) * 1000 as ago_ms
    from unwind.executions e`;
  assert.ok(Number(rows[0]?.ago_ms) >= 30_000);
});

test('an answer that is lost is looked up, and nothing is sent twice', async (t) => {
  const { pass, look, sql } = await begin(t, 'ZZLOSTREPLY4', '6');
  await pass(0);
  assert.match((await look()) ?? '', /^PROCESSING 600\.00, PROCESSING 0/);
  await pass(submissionLeaseMs);
  assert.match((await look()) ?? '', /^FILLED/);
  const journal = await sql`select j.outcome from unwind_v1.venue_journal j`;
  assert.deepEqual([...journal], [{ outcome: 'accepted' }]);
});

for (const { isin, type } of [
  { isin: 'ZZLATEFILL05', type: 'trade' },
  { isin: 'ZZBUST000004', type: 'bust' },
]) {
  test(`${isin}: what comes after the end is a ${type}, and reaches the service`, async (t) => {
    const { pass, sql } = await begin(t, isin, '6');
    await pass(0);
    await pass(delayMs);
    const before = await sql`select from unwind_v1.venue_reports`;
    await pass(20_000);
    const reports = await sql<{ type: string }[]>`
      select r.type from unwind_v1.venue_reports r order by r.number`;
    assert.equal(reports.length, before.count + 1);
    assert.equal(reports.at(-1)?.type, type);
    const waiting = await sql`select from unwind_v1.waiting_reports`;
    assert.equal(waiting.count, 0, 'it is applied or parked');
  });
}

test('a venue that goes away and comes back changes nothing but the time', async (t) => {
  const { pass, look, sql, steps, warnings } = await begin(t, 'DE0007164600', '6');
  const setVenueDown = (isDown: boolean) => inTransaction(sql, (tx) => setDown(tx, isDown));
  await steps.release();
  await setVenueDown(true);
  await steps.submit();
  assert.equal(warnings.length, 1, 'the submit had no answer');
  for (const call of [steps.receive]) await assert.rejects(call(), /does not answer/);
  await setVenueDown(false);
  await pass(submissionLeaseMs);
  await pass(delayMs);
  assert.match((await look()) ?? '', /^FILLED 600\.00, FILLED 6, 1 executions, 1 submissions/);
  assert.equal((await runAudit(sql)).total, 0);
});

test('a venue that was away for one call answers none of its four', async (t) => {
  const { sql } = await createTestDatabase(t);
  const venue = simulatedVenue(sql, testClock(), delayMs);
  await inTransaction(sql, (tx) => setDown(tx, true));
  const calls = [
    () => venue.submit([]),
    () => venue.lookUp([]),
    () => venue.cancel([]),
    () => venue.reports({ after: 0, limit: 1 }),
  ];
  for (const call of calls) await assert.rejects(call(), /does not answer/);
});

test('a process that starts in the middle of a schedule reports the same as one that stayed', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isins = Object.keys(sandboxInstruments);
  const stayed = simulatedVenue(sql, clock, delayMs);
  await stayed.submit(
    isins.map((isin, i) => {
      return { tenantId, isin, clientOrderId: `ORDER${i}`, quantity: decimal('6') };
    }),
  );
  const start = clock.now();
  const plan = await sql`
    select r.client_order_id, r.type, r.due_at, r.cumulative_quantity
    from simulated_venue.reports r
    order by r.report`;
  const seen: VenueReport[] = [];
  for (let ms = 0; ms <= 90_000; ms += 450) {
    clock.set(later(start, ms));
    // Every call is a process of its own: nothing is remembered outside the database.
    const fresh = simulatedVenue(sql, clock, delayMs);
    seen.push(...(await fresh.reports({ after: seen.length, limit: 100 })));
  }
  const planned = plan.filter(
    (row) => row['client_order_id'] !== `ORDER${isins.indexOf('ZZFUND000003')}`,
  );
  assert.equal(seen.length, planned.length);
  assert.deepEqual(await stayed.reports({ after: 0, limit: 1_000 }), seen);
  const after = await sql`
    select r.client_order_id, r.type, r.due_at, r.cumulative_quantity
    from simulated_venue.reports r
    order by r.report`;
  assert.deepEqual([...after], [...plan], 'the plan was made once');
});
