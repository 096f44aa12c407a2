// Liquidations in a market that is not always open: release waits, orders wait, what the close finds
// working is suspended and finished in the next session.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { idleLiquidationWaitMs } from '../../src/limits.ts';
import { endAllVenueWaits } from '../../src/liquidations/due-store.ts';
import { readCalendar } from '../../src/venue/calendar.ts';
import { announceHalt, announceStatus, setCalendar } from '../../src/venue/calendar-store.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { type BookPosition, listInstruments, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToCancel, askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const venue = 'XSIM';
const sap = 'DE0007164600';
const fund = 'ZZFUND000003';
const resting = 'ZZRESTING006';
const isins = [sap, fund, resting];
const at = new Date('2026-01-05T10:00:00.000Z');

const calendar = readCalendar({
  time_zone: 'Europe/Berlin',
  hours: [{ days: ['MON', 'TUE', 'WED', 'THU', 'FRI'], opens: '08:00', closes: '22:00' }],
  holidays: [{ date: '2026-01-06', name: 'Epiphany' }],
});

async function begin(t: TestContext, start: string, delayMs = 0) {
  const { sql } = await createTestDatabase(t);
  await inTransaction(sql, (tx) => setCalendar(tx, venue, calendar));
  const clock = testClock(start);
  const steps = engineSteps(sql, clock, { delayMs });
  const tenantId = await makeTenant(sql);
  const instruments = isins.map((isin) => ({ isin, price: '10' }));
  await makeBook(sql, { tenantId, instruments, accounts: [] });
  const ask = async (positions: readonly BookPosition[]) => {
    const [account] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions }] });
    assert.ok(account);
    const liquidationId = await askToLiquidate(sql, clock, account);
    return async () => {
      const rows = await sql<{ status: string; orders: string | null }[]>`
        select
          l.status,
          (
            select string_agg(o.status || ' ' || o.submissions, ', ' order by o.isin)
            from unwind.orders o
            where o.liquidation_id = l.liquidation_id
          ) as orders
        from unwind.liquidations l
        where l.liquidation_id = ${liquidationId}`;
      return [rows[0]?.status, rows[0]?.orders].filter((one) => one != null).join(': ');
    };
  };
  const runAt = async (instant: string) => {
    clock.set(new Date(instant));
    await runUntilIdle(steps);
    assert.equal((await runAudit(sql)).total, 0, 'the audit finds nothing');
  };
  return { sql, clock, steps, ask, runAt };
}

const sale = [{ isin: sap, quantity: '3' }];

test('point 2: asked for on a Friday night, released at the instant of opening after the holiday', async (t) => {
  const { ask, runAt } = await begin(t, '2026-01-02T21:00:00.000Z');
  const look = await ask(sale);
  await runAt('2026-01-02T21:00:00.000Z');
  assert.equal(await look(), 'NEW');
  await runAt('2026-01-05T06:59:59.999Z');
  assert.equal(await look(), 'NEW');
  await runAt('2026-01-05T07:00:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 1');
});

test('point 2: while it is closed, what needs no venue is released all the same', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-06T10:00:00.000Z');
  const empty = await ask([]);
  const full = await ask(sale);
  const locked = await ask([{ isin: sap, quantity: '3', locked: '3' }]);
  await runAt('2026-01-06T10:00:00.000Z');
  const states = [await empty(), await full(), await locked()];
  assert.deepEqual(states, ['FILLED', 'NEW', 'NEW']);
  const waiting = await sql`select from unwind.liquidations where waits_for_venue`;
  assert.equal(waiting.count, 2);
  await runAt('2026-01-07T07:00:00.000Z');
  assert.deepEqual([await full(), await locked()], ['FILLED: FILLED 1', 'PROCESSING']);
});

