// What commands change, and what a start is configured with, stands in the trail; and what verify prints.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { runAbandon } from '../../src/commands/abandon-command.ts';
import { runCalendar } from '../../src/commands/calendar-command.ts';
import { runDelta } from '../../src/commands/deltas-command.ts';
import { lift, setHalt } from '../../src/commands/halts-command.ts';
import { runImport } from '../../src/commands/import-command.ts';
import { listActs } from '../../src/commands/trail-command.ts';
import { makeKey, runVerify } from '../../src/commands/verify-command.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant, type HaltId } from '../../src/halts/halt.ts';
import type { TenantId } from '../../src/ids.ts';
import { readConfig } from '../../src/settings/config.ts';
import { recordStart } from '../../src/settings/start-act.ts';
import { openCheckpoints } from '../../src/settings/trail-key.ts';
import { allTenants } from '../../src/trail/act.ts';
import { type ActPlace, findActs, findActsOfAll, recordAct } from '../../src/trail/acts-store.ts';
import { CheckpointWriter } from '../../src/trail/export-checkpoints.ts';
import { sealTrail } from '../../src/trail/seal-trail.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, testDirectory } from '../support/database.ts';
import { askToLiquidate } from '../support/engine.ts';
import { actAt } from './world.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const directory = await mkdtemp(join(testDirectory(), 'trail-commands-'));
after(() => rm(directory, { recursive: true }));

let printed = '';
const stdout = {
  write: (text: string) => {
    printed += text;
  },
};
const on = { sql, clock, stdout };

async function lastActs(tenantId: TenantId, limit = 1) {
  const acts = await findActsOfAll(sql, { tenantId, limit });
  return acts.map(({ kind, name, origin, operation, target, reason, detail }) => {
    return { kind, name, origin, operation, target, reason, detail };
  });
}

const user = userInfo().username;
const by = { kind: 'command', name: user, origin: `${user}@${hostname()}`, reason: undefined };

async function newAccount() {
  const tenantId = await makeTenant(sql);
  const isin = 'DE0007164600';
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '10' }],
    accounts: [{ positions: [{ isin, quantity: '5' }] }],
  });
  assert.ok(account);
  return { ...account, isin };
}

test('a halt and its lift, with who has decided it and who has typed it', async () => {
  const { tenantId } = await newAccount();
  printed = '';
  const why = { reason: 'Prices are wrong', actor: 'A. Risk' };
  assert.equal(await setHalt(on, { client: tenantId, ...why }), 0);
  const id = /halts lift (\S+)/.exec(printed)?.[1] as HaltId;
  const target = `/halts/${id}`;
  const own = { ...by, name: 'A. Risk', target };
  assert.deepEqual(await lastActs(tenantId), [
    { ...own, operation: 'set_halt', reason: why.reason, detail: `client ${tenantId}` },
  ]);
  assert.equal(await setHalt(on, { client: tenantId, ...why, dryRun: true }), 0);
  assert.equal((await lastActs(tenantId, 9)).length, 1, 'a dry run is none');
  assert.equal(await lift(on, id, { reason: 'Mended', actor: 'A. Risk' }), 0);
  assert.equal(await lift(on, id, { reason: 'Mended', actor: 'A. Risk' }), 1);
  const [lifted, ...others] = await lastActs(tenantId, 9);
  assert.deepEqual([lifted?.operation, lifted?.reason, others.length], ['lift_halt', 'Mended', 1]);
  await setHalt(on, { everything: true, ...why });
  printed = '';
  await listActs(on, { names: id, limit: 50 });
  const found = printed.matchAll(/^\S+ {2}(\w+) \/halts\/(\S+)$/gm);
  assert.deepEqual(
    Array.from(found, ([, operation, halt]) => [operation, halt]),
    [
      ['lift_halt', id],
      ['set_halt', id],
    ],
  );
  const [all] = await lastActs(everyTenant);
  assert.equal(all?.detail, 'all clients');
  await sql`update unwind.halts set lifted_at = set_at, lifted_by = 'x', lift_reason = 'x'`;
});

