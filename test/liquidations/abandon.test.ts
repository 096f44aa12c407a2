// Ends before a liquidation is flat: an operator abandons it, or it has run for too long. What is at the
// venue is cancelled there first, whatever dies in between, and what was sold stays sold.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { runAbandon } from '../../src/commands/abandon-command.ts';
import type { Sql } from '../../src/db/connect.ts';
import { type LiquidationId, newId } from '../../src/ids.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { stopAged } from '../../src/liquidations/stop-store.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { type BookPosition, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  askToLiquidate,
  type EngineSettings,
  engineSteps,
  runUntilIdle,
  usualEndLimits,
} from '../support/engine.ts';
import { gated } from '../support/gated.ts';
import { drawIdsBy } from '../support/ids.ts';
import { triedWith } from '../support/length.ts';

const sap = 'DE0007164600';
/** Rests at the venue until it is cancelled. */
const resting = 'ZZRESTING006';
const halted = 'FR0000121014';

interface Wish extends Partial<EngineSettings> {
  positions: readonly BookPosition[];
  releaseDelayMs?: number;
  wrap?: (venue: Venue) => Venue;
}

async function begin(t: TestContext, wish: Wish) {
  const { positions, releaseDelayMs = 0, wrap = (venue) => venue, ...settings } = wish;
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [
      { isin: sap, price: '10' },
      { isin: resting, price: '10' },
      { isin: halted, price: '10', tradingStatus: 'INACTIVE' },
    ],
    accounts: [{ positions }],
  });
  assert.ok(account);
  const venue = wrap(simulatedVenue(sql, clock, 0));
  const steps = engineSteps(sql, clock, { delayMs: 0, venue, onWarning: () => {}, ...settings });
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs });
  const finish = () => runUntilIdle(steps);
  const abandon = async (reason = 'stuck since Monday', of = liquidationId) => {
    let told = '';
    const stdout = { write: (text: string) => (told += text) };
    const request = { liquidationId: of, tenantId: undefined, reason };
    const code = await runAbandon({ sql, clock, stdout, ...request });
    return `${code} ${told.replaceAll(of, 'L').replaceAll(tenantId, 'C').trim()}`;
  };
  const look = () => lookAt(sql, liquidationId);
  return { sql, clock, tenantId, account, steps, liquidationId, finish, abandon, look };
}

