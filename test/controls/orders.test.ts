// Orders that controls stop: they are not sent, say why, and wait; a person lets exactly one pass, or it keeps the
// control by and by. The value of a day holds for all processes together; rejections brake a venue.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import { type ControlsId, type Limits, noLimits } from '../../src/controls/control.ts';
import { findDayValue, replaceControls } from '../../src/controls/controls-store.ts';
import { countRejections } from '../../src/controls/rejections-store.ts';
import { findStops } from '../../src/controls/stops-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { findHalts } from '../../src/halts/halts-store.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { controlAgainMs, submissionLeaseMs } from '../../src/limits.ts';
import { previewLiquidation } from '../../src/liquidations/preview-liquidation.ts';
import { decimal } from '../../src/money.ts';
import { lockOrders } from '../../src/orders/order-store.ts';
import { releaseStop } from '../../src/orders/release-stop.ts';
import { servicePersons } from '../../src/person-name.ts';
import { setDown } from '../../src/venue/simulated/control-store.ts';
import { allianz, begin, quietly, sap } from '../halts/world.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { untilLocked } from '../support/locks.ts';

const refused = 'ZZREFUSED006';

async function open(t: TestContext) {
  const world = await begin(t, { instruments: [{ isin: refused, price: '5' }] });
  const { sql, clock, tenants } = world;
  const inForce = new Map<TenantId, ControlsId>();
  const set = async (limits: Partial<Limits>, tenantId: TenantId = tenants[0]) => {
    const by = { reason: 'a test', person: 'A. Risk', setAt: clock.now() };
    const controls = { ...noLimits, ...limits, tenantId, controlsId: newId<'controls'>(), ...by };
    const replaces = inForce.get(tenantId);
    assert.ok(await inTransaction(sql, (tx) => replaceControls(tx, controls, replaces)));
    inForce.set(tenantId, controls.controlsId);
  };
  const stops = async (tenantId: TenantId = tenants[0]) => {
    return (await findStops(sql, { tenantId, below: undefined, limit: 100 })).things;
  };
  const release = async (control: string, isin = sap) => {
    const stop = (await stops()).find((one) => one.control === control && one.isin === isin);
    assert.ok(stop);
    const by = { at: clock.now(), by: 'B. Desk', reason: 'it is right' };
    return inTransaction(sql, (tx) => {
      return releaseStop(tx, { ...stop, tenantId: tenants[0] }, by);
    });
  };
  const priceNow = async () => {
    await sql`update unwind.prices p set updated_at = ${clock.now()}`;
  };
  await priceNow();
  const clean = async () => {
    const { results } = await runAudit(sql);
    assert.deepEqual(
      results.flatMap((result) => result.differences),
      [],
    );
  };
  return { ...world, set, stops, release, priceNow, clean };
}

test('a control stops its order alone, which waits and says why; released, it passes that control', async (t) => {
  const { clock, steps, ask, set, stops, release, statusOf, reasonOf, journal, clean } =
    await open(t);
  await set({ orderQuantityMax: decimal('2'), orderValueMax: decimal('29') });
  const { id } = await ask();
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), [], 'SAP: 3 for EUR 30, Allianz: 2 for EUR 40');
  const told = (await stops()).map(({ isin, control, detail }) =>
    [isin, control, detail].join(' '),
  );
  assert.deepEqual(told.toSorted(), [
    `${sap} order_quantity 3 units, at most 2`,
    `${sap} order_value EUR 30, at most EUR 29`,
    `${allianz} order_value EUR 40, at most EUR 29`,
  ]);
  const reason = await reasonOf(id);
  assert.equal(reason?.reason, 'control');
  assert.ok(await release('order_value'));
  clock.advance(controlAgainMs);
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), [], 'the other control still stops it');
  assert.ok(await release('order_quantity'));
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), [sap], 'at once');
  await clean();
  assert.ok(await release('order_value', allianz));
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'FILLED');
  assert.deepEqual(await stops(), []);
  await clean();
});

