// A liquidation over several venues: two FIX sessions and the simulated venue side by side. Each order goes
// where its instrument is listed, and a venue that is cut off or closed delays its own orders alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Market } from '../../examples/fix/acceptor.ts';
import { runAudit } from '../../src/audit/run-audit.ts';
import { systemClock } from '../../src/clock.ts';
import { showLiquidation } from '../../src/commands/liquidations-command.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { LiquidationId } from '../../src/ids.ts';
import { askToStop } from '../../src/liquidations/stop-store.ts';
import { announceHalt, announceStatus } from '../../src/venue/calendar-store.ts';
import { Screen } from '../book/screen.ts';
import {
  type BookPosition,
  enterRates,
  type Listing,
  listInstruments,
  makeBook,
} from '../support/book.ts';
import { askToLiquidate } from '../support/engine.ts';
import { type Markets, openMarkets } from './markets.ts';

const [apple, basf, sap] = ['US0378331005', 'DE000BASF111', 'DE0007164600'];
const everywhere: readonly Listing[] = [
  { isin: apple, mic: 'XAAA', symbol: 'AAPL' },
  { isin: basf, mic: 'XBBB', symbol: 'BAS' },
  { isin: sap, mic: 'XSIM' },
];

const market: Market = ({ quantity }) => {
  return { fills: [{ quantity, price: '100.25' }], end: 'filled' };
};

/** Asks for the liquidation of an account that holds this. */
async function ask({ sql, tenantId }: Markets, positions: readonly BookPosition[]) {
  const known = await sql<{ isin: string }[]>`
    select i.isin from unwind.instruments i where i.tenant_id = ${tenantId}`;
  const instruments = [apple, basf, sap]
    .filter((isin) => !known.some((one) => one.isin === isin))
    .map((isin) => ({ isin, price: '100.25' }));
  const [account] = await makeBook(sql, { tenantId, instruments, accounts: [{ positions }] });
  assert.ok(account);
  return askToLiquidate(sql, systemClock, account);
}

const all: readonly BookPosition[] = [apple, basf, sap].map((isin) => ({ isin, quantity: '4' }));

async function statusOf({ sql }: Markets, id: LiquidationId): Promise<string> {
  const [row] = await sql<{ status: string; end_reason: string | null; cash_amount: string }[]>`
    select l.status, l.end_reason, l.cash_amount
    from unwind.liquidations l
    where l.liquidation_id = ${id}`;
  return [row?.status, row?.end_reason, row?.cash_amount].filter(Boolean).join(' ');
}

/** Reason and words by ISIN. */
async function waitsOf(
  { sql }: Markets,
  id: LiquidationId,
): Promise<Readonly<Record<string, string>>> {
  const rows = await sql<{ isin: string; reason: string; detail: string | null }[]>`
    select w.isin, w.reason, w.detail
    from unwind_v1.position_waits w
    where w.liquidation_id = ${id}
    order by w.isin`;
  return Object.fromEntries(
    rows.map(({ isin, reason, detail }) => [isin, [reason, detail].filter(Boolean).join(': ')]),
  );
}

const isFilled = (markets: Markets, id: LiquidationId) => async () => {
  return (await statusOf(markets, id)).startsWith('FILLED flat');
};

async function assertClean({ sql }: Markets): Promise<void> {
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
}

test('each order goes where its instrument is listed, under the name it has there', async (t) => {
  const markets = await openMarkets(t, { market, second: { symbology: 'symbol' } });
  const { first, second, sql } = markets;
  const id = await ask(markets, all);
  await listInstruments(sql, markets, everywhere);
  await markets.runUntil('it is sold', isFilled(markets, id));
  assert.equal(await statusOf(markets, id), 'FILLED flat 1203');
  const [there] = first.acceptor.ledger;
  assert.deepEqual([there?.isin, there?.quantity.toFixed(), there?.status], [apple, '4', 'filled']);
  const [symbol] = second.acceptor.ledger;
  assert.deepEqual([symbol?.isin, symbol?.status], ['BAS', 'filled']);
  assert.equal(first.acceptor.ledger.length + second.acceptor.ledger.length, 2);
  const orders = await sql<{ isin: string; venue: string; currency: string }[]>`
    select o.isin, o.venue, o.currency from unwind_v1.orders o order by o.venue`;
  assert.deepEqual(
    [...orders],
    [
      { isin: apple, venue: 'XAAA', currency: 'EUR' },
      { isin: basf, venue: 'XBBB', currency: 'EUR' },
      { isin: sap, venue: 'XSIM', currency: 'EUR' },
    ],
  );
  await assertClean(markets);
});

