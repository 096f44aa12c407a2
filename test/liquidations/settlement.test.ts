// When what was sold settles, and the liquidations that say so: by the calendars of venues, with late fills and
// voids, and for those alone that have chosen the contract which knows it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import type { Contract } from '../../src/auth/store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { LiquidationId } from '../../src/ids.ts';
import { type Calendar, readCalendar, weekdays } from '../../src/venue/calendar.ts';
import { setCalendar } from '../../src/venue/calendar-store.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { fc } from '../support/properties.ts';

const sap = 'DE0007164600';
const filledLate = 'ZZLATEFILL05';
const busted = 'ZZBUST000004';
const dayMs = 24 * 3_600_000;

/** Always open on working days but for the first Tuesday, 6 January 2026; T+2, in Berlin. */
const berlin = readCalendar({
  time_zone: 'Europe/Berlin',
  hours: [{ days: ['MON', 'TUE', 'WED', 'THU', 'FRI'], opens: '00:00', closes: '24:00' }],
  holidays: [{ date: '2026-01-06', name: 'Epiphany' }],
  settlement_days: 2,
});

interface Wish {
  readonly contract?: Contract;
  readonly isin?: string;
  readonly quantity?: string;
  readonly calendar?: Calendar;
}

async function begin(t: TestContext, wish: Wish = {}) {
  const { contract = '2026', isin = sap, quantity = '3', calendar } = wish;
  const { sql } = await createTestDatabase(t);
  // A Monday, 2026-01-05.
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '100' }],
    accounts: [{ positions: quantity === '0' ? [] : [{ isin, quantity }] }],
  });
  assert.ok(account);
  if (calendar !== undefined) await inTransaction(sql, (tx) => setCalendar(tx, 'XSIM', calendar));
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const liquidationId = await askToLiquidate(sql, clock, { ...account, contract });
  const finish = () => runUntilIdle(steps);
  const look = () => lookAt(sql, liquidationId);
  /** The audit finds nothing, or what the test itself has edited. */
  const audited = async (edited: readonly string[] = []) => {
    const report = await runAudit(sql);
    const differences = report.results.flatMap((result) => result.differences);
    assert.deepEqual(
      differences.filter(({ check }) => !edited.includes(check)),
      [],
    );
    assert.equal(differences.length, edited.length);
  };
  return { sql, clock, tenantId, steps, liquidationId, finish, look, audited };
}

