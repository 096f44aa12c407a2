// Why a liquidation waits: each reason with its instants and words, for the liquidation and for the
// position, and which of several comes first. The views ask the clock of the database, so the clock of
// these tests starts there, and everything lies hours apart.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Tx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { applyDeltas } from '../../src/liquidations/apply-deltas.ts';
import { askToStop } from '../../src/liquidations/stop-store.ts';
import { decimal } from '../../src/money.ts';
import { readCalendar, weekdays } from '../../src/venue/calendar.ts';
import { announceHalt, announceStatus, setCalendar } from '../../src/venue/calendar-store.ts';
import { insertReports } from '../../src/venue/inbox-store.ts';
import { setDown } from '../../src/venue/simulated/control-store.ts';
import type { ParkedStep } from '../../src/work/parked.ts';
import { countTry } from '../../src/work/parked-store.ts';
import { type BookPosition, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps } from '../support/engine.ts';

const venue = 'XSIM';
const hourMs = 3_600_000;
const [sap, resting, refused, whole, inactive, unpriced] = [
  'DE0007164600',
  'ZZRESTING006',
  'ZZREFUSED006',
  'US0378331005',
  'DE0008404005',
  'IE00B95PGT31',
];

interface Wait {
  readonly isin: string | null;
  readonly reason: string;
  readonly since: Date | null;
  readonly until: Date | null;
  readonly detail: string | null;
}

async function begin(t: TestContext, positions: readonly BookPosition[], releaseDelayMs = 0) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock(new Date().toISOString());
  const start = clock.now();
  const steps = engineSteps(sql, clock, { delayMs: 0, onWarning: () => {} });
  const tenantId = await makeTenant(sql);
  const instruments = [
    { isin: sap, price: '10' },
    { isin: resting, price: '10' },
    { isin: refused, price: '10' },
    { isin: whole, price: '10', fractional: false },
    { isin: inactive, price: '10', tradingStatus: 'INACTIVE' as const },
    { isin: unpriced },
  ];
  const [account] = await makeBook(sql, { tenantId, instruments, accounts: [{ positions }] });
  assert.ok(account);
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs });
  const change = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(sql, work);
  const look = async () => {
    const found = await sql<Wait[]>`
      select w.isin, w.reason, w.since, w.until, w.detail
      from unwind_v1.liquidation_waits w
      where w.tenant_id = ${tenantId}
        and w.liquidation_id = ${liquidationId}`;
    const own = await sql<(Wait & { priced: boolean })[]>`
      select w.isin, w.reason, w.since, w.until, w.detail, w.priced
      from unwind_v1.position_waits w
      where w.tenant_id = ${tenantId}
        and w.liquidation_id = ${liquidationId}
      order by w.isin`;
    assert.ok(found.length <= 1, 'one reason for each liquidation');
    return { wait: found[0], positions: own };
  };
  /** The reason of the liquidation, and those of its positions by ISIN. */
  const reasons = async () => {
    const { wait, positions: own } = await look();
    return [wait?.reason, ...own.map(({ isin, reason }) => `${isin} ${reason}`)];
  };
  const halt = (isin: string) => {
    return change((tx) => announceHalt(tx, { venue, isin, isHalted: true, at: start }));
  };
  const close = () => change((tx) => announceStatus(tx, venue, 'closed'));
  /** A try that failed, in an hour by the clock of the database; parked unless there are others. */
  const fail = (step: ParkedStep, subject: string, triesMax = 1) => {
    const now = later(start, hourMs);
    const failed = { tenantId, step, subject, reason: 'it broke', now, triesMax };
    return change((tx) => countTry(tx, failed));
  };
  const order = async () => {
    const [row] = await sql<{ order_id: string; client_order_id: string; sent_at: Date }[]>`
      select o.order_id, s.client_order_id, s.sent_at
      from unwind.orders o
      left join unwind.submissions s on s.order_id = o.order_id
      where o.status in ('NEW', 'PROCESSING')`;
    assert.ok(row);
    return row;
  };
  const given = { sql, clock, start, steps, tenantId, account, liquidationId };
  return { ...given, change, look, reasons, halt, close, fail, order };
}

