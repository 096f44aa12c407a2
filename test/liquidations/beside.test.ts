// A small tenant beside a large one: while a batch of one tenant is under way, the others are worked for.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { identifier } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { receiverAgent } from '../../src/egress/post.ts';
import { buildEngine } from '../../src/engine.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { beginDuty } from '../../src/reservations/duty-store.ts';
import type { Keeper } from '../../src/reservations/keeper.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { makeBatch } from '../batches/world.ts';
import { testSeal } from '../deliveries/subscriptions.ts';
import { type AccountOfUser, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, usualEndLimits } from '../support/engine.ts';
import { untilLocked } from '../support/locks.ts';

const isin = 'DE0007164600';
const patienceMs = 120_000;

async function makeAccount(sql: Sql): Promise<AccountOfUser> {
  const [account] = await makeBook(sql, {
    tenantId: await makeTenant(sql),
    instruments: [{ isin, price: '10' }],
    accounts: [{ positions: [{ isin, quantity: '1' }] }],
  });
  return account ?? assert.fail();
}

async function statusOf(sql: Sql, { tenantId }: AccountOfUser): Promise<string | undefined> {
  const rows = await sql<{ status: string }[]>`
    select l.status
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}`;
  return rows[0]?.status;
}

/** Holds the lock of an account's positions until the test lets go. */
async function holdPositions(t: TestContext, sql: Sql, { tenantId, accountId }: AccountOfUser) {
  const held = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  t.after(async () => letGo.resolve());
  const done = inTransaction(sql, async (tx) => {
    await tx`
      select p.isin
      from unwind.positions p
      where p.tenant_id = ${tenantId}
        and p.account_id = ${accountId}
      for update`;
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  return async (): Promise<void> => {
    letGo.resolve();
    await done;
  };
}

test('a step that is called again meanwhile works for another tenant, and for no other batch of the same', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const [large, small] = [await makeAccount(sql), await makeAccount(sql)];
  for (const account of [large, small]) await askToLiquidate(sql, clock, account);
  const { release } = engineSteps(sql, clock, { delayMs: 0 });
  const letGo = await holdPositions(t, sql, large);
  const first = release();
  await untilLocked('the first batch waits for the lock', sql);
  assert.deepEqual([await release(), await release()], [1, 0]);
  assert.equal(await statusOf(sql, small), 'PROCESSING');
  assert.equal(await statusOf(sql, large), 'NEW');
  await letGo();
  assert.equal(await first, 1);
  assert.equal(await statusOf(sql, large), 'PROCESSING');
});

/**
 * Locks the rows of the first of two tenants, as another process does that works on them. @returns what the step
 * does meanwhile, and what it does once they are free.
 */
async function workBeside(
  sql: Sql,
  table: string,
  tenantIds: readonly TenantId[],
  step: () => Promise<number>,
) {
  const [first = assert.fail()] = tenantIds.toSorted();
  const taken = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const other = inTransaction(sql, async (tx) => {
    const rows = await tx`
      select from unwind.${identifier(table)} where tenant_id = ${first} for update`;
    assert.ok(rows.count > 0);
    taken.resolve();
    await letGo.promise;
  });
  await taken.promise;
  const meanwhile = await step().finally(() => letGo.resolve());
  await other;
  return { meanwhile, afterwards: await step() };
}

/** Steps whose turn is of a tenant, and whose rows they take. */
const claims = [
  ['release', 'liquidations'],
  ['submit', 'orders'],
  ['apply', 'venue_reports'],
] as const;
for (const [step, table] of claims) {
  test(`${step}: a tenant whose rows are all taken by another process is passed over`, async (t) => {
    const { sql } = await createTestDatabase(t);
    const clock = testClock();
    const accounts = [await makeAccount(sql), await makeAccount(sql)];
    for (const account of accounts) await askToLiquidate(sql, clock, account);
    const steps = engineSteps(sql, clock, { delayMs: 0 });
    for (const before of ['release', 'submit', 'receive', 'apply'] as const) {
      if (before === step) break;
      while ((await steps[before]()) > 0);
    }
    const tenantIds = accounts.map(({ tenantId }) => tenantId);
    const { meanwhile, afterwards } = await workBeside(sql, table, tenantIds, steps[step]);
    assert.ok(meanwhile > 0, 'for the tenant behind it');
    assert.equal(afterwards, meanwhile, 'and then for the one that was taken');
  });
}

test('start: a tenant whose batch is taken by another process is passed over', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const accounts = [await makeAccount(sql), await makeAccount(sql)];
  for (const account of accounts) {
    await makeBatch(sql, clock, { tenantId: account.tenantId, accounts: [account] });
  }
  const { start } = engineSteps(sql, clock, { delayMs: 0 });
  const tenantIds = accounts.map(({ tenantId }) => tenantId);
  const { meanwhile, afterwards } = await workBeside(sql, 'batches', tenantIds, start);
  assert.deepEqual([meanwhile, afterwards], [1, 1]);
});

