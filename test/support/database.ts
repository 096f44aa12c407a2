// Gives a test a database of its own with the whole schema, and takes it away again or keeps it for the next
// test of the process, as new again (emptied.ts). The server and the template come from tools/test.ts, which also
// removes what a killed test leaves behind.
import assert from 'node:assert/strict';
import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Sql } from '../../src/db/connect.ts';
import { breaksConnection } from '../../src/db/connection.ts';
import { identifier } from '../../src/db/sql.ts';
import { bySocket, withDatabase } from '../../tools/database-url.ts';
import { empty, lookAtNew, type NewDatabase } from './emptied.ts';

export interface TestDatabase {
  readonly url: string;
  readonly sql: Sql;
}

/** What is needed of a test's context; `{ after }` of `node:test` serves a whole file. */
export interface AfterTest {
  after(hook: () => Promise<void>): void;
}

/**
 * Has a hook run behind all others, those that are registered later included. Hooks run in the order they
 * were registered, those registered meanwhile last. The `after` of a whole file is bound to the place of this
 * call: within a hook it would be of that hook alone.
 */
export function afterAll(t: AfterTest, hook: () => Promise<void>): void {
  const register = AsyncResource.bind(() => t.after(hook));
  t.after(async () => register());
}

export interface TestDatabaseOptions {
  /** True for a database that no other test has used, where it matters in which places rows lie. */
  readonly fresh?: true;
  /** False for a database without any table. */
  readonly migrated?: boolean;
  /** Most connections of `sql`. */
  readonly max?: number;
  /** How long a statement of `sql` waits for a lock; default as long as the test holds it. */
  readonly lockTimeoutMs?: number;
}

// On a machine that is busy with other things all takes long; and databases of one process wait for each other.
const patience = {
  connectTimeoutMs: 120_000,
  statementTimeoutMs: 120_000,
  lockTimeoutMs: 60_000,
  // A test may hold a transaction open over all that it does meanwhile.
  idleInTransactionTimeoutMs: 60_000,
};

/** Of the pools that tests are given. */
const ownName = 'unwind test database';

// A connection that was closed in time is gone from the server's list well within this.
const leakPatienceMs = 30_000;
const pollMs = 10;

/** A database, and the pool that tests use. */
interface Database extends TestDatabase {
  readonly name: string;
}

/**
 * Gives a database with all migrations applied and nothing else in it: a fresh one, or one that a test of this
 * process has left and that is as new again.
 *
 * It is taken away after the test, behind all hooks that the test itself has registered. Connections
 * which are still open then fail the test: something was not closed.
 */
export async function createTestDatabase(
  t: AfterTest,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const { adminUrl } = readEnvironment();
  const common = takeShared(adminUrl);
  const isUsual = Object.keys(options).length === 0;
  const database = (isUsual ? common.kept.pop() : undefined) ?? (await make(common.admin, options));
  if (isUsual) common.asNew ??= await lookAtNew(database.sql);
  // Who goes on after the test does not write into the next one.
  const handle = Proxy.revocable(database.sql, {});
  afterAll(t, async () => {
    handle.revoke();
    await leave(common, database, isUsual);
  });
  return { url: database.url, sql: handle.proxy };
}

async function make(admin: Sql, options: TestDatabaseOptions): Promise<Database> {
  const { adminUrl, template } = readEnvironment();
  const name = `${template.replace(/_template$/, '')}_${randomBytes(6).toString('hex')}`;
  const source = options.migrated === false ? 'template0' : template;
  // Copies files; the usual way writes each page into the log as well, which takes three times as long.
  await admin`
    create database ${identifier(name)} template ${identifier(source)} strategy file_copy`;
  const url = withDatabase(adminUrl, name);
  const { max = 10, lockTimeoutMs = patience.lockTimeoutMs } = options;
  const { connectTimeoutMs, idleInTransactionTimeoutMs } = patience;
  const sql = connect({
    url: bySocket(url, process.env['UNWIND_TEST_SOCKET'] ?? ''),
    max,
    applicationName: ownName,
    connectTimeoutMs,
    idleInTransactionTimeoutMs,
    lockTimeoutMs,
  });
  return { name, url, sql };
}

/** The URL of the server's own database, for tests that make and drop databases themselves. */
export function testAdminUrl(): string {
  return readEnvironment().adminUrl;
}

/** Where a test keeps a database of its own: in memory where there is room, and gone after the run. */
export function testDirectory(): string {
  return process.env['UNWIND_TEST_DIRECTORY'] ?? tmpdir();
}

function readEnvironment(): { adminUrl: string; template: string } {
  const adminUrl = process.env['UNWIND_TEST_ADMIN_URL'];
  const template = process.env['UNWIND_TEST_TEMPLATE'];
  if (adminUrl === undefined || template === undefined) {
    throw new Error('This test needs a database: run it by `npm test -- test/path/of.test.ts`.');
  }
  return { adminUrl, template };
}

// A connection takes longer than most of what a test asks, so all databases of a process share one; it
// is closed soon after the last of them, since a process with an open connection does not end.
interface Shared {
  readonly admin: Sql;
  /** Databases that are as new again. */
  readonly kept: Database[];
  /** How a database is that is new, from the first one on; undefined where none is kept. */
  asNew: NewDatabase | undefined;
  users: number;
  closing: NodeJS.Timeout | undefined;
}

let shared: Shared | undefined;
const keptMs = 100;
/** Databases of a process that wait for a test: each has connections open. */
const keptMax = 4;

function takeShared(url: string): Shared {
  shared ??= {
    admin: connect({ url, max: 1, applicationName: 'unwind test admin', ...patience }),
    kept: [],
    asNew: undefined,
    users: 0,
    closing: undefined,
  };
  clearTimeout(shared.closing);
  shared.users += 1;
  return shared;
}

async function leave(from: Shared, database: Database, isUsual: boolean): Promise<void> {
  const { admin, kept, asNew } = from;
  let isAsNew = false;
  try {
    const open = await openConnections(admin, database.name);
    assert.deepEqual(open, [], 'the test has left connections to its database open');
    const isKept = isUsual && asNew !== undefined && kept.length < keptMax;
    isAsNew = isKept && (await isEmptied(database, asNew));
  } finally {
    if (isAsNew) kept.push(database);
    else await remove(admin, database);
    from.users -= 1;
    if (from.users === 0) from.closing = setTimeout(() => void close(from), keptMs);
  }
}

async function isEmptied({ sql }: Database, asNew: NewDatabase): Promise<boolean> {
  try {
    return await empty(sql, asNew);
  } catch (error) {
    if (breaksConnection(error)) return false; // the test has ended its connections
    throw error;
  }
}

async function close({ admin, kept }: Shared): Promise<void> {
  shared = undefined;
  for (const database of kept) await remove(admin, database);
  await admin.end();
}

async function remove(admin: Sql, { sql, name }: Database): Promise<void> {
  await sql.end();
  await admin`drop database ${identifier(name)} with (force)`;
}

/** Those of others, and our own ones that are in the middle of something. */
async function openConnections(admin: Sql, name: string): Promise<readonly string[]> {
  const deadline = performance.now() + leakPatienceMs;
  for (;;) {
    const rows = await admin<{ shown: string }[]>`
      select application_name || ': ' || state || ', ' || query as shown
      from pg_stat_activity
      where datname = ${name}
        and backend_type = 'client backend'
        and not (application_name = ${ownName} and state in ('idle', 'disabled'))`;
    if (rows.length === 0 || performance.now() > deadline) {
      return rows.map((row) => row.shown);
    }
    await wait(pollMs);
  }
}
