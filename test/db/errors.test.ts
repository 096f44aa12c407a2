// Each recogniser against the error it is for, made by a real server or a real socket, and against
// all the others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect, type Sql } from '../../src/db/connect.ts';
import {
  isConflict,
  isConnectionError,
  isDuplicateDatabase,
  isLockTimeout,
  isPassing,
  isUniqueViolation,
  isWrongPassword,
} from '../../src/db/errors.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { portOf } from '../support/condition.ts';
import { createTestDatabase, testAdminUrl } from '../support/database.ts';
import { isCheckViolation, isStatementTimeout } from '../support/errors.ts';

const recognisers = {
  isCheckViolation,
  isConflict,
  isConnectionError,
  isDuplicateDatabase,
  isLockTimeout,
  isStatementTimeout,
  isUniqueViolation,
  isWrongPassword,
};

type Recogniser = keyof typeof recognisers;

function recognise(error: unknown): readonly string[] {
  return Object.entries(recognisers)
    .filter(([, recogniser]) => recogniser(error))
    .map(([name]) => name);
}

async function errorOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return assert.fail('expected an error');
}

function assertOnly(error: unknown, expected: readonly Recogniser[]): void {
  assert.deepEqual(recognise(error), expected, String(error));
  const wrapped = new Error('wrapped', { cause: new Error('again', { cause: error }) });
  assert.deepEqual(recognise(wrapped), expected, 'a wrapped error is the same kind of trouble');
}

async function makeTables(sql: Sql): Promise<void> {
  await sql.script(`
    create schema errors_test;
    create table errors_test.parents (
      id integer,
      constraint parents_pkey primary key (id),
      constraint parents_id_small check (id < 10)
    );
    create table errors_test.children (
      id integer,
      constraint children_parent foreign key (id) references errors_test.parents
    );
    insert into errors_test.parents (id) values (1);`);
}

test('constraints are recognised by kind and by name', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeTables(sql);

  const unique = await errorOf(() => sql`insert into errors_test.parents (id) values (1)`);
  assertOnly(unique, ['isUniqueViolation']);
  assert.equal(isUniqueViolation(unique, 'parents_pkey'), true);
  assert.equal(isUniqueViolation(unique, 'children_pkey'), false);

  const check = await errorOf(() => sql`insert into errors_test.parents (id) values (10)`);
  assertOnly(check, ['isCheckViolation']);
  assert.equal(isCheckViolation(check, 'parents_id_small'), true);
  assert.equal(isCheckViolation(check, 'parents_pkey'), false);

  const foreign = await errorOf(() => sql`insert into errors_test.children (id) values (2)`);
  assertOnly(foreign, []);
});

test('waiting too long: for a lock, and in a statement', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await makeTables(sql);
  await inTransaction(sql, async (tx) => {
    await tx`select id from errors_test.parents for update`;
    const denied = await errorOf(() => sql`select id from errors_test.parents for update nowait`);
    assertOnly(denied, ['isLockTimeout']);
    const waited = await errorOf(() =>
      inTransaction(sql, async (other) => {
        await other`set local lock_timeout = '20ms'`;
        await other`select id from errors_test.parents for update`;
      }),
    );
    assertOnly(waited, ['isLockTimeout']);
  });
  const slow = await errorOf(() =>
    inTransaction(sql, async (tx) => {
      await tx`set local statement_timeout = '20ms'`;
      await tx`select pg_sleep(60)`;
    }),
  );
  assertOnly(slow, ['isStatementTimeout']);
});

test('the session is ended by the server, the pool by us', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const ended = await errorOf(() => sql`select pg_terminate_backend(pg_backend_pid())`);
  assertOnly(ended, ['isConnectionError']);
  const own = connect({ url: testAdminUrl(), max: 1, applicationName: 'unwind test' });
  await own.end();
  assertOnly(await errorOf(() => own`select 1`), ['isConnectionError']);
});

test('no server answers at the address, or the database is not there', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  const nobody = [
    `postgres://u@127.0.0.1:${port}/x`,
    'postgres:///x?host=/nowhere/at/all',
    'postgres://u@no-such-host.invalid/x',
  ];
  for (const url of nobody) {
    const sql = connect({ url, max: 1, applicationName: 'unwind test' });
    t.after(() => sql.end());
    assertOnly(await errorOf(() => sql`select 1`), ['isConnectionError']);
  }
});

test('a user without the right password', async (t) => {
  const sql = connect({
    url: testAdminUrl().replace(/\/\/.*@/, '//stranger:wrong@'),
    max: 1,
    applicationName: 'unwind test',
  });
  t.after(() => sql.end());
  assertOnly(await errorOf(() => sql`select 1`), ['isWrongPassword']);
});

test('a value that cannot be sent is a mistake, and the connection goes on', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const sql = connect({ url, max: 1, applicationName: 'unwind test' });
  t.after(() => sql.end());
  const [{ pid } = { pid: 0 }] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const unsendable = { count: 1n } as never; // types keep most of these out
  const error = await errorOf(() => sql`select ${unsendable}::jsonb`);
  assertOnly(error, []);
  assert.ok(error instanceof TypeError, String(error));
  const inside = inTransaction(sql, (tx) => tx`select ${unsendable}::jsonb`);
  assertOnly(await errorOf(() => inside), []);
  const [after] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  assert.equal(after?.pid, pid, 'the same session');
});

test('a database that is there already', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  const error = await errorOf(() => sql`create database postgres`);
  assertOnly(error, ['isDuplicateDatabase']);
});

test('other errors are none of these', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  assertOnly(await errorOf(() => sql`select 1 / 0`), []);
  assertOnly(await errorOf(() => readFile('/nowhere/at/all')), []);
  assertOnly(new Error('ECONNREFUSED 40001 57P01'), []);
  assertOnly(Object.assign(new Error('from elsewhere'), { code: '23505' }), []);
  assertOnly('ECONNREFUSED', []);
  assertOnly(null, []);
});

/** All SQLSTATEs of the classes of trouble (PostgreSQL appendix A): those that pass, and those that do not. */
const classes: readonly { passing: string; lasting: string }[] = [
  { passing: '08000 08001 08003 08004 08006 08007 08P01', lasting: '' },
  {
    passing: '25006 25P03 25P04',
    lasting: '25000 25001 25002 25003 25004 25005 25007 25008 25P01 25P02',
  },
  { passing: '53000 53100 53200 53300 53400', lasting: '' },
  { passing: '57000 57014 57P01 57P02 57P03 57P04 57P05', lasting: '' },
  { passing: '58000 58030', lasting: '58P01 58P02' },
  { passing: '', lasting: 'XX000 XX001 XX002' },
  // Others that a request may try again: lost races, locks, statements that a pooler has mislaid.
  { passing: '40001 40003 40P01 55P03 26000 42P05 3D000', lasting: '42601 42501 23505 22012' },
];

test('of the classes of trouble each SQLSTATE passes or does not', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await sql.script(`
    create function public.fail(code text) returns void language plpgsql as $$
    begin
      raise exception using errcode = code, message = 'asked for';
    end $$`);
  const codes = (text: string) => text.split(' ').filter((code) => code !== '');
  for (const { passing, lasting } of classes) {
    for (const code of [...codes(passing), ...codes(lasting)]) {
      const error = await errorOf(() => sql`select public.fail(${code})`);
      assert.equal(isPassing(error), codes(passing).includes(code), code);
    }
  }
  assert.equal(isPassing(new Error('53100')), false);
});
