// The parts of the log come and go beside whoever reads and writes it, whatever happened meanwhile: a
// long look at the log, a process that died half-way, nobody to make a part for months.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { connect, type Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { keepLog, makePartitionOf } from '../../src/events/keep-log.ts';
import { newId } from '../../src/ids.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { logLiquidations, newAccounts, newWorld, type World } from '../deliveries/world.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { drawIdsAt } from '../support/ids.ts';
import { untilLocked } from '../support/locks.ts';

const minuteMs = 60_000;

interface Kept extends World {
  /** What keeping the log said. */
  readonly said: string[];
  /** One turn. */
  keep(): Promise<number>;
}

/** A log with three events of January 2030, in May, with impatient connections. */
async function newWorldInMay(t: TestContext): Promise<Kept> {
  const world = await newWorld(t);
  const { sql, clock } = world;
  drawIdsAt(t, clock);
  const said: string[] = [];
  const say = (_fields: object, message: string) => said.push(message);
  const keep = () => keepLog({ sql, log: { info: say, warn: say } }, clock.now());
  clock.set(new Date('2030-01-10T12:00:00.000Z'));
  // Those of the months in which the test is run are long over.
  while ((await keep()) > 0);
  clock.advance(minuteMs);
  while ((await keep()) > 0);
  await logLiquidations(world, newAccounts(1));
  clock.set(new Date('2030-05-10T12:00:00.000Z'));
  said.length = 0;
  return { ...world, said, keep };
}

async function hasTable(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql<{ present: boolean }[]>`
    select to_regclass(${`unwind.${name}`}) is not null as present`;
  return rows[0]?.present === true;
}

