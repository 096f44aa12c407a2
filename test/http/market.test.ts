// `/tests/market` of the sandbox: every wish, what the market and liquidations make of it, and every
// wish that cannot be fulfilled, which changes nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, giveAccounts } from './api.ts';
import { assertProblem, assertSuccess, recordsOf } from './expect.ts';

const sap = 'DE0007164600';
const resting = 'ZZRESTING006';
/** What has no price is sold for EUR 100 a unit. */
const instruments = [
  { isin: sap, price: '208.35' },
  ...[resting, 'DE0007236101', 'ZZFUND000003', 'ZZCANCEL0000'].map((isin) => ({ isin })),
];
const usual = {
  clock: { market_time: '2026-01-05T09:00:00.000Z', ahead_ms: 0 },
  venue: { mic: 'XSIM', open: true, trading: 'calendar', reachable: true, calendar: {} },
  halted: [],
  behaviours: [],
  seed: '',
};

async function begin(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const service = await startHttp(t, { sql, clock });
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  await makeBook(sql, { tenantId: client.clientId, instruments, accounts: [] });
  const steps = engineSteps(sql, clock, { delayMs: 0, onWarning: () => {} });
  const show = async () => {
    const answer = await api.call('GET', '/tests/market');
    assertSuccess(answer, 200);
    return answer.json;
  };
  const send = (json: unknown, key: string = randomUUID()) => {
    return api.call('POST', '/tests/market', { json, headers: { 'idempotency-key': key } });
  };
  /** Fulfilled, answered with the market as it is then. */
  const wish = async (json: unknown) => {
    const answer = await send(json);
    assertSuccess(answer, 200);
    assert.deepEqual(await show(), answer.json);
    return answer.json as unknown as typeof usual & { venue: { session?: object } };
  };
  /** Refused, and nothing is changed. */
  const refuse = async (json: unknown, type: string, detail: RegExp) => {
    const before = await show();
    const records = await recordsOf(sql);
    assertProblem(await send(json), type, detail);
    assert.deepEqual(await show(), before);
    assert.deepEqual(await recordsOf(sql), records);
  };
  const run = async () => {
    await runUntilIdle(steps);
    assert.equal((await runAudit(sql)).total, 0, 'the audit finds nothing');
  };
  /** One account with 6 units of each, asked to be sold. */
  const ask = async (...isins: readonly string[]) => {
    const positions = isins.map((isin) => ({ isin, quantity: '6' }));
    const [account] = await giveAccounts(sql, client, [{ positions }]);
    const liquidationId = await askToLiquidate(sql, clock, account);
    const read = async () => {
      const rows = await sql<{ status: string; cash: string }[]>`
        select l.status, round(l.proceeds, 2)::text as cash
        from unwind.liquidations l
        where l.liquidation_id = ${liquidationId}`;
      return `${rows[0]?.status} ${rows[0]?.cash}`;
    };
    const orderId = async () => {
      const rows = await sql<{ order_id: string }[]>`
        select o.order_id from unwind.orders o where o.liquidation_id = ${liquidationId}`;
      return rows[0]?.order_id ?? assert.fail('there is an order');
    };
    return { read, orderId };
  };
  return { sql, clock, service, client, api, steps, show, send, wish, refuse, run, ask };
}

test('the market as it is at first', async (t) => {
  const { show } = await begin(t);
  assert.deepEqual(await show(), usual);
});

test('the clock moves forward by a duration or to an instant, never back', async (t) => {
  const { wish, refuse } = await begin(t);
  const day = 86_400_000;
  const tomorrow = await wish({ clock: { advance_ms: day } });
  assert.deepEqual(tomorrow.clock, { market_time: '2026-01-06T09:00:00.000Z', ahead_ms: day });
  const later = await wish({ clock: { advance_to: '2026-03-01T00:00:00+01:00' } });
  assert.equal(later.clock.market_time, '2026-02-28T23:00:00.000Z');
  await wish({ clock: { advance_to: '2026-02-28T23:00:00Z' } });
  await wish({ clock: { advance_ms: 0 } });
  const back = /^\/clock: the market clock is at 2026-02-28T23:00:00.000Z and never goes back\./;
  await refuse({ clock: { advance_to: '2026-02-28T22:59:59.999Z' } }, 'conflict', back);
  await refuse({ clock: { advance_to: '2226-01-01T00:00:00Z' } }, 'conflict', /100 years ahead/);
});

test('a clock that moves on releases what waits, without the wall clock', async (t) => {
  const { wish, run, ask, sql } = await begin(t);
  const { read } = await ask(sap);
  await sql`update unwind.liquidations set release_at = release_at + interval '1 day'`;
  await run();
  assert.equal(await read(), 'NEW 0.00');
  await wish({ clock: { advance_ms: 86_400_000 } });
  await run();
  assert.equal(await read(), 'FILLED 1250.10');
});

