// The commands by which a person looks at the whole: report, top, doctor, and the explanation of one liquidation.
// Runs alone: it draws ids from the clock of the test.
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { after, test } from 'node:test';
import { pino } from 'pino';
import { examine } from '../../src/commands/doctor-command.ts';
import { explainLiquidation } from '../../src/commands/explain-liquidation.ts';
import { showLog } from '../../src/commands/fix-command.ts';
import { runReport } from '../../src/commands/report-command.ts';
import { readTop } from '../../src/commands/top-command.ts';
import { type TopState, timeLeftMs, topScreen } from '../../src/commands/top-screen.ts';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { insertHalt } from '../../src/halts/halts-store.ts';
import { drawIdsFrom, type LiquidationId, newId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { keyFileOf, readConfig } from '../../src/settings/config.ts';
import { openKeyFile } from '../../src/settings/key-file.ts';
import { newHome, newHomeOnServer, runUnwind } from '../service/processes.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { character, fc } from '../support/properties.ts';

const sap = 'DE0007164600';
const asleep = 'DE0007472060';
const refusedAtVenue = 'ZZREFUSED006';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
drawIdsFrom(clock);
after(async () => drawIdsFrom());
const tenantId = await makeTenant(sql, 'Broker');
const [flat, stuck, unwanted] = await makeBook(sql, {
  tenantId,
  instruments: [
    { isin: sap, price: '100' },
    { isin: asleep, price: '5', tradingStatus: 'INACTIVE' },
    { isin: refusedAtVenue, price: '5' },
  ],
  accounts: [
    { positions: [{ isin: sap, quantity: '3' }] },
    {
      positions: [
        { isin: sap, quantity: '1' },
        { isin: asleep, quantity: '120' },
      ],
    },
    { positions: [{ isin: refusedAtVenue, quantity: '10' }] },
  ],
});
assert.ok(flat && stuck && unwanted);
const steps = engineSteps(sql, clock, { delayMs: 0 });
const sold = await askToLiquidate(sql, clock, flat);
const waiting = await askToLiquidate(sql, clock, stuck);
const refused = await askToLiquidate(sql, clock, unwanted);
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
  assert.match(text, /It has 1 order, which is final, and has earned 300 EUR\./);
  assert.match(text, /It ended on \S+ \S+ UTC: everything that can be sold is sold\.\n$/);
  assert.match(
    await explained(refused),
    /: a venue rejected what was left for good \(ZZREFUSED006, the instrument is not admitted to trading\)\.\n$/,
  );
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
    ['Broker', 3, 1, '400.00', 1],
  );
  assert.deepEqual(broker.waiting, [{ reason: 'inactive', count: 1 }]);
  const shown = screen();
  await runReport(shown, { since: new Date('2026-01-01T00:00:00Z') });
  assert.match(shown.text(), /^since 2026-01-01T00:00:00\.000Z\n\nclient +asked/);
  assert.match(shown.text(), /Broker +inactive +1\n/);
  const unknown = runReport(screen(), { client: newId<'tenant'>() });
  await assert.rejects(unknown, { name: 'RefusedError', message: /there is no client/ });
});

test('top shows clients and the oldest waits', async () => {
  const state = await readTop({ sql, clock });
  const [client] = state.clients;
  assert.deepEqual([client?.name, client?.open, client?.endedToday], ['Broker', 1, 2]);
  assert.deepEqual(
    state.oldest.map(({ liquidation, reason }) => [liquidation, reason]),
    [[waiting, 'inactive']],
  );
  const text = topScreen(state, { columns: 200, rows: 40 }).join('\n');
  assert.match(text, /1 open/);
  assert.match(text, new RegExp(`${waiting} +Broker +\\d+ s +inactive`));
});

const anyClient = fc.record({
  name: fc.string({ unit: character, maxLength: 40 }),
  open: fc.nat(),
  askedToday: fc.nat(),
  endedToday: fc.nat(),
  soldToday: fc.constant('12.50'),
  ordersAMinute: fc.nat(),
  openOrders: fc.nat(),
  heldOrders: fc.nat(),
  parked: fc.nat(),
  waiting: fc.array(fc.record({ reason: fc.constant('locked'), count: fc.nat() }), {
    maxLength: 3,
  }),
});
const anyWait = fc.record({
  liquidation: fc.uuid(),
  client: fc.string({ unit: character }),
  ageMs: fc.nat(),
  reason: fc.constant('due'),
  detail: fc.string({ unit: character }),
});

