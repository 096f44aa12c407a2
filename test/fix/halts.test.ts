// Halts at a FIX venue: what waits in the outbox does not go onto the wire, what the venue asks for again is not
// sent again, and what is open is cancelled. What is left is sold when the halt is lifted.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Market } from '../../examples/fix/acceptor.ts';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later, systemClock } from '../../src/clock.ts';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { untilAcknowledged } from '../../src/halts/acknowledge-halt.ts';
import { everyTenant, type Halt, type HaltTarget } from '../../src/halts/halt.ts';
import { findSendsUntil, insertHalt } from '../../src/halts/halts-store.ts';
import { newId } from '../../src/ids.ts';
import { fixWriteMsMax } from '../../src/limits.ts';
import { liftHalt } from '../../src/liquidations/lift-halt.ts';
import { decimal, plain } from '../../src/money.ts';
import { fieldOf } from '../../src/venue/fix/codec.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { openScripted } from './scripted-world.ts';
import { openFixWorld } from './venue.ts';

const patienceMs = 120_000;
const isin = 'DE0007164600';

async function setHalt(
  sql: Sql,
  {
    strength = 'release',
    now = systemClock.now(),
    ...target
  }: Partial<HaltTarget & Halt> & { now?: Date },
): Promise<Halt> {
  const halt: Halt = {
    tenantId: everyTenant,
    accountId: undefined,
    isin: undefined,
    venue: undefined,
    ...target,
    haltId: newId<'halt'>(),
    strength,
    reason: 'a test',
    person: 'Tester',
    setAt: now,
    lift: undefined,
  };
  await inTransaction(sql, (tx) => insertHalt(tx, halt));
  return halt;
}

const lift = (sql: Sql, halt: Halt) => {
  const by = { at: systemClock.now(), by: 'Tester', reason: 'it is over' };
  return inTransaction(sql, (tx) => liftHalt(tx, halt, by));
};

test('what waits in the outbox when a halt is set is not sent, and may be tried again', async (t) => {
  const clock = testClock(new Date().toISOString());
  const world = await openScripted(t, { messages_per_s: 1 }, clock);
  const { sql, venue, until, submit } = world;
  await venue.logOn();
  await until('ready');
  const [sent, queued] = [submit(), submit()];
  const first = await venue.next('D');
  assert.ok([sent, queued].some(({ clientOrderId }) => clientOrderId === fieldOf(first, 11)));
  const waiting = fieldOf(first, 11) === sent.clientOrderId ? queued : sent;
  await setHalt(sql, { isin });
  clock.advance(1_000);
  assert.deepEqual(await waiting.outcome, [
    { type: 'rejected', reason: 'it was halted before it was sent', temporary: true },
  ]);
  assert.equal((await sql`select from unwind.fix_messages m where m.type = 'D'`).count, 1);
  venue.report(3, first, '17=A|150=0|39=0|14=0');
  const other = waiting === sent ? queued : sent;
  assert.equal((await other.outcome)[0]?.type, 'accepted');
});

test('what the venue asks for again is not sent again while it is halted', async (t) => {
  const { sql, venue, until, submit } = await openScripted(t);
  await venue.logOn();
  await until('ready');
  const { outcome } = submit();
  const order = await venue.next('D');
  await setHalt(sql, { isin });
  venue.send(`35=2|34=3|7=${fieldOf(order, 34)}|16=0`);
  const fill = await venue.next('4');
  assert.deepEqual([fieldOf(fill, 43), fieldOf(fill, 123)], ['Y', 'Y']);
  assert.deepEqual(await outcome, [
    { type: 'rejected', reason: 'it was halted before it came to the venue', temporary: true },
  ]);
});

test('what waits in the outbox when controls are set is held against them before it is sent', async (t) => {
  const clock = testClock(new Date().toISOString());
  const world = await openScripted(t, { messages_per_s: 1 }, clock);
  const { sql, venue, until, fix, tenantId } = world;
  const other = 'DE0008404005';
  const positions = [isin, other].map((one) => ({ isin: one, quantity: '10' }));
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [isin, other].map((one) => ({ isin: one, price: '10' })),
    accounts: [{ positions }],
  });
  assert.ok(account);
  await venue.logOn();
  await until('ready');
  const steps = engineSteps(sql, clock, { delayMs: 0, venue: fix.venue, onWarning: () => {} });
  await askToLiquidate(sql, clock, account);
  await steps.release();
  const submitted = steps.submit();
  const first = await venue.next('D');
  const by = { reason: 'a test', person: 'Tester', setAt: clock.now() };
  const controls = { ...noLimits, ...by, tenantId, controlsId: newId<'controls'>() };
  await inTransaction(sql, (tx) => {
    return replaceControls(tx, { ...controls, orderQuantityMax: decimal('9') });
  });
  clock.advance(1_000);
  const refusals = async () => {
    const rows = await sql<{ rejection: string }[]>`
      select o.rejection from unwind.fix_orders o where o.rejection is not null`;
    return rows.map(({ rejection }) => rejection);
  };
  await eventually('one is taken back', async () => (await refusals()).length > 0, patienceMs);
  assert.deepEqual(await refusals(), ['a control stopped it before it was sent']);
  assert.equal((await sql`select from unwind.fix_messages m where m.type = 'D'`).count, 1);
  venue.report(3, first, '17=A|150=0|39=0|14=0');
  await submitted;
});