test('a release is of one order and once', async (t) => {
  const { sql, clock, tenants, steps, ask, set, stops, journal } = await open(t);
  await set({ orderQuantityMax: decimal('1') });
  const position = [{ isin: sap, quantity: '2' }];
  await ask(tenants[0], position);
  await ask(tenants[0], position);
  await runUntilIdle(steps);
  const [one] = await stops();
  assert.ok(one);
  const by = { at: clock.now(), by: 'B. Desk', reason: 'it is right' };
  const which = { ...one, tenantId: tenants[0] };
  const ofOther = { ...which, tenantId: tenants[1] };
  assert.equal(await inTransaction(sql, (tx) => releaseStop(tx, ofOther, by)), undefined);
  assert.ok(await inTransaction(sql, (tx) => releaseStop(tx, which, by)));
  assert.equal(await inTransaction(sql, (tx) => releaseStop(tx, which, by)), undefined);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 1);
  assert.equal((await stops()).length, 1);
});

test('who releases a stopped order waits for a claim of it, and holds nothing meanwhile that the claim writes', async (t) => {
  const { sql, tenants, ask, steps, set, stops, release } = await open(t);
  await set({ orderQuantityMax: decimal('1') });
  await ask(tenants[0], [{ isin: sap, quantity: '2' }]);
  await runUntilIdle(steps);
  const [stop] = await stops();
  assert.ok(stop);
  const { releasing } = await inTransaction(sql, async (tx) => {
    await lockOrders(tx, [{ ...stop, tenantId: tenants[0] }]);
    const begun = release('order_quantity');
    await untilLocked('the release waits for the order', sql);
    const free = await tx`
      select from unwind.control_stops s
      where s.stop_id = ${stop.stopId}
      for no key update skip locked`;
    assert.equal(free.count, 1);
    return { releasing: begun };
  });
  assert.ok(await releasing);
});

test('what keeps its controls later goes by itself', async (t) => {
  const { clock, steps, ask, set, stops, priceNow, statusOf, clean } = await open(t);
  await set({ priceAgeMaxS: 60 });
  clock.advance(61_000);
  const { id } = await ask();
  await runUntilIdle(steps);
  assert.deepEqual(
    (await stops()).map(({ control }) => control),
    ['price_age', 'price_age'],
  );
  await priceNow();
  clock.advance(controlAgainMs);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'FILLED');
  assert.deepEqual(await stops(), []);
  await clean();
});

test('a stop is over where no limit is left', async (t) => {
  const { clock, steps, ask, set, stops, statusOf, clean } = await open(t);
  await set({ orderQuantityMax: decimal('1') });
  const { id } = await ask();
  await runUntilIdle(steps);
  assert.equal((await stops()).length, 2);
  await set({});
  clock.advance(controlAgainMs);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'FILLED');
  assert.deepEqual(await stops(), []);
  await clean();
});

test('what never arrived is sent again only where it keeps the controls of then', async (t) => {
  const { sql, clock, steps, ask, set, stops, release, statusOf, reasonOf, journal, clean } =
    await open(t);
  const { id } = await ask();
  await inTransaction(sql, (tx) => setDown(tx, true));
  await steps.release();
  await steps.submit();
  assert.equal((await reasonOf(id))?.reason, 'sent_unanswered');
  await inTransaction(sql, (tx) => setDown(tx, false));
  await set({ orderQuantityMax: decimal('2'), orderValueMax: decimal('35') });
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(submissionLeaseMs * 2);
    await steps.resolve();
  }
  assert.deepEqual(await journal(), []);
  assert.deepEqual(
    (await stops()).map(({ isin, control, detail }) => `${isin} ${control}: ${detail}`).toSorted(),
    [
      `${sap} order_quantity: 3 units, at most 2`,
      `${allianz} order_value: EUR 40, at most EUR 35`,
    ].toSorted(),
  );
  const { reason, detail } = (await reasonOf(id)) ?? {};
  assert.equal(reason, 'control', 'no answer is awaited');
  assert.match(detail ?? '', /^order_(quantity|value): /);
  assert.ok(await release('order_quantity'));
  clock.advance(submissionLeaseMs * 2);
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), [sap], 'exactly the released one');
  assert.equal((await reasonOf(id))?.reason, 'control', 'the other one');
  await set({});
  clock.advance(submissionLeaseMs * 2);
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), [sap, allianz]);
  assert.equal(await statusOf(id), 'FILLED');
  assert.deepEqual(await stops(), []);
  await clean();
});