test('a venue that is cut off, one that is closed: only their own orders wait', async (t) => {
  const markets = await openMarkets(t, { market });
  const { first, second, sql } = markets;
  const id = await ask(markets, all);
  await listInstruments(sql, markets, everywhere);
  await first.cutOff();
  await first.isReady(false);
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', 'closed'));
  await markets.runUntil(
    'the open venue has sold',
    () => second.acceptor.ledger[0]?.status === 'filled',
  );
  await markets.runUntil(
    'the fill is applied',
    async () => (await waitsOf(markets, id))[basf] === undefined,
  );
  assert.deepEqual(await waitsOf(markets, id), {
    [sap]: 'venue_closed: XSIM is closed',
    [apple]: 'venue_closed: XAAA is closed',
  });
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', undefined));
  await markets.runUntil('the simulated venue has sold', async () => {
    return (await waitsOf(markets, id))[sap] === undefined;
  });
  assert.match(await statusOf(markets, id), /^PROCESSING /);
  await first.comeBack();
  await markets.runUntil('it is sold', isFilled(markets, id));
  assert.deepEqual(
    first.acceptor.ledger.map(({ received }) => received),
    [1],
  );
  await assertClean(markets);
});

test('what needs closed venues alone stays NEW until one of them opens', async (t) => {
  const markets = await openMarkets(t, { market });
  const { first, sql } = markets;
  const waiting = await ask(markets, [{ isin: apple, quantity: '4' }]);
  const going = await ask(markets, [{ isin: basf, quantity: '4' }]);
  const empty = await ask(markets, []);
  await listInstruments(sql, markets, everywhere);
  await first.cutOff();
  await first.isReady(false);
  await markets.runUntil('the other one is sold', isFilled(markets, going));
  assert.match(await statusOf(markets, empty), /^FILLED flat/, 'nothing to sell needs no venue');
  assert.match(await statusOf(markets, waiting), /^NEW /);
  assert.deepEqual(await waitsOf(markets, waiting), { [apple]: 'venue_closed: XAAA is closed' });
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', 'closed'));
  await first.comeBack();
  await markets.runUntil('it is sold', isFilled(markets, waiting));
  await assertClean(markets);
});

test('a halt at one venue is none at another', async (t) => {
  const markets = await openMarkets(t, { market });
  const { sql } = markets;
  await inTransaction(sql, async (tx) => {
    const at = systemClock.now();
    for (const isin of [apple, basf])
      await announceHalt(tx, { venue: 'XBBB', isin, isHalted: true, at });
  });
  const id = await ask(markets, all);
  await listInstruments(sql, markets, everywhere);
  await markets.runUntil('all but one is sold', async () => {
    return Object.keys(await waitsOf(markets, id)).length === 1;
  });
  assert.deepEqual(await waitsOf(markets, id), { [basf]: 'halted' });
});

test('an instrument that no listing names waits for one, and says so', async (t) => {
  const markets = await openMarkets(t, { market });
  const { sql } = markets;
  const id = await ask(markets, all);
  await listInstruments(sql, markets, [
    { isin: apple, mic: 'XAAA' },
    { isin: basf, mic: 'XNYS' },
  ]);
  await markets.runUntil('what is listed is sold', async () => {
    return Object.keys(await waitsOf(markets, id)).length === 2;
  });
  const stdout = new Screen(false);
  const command = { sql, stdout, json: false };
  await showLiquidation(command, { liquidationId: id, tenantId: undefined, hasTimeline: false });
  assert.match(stdout.text, /waits for +unlisted/);
  assert.match(stdout.text, new RegExp(`\n${sap} +4 +unlisted +no listing says where it trades\n`));
  assert.match(
    stdout.text,
    new RegExp(`\n${basf} +4 +unlisted +listed at XNYS, where the service does not trade\n`),
  );
  await listInstruments(sql, markets, everywhere);
  await sql`update unwind.liquidations set advance_at = now() where advance_at is not null`;
  await markets.runUntil('it is sold', isFilled(markets, id));
});