test('what was numbered too long ago is not written: the connection ends, and the next one looks again', async (t) => {
  const clock = testClock(new Date().toISOString());
  const { sql, venue, until, submit } = await openScripted(t, {}, clock);
  await venue.logOn();
  await until('ready');
  // Its number is not committed until the time for writing it is over.
  await inTransaction(sql, async (tx) => {
    await tx`lock table unwind.fix_messages in share mode`;
    submit().outcome.catch(() => {});
    await eventually('the order is being numbered', async () => {
      const rows = await sql`
        select from pg_stat_activity a
        where a.datname = current_database()
          and a.wait_event_type = 'Lock'
          and a.query like '%insert into unwind.fix_messages%'`;
      return rows.count > 0;
    });
    clock.advance(fixWriteMsMax);
  });
  await eventually('it has connected again', () => venue.connections >= 2, patienceMs);
  const rows = await sql<{ type: string }[]>`
    select m.type from unwind.fix_messages m where m.direction = 'out' and m.type = 'D'`;
  assert.equal(rows.length, 1, 'the order has its number');
});

test('a halt waits for what a session has numbered and may be writing, and for nothing else', async (t) => {
  const { sql, tenantId, accountId } = await sellOverFix(t, { untouched: true });
  const now = systemClock.now();
  await sql`
    insert into unwind.fix_orders (
      tenant_id, client_order_id, venue, isin, quantity, status, queued_at, sent_at, sent_on,
      cumulative_quantity, cancel_requests
    )
    select s.tenant_id, s.client_order_id, s.venue, ${isin}, s.quantity, 'SENT', ${now}, ${now}, ${now}::date, 0, 0
    from unwind.submissions s`;
  const target = { tenantId, accountId, isin: undefined, venue: undefined };
  assert.deepEqual(await findSendsUntil(sql, target, now), later(now, fixWriteMsMax));
  await sql`update unwind.fix_orders o set status = 'QUEUED'`;
  assert.equal(
    await findSendsUntil(sql, target, now),
    undefined,
    'its outbox asks for halts itself',
  );
});

/** A liquidation on its way to the acceptor. `untouched`: it is claimed, and not handed over. */
async function sellOverFix(t: TestContext, { untouched = false, market = fills } = {}) {
  const world = await openFixWorld(t, { market });
  const { sql, fix } = world;
  const steps = engineSteps(sql, systemClock, {
    delayMs: 0,
    venue: untouched
      ? { ...fix.venue, submit: () => Promise.reject(new Error('it is not handed over')) }
      : fix.venue,
    onWarning: () => {},
  });
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '100' }],
    accounts: [{ positions: [{ isin, quantity: '10' }] }],
  });
  assert.ok(account);
  const id = await askToLiquidate(sql, systemClock, account);
  await steps.release();
  await steps.submit();
  return { ...world, steps, tenantId, accountId: account.accountId, id };
}

const fills: Market = ({ quantity }) => ({ fills: [{ quantity, price: '99.5' }], end: 'filled' });

test('over FIX an open order is cancelled in part, and the rest sold after the halt', async (t) => {
  // All of it is filled in part and rests, what is left of it is filled.
  const market: Market = ({ quantity }) => {
    return quantity === '10'
      ? { fills: [{ quantity: '4', price: '101.25' }], end: 'open' }
      : { fills: [{ quantity, price: '99.5' }], end: 'filled' };
  };
  const { sql, steps, id, tenantId, acceptor } = await sellOverFix(t, { market });
  const received = () => acceptor.ledger.map(({ quantity }) => plain(quantity));
  const order = async () => {
    const [row] = await sql<
      { status: string; filled: string; is_due: boolean; proceeds: string }[]
    >`
      select o.status, trim_scale(o.filled_quantity)::text as filled, o.submit_at is not null as is_due,
        trim_scale(o.proceeds)::text as proceeds
      from unwind.orders o
      where o.liquidation_id = ${id}`;
    return row;
  };
  const until = (what: string, isSo: () => Promise<boolean>) => {
    return eventually(
      what,
      async () => {
        await runUntilIdle(steps);
        return isSo();
      },
      patienceMs,
    );
  };
  await until('it has sold some', async () => (await order())?.filled === '4');
  const halt = await setHalt(sql, { tenantId, strength: 'cancel' });
  assert.equal(await untilAcknowledged(sql, systemClock, halt), true);
  await until('the rest was taken back', async () => (await order())?.is_due === true);
  assert.deepEqual(await order(), {
    status: 'PROCESSING',
    filled: '4',
    is_due: true,
    proceeds: '405',
  });
  assert.deepEqual(received(), ['10']);
  await lift(sql, halt);
  await sql`update unwind.orders o set submit_at = ${systemClock.now()} where o.submit_at is not null`;
  await until('all is sold', async () => (await order())?.status === 'FILLED');
  assert.equal((await order())?.proceeds, '1002', '4 at 101.25 and 6 at 99.5');
  assert.deepEqual(received(), ['10', '6']);
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
});