test('one that waits for the opening can be cancelled like any NEW one', async (t) => {
  const { sql, clock, steps } = await begin(t, '2026-01-06T10:00:00.000Z');
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: sap, price: '10' }],
    accounts: [{ positions: sale }],
  });
  assert.ok(account);
  const liquidationId = await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  await askToCancel(sql, clock, { ...account, liquidationId });
  clock.set(new Date('2026-01-07T07:00:00.000Z'));
  await runUntilIdle(steps);
  const rows = await sql`select l.status, l.end_reason from unwind.liquidations l`;
  assert.deepEqual([...rows], [{ status: 'CANCELLED', end_reason: 'client' }]);
});

test('orders released in the last second wait unsent for the next session', async (t) => {
  const { ask, runAt, steps, clock, sql } = await begin(t, '2026-01-07T20:59:59.900Z');
  const look = await ask(sale);
  await steps.release();
  clock.advance(100);
  await runUntilIdle(steps);
  assert.equal(await look(), 'PROCESSING: NEW 0');
  const journal = await sql`select from unwind_v1.venue_journal`;
  assert.equal(journal.count, 0, 'a closed venue is not even asked');
  await runAt('2026-01-08T07:00:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 1');
});

test('what works at the close is suspended, and sold in the next session under another id', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-07T20:59:59.999Z', 60_000);
  const look = await ask(sale);
  await runAt('2026-01-07T20:59:59.999Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1');
  await runAt('2026-01-07T21:00:10.000Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1');
  await runAt('2026-01-08T07:00:00.000Z');
  await runAt('2026-01-08T07:01:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 2');
  const outcomes = await sql`select s.outcome from unwind.submissions s order by s.sent_at`;
  assert.deepEqual(
    outcomes.map((row) => row['outcome']),
    ['suspended', 'filled'],
  );
});

test('an order that rests ends with the session, and rests again in the next', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-08T12:00:00.000Z');
  const look = await ask([{ isin: resting, quantity: '1' }]);
  await runAt('2026-01-08T12:00:00.000Z');
  await runAt('2026-01-08T21:00:00.000Z');
  await runAt('2026-01-09T07:00:00.000Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 2');
  const reports = await sql`select r.type, r.reason from unwind_v1.venue_reports r`;
  assert.deepEqual([...reports], [{ type: 'suspended', reason: 'the market has closed' }]);
});

test('a fund is executed once a day, at the fixing of the next trading day', async (t) => {
  const { ask, runAt } = await begin(t, '2026-01-05T15:00:00.000Z');
  const look = await ask([{ isin: fund, quantity: '2' }]);
  await runAt('2026-01-05T15:00:00.000Z');
  await runAt('2026-01-05T21:30:00.000Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1', 'it rests over the close');
  await runAt('2026-01-06T15:00:00.000Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1', 'the sixth is a holiday');
  await runAt('2026-01-07T14:59:59.999Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1');
  await runAt('2026-01-07T15:00:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 1');
});

test('a venue that announces it is closed holds everything back; one that opens lets it go', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-05T10:00:00.000Z');
  const announce = (status: 'open' | 'closed' | undefined) => {
    return inTransaction(sql, (tx) => announceStatus(tx, venue, status));
  };
  await announce('closed');
  const look = await ask(sale);
  await runAt('2026-01-05T10:00:00.000Z');
  assert.equal(await look(), 'NEW');
  await announce(undefined);
  await runAt('2026-01-05T10:00:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 1');
  await announce('open');
  const atNight = await ask(sale);
  await runAt('2026-01-05T23:00:00.000Z');
  assert.equal(await atNight(), 'FILLED: FILLED 1');
});

test('point 3: a halted instrument is waited for, and not sent to the venue', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-05T10:00:00.000Z');
  const halt = (isHalted: boolean) => {
    return inTransaction(sql, (tx) => announceHalt(tx, { venue, isin: sap, isHalted, at }));
  };
  await halt(true);
  const look = await ask([...sale, { isin: fund, quantity: '1' }]);
  await runAt('2026-01-05T10:00:00.000Z');
  assert.equal(await look(), 'PROCESSING: PROCESSING 1', 'the other is sold meanwhile');
  await runAt('2026-01-05T15:00:00.000Z');
  assert.equal(await look(), 'PROCESSING: FILLED 1');
  const sent = await sql`select from unwind_v1.venue_journal j where j.isin = ${sap}`;
  assert.equal(sent.count, 0);
  await halt(false);
  await runAt('2026-01-05T15:05:00.000Z');
  assert.equal(await look(), 'FILLED: FILLED 1, FILLED 1');
});

