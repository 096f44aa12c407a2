// Migrations: order, record, refusals, and several processes at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type Sql } from '../../src/db/connect.ts';
import {
  expectedSchema,
  MigrationError,
  type MigrationRefusal,
  migrate,
  readMigrations,
  refuseOldServer,
  schemaState,
} from '../../src/db/migrate.ts';
import { adoptOrders } from '../../src/orders/order-store.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Files, firstSteps, folderOf } from './migrations-folder.ts';

const two: Files = {
  '0001-books.sql': 'create table unwind.books (id integer primary key);',
  '0002-first-book.sql': 'insert into unwind.books (id) values (1);\nselect 1;',
};

async function recorded(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ shown: string }[]>`
    select number || ' ' || name as shown
    from unwind.migrations
    order by number`;
  return rows.map((row) => row.shown);
}

function refusal(code: MigrationRefusal, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MigrationError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

test('applies what is missing, in order, once', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const first = await folderOf(t, { '0001-books.sql': two['0001-books.sql'] ?? '' });
  const both = await folderOf(t, two);

  assert.equal(await schemaState(sql, await expectedSchema(first)), 'behind');
  assert.deepEqual(
    (await migrate(sql, first)).map((step) => step.name),
    ['books'],
  );
  assert.equal(await schemaState(sql, await expectedSchema(first)), 'current');
  assert.equal(await schemaState(sql, await expectedSchema(both)), 'behind');
  assert.deepEqual(
    (await migrate(sql, both)).map((step) => step.name),
    ['first-book'],
  );
  assert.deepEqual(await migrate(sql, both), []);
  assert.equal(await schemaState(sql, await expectedSchema(both)), 'current');
  assert.equal(await schemaState(sql, await expectedSchema(first)), 'ahead');
  assert.deepEqual(await recorded(sql), ['1 books', '2 first-book']);
});

test('eight processes at once apply each step once between them', async (t) => {
  const { sql, url } = await createTestDatabase(t, { migrated: false });
  const folder = await folderOf(t, two);
  const pools = Array.from({ length: 8 }, () =>
    connect({ url, max: 1, applicationName: 'unwind test' }),
  );
  t.after(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
  });
  const applied = await Promise.all(pools.map((pool) => migrate(pool, folder)));
  assert.deepEqual(
    applied
      .flat()
      .map((step) => step.number)
      .toSorted(),
    [1, 2],
  );
  assert.deepEqual(await recorded(sql), ['1 books', '2 first-book']);
  assert.deepEqual([...(await sql`select id from unwind.books`)], [{ id: 1 }]);
});

test('a step that fails leaves nothing of itself; the ones before it stay', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const folder = await folderOf(t, {
    ...two,
    '0003-broken.sql': 'insert into unwind.books (id) values (2); select 1 / 0;',
  });
  await assert.rejects(migrate(sql, folder), { code: '22012' });
  assert.deepEqual(await recorded(sql), ['1 books', '2 first-book']);
  assert.deepEqual([...(await sql`select id from unwind.books`)], [{ id: 1 }]);
  assert.equal(await schemaState(sql, await expectedSchema(folder)), 'behind');
});

test('a table without its schema is refused by the database', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const folder = await folderOf(t, { '0001-books.sql': 'create table books (id integer);' });
  await assert.rejects(migrate(sql, folder), { code: '3F000' });
});

test('refuses a file that has changed after it was applied, not its line ends', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await migrate(sql, await folderOf(t, two));
  const text = two['0002-first-book.sql'] ?? '';
  const windows = await folderOf(t, {
    ...two,
    '0002-first-book.sql': text.replaceAll('\n', '\r\n'),
  });
  assert.deepEqual(await migrate(sql, windows), []);

  const changed = await folderOf(t, { ...two, '0002-first-book.sql': `${text} ` });
  await assert.rejects(
    migrate(sql, changed),
    refusal('migration_changed', /0002-first-book.*never change/s),
  );
  const { '0001-books.sql': books = '' } = two;
  const renamed = await folderOf(t, { '0001-shelves.sql': books });
  await assert.rejects(migrate(sql, renamed), refusal('migration_changed', /0001-books/));
});

test('refuses a database that a newer version has migrated, and changes nothing', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await migrate(sql, await folderOf(t, two));
  const older = await folderOf(t, { '0001-books.sql': two['0001-books.sql'] ?? '' });
  await assert.rejects(
    migrate(sql, older),
    refusal('database_ahead', /0002-first-book.*newer version/s),
  );
  assert.deepEqual(await recorded(sql), ['1 books', '2 first-book']);
});

