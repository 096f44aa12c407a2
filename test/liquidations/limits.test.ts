// Limits of the engine, at each and one beyond it: what a client asks for is refused, what the service
// does itself waits.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import { newId } from '../../src/ids.ts';
import { positionsMax } from '../../src/limits.ts';
import { createLiquidation } from '../../src/liquidations/create-liquidation.ts';
import { nextStep } from '../../src/liquidations/liquidation.ts';
import { OpenLiquidations } from '../../src/liquidations/open-liquidations.ts';
import { decimal } from '../../src/money.ts';
import { orderSubmitter } from '../../src/orders/submit-orders.ts';
import { Refusal } from '../../src/refusal.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, quietWorker, runUntilIdle } from '../support/engine.ts';

const isins = ['DE0007164600', 'DE0008404005', 'DE0007236101'];
const instruments = isins.map((isin) => ({ isin, price: '10' }));
const positions = isins.map((isin) => ({ isin, quantity: '1' }));

test('an account with more positions than the limit is refused, and its key is not used up', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, { tenantId, instruments, accounts: [{ positions }] });
  assert.ok(account);
  const request = {
    ...account,
    contract: '2023' as const,
    act: undefined,
    signature: { basesSha256: [randomBytes(32)], expiresAt: later(clock.now(), 300_000) },
    idempotencyKey: randomUUID(),
    requestHash: randomBytes(32),
  };
  const settings = { releaseDelayMs: 0, idempotencyRetentionMs: 86_400_000 };
  const ask = (max: number) => {
    const signature = { ...request.signature, basesSha256: [randomBytes(32)] };
    const limited = { ...settings, positionsMax: max };
    return createLiquidation(sql, clock, { ...request, signature }, limited);
  };
  await assert.rejects(ask(2), (error) => {
    return error instanceof Refusal && error.code === 'conflict' && /positions/.test(error.message);
  });
  assert.equal((await sql`select from unwind.liquidations`).length, 0);
  assert.equal((await ask(3)).status, 202);
});

test('a round sells no more positions than the limit; the rest follows', () => {
  const holdings = Array.from({ length: positionsMax + 1 }, (_, i) => ({
    isin: `XX${i}`,
    quantity: decimal('1'),
    locked: decimal('0'),
    held: decimal('0'),
    fractional: true,
    tradable: true,
    rejected: false,
    route: { venue: 'XSIM', symbol: undefined, currency: 'EUR' },
    lotSize: undefined,
  }));
  const step = nextStep(holdings, false);
  assert.equal(step.type === 'sell' && step.sales.length, positionsMax);
  assert.equal(nextStep(holdings.slice(positionsMax), false).type, 'sell');
});

test('a tenant with as many open liquidations as the limit waits until one has ended', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments,
    accounts: [{ positions }, { positions }, { positions }],
  });
  const open = new OpenLiquidations(sql, clock, 2);
  for (const account of accounts.slice(0, 2)) {
    assert.ok(await open.hasRoom(tenantId));
    await askToLiquidate(sql, clock, account);
    open.created(tenantId);
  }
  assert.ok(!(await open.hasRoom(tenantId)));
  assert.ok(await open.hasRoom(newId<'tenant'>()));
  const elsewhere = new OpenLiquidations(sql, clock, 2);
  assert.ok(!(await elsewhere.hasRoom(tenantId)), 'another process counts them as well');
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  assert.ok(!(await open.hasRoom(tenantId)), 'a count holds for a moment');
  clock.advance(1_000);
  assert.ok(await open.hasRoom(tenantId));
});

test('without room nothing is created, and a request sent again gets its first answer', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const [account, other] = await makeBook(sql, {
    tenantId,
    instruments,
    accounts: [{ positions }, { positions }],
  });
  assert.ok(account && other);
  const settings = { releaseDelayMs: 0, idempotencyRetentionMs: 60_000 };
  const ask = (of: typeof account, key: string, hasRoom: boolean) => {
    const signature = { basesSha256: [randomBytes(32)], expiresAt: later(clock.now(), 60_000) };
    const requestHash = Buffer.alloc(32, of.accountId);
    const own = { idempotencyKey: key, requestHash, signature, act: undefined, hasRoom };
    const request = { ...of, ...own, contract: '2023' as const };
    return createLiquidation(sql, clock, request, settings);
  };
  const key = randomUUID();
  const first = await ask(account, key, true);
  const again = await ask(account, key, false);
  assert.deepEqual(again, { ...first, replayed: true });
  await assert.rejects(ask(other, randomUUID(), false), (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 'too_many_requests');
    assert.equal(error.headers['retry-after'], '1');
    return true;
  });
  const rows = await sql`select l.liquidation_id from unwind.liquidations l`;
  assert.equal(rows.length, 1);
});

test('no more orders are sent than may be with the venue at once', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments,
    accounts: Array.from({ length: 3 }, () => ({ positions })),
  });
  const ids = [];
  for (const account of accounts) ids.push(await askToLiquidate(sql, clock, account));
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const venue = simulatedVenue(sql, clock, 0);
  const sender = { ...quietWorker(sql, clock), venue, holder: newId<'process'>() };
  const submit = orderSubmitter({ ...sender, inFlightMax: 4 });
  await steps.release();
  const sent: number[][] = [];
  for (let round = 0; round < 3; round += 1) {
    sent.push([await submit(), await submit(), await submit(), await submit()]);
    await steps.receive();
    await steps.apply();
  }
  // Each takes half of what is free, so that there is some for the next one.
  assert.deepEqual(sent, [
    [2, 1, 1, 0],
    [2, 1, 1, 0],
    [1, 0, 0, 0],
  ]);
  await runUntilIdle(steps);
  const filled = await sql`select from unwind.liquidations where status = 'FILLED'`;
  assert.equal(filled.length, ids.length);
});
