// Whether the service can work on a database: what is in the way of requests is in the way of readiness.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConnectOptions, connect, type Sql } from '../../src/db/connect.ts';
import { isPassing } from '../../src/db/errors.ts';
import { DatabaseFaultError } from '../../src/db/fault.ts';
import { expectedSchema, migrate } from '../../src/db/migrate.ts';
import { probeDatabase } from '../../src/db/probe.ts';
import { identifier, raw } from '../../src/db/sql.ts';
import { withDatabase } from '../../tools/database-url.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, testAdminUrl } from '../support/database.ts';
import { askToCancel, askToLiquidate } from '../support/engine.ts';
import { keepsPreparedStatements, noPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

const expected = await expectedSchema();
const both = { prepare: false, sessionSettings: false } as const;

function open(t: TestContext, url: string, options: Partial<ConnectOptions> = {}): Sql {
  const sql = connect({ url, max: 8, applicationName: 'unwind test', ...options });
  t.after(() => sql.end());
  return sql;
}

async function setDefault(sql: Sql, url: string, name: string, value: string): Promise<void> {
  const database = identifier(new URL(url).pathname.slice(1));
  await sql`alter database ${database} set ${raw(name)} = ${raw(`'${value}'`)}`;
}

/** Liquidations asked for and withdrawn by many at once, as requests do it. */
async function useLikeRequests(sql: Sql, accounts: number): Promise<void> {
  const clock = testClock();
  const book = Array.from({ length: accounts }, () => ({ positions: [] }));
  const tenantId = await makeTenant(sql);
  const made = await makeBook(sql, { tenantId, instruments: [], accounts: book });
  await Promise.all(
    made.map(async (account) => {
      const ask = { ...account, releaseDelayMs: 60_000 };
      const liquidationId = await askToLiquidate(sql, clock, ask);
      await askToCancel(sql, clock, { ...account, liquidationId });
    }),
  );
}

const saysBrief = (brief: string) => (error: unknown) => {
  assert.ok(error instanceof DatabaseFaultError, String(error));
  assert.equal(error.fault.brief, brief);
  return true;
};

test('a database that serves is reached, written to, and left as it was', async (t) => {
  const { url } = await createTestDatabase(t);
  const sql = open(t, url, { max: 1 });
  for (const _ of [1, 2]) {
    assert.deepEqual(await probeDatabase(sql, expected), { schema: 'current', wrongSettings: [] });
  }
  const [left] = await sql`select count(*)::integer as count from pg_temp.unwind_probe`;
  assert.deepEqual(left, { count: 0 });
});

test('a database that takes no writes does not serve', async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'default_transaction_read_only', 'on');
  assert.deepEqual(
    (await probeDatabase(open(t, url), expected)).schema,
    'current',
    'a default is not in the way: the session sets its own',
  );
  await assert.rejects(probeDatabase(open(t, url, both), expected), saysBrief('it is read-only'));
});

test('PgBouncer with both switches off serves, and a default behind it is named', {
  skip: noPgBouncer,
}, async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'TimeZone', 'UTC');
  await setDefault(sql, url, 'search_path', '');
  const pooled = open(t, await startPgBouncer(t, url), both);
  assert.deepEqual(await probeDatabase(pooled, expected), { schema: 'current', wrongSettings: [] });
  await useLikeRequests(pooled, 40);

  await setDefault(sql, url, 'default_transaction_isolation', 'serializable');
  await setDefault(sql, url, 'statement_timeout', '50ms');
  // A pooler of its own, whose sessions begin after the change.
  const later = open(t, await startPgBouncer(t, url), both);
  assert.deepEqual((await probeDatabase(later, expected)).wrongSettings, [
    "default_transaction_isolation is serializable: alter role … set default_transaction_isolation = 'read committed'",
    "statement_timeout is 50: alter role … set statement_timeout = '15s'",
  ]);
});

test('PgBouncer with one of the switches only does not serve', { skip: noPgBouncer }, async (t) => {
  const { sql, url } = await createTestDatabase(t);
  await setDefault(sql, url, 'TimeZone', 'UTC');
  await setDefault(sql, url, 'search_path', '');
  const through = await startPgBouncer(t, url);

  const settings = open(t, through, { prepare: false });
  await assert.rejects(probeDatabase(settings, expected), isPassing);

  const prepared = open(t, through, { sessionSettings: false });
  if (keepsPreparedStatements()) {
    assert.equal((await probeDatabase(prepared, expected)).schema, 'current');
  } else {
    const brief = 'prepared statements get lost in a pooler';
    await assert.rejects(probeDatabase(prepared, expected), saysBrief(brief));
  }
});

/** Why a file system of its own cannot be made here; false where it can. */
function noSmallDisk(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux mounts';
  const options = { stdio: 'ignore' } as const;
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], options);
    return false;
  } catch {
    return 'mounting is not allowed here';
  }
}

/** A database on a disk of a few MB. */
async function onSmallDisk(t: TestContext) {
  const admin = connect({ url: testAdminUrl(), max: 1, applicationName: 'unwind test' });
  const [server] = await admin<
    { folder: string }[]
  >`select current_setting('data_directory') as folder`;
  const owner = await stat(server?.folder ?? assert.fail());
  const place = await mkdtemp(join(tmpdir(), 'unwind-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=755', 'tmpfs', place]);
  const folder = join(place, 'space');
  await mkdir(folder);
  await chown(folder, owner.uid, owner.gid);
  const name = `unwind_test_disk_${randomBytes(4).toString('hex')}`;
  await admin`create tablespace ${identifier(name)} location ${raw(`'${folder}'`)}`;
  await admin`create database ${identifier(name)} template template0 tablespace ${identifier(name)}`;
  t.after(async () => {
    t.after(async () => {
      await admin`drop database ${identifier(name)} with (force)`;
      await admin`drop tablespace ${identifier(name)}`;
      await admin.end();
      execFileSync('umount', [place]);
      await rm(place, { recursive: true });
    });
  });
  const url = withDatabase(testAdminUrl(), name);
  return { url, filling: join(place, 'filling') };
}

async function fill(path: string): Promise<void> {
  for (let mb = 40; mb > 0; mb -= 1) {
    await writeFile(path, Buffer.alloc(mb * 1_048_576), { flag: 'w' }).catch(() => {});
    const { size } = await stat(path);
    if (size < mb * 1_048_576) break;
  }
}

test('a full disk is in the way until there is room again', { skip: noSmallDisk() }, async (t) => {
  const { url, filling } = await onSmallDisk(t);
  const sql = open(t, url);
  await migrate(sql);
  assert.equal((await probeDatabase(sql, expected)).schema, 'current');

  await fill(filling);
  const error = await probeDatabase(sql, expected).then(
    () => assert.fail('the disk is full'),
    (reason: unknown) => reason,
  );
  assert.equal((error as { code?: string }).code, '53100');
  assert.ok(isPassing(error));
  await assert.rejects(useLikeRequests(sql, 1), isPassing, 'a request is asked to come again');

  await rm(filling);
  await useLikeRequests(sql, 1);
  assert.equal((await probeDatabase(sql, expected)).schema, 'current');
});
