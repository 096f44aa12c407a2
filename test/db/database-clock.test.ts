// The time of the database for all processes, whatever their machines say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later, type Stopwatch, systemStopwatch } from '../../src/clock.ts';
import { connect } from '../../src/db/connect.ts';
import { DatabaseClock } from '../../src/db/database-clock.ts';
import { drawIdsFrom, instantOf, newId } from '../../src/ids.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const hourMs = 3_600_000;

function newLog() {
  const lines: string[] = [];
  const line = (_fields: object, message: string) => lines.push(message);
  return { lines, info: line, warn: line };
}

/** A stopwatch that a test moves. */
function testStopwatch() {
  let elapsed = 0;
  let work = () => {};
  const stopwatch: Stopwatch = {
    elapsedMs: () => elapsed,
    every: (_ms, again) => {
      work = again;
      return () => {
        work = () => {};
      };
    },
  };
  return { stopwatch, advance: (ms: number) => (elapsed += ms), tick: () => work() };
}

for (const [words, offMs] of [
  ['an hour ahead', hourMs],
  ['an hour behind', -hourMs],
  ['100 days ahead', 2_400 * hourMs],
] as const) {
  test(`a machine whose clock is ${words} has the time of the database, and says so`, async (t) => {
    const { sql } = await createTestDatabase(t, { migrated: false });
    const log = newLog();
    let isOff = true;
    const machine = { now: () => later(new Date(), isOff ? offMs : 0) };
    const clock = await DatabaseClock.read(sql, { log, machine });

    const before = clock.now();
    const [row] = await sql<{ at: Date }[]>`select clock_timestamp() as at`;
    const after = clock.now();
    const at = row?.at.getTime() ?? 0;
    // Half the round trip of a measurement that was believed.
    assert.ok(before.getTime() - 500 <= at && at <= after.getTime() + 500, `${before} ${row?.at}`);
    assert.ok(Math.abs(clock.machineAheadMs - offMs) <= 1_000, `${clock.machineAheadMs}`);
    assert.match(clock.describe(), offMs > 0 ? /ahead of the database/ : /behind the database/);
    assert.deepEqual(log.lines, ['clock.machine_off']);

    isOff = false;
    await clock.measure();
    assert.equal(clock.describe(), 'in step with the database');
    assert.deepEqual(log.lines, ['clock.machine_off', 'clock.machine_in_step']);
  });
}

test('while the database is away the last measurement counts, and the stopwatch goes on', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const sql = connect({ url, max: 1, applicationName: 'unwind test' });
  const log = newLog();
  const { stopwatch, advance } = testStopwatch();
  const clock = await DatabaseClock.read(sql, { log, stopwatch });
  const before = clock.now();
  await sql.end();
  advance(90_000);
  await clock.measure();
  await clock.measure();
  assert.deepEqual(clock.now(), later(before, 90_000));
  assert.deepEqual(log.lines, ['clock.not_measured'], 'said once');
});

test('a measurement that took too long is not believed', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const { stopwatch, advance } = testStopwatch();
  let tripMs = 0;
  const slow = Object.assign(
    async (...statement: Parameters<typeof sql>) => {
      advance(tripMs / 2);
      const rows = await sql(...statement);
      advance(tripMs / 2);
      return rows;
    },
    { script: sql.script },
  ) as unknown as typeof sql;
  const clock = await DatabaseClock.read(slow, { log: newLog(), stopwatch });
  const origin = () => clock.now().getTime() - stopwatch.elapsedMs();
  const first = origin();

  tripMs = 60_000;
  await clock.measure();
  assert.equal(origin(), first, 'a minute is too long');
});

test('ids have the time of their clock, and ascend also where it is corrected a little', (t) => {
  t.after(() => drawIdsFrom());
  const clock = testClock('2031-05-06T07:08:09.010Z');
  drawIdsFrom(clock);
  const ids = Array.from({ length: 1_000 }, () => newId<'event'>());
  assert.deepEqual(instantOf(ids[0] ?? assert.fail()), clock.now());
  clock.advance(-20);
  ids.push(newId<'event'>());
  clock.advance(21);
  ids.push(newId<'event'>());
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);

  clock.advance(-hourMs);
  assert.deepEqual(
    instantOf(newId<'event'>()),
    clock.now(),
    'a clock that was set back is followed',
  );
});

test('a clock follows the database until it is stopped', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const measured = Promise.withResolvers<void>();
  let reads = 0;
  const counting = Object.assign(
    async (...statement: Parameters<typeof sql>) => {
      reads += 1;
      if (reads > 1) measured.resolve();
      return sql(...statement);
    },
    { script: sql.script },
  ) as unknown as typeof sql;
  const { stopwatch, tick } = testStopwatch();
  const own = { elapsedMs: systemStopwatch.elapsedMs, every: stopwatch.every };
  const clock = await DatabaseClock.read(counting, { log: newLog(), stopwatch: own });
  const unfollow = clock.follow();
  tick();
  await measured.promise;
  unfollow();
  tick();
  assert.equal(reads, 2);
});
