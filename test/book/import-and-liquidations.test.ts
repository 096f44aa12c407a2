// The import after and during liquidations: what was sold never comes back, and an account that is
// being liquidated is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import { Refusal } from '../../src/refusal.ts';
import { askToCancel, askToLiquidate, runUntilIdle } from '../support/engine.ts';
import {
  type AccountBench,
  accountBench,
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
} from './import-support.ts';

const { accountId, userId } = anna;

/** Liquidates the account, on which nothing is locked. @returns the instant of the last sale. */
async function liquidate(bench: AccountBench): Promise<Date> {
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

test('what was sold does not come back with an old file', async (t) => {
  const bench = await accountBench(t);
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

test('a line older than the last import of its account is refused, one as old is not', async (t) => {
  const bench = await accountBench(t);
  const next = '2026-01-03T17:30:00Z';
  await importRight(t, bench, { 'positions.csv': positions([accountId, sap, '1', '0', next]) });
  assert.deepEqual(
    await badLinesOf(t, bench, {
      'positions.csv': positions(
        [accountId, siemens, '4', '0', '2026-01-03T17:29:59.999Z'],
        [bert.accountId, sap, '8', '0', '2026-01-03T17:29:59.999Z'],
      ),
    }),
    ["2: as_of: older than the account's last movement or snapshot, at 2026-01-03T17:30:00.000Z"],
  );
  // The other part of the same snapshot, written in another time zone.
  const part = positions([accountId, siemens, '4', '0', '2026-01-03T18:30:00+01:00']);
  await importRight(t, bench, { 'positions.csv': part });
  const { files } = await importFiles(t, bench, { 'positions.csv': part });
  assert.deepEqual(files.map(countsOf), ['0/0/1']);
  await assertBookAddsUp(bench);
});

test('a snapshot that changes nothing is remembered: an older one cannot follow it', async (t) => {
  const bench = await accountBench(t);
  const at = (time: string, quantity: string) => ({
    'positions.csv': positions([accountId, sap, quantity, '0', time]),
  });
  await importRight(t, bench, at('2026-01-03T17:30:00Z', '5'));
  await importRight(t, bench, at('2026-01-04T17:30:00Z', '5'));
  assert.deepEqual(await badLinesOf(t, bench, at('2026-01-03T18:00:00Z', '99')), [
    "2: as_of: older than the account's last movement or snapshot, at 2026-01-04T17:30:00.000Z",
  ]);
  await assertBookAddsUp(bench);
});

test('positions and owner of an account stay while its liquidation runs', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account, steps } = bench;
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 1_000 });
  const files = {
    'positions.csv': positions(
      [bert.accountId, sap, '8', '0', '2026-01-04T00:00:00Z'],
      [accountId, sap, '99', '0', '2026-01-04T00:00:00Z'],
    ),
  };
  const refused = [
    `3: account_id: liquidation ${liquidationId} runs, until its end positions change only by ` +
      'credits and locks (unwind positions)',
  ];
  const owner = {
    'accounts.csv': [headers.accounts, `${accountId},${bert.userId},ACTIVE,EUR`],
  };
  const ownerRefused = [
    `2: user_id: liquidation ${liquidationId} runs, until its end the user stays`,
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

test('a cancelled liquidation keeps no import from the account', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account } = bench;
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 1_000 });
  await askToCancel(sql, clock, { ...account, liquidationId });
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${accountId},${bert.userId},ACTIVE,EUR`],
    'positions.csv': positions([accountId, sap, '1', '0', '2026-01-04T00:00:00Z']),
  });
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 1 0`);
});

test('a snapshot may be of market time, where a sandbox test has moved it ahead', async (t) => {
  const bench = await accountBench(t);
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

test('an account that an import locks is not liquidated', async (t) => {
  const bench = await accountBench(t);
  await importRight(t, bench, {
    'accounts.csv': [headers.accounts, `${accountId},${userId},LOCKED,EUR`],
  });
  await assert.rejects(askToLiquidate(bench.sql, bench.clock, bench.account), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.message, 'The account is LOCKED.');
    return true;
  });
});