test('the same key advances the clock once', async (t) => {
  const { send, show } = await begin(t);
  const key = randomUUID();
  const first = await send({ clock: { advance_ms: 1_000 } }, key);
  const again = await send({ clock: { advance_ms: 1_000 } }, key);
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal((await show())['seed'], '');
  assert.equal((first.json['clock'] as { ahead_ms: number }).ahead_ms, 1_000);
});

test('a closed venue holds liquidations back; open again, it lets them go', async (t) => {
  const { wish, run, ask } = await begin(t);
  const closed = await wish({ venue: { trading: 'closed' } });
  assert.deepEqual(closed.venue, { ...usual.venue, open: false, trading: 'closed' });
  const { read } = await ask(sap);
  await run();
  assert.equal(await read(), 'NEW 0.00');
  assert.equal((await wish({ venue: { trading: 'open' } })).venue.open, true);
  await run();
  assert.equal(await read(), 'FILLED 1250.10');
  assert.deepEqual(await wish({ venue: { trading: 'calendar' } }), usual);
});

test('closing suspends what works at the venue, but not what waits for the fixing', async (t) => {
  const { wish, run, ask, sql } = await begin(t);
  await ask(resting);
  await ask('ZZFUND000003');
  await run();
  await wish({ venue: { trading: 'closed' } });
  await run();
  const reports = await sql`
    select j.isin, r.type, r.reason
    from unwind_v1.venue_reports r
    join unwind_v1.venue_journal j on j.client_order_id = r.client_order_id`;
  const reason = 'the market has closed';
  assert.deepEqual([...reports], [{ isin: resting, type: 'suspended', reason }]);
});

test('a calendar of its own, as hours and holidays, and none again', async (t) => {
  const { wish, run, ask } = await begin(t);
  const calendar = {
    time_zone: 'Europe/Berlin',
    hours: [{ days: ['MON', 'TUE'], opens: '12:00', closes: '17:30' }],
    holidays: [{ date: '2026-01-05', name: 'Test day' }],
  };
  const { venue } = await wish({ venue: { calendar } });
  assert.deepEqual(venue.calendar, calendar);
  assert.equal(venue.open, false);
  const session = { opens_at: '2026-01-06T11:00:00.000Z', closes_at: '2026-01-06T16:30:00.000Z' };
  assert.deepEqual(venue.session, session);
  const { read } = await ask(sap);
  await run();
  assert.equal(await read(), 'NEW 0.00');
  await wish({ clock: { advance_to: session.opens_at } });
  await run();
  assert.equal(await read(), 'FILLED 1250.10');
  assert.deepEqual((await wish({ venue: { calendar: {} } })).venue, usual.venue);
});

test('a halted instrument is not sold until it is resumed', async (t) => {
  const { wish, run, ask, clock } = await begin(t);
  const halted = await wish({ instruments: [{ isin: sap, halted: true }] });
  assert.deepEqual(halted.halted, [sap]);
  const { read } = await ask(sap);
  await run();
  assert.equal(await read(), 'PROCESSING 0.00');
  await wish({ instruments: [{ isin: sap, halted: false }] });
  clock.advance(5_000);
  await run();
  assert.equal(await read(), 'FILLED 1250.10');
});

test('a halt suspends what works at the venue in that instrument', async (t) => {
  const { wish, run, ask, sql } = await begin(t);
  await ask(resting);
  await ask('ZZFUND000003');
  await run();
  await wish({ instruments: [{ isin: resting, halted: true }] });
  await run();
  const ended = await sql`select r.type from unwind_v1.venue_reports r`;
  assert.deepEqual([...ended], [{ type: 'suspended' }]);
});

test('a venue that is away leaves orders unknown; back again, they are found or sent', async (t) => {
  const { wish, steps, run, ask, clock } = await begin(t);
  const { read } = await ask(sap);
  await steps.release();
  assert.equal((await wish({ venue: { reachable: false } })).venue.reachable, false);
  await steps.submit();
  await assert.rejects(steps.receive(), /does not answer/);
  await wish({ venue: { reachable: true } });
  clock.advance(5_000);
  await run();
  assert.equal(await read(), 'FILLED 1250.10');
});

