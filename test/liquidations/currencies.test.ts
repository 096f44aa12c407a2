// An instrument that its venue quotes in another currency: sold there in it, converted by the rate that was in
// force, exact and rounded once; not sold while there is no rate, or only an old one.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { rateAgeMsMax } from '../../src/limits.ts';
import { decimal, plain, proceedsOf } from '../../src/money.ts';
import { findExecutionPage } from '../../src/orders/read-store.ts';
import { announceStatus, recordTrading } from '../../src/venue/calendar-store.ts';
import type { Venue, VenueReport } from '../../src/venue/venue.ts';
import { enterRates, listInstruments, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  askToLiquidate,
  type EngineSettings,
  engineSteps,
  runUntilIdle,
} from '../support/engine.ts';
import { fc } from '../support/properties.ts';

const [apple, sap] = ['US0378331005', 'DE0007164600'];

async function begin(t: TestContext, settings: Partial<EngineSettings> = {}) {
  const { sql } = await createTestDatabase(t);
  // The views ask the clock of the database.
  const clock = testClock(new Date().toISOString());
  const steps = engineSteps(sql, clock, { delayMs: 0, ...settings });
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [
      { isin: apple, price: '150' },
      { isin: sap, price: '10' },
    ],
    accounts: [
      {
        positions: [
          { isin: apple, quantity: '7' },
          { isin: sap, quantity: '2' },
        ],
      },
    ],
  });
  assert.ok(account);
  await listInstruments(sql, { tenantId }, [{ isin: apple, mic: 'XSIM', currency: 'USD' }]);
  const rate = (value: string, asOf: Date) => {
    return enterRates(sql, { tenantId }, [{ currency: 'USD', rate: value, asOf }]);
  };
  const ask = () => askToLiquidate(sql, clock, account);
  const waits = async () => {
    const rows = await sql<{ reason: string; detail: string | null }[]>`
      select w.reason, w.detail from unwind_v1.position_waits w where w.isin = ${apple}`;
    return rows.map(({ reason, detail }) => [reason, detail]);
  };
  const liquidation = async () => {
    const [row] = await sql<{ status: string; cash_amount: string }[]>`
      select l.status, l.cash_amount::text from unwind.liquidations l`;
    return [row?.status, row?.cash_amount];
  };
  const executions = () => {
    return sql<
      { price: string; currency: string; rate: string | null; as_of: Date; proceeds: string }[]
    >`
      select
        trim_scale(e.price)::text as price, e.currency, trim_scale(e.rate)::text as rate,
        e.rate_as_of as as_of, e.proceeds::text
      from unwind_v1.executions e
      where e.isin = ${apple}`;
  };
  return { sql, clock, steps, tenantId, account, rate, ask, waits, liquidation, executions };
}

async function assertClean({ sql }: Pick<Awaited<ReturnType<typeof begin>>, 'sql'>): Promise<void> {
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
}

test('the price stays in the currency of the venue; the cash is converted by the rate in force', async (t) => {
  const scene = await begin(t);
  const { clock, executions, rate, sql, steps, tenantId } = scene;
  await rate('0.93', later(clock.now(), -7_200_000));
  const asOf = later(clock.now(), -3_600_000);
  await rate('0.9213', asOf);
  await scene.ask();
  await runUntilIdle(steps);
  // The simulated venue quotes 150 EUR as 162.8134 USD.
  assert.deepEqual(
    [...(await executions())],
    [{ price: '162.8134', currency: 'USD', rate: '0.9213', as_of: asOf, proceeds: '1050' }],
  );
  assert.deepEqual(await scene.liquidation(), ['FILLED', '1070']);
  const [order] = await sql<{ order_id: never }[]>`
    select o.order_id from unwind.orders o where o.isin = ${apple}`;
  assert.ok(order);
  const range = { offset: 0, limit: 1, direction: 'ASC' } as const;
  const page = await findExecutionPage(sql, { tenantId, orderId: order.order_id, ...range });
  const [shown] = JSON.parse(`[${page?.objects}]`);
  const { currency, price, share_quantity: quantity, cash_amount: cash } = shown;
  // The API is in EUR throughout: 162.8134 times 0.9213.
  assert.deepEqual([currency, price, cash], ['EUR', '149.99998542', '1050.00']);
  assert.equal(plain(proceedsOf({ quantity: decimal(quantity), price: decimal(price) })), '1050');
  await assertClean(scene);
});