async function eventsIn(sql: Sql): Promise<number> {
  const rows = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.events`;
  return rows[0]?.count ?? -1;
}

/** A pool that waits for no lock, so that whoever has to wait for one fails. */
async function impatient(t: TestContext, sql: Sql): Promise<Sql> {
  const rows = await sql<{ url: string }[]>`select current_database() as url`;
  const url = new URL(process.env['UNWIND_TEST_ADMIN_URL'] ?? '');
  url.pathname = `/${rows[0]?.url}`;
  const pool = connect({
    url: url.href,
    max: 4,
    applicationName: 'unwind test impatient',
    lockTimeoutMs: 1,
  });
  t.after(() => pool.end());
  return pool;
}

test('a part is given up first, and dropped a minute later', async (t) => {
  const { sql, clock, tenantId, said, keep } = await newWorldInMay(t);
  const dropped = async () => {
    const rows = await sql<{ dropped_to: string }[]>`
      select h.dropped_to
      from unwind.event_heads h
      where h.tenant_id = ${tenantId}`;
    return Number(rows[0]?.dropped_to);
  };
  while ((await keep()) > 0);
  assert.deepEqual(said, ['log.partition_retired']);
  assert.equal(await dropped(), 3);
  assert.equal(await eventsIn(sql), 3, 'who reads there has time to read on');
  clock.advance(minuteMs - 1);
  assert.equal(await keep(), 0);
  clock.advance(1);
  while ((await keep()) > 0);
  assert.deepEqual(said, ['log.partition_retired', 'log.partition_dropped']);
  assert.equal(await eventsIn(sql), 0);
  assert.equal(await hasTable(sql, 'events_2030_01'), false);
});

test('while a reader reads the log for long, nothing waits, and the partition is dropped afterwards', async (t) => {
  const world = await newWorldInMay(t);
  const { sql, clock, tenantId, said, keep } = world;
  while ((await keep()) > 0);
  clock.advance(minuteMs);
  const others = await impatient(t, sql);
  const looking = { isolation: 'repeatable read' } as const;
  await inTransaction(
    sql,
    async (tx) => {
      await tx`select from unwind_v1.events limit 1`;
      assert.equal(await keepLog({ sql: others, log: quiet(said) }, clock.now()), 0);
      assert.equal(said.at(-1), 'log.partition_retired', 'not dropped yet');

      // The others record, publish, read and even get a further part.
      const [accountId] = newAccounts(1);
      assert.ok(accountId);
      const events = eventsOfLiquidation(accountId);
      await writeEvents(others, { tenantId, events, at: clock.now() });
      await publishAll(others);
      assert.equal(await eventsIn(others), 3, 'what was given up is read no more');
      clock.set(new Date('2030-06-01T00:00:00.000Z'));
      await keepLog({ sql: others, log: quiet(said) }, clock.now());
      assert.equal(await hasTable(others, 'events_2030_08'), true);

      const [seen] = await tx<{ count: number }[]>`
        select count(*)::integer as count
        from unwind_v1.events`;
      assert.equal(seen?.count, 3, 'who was there first sees the log as it was');
    },
    looking,
  );
  clock.advance(minuteMs);
  while ((await keep()) > 0);
  assert.equal(said.at(-1), 'log.partition_dropped');
  assert.equal(await hasTable(sql, 'events_2030_01'), false);
  assert.equal(await eventsIn(sql), 3);
});

test('a partition that cannot be dropped for an hour is reported', async (t) => {
  const { sql, clock, said, keep } = await newWorldInMay(t);
  while ((await keep()) > 0);
  const others = await impatient(t, sql);
  await inTransaction(sql, async (tx) => {
    await tx`select from unwind_v1.events limit 1`;
    clock.advance(60 * minuteMs);
    await keepLog({ sql: others, log: quiet(said) }, clock.now());
    assert.equal(said.at(-1), 'log.partition_retired');
    clock.advance(minuteMs);
    await keepLog({ sql: others, log: quiet(said) }, clock.now());
    assert.equal(said.at(-1), 'log.partition_in_use');
  });
});

function quiet(said: string[]) {
  const say = (_fields: object, message: string) => said.push(message);
  return { info: say, warn: say };
}

test('a part that a dead process left half-way out of the log is dropped by the next', async (t) => {
  const { sql, clock, said, keep } = await newWorldInMay(t);
  while ((await keep()) > 0);
  await sql`alter table unwind.events detach partition unwind.events_2030_01`;
  clock.advance(minuteMs);
  while ((await keep()) > 0);
  assert.equal(said.at(-1), 'log.partition_dropped');
  assert.equal(await hasTable(sql, 'events_2030_01'), false);
});

test('a part with something young or unpublished is looked at again in time, and holds up no other', async (t) => {
  const world = await newWorldInMay(t);
  const { sql, clock, keep } = world;
  const partsLeft = async () => {
    const rows = await sql<{ name: string; next_try_at: Date | null }[]>`
      select p.name, p.next_try_at
      from unwind.event_parts p
      where p.given_up_at is null
        and p.name < 'events_2030_04'
      order by p.name`;
    return rows.map(({ name, next_try_at: at }) => [name, at]);
  };
  const youngAt = new Date('2030-02-20T00:00:00.000Z');
  await sql`
    update unwind.events e
    set created_at = ${youngAt}
    where e.number = 3`;
  clock.set(new Date('2030-05-20T00:00:00.000Z'));
  while ((await keep()) > 0);
  const oldAt = later(youngAt, 90 * 24 * 60 * minuteMs + 1);
  const march = ['events_2030_03', null];
  assert.deepEqual(await partsLeft(), [['events_2030_01', oldAt], ['events_2030_02', null], march]);
  await sql`
    update unwind.events e
    set position = null
    where e.number = 3`;
  clock.set(later(new Date('2030-03-01T00:00:00.000Z'), 90 * 24 * 60 * minuteMs));
  while ((await keep()) > 0);
  const inAnHour = later(clock.now(), 60 * minuteMs);
  assert.deepEqual(await partsLeft(), [['events_2030_01', inAnHour], march]);
  await sql`
    update unwind.events e
    set position = 3
    where e.number = 3`;
  clock.set(inAnHour);
  while ((await keep()) > 0);
  assert.deepEqual(await partsLeft(), [march]);
});

test('a liquidation in a month without a partition is recorded, and so is all that follows', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock('2031-11-30T12:00:00.000Z');
  drawIdsAt(t, clock);
  const tenantId = await makeTenant(sql);
  const instruments = [{ isin: 'DE0007164600', price: '10' }];
  const positions = [{ isin: 'DE0007164600', quantity: '1' }];
  const [account] = await makeBook(sql, { tenantId, instruments, accounts: [{ positions }] });
  assert.ok(account);
  await askToLiquidate(sql, clock, account);
  clock.set(new Date('2031-12-01T12:00:00.000Z'));
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  const rows = await sql<{ type: string; part: string }[]>`
    select e.type, e.tableoid::regclass::text as part
    from unwind.events e
    order by e.position`;
  assert.deepEqual(
    rows.map(({ type, part }) => [type.split('.')[1], part]),
    ['NEW', 'PROCESSING', 'FILLED'].map((status) => [status, 'unwind.events_2031_11']),
    'the part of the month in which it began',
  );
});

test('many that begin at once in such a month are all taken', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock('2031-11-30T12:00:00.000Z');
  drawIdsAt(t, clock);
  const tenantId = await makeTenant(sql);
  const empty = Array.from({ length: 8 }, () => ({ positions: [] }));
  const accounts = await makeBook(sql, { tenantId, instruments: [], accounts: empty });
  await Promise.all(accounts.map((account) => askToLiquidate(sql, clock, account)));
  assert.equal(await eventsIn(sql), 8);
});

test('a partition counts as made once the process that makes it lets go of its lock', async (t) => {
  const { sql } = await createTestDatabase(t);
  const made: boolean[] = [];
  const making = await inTransaction(sql, async (tx) => {
    await tx`lock table only unwind.events in share update exclusive mode`;
    const waiting = makePartitionOf(sql, newId<'liquidation'>()).then(() => made.push(true));
    await untilLocked('it waits for the other', sql);
    assert.deepEqual(made, []);
    return { waiting };
  });
  await making.waiting;
  assert.deepEqual(made, [true]);
});