async function lookAt(sql: Sql, liquidationId: LiquidationId): Promise<string> {
  const [row] = await sql<{ shown: string }[]>`
    select concat_ws(' | ',
      concat(l.status, ' ', round(l.cash_amount, 2)),
      (
        select string_agg(split_part(e.type, '.', 2), ' ' order by e.number)
        from unwind_v1.events e
        where e.liquidation_id = l.liquidation_id
      ),
      (
        select string_agg(distinct x.settlement_date::text, ' ')
        from unwind_v1.executions x
        where x.liquidation_id = l.liquidation_id
      )
    ) as shown
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return row?.shown ?? 'nothing';
}

test('the simulated venue settles on the day of the trade: SETTLED follows FILLED', async (t) => {
  const { finish, look, audited } = await begin(t);
  await finish();
  assert.equal(await look(), 'SETTLED 300.00 | NEW PROCESSING FILLED SETTLED | 2026-01-05');
  await audited();
});

test('point 16: under the reference it stays FILLED, although its settlement is known', async (t) => {
  const { clock, finish, look, audited } = await begin(t, { contract: '2023' });
  await finish();
  clock.advance(30 * dayMs);
  await finish();
  assert.equal(await look(), 'FILLED 300.00 | NEW PROCESSING FILLED | 2026-01-05');
  await audited();
});

test('T+2 counts trading days, by the calendar and in the time zone of the venue', async (t) => {
  const { clock, finish, look, audited } = await begin(t, { calendar: berlin });
  await finish();
  // Tuesday is a holiday: Wednesday, Thursday.
  const filled = 'FILLED 300.00 | NEW PROCESSING FILLED | 2026-01-08';
  assert.equal(await look(), filled);
  clock.set(new Date('2026-01-07T22:59:59.999Z'));
  await finish();
  assert.equal(await look(), filled);
  await audited();
  clock.advance(1);
  await finish();
  assert.equal(await look(), 'SETTLED 300.00 | NEW PROCESSING FILLED SETTLED | 2026-01-08');
  await audited();
});

test('an account with nothing to sell is SETTLED at once', async (t) => {
  const { finish, look, audited } = await begin(t, { quantity: '0', calendar: berlin });
  await finish();
  assert.equal(await look(), 'SETTLED 0.00 | NEW FILLED SETTLED');
  await audited();
});

test('what ended CANCELLED is never SETTLED', async (t) => {
  const { clock, finish, look, audited } = await begin(t, { isin: filledLate, quantity: '20' });
  await finish();
  clock.advance(20_000);
  await finish();
  assert.match(await look(), /^CANCELLED .* \| NEW PROCESSING CANCELLED \| 2026-01-05$/);
  await audited();
});

test('a void before the settlement counts: the rest is settled, and the event says what is left', async (t) => {
  const { clock, finish, look, audited } = await begin(t, {
    isin: busted,
    quantity: '3',
    calendar: berlin,
  });
  await finish();
  assert.match(await look(), /^FILLED 300\.00/);
  clock.advance(20_000);
  await finish();
  const corrected = /^FILLED ([0-9.]+) \|/.exec(await look())?.[1];
  assert.ok(corrected !== undefined && corrected !== '300.00');
  clock.advance(4 * dayMs);
  await finish();
  assert.match(await look(), new RegExp(`^SETTLED ${corrected} .*FILLED SETTLED`));
  await audited();
});

test('a void after it was settled corrects the amount, and nothing else', async (t) => {
  const { clock, finish, look, audited } = await begin(t, { isin: busted, quantity: '3' });
  await finish();
  assert.match(await look(), /^SETTLED 300\.00/);
  clock.advance(20_000);
  await finish();
  assert.match(await look(), /^SETTLED (?!300)[0-9.]+ \| NEW PROCESSING FILLED SETTLED \|/);
  await audited();
});

test('a fill that settles later puts it off', async (t) => {
  const { sql, clock, finish, look, liquidationId, audited } = await begin(t, {
    calendar: berlin,
  });
  await finish();
  // As if its execution had been reported again for a day later, after the end.
  await sql`
    update unwind.executions
    set settlement_date = settlement_date + 4
    where liquidation_id = ${liquidationId}`;
  clock.set(new Date('2026-01-08T10:00:00.000Z'));
  await finish();
  assert.match(await look(), /^FILLED 300\.00 \| NEW PROCESSING FILLED \|/);
  await audited(['rows_are_as_recorded']);
  clock.set(new Date('2026-01-12T10:00:00.000Z'));
  await finish();
  assert.match(await look(), /^SETTLED/);
  await audited(['rows_are_as_recorded']);
});

test('two processes settle it once', async (t) => {
  const { sql, clock, look, finish, audited } = await begin(t, { calendar: berlin });
  await finish();
  clock.advance(10 * dayMs);
  const settlers = [1, 2, 3].map(() => engineSteps(sql, clock, { delayMs: 0 }).settle);
  const counts = await Promise.all(settlers.map((settle) => settle()));
  assert.equal(counts.filter((count) => count > 0).length, 1, counts.join());
  assert.equal(await look(), 'SETTLED 300.00 | NEW PROCESSING FILLED SETTLED | 2026-01-08');
  await audited();
});

/** The n-th trading day after a day, day by day; the calendar as it was read. */
function settlementOf(calendar: Calendar | undefined, tradedOn: string, days: number): string {
  const day = new Date(`${tradedOn}T00:00:00.000Z`);
  const isTrading = () => {
    const weekday = weekdays[(day.getUTCDay() + 6) % 7];
    if (calendar === undefined) return weekday !== 'SAT' && weekday !== 'SUN';
    const holiday = calendar.holidays.find(({ date }) => day.toISOString().startsWith(date));
    return calendar.sessions.some((session) => {
      if (session.weekday !== weekday) return false;
      return holiday === undefined || (holiday.closes ?? '') > session.opens;
    });
  };
  for (let left = days; left > 0; ) {
    day.setUTCDate(day.getUTCDate() + 1);
    if (isTrading()) left -= 1;
  }
  return day.toISOString().slice(0, 10);
}

test('settlement dates are those that a calendar gives when it is gone through day by day', async (t) => {
  const { sql } = await createTestDatabase(t);
  const holidays = fc.uniqueArray(
    fc.record({
      day: fc.integer({ min: 1, max: 31 }),
      closes: fc.constantFrom(undefined, '08:30', '14:00'),
    }),
    { maxLength: 8, selector: ({ day }) => day },
  );
  const wish = fc.record({
    days: fc.integer({ min: 0, max: 5 }),
    weekdays: fc.subarray([...weekdays], { minLength: 1 }),
    holidays,
    hasCalendar: fc.boolean(),
    from: fc.integer({ min: 1, max: 28 }),
  });
  await fc.assert(
    fc.asyncProperty(wish, async ({ days, weekdays: open, holidays: some, hasCalendar, from }) => {
      const calendar = readCalendar({
        time_zone: 'Europe/Berlin',
        hours: [{ days: open, opens: '09:00', closes: '17:30' }],
        holidays: some.map(({ day, closes }) => {
          const date = `2026-01-${String(day).padStart(2, '0')}`;
          return { date, name: 'Holiday', ...(closes === undefined ? {} : { closes }) };
        }),
        settlement_days: days,
      });
      const given = hasCalendar ? calendar : undefined;
      await inTransaction(sql, (tx) => setCalendar(tx, 'XABC', given));
      const tradedOn = `2026-01-${String(from).padStart(2, '0')}`;
      const [row] = await sql<{ day: string }[]>`
        select unwind.settlement_date('XABC', ${tradedOn}::date)::text as day`;
      // Without a calendar it is T+2.
      assert.equal(row?.day, settlementOf(given, tradedOn, hasCalendar ? days : 2));
    }),
    { numRuns: 100 },
  );
});