test('release_delay: a NEW one that may still be cancelled', async (t) => {
  const { look, start } = await begin(t, [{ isin: sap, quantity: '1' }], hourMs);
  const { wait, positions } = await look();
  const until = later(start, hourMs);
  const expected = { reason: 'release_delay', since: start, until, detail: null };
  assert.deepEqual(wait, { isin: null, ...expected });
  assert.deepEqual([...positions], [{ isin: sap, ...expected, priced: true }]);
});

test('due: nothing hinders it, so the next step of the service is missing', async (t) => {
  const { look, reasons, start, steps } = await begin(t, [{ isin: sap, quantity: '1' }]);
  assert.deepEqual(await look().then(({ wait }) => [wait?.reason, wait?.since]), ['due', start]);
  await steps.release();
  assert.deepEqual(await reasons(), ['due', `${sap} due`]);
  await steps.submit();
  await steps.receive();
  await steps.apply();
  // Sold: only its end is missing.
  assert.deepEqual(await reasons(), ['due']);
  await steps.advance();
  assert.deepEqual(await reasons(), [undefined], 'what has ended waits for nothing');
});

test('venue_closed: until the next session, or without an end where the venue announced it', async (t) => {
  const { change, close, look, reasons, start, steps } = await begin(t, [
    { isin: sap, quantity: '1' },
  ]);
  const opensAt = later(start, 48 * hourMs);
  opensAt.setUTCHours(10, 0, 0, 0);
  const weekday = weekdays[(opensAt.getUTCDay() + 6) % 7];
  assert.ok(weekday);
  const hours = [{ days: [weekday], opens: '10:00', closes: '11:00' }];
  await change((tx) => setCalendar(tx, venue, readCalendar({ time_zone: 'UTC', hours })));
  const expected = { reason: 'venue_closed', since: null, until: opensAt, detail: null };
  assert.deepEqual((await look()).wait, { isin: sap, ...expected });
  await steps.release();
  assert.deepEqual((await look()).wait, { isin: sap, ...expected }, 'set aside');
  await change((tx) => announceStatus(tx, venue, 'open'));
  await steps.release();
  await change((tx) => announceStatus(tx, venue, undefined));
  assert.deepEqual(await reasons(), ['venue_closed', `${sap} venue_closed`], 'its order waits');
  await close();
  assert.deepEqual((await look()).wait, { isin: sap, ...expected, until: null });
});

test('due_later: an order that the venue has suspended, until it is sent again', async (t) => {
  const { change, halt, look, order, start, steps } = await begin(t, [
    { isin: sap, quantity: '1' },
  ]);
  await steps.release();
  await halt(sap);
  await steps.submit();
  await steps.apply();
  await change((tx) => announceHalt(tx, { venue, isin: sap, isHalted: false, at: start }));
  const { wait } = await look();
  assert.deepEqual(wait, {
    isin: sap,
    reason: 'due_later',
    since: (await order()).sent_at,
    until: later(start, 5_000),
    detail: 'trading in the instrument is halted',
  });
});

test('sent_unanswered: the venue has not replied', async (t) => {
  const { change, look, order, steps } = await begin(t, [{ isin: sap, quantity: '1' }]);
  await change((tx) => setDown(tx, true));
  await steps.release();
  await steps.submit();
  const { client_order_id: id, sent_at: since } = await order();
  const detail = `client order id ${id} at XSIM`;
  const expected = { isin: sap, reason: 'sent_unanswered', since, until: null, detail };
  assert.deepEqual((await look()).wait, expected);
});

test('at_venue: the venue works the order', async (t) => {
  const { look, order, steps } = await begin(t, [{ isin: resting, quantity: '1' }]);
  await steps.release();
  await steps.submit();
  const { client_order_id: id, sent_at: since } = await order();
  const detail = `client order id ${id} at XSIM`;
  const expected = { isin: resting, reason: 'at_venue', since, until: null, detail };
  assert.deepEqual((await look()).wait, expected);
});

