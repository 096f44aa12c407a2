// An import beside requests and other imports for the same accounts: who comes second waits, and
// then sees what the first has done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImpossibleState } from '../../src/assert.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { askToCancel, askToLiquidate } from '../support/engine.ts';
import { untilLocked } from '../support/locks.ts';
import {
  accountBench,
  anna,
  assertBookAddsUp,
  type BookFiles,
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

const { accountId } = anna;

test('an import waits for a request on the account, and then sees its liquidation', async (t) => {
  const runs = `liquidation ${bert.userId} runs, until its end`;
  const imports: readonly (readonly [BookFiles, string])[] = [
    [
      { 'positions.csv': positions([accountId, sap, '99', '0', '2026-01-04T00:00:00Z']) },
      `2: account_id: ${runs} positions change only by credits and locks (unwind positions)`,
    ],
    [
      { 'accounts.csv': [headers.accounts, `${accountId},${bert.userId},ACTIVE,EUR`] },
      `2: user_id: ${runs} the user stays`,
    ],
  ];
  for (const [files, reason] of imports) {
    const bench = await accountBench(t);
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
          tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount,
          event_count, release_at, created_at, updated_at
        )
        values (
          ${tenantId}, ${bert.userId}, ${accountId}, ${account.userId}, 1, 'NEW', 0, 1,
          ${clock.now()}, ${clock.now()}, ${clock.now()}
        )`;
      held.resolve();
      await finish.promise;
    });
    await held.promise;
    const importing = badLinesOf(t, bench, files);
    await untilLocked('the import waits', sql, 1);
    finish.resolve();
    await request;
    assert.deepEqual(await importing, [reason]);
  }
});

test('a request waits for an import of the account, and then values what it brought', async (t) => {
  const bench = await accountBench(t);
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
  await untilLocked('the import waits', sql, 1);
  const asking = askToLiquidate(sql, clock, account);
  await untilLocked('the request waits as well', sql, 2);
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

test('a position that changes behind the lock of its account stops the import', async (t) => {
  const bench = await accountBench(t);
  const { sql, tenantId } = bench;
  const held = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const intruder = inTransaction(sql, async (tx) => {
    await tx`
      update unwind.positions p
      set quantity = p.quantity - 1
      where p.tenant_id = ${tenantId}
        and p.account_id = ${accountId}
        and p.isin = ${sap}`;
    held.resolve();
    await finish.promise;
  });
  await held.promise;
  const lines = positions([accountId, sap, '99', '0', '2026-01-04T00:00:00Z']);
  const refused = assert.rejects(
    importFiles(t, bench, { 'positions.csv': lines }),
    ImpossibleState,
  );
  await untilLocked('the import waits', sql, 1);
  finish.resolve();
  await Promise.all([intruder, refused]);
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 11.5 2`);
  assert.equal((await movementsOf(bench)).length, 3);
});

test('a request that comes with the import of its account sees all of it or nothing', async (t) => {
  const bench = await accountBench(t);
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
      select l.cash_amount = (
        select v.value
        from unwind.indicative_values(l.tenant_id, l.account_id, l.liquidation_id) as v
      ) as is_current
      from unwind.liquidations l
      where l.liquidation_id = ${liquidationId}`;
    assert.equal(row?.['is_current'], true);
    await askToCancel(sql, clock, { ...account, liquidationId });
  }
  await assertBookAddsUp(bench);
});

test('two imports of the same files at once book each difference once', async (t) => {
  const bench = await accountBench(t);
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