test('a venue can be made to lie, about one instrument or about all', async (t) => {
  const { wish, run, ask, sql, clock } = await begin(t);
  const behaviours = [
    { isin: sap, course: 'in_parts', repeats_reports: true, shuffles_reports: true, one_in: 1 },
    { loses_answers: true, delays_reports_ms: 60_000, one_in: 1 },
  ];
  const lying = await wish({ behaviours, seed: 'seed-1' });
  assert.deepEqual(lying.behaviours, [behaviours[1], behaviours[0]]);
  assert.equal(lying.seed, 'seed-1');
  const parts = await ask(sap);
  const lost = await ask('DE0007236101');
  await run();
  clock.advance(1_000);
  await run();
  assert.equal(await parts.read(), 'FILLED 1250.10');
  assert.equal(await lost.read(), 'PROCESSING 0.00');
  clock.advance(61_000);
  await run();
  assert.equal(await lost.read(), 'FILLED 600.00');
  const rows = await sql<{ copies: string }[]>`
    select count(*) as copies from unwind_v1.venue_reports r where r.copy = 1`;
  assert.equal(rows[0]?.copies, '5');
  const honest = await wish({ behaviours: [{ isin: sap }, {}] });
  assert.deepEqual(honest.behaviours, []);
});

test('reset forgets every wish but the clock and the calendar', async (t) => {
  const { wish } = await begin(t);
  await wish({
    seed: 'x',
    venue: { trading: 'closed', reachable: false },
    instruments: [{ isin: sap, halted: true }],
    behaviours: [{ course: 'resting' }],
    clock: { advance_ms: 1_000 },
  });
  const clock = { market_time: '2026-01-05T09:00:01.000Z', ahead_ms: 1_000 };
  assert.deepEqual(await wish({ reset: true }), { ...usual, clock });
});

const forced: readonly { outcome: string; quantity?: string; end: string }[] = [
  { outcome: 'filled', end: 'FILLED 600.00' },
  { outcome: 'cancelled', end: 'CANCELLED 0.00' },
  { outcome: 'cancelled', quantity: '2.5', end: 'CANCELLED 250.00' },
  { outcome: 'suspended', quantity: '1', end: 'PROCESSING 100.00' },
];

for (const { outcome, quantity, end } of forced) {
  const what = quantity === undefined ? outcome : `${outcome} with ${quantity} sold`;
  test(`an order at the venue is forced to be ${what}`, async (t) => {
    const { wish, run, ask, clock } = await begin(t);
    const { read, orderId } = await ask(resting);
    await run();
    const order = { order_id: await orderId(), outcome, ...(quantity && { quantity }) };
    await wish({ orders: [order] });
    await run();
    clock.advance(10_000);
    await run();
    assert.equal(await read(), end);
  });
}

test('an order at its end is forced to be filled late, then an execution of it to be void', async (t) => {
  const { wish, run, ask, sql, steps } = await begin(t);
  const { read, orderId } = await ask('ZZCANCEL0000');
  await run();
  assert.equal(await read(), 'CANCELLED 0.00');
  const order_id = await orderId();
  await wish({ orders: [{ order_id, outcome: 'filled_late', quantity: '2' }] });
  await wish({ orders: [{ order_id, outcome: 'busted' }] });
  await runUntilIdle(steps);
  const reports = await sql<{ told: string }[]>`
    select concat(r.type, ' ', trim_scale(r.cumulative_quantity)) as told
    from unwind_v1.venue_reports r
    order by r.number`;
  assert.deepEqual(
    reports.map((row) => row.told),
    ['cancelled 0', 'trade 2', 'bust 0'],
  );
});

test('an outcome that cannot be is refused', async (t) => {
  const { refuse, run, ask, steps } = await begin(t);
  const working = await ask(resting);
  const ended = await ask('ZZCANCEL0000');
  await run();
  const unsent = await ask(sap);
  await steps.release();
  const force = (order_id: string, outcome: string, quantity?: string) => ({
    seed: 'never',
    orders: [{ order_id, outcome, ...(quantity && { quantity }) }],
  });
  const [atVenue, over, fresh] = [
    await working.orderId(),
    await ended.orderId(),
    await unsent.orderId(),
  ];
  await refuse(force(fresh, 'filled'), 'conflict', /^\/orders\/0: the order was not sent/);
  await refuse(force(atVenue, 'busted'), 'conflict', /has not come to its end/);
  await refuse(force(atVenue, 'filled_late'), 'conflict', /has not come to its end/);
  await refuse(force(atVenue, 'cancelled', '6.1'), 'conflict', /only 6 of the order is left/);
  await refuse(force(atVenue, 'cancelled', '6'), 'conflict', /nothing is left is filled/);
  await refuse(force(atVenue, 'filled', '5'), 'conflict', /that is filled has nothing left/);
  await refuse(force(over, 'filled'), 'conflict', /has come to its end/);
  await refuse(force(over, 'busted'), 'conflict', /no execution of the order/);
  await refuse(force(over, 'filled_late', '0'), 'conflict', /late execution sells something/);
  await refuse(force(randomUUID(), 'filled'), 'not_found', /^\/orders\/0: there is no such order/);
});

