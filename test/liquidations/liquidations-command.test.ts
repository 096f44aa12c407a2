// What an operator sees of `unwind liquidations`: lists by filter, one liquidation with its positions,
// as a table for a person and as tabs or JSON for a program.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type LiquidationsCommand,
  listLiquidations,
  showLiquidation,
} from '../../src/commands/liquidations-command.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/ids.ts';
import { findOverview } from '../../src/liquidations/overview-store.ts';
import { askToStop } from '../../src/liquidations/stop-store.ts';
import { type SeenFilter, waitReasons } from '../../src/liquidations/waits-store.ts';
import { announceHalt } from '../../src/venue/calendar-store.ts';
import { Screen } from '../book/screen.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const [sap, siemens] = ['DE0007164600', 'DE0007236101'];
const haltedAt = new Date('2026-01-05T08:30:00.000Z');
const everything: SeenFilter = {
  tenantId: undefined,
  accountId: undefined,
  status: undefined,
  reason: undefined,
  isStuck: false,
  createdBefore: undefined,
  limit: 10,
};

const none = {
  status: undefined,
  accountId: undefined,
  createdBefore: undefined,
  below: undefined,
} as const;

/** Of one client a sold, a locked and a halted liquidation, and of another one a NEW one. */
async function begin(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const tenants = [await makeTenant(sql), await makeTenant(sql)] as const;
  for (const tenantId of tenants) {
    const instruments = [{ isin: sap, price: '10' }, { isin: siemens }];
    await makeBook(sql, { tenantId, instruments, accounts: [] });
  }
  const ask = async (isin: string, locked: string, tenantId = tenants[0], releaseDelayMs = 0) => {
    const accounts = [{ positions: [{ isin, quantity: '3.5', locked }] }];
    const [account] = await makeBook(sql, { tenantId, instruments: [], accounts });
    assert.ok(account);
    const id = await askToLiquidate(sql, clock, { ...account, releaseDelayMs });
    clock.advance(5);
    return { id, accountId: account.accountId };
  };
  const halt = { venue: 'XSIM', isin: siemens, isHalted: true, at: haltedAt };
  await inTransaction(sql, (tx) => announceHalt(tx, halt));
  const made = {
    sold: await ask(sap, '0'),
    locked: await ask(sap, '3.5'),
    halted: await ask(siemens, '0'),
  };
  await runUntilIdle(steps);
  const waiting = await ask(sap, '0', tenants[1], 10 * 365 * 86_400_000);
  const names = new Map(Object.entries({ ...made, waiting }).map(([name, { id }]) => [id, name]));
  const run = async (
    work: (command: LiquidationsCommand) => Promise<number>,
    { isTTY = false, json = false } = {},
  ) => {
    const stdout = new Screen(isTTY);
    const code = await work({ sql, stdout, json });
    return { code, text: stdout.text };
  };
  /** The names of those listed, in their order. */
  const listed = async (filter: Partial<SeenFilter>) => {
    const { code, text } = await run((on) => listLiquidations(on, { ...everything, ...filter }), {
      json: true,
    });
    assert.equal(code, 0);
    return (JSON.parse(text) as { liquidation_id: string }[]).map(({ liquidation_id: id }) => {
      return names.get(id as never);
    });
  };
  return { sql, clock, tenants, steps, names, ...made, waiting, run, listed };
}

test('the reasons that a command takes are those of the database, in their order', async (t) => {
  const { sql } = await createTestDatabase(t);
  const rows = await sql<{ reason: string }[]>`
    select unwind.wait_reason(n) as reason
    from generate_series(1, 20) as n
    order by n`;
  assert.deepEqual(
    rows.map(({ reason }) => reason),
    waitReasons,
  );
  const [beyond] = await sql<{ reason: string | null }[]>`select unwind.wait_reason(21) as reason`;
  assert.equal(beyond?.reason, null);
});

test('each filter leaves what it names, the newest first', async (t) => {
  const { listed, halted, tenants } = await begin(t);
  assert.deepEqual(await listed({}), ['waiting', 'halted', 'locked', 'sold']);
  assert.deepEqual(await listed({ limit: 2 }), ['waiting', 'halted']);
  assert.deepEqual(await listed({ tenantId: tenants[0] }), ['halted', 'locked', 'sold']);
  assert.deepEqual(await listed({ tenantId: newId<'tenant'>() }), []);
  assert.deepEqual(await listed({ accountId: halted.accountId }), ['halted']);
  assert.deepEqual(await listed({ status: 'PROCESSING' }), ['halted', 'locked']);
  assert.deepEqual(await listed({ status: 'FILLED' }), ['sold']);
  assert.deepEqual(await listed({ reason: 'halted' }), ['halted']);
  assert.deepEqual(await listed({ reason: 'locked' }), ['locked']);
  assert.deepEqual(await listed({ reason: 'release_delay' }), ['waiting']);
  assert.deepEqual(await listed({ reason: 'release_delay', tenantId: tenants[0] }), []);
  assert.deepEqual(await listed({ reason: 'halted', status: 'NEW' }), []);
  assert.deepEqual(await listed({ reason: 'at_venue' }), []);
});