test('whole lots are sold; less than one stays in the account, and the end says so', async (t) => {
  const markets = await openMarkets(t, { market });
  const { first, second, sql } = markets;
  const id = await ask(markets, [
    { isin: apple, quantity: '250' },
    { isin: basf, quantity: '9.87' },
  ]);
  await listInstruments(sql, markets, [
    { isin: apple, mic: 'XAAA', lotSize: '100' },
    { isin: basf, mic: 'XBBB', lotSize: '0.1' },
  ]);
  await markets.steps.release();
  await markets.runUntil('it is sold', isFilled(markets, id));
  assert.deepEqual(
    [first, second].map(({ acceptor }) =>
      acceptor.ledger.map(({ quantity }) => quantity.toFixed()),
    ),
    [['200'], ['9.8']],
  );
  const stdout = new Screen(false);
  await showLiquidation(
    { sql, stdout, json: false },
    { liquidationId: id, tenantId: undefined, hasTimeline: false },
  );
  assert.match(
    stdout.text,
    /\nnote +less than a lot stays in the account: 0\.07 DE000BASF111 \(lots of 0\.1 at XBBB\), 50 US0378331005 \(lots of 100 at XAAA\)\n/,
  );
  await assertClean(markets);
});

test('an abandoned liquidation is cancelled at every venue that has an order of it', async (t) => {
  const resting: Market = () => ({ fills: [], end: 'open' });
  const markets = await openMarkets(t, { market: resting });
  const { first, second, sql, tenantId } = markets;
  const id = await ask(markets, all.slice(0, 2));
  await listInstruments(sql, markets, everywhere);
  await markets.runUntil('both work an order', () => {
    return [first, second].every(({ acceptor }) => acceptor.ledger[0]?.status === 'working');
  });
  const now = systemClock.now();
  await askToStop(sql, { liquidationId: id, tenantId, note: 'no buyer', now });
  await markets.runUntil('it has ended', async () => {
    return (await statusOf(markets, id)).startsWith('CANCELLED abandoned');
  });
  for (const { acceptor } of [first, second]) {
    assert.deepEqual(
      acceptor.ledger.map(({ status }) => status),
      ['cancelled'],
    );
  }
  await assertClean(markets);
});

test('an order is sent in the currency of its listing, with a limit in that currency', async (t) => {
  const limit_orders = { collar: '1%', tick_size: '0.01' };
  const markets = await openMarkets(t, { market, second: { currency: 'CHF', limit_orders } });
  const { sql } = markets;
  const id = await ask(markets, all);
  await listInstruments(sql, markets, [
    { isin: apple, mic: 'XAAA', currency: 'USD' },
    { isin: basf, mic: 'XBBB', currency: 'CHF' },
    { isin: sap, mic: 'XSIM' },
  ]);
  const asOf = systemClock.now();
  await enterRates(sql, markets, [
    { currency: 'USD', rate: '0.9213', asOf },
    { currency: 'CHF', rate: '1.05', asOf },
  ]);
  await markets.runUntil('it is sold', isFilled(markets, id));
  const sent = await sql<{ venue: string; fields: Buffer }[]>`
    select m.venue, m.fields from unwind.fix_messages m where m.type = 'D' order by m.venue`;
  const shown = sent.map(({ venue, fields }) => {
    const all = fields.toString().split('\u0001');
    return [venue, ...all.filter((field) => /^(15|40|44)=/.test(field)).toSorted()];
  });
  assert.deepEqual(shown, [
    ['XAAA', '15=USD', '40=1'],
    // 100.25 EUR are 95.476… CHF; a hundredth less, up to the next tick.
    ['XBBB', '15=CHF', '40=2', '44=94.53'],
  ]);
  // 4 times 100.25 each: times 0.9213, times 1.05, and in EUR.
  assert.equal(await statusOf(markets, id), 'FILLED flat 1191.49');
  await assertClean(markets);
});