test("another client's order cannot be forced, and is as if it were not there", async (t) => {
  const { sql, clock, service, run, ask, refuse } = await begin(t);
  const { orderId } = await ask(resting);
  await run();
  const other = await apiOf(service, await makeApiClient(sql, clock));
  const json = { orders: [{ order_id: await orderId(), outcome: 'cancelled' }] };
  const headers = { 'idempotency-key': randomUUID() };
  const answer = await other.call('POST', '/tests/market', { json, headers });
  assertProblem(answer, 'not_found', /there is no such order/);
  await refuse({ orders: [{ ...json.orders[0], order_id: randomUUID() }] }, 'not_found', /no such/);
});

const bad: readonly { what: string; json: unknown; detail: RegExp }[] = [
  { what: 'nothing', json: {}, detail: /asks for nothing/ },
  { what: 'an unknown member', json: { time: 1 }, detail: /unknown members \(time\)/ },
  {
    what: 'both ways to move the clock',
    json: { clock: { advance_ms: 1, advance_to: '2027-01-01T00:00:00Z' } },
    detail: /either advance_ms or advance_to/,
  },
  {
    what: 'no way to move the clock',
    json: { clock: {} },
    detail: /either advance_ms or advance_to/,
  },
  {
    what: 'a negative duration',
    json: { clock: { advance_ms: -1 } },
    detail: /\/clock\/advance_ms/,
  },
  {
    what: 'an instant that is none',
    json: { clock: { advance_to: '2027-02-30T00:00:00Z' } },
    detail: /\/clock\/advance_to/,
  },
  {
    what: 'an unknown way to trade',
    json: { venue: { trading: 'maybe' } },
    detail: /\/venue\/trading/,
  },
  {
    what: 'no ISIN',
    json: { instruments: [{ isin: 'DE0007164601', halted: true }] },
    detail: /^\/instruments\/0\/isin is no ISIN\.$/,
  },
  {
    what: 'a behaviour of no ISIN',
    json: { behaviours: [{ isin: 'XX0000000000', course: 'filled' }] },
    detail: /^\/behaviours\/0\/isin is no ISIN\.$/,
  },
  {
    what: 'an unknown course',
    json: { behaviours: [{ course: 'lucky' }] },
    detail: /\/behaviours\/0\/course/,
  },
  {
    what: 'an unknown outcome',
    json: { orders: [{ order_id: randomUUID(), outcome: 'lucky' }] },
    detail: /\/orders\/0\/outcome/,
  },
  {
    what: 'a quantity that is none',
    json: { orders: [{ order_id: randomUUID(), outcome: 'filled', quantity: '1e3' }] },
    detail: /\/orders\/0\/quantity/,
  },
  {
    what: 'a calendar without hours',
    json: { venue: { calendar: { time_zone: 'UTC' } } },
    detail: /^The calendar is not as it must be: \/hours/,
  },
  {
    what: 'a calendar that overlaps',
    json: {
      venue: {
        calendar: {
          time_zone: 'UTC',
          hours: [
            { days: ['MON'], opens: '08:00', closes: '10:00' },
            { days: ['MON'], opens: '09:00', closes: '11:00' },
          ],
        },
      },
    },
    detail: /overlap on MON/,
  },
];

test('wishes that cannot be read are refused, naming the place', async (t) => {
  const { refuse } = await begin(t);
  for (const { what, json, detail } of bad) {
    await t.test(what, () => refuse(json, 'bad_request', detail));
  }
});

test('in live mode there is no such thing', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const service = await startHttp(t, { sql, clock, isSandbox: false });
  const api = await apiOf(service, await makeApiClient(sql, clock));
  for (const method of ['GET', 'POST']) {
    const headers = { 'idempotency-key': randomUUID() };
    const answer = await api.call(method, '/tests/market', { headers });
    assertProblem(answer, 'not_found', 'There is no such resource.');
  }
});

test('without the scope nothing is shown and nothing is changed', async (t) => {
  const { sql, clock, service, show } = await begin(t);
  const client = await makeApiClient(sql, clock, { scopes: ['accounts:read', 'orders:admin'] });
  const api = await apiOf(service, client);
  assertProblem(await api.call('GET', '/tests/market'), 'forbidden', /lacks the scope tests:admin/);
  const headers = { 'idempotency-key': randomUUID() };
  const wish = { json: { venue: { trading: 'closed' } }, headers };
  assertProblem(await api.call('POST', '/tests/market', wish), 'forbidden', /tests:admin/);
  assert.deepEqual(await show(), usual);
});
