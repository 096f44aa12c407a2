// What an operator sees of `unwind positions`: one delta, a file of them, and the exit code.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runDelta, runDeltaFile } from '../../src/commands/deltas-command.ts';
import type { OnClient } from '../../src/commands/run.ts';
import {
  type AccountBench,
  accountBench,
  anna,
  assertBookAddsUp,
  bert,
  bookDirectory,
  holdingsOf,
  movementsOf,
  sap,
  siemens,
  stranger,
} from './import-support.ts';
import { Screen } from './screen.ts';

const { accountId } = anna;

async function said(
  bench: AccountBench,
  work: (command: OnClient) => Promise<number>,
): Promise<string> {
  const { sql, clock, tenantId } = bench;
  const stdout = new Screen();
  const code = await work({ sql, clock, tenantId, stdout });
  return `${code}\n${stdout.text}`;
}

const one = (bench: AccountBench, ...fields: readonly string[]) => {
  return said(bench, (command) => runDelta(command, fields));
};

test('one delta is applied, and the same again changes nothing', async (t) => {
  const bench = await accountBench(t);
  const fields = ['unlock', accountId.toUpperCase(), sap, '1.50', 'ticket 1'];
  assert.equal(await one(bench, ...fields), `0\nunlock of 1.5 ${sap} is applied.\n`);
  assert.equal(
    await one(bench, ...fields),
    `0\nunlock of 1.5 ${sap} was applied before, nothing was changed.\n`,
  );
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 12.5 0.5`);
  await assertBookAddsUp(bench);
});

test('what is wrong with a delta is said, and nothing is changed', async (t) => {
  const bench = await accountBench(t);
  const before = [await holdingsOf(bench), await movementsOf(bench)];
  const cases: readonly (readonly [fields: readonly string[], reason: string])[] = [
    [['lock', accountId, sap, '11', 'r'], 'quantity: only 10.5 is neither locked nor being sold'],
    [['unlock', accountId, sap, '3', 'r'], 'quantity: only 2 is locked'],
    [['credit', stranger, sap, '3', 'r'], 'account_id: this client has no such account'],
    [['credit', 'me', sap, '3', 'r'], 'account_id: "me" is no UUID'],
    [['credit', accountId, sap, '-3', 'r'], 'quantity: "-3" is negative'],
    [['credit', accountId, sap, '3', ''], 'reference: is empty'],
  ];
  for (const [fields, reason] of cases) {
    assert.equal(await one(bench, ...fields), `1\nNothing was changed: ${reason}.\n`);
  }
  assert.deepEqual([await holdingsOf(bench), await movementsOf(bench)], before);
});

async function fileOf(t: TestContext, lines: readonly string[]): Promise<string> {
  const file = join(await bookDirectory(t, {}), 'deltas.csv');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

const header = 'type,account_id,isin,quantity,reference';

test('a file of deltas is applied as a whole, and the same file again changes nothing', async (t) => {
  const bench = await accountBench(t);
  const file = await fileOf(t, [
    'reference,isin,type,quantity,account_id',
    `a,${sap},unlock,2,${accountId}`,
    `b,${siemens},credit,1,${bert.accountId}`,
  ]);
  const run = () => said(bench, (command) => runDeltaFile(command, file));
  assert.equal(await run(), '0\nApplied 2 deltas; 0 were applied before.\n');
  assert.equal(await run(), '0\nApplied 0 deltas; 2 were applied before.\n');
  assert.deepEqual(await holdingsOf(bench), [
    `${accountId} ${sap} 12.5 0`,
    `${accountId} ${siemens} 3 0`,
    `${bert.accountId} ${sap} 7 0`,
    `${bert.accountId} ${siemens} 1 0`,
  ]);
  await assertBookAddsUp(bench);
});

test('every bad line of a file is reported, and nothing of it is applied', async (t) => {
  const bench = await accountBench(t);
  const before = await movementsOf(bench);
  const bad = await fileOf(t, [
    header,
    `credit,${accountId},${sap},1,a`,
    `debit,${accountId},${sap},1,b`,
    'too,short',
    `lock,${accountId},${sap},0,c`,
  ]);
  const end = 'Nothing was changed: correct these lines and apply the file again.\n';
  assert.equal(
    await said(bench, (command) => runDeltaFile(command, bad)),
    `1\n${bad}:3: type: "debit" is none of: credit, lock, unlock\n` +
      `${bad}:4: the number of fields is 2, not 5\n` +
      `${bad}:5: quantity: "0" is not more than 0\n${end}`,
  );
  const refused = await fileOf(t, [
    header,
    `credit,${accountId},${sap},1,a`,
    `lock,${accountId},${sap},12,b`,
    `unlock,${accountId},${siemens},1,a`,
  ]);
  assert.equal(
    await said(bench, (command) => runDeltaFile(command, refused)),
    `1\n${refused}:3: quantity: only 11.5 is neither locked nor being sold\n` +
      `${refused}:4: reference: it was used for another delta\n${end}`,
  );
  const empty = await fileOf(t, []);
  assert.match(
    await said(bench, (command) => runDeltaFile(command, empty)),
    /deltas\.csv: the file is empty; its first line must be type,account_id,isin,/,
  );
  assert.deepEqual(await movementsOf(bench), before);
});

test('a file that is not there is reported', async (t) => {
  const bench = await accountBench(t);
  assert.match(
    await said(bench, (command) => runDeltaFile(command, '/nowhere/deltas.csv')),
    /^1\nNothing was changed: \/nowhere\/deltas\.csv cannot be read: it does not exist\.\n$/,
  );
});
