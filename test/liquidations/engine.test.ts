// Liquidations from request to end, step by step on a real database: every way they can go, and what
// is left in positions, orders, executions and events.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LiquidationId } from '../../src/ids.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { type BookInstrument, type BookPosition, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const sap = 'DE0007164600';
const allianz = 'DE0008404005';
const inParts = 'IE00B5M1WJ87';
const cancelled = 'IE00BF2GFH28';
const refused = 'ZZREFUSED006';

interface Wish {
  instruments?: readonly BookInstrument[];
  positions: readonly BookPosition[];
  wrap?: (venue: Venue) => Venue;
}

async function begin(t: TestContext, { instruments = [], positions, wrap }: Wish) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isins = [sap, allianz, inParts, cancelled, refused];
  const usual = isins.map((isin) => ({ isin, price: '200.005' }));
  const known = new Set(instruments.map((one) => one.isin));
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [...usual.filter((one) => !known.has(one.isin)), ...instruments],
    accounts: [{ positions }],
  });
  assert.ok(account);
  const venue = simulatedVenue(sql, clock, 0);
  const steps = engineSteps(sql, clock, {
    delayMs: 0,
    venue: wrap?.(venue) ?? venue,
    ...(wrap === undefined ? {} : { onWarning: () => {} }),
  });
  const liquidationId = await askToLiquidate(sql, clock, account);
  const look = () => lookAt(sql, liquidationId);
  const finish = () => runUntilIdle(steps);
  return { sql, clock, tenantId, account, steps, liquidationId, look, finish };
}

type Sql = Parameters<typeof askToLiquidate>[0];