test('the price collar holds what was sold last against the last price', async (t) => {
  const { sql, clock, steps, tenants, ask, set, stops, statusOf } = await open(t);
  await ask(tenants[0], [{ isin: sap, quantity: '1' }]);
  await runUntilIdle(steps);
  await set({ priceCollarPercent: decimal('10') });
  await sql`update unwind.prices p set price = 12 where p.isin = ${sap}`;
  const { id, accountId } = await ask();
  const of = { tenantId: tenants[0], accountId, hasRoom: true };
  const previewed = await previewLiquidation(sql, clock, of, { releaseDelayMs: 0 });
  await runUntilIdle(steps);
  const [stop] = await stops();
  assert.equal(stop?.detail, 'the last price is EUR 12, sold last for EUR 10, more than 10 % away');
  const { control, detail } = stop;
  const foreseen = previewed?.positions.find(({ holding }) => holding.isin === sap);
  assert.deepEqual(foreseen?.stops, [{ control, detail }]);
  assert.equal(await statusOf(id), 'PROCESSING');
});

test('controls of all hold for every tenant, and its own beside them', async (t) => {
  const { tenants, steps, ask, set, stops, journal } = await open(t);
  await set({ orderQuantityMax: decimal('2') }, everyTenant);
  await set({ orderQuantityMax: decimal('1') });
  await ask();
  await ask(tenants[1]);
  await runUntilIdle(steps);
  assert.equal((await stops()).length, 2);
  assert.equal((await stops(tenants[1])).length, 1);
  assert.deepEqual(await journal(), [allianz]);
});

test('the value of a day counts what is open or sold, not what came back, and begins anew at midnight', async (t) => {
  const { sql, clock, tenants, steps, ask, set, stops, journal, release, clean } = await open(t);
  await set({ dayValueMax: decimal('100') });
  const counted = async () => {
    return (await inTransaction(sql, (tx) => findDayValue(tx, tenants[0], clock.now()))).toFixed();
  };
  await ask(tenants[0], [{ isin: refused, quantity: '20' }]);
  await steps.release();
  await steps.submit();
  await runUntilIdle(steps);
  assert.equal(await counted(), '0', 'rejected: nothing of it was sold');
  await ask(tenants[0], [{ isin: sap, quantity: '9' }]);
  await runUntilIdle(steps);
  assert.equal(await counted(), '90');
  await ask(tenants[0], [{ isin: sap, quantity: '2' }]);
  await ask(tenants[0], [{ isin: sap, quantity: '1' }]);
  await runUntilIdle(steps);
  assert.equal(await counted(), '100', 'what still fits goes');
  const [stop] = await stops();
  assert.equal(stop?.detail, 'EUR 110 today with this order, at most EUR 100');
  assert.ok(await release('day_value'));
  await runUntilIdle(steps);
  assert.equal(await counted(), '120', 'a person may');
  await ask(tenants[0], [{ isin: allianz, quantity: '1' }]);
  await runUntilIdle(steps);
  const before = (await journal()).length;
  clock.advance(24 * 3_600_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, before + 1, 'the next day');
  assert.equal(await counted(), '20');
  await clean();
});

test('several processes at once do not exceed the value of a day', async (t) => {
  const { sql, clock, tenants, ask, set, journal, stops } = await open(t);
  for (let i = 0; i < 12; i += 1) {
    await ask(tenants[0], [
      { isin: sap, quantity: '1' },
      { isin: allianz, quantity: '1' },
    ]);
  }
  await set({ dayValueMax: decimal('200') });
  const processes = Array.from({ length: 4 }, () => engineSteps(sql, clock, quietly));
  await processes[0]?.release();
  // Claims of few orders each, so that all of them have some.
  const orders = await sql<{ order_id: string }[]>`select o.order_id from unwind.orders o`;
  assert.equal(orders.length, 24);
  const claims = processes.map(async (steps) => {
    while ((await steps.submit()) > 0);
  });
  await Promise.all(claims);
  const value = await inTransaction(sql, (tx) => findDayValue(tx, tenants[0], clock.now()));
  assert.ok(!value.gt('200') && value.gt('180'), `EUR ${value.toFixed()}`);
  assert.equal((await journal()).length + (await stops()).length, 24);
});