test('locked, halted, inactive: the position has no order', async (t) => {
  const { halt, look, reasons, start, steps } = await begin(t, [
    { isin: sap, quantity: '3' },
    { isin: resting, quantity: '2', locked: '2' },
    { isin: inactive, quantity: '1' },
  ]);
  await halt(sap);
  await steps.release();
  assert.deepEqual(await reasons(), [
    'inactive',
    `${sap} halted`,
    `${inactive} inactive`,
    `${resting} locked`,
  ]);
  const { positions } = await look();
  assert.deepEqual(positions[0]?.since, start, 'halted since');
  assert.equal(positions[2]?.detail, '2 of 2 units are locked');
});

test('fraction and rejected: what stays in the account holds nothing up', async (t) => {
  const { look, reasons, start, steps } = await begin(t, [
    { isin: whole, quantity: '0.5' },
    { isin: refused, quantity: '2' },
    { isin: resting, quantity: '1' },
  ]);
  await steps.release();
  await steps.submit();
  await steps.apply();
  assert.deepEqual(await reasons(), [
    'at_venue',
    `${whole} fraction`,
    `${refused} rejected`,
    `${resting} at_venue`,
  ]);
  const { positions } = await look();
  assert.deepEqual(positions[1]?.detail, 'the instrument is not admitted to trading');
  assert.deepEqual(positions[1]?.since, start);
  assert.deepEqual(positions[0]?.detail, 'only whole units of the instrument are sold');
});

test('next_round: what became free while other orders are open', async (t) => {
  const { account, change, reasons, start, steps, tenantId } = await begin(t, [
    { isin: sap, quantity: '3', locked: '3' },
    { isin: resting, quantity: '1' },
  ]);
  await steps.release();
  await steps.submit();
  assert.deepEqual(await reasons(), ['locked', `${sap} locked`, `${resting} at_venue`]);
  const unlock = {
    type: 'unlock' as const,
    accountId: account.accountId,
    isin: sap,
    quantity: decimal('2'),
    reference: 'two are free',
  };
  await change((tx) => applyDeltas(tx, { tenantId, deltas: [unlock], now: start }));
  assert.deepEqual(await reasons(), ['at_venue', `${sap} next_round`, `${resting} at_venue`]);
});

test('a position without a price is sold all the same, and says so', async (t) => {
  const { look, steps } = await begin(t, [{ isin: unpriced, quantity: '1' }]);
  await steps.release();
  const { positions } = await look();
  assert.deepEqual(
    positions.map(({ reason, priced }) => [reason, priced]),
    [['due', false]],
  );
});

test('retrying and parked: a step fails for the liquidation', async (t) => {
  const { fail, look, liquidationId, start } = await begin(t, [{ isin: sap, quantity: '1' }]);
  const failedAt = later(start, hourMs);
  const detail = `release/${liquidationId}: it broke`;
  await fail('release', liquidationId, 5);
  const until = later(failedAt, 1_000);
  const retrying = { isin: null, reason: 'retrying', since: failedAt, until, detail };
  assert.deepEqual((await look()).wait, retrying);
  await fail('release', liquidationId, 2);
  const parked = { ...retrying, reason: 'parked', until: null };
  const { wait, positions } = await look();
  assert.deepEqual(wait, parked);
  assert.deepEqual([...positions], [{ ...parked, isin: sap, priced: true }]);
});

test('parked: the order, the answer or a report of the venue', async (t) => {
  const { change, fail, look, order, sql, start, steps, tenantId } = await begin(t, [
    { isin: resting, quantity: '1' },
  ]);
  await steps.release();
  const { order_id: orderId } = await order();
  await fail('submit', orderId);
  assert.deepEqual((await look()).wait?.detail, `submit/${orderId}: it broke`);
  await sql`delete from unwind.parked`;
  await steps.submit();
  const { client_order_id: clientOrderId } = await order();
  await fail('answer', clientOrderId);
  assert.deepEqual((await look()).wait?.detail, `answer/${clientOrderId}: it broke`);
  await sql`delete from unwind.parked`;
  const trade = {
    venueExecutionId: 'too much',
    lastQuantity: decimal('9'),
    lastPrice: decimal('1'),
  };
  const event = { type: 'trade' as const, trade, cumulativeQuantity: decimal('9') };
  const report = { number: 1, tenantId, clientOrderId, event, transactionAt: start };
  await change((tx) => insertReports(tx, { venue, reports: [report], now: start }));
  await fail('apply', `${venue}/report/1`);
  assert.deepEqual((await look()).wait?.detail, `apply/${venue}/report/1: it broke`);
  await sql`delete from unwind.parked`;
  await steps.apply();
  const contradiction = 'executions exceed the quantity of the order';
  const { wait } = await look();
  assert.equal(wait?.reason, 'parked');
  assert.equal(wait?.detail, `report/${venue}/report/1: ${contradiction}`);
});

