// The simulated venue keeps what every venue keeps, and its own prices and journal.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal } from '../../src/money.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { conformanceSuite } from './conformance.ts';

const delayMs = 800;

conformanceSuite('simulated venue', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isins = {
    filled: 'DE0007164600',
    inParts: 'IE00B5M1WJ87',
    cancelled: 'IE00BF2GFH28',
    refused: 'ZZREFUSED006',
    resting: 'ZZRESTING006',
  };
  const lying = {
    answersLost: 'ZZLOSTREPLY4',
    twice: 'ZZTWICE00002',
    shuffled: 'ZZSHUFFLED01',
    filledLate: 'ZZLATEFILL05',
    busted: 'ZZBUST000004',
  };
  const instruments = Object.values({ ...isins, ...lying }).map((isin) => ({ isin, price: '200' }));
  await makeBook(sql, { tenantId, instruments, accounts: [] });
  return {
    venue: simulatedVenue(sql, clock, delayMs),
    elsewhere: simulatedVenue(sql, clock, delayMs),
    tenantId,
    isins,
    lying,
    letPass: (share = 1) => clock.advance(delayMs * share),
  };
});

test('reports come on the market clock, not before', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const venue = simulatedVenue(sql, clock, delayMs);
  const order = { tenantId, isin: 'DE0007164600', quantity: decimal('1') };
  await venue.submit([{ ...order, clientOrderId: 'MARKETCLOCK' }]);
  const page = { after: 0, limit: 10 };
  assert.equal((await venue.reports(page)).length, 0);
  await sql`update unwind.market_clock set offset_ms = ${delayMs}`;
  assert.equal((await venue.reports(page)).length, 1);
});

test('the price is fixed at acceptance, whatever the market does afterwards', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isin = 'DE0007164600';
  await makeBook(sql, { tenantId, instruments: [{ isin, price: '123.4567' }], accounts: [] });
  const venue = simulatedVenue(sql, clock, delayMs);
  await venue.submit([{ tenantId, isin, quantity: decimal('2'), clientOrderId: 'FIXED' }]);
  await sql`update unwind.prices set price = 1`;
  clock.advance(delayMs);
  const [report] = await venue.reports({ after: 0, limit: 1 });
  assert.ok(report?.event.type === 'filled' && report.event.trade.lastPrice.eq('123.4567'));
  const journal = await sql`select outcome, price from unwind_v1.venue_journal`;
  assert.deepEqual([...journal], [{ outcome: 'accepted', price: '123.4567' }]);
});