test('an order that meets a halt is rejected for now, journalled so, and tried again', async (t) => {
  const { ask, runAt, steps, clock, sql } = await begin(t, '2026-01-05T10:00:00.000Z');
  const look = await ask(sale);
  await steps.release();
  await inTransaction(sql, (tx) => announceHalt(tx, { venue, isin: sap, isHalted: true, at }));
  await runUntilIdle(steps);
  assert.equal(await look(), 'PROCESSING: PROCESSING 1');
  const journal = await sql`select j.outcome, j.temporary, j.reason from unwind_v1.venue_journal j`;
  const reason = 'trading in the instrument is halted';
  assert.deepEqual([...journal], [{ outcome: 'rejected', temporary: true, reason }]);
  await inTransaction(sql, (tx) => announceHalt(tx, { venue, isin: sap, isHalted: false, at }));
  clock.advance(5_000);
  await runAt(clock.now().toISOString());
  assert.equal(await look(), 'FILLED: FILLED 2');
});

test('what waits for one venue is looked at again while another is open: at the start, and now and then', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock('2026-01-05T10:00:00.000Z');
  const simulated = simulatedVenue(sql, clock, 0);
  const stepsAt = (other: string) => {
    const closed = { ...simulated, mic: other, reports: async () => [] };
    return engineSteps(sql, clock, { delayMs: 0, venues: [simulated, closed] });
  };
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [sap, fund].map((isin) => ({ isin, price: '10' })),
    accounts: [sap, fund].map((isin) => ({ positions: [{ isin, quantity: '3' }] })),
  });
  const listed = [sap, fund].map((isin) => ({ isin, mic: 'XDEM' }));
  await listInstruments(sql, { tenantId }, listed);
  for (const mic of ['XDEM', 'XTST']) {
    await inTransaction(sql, (tx) => announceStatus(tx, mic, 'closed'));
  }
  for (const account of accounts) await askToLiquidate(sql, clock, account);
  const waiting = async () => {
    const rows = await sql<{ waits: boolean; status: string }[]>`
      select l.status, l.waits_for_venue as waits
      from unwind.liquidations l
      order by l.liquidation_id`;
    return rows.map(({ waits, status }) => (waits ? 'waits' : status));
  };
  const steps = stepsAt('XDEM');
  await runUntilIdle(steps);
  assert.deepEqual(await waiting(), ['waits', 'waits']);

  await listInstruments(sql, { tenantId }, [{ isin: sap, mic: venue }]);
  clock.advance(idleLiquidationWaitMs.longest - 1);
  await runUntilIdle(steps);
  assert.deepEqual(await waiting(), ['waits', 'waits']);
  clock.advance(1);
  await runUntilIdle(steps);
  assert.deepEqual(await waiting(), ['FILLED', 'waits']);

  await runUntilIdle(stepsAt('XTST'));
  assert.deepEqual(await waiting(), ['FILLED', 'PROCESSING'], 'its venue has left the file');
});

test('all waits are ended in the order of their keys, each once', async (t) => {
  const { ask, runAt, sql } = await begin(t, '2026-01-06T10:00:00.000Z');
  for (let i = 0; i < 3; i += 1) await ask(sale);
  await runAt('2026-01-06T10:00:00.000Z');
  const rest = async () => {
    const rows = await sql`select from unwind.liquidations where waits_for_venue`;
    return rows.count;
  };
  const first = await endAllVenueWaits(sql, { after: undefined, limit: 2 });
  assert.equal(await rest(), 1);
  await sql`update unwind.liquidations set waits_for_venue = true`;
  const second = await endAllVenueWaits(sql, { after: first, limit: 2 });
  assert.equal(await rest(), 2, 'what was set aside again meanwhile is not looked at');
  assert.ok(second);
  assert.equal(await endAllVenueWaits(sql, { after: second, limit: 2 }), undefined);
});
