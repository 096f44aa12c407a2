// The import beside liquidations: what was sold never comes back, an account that is being
// liquidated is left alone, and an import and a request for the same account wait for each other.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { AccountId, UserId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToCancel, askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import {
  anna,
  asOf,
  assertBookAddsUp,
  badLinesOf,
  bert,
  countsOf,
  headers,
  holdingsOf,
  importFiles,
  importRight,
  movementsOf,
  positions,
  sap,
  siemens,
  smallBook,
  versionsOf,
} from './import-support.ts';

const accountId = anna.accountId as AccountId;
const userId = anna.userId as UserId;

/** A database of its own with the small book imported, and the engine stopped. */
async function newBench(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const bench = { sql, clock, tenantId: await makeTenant(sql) };
  await importRight(t, bench, smallBook);
  const account = { tenantId: bench.tenantId, accountId, userId };
  return { ...bench, account, steps: engineSteps(sql, clock, { delayMs: 0 }) };
}

type LiquidationBench = Awaited<ReturnType<typeof newBench>>;

/** Liquidates the account, on which nothing is locked. @returns the instant of the last sale. */
async function liquidate(bench: LiquidationBench): Promise<Date> {
  const { sql, clock, account, steps } = bench;
  const liquidationId = await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  const [row] = await sql<{ status: string; last: Date }[]>`
    select
      l.status,
      (
        select max(m.effective_at)
        from unwind.movements m
        where m.tenant_id = l.tenant_id
          and m.account_id = l.account_id
          and m.reason = 'execution'
      ) as last
    from unwind.liquidations l
    where l.tenant_id = ${bench.tenantId}
      and l.liquidation_id = ${liquidationId}`;
  assert.equal(row?.status, 'FILLED');
  return row.last;
}

/** Waits until so many connections wait for a lock. */
async function waitingForLocks(sql: Sql, count: number): Promise<void> {
  await eventually(`${count} connections wait for a lock`, async () => {
    const rows = await sql`
      select pid
      from pg_stat_activity
      where datname = current_database()
        and wait_event_type = 'Lock'`;
    return rows.length === count;
  });
}

test('what was sold does not come back with an old file', async (t) => {
  const bench = await newBench(t);
  const { clock } = bench;
  const unlocked = positions(
    [accountId, sap, '12.5', '0', '2026-01-05T08:00:00Z'],
    [accountId, siemens, '3', '0', '2026-01-05T08:00:00Z'],
  );
  await importRight(t, bench, { 'positions.csv': unlocked });
  const last = await liquidate(bench);
  const sold = [
    `${accountId} ${sap} 0 0`,
    `${accountId} ${siemens} 0 0`,
    `${bert.accountId} ${sap} 7 0`,
  ];
  assert.deepEqual(await holdingsOf(bench), sold);
  const movements = await movementsOf(bench);

  clock.advance(3_600_000);
  const tooOld = `as_of: not after the account's last sale, at ${last.toISOString()}`;
  const times = [
    '2026-01-05T08:00:00Z',
    later(last, -1).toISOString(),
    // Of the very instant of the sale, it may be from before it. A part of a millisecond after is
    // no way around: executions are not told so finely.
    last.toISOString(),
    last.toISOString().replace('Z', '999Z'),
  ];
  for (const time of times) {
    const files = {
      'positions.csv': positions(
        [accountId, sap, '12.5', '0', time],
        [bert.accountId, sap, '7', '0', time],
        [accountId, siemens, '3', '0', time],
      ),
    };
    assert.deepEqual(await badLinesOf(t, bench, files), [`2: ${tooOld}`, `4: ${tooOld}`]);
  }
  assert.deepEqual(await holdingsOf(bench), sold);
  assert.deepEqual(await movementsOf(bench), movements);

  // A snapshot of after the sale is right; another account's may be older.
  const time = later(last, 1).toISOString();
  await importRight(t, bench, {
    'positions.csv': positions(
      [accountId, sap, '0', '0', time],
      [accountId, siemens, '0.25', '0', time],
      [bert.accountId, sap, '6', '0', asOf],
    ),
  });
  assert.deepEqual(await holdingsOf(bench), [
    `${accountId} ${sap} 0 0`,
    `${accountId} ${siemens} 0.25 0`,
    `${bert.accountId} ${sap} 6 0`,
  ]);
  await assertBookAddsUp(bench);
});