test('changes of positions, imports, and the end of a liquidation', async () => {
  const account = await newAccount();
  const { tenantId, accountId, isin } = account;
  const to = { sql, clock, tenantId, stdout };
  const credit = ['credit', accountId, isin, '2', 'bonus'];
  assert.equal(await runDelta(to, credit), 0);
  assert.deepEqual(await lastActs(tenantId), [
    {
      ...by,
      operation: 'apply_position_deltas',
      target: '/positions',
      detail: `credit,${accountId},${isin},2,bonus`,
    },
  ]);
  assert.equal(await runDelta(to, credit), 0);
  assert.equal((await lastActs(tenantId, 9)).length, 1, 'applied before, so it is none');
  await writeFile(join(directory, 'users.csv'), `user_id\n${account.userId}\n`);
  const imported = { ...to, directory, terminal: undefined, isSandbox: true };
  await runImport(imported);
  assert.equal((await lastActs(tenantId, 9)).length, 1, 'it was there');
  const liquidationId = await askToLiquidate(sql, clock, { ...account, releaseDelayMs: 60_000 });
  const command = { sql, clock, stdout, liquidationId, tenantId, reason: 'Asked for by phone' };
  assert.equal(await runAbandon(command), 0);
  assert.equal(await runAbandon(command), 0);
  const acts = await lastActs(tenantId, 9);
  assert.deepEqual(acts.length, 2);
  const target = `/liquidations/${liquidationId}`;
  const { operation, reason } = acts[0] ?? {};
  assert.deepEqual(
    [operation, acts[0]?.target, reason],
    ['abandon_liquidation', target, 'Asked for by phone'],
  );
});

test('a calendar, of no one client', async () => {
  assert.equal(await runCalendar(on, { venue: 'XSIM', alwaysOpen: true }), 0);
  const own = { ...by, operation: 'set_calendar', target: '/venues/XSIM/calendar' };
  assert.deepEqual(await lastActs(allTenants), [{ ...own, detail: 'always open' }]);
  assert.equal(await runCalendar(on, { venue: 'XSIM' }), 0);
  assert.equal(
    (await lastActs(allTenants, 9)).filter(({ target }) => target === own.target).length,
    1,
  );
});

test('what a start shows has no password, however the address of the database is written', async () => {
  const addresses = {
    'postgres://u:geheim@/db?host=/run/pg': 'postgres://u:***@/db?host=/run/pg',
    'postgres:///db?host=/run/pg&user=u&password=geheim':
      'postgres:///db?host=/run/pg&user=u&password=***',
    'postgres:///db?host=/run/pg&p%61ssword=geheim': 'postgres:///db?host=/run/pg&p%61ssword=***',
    'postgres://u:geheim@db:5432/x?options=-c%20a%3Dgeheim':
      'postgres://u:***@db:5432/x?options=***',
    'postgres://u@db/x': 'postgres://u@db/x',
  };
  for (const [address, shown] of Object.entries(addresses)) {
    const { given } = await readConfig({ DATABASE_URL: address });
    assert.equal(given['DATABASE_URL'], shown);
  }
});

for (const [name, filter] of Object.entries({
  'without a filter': {},
  'of a stretch of time': { since: later(clock.now(), 5_000), before: later(clock.now(), 20_000) },
  'of people, among many signed requests': { kind: 'person' },
} as const)) {
  test(`a page ${name} looks at no more acts than it shows`, async (t) => {
    const { sql: own } = await createTestDatabase(t);
    const tenantId = await makeTenant(own);
    await inTransaction(own, async (tx) => {
      for (let n = 0; n < 60; n += 1) {
        const act = actAt(later(clock.now(), n * 1_000));
        await recordAct(tx, tenantId, { ...act, kind: n % 6 === 0 ? 'person' : 'client' });
      }
    });
    await own`analyze unwind.acts`;
    await inTransaction(own, async (tx) => {
      const looked = async () => {
        const [row] = await tx<{ count: string }[]>`
          select
            pg_stat_get_xact_tuples_returned('unwind.acts'::regclass)
            + pg_stat_get_xact_tuples_fetched('unwind.acts'::regclass) as count`;
        return Number(row?.count);
      };
      await tx`set local enable_seqscan = off`;
      await tx`set local enable_bitmapscan = off`;
      await tx`set local enable_hashjoin = off`;
      await tx`set local enable_mergejoin = off`;
      const query = { tenantId, limit: 5, lookedMax: 10_000, ...filter };
      const page = async (below: ActPlace | undefined) => {
        const before = await looked();
        const { acts, next } = await findActs(tx, { ...query, below });
        const count = (await looked()) - before;
        assert.ok(count <= 24, `${count} of 60`);
        assert.equal(acts.length, 5);
        return { times: acts.map(({ at }) => at.getTime()), next };
      };
      const first = await page(undefined);
      const second = await page(first.next);
      const times = [...first.times, ...second.times];
      assert.deepEqual(
        times,
        [...new Set(times)].toSorted((one, other) => other - one),
      );
    });
  });
}