test('a step may be a folder of files, applied one after another as one step', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const folder = await folderOf(t, {
    '0001-library/10-books.sql': 'create table unwind.books (id integer primary key);',
    '0001-library/20-first-book.sql': 'insert into unwind.books (id) values (1)',
  });
  assert.equal((await migrate(sql, folder)).length, 1);
  assert.deepEqual(await recorded(sql), ['1 library']);
  assert.deepEqual([...(await sql`select id from unwind.books`)], [{ id: 1 }]);
});

test('a schema one step ahead serves this code where that step says so, and no further', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const step = (from: number) => `-- compatible-from: ${from}\nselect 1;`;
  await migrate(sql, await folderOf(t, { '0001-a.sql': '', '0002-b.sql': step(1) }));
  assert.equal(await schemaState(sql, 1), 'ahead, compatible');
  assert.equal(await schemaState(sql, 2), 'current');
  const own = await folderOf(t, { '0001-a.sql': '' });
  assert.deepEqual(await migrate(sql, own), [], 'a process of the version before may start again');

  const third = { '0001-a.sql': '', '0002-b.sql': step(1), '0003-c.sql': step(1) };
  await migrate(sql, await folderOf(t, third));
  assert.equal(await schemaState(sql, 1), 'ahead');
  await assert.rejects(migrate(sql, own), refusal('database_ahead', /newer version/));
  assert.equal(await schemaState(sql, 2), 'ahead, compatible');

  await migrate(sql, await folderOf(t, { ...third, '0004-d.sql': 'select 1;' }));
  assert.equal(
    await schemaState(sql, 3),
    'ahead',
    'a step that says nothing serves its own code only',
  );
});

test('refuses a folder with gaps, doubles or other names', async (t) => {
  const wrong: readonly Files[] = [
    { '0002-second.sql': '' },
    { '0001-a.sql': '', '0003-c.sql': '' },
    { '0001-a.sql': '', '0001-b.sql': '' },
    { '1-a.sql': '' },
    { '0001_a.sql': '' },
    { '0001-A.sql': '' },
  ];
  for (const files of wrong) {
    const folder = await folderOf(t, files);
    await assert.rejects(
      readMigrations(folder),
      refusal('bad_migration_file', /expected the name/),
    );
  }
});

test('refuses PostgreSQL before 15', () => {
  const old = { version: 140_022, shown: '14.22 (Debian 14.22-1)' };
  assert.throws(() => refuseOldServer(old), refusal('postgres_too_old', /14\.22.*needs 15/s));
  refuseOldServer({ version: 150_000, shown: '15.0' });
});

test('the schema of this code applies to an empty database and is then current', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const applied = await migrate(sql);
  assert.deepEqual(applied, await readMigrations());
  assert.equal(await schemaState(sql, await expectedSchema()), 'current');
});

test('a database of a test has the schema of this code', async (t) => {
  const { sql } = await createTestDatabase(t);
  assert.equal(await schemaState(sql, await expectedSchema()), 'current');
  assert.deepEqual(await migrate(sql), []);
});