async function lookAt(sql: Sql, liquidationId: LiquidationId): Promise<string> {
  const [row] = await sql<{ shown: string }[]>`
    select concat_ws(' | ',
      l.status || ' ' || round(l.cash_amount, 2) || coalesce(' ' || l.end_reason, ''),
      (
        select string_agg(
          o.status || ' ' || trim_scale(o.filled_quantity) || '/' || trim_scale(o.quantity), ', '
          order by o.isin)
        from unwind_v1.orders o
        where o.liquidation_id = l.liquidation_id
      ),
      (
        select string_agg(trim_scale(p.quantity) || ' held ' || trim_scale(p.held), ', '
          order by p.isin)
        from unwind_v1.positions p
        where p.account_id = l.account_id
      ),
      (
        select string_agg(split_part(e.type, '.', 2), ' ' order by e.number)
        from unwind_v1.events e
        where e.liquidation_id = l.liquidation_id
      )
    ) as shown
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return row?.shown ?? 'nothing';
}

async function assertClean(sql: Sql): Promise<void> {
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
}

test('a NEW one is abandoned before anything is sold', async (t) => {
  const positions = [{ isin: sap, quantity: '3' }];
  const { sql, abandon, finish, look } = await begin(t, { positions, releaseDelayMs: 60_000 });
  assert.equal(
    await abandon(),
    '0 liquidation L of client C is NEW and will be ended by the service',
  );
  await finish();
  assert.equal(await look(), 'CANCELLED 0.00 abandoned | 3 held 0 | NEW CANCELLED');
  const [row] = await sql`
    select l.stop_reason, l.stop_note, l.stop_asked_at is not null as is_dated, l.released_at
    from unwind_v1.liquidations l`;
  assert.deepEqual(row, {
    stop_reason: 'abandoned',
    stop_note: 'stuck since Monday',
    is_dated: true,
    released_at: null,
  });
  await assertClean(sql);
});

test('open orders are cancelled at the venue; what was sold stays sold', async (t) => {
  const positions = [
    { isin: sap, quantity: '3' },
    { isin: resting, quantity: '2' },
    { isin: halted, quantity: '1' },
  ];
  const { sql, clock, abandon, finish, look, account } = await begin(t, { positions });
  await finish();
  const stuck = 'FILLED 3/3, PROCESSING 0/2 | 0 held 0, 1 held 0, 2 held 2 | NEW PROCESSING';
  assert.equal(await look(), `PROCESSING 60.00 | ${stuck}`);
  assert.match(await abandon(), /^0 .* is PROCESSING and .* after its open orders are cancelled/);
  clock.advance(1_000);
  await finish();
  const ended = 'FILLED 3/3, CANCELLED 0/2 | 0 held 0, 1 held 0, 2 held 0';
  assert.equal(await look(), `CANCELLED 30.00 abandoned | ${ended} | NEW PROCESSING CANCELLED`);
  const cancels = await sql`select outcome from unwind_v1.venue_cancels`;
  assert.deepEqual([...cancels], [{ outcome: 'accepted' }]);
  await assertClean(sql);
  await askToLiquidate(sql, clock, account);
  await finish();
  await assertClean(sql);
});

test('orders that are not at the venue never get there', async (t) => {
  const positions = [{ isin: sap, quantity: '3' }];
  const { sql, steps, abandon, finish, look } = await begin(t, { positions });
  await steps.release();
  await abandon();
  await steps.stop();
  await finish();
  assert.equal(
    await look(),
    'CANCELLED 0.00 abandoned | CANCELLED 0/3 | 3 held 0 | NEW PROCESSING CANCELLED',
  );
  assert.equal((await sql`select from unwind_v1.venue_journal`).length, 0);
  await assertClean(sql);
});

test('an order that waits to be tried again is not tried again', async (t) => {
  const positions = [{ isin: sap, quantity: '3' }];
  const refuse = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      return orders.map(() => ({ type: 'rejected', temporary: true, reason: 'halted' }) as const);
    },
  });
  const { abandon, finish, look } = await begin(t, { positions, wrap: refuse });
  await finish();
  assert.match(await look(), /^PROCESSING 30.00 \| PROCESSING 0\/3/);
  await abandon();
  await finish();
  assert.match(await look(), /^CANCELLED 0.00 abandoned \| CANCELLED 0\/3 \| 3 held 0/);
});

test('asked again, for what has ended, for what is not there, or without a reason', async (t) => {
  const positions = [{ isin: resting, quantity: '3' }];
  const { sql, clock, abandon, finish, look } = await begin(t, { positions });
  await finish();
  assert.match(await abandon('first'), /^0 .* will be ended/);
  assert.match(
    await abandon('second'),
    /^0 .* is being ended since 2026-01-05T09:00:00.000Z: first/,
  );
  clock.advance(1_000);
  await finish();
  const ended = await look();
  assert.match(ended, /^CANCELLED 0.00 abandoned/);
  assert.equal(await abandon(), '1 liquidation L of client C has ended already: it is CANCELLED');
  assert.equal(await abandon('x', newId<'liquidation'>()), '1 there is no liquidation L');
  assert.match(await abandon('  '), /^1 the reason has to have 1 to 500 characters/);
  assert.match(await abandon('x'.repeat(501)), /^1 the reason has to have 1 to 500 characters/);
  assert.equal(await look(), ended);
  const [row] = await sql`select stop_note from unwind_v1.liquidations`;
  assert.deepEqual(row, { stop_note: 'first' });
});

test('of two clients whose liquidations have one id, none loses it to the other', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const instruments = [{ isin: resting, price: '10' }];
  const tenants = [await makeTenant(sql), await makeTenant(sql)];
  const accounts = [{ positions: [{ isin: resting, quantity: '3' }] }];
  const books = await Promise.all(
    tenants.map((tenantId) => makeBook(sql, { tenantId, instruments, accounts })),
  );
  const drawAsUsual = drawIdsBy(clock, () => Buffer.alloc(16, 7));
  t.after(drawAsUsual);
  const ids: LiquidationId[] = [];
  for (const account of books.flat()) ids.push(await askToLiquidate(sql, clock, account));
  drawAsUsual();
  const [liquidationId, same] = ids;
  assert.ok(liquidationId !== undefined && liquidationId === same);
  let told = '';
  const stdout = { write: (text: string) => (told += text) };
  const request = { sql, clock, stdout, liquidationId, reason: 'this one' };
  const asked = async () => {
    const rows = await sql<{ tenant_id: string }[]>`
      select l.tenant_id from unwind.liquidations l where l.stop_reason is not null`;
    return rows.map((row) => row.tenant_id);
  };
  assert.equal(await runAbandon({ ...request, tenantId: undefined }), 1);
  assert.match(told, /^2 clients have a liquidation /);
  assert.deepEqual(await asked(), []);
  assert.equal(await runAbandon({ ...request, tenantId: tenants[1] }), 0);
  assert.deepEqual(await asked(), tenants.slice(1));
});

test('what is sold before the venue hears of it is FILLED', async (t) => {
  const positions = [{ isin: sap, quantity: '3' }];
  const { steps, abandon, finish, look, sql } = await begin(t, { positions });
  await steps.release();
  await steps.submit();
  await abandon();
  await finish();
  assert.equal(await look(), 'FILLED 30.00 flat | FILLED 3/3 | 0 held 0 | NEW PROCESSING FILLED');
  await assertClean(sql);
});

test('a venue that is silent, and a process that dies, only delay the end', async (t) => {
  let isSilent = true;
  const silent = (venue: Venue): Venue => ({
    ...venue,
    cancel: async (orders) => {
      if (isSilent) throw new Error('no answer');
      return venue.cancel(orders);
    },
  });
  const positions = [{ isin: resting, quantity: '3' }];
  const { sql, clock, abandon, finish, look } = await begin(t, { positions, wrap: silent });
  await finish();
  await abandon();
  await finish();
  clock.advance(10_000);
  await finish();
  assert.match(await look(), /^PROCESSING 30.00 \| PROCESSING 0\/3/);
  isSilent = false;
  clock.advance(10_000);
  // Another process finishes it, knowing nothing but the rows.
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  assert.match(await look(), /^CANCELLED 0.00 abandoned \| CANCELLED 0\/3 \| 3 held 0/);
  await assertClean(sql);
});

test('an order whose answer was lost is found out about first, then cancelled', async (t) => {
  const lose = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      await venue.submit(orders);
      throw new Error('connection lost');
    },
  });
  const positions = [{ isin: resting, quantity: '3' }];
  const { sql, clock, steps, abandon, finish, look } = await begin(t, { positions, wrap: lose });
  await steps.release();
  await steps.submit();
  await abandon();
  await finish();
  clock.advance(submissionLeaseMs + 2_000);
  await finish();
  assert.match(await look(), /^CANCELLED 0.00 abandoned \| CANCELLED 0\/3 \| 3 held 0/);
  await assertClean(sql);
});

test('abandoning against every step, at every statement of it', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const names = ['release', 'submit', 'apply', 'advance', 'stop'] as const;
  const places = [0, 2, 4, 'commit'] as const;
  const cases = names.flatMap((name, at) => {
    return triedWith(places, at).map((place) => ({ name, place }));
  });
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [
      { isin: sap, price: '10' },
      { isin: resting, price: '10' },
    ],
    accounts: cases.map(() => ({
      positions: [
        { isin: sap, quantity: '3' },
        { isin: resting, quantity: '2' },
      ],
    })),
  });
  const stdout = { write: () => {} };
  const reason = 'a test';
  for (const [i, { name, place }] of cases.entries()) {
    const account = accounts[i];
    assert.ok(account);
    const liquidationId = await askToLiquidate(sql, clock, account);
    const steps = engineSteps(sql, clock, { delayMs: 0 });
    for (const [each, step] of Object.entries(steps)) {
      if (each === name) break;
      await step();
    }
    const command = { sql, clock, stdout, liquidationId, tenantId, reason };
    const asked: Promise<number>[] = [];
    if (name === 'stop') asked.push(runAbandon(command));
    await Promise.all(asked);
    const pool = gated(sql, async (statement) => {
      if (statement !== place || asked.length > 0) return;
      asked.push(runAbandon(command));
      const blocked = new Promise((resolve) => setTimeout(resolve, 5));
      await Promise.race([Promise.all(asked), blocked]);
    });
    await Promise.all([engineSteps(pool, clock, { delayMs: 0 })[name](), steps.stop()]);
    if (asked.length === 0) asked.push(runAbandon(command));
    await Promise.all(asked);
    clock.advance(5_000);
    await runUntilIdle(steps);
    clock.advance(5_000);
    await runUntilIdle(steps);
    assert.match(await lookAt(sql, liquidationId), /^CANCELLED .* abandoned \|.* CANCELLED$/);
  }
  await assertClean(sql);
});

test('age ends what is stuck at the venue or was never released', async (t) => {
  const positions = [{ isin: resting, quantity: '3' }];
  const { sql, clock, account, finish, look } = await begin(t, { positions });
  await finish();
  const age = async () => {
    return stopAged(sql, { ...usualEndLimits, rows: 100, now: clock.now() });
  };
  clock.advance(usualEndLimits.ageMsMax - 1);
  assert.equal(await age(), 0);
  clock.advance(1);
  assert.equal(await age(), 1);
  assert.equal(await age(), 0);
  await finish();
  assert.match(await look(), /^CANCELLED 0.00 limit \| CANCELLED 0\/3 \| 3 held 0/);
  const unreleased = await askToLiquidate(sql, clock, account);
  clock.advance(usualEndLimits.ageMsMax);
  assert.equal(await age(), 1);
  await finish();
  assert.equal(await lookAt(sql, unreleased), 'CANCELLED 0.00 limit | 3 held 0 | NEW CANCELLED');
  await assertClean(sql);
});

test('rounds and age are settings of the engine', async (t) => {
  const positions = [
    { isin: sap, quantity: '3', locked: '1' },
    { isin: halted, quantity: '1' },
  ];
  for (const endLimits of [
    { roundsMax: 1, ageMsMax: usualEndLimits.ageMsMax },
    { roundsMax: 100, ageMsMax: 7_000 },
  ]) {
    const { sql, clock, finish, look } = await begin(t, { positions, endLimits });
    await finish();
    clock.advance(10_000);
    await finish();
    assert.match(await look(), /^CANCELLED 20.00 limit \| FILLED 2\/2 \| 1 held 0, 1 held 0/);
    await assertClean(sql);
  }
});
