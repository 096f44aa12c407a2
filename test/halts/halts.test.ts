// What a halt stops, and what it leaves alone: release, sending, sending again; that nothing is lost; and when
// it is acknowledged. The journal of the simulated venue is the witness.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/clock.ts';
import { later } from '../../src/clock.ts';
import { listHalts, setHalt } from '../../src/commands/halts-command.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { untilAcknowledged } from '../../src/halts/acknowledge-halt.ts';
import { findHaltEffect } from '../../src/halts/effect-store.ts';
import { everyTenant, type HaltTarget } from '../../src/halts/halt.ts';
import {
  findClaimsUnderWay,
  findHalts,
  findSendsUntil,
  holdOffHalts,
} from '../../src/halts/halts-store.ts';
import { newId } from '../../src/ids.ts';
import { clocksApartMsMax, submissionLeaseMs } from '../../src/limits.ts';
import { decimal } from '../../src/money.ts';
import { setDown } from '../../src/venue/simulated/control-store.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { submitOrders } from '../../src/venue/simulated/submit-orders.ts';
import { TooLateError, type Venue } from '../../src/venue/venue.ts';
import { eventually } from '../support/condition.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { allianz, begin, quietly, sap } from './world.ts';

test('a halt of a tenant holds its liquidations where they are, and lifted they are sold', async (t) => {
  const { steps, tenants, ask, halt, lift, statusOf, reasonOf, journal } = await begin(t);
  const held = await ask();
  const other = await ask(tenants[1]);
  const made = await halt({});
  await runUntilIdle(steps);
  assert.deepEqual([await statusOf(held.id), await statusOf(other.id)], ['NEW', 'FILLED']);
  assert.equal((await journal()).length, 2, "the other tenant's");
  const detail = 'halted by A. Risk: prices are wrong';
  assert.deepEqual(await reasonOf(held.id), { reason: 'halted', isin: null, detail });
  assert.ok((await lift(made))?.lift);
  assert.equal(await lift(made), undefined, 'once');
  await runUntilIdle(steps);
  assert.equal(await statusOf(held.id), 'FILLED');
  assert.equal((await journal()).length, 4);
});

test('each scope holds what it covers and nothing else', async (t) => {
  const cases: readonly [name: string, Partial<HaltTarget>, held: number][] = [
    ['everything', { tenantId: everyTenant }, 4],
    ['an instrument of a tenant', { isin: sap }, 1],
    ['an instrument of all', { tenantId: everyTenant, isin: sap }, 2],
    ['the venue', { tenantId: everyTenant, venue: 'XSIM' }, 4],
    ['the venue for a tenant', { venue: 'XSIM' }, 2],
    ['another venue', { tenantId: everyTenant, venue: 'XETR' }, 0],
  ];
  for (const [name, target, held] of cases) {
    await t.test(name, async (inner) => {
      const world = await begin(inner);
      const tenantId = target.tenantId === everyTenant ? everyTenant : world.tenants[0];
      await world.ask();
      await world.ask(world.tenants[1]);
      const made = await world.halt({ ...target, tenantId });
      await runUntilIdle(world.steps);
      assert.equal((await world.journal()).length, 4 - held);
      await world.lift(made);
      await runUntilIdle(world.steps);
      assert.equal((await world.journal()).length, 4, 'nothing is lost');
    });
  }
  await t.test('an account', async (inner) => {
    const world = await begin(inner);
    const [one, two] = [await world.ask(), await world.ask()];
    await world.halt({ accountId: one.accountId });
    await runUntilIdle(world.steps);
    assert.deepEqual(
      [await world.statusOf(one.id), await world.statusOf(two.id)],
      ['NEW', 'FILLED'],
    );
  });
});

test('what a halt would stop counts positions that have no order yet, whatever it names', async (t) => {
  const whole = { isin: 'FR0000120271', price: '5', fractional: false };
  const { sql, steps, tenants, ask, halt } = await begin(t, { instruments: [whole] });
  const both = [
    { isin: sap, quantity: '3' },
    { isin: allianz, quantity: '2', locked: '2' },
    { isin: whole.isin, quantity: '0.5' },
  ];
  const one = await ask(tenants[0], both);
  await ask(tenants[0], [
    { isin: sap, quantity: '1' },
    { isin: allianz, quantity: '2' },
  ]);
  await ask(tenants[1]);
  const none = { accountId: undefined, isin: undefined, venue: undefined };
  const effectOf = async (target: Partial<HaltTarget>) => {
    const found = await findHaltEffect(sql, { tenantId: tenants[0], ...none, ...target });
    return [found.liquidations, found.positions, found.orders];
  };
  const cases: readonly [name: string, Partial<HaltTarget>, effect: readonly number[]][] = [
    ['all of the client', {}, [2, 3, 0]],
    ['everything', { tenantId: everyTenant }, [3, 5, 0]],
    ['an account', { accountId: one.accountId }, [1, 1, 0]],
    ['an instrument', { isin: sap }, [0, 2, 0]],
    ['an instrument of all', { tenantId: everyTenant, isin: allianz }, [0, 2, 0]],
    ['a fraction that is not sold', { isin: whole.isin }, [0, 0, 0]],
    ['the venue', { venue: 'XSIM' }, [0, 3, 0]],
    ['another venue', { venue: 'XETR' }, [0, 0, 0]],
  ];
  for (const [name, target, effect] of cases) {
    assert.deepEqual(await effectOf(target), effect, `${name}, before the release`);
  }
  // What was said before is what is held after.
  await halt({ tenantId: everyTenant, venue: 'XSIM' });
  await runUntilIdle(steps);
  for (const [name, target, [, positions]] of cases) {
    assert.deepEqual(await effectOf(target), [0, positions, 0], `${name}, after the release`);
  }
});