test('a start is an act where its settings are others than before, and shows no secret', async () => {
  const start = async (environment: Readonly<Record<string, string>>) => {
    const config = await readConfig({ PORT: '18080', ...environment });
    await recordStart(sql, clock, config);
    const acts = await findActsOfAll(sql, { tenantId: allTenants, kind: 'start', limit: 9 });
    const { changed } = JSON.parse(acts[0]?.detail ?? '{}') as { changed: object };
    return { count: acts.length, changed, text: JSON.stringify(acts) };
  };
  const secret = { DATABASE_URL: 'postgres://unwind:geheim@db/unwind?sslpassword=auch' };
  const first = await start(secret);
  assert.equal(first.count, 1);
  assert.ok(first.text.includes('unwind:***@db/unwind?sslpassword=***'), first.text);
  assert.doesNotMatch(first.text, /geheim|auch/);
  assert.equal((await start(secret)).count, 1, 'the same again');
  const other = await start({ ...secret, UNWIND_LIQUIDATION_DAYS: '7' });
  assert.deepEqual([other.count, other.changed], [2, { UNWIND_LIQUIDATION_DAYS: [null, '7'] }]);
  const back = await start(secret);
  assert.deepEqual([back.count, back.changed], [3, { UNWIND_LIQUIDATION_DAYS: ['7', null] }]);
  assert.equal(
    (await start({ ...secret, PORT: '18081' })).count,
    4,
    'another address is another process',
  );
});

test('a start with more settings than an act holds is one act as well', async () => {
  const networks = Array.from({ length: 600 }, (_, n) => `10.${n % 250}.${n >> 3}.0/24`).join(',');
  const start = async (more: Readonly<Record<string, string>> = {}) => {
    const environment = { PORT: '18083', UNWIND_WEBHOOK_NETWORKS: networks, ...more };
    await recordStart(sql, clock, await readConfig(environment));
    const acts = await findActsOfAll(sql, { tenantId: allTenants, kind: 'start', limit: 99 });
    return acts.filter(({ target }) => target.endsWith(':18083'));
  };
  const [first] = await start();
  assert.equal(first?.detail?.length, 4_000);
  assert.doesNotMatch(first?.detail ?? '', /"changed"/);
  assert.equal((await start()).length, 1);
  assert.equal((await start({ UNWIND_LIQUIDATION_DAYS: '7' })).length, 2);
});

test('verify says what there is, by which checkpoints, and what was found', async () => {
  const file = join(directory, 'checkpoints');
  const home = join(directory, 'home');
  const config = await readConfig({ UNWIND_HOME: home, UNWIND_TRAIL_FILE: file });
  const settings = await openCheckpoints(config);
  assert.ok(settings);
  assert.equal((await stat(join(home, 'trail.key'))).mode & 0o777, 0o600);
  await sealTrail({ sql, clock });
  assert.equal(await new CheckpointWriter(sql, clock, settings).write(), true);
  printed = '';
  assert.equal(await runVerify(on, config, {}), 0, printed);
  assert.match(
    printed,
    /Signed by 1 checkpoint, the last of .*\nAll of it is as it was recorded\.\n$/s,
  );
  printed = '';
  const without = { ...config, trail: { ...config.trail, file: undefined } };
  assert.equal(await runVerify(on, without, {}), 0);
  assert.match(printed, /No checkpoint was given/);
  const [changed] = await sql<{ id: string; tenant: string }[]>`
    update unwind.acts a
    set reason = 'Nobody said so'
    where a.operation = 'lift_halt'
    returning a.act_id as id, a.tenant_id as tenant`;
  printed = '';
  assert.equal(await runVerify(on, config, { json: true }), 1);
  const report = JSON.parse(printed);
  assert.deepEqual([report.ok, report.findings_total, report.checkpoints.count], [false, 1, 1]);
  assert.deepEqual(report.findings, [
    {
      kind: 'act_edited',
      client_id: changed?.tenant,
      subject: 'act',
      id: changed?.id,
      message: `act ${changed?.id} is not as it was sealed`,
    },
  ]);
  await assert.rejects(runVerify(on, without, { key: ['x'] }), /--key needs --checkpoint/);
  await assert.rejects(
    runVerify(on, config, { checkpoint: 'none' }),
    /none cannot be read: it does not exist/,
  );
  await assert.rejects(runVerify(on, config, { key: ['none'] }), /none cannot be read/);
  await assert.rejects(
    runVerify(on, config, { key: ['package.json'] }),
    /holds no such key in PEM/,
  );
});

test('a key is made once, and only its owner reads it', async () => {
  const file = join(directory, 'own.key');
  printed = '';
  assert.equal(await makeKey(file, stdout), 0);
  assert.match(printed, /which signs.*Name: [\w-]{43}\n$/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match(await readFile(`${file}.pub`, 'utf8'), /BEGIN PUBLIC KEY/);
  await assert.rejects(makeKey(file, stdout), /is there already/);
  const config = { UNWIND_TRAIL_FILE: join(directory, 'other'), UNWIND_TRAIL_KEY_FILE: file };
  await chmod(file, 0o640);
  await assert.rejects(openCheckpoints(await readConfig(config)), /is open to others/);
  const live = readConfig({ UNWIND_MODE: 'live', UNWIND_TRAIL_FILE: 'x' });
  await assert.rejects(live, /UNWIND_TRAIL_KEY_FILE is needed/);
});
