// Transactions that lose against others, made by real deadlocks and serialization failures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type Sql, type SqlOrTx, type Tx } from '../../src/db/connect.ts';
import { isConflict, isConnectionError, isUniqueViolation } from '../../src/db/errors.ts';
import { identifier } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase } from '../support/database.ts';
import { isStatementTimeout } from '../support/errors.ts';

async function makeCounters(sql: Sql): Promise<void> {
  await sql.script(`
    create schema tx_test;
    create table tx_test.counters (
      id integer,
      n integer not null,
      constraint counters_pkey primary key (id)
    );
    insert into tx_test.counters (id, n) values (1, 0), (2, 0);`);
}

async function increment(tx: Tx, id: number): Promise<void> {
  await tx`update tx_test.counters set n = n + 1 where id = ${id}`;
}

async function counters(sql: Sql): Promise<readonly number[]> {
  const rows = await sql<{ n: number }[]>`select n from tx_test.counters order by id`;
  return rows.map((row) => row.n);
}

/** Lets `parties` callers pass together once all of them have come; later ones pass at once. */
function meetingPoint(parties: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return async () => {
    arrived += 1;
    if (arrived >= parties) {
      resolve();
    }
    await promise;
  };
}

test('of two that deadlock, the one broken off runs again and both take effect', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const bothHoldOne = meetingPoint(2);
  let runs = 0;
  const crosswise = (first: number, second: number) =>
    inTransaction(sql, async (tx) => {
      runs += 1;
      await increment(tx, first);
      await bothHoldOne();
      await increment(tx, second);
    });
  await Promise.all([crosswise(1, 2), crosswise(2, 1)]);
  assert.deepEqual(await counters(sql), [2, 2]);
  assert.ok(runs > 2, 'one was broken off, at least');
});

test('lost updates are refused under repeatable read, and run again', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const bothHaveRead = meetingPoint(2);
  const readThenWrite = () =>
    inTransaction(
      sql,
      async (tx) => {
        const [row] = await tx<{ n: number }[]>`select n from tx_test.counters where id = 1`;
        await bothHaveRead();
        await tx`update tx_test.counters set n = ${(row?.n ?? 0) + 1} where id = 1`;
      },
      { isolation: 'repeatable read' },
    );
  await Promise.all([readThenWrite(), readThenWrite()]);
  assert.deepEqual(await counters(sql), [2, 0]);
});

test('gives up after the last attempt with the error of the database', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  let runs = 0;
  const alwaysLosing = inTransaction(
    sql,
    async (tx) => {
      runs += 1;
      await tx.script(`do $$ begin raise sqlstate '40001'; end $$`);
    },
    { attempts: 3 },
  );
  await assert.rejects(alwaysLosing, isConflict);
  assert.equal(runs, 3);
});

test('any other error rolls back and is not tried again', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  let runs = 0;
  const own = new Error('our own');
  const failing = inTransaction(sql, async (tx) => {
    runs += 1;
    await increment(tx, 1);
    throw own;
  });
  await assert.rejects(failing, (error) => error === own);
  assert.equal(runs, 1);
  assert.deepEqual(await counters(sql), [0, 0]);
});

test('a failed query fails the transaction, whatever the work makes of it', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const duplicate = (tx: Tx) => tx`insert into tx_test.counters (id, n) values (1, 0)`;
  const swallowed = inTransaction(sql, async (tx) => {
    await increment(tx, 1);
    await duplicate(tx).catch(() => {});
  });
  await assert.rejects(swallowed, isUniqueViolation);
  assert.deepEqual(await counters(sql), [0, 0]);
});

test('a session that is ended in the middle is an error, not a second run', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  let runs = 0;
  const broken = inTransaction(sql, async (tx) => {
    runs += 1;
    await increment(tx, 1);
    await tx`select pg_terminate_backend(pg_backend_pid())`;
  });
  await assert.rejects(broken, isConnectionError);
  assert.equal(runs, 1);
  assert.deepEqual(await counters(sql), [0, 0]);
  assert.equal(await inTransaction(sql, async (tx) => (await tx`select 1`).count), 1);
});

test('results come back as they are, lists too', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const pending = Promise.resolve(2);
  const list = await inTransaction(sql, async () => [1, pending] as const);
  assert.equal(list[1], pending);
  assert.equal(await inTransaction(sql, async () => undefined), undefined);
});

