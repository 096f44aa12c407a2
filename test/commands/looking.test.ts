// The commands by which a person looks at the whole: report, top, doctor, and the explanation of one liquidation.
// Runs alone: it draws ids from the clock of the test.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { examine } from '../../src/commands/doctor-command.ts';
import { explainLiquidation } from '../../src/commands/explain-liquidation.ts';
import { runReport } from '../../src/commands/report-command.ts';
import { readTop } from '../../src/commands/top-command.ts';
import { type TopState, timeLeftMs, topScreen } from '../../src/commands/top-screen.ts';
import { drawIdsFrom, type LiquidationId, newId } from '../../src/ids.ts';
import { readConfig } from '../../src/settings/config.ts';
import { newHome } from '../service/processes.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const sap = 'DE0007164600';
const asleep = 'DE0007472060';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
drawIdsFrom(clock);
after(async () => drawIdsFrom());
const tenantId = await makeTenant(sql, 'Broker');
const [flat, stuck] = await makeBook(sql, {
  tenantId,
  instruments: [
    { isin: sap, price: '100' },
    { isin: asleep, price: '5', tradingStatus: 'INACTIVE' },
  ],
  accounts: [
    { positions: [{ isin: sap, quantity: '3' }] },
    {
      positions: [
        { isin: sap, quantity: '1' },
        { isin: asleep, quantity: '120' },
      ],
    },
  ],
});
assert.ok(flat && stuck);
const steps = engineSteps(sql, clock, { delayMs: 0 });
const sold = await askToLiquidate(sql, clock, flat);
const waiting = await askToLiquidate(sql, clock, stuck);
await runUntilIdle(steps);

/** What a command works with, and what it prints. */
function screen() {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  return { sql, clock, stdout: { write }, text: () => text };
}

async function explained(liquidationId: LiquidationId): Promise<string> {
  const on = screen();
  assert.equal(await explainLiquidation(on, { liquidationId, tenantId: undefined }, false), 0);
  return on.text();
}

test('what has ended is explained by how it ended', async () => {
  const text = await explained(sold);
  assert.match(text, new RegExp(`^Account ${flat.accountId} was to be sold on 2026-`));
  assert.match(text, /It has 1 order, which is final, and has earned 300 EUR so far\./);
  assert.match(text, /It ended on \S+ \S+ UTC: everything that can be sold is sold\.\n$/);
});

test('what waits is explained by each reason, and what helps', async () => {
  const text = await explained(waiting);
  assert.match(text, /It waits because the instrument does not trade/);
  assert.match(text, /120 units of DE0007472060 are left: the instrument does not trade/);
  assert.match(text, /To do: import instruments once it trades again\.\n$/);
  const which = { liquidationId: newId<'liquidation'>(), tenantId: undefined };
  await assert.rejects(explainLiquidation(screen(), which, false), /there is no liquidation/);
});

test('the report adds up what was sold, and what waits', async () => {
  const on = screen();
  assert.equal(await runReport(on, { json: true }), 0);
  const { clients } = JSON.parse(on.text());
  const [broker] = clients;
  assert.deepEqual(
    [broker.name, broker.asked, broker.filled, broker.proceeds, broker.open.processing],
    ['Broker', 2, 1, '400.00', 1],
  );
  assert.deepEqual(broker.waiting, [{ reason: 'inactive', count: 1 }]);
  const shown = screen();
  await runReport(shown, { since: new Date('2026-01-01T00:00:00Z') });
  assert.match(shown.text(), /^since 2026-01-01T00:00:00\.000Z\n\nclient +asked/);
  assert.match(shown.text(), /Broker +inactive +1\n/);
  await assert.rejects(runReport(screen(), { client: newId<'tenant'>() }), /there is no client/);
});

test('top shows clients and the oldest waits', async () => {
  const state = await readTop({ sql, clock });
  const [client] = state.clients;
  assert.deepEqual([client?.name, client?.open, client?.endedToday], ['Broker', 1, 1]);
  assert.deepEqual(
    state.oldest.map(({ liquidation, reason }) => [liquidation, reason]),
    [[waiting, 'inactive']],
  );
  const text = topScreen(state, { columns: 200, rows: 40 }).join('\n');
  assert.match(text, /1 open/);
  assert.match(text, new RegExp(`${waiting} +Broker +\\d+ s +inactive`));
});

const anyClient = fc.record({
  name: fc.string({ unit: 'binary', maxLength: 40 }),
  open: fc.nat(),
  askedToday: fc.nat(),
  endedToday: fc.nat(),
  soldToday: fc.constant('12.50'),
  ordersAMinute: fc.nat(),
  openOrders: fc.nat(),
  parked: fc.nat(),
  waiting: fc.array(fc.record({ reason: fc.constant('locked'), count: fc.nat() }), {
    maxLength: 3,
  }),
});
const anyWait = fc.record({
  liquidation: fc.uuid(),
  client: fc.string({ unit: 'binary' }),
  ageMs: fc.nat(),
  reason: fc.constant('due'),
  detail: fc.string({ unit: 'binary' }),
});

test('a screen is never larger than the terminal, and no text of it moves the cursor', () => {
  const states = fc.record({
    at: fc.constant(new Date(0)),
    halts: fc.nat(),
    venues: fc.array(fc.record({ mic: fc.constant('XETR'), isOpen: fc.boolean() }), {
      maxLength: 20,
    }),
    clients: fc.array(anyClient, { maxLength: 60 }),
    oldest: fc.array(anyWait, { maxLength: 60 }),
  });
  const sizes = fc.record({
    columns: fc.integer({ min: 1, max: 200 }),
    rows: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(states, sizes, (state: TopState, size) => {
      const lines = topScreen(state, size);
      assert.ok(lines.length <= size.rows);
      for (const line of lines) {
        assert.ok(line.length <= size.columns);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
    }),
  );
});

test('how long it takes follows from what was sold in the last minute', () => {
  const client = { openOrders: 90, ordersAMinute: 30 };
  const rest = {
    name: '',
    open: 1,
    askedToday: 1,
    endedToday: 0,
    soldToday: '0',
    parked: 0,
    waiting: [],
  };
  assert.equal(timeLeftMs({ ...rest, ...client }), 180_000);
  assert.equal(timeLeftMs({ ...rest, ...client, ordersAMinute: 0 }), undefined);
});

const silent = pino({ level: 'silent' });

test('doctor finds what is wrong, and what to do about it', async (t) => {
  const home = await newHome(t);
  const config = await readConfig({ DATABASE_URL: url, UNWIND_HOME: home });
  const bySubject = async () => {
    const findings = await examine(config, silent);
    return new Map(findings.map((one) => [one.subject, one]));
  };
  const well = await bySubject();
  assert.match(well.get('database')?.found ?? '', /^PostgreSQL 1[5-9]/);
  assert.equal(well.get('schema')?.health, 'well');
  assert.equal(well.get('parked')?.health, 'well');
  assert.equal(well.get('key file')?.health, 'well');
  await sql`
    insert into unwind.migrations (number, name, sha256, applied_at, compatible_from)
    select max(m.number) + 2, 'later', repeat('0', 64), now(), max(m.number) + 2
    from unwind.migrations m`;
  const ahead = await bySubject();
  assert.deepEqual(
    [ahead.get('schema')?.health, ahead.get('schema')?.remedy],
    ['ill', 'Upgrade Unwind on this machine.'],
  );
  const nowhere = await readConfig({
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    UNWIND_HOME: home,
  });
  const [first] = await examine(nowhere, silent);
  assert.equal(first?.health, 'ill');
  assert.match(first?.found ?? '', /connection refused/);
});
