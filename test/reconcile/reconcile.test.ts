// The record of a venue against ours: what agrees, and each difference, both ways.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ReconcileCommand, runReconcile } from '../../src/commands/reconcile-command.ts';
import { UsageError } from '../../src/commands/usage-error.ts';
import { recordNames } from '../../src/reconcile/record.ts';
import { Screen } from '../book/screen.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const [sap, siemens, busted] = ['DE0007164600', 'DE0007236101', 'ZZBUST000004'];

type Line = Record<(typeof recordNames)[number], string>;

/** Two clients with an account each that is sold on a Monday, and the record that the venue has of it. */
async function begin(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const tenants = [await makeTenant(sql), await makeTenant(sql)] as const;
  for (const tenantId of tenants) {
    const [account] = await makeBook(sql, {
      tenantId,
      instruments: [sap, siemens].map((isin) => ({ isin, price: '10.125' })),
      accounts: [
        {
          positions: [
            { isin: sap, quantity: '2.5' },
            { isin: siemens, quantity: '4' },
          ],
        },
      ],
    });
    assert.ok(account);
    await askToLiquidate(sql, clock, account);
    await runUntilIdle(steps);
    clock.advance(1_000);
  }
  const folder = await mkdtemp(join(tmpdir(), 'unwind-record-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  /** As the venue would write it. */
  const record = async (): Promise<Line[]> => [
    ...(await sql<Line[]>`
      select
        e.venue_execution_id as execution_id, e.client_order_id, e.isin, 'SELL' as side,
        trim_scale(e.quantity)::text as quantity, trim_scale(e.price)::text as price,
        e.currency, unwind.instant(e.executed_at) as executed_at
      from unwind_v1.executions e
      order by e.executed_at, e.isin`),
  ];
  const run = async (lines: readonly Line[], options: Partial<ReconcileCommand> = {}) => {
    const file = join(folder, 'record.csv');
    const rows = lines.map((line) => recordNames.map((name) => line[name]).join());
    await writeFile(file, [recordNames.join(), ...rows, ''].join('\n'));
    const stdout = new Screen(false);
    const code = await runReconcile({ sql, clock, stdout, venue: 'XSIM', file, ...options });
    return { code, text: stdout.text };
  };
  return { sql, clock, steps, tenants, record, run };
}

test('a record that says the same agrees, with the names of orders or without', async (t) => {
  const { record, run } = await begin(t);
  const lines = await record();
  assert.equal(lines.length, 4);
  const agrees = 'XSIM, 2026-01-05 (UTC): 4 executions here, 4 lines in the record\nBoth agree.\n';
  assert.deepEqual(await run(lines), { code: 0, text: agrees });
  const bare = lines.map((line) => ({ ...line, client_order_id: '', currency: '' }));
  assert.deepEqual(await run(bare.toReversed()), { code: 0, text: agrees });
});

test('each difference is named with its line, its execution and both sides', async (t) => {
  const { record, run, tenants } = await begin(t);
  const lines = await record();
  const [first, second, third, fourth] = lines;
  assert.ok(first && second && third && fourth);
  const strange = { ...first, execution_id: 'E-1', client_order_id: '', quantity: '3' };
  const changed = [
    { ...first, quantity: '2.4', price: '10.12', currency: 'USD' },
    { ...second, side: 'BUY', isin: sap },
    strange,
    { ...third, executed_at: '2026-01-05T08:00:00Z' },
    third,
  ];
  const { code, text } = await run(changed);
  assert.equal(code, 1);
  const of = (line: Line) => `execution ${line.execution_id} of order ${line.client_order_id}`;
  assert.deepEqual(text.trimEnd().split('\n'), [
    'XSIM, 2026-01-05 (UTC): 4 executions here, 5 lines in the record',
    `  line 2: currency: another currency: ${first.isin} ${of(first)}, here EUR, there USD`,
    `  line 2: price: another price: ${first.isin} ${of(first)}, here 10.125, there 10.12`,
    `  line 2: quantity: another quantity: ${first.isin} ${of(first)}, here 2.5, there 2.4`,
    `  line 3: instrument: another instrument: ${siemens} ${of(second)}, here ${siemens}, there ${sap}`,
    `  line 3: side: another side: ${siemens} ${of(second)}, here SELL, there BUY`,
    `  line 4: missing_here: the record has it, we have not: ${sap} execution E-1, there SELL 3 at 10.125`,
    `  line 6: doubled: the record has it more than once: ${third.isin} ${of(third)}, there as in line 5`,
    `  missing_there: we have it, the record has not: ${fourth.isin} ${of(fourth)}, here SELL 4 at 10.125`,
    '8 differences.',
  ]);
  const json = JSON.parse((await run(changed, { json: true })).text);
  assert.deepEqual([json.difference_count, json.executions, json.lines], [8, 4, 5]);
  assert.deepEqual(json.differences.at(-1), {
    kind: 'missing_there',
    execution_id: fourth.execution_id,
    client_order_id: fourth.client_order_id,
    isin: fourth.isin,
    client_id: tenants[1],
    here: 'SELL 4 at 10.125',
  });
  assert.deepEqual(JSON.parse((await run(lines, { json: true })).text).differences, []);
});

test('days and a client narrow what is compared', async (t) => {
  const { record, run, tenants, clock } = await begin(t);
  const lines = await record();
  const own = { client: tenants[0] };
  assert.equal((await run(lines.slice(0, 2), own)).code, 0);
  assert.match((await run(lines, own)).text, /\n2 differences\.\n$/);
  const day = { from: '2026-01-04' };
  const before = await run(lines, day);
  assert.equal(
    before.text,
    'XSIM, 2026-01-04 (UTC): 0 executions here, 0 lines in the record\nBoth agree.\n',
  );
  const empty = await run([], { from: '2026-01-05', until: '2026-01-06' });
  assert.match(empty.text, /2026-01-05 to 2026-01-06 [\s\S]*\n4 differences\.\n$/);
  // A day beside those asked for is looked at, and nothing is told of it.
  const other = lines.map((line) => ({ ...line, quantity: '1', side: 'BUY' }));
  assert.deepEqual(await run(other, day), before);
  // An instant that the venue rounds over midnight is found on the other side.
  clock.advance(24 * 3_600_000);
  const rounded = lines.map((line) => ({ ...line, executed_at: '2026-01-06T00:00:00Z' }));
  assert.equal((await run(rounded, { from: '2026-01-05' })).code, 0);
  assert.equal((await run(lines, { venue: 'XTST' })).code, 1);
});

test('an execution that is void here and counts there is reported', async (t) => {
  const { sql, clock, steps, tenants, record, run } = await begin(t);
  const [tenantId] = tenants;
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: busted, price: '90' }],
    accounts: [{ positions: [{ isin: busted, quantity: '20' }] }],
  });
  assert.ok(account);
  await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  clock.advance(20_000);
  await runUntilIdle(steps);
  const [void_] = await sql<{ name: string }[]>`
    select e.venue_execution_id as name from unwind_v1.executions e where e.busted_at is not null`;
  assert.ok(void_);
  const lines = await record();
  const { code, text } = await run(lines);
  assert.equal(code, 1);
  assert.match(
    text,
    new RegExp(`void_here: .*${busted} execution ${void_.name} .*\n1 difference\\.\n$`),
  );
  const kept = lines.filter((line) => line.execution_id !== void_.name);
  assert.equal((await run(kept)).code, 0);
  assert.equal((await run(lines, { from: '2026-01-04' })).code, 0, 'nor on another day');
});

test('a record that cannot be judged is refused with every bad line', async (t) => {
  const { record, run } = await begin(t);
  const [line] = await record();
  assert.ok(line);
  const bad = [
    { ...line, side: 'sell' },
    { ...line, execution_id: '' },
    { ...line, quantity: '1,5' },
  ];
  await assert.rejects(run(bad), (error: unknown) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /record\.csv:2: side: "sell" is none of: SELL, BUY/);
    assert.match(error.message, /record\.csv:3: execution_id: "" is not 1 to 100/);
    assert.match(error.message, /record\.csv:4: the number of fields is 9, not 8/);
    return true;
  });
  await assert.rejects(run([]), /has no line: name the days/);
  await assert.rejects(run([line], { file: '/nowhere.csv' }), /cannot be read: /);
  await assert.rejects(run([line], { from: '2026-01-06', until: '2026-01-05' }), /is after/);
});