test('a line older than the last import of its account is refused, one of its time is not', async (t) => {
  const bench = await newBench(t);
  const next = '2026-01-03T17:30:00Z';
  await importRight(t, bench, { 'positions.csv': positions([accountId, sap, '1', '0', next]) });
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'positions.csv': positions(
        [accountId, siemens, '4', '0', '2026-01-03T17:29:59.999Z'],
        [bert.accountId, sap, '8', '0', '2026-01-03T17:29:59.999Z'],
      ),
    }),
    ["2: as_of: older than the account's last movement, at 2026-01-03T17:30:00.000Z"],
  );
  // The other part of the same snapshot, written in another time zone.
  const part = positions([accountId, siemens, '4', '0', '2026-01-03T18:30:00+01:00']);
  await importRight(t, bench, { 'positions.csv': part });
  const { files } = await importFiles(t, bench, { 'positions.csv': part });
  assert.deepEqual(files.map(countsOf), ['0/0/1']);
  await assertBookAddsUp(bench);
});

test('positions and owner of an account stay while its liquidation runs', async (t) => {
  const bench = await newBench(t);
  const { sql, clock, account, steps } = bench;
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 1_000 });
  const files = {
    'positions.csv': positions(
      [bert.accountId, sap, '8', '0', '2026-01-04T00:00:00Z'],
      [accountId, sap, '99', '0', '2026-01-04T00:00:00Z'],
    ),
  };
  const refused = [
    `3: account_id: liquidation ${liquidationId} runs, until its end positions stay`,
  ];
  const owner = {
    'accounts.csv': [headers.accounts, `${accountId},${bert.userId},ACTIVE,EUR`],
  };
  const ownerRefused = [
    `2: user_id: liquidation ${liquidationId} runs, until its end the account stays with its user`,
  ];
  // NEW
  assert.deepEqual(await badLinesOf(t, bench, files), refused);
  assert.deepEqual(await badLinesOf(t, bench, owner), ownerRefused);
  // PROCESSING, since two units are locked.
  clock.advance(1_000);
  await runUntilIdle(steps);
  const [row] = await sql`
    select l.status
    from unwind.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  assert.equal(row?.['status'], 'PROCESSING');
  assert.deepEqual(await badLinesOf(t, bench, files), refused);
  assert.deepEqual(await badLinesOf(t, bench, owner), ownerRefused);
  // Its status may change, for that is the keeper's to say.
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${accountId},${userId},LOCKED,EUR`],
  });
  await assertBookAddsUp(bench);
});

test('a cancelled liquidation is in nobody’s way', async (t) => {
  const bench = await newBench(t);
  const { sql, clock, account } = bench;
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 1_000 });
  await askToCancel(sql, clock, { ...account, liquidationId });
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${accountId},${bert.userId},ACTIVE,EUR`],
    'positions.csv': positions([accountId, sap, '1', '0', '2026-01-04T00:00:00Z']),
  });
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 1 0`);
});

test('an import waits for a request that holds the account, and then sees its liquidation', async (t) => {
  const bench = await newBench(t);
  const { sql, clock, account, tenantId } = bench;
  const held = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  // As a request does it: the account is locked, the liquidation inserted, the commit is to come.
  const request = inTransaction(sql, async (tx) => {
    await tx`
      select a.account_id
      from unwind.accounts a
      where a.tenant_id = ${tenantId}
        and a.account_id = ${accountId}
      for no key update`;
    await tx`
      insert into unwind.liquidations (
        tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
        release_at, created_at, updated_at
      )
      values (
        ${tenantId}, ${bert.userId}, ${accountId}, ${account.userId}, 1, 'NEW', 0, 1,
        ${clock.now()}, ${clock.now()}, ${clock.now()}
      )`;
    held.resolve();
    await finish.promise;
  });
  await held.promise;
  const importing = badLinesOf(t, bench, {
    'positions.csv': positions([accountId, sap, '99', '0', '2026-01-04T00:00:00Z']),
  });
  await waitingForLocks(sql, 1);
  finish.resolve();
  await request;
  assert.deepEqual(await importing, [
    `2: account_id: liquidation ${bert.userId} runs, until its end positions stay`,
  ]);
});