test('an order that was placed before the halt is not sent, and says why', async (t) => {
  const { sql, steps, tenants, ask, halt, lift, reasonOf, journal } = await begin(t);
  const { id } = await ask(tenants[0], [{ isin: sap, quantity: '1' }]);
  await steps.release();
  const made = await halt({ isin: sap });
  assert.deepEqual(await findHaltEffect(sql, made), {
    liquidations: 0,
    positions: 0,
    orders: 1,
    ordersAtVenue: 0,
  });
  assert.equal(await steps.submit(), 0);
  assert.deepEqual(await journal(), []);
  const detail = 'halted by A. Risk: prices are wrong';
  assert.deepEqual(await reasonOf(id), { reason: 'halted', isin: sap, detail });
  await lift(made);
  assert.equal(await steps.submit(), 1);
  assert.deepEqual(await journal(), [sap]);
});

test('what is at the venue goes on there and ends, but nothing new is placed', async (t) => {
  const { clock, steps, tenants, ask, halt, lift, statusOf, reasonOf } = await begin(t);
  const positions = [
    { isin: sap, quantity: '1' },
    { isin: allianz, quantity: '4', locked: '4' },
  ];
  const { id } = await ask(tenants[0], positions);
  await steps.release();
  await steps.submit();
  const made = await halt({});
  await runUntilIdle(steps);
  assert.deepEqual(await reasonOf(id).then((row) => row?.reason), 'locked');
  clock.advance(600_000);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'PROCESSING');
  await lift(made);
});

test('what never arrived is not sent again while it is halted', async (t) => {
  const { sql, clock, steps, ask, halt, lift, journal } = await begin(t);
  await ask();
  await inTransaction(sql, (tx) => setDown(tx, true));
  await steps.release();
  await steps.submit();
  await inTransaction(sql, (tx) => setDown(tx, false));
  const made = await halt({});
  for (let turn = 0; turn < 3; turn += 1) {
    clock.advance(60_000);
    await steps.resolve();
  }
  assert.deepEqual(await journal(), []);
  await lift(made);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 2);
});

test('a process that was asleep with what it claimed does not send it any more', async (t) => {
  const { sql, clock, steps, ask, journal } = await begin(t);
  await ask();
  await steps.release();
  let reads = 0;
  // It falls asleep between its claim and the call.
  const sleepy: Clock = {
    now: () => {
      reads += 1;
      return reads === 1 ? clock.now() : later(clock.now(), submissionLeaseMs);
    },
  };
  assert.equal(await engineSteps(sql, sleepy, quietly).submit(), 2);
  assert.deepEqual(await journal(), []);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 2, 'and another process does, once');
});

test('a process that waits for a connection to the venue for too long does not send any more', async (t) => {
  const { sql, clock, steps, ask, journal } = await begin(t);
  await ask();
  await steps.release();
  const venue = simulatedVenue(sql, clock, 0);
  const slow: Venue = {
    ...venue,
    submit: (orders, sendBefore) => {
      assert.ok(sendBefore !== undefined && sendBefore > clock.now());
      clock.advance(submissionLeaseMs);
      return venue.submit(orders, sendBefore);
    },
  };
  assert.equal(await engineSteps(sql, clock, { ...quietly, venue: slow }).submit(), 2);
  assert.deepEqual(await journal(), []);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 2, 'and another process does, once');
});

test('a call to the venue that lasts beyond its time is taken back before its commit', async (t) => {
  const { sql, clock, tenants, journal } = await begin(t);
  const sendBefore = later(clock.now(), 1_000);
  let reads = 0;
  const sleepy: Clock = {
    now: () => {
      reads += 1;
      return reads === 1 ? clock.now() : sendBefore;
    },
  };
  const order = {
    tenantId: tenants[0],
    clientOrderId: 'LATE',
    isin: sap,
    quantity: decimal('1'),
  };
  const call = { orders: [order], delayMs: 0, sendBefore };
  await assert.rejects(submitOrders(sql, sleepy, call), TooLateError);
  assert.deepEqual(await journal(), []);
});