test('without a rate an order is not placed, says so, and follows when there is one', async (t) => {
  const scene = await begin(t);
  const { clock, rate, steps, waits } = scene;
  await scene.ask();
  await runUntilIdle(steps);
  assert.deepEqual(await waits(), [['no_rate', 'there is no rate for USD']]);
  const old = later(clock.now(), -rateAgeMsMax - 1_000);
  await rate('0.93', old);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.deepEqual(await waits(), [
    ['no_rate', `the last rate for USD is of ${old.toISOString()}`],
  ]);
  assert.deepEqual([...(await scene.executions())], []);
  await rate('0.92', clock.now());
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await scene.liquidation())[0], 'FILLED');
  assert.deepEqual(
    (await scene.executions()).map((one) => one.rate),
    ['0.92'],
  );
  await assertClean(scene);
});

test('an order that waits for its venue is not sent by a rate that has become too old', async (t) => {
  const scene = await begin(t, { rateAgeMsMax: 3_600_000 });
  const { clock, rate, sql, steps, waits } = scene;
  const venues = [{ mic: 'XSIM', currency: 'EUR' }];
  await recordTrading(sql, { venues, rateAgeMsMax: 3_600_000, now: clock.now() });
  await rate('0.93', clock.now());
  await scene.ask();
  await steps.release();
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', 'closed'));
  clock.advance(2 * 3_600_000);
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', undefined));
  await runUntilIdle(steps);
  assert.deepEqual([...(await scene.executions())], []);
  await sql`update unwind.market_clock set offset_ms = 7200000`;
  assert.equal((await waits())[0]?.[0], 'no_rate');
  await rate('0.95', later(clock.now(), 7_000_000));
  await runUntilIdle(steps);
  assert.deepEqual(
    (await scene.executions()).map((one) => one.rate),
    ['0.95'],
  );
});

test('an execution in another currency than its order is parked and moves no cash', async (t) => {
  const reports: VenueReport[] = [];
  const venue: Venue = {
    mic: 'XSIM',
    currency: 'EUR',
    flightMsMax: 2_000,
    submit: async (orders) => {
      for (const { tenantId, clientOrderId, quantity } of orders) {
        const trade = {
          venueExecutionId: clientOrderId,
          lastQuantity: quantity,
          lastPrice: decimal('9'),
          currency: 'GBX',
        };
        const event = { type: 'filled', trade, cumulativeQuantity: quantity } as const;
        const number = reports.length + 1;
        reports.push({ number, tenantId, clientOrderId, event, transactionAt: new Date() });
      }
      return orders.map(({ clientOrderId }) => ({ type: 'accepted', venueOrderId: clientOrderId }));
    },
    lookUp: async (orders) => orders.map(() => ({ type: 'not_found' })),
    cancel: async (orders) => orders.map(() => ({ type: 'not_found' })),
    reports: async ({ after }) => reports.slice(after),
  };
  const scene = await begin(t, { venue });
  await scene.rate('0.93', scene.clock.now());
  await scene.ask();
  await runUntilIdle(scene.steps);
  const parked = await scene.sql<{ reason: string }[]>`
    select p.reason from unwind_v1.parked p order by p.reason`;
  assert.deepEqual(
    parked.map(({ reason }) => reason.replace(/ \(.*/, '')),
    ['the execution is in GBX, its order in EUR', 'the execution is in GBX, its order in USD'],
  );
  assert.equal((await scene.liquidation())[0], 'PROCESSING');
});

test('the code and the audit convert alike: exact, and rounded half-even once', async (t) => {
  const { sql } = await createTestDatabase(t);
  const digits = (max: number) => fc.integer({ min: 1, max }).map(String);
  const scale = fc.constantFrom('1', '0.1', '0.005', '0.0001', '0.000000000001');
  const number = fc
    .tuple(digits(99_999), scale)
    .map(([text, by]) => plain(decimal(text).times(by)));
  await fc.assert(
    fc.asyncProperty(number, number, number, async (quantity, price, rate) => {
      const [row] = await sql<{ cash: string }[]>`
        select unwind.to_cents(${quantity}::numeric * ${price}::numeric * ${rate}::numeric)::text as cash`;
      const sale = { quantity: decimal(quantity), price: decimal(price), rate: decimal(rate) };
      assert.ok(proceedsOf(sale).eq(decimal(row?.cash ?? '-1')));
    }),
    { numRuns: 50 },
  );
});