/** One line that says all: status, amount, orders, what is left, events. */
async function lookAt(sql: Sql, liquidationId: LiquidationId): Promise<string> {
  const [row] = await sql<{ shown: string }[]>`
    select concat_ws(' | ',
      l.status || ' ' || round(l.cash_amount, 2) || coalesce(' ' || l.end_reason, ''),
      (
        select string_agg(o.status || ' ' || trim_scale(o.filled_quantity) || '/' || trim_scale(o.quantity), ', '
          order by o.isin, o.round)
        from unwind_v1.orders o
        where o.liquidation_id = l.liquidation_id
      ),
      (
        select string_agg(trim_scale(p.quantity) || ' held ' || trim_scale(p.held), ', ' order by p.isin)
        from unwind_v1.positions p
        where p.account_id = l.account_id
      ),
      (
        select string_agg(split_part(e.type, '.', 2), ' ' order by e.position)
        from unwind_v1.events e
        where e.liquidation_id = l.liquidation_id
          and e.position is not null
      )
    ) as shown
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return row?.shown ?? 'nothing';
}

test('point 2: sells everything, in whole and in parts', async (t) => {
  const positions = [
    { isin: sap, quantity: '3' },
    { isin: inParts, quantity: '2.5' },
  ];
  const { look, finish, steps } = await begin(t, { positions });
  assert.equal(await look(), 'NEW 1100.03 | 3 held 0, 2.5 held 0');
  await steps.release();
  assert.equal(await look(), 'PROCESSING 1100.03 | NEW 0/3, NEW 0/2.5 | 3 held 3, 2.5 held 2.5');
  await finish();
  assert.equal(
    await look(),
    'FILLED 1100.02 flat | FILLED 3/3, FILLED 2.5/2.5 | 0 held 0, 0 held 0 | NEW PROCESSING FILLED',
  );
});

test('point 2: an account with nothing to sell is FILLED at once', async (t) => {
  const { look, finish } = await begin(t, { positions: [] });
  await finish();
  assert.equal(await look(), 'FILLED 0.00 flat | NEW FILLED');
});

test('point 5: a partner that cancels ends it CANCELLED with what was sold', async (t) => {
  const positions = [
    { isin: sap, quantity: '1' },
    { isin: cancelled, quantity: '5' },
  ];
  const { look, finish } = await begin(t, { positions });
  await finish();
  assert.equal(
    await look(),
    'CANCELLED 1000.00 rejected | FILLED 1/1, CANCELLED 4/5 | 0 held 0, 1 held 0 | NEW PROCESSING CANCELLED',
  );
});

test('point 5: a final rejection is not tried again, and the rest is sold', async (t) => {
  const positions = [
    { isin: sap, quantity: '1' },
    { isin: refused, quantity: '7' },
  ];
  const { look, finish, sql } = await begin(t, { positions });
  await finish();
  assert.equal(
    await look(),
    'CANCELLED 200.00 rejected | FILLED 1/1, CANCELLED 0/7 | 0 held 0, 7 held 0 | NEW PROCESSING CANCELLED',
  );
  const journal = await sql`select from unwind_v1.venue_journal where isin = ${refused}`;
  assert.equal(journal.length, 1);
});

test('point 3: whole units only where an instrument is not fractional; the rest is not waited for', async (t) => {
  const instruments = [{ isin: sap, price: '10', fractional: false }];
  const positions = [{ isin: sap, quantity: '4.75' }];
  const { look, finish } = await begin(t, { instruments, positions });
  assert.equal(await look(), 'NEW 40.00 | 4.75 held 0');
  await finish();
  assert.equal(
    await look(),
    'FILLED 40.00 flat | FILLED 4/4 | 0.75 held 0 | NEW PROCESSING FILLED',
  );
});

test('point 3: locked and halted positions are waited for, then sold in a further round', async (t) => {
  const instruments: BookInstrument[] = [
    { isin: allianz, price: '100', tradingStatus: 'INACTIVE' },
  ];
  const positions = [
    { isin: sap, quantity: '2', locked: '1.5' },
    { isin: allianz, quantity: '1' },
  ];
  const { look, finish, sql, clock } = await begin(t, { instruments, positions });
  await finish();
  assert.equal(
    await look(),
    'PROCESSING 500.01 | FILLED 0.5/0.5 | 1.5 held 0, 1 held 0 | NEW PROCESSING',
  );
  await sql`update unwind.instruments set trading_status = 'ACTIVE'`;
  await sql`update unwind.positions set locked = 0`;
  await finish();
  assert.match(await look(), /^PROCESSING/, 'looked at again only after a while');
  clock.advance(5_000);
  await finish();
  assert.equal(
    await look(),
    'FILLED 500.01 flat | FILLED 0.5/0.5, FILLED 1.5/1.5, FILLED 1/1 | 0 held 0, 0 held 0 | NEW PROCESSING FILLED',
  );
});

test('what waits for long is looked at more rarely, at least every five minutes', async (t) => {
  const instruments: BookInstrument[] = [
    { isin: allianz, price: '100', tradingStatus: 'INACTIVE' },
  ];
  const positions = [{ isin: allianz, quantity: '1' }];
  const { look, finish, sql, clock } = await begin(t, { instruments, positions });
  await finish();
  const wait = async () => {
    const rows = await sql<{ at: Date }[]>`select l.advance_at as at from unwind.liquidations l`;
    return (rows[0]?.at.getTime() ?? 0) - clock.now().getTime();
  };
  const waits: number[] = [];
  for (const afterMs of [5_000, 45_000, 50_000, 900_000, 86_400_000]) {
    clock.advance(afterMs);
    await finish();
    waits.push(Math.round((await wait()) / 1_000) * 1_000);
  }
  assert.deepEqual(waits, [5_000, 5_000, 10_000, 100_000, 300_000]);
  await sql`update unwind.instruments set trading_status = 'ACTIVE'`;
  clock.advance(300_000);
  await finish();
  assert.match(await look(), /^FILLED 100.00 flat/);
});

test('an answer lost after acceptance is looked up, not sent again', async (t) => {
  const lose = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      await venue.submit(orders);
      throw new Error('connection lost');
    },
  });
  const positions = [{ isin: sap, quantity: '1' }];
  const { look, steps, finish, clock, sql } = await begin(t, { positions, wrap: lose });
  await steps.release();
  await steps.submit();
  assert.equal(await steps.resolve(), 0, 'it may still be under way');
  clock.advance(submissionLeaseMs);
  await finish();
  assert.equal(await look(), 'FILLED 200.00 flat | FILLED 1/1 | 0 held 0 | NEW PROCESSING FILLED');
  const journal = await sql`select outcome from unwind_v1.venue_journal`;
  assert.deepEqual([...journal], [{ outcome: 'accepted' }]);
});

test('an order that never arrived is sent again under its own id, once that is certain', async (t) => {
  let isDown = true;
  const down = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      if (isDown) throw new Error('connection refused');
      return venue.submit(orders);
    },
  });
  const positions = [{ isin: sap, quantity: '1' }];
  const { look, finish, clock, sql } = await begin(t, { positions, wrap: down });
  await finish();
  assert.match(await look(), /^PROCESSING 200.00 \| PROCESSING 0\/1/);
  clock.advance(submissionLeaseMs);
  await finish();
  assert.match(await look(), /^PROCESSING 200.00 \| PROCESSING 0\/1/, 'still down');
  isDown = false;
  clock.advance(submissionLeaseMs);
  await finish();
  assert.match(await look(), /^FILLED 200.00 flat/);
  const used = await sql`select s.outcome from unwind_v1.submissions s`;
  assert.deepEqual(
    used.map((row) => row['outcome']),
    ['filled'],
  );
});

test('a process that wakes up late cannot sell a second time', async (t) => {
  const asleep = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  const late = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      asleep.resolve();
      await woken.promise;
      return venue.submit(orders);
    },
  });
  const positions = [{ isin: sap, quantity: '1' }];
  const { sql, clock, steps, look } = await begin(t, { positions, wrap: late });
  await steps.release();
  const sleeping = steps.submit();
  await asleep.promise;
  // Its lease runs out, another process finds nothing at the venue and sends the order.
  clock.advance(submissionLeaseMs);
  const others = engineSteps(sql, clock, { delayMs: 0 });
  await runUntilIdle(others);
  assert.match(await look(), /^FILLED 200.00 flat/);
  woken.resolve();
  await sleeping;
  await runUntilIdle(others);
  assert.equal(await look(), 'FILLED 200.00 flat | FILLED 1/1 | 0 held 0 | NEW PROCESSING FILLED');
  const journal = await sql`select outcome from unwind_v1.venue_journal order by entry`;
  assert.deepEqual(
    journal.map((row) => row['outcome']),
    ['accepted', 'repeated'],
  );
});

test('point 5: a temporary rejection is waited out and tried under a new id', async (t) => {
  let isHalted = true;
  const halted = (venue: Venue): Venue => ({
    ...venue,
    submit: async (orders) => {
      if (!isHalted) return venue.submit(orders);
      return orders.map(() => ({ type: 'rejected', temporary: true, reason: 'trading halted' }));
    },
  });
  const positions = [{ isin: sap, quantity: '1' }];
  const { look, finish, clock, sql } = await begin(t, { positions, wrap: halted });
  const tries = async () => (await sql`select from unwind.submissions`).count;
  await finish();
  assert.match(await look(), /^PROCESSING 200.00 \| PROCESSING 0\/1 \| 1 held 1/);
  // The wait doubles with each try, and is five minutes in the end.
  for (const [before, waitS] of [5, 10, 20, 40, 80, 160, 300, 300].entries()) {
    clock.advance(waitS * 1_000 - 1);
    await finish();
    assert.equal(await tries(), before + 1);
    clock.advance(1);
    await finish();
    assert.equal(await tries(), before + 2);
  }
  isHalted = false;
  clock.advance(300_000);
  await finish();
  assert.match(await look(), /^FILLED 200.00 flat/);
});

test('a report that contradicts what is known is parked, and the rest goes on', async (t) => {
  const positions = [
    { isin: sap, quantity: '1' },
    { isin: allianz, quantity: '1' },
  ];
  const { look, finish, steps, sql } = await begin(t, { positions });
  await steps.release();
  await steps.submit();
  await steps.receive();
  await sql`
    insert into unwind.venue_reports
    select r.tenant_id, r.venue, 'lie', r.client_order_id, 'trade', 'LIE', 5, 1, 5, null,
      r.transaction_at, r.received_at
    from unwind.venue_reports r
    limit 1`;
  await sql`
    insert into unwind.venue_reports
    select r.tenant_id, r.venue, 'stray', 'NOBODYS', 'cancelled', null, null, null, 0, 'x',
      r.transaction_at, r.received_at
    from unwind.venue_reports r
    limit 1`;
  await finish();
  const parked = await sql<{ report_id: string; parked_reason: string }[]>`
    select report_id, parked_reason
    from unwind.venue_reports
    order by report_id`;
  assert.deepEqual(
    parked.map((row) => row.report_id),
    ['lie', 'report/1', 'stray'].filter((id) => parked.some((row) => row.report_id === id)),
  );
  assert.ok(parked.some((row) => row.report_id === 'stray' && /no order/.test(row.parked_reason)));
  assert.ok(parked.some((row) => row.report_id === 'lie' && /exceed/.test(row.parked_reason)));
  assert.match(await look(), /FILLED 1\/1/);
});

test('point 1: updated_at moves exactly when the rest of the object does', async (t) => {
  const positions = [
    { isin: sap, quantity: '1' },
    { isin: inParts, quantity: '3' },
  ];
  const { sql, steps } = await begin(t, { positions });
  const read = async () => {
    const [row] = await sql<{ object: string }[]>`select object from unwind_v1.liquidations`;
    const { updated_at: updatedAt, ...rest } = JSON.parse(row?.object ?? '{}');
    return { updatedAt, rest: JSON.stringify(rest) };
  };
  let before = await read();
  for (let pass = 0; pass < 5; pass += 1) {
    for (const step of Object.values(steps)) {
      await step();
      const after = await read();
      const moved = after.updatedAt !== before.updatedAt;
      assert.equal(moved, after.rest !== before.rest, `${before.rest} then ${after.rest}`);
      assert.ok(after.updatedAt >= before.updatedAt);
      before = after;
    }
  }
  assert.match(before.rest, /"status":"FILLED"/);
});