test('a reason of any position is one to look for, and it is the one that is shown', async (t) => {
  const { sql, clock, run, listed, names, tenants, steps } = await begin(t);
  const positions = [
    { isin: sap, quantity: '3', locked: '3' },
    { isin: siemens, quantity: '2' },
  ];
  const [account] = await makeBook(sql, {
    tenantId: tenants[0],
    instruments: [],
    accounts: [{ positions }],
  });
  assert.ok(account);
  names.set(await askToLiquidate(sql, clock, account), 'both');
  await runUntilIdle(steps);
  assert.deepEqual(await listed({ reason: 'locked' }), ['both', 'locked']);
  assert.deepEqual(await listed({ reason: 'halted' }), ['both', 'halted'], 'not the first of both');
  const page = { tenantId: tenants[0], isStuck: false, limit: 10 } as const;
  for (const reason of ['locked', 'halted'] as const) {
    const { count } = await findOverview(sql, { ...none, ...page, reason });
    assert.equal(count, 2, reason);
  }
  const { text } = await run((on) => listLiquidations(on, { ...everything, reason: 'halted' }));
  const shown = text.trim().split('\n').slice(1);
  assert.deepEqual(
    shown.map((line) => line.split('\t')[3]),
    [`halted (${siemens})`, `halted (${siemens})`],
  );
});

test('a list is a table for a person, and tabs for a program', async (t) => {
  const { run, halted, sold } = await begin(t);
  const columns = ['liquidation', 'account', 'status', 'waits for', 'since', 'until', 'detail'];
  const row = [halted.id, halted.accountId, 'PROCESSING', `halted (${siemens})`];
  const since = haltedAt.toISOString();
  const ofHalted = { ...everything, accountId: halted.accountId };
  const piped = await run((on) => listLiquidations(on, ofHalted));
  assert.equal(piped.text, `${columns.join('\t')}\n${[...row, since, '', ''].join('\t')}\n`);
  const shown = await run((on) => listLiquidations(on, ofHalted), { isTTY: true });
  const [head = '', line = ''] = shown.text.split('\n');
  assert.equal(head.indexOf('waits for'), line.indexOf('halted'), 'columns are aligned');
  assert.equal(head.indexOf('since'), line.indexOf(since));
  const ended = await run((on) => listLiquidations(on, { ...everything, status: 'FILLED' }));
  const endOfSold = [
    sold.id,
    sold.accountId,
    'FILLED',
    '',
    '',
    '',
    'everything that can be sold is sold',
  ];
  assert.equal(ended.text, `${columns.join('\t')}\n${endOfSold.join('\t')}\n`);
  const none = await run((on) => listLiquidations(on, { ...everything, status: 'CANCELLED' }), {
    isTTY: true,
  });
  assert.equal(none.text, 'There are none.\n');
  const cut = await run((on) => listLiquidations(on, { ...everything, limit: 1 }), { isTTY: true });
  assert.match(cut.text, /\nOnly the newest 1 are shown: see --limit\.\n$/);
});

test('one liquidation is shown with what it has not sold', async (t) => {
  const { clock, run, halted, sold, sql, tenants } = await begin(t);
  const [tenantId] = tenants;
  const show = (liquidationId: typeof halted.id, json = false, hasTimeline = false) => {
    return run((on) => showLiquidation(on, { liquidationId, tenantId: undefined, hasTimeline }), {
      json,
    });
  };
  const { code, text } = await show(halted.id);
  assert.equal(code, 0);
  const since = haltedAt.toISOString();
  assert.match(text, new RegExp(`^liquidation +${halted.id}\nclient +${tenantId}\n`));
  assert.match(text, new RegExp(`\nwaits for +halted \\(${siemens}\\)\nsince +${since}\n`));
  assert.match(text, new RegExp(`\n${siemens} +3.5 +halted +${since} +no price in the book\n$`));
  const document = JSON.parse((await show(halted.id, true)).text);
  assert.equal(document.waits_for, 'halted');
  assert.deepEqual(document.positions, [
    { isin: siemens, quantity: '3.5', waits_for: 'halted', since, priced: false },
  ]);
  assert.doesNotMatch((await show(sold.id)).text, /waits for|expected/);
  const { text: told } = await show(sold.id, false, true);
  assert.match(told, new RegExp(`\norder .*\n[-0-9a-f]{36} +${sap} +FILLED +3.5 +3.5 +35.00 +1 `));
  const entries = told.slice(told.indexOf('\nat ')).trim().split('\n').slice(1);
  const kinds = entries.map((line) => /Z {2}(\w+( \w+)*)/.exec(line)?.[1]);
  assert.deepEqual([kinds[0], kinds.at(-1)], ['event', 'event']);
  assert.ok(kinds.includes('order sent') && kinds.includes('execution'), told);
  const missing = newId<'liquidation'>();
  assert.deepEqual(await show(missing), {
    code: 1,
    text: `There is no liquidation ${missing}.\n`,
  });
  // What others wrote does not command the terminal.
  const note = 'stuck \u001b[2J since\u202eMonday';
  await askToStop(sql, { liquidationId: halted.id, tenantId, note, now: clock.now() });
  const { text: stopping } = await show(halted.id);
  assert.match(stopping, /waits for +stopping\n/);
  assert.ok(stopping.includes('stuck \\u001b[2J since\\u202eMonday'), stopping);
});