test('a screen is never larger than the terminal, and no text of it moves the cursor', () => {
  const states = fc.record({
    at: fc.constant(new Date(0)),
    halts: fc.nat(),
    venues: fc.array(fc.record({ mic: fc.constant('XETR'), isOpen: fc.boolean() }), {
      maxLength: 20,
    }),
    clients: fc.array(anyClient, { maxLength: 60 }),
    hasMoreClients: fc.boolean(),
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
  const client = { openOrders: 90, heldOrders: 0, ordersAMinute: 30 };
  assert.equal(timeLeftMs(client), 180_000);
  assert.equal(timeLeftMs({ ...client, ordersAMinute: 0 }), undefined);
  assert.equal(
    timeLeftMs({ ...client, heldOrders: 60 }),
    60_000,
    'of what is held nobody can tell',
  );
  assert.equal(timeLeftMs({ ...client, heldOrders: 90 }), undefined);
});

const silent = pino({ level: 'silent' });

test('top and doctor show what controls stop and halts hold', async (t) => {
  const own = await makeTenant(sql, 'Held');
  const [one, two, three] = await makeBook(sql, {
    tenantId: own,
    instruments: [
      { isin: sap, price: '100' },
      { isin: 'US0378331005', price: '200' },
    ],
    accounts: [
      { positions: [{ isin: sap, quantity: '1' }] },
      { positions: [{ isin: sap, quantity: '9' }] },
      { positions: [{ isin: 'US0378331005', quantity: '1' }] },
    ],
  });
  const by = { reason: 'a test', person: 'A. Risk', setAt: clock.now() };
  const limits = { ...noLimits, orderValueMax: decimal('500') };
  const halt = {
    ...{ tenantId: own, haltId: newId<'halt'>(), strength: 'release' as const, ...by },
    ...{ accountId: undefined, isin: 'US0378331005', venue: undefined, lift: undefined },
  };
  await inTransaction(sql, async (tx) => {
    await replaceControls(tx, { ...limits, tenantId: own, controlsId: newId(), ...by });
  });
  for (const account of [one, two, three])
    await askToLiquidate(sql, clock, account ?? assert.fail());
  const held = async () => {
    const { clients } = await readTop({ sql, clock });
    const { openOrders, heldOrders } = clients.find(({ name }) => name === 'Held') ?? assert.fail();
    return [openOrders, heldOrders];
  };
  await steps.release();
  assert.deepEqual(await held(), [3, 0]);
  await inTransaction(sql, (tx) => insertHalt(tx, halt));
  assert.deepEqual(await held(), [3, 1]);
  await runUntilIdle(steps);
  assert.deepEqual(await held(), [2, 2], 'one is sold, one stopped, one halted');
  const config = await readConfig({ DATABASE_URL: url, UNWIND_HOME: await newHome(t) });
  const bySubject = async () => {
    const findings = await examine(config, silent);
    return new Map(findings.map(({ subject, ...rest }) => [subject, rest]));
  };
  const ill = await bySubject();
  assert.equal(ill.get('halts')?.health, 'note');
  assert.match(ill.get('halts')?.found ?? '', /^1 in force, the oldest since \S+: what they cover/);
  assert.match(ill.get('controls')?.found ?? '', /^1 orders are stopped by a pre-trade control$/);
  await sql`delete from unwind.control_stops`;
  await sql`delete from unwind.halts`;
  const well = await bySubject();
  assert.deepEqual([well.get('halts')?.health, well.get('controls')?.health], ['well', 'well']);
});

test('doctor finds what is wrong, and what to do about it', async (t) => {
  const home = await newHome(t);
  const config = await readConfig({ DATABASE_URL: url, UNWIND_HOME: home });
  const bySubject = async () => {
    const findings = await examine(config, silent);
    return new Map(findings.map((one) => [one.subject, one]));
  };
  const keyless = await bySubject();
  assert.equal(keyless.get('key file')?.health, 'ill');
  await assert.rejects(access(keyFileOf(config)), { code: 'ENOENT' });
  await openKeyFile(config);
  const well = await bySubject();
  assert.match(well.get('database')?.found ?? '', /^PostgreSQL 1[5-9]/);
  assert.equal(well.get('schema')?.health, 'well');
  assert.equal(well.get('parked')?.health, 'well');
  assert.equal(well.get('key file')?.health, 'well');
  assert.equal(well.get('mTLS')?.health, 'well');
  await sql`
    update unwind.tenants set certificates = array[decode(repeat('11', 32), 'hex')]
    where tenant_id = (select t.tenant_id from unwind.tenants t limit 1)`;
  const bound = (await bySubject()).get('mTLS');
  assert.equal(bound?.health, 'ill');
  assert.match(bound?.remedy ?? '', /^Set UNWIND_CERTIFICATE_HEADER/);
  const header = { UNWIND_CERTIFICATE_HEADER: 'client-cert', UNWIND_TRUSTED_PROXIES: '127.0.0.1' };
  const taking = await readConfig({ DATABASE_URL: url, UNWIND_HOME: home, ...header });
  const told = await examine(taking, silent);
  assert.equal(told.find(({ subject }) => subject === 'mTLS')?.health, 'well');
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
  const seen = [...keyless.values(), ...ahead.values(), bound, first];
  for (const one of seen)
    if (one?.health === 'ill') assert.match(one.remedy ?? '', /\S/, one.found);
});

test('of many clients the report leaves none out, and top says that it does', async () => {
  const others = Array.from({ length: 600 }, () => newId<'tenant'>());
  await sql`
    insert into unwind.tenants (tenant_id, name, secret_hash, scopes, signature_policy, created_at)
    select t.id, 'one of many', decode(repeat('00', 32), 'hex'), '{}', 'compatible', now()
    from unnest(${others}::uuid[]) t (id)`;
  const [account] = await makeBook(sql, {
    tenantId: others.at(-1) ?? assert.fail(),
    instruments: [{ isin: sap, price: '100' }],
    accounts: [{ positions: [{ isin: sap, quantity: '2' }] }],
  });
  await askToLiquidate(sql, clock, account ?? assert.fail());
  const all = screen();
  await runReport(all, { json: true });
  const { clients } = JSON.parse(all.text());
  assert.equal(clients.length, others.length + 2);
  assert.equal(clients.filter((one: { asked: number }) => one.asked > 0).length, 3);
  const one = screen();
  await runReport(one, { client: others.at(-1) ?? assert.fail(), json: true });
  assert.equal(JSON.parse(one.text()).clients[0].asked, 1);
  const state = await readTop({ sql, clock });
  assert.deepEqual([state.clients.length, state.hasMoreClients], [100, true]);
  assert.match(topScreen(state, { columns: 200, rows: 40 })[0] ?? '', /of the first 100 clients/);
});

test('a follower of the messages of a session misses none, also on the next trading day', async () => {
  await sql`
    insert into unwind.fix_sessions (
      venue, trading_day, is_reset_pending, next_out, next_in, last_report, status, status_at, lease_epoch
    )
    values ('XLOG', '2026-01-05', false, 1, 1, 0, 'ready', now(), 1)`;
  const receive = (day: string, from: number, to: number) => sql`
    insert into unwind.fix_messages (venue, trading_day, direction, number, type, at, fields)
    select 'XLOG', ${day}::date, 'in', n, '0', ${`${day}T09:00:00Z`}::timestamptz + n * interval '1 ms', ''
    from generate_series(${from}::integer, ${to}::integer) n`;
  await receive('2026-01-05', 1, 3);
  const stopped = new AbortController();
  const looks = [
    () => receive('2026-01-05', 4, 503),
    async () => {
      await sql`update unwind.fix_sessions s set trading_day = '2026-01-06' where s.venue = 'XLOG'`;
      await receive('2026-01-06', 1, 2);
    },
  ];
  const rest = async () => {
    const next = looks.shift();
    if (next === undefined) stopped.abort();
    else await next();
  };
  const on = screen();
  const { signal } = stopped;
  assert.equal(await showLog(on, { venue: 'XLOG', follow: true, json: true, signal, rest }), 0);
  const numbers = on
    .text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).number);
  assert.deepEqual(numbers, [...Array.from({ length: 503 }, (_, i) => i + 1), 1, 2]);
});

test('what only reads leaves a database of another schema as it is; an unknown client is exit code 1', async (t) => {
  const home = await newHomeOnServer(t, { migrated: false });
  const nobody = newId<'tenant'>();
  for (const args of [
    ['liquidations', 'preview', flat.accountId],
    ['statements', 'keys'],
  ]) {
    const left = await runUnwind(t, [...args, '--client', nobody], { home });
    assert.deepEqual([left.code, /unwind migrate/.test(left.stderr)], [2, true], left.stderr);
  }
  assert.equal((await runUnwind(t, ['migrate'], { home })).code, 0);
  for (const args of [
    ['statements', 'keys', '--client', nobody],
    ['clients', 'show', nobody],
    ['clients', 'disable', nobody, '--reason', 'left'],
    ['trail', 'show', nobody],
  ]) {
    const { code, stdout } = await runUnwind(t, [...args, '--json'], { home });
    assert.equal(code, 1, args.join(' '));
    assert.match(JSON.parse(stdout).error, /^there is no /);
  }
});