test('the isolation is the one asked for, whatever the database prefers', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  const name = new URL(url).pathname.slice(1);
  await sql`alter database ${identifier(name)} set default_transaction_isolation = 'serializable'`;
  await sql`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
  const isolation = (options: Parameters<typeof inTransaction>[2]) =>
    inTransaction(
      sql,
      async (tx) => (await tx`show transaction_isolation`)[0]?.['transaction_isolation'],
      options,
    );
  const alone = await sql`show transaction_isolation`;
  assert.equal(alone[0]?.['transaction_isolation'], 'read committed');
  assert.equal(await isolation({}), 'read committed');
  assert.equal(await isolation({ isolation: 'repeatable read' }), 'repeatable read');
  assert.equal(await isolation({ isolation: 'serializable' }), 'serializable');
});

test('a transaction that lost its session never touches the one that follows', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const pool = connect({ url, max: 2, applicationName: 'unwind test' });
  t.after(() => pool.end());
  const gate = Promise.withResolvers<void>();
  const [lost, session] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
  const first = inTransaction(pool, async (tx) => {
    await increment(tx, 1);
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    session.resolve(row?.pid ?? 0);
    await gate.promise;
    const late = increment(tx, 1);
    await assert.rejects(late, isConnectionError);
    lost.resolve();
    await late;
  });
  const outcome = first.then(
    () => null,
    (error: unknown) => error,
  );
  await sql`select pg_terminate_backend(${await session.promise})`;

  await inTransaction(pool, async (tx) => {
    await increment(tx, 2);
    gate.resolve();
    await lost.promise;
    await outcome;
    const [own] = await tx<{ n: number }[]>`select n from tx_test.counters where id = 2`;
    assert.equal(own?.n, 1, 'the second transaction is still whole');
  });
  assert.ok(isConnectionError(await outcome));
  assert.deepEqual(await counters(sql), [0, 1]);
});

test('after all sessions are ended in the middle, every place serves again', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const pool = connect({ url, max: 8, applicationName: 'unwind victim' });
  t.after(() => pool.end());
  for (let round = 0; round < 5; round += 1) {
    const allHoldOne = meetingPoint(9);
    const ids = Array.from({ length: 8 }, (_, index) => 100 + index);
    const broken = Array.from({ length: 8 }, async () => {
      const work = inTransaction(pool, async (tx) => {
        await tx`insert into tx_test.counters (id, n) values (${ids.pop() ?? 0}, 0)`;
        await allHoldOne();
        await tx`select pg_sleep(60)`;
      });
      await assert.rejects(work, isConnectionError);
    });
    await allHoldOne();
    await sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database()
        and application_name = 'unwind victim'`;
    await Promise.all(broken);
  }
  await Promise.all(
    Array.from({ length: 16 }, () => inTransaction(pool, (tx) => increment(tx, 1))),
  );
  assert.deepEqual(await counters(sql), [16, 0]);
});

test('a statement that was not awaited still fails the transaction', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const careless = inTransaction(sql, async (tx) => {
    await increment(tx, 1);
    tx`insert into tx_test.counters (id, n) values (1, 0)`;
  });
  await assert.rejects(careless);
  assert.deepEqual(await counters(sql), [0, 0]);
});

test('statements after the end are refused', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const kept: Tx[] = [];
  await inTransaction(sql, async (tx) => {
    kept.push(tx);
  });
  for (const tx of kept) {
    await assert.rejects(increment(tx, 1), /has ended/);
  }
  assert.deepEqual(await counters(sql), [0, 0]);
});

test('longer work may have longer bounds, for its own transaction only', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false, max: 1, lockTimeoutMs: 2_000 });
  const bounds = async (tx: SqlOrTx) =>
    (
      await tx`
      select current_setting('statement_timeout') as statement,
             current_setting('lock_timeout') as lock`
    )[0];
  const longer = { statementTimeoutMs: 60_000, lockTimeoutMs: 30_000 };
  const inside = await inTransaction(sql, bounds, longer);
  assert.deepEqual(inside, { statement: '1min', lock: '30s' });
  assert.deepEqual(await bounds(sql), { statement: '15s', lock: '2s' });
});

test('work with longer bounds is waited for longer than the pool has patience', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const pool = connect({
    url,
    max: 1,
    applicationName: 'unwind test',
    statementTimeoutMs: 200,
    silenceMarginMs: 2_000,
  });
  t.after(() => pool.end());
  const slow = (tx: SqlOrTx) => tx`select 1 as n from pg_sleep(2.5)`;
  await assert.rejects(inTransaction(pool, slow), isStatementTimeout);
  const rows = await inTransaction(pool, slow, { statementTimeoutMs: 60_000 });
  assert.equal(rows.count, 1);
});

test('a part that fails is undone alone, also inside another part', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  await inTransaction(sql, async (tx) => {
    await increment(tx, 1);
    const failing = tx.savepoint(async (part) => {
      await increment(part, 1);
      await part.savepoint((inner) => increment(inner, 1));
      await part`insert into tx_test.counters (id, n) values (1, 0)`;
    });
    await assert.rejects(failing, (error) => isUniqueViolation(error, 'counters_pkey'));
    const answer = await tx.savepoint(async (part) => {
      await increment(part, 2);
      await assert.rejects(part.savepoint((inner) => inner`select 1 / 0`));
      return 'done';
    });
    assert.equal(answer, 'done');
  });
  assert.deepEqual(await counters(sql), [1, 1]);
});

test('statements of a part that has ended are refused, and a lost connection loses all', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  await makeCounters(sql);
  const other = connect({ url, max: 1, applicationName: 'unwind test killer' });
  t.after(() => other.end());
  await assert.rejects(
    inTransaction(sql, async (tx) => {
      await increment(tx, 1);
      let ended: Tx | undefined;
      await tx.savepoint(async (part) => {
        ended = part;
      });
      assert.ok(ended);
      await assert.rejects(increment(ended, 1), /has ended/);
      await tx.savepoint(async (part) => {
        const [row] = await part<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await other`select pg_terminate_backend(${row?.pid ?? 0})`;
        await increment(part, 2);
      });
    }),
    isConnectionError,
  );
  assert.deepEqual(await counters(sql), [0, 0]);
});