test('a request waits for an import that holds the account, and then values what it brought', async (t) => {
  const bench = await newBench(t);
  const { sql, clock, account, tenantId } = bench;
  const held = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  // A reader of another kind keeps the import from writing, when it has locked the account.
  const reader = inTransaction(sql, async (tx) => {
    await tx`
      select p.isin
      from unwind.positions p
      where p.tenant_id = ${tenantId}
        and p.account_id = ${accountId}
      for share`;
    held.resolve();
    await finish.promise;
  });
  await held.promise;
  const importing = importRight(t, bench, {
    'positions.csv': positions(
      [accountId, sap, '10', '0', '2026-01-04T00:00:00Z'],
      [accountId, siemens, '0', '0', '2026-01-04T00:00:00Z'],
    ),
  });
  await waitingForLocks(sql, 1);
  const asking = askToLiquidate(sql, clock, account);
  await waitingForLocks(sql, 2);
  finish.resolve();
  await Promise.all([reader, importing]);
  const liquidationId = await asking;
  const [row] = await sql`
    select l.cash_amount
    from unwind.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  assert.equal(row?.['cash_amount'], '2083.50');
  assert.equal((await versionsOf(bench))[accountId], '2');
});

test('a request that comes with the import of its account is refused or sees all of it', async (t) => {
  const bench = await newBench(t);
  const { sql, clock, account } = bench;
  for (let round = 1; round <= 10; round += 1) {
    const time = `2026-01-04T00:00:${String(round).padStart(2, '0')}Z`;
    const lines = positions([accountId, sap, `${round}`, '0', time]);
    const [imported, liquidationId] = await Promise.all([
      importFiles(t, bench, { 'positions.csv': lines }),
      askToLiquidate(sql, clock, { ...account, releaseDelayMs: 60_000 }),
    ]);
    const [holding] = await holdingsOf(bench);
    const isImported = countsOf(imported.files[0]) === '0/1/0';
    const quantity = holding?.split(' ')[2];
    assert.equal(quantity === `${round}`, isImported);
    const [row] = await sql`
      select l.cash_amount = unwind.indicative_value(l.tenant_id, l.account_id, l.liquidation_id)
        as is_current
      from unwind.liquidations l
      where l.liquidation_id = ${liquidationId}`;
    assert.equal(row?.['is_current'], true);
    await askToCancel(sql, clock, { ...account, liquidationId });
  }
  await assertBookAddsUp(bench);
});

test('two imports of the same files at once book each difference once', async (t) => {
  const bench = await newBench(t);
  const lines = positions(
    [accountId, sap, '20', '0', '2026-01-04T00:00:00Z'],
    [bert.accountId, siemens, '5', '1', '2026-01-04T00:00:00Z'],
  );
  const reports = await Promise.all(
    [1, 2, 3].map(() => importFiles(t, bench, { ...smallBook, 'positions.csv': lines })),
  );
  assert.deepEqual(reports.map((report) => countsOf(report.files.at(-1))).sort(), [
    '0/0/2',
    '0/0/2',
    '1/1/0',
  ]);
  assert.equal((await movementsOf(bench)).length, 5);
  await assertBookAddsUp(bench);
});

test('a snapshot may be of market time, where a sandbox test has moved it ahead', async (t) => {
  const bench = await newBench(t);
  const unlocked = positions(
    [accountId, sap, '12.5', '0', '2026-01-05T08:00:00Z'],
    [accountId, siemens, '0', '0', '2026-01-05T08:00:00Z'],
  );
  await importRight(t, bench, { 'positions.csv': unlocked });
  await bench.sql`update unwind.market_clock set offset_ms = 86400000`;
  const last = await liquidate(bench);
  assert.ok(last > later(bench.clock.now(), 3_600_000));
  const at = (instant: Date) => ({
    'positions.csv': positions([accountId, sap, '1', '0', instant.toISOString()]),
  });
  assert.deepEqual(await badLinesOf(t, bench, at(bench.clock.now())), [
    `2: as_of: not after the account's last sale, at ${last.toISOString()}`,
  ]);
  const tooLate = later(bench.clock.now(), 86_400_000 + 30_001);
  assert.deepEqual(await badLinesOf(t, bench, at(tooLate)), [
    `2: as_of: "${tooLate.toISOString()}" is in the future`,
  ]);
  await importRight(t, bench, at(later(last, 1)));
  await assertBookAddsUp(bench);
});

test('an account that is locked at its keeper is not liquidated after the import that says so', async (t) => {
  const bench = await newBench(t);
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${accountId},${userId},LOCKED,EUR`],
  });
  await assert.rejects(askToLiquidate(bench.sql, bench.clock, bench.account), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.message, 'The account is LOCKED.');
    return true;
  });
});