test('what was released is never edited', async () => {
  // Add a line with each release: number, name, version, digest.
  const released = [
    ['1 baseline', '0.1.0', '7181c72ad1b66dfd099fe1756dc58f0ad117e5fce47a1edf9814afa0730e9ee2'],
    [
      '2 liquidation-lists',
      '0.2.0',
      '583e6d608bc2233cee6aa82334b69a0860d0aa8dee7f9b285ba2b047a9805add',
    ],
    ['3 tunnels', '0.2.0', 'd6af429d4a38b4718a60fb9f2bc190383111ef077515718648eee3eb82b0ebcf'],
    ['4 venues', '0.2.0', '8e4d35c2920ec86de058457c9060f591b8a72da03354a59a5485c6f6c28fe216'],
    [
      '5 open-sandboxes',
      '0.2.0',
      '966956e98b31ad24d0145ba468f66c2ccec8e2d88626e3a82e69e108262a27aa',
    ],
    [
      '6 webhook-faults',
      '0.2.0',
      '1facda97c2ffab4d616e6cf29a099200bb7851ab425258d9aa7790222dc66cf4',
    ],
    [
      '7 users-and-accounts',
      '0.2.0',
      '88b77f68042bce9fefcb41e340a76d5231f97513dd404ed028385f2fb18df998',
    ],
    ['8 fix-problems', '0.2.0', 'a8d042283a8086cfb2e68a9bb964a06efcb3ed0f36f037bd2d4c042148d402f2'],
    ['9 halts', '0.2.0', '0b2e12173b15780ed8f89f60cecb7c83eee6abfc6ee23897181a32ba8044619d'],
    ['10 console', '0.2.0', '54172ec4a223ba8f2e085a23017625089ef03171527cf730e1801b4818443ea2'],
    ['11 settlement', '0.2.0', 'a407d98cc6f53ede65ab8fe46a9a850f7f9bd04ba541ee8593dd1c0f2f979e3a'],
    ['12 trail', '0.2.0', '6baae7ebc2c6a500db48576d9b5d90f9bc7bb4f3da7636c487ed7fee8ef1aaec'],
    ['13 openid', '0.2.0', '42717205903761429a640cecc355d58a17f0dea8e950032626acbf781c1f21a3'],
    ['14 audits', '0.2.0', '56396415576e2d576598327654e3b36f27491035a423ff758f3a5cc5ce633c48'],
    ['15 controls', '0.2.0', '19901eea1bbbc0c8efb8f4ec5546c19853eb3e36c8d9c987078cba1a69b585de'],
    [
      '16 reservations',
      '0.2.0',
      'caed9620e2f79e122f99c7cc21656c16737adfc72fde1188c14919e89355729b',
    ],
    [
      '17 client-certificates',
      '0.2.0',
      '7e6241e2df272a0ea5136e9e4c19dfb28a53d93d9de14039c9cdfbc1f9d09bfc',
    ],
    ['18 batches', '0.2.0', 'd4f355d7c5bd5892871b63697c349930d3481b3210cb78770ada31d1662f9d7e'],
    ['19 approvals', '0.2.0', '47f31f7cfbbfc275351c50fcc2bdd6a84792993060cb240b7200c41d17a2a214'],
    [
      '20 answers-and-acts',
      '0.2.0',
      '8c359c058883704979ac1c60ef39f0642dff0ca71384aa347c766d909f86ad37',
    ],
    [
      '21 batch-approvals',
      '0.2.0',
      '173edcd8f42fe5f7bccde6b728c7a8e280d69768492c36f1e571fb4853d1cd46',
    ],
  ] as const;

  const files = await readMigrations();
  for (const [index, [named, version, sha256]] of released.entries()) {
    const file = files[index];
    assert.deepEqual([`${file?.number} ${file?.name}`, file?.sha256], [named, sha256], version);
  }
});

test('the venues of orders: one that was sent keeps its own, one that was not waits for the configured one', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const steps = await readMigrations();
  await migrate(sql, await firstSteps(t, 3));
  await sql.script(`
    -- No parents: what is looked at is the orders alone.
    set session_replication_role = replica;
    insert into unwind.fix_sessions (
      venue, trading_day, is_reset_pending, next_out, next_in, last_report, status, status_at, lease_epoch
    )
    select v.venue, now()::date, false, 1, 1, 0, 'disconnected', now(), 0
    from (values ('XAAA'), ('XZZZ')) v (venue);
    insert into unwind.orders (
      tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, status, submissions,
      submit_at, created_at, updated_at, status_at
    )
    select n.id, n.id, n.id, n.id, 'DE0007164600', 1, 1, n.status, n.submissions,
      case when n.status = 'NEW' then now() end, now(), now(), now()
    from (
      values
        ('019a0000-0000-7000-8000-000000000001'::uuid, 'NEW', 0),
        ('019a0000-0000-7000-8000-000000000002', 'PROCESSING', 1)
    ) n (id, status, submissions);
    insert into unwind.submissions (
      tenant_id, client_order_id, order_id, liquidation_id, venue, quantity, status, lease_epoch, sent_at,
      updated_at
    )
    select o.tenant_id, 'SENT', o.order_id, o.liquidation_id, 'XZZZ', 1, 'WORKING', 0, now(), now()
    from unwind.orders o
    where o.status = 'PROCESSING';
    set session_replication_role = origin;
  `);
  await migrate(sql);
  const venues = async () => {
    const rows = await sql<{ venue: string | null }[]>`
      select o.venue from unwind.orders o order by o.order_id`;
    return rows.map(({ venue }) => venue);
  };
  assert.deepEqual(await venues(), [null, 'XZZZ']);
  assert.equal(await adoptOrders(sql, 'XMID', 10), 1);
  assert.deepEqual(await venues(), ['XMID', 'XZZZ']);
  assert.equal(steps[3]?.compatibleFrom, 4, 'a worker of before would send orders of other venues');
});