test('a halt waits for what is claimed when it is set, also by a claim that raced', async (t) => {
  const { sql, clock, steps, ask, halt } = await begin(t);
  await ask();
  await inTransaction(sql, (tx) => setDown(tx, true));
  await steps.release();
  await steps.submit();
  const made = await halt({});
  // The claim began a moment after the instant of the halt, and before its commit.
  clock.advance(10);
  const leaseEnds = later(clock.now(), submissionLeaseMs);
  await sql`update unwind.submissions s set lease_expires_at = ${leaseEnds}`;
  const untilOf = (target: Partial<HaltTarget> = {}) => {
    return findSendsUntil(sql, { ...made, ...target }, clock.now());
  };
  assert.deepEqual(await untilOf(), leaseEnds);
  assert.equal(await untilOf({ isin: 'US0378331005' }), undefined, 'what it does not cover');
  let isAcknowledged = false;
  let looks = 0;
  const counting: Clock = {
    now: () => {
      looks += 1;
      return clock.now();
    },
  };
  const acknowledged = untilAcknowledged(sql, counting, made).finally(() => {
    isAcknowledged = true;
  });
  const looksOn = async (what: string) => {
    const before = looks;
    await eventually(what, () => looks > before + 3 || isAcknowledged);
    assert.equal(isAcknowledged, false, what);
  };
  await looksOn('the lease lasts');
  clock.advance(submissionLeaseMs);
  await looksOn('it has ended here, but not for a clock that is behind');
  clock.advance(clocksApartMsMax);
  assert.equal(await acknowledged, true);
});

test('a halt is set while a claim is under way, and is acknowledged after it', async (t) => {
  const { sql, clock, steps, tenants, ask, halt, journal } = await begin(t);
  await ask(tenants[0], [{ isin: sap, quantity: '1' }]);
  await steps.release();
  const gate = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const claiming = inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    claimed.resolve();
    await gate.promise;
  });
  await claimed.promise;
  const made = await halt({});
  assert.equal(await steps.submit(), 0, 'others see it at once, and are not held up');
  assert.equal((await findClaimsUnderWay(sql)).size, 1);
  let isOver = false;
  // Leases are looked at, by the clock, only when the claim is over.
  const watched: Clock = {
    now: () => {
      assert.ok(isOver, 'not before the claim is over');
      return clock.now();
    },
  };
  const acknowledged = untilAcknowledged(sql, watched, made);
  await Promise.race([acknowledged, findClaimsUnderWay(sql)]);
  isOver = true;
  gate.resolve();
  await claiming;
  assert.equal(await acknowledged, true);
  assert.deepEqual(await journal(), []);
});

test('a halt that a claim holds up for too long is in force, and acknowledged when asked again', async (t) => {
  const { sql, clock, steps, ask, halt, journal } = await begin(t);
  await ask();
  const gate = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const claiming = inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    claimed.resolve();
    await gate.promise;
  });
  await claimed.promise;
  const made = await halt({});
  assert.equal(await untilAcknowledged(sql, clock, made), false);
  await runUntilIdle(steps);
  assert.deepEqual(await journal(), []);
  gate.resolve();
  await claiming;
  assert.equal(await untilAcknowledged(sql, clock, made), true);
});

test('the command halts only what is there', async (t) => {
  const { sql, clock, tenants, ask } = await begin(t);
  const { accountId } = await ask();
  let printed = '';
  const on = {
    sql,
    clock,
    stdout: {
      write: (text: string) => {
        printed += text;
      },
    },
  };
  const by = { reason: 'a slip', actor: 'A. Risk' };
  const [client, other] = tenants;
  const wrong: readonly [Partial<Parameters<typeof setHalt>[1]>, RegExp][] = [
    [{ client: newId<'tenant'>() }, /^there is no client .*; nothing is halted\.$/],
    [{ client, account: newId<'account'>() }, /^there is no account /],
    [{ client: other, account: accountId }, /^there is no account /],
    [{ client, isin: 'US0378331005' }, /^there is no instrument US0378331005; /],
    [{ isin: 'US0378331005' }, /^there is no instrument /],
    [
      { venue: 'XETR' },
      /^there is no venue XETR: the service trades at XSIM; nothing is halted\.$/,
    ],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(setHalt(on, { ...by, ...options }), { name: 'RefusedError', message });
  }
  await assert.rejects(setHalt(on, { ...by, account: accountId }), {
    name: 'UsageError',
    message: '--account needs --client: whose account it is.',
  });
  const all = { tenantId: undefined, inForce: true, below: undefined, limit: 10 };
  assert.deepEqual((await findHalts(sql, all)).things, []);
  assert.equal(await setHalt(on, { ...by, isin: sap, venue: 'XSIM' }), 0);
  assert.match(printed, /^Halted instrument DE0007164600 of venue XSIM of all clients: /);
  printed = '';
  await listHalts(on, {});
  assert.match(printed, /^\S+ {2}instrument DE0007164600 of venue XSIM of all clients\n {2}set /);
});