test('so many rejections within the window halt the venue, or the one instrument, until a person lets go', async (t) => {
  const { sql, clock, tenants, steps, ask, set, lift, statusOf, reasonOf, journal } = await open(t);
  await set({ rejections: { max: 2, windowS: 60 } });
  const rejected = [{ isin: refused, quantity: '1' }];
  const inForce = async () => {
    const query = { tenantId: tenants[0], inForce: true, below: undefined, limit: 10 };
    return (await findHalts(sql, query)).things;
  };
  await ask(tenants[0], rejected);
  await runUntilIdle(steps);
  clock.advance(60_000);
  await ask(tenants[0], rejected);
  await runUntilIdle(steps);
  assert.deepEqual(await inForce(), [], 'the first one is out of the window');
  await ask(tenants[0], rejected);
  await runUntilIdle(steps);
  const [halt, ...others] = await inForce();
  assert.ok(halt);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [halt.person, halt.venue, halt.isin],
    [servicePersons.rejections, 'XSIM', refused],
  );
  assert.match(halt.reason, /^2 rejections at XSIM within 60 s, the last: /);
  const before = (await journal()).length;
  const { id } = await ask(tenants[0], rejected);
  const beside = await ask(tenants[0], [{ isin: sap, quantity: '1' }]);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, before + 1, 'other instruments go on');
  assert.equal(await statusOf(beside.id), 'FILLED');
  assert.equal((await reasonOf(id))?.reason, 'halted');
  clock.advance(3_600_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, before + 1, 'it does not let go by itself');
  await lift(halt);
  await runUntilIdle(steps);
  assert.deepEqual(await inForce(), [], 'the count begins anew');
  assert.equal(await statusOf(id), 'CANCELLED');
});

test('however many rejections a window holds, no more than the newest are looked at', async (t) => {
  const { sql, clock, tenants, steps, ask } = await open(t);
  await ask(tenants[0], [{ isin: refused, quantity: '1' }]);
  await runUntilIdle(steps);
  await sql`
    insert into unwind.submissions
    select c.*
    from unwind.submissions s
    cross join generate_series(1, 2500) as n
    cross join lateral json_populate_record(
      s,
      json_build_object('client_order_id', 'N' || n, 'reason', n, 'updated_at', s.updated_at + n * interval '1 ms')
    ) c`;
  const since = later(clock.now(), -60_000);
  const counting = { tenantId: tenants[0], venue: 'XSIM', since, person: 'nobody' };
  const counted = await inTransaction(sql, (tx) => countRejections(tx, counting));
  const expected = { count: 2_000, onlyIsin: refused, lastReason: '2500', isHalted: false };
  assert.deepEqual(counted, expected);
});

for (const [what, strict] of [
  ['across all', everyTenant],
  ['its own', undefined],
] as const) {
  test(`the brake on rejections that is the stricter one holds: ${what}`, async (t) => {
    const { sql, tenants, steps, ask, set } = await open(t);
    // Whichever of the two comes first out of the database.
    const lax = { rejections: { max: 1_000, windowS: 1 } };
    const [own, ofAll] = [tenants[0], everyTenant];
    await set(lax, strict === undefined ? ofAll : own);
    await set({ rejections: { max: 1, windowS: 60 } }, strict ?? own);
    await ask(own, [{ isin: refused, quantity: '1' }]);
    await runUntilIdle(steps);
    const query = { tenantId: own, inForce: true, below: undefined, limit: 10 };
    const { things: halts } = await findHalts(sql, query);
    assert.deepEqual(
      halts.map(({ reason }) => reason.slice(0, 37)),
      ['1 rejections at XSIM within 60 s, the'],
    );
  });
}