/** Grants nothing, and hears every report. */
const keeper: Keeper = {
  ask: async () => ({ type: 'granted', positions: [] }),
  report: async () => ({ type: 'reported' }),
};
for (const step of ['reserve', 'report'] as const) {
  test(`${step}: a tenant whose reservations are taken by another process is passed over`, async (t) => {
    const { sql } = await createTestDatabase(t);
    const clock = testClock();
    await beginDuty(sql, clock.now());
    const accounts = [await makeAccount(sql), await makeAccount(sql)];
    for (const account of accounts) await askToLiquidate(sql, clock, account);
    const steps = engineSteps(sql, clock, { delayMs: 0, keeper });
    const befores =
      step === 'reserve'
        ? (['release'] as const)
        : (['release', 'reserve', 'release', 'advance'] as const);
    for (const before of befores) while ((await steps[before]()) > 0);
    const tenantIds = accounts.map(({ tenantId }) => tenantId);
    const { meanwhile, afterwards } = await workBeside(sql, 'reservations', tenantIds, steps[step]);
    assert.deepEqual([meanwhile, afterwards], [1, 1]);
  });
}

test('a call to the venue that takes long for one tenant holds up no other', async (t) => {
  const { sql } = await createTestDatabase(t, { max: 14 });
  const clock = testClock();
  const [large, small] = [await makeAccount(sql), await makeAccount(sql)];
  for (const account of [large, small]) await askToLiquidate(sql, clock, account);
  const venue = simulatedVenue(sql, clock, 0);
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const agent = receiverAgent({ policy: { allowLoopback: true }, timeoutMs: 1_000 });
  const failures: unknown[] = [];
  const engine = buildEngine({
    sql,
    clock,
    venues: [
      {
        ...venue,
        submit: async (orders) => {
          if (orders.some(({ tenantId }) => tenantId === large.tenantId)) {
            asked.resolve();
            await answer.promise;
          }
          return venue.submit(orders);
        },
      },
    ],
    seal: testSeal,
    agent,
    webhookTimeoutMs: 1_000,
    holder: newId<'process'>(),
    endLimits: usualEndLimits,
    starts: { releaseDelayMs: 0 },
    log: { info: () => {}, warn: () => {}, error: (fields) => failures.push(fields) },
  });
  t.after(async () => {
    answer.resolve();
    await engine.stop();
    await agent.close();
  });
  await engine.start();
  await asked.promise;
  await eventually(
    'the small tenant is done',
    async () => (await statusOf(sql, small)) === 'FILLED',
    patienceMs,
  );
  assert.equal(await statusOf(sql, large), 'PROCESSING');
  answer.resolve();
  await eventually(
    'the large one as well',
    async () => (await statusOf(sql, large)) === 'FILLED',
    patienceMs,
  );
  assert.deepEqual(failures, []);
});
