// How values come back, which bounds a session has, and what becomes of statements when the server
// refuses, falls silent or dies.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectOptions, connect, openPools, type Sql } from '../../src/db/connect.ts';
import { isConnectionError } from '../../src/db/errors.ts';
import { fragment } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { eventually, portOf } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { untilLocked } from '../support/locks.ts';
import { atPort, startProxy } from '../support/proxy.ts';

function pool(t: TestContext, url: string, options: Partial<ConnectOptions> = {}): Sql {
  const sql = connect({ url, max: 2, applicationName: 'unwind test', ...options });
  t.after(() => sql.end());
  return sql;
}

async function firstError(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => assert.fail('expected an error'),
    (error: unknown) => error,
  );
}

test('numbers that may be money are text, instants are Dates, days are text', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const [row] = await sql`
    select 9007199254740993::bigint as big,
           0.10::numeric as money,
           2::integer as small,
           '2026-03-29 02:30:00+02'::timestamptz as instant,
           '2026-03-29'::date as day,
           array['2026-03-29'::date, null] as days,
           array[1.50::numeric, null, 'NaN'] as list,
           array['a', null, 'NULL', '{"\\,}'] as words,
           array[9007199254740993::bigint] as bigs,
           '{"a": 1.50}'::jsonb as json,
           '\\x00ff'::bytea as bytes,
           null::text as nothing`;
  assert.deepEqual(row, {
    big: '9007199254740993',
    money: '0.10',
    small: 2,
    instant: new Date('2026-03-29T00:30:00Z'),
    day: '2026-03-29',
    days: ['2026-03-29', null],
    list: ['1.50', null, 'NaN'],
    words: ['a', null, 'NULL', '{"\\,}'],
    bigs: ['9007199254740993'],
    json: { a: 1.5 },
    bytes: Buffer.from([0, 255]),
    nothing: null,
  });
});

test('values go in as they come back', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const instant = new Date('2026-03-29T00:30:00.123Z');
  const bytes = Buffer.from([0, 255]);
  const names = fragment`n::numeric as n, d::date as d`;
  const rows = await sql`
    select ${names}, ${instant}::timestamptz as instant, ${bytes}::bytea as bytes
    from unnest(${['0.10', '9007199254740993.5']}::numeric[],
                ${['2026-01-31', '2026-02-28']}::date[]) as list (n, d)`;
  const same = { instant, bytes };
  assert.deepEqual(
    [...rows],
    [
      { n: '0.10', d: '2026-01-31', ...same },
      { n: '9007199254740993.5', d: '2026-02-28', ...same },
    ],
  );
  assert.equal(rows.count, 2);
});

test('a session has its name, UTC and bounds on every wait', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const settings = async (sql: Sql) => {
    const [row] = await sql`
      select current_setting('application_name') as name,
             current_setting('TimeZone') as zone,
             current_setting('statement_timeout') as statement,
             current_setting('lock_timeout') as lock,
             current_setting('idle_in_transaction_session_timeout') as idle`;
    return row;
  };
  const named = { name: 'unwind test', zone: 'UTC' };
  assert.deepEqual(await settings(pool(t, url)), {
    ...named,
    ...{ statement: '15s', lock: '2s', idle: '15s' },
  });
  const chosen = { statementTimeoutMs: 1, lockTimeoutMs: 2, idleInTransactionTimeoutMs: 3 };
  const own = pool(t, url, { ...chosen, statementTimeoutMs: 1001 });
  assert.deepEqual(await settings(own), {
    ...named,
    ...{ statement: '1001ms', lock: '2ms', idle: '3ms' },
  });
  // Behind PgBouncer the settings of the role hold: here the server's defaults.
  const pooled = await settings(pool(t, url, { sessionSettings: false, prepare: false }));
  const defaults = { name: 'unwind test', statement: '0', lock: '0', idle: '0' };
  assert.deepEqual({ ...pooled, zone: 'any' }, { ...defaults, zone: 'any' });
});

test('requests cannot take the connections of the loops', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const pools = openPools({ url, maxRequests: 2, maxLoops: 1, connectTimeoutMs: 3_000 });
  t.after(() => pools.close());
  // All connections are there: what waits from here on waits for its turn.
  const held = [pools.requests, pools.requests, pools.loops];
  await Promise.all(held.map((one) => one`select pg_sleep(0.1)`));
  const gate = Promise.withResolvers<void>();
  const flood = Array.from({ length: 20 }, () =>
    inTransaction(pools.requests, () => gate.promise).then(
      () => 'served',
      (error: unknown) => error,
    ),
  );
  assert.equal((await pools.loops`select 1`).count, 1);
  const refused = await firstError(pools.requests`select 1`);
  assert.ok(isConnectionError(refused));
  gate.resolve();
  const outcomes = await Promise.all(flood);
  assert.equal(outcomes.filter((outcome) => outcome === 'served').length, 2);
  assert.equal((await pools.requests`select 1`).count, 1);
});

