// Gives a test a database of its own with the whole schema, and takes it away again. The server and
// the template come from tools/test.ts, which also removes what a killed test leaves behind.
import assert from 'node:assert/strict';
import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Sql } from '../../src/db/connect.ts';
import { identifier } from '../../src/db/sql.ts';
import { bySocket, withDatabase } from '../../tools/database-url.ts';

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

// A connection that was closed in time is gone from the server's list well within this.
const leakPatienceMs = 30_000;
const pollMs = 10;

/**
 * Makes a fresh database with all migrations applied.
 *
 * It is dropped after the test, behind all hooks that the test itself has registered. Connections
 * which are still open then fail the test: something was not closed.
 */
export async function createTestDatabase(
  t: AfterTest,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const { adminUrl, template } = readEnvironment();
  const name = `${template.replace(/_template$/, '')}_${randomBytes(6).toString('hex')}`;
  const source = options.migrated === false ? 'template0' : template;
  const admin = takeAdmin(adminUrl);
  // Copies files; the usual way writes each page into the log as well, which takes three times as long.
  await admin`
    create database ${identifier(name)} template ${identifier(source)} strategy file_copy`;
  const url = withDatabase(adminUrl, name);
  const { max = 10, lockTimeoutMs = patience.lockTimeoutMs } = options;
  const { connectTimeoutMs, idleInTransactionTimeoutMs } = patience;
  const sql = connect({
    url: bySocket(url, process.env['UNWIND_TEST_SOCKET'] ?? ''),
    max,
    applicationName: 'unwind test',
    connectTimeoutMs,
    idleInTransactionTimeoutMs,
    lockTimeoutMs,
  });
  afterAll(t, () => remove(admin, sql, name));
  return { url, sql };
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
  users: number;
  closing: NodeJS.Timeout | undefined;
}

let shared: Shared | undefined;
const keptMs = 100;

function takeAdmin(url: string): Sql {
  shared ??= {
    admin: connect({ url, max: 1, applicationName: 'unwind test admin', ...patience }),
    users: 0,
    closing: undefined,
  };
  clearTimeout(shared.closing);
  shared.users += 1;
  return shared.admin;
}

function leaveAdmin(): void {
  const left = shared;
  if (left === undefined) return;
  left.users -= 1;
  if (left.users > 0) return;
  left.closing = setTimeout(() => {
    shared = undefined;
    void left.admin.end();
  }, keptMs);
}

async function remove(admin: Sql, sql: Sql, name: string): Promise<void> {
  try {
    await sql.end();
    const open = await openConnections(admin, name);
    await admin`drop database ${identifier(name)} with (force)`;
    assert.deepEqual(open, [], 'the test has left connections to its database open');
  } finally {
    leaveAdmin();
  }
}

async function openConnections(admin: Sql, name: string): Promise<readonly string[]> {
  const deadline = performance.now() + leakPatienceMs;
  for (;;) {
    const rows = await admin<{ shown: string }[]>`
      select application_name || ': ' || state || ', ' || query as shown
      from pg_stat_activity
      where datname = ${name}
        and backend_type = 'client backend'`;
    if (rows.length === 0 || performance.now() > deadline) {
      return rows.map((row) => row.shown);
    }
    await wait(pollMs);
  }
}