test('stopping: it is being ended before it is flat', async (t) => {
  const { look, liquidationId, sql, start, steps, tenantId } = await begin(t, [
    { isin: resting, quantity: '1' },
  ]);
  await steps.release();
  await steps.submit();
  await askToStop(sql, { liquidationId, tenantId, note: 'stuck since Monday', now: start });
  const stopping = { reason: 'stopping', since: start, until: null, detail: 'stuck since Monday' };
  assert.deepEqual((await look()).wait, { isin: null, ...stopping });
});

test('of several reasons the first of the table is shown', async (t) => {
  await t.test('a position that is locked and halted: locked', async (s) => {
    const { halt, reasons, steps } = await begin(s, [{ isin: sap, quantity: '1', locked: '1' }]);
    await halt(sap);
    await steps.release();
    assert.deepEqual(await reasons(), ['locked', `${sap} locked`]);
  });
  await t.test('inactive, locked and halted: inactive', async (s) => {
    const { halt, reasons, steps } = await begin(s, [
      { isin: inactive, quantity: '1', locked: '1' },
    ]);
    await halt(inactive);
    await steps.release();
    assert.deepEqual(await reasons(), ['inactive', `${inactive} inactive`]);
  });
  await t.test('halted while the venue is closed: halted', async (s) => {
    const { close, halt, reasons, steps } = await begin(s, [{ isin: sap, quantity: '1' }]);
    await steps.release();
    await halt(sap);
    await close();
    assert.deepEqual(await reasons(), ['halted', `${sap} halted`]);
  });
  await t.test('sent without a reply, halted and closed: without a reply', async (s) => {
    const { change, close, halt, reasons, steps } = await begin(s, [{ isin: sap, quantity: '1' }]);
    await change((tx) => setDown(tx, true));
    await steps.release();
    await steps.submit();
    await halt(sap);
    await close();
    assert.deepEqual(await reasons(), ['sent_unanswered', `${sap} sent_unanswered`]);
  });
  await t.test('parked, being stopped and locked: parked', async (s) => {
    const { fail, liquidationId, reasons, sql, start, steps, tenantId } = await begin(s, [
      { isin: sap, quantity: '1', locked: '1' },
    ]);
    await steps.release();
    await askToStop(sql, { liquidationId, tenantId, note: 'stuck', now: start });
    assert.deepEqual(await reasons(), ['stopping', `${sap} stopping`]);
    await fail('stop', liquidationId);
    assert.deepEqual(await reasons(), ['parked', `${sap} parked`]);
  });
  await t.test('closed for longer than the delay: closed; else the delay', async (s) => {
    const { change, reasons } = await begin(s, [{ isin: sap, quantity: '1' }], 24 * hourMs);
    const calendarOn = async (day: number) => {
      const weekday = weekdays[(new Date().getUTCDay() + 6 + day) % 7];
      assert.ok(weekday);
      const hours = [{ days: [weekday], opens: '00:00', closes: '00:01' }];
      await change((tx) => setCalendar(tx, venue, readCalendar({ time_zone: 'UTC', hours })));
    };
    await calendarOn(3);
    assert.deepEqual(await reasons(), ['venue_closed', `${sap} venue_closed`]);
    await calendarOn(1);
    assert.deepEqual(await reasons(), ['release_delay', `${sap} release_delay`]);
  });
});