test('a server that takes connections and closes them is dialled once a statement', async (t) => {
  let dialled = 0;
  const server = createServer((socket) => {
    dialled += 1;
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const sql = pool(t, `postgres://u:p@127.0.0.1:${portOf(server)}/x`);
  await assert.rejects(sql`select 1`, isConnectionError);
  await assert.rejects(sql`select 1`, isConnectionError);
  assert.equal(dialled, 2);
});

test('a server that answers nothing is left after the connect timeout', async (t) => {
  const server = createServer((socket) => socket.resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `postgres://u:p@127.0.0.1:${portOf(server)}/x`;
  const sql = pool(t, url, { connectTimeoutMs: 100 });
  await assert.rejects(sql`select 1`, isConnectionError);
  await sql.end();
  server.close();
  await once(server, 'close');
});

test('a server that falls silent in the middle fails the statement, not the pool', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const proxy = await startProxy(t, Number(new URL(url).port));
  // What is to succeed has as long, also on a busy machine.
  const limits = { statementTimeoutMs: 2_000, silenceMarginMs: 2_000 };
  const sql = pool(t, atPort(url, proxy.port), limits);
  await sql`select 1`;
  proxy.fallSilent();
  await assert.rejects(sql`select 1`, isConnectionError);
  assert.equal((await sql`select 1`).count, 1);
});

test('after all connections are cut, every place of the pool serves again', async (t) => {
  const { sql: observer, url } = await createTestDatabase(t, { migrated: false });
  const proxy = await startProxy(t, Number(new URL(url).port));
  const sql = pool(t, atPort(url, proxy.port), { max: 4, statementTimeoutMs: 120_000 });
  for (let round = 0; round < 5; round += 1) {
    const started = Promise.all(Array.from({ length: 4 }, () => sql`select 1`));
    await started;
    const [clock] = await observer<{ now: string }[]>`select clock_timestamp()::text as now`;
    const startedAt = clock?.now ?? '';
    const running = Array.from({ length: 8 }, () =>
      firstError(sql`select pg_sleep(60), ${round}::integer as round`),
    );
    await eventually('four statements run, of this round', async () => {
      const [row] = await observer<{ n: number }[]>`
        select count(*)::integer as n
        from pg_stat_activity
        where datname = current_database()
          and state = 'active'
          and query like 'select pg_sleep(60)%'
          and application_name = 'unwind test'
          and query_start > ${startedAt}::timestamptz`;
      return row?.n === 4;
    });
    proxy.cut();
    await eventually('the waiting ones run', async () => proxy.accepted() >= (round + 1) * 8);
    proxy.cut();
    for (const error of await Promise.all(running)) {
      assert.ok(isConnectionError(error), String(error));
    }
  }
  const after = await Promise.all(Array.from({ length: 4 }, () => sql`select 1`));
  assert.deepEqual(
    after.map((rows) => rows.count),
    [1, 1, 1, 1],
  );
});

test('end lets statements finish, refuses later ones, and may be called twice', async (t) => {
  const { sql: observer, url } = await createTestDatabase(t, { migrated: false });
  const sql = pool(t, url, { lockTimeoutMs: 60_000 });
  const waiting = await inTransaction(observer, async (tx) => {
    await tx`select pg_advisory_xact_lock(1)`;
    const running = sql`select pg_advisory_xact_lock(1)`;
    await untilLocked('the statement waits for the lock', observer);
    return { running, ended: Promise.all([sql.end(), sql.end()]) };
  });
  await waiting.ended;
  assert.equal((await waiting.running).count, 1);
  await assert.rejects(sql`select 1`, isConnectionError);
});

test('end breaks off what does not end in time, and work that hangs', async (t) => {
  const { sql: observer, url } = await createTestDatabase(t, { migrated: false });
  const sql = connect({ url, max: 2, applicationName: 'unwind test', closeTimeoutMs: 50 });
  const endless = firstError(sql`select pg_sleep(60)`);
  const begun = Promise.withResolvers<void>();
  const hanging = inTransaction(sql, async (tx) => {
    await tx`select 1`;
    begun.resolve();
    await new Promise(() => {});
  });
  hanging.catch(() => assert.fail('work that hangs tells nothing'));
  await begun.promise;
  await eventually('the statement runs', async () => {
    const { count } = await observer`
      select pid
      from pg_stat_activity
      where datname = current_database()
        and query like 'select pg_sleep%'
        and state = 'active'`;
    return count === 1;
  });
  await sql.end();
  assert.ok(isConnectionError(await endless));
});

test('a session the server has ended is not lent again, whatever it said', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false, max: 1 });
  for (let round = 0; round < 20; round += 1) {
    const told = await firstError(sql`select pg_terminate_backend(pg_backend_pid())`);
    assert.ok(isConnectionError(told), String(told));
    assert.equal((await sql`select 1`).count, 1);
  }
});
