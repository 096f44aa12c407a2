// The server that tests and simulations make their databases on: the one of DATABASE_URL, or a
// throwaway one of their own; and the template with all migrations, from which test/support/database.ts
// makes a database for each test. It answers for all of it being gone afterwards.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Sql } from '../src/db/connect.ts';
import { migrate } from '../src/db/migrate.ts';
import { identifier } from '../src/db/sql.ts';
import { startEmbedded } from '../src/embedded/embedded.ts';
import { isAlive } from '../src/embedded/embedded-program.ts';
import { withDatabase } from './database-url.ts';

interface Server {
  readonly url: string;
  /** The directory of its Unix socket; empty where the server is not ours. */
  readonly socket: string;
  close(): Promise<void>;
}

// The throwaway server may forget everything at a power failure; it does nothing by itself, so that
// plans and the order of rows hang on the tests alone; and its search path is empty, so that a table
// named without its schema is not found.
const throwaway = {
  fsync: 'off',
  full_page_writes: 'off',
  // Who writes log or pages behind a commit decides by its time which dead rows are known to be dead, and so
  // where the next ones go (docs/decisions/0013-simulation.md).
  synchronous_commit: 'on',
  bgwriter_lru_maxpages: '0',
  checkpoint_timeout: '1d',
  autovacuum: 'off',
  // The kernel copies the files of a new database by itself.
  file_copy_method: 'clone',
  max_wal_size: '256MB',
  search_path: '',
  max_connections: '200',
  // Tests connect two thousand times, and a strong password takes both sides 2 ms each time.
  scram_iterations: '1',
  // In the data directory, the one place that the server's own account may surely write to.
  unix_socket_directories: '.',
  // Of what the server itself does, as writing checkpoints, only failures are of interest.
  log_checkpoints: 'off',
  log_line_prefix: '%m [%b] ',
};

/** What the server says of a failure of its own, not of a statement. */
const ownFailure = /^\S+ \S+ \S+ \[(?!client backend)[^\]]*\] (?:ERROR|FATAL|PANIC): .*/gm;
const failuresShown = 20;

/**
 * Where there is memory for it, databases are kept there: to make one is to make 560 files, which takes a
 * disk eight times as long.
 */
const memory = { directory: '/dev/shm', freeBytesMin: 2 * 1024 ** 3 };

const directoryPrefix = 'unwind-test-';
const log = { info: () => {}, warn: console.warn, error: console.error };

/** What tests find their databases by, as environment. */
export interface TestEnvironment {
  /** Where tests put databases of their own; removed afterwards. */
  readonly UNWIND_TEST_DIRECTORY: string;
  readonly UNWIND_TEST_ADMIN_URL: string;
  readonly UNWIND_TEST_TEMPLATE: string;
  /** Where the server listens besides, which costs less than loopback; empty for the server of DATABASE_URL. */
  readonly UNWIND_TEST_SOCKET: string;
}

/** Runs something that makes databases of its own, and drops all of them afterwards. */
export async function withTestServer<T>(
  work: (environment: TestEnvironment) => Promise<T>,
): Promise<T> {
  const given = process.env['DATABASE_URL'];
  const place = (await hasRoomInMemory()) ? memory.directory : tmpdir();
  for (const parent of new Set([place, tmpdir()])) await endOrphans(parent);
  const directory = await mkdtemp(join(place, `${directoryPrefix}${process.pid}-`));
  try {
    await chmod(directory, 0o711); // also PostgreSQL's own account has to pass when we are root
    const server = given
      ? { url: given, socket: '', close: async () => {} }
      : await startThrowaway(directory);
    try {
      return await onServer(server, directory, work);
    } finally {
      await server.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function hasRoomInMemory(): Promise<boolean> {
  return await statfs(memory.directory).then(
    ({ bavail, bsize }) => bavail * bsize >= memory.freeBytesMin,
    () => false, // not this operating system
  );
}

async function startThrowaway(home: string): Promise<Server> {
  const database = await startEmbedded({ home, log, settings: throwaway });
  return {
    url: database.adminUrl,
    socket: join(home, 'pg18/data'),
    close: async () => {
      await database.stop();
      const text = await readFile(join(home, 'pg18.log'), 'utf8');
      const lines = [...new Set(text.match(ownFailure))].slice(0, failuresShown);
      if (lines.length > 0) console.error(`PostgreSQL itself has failed:\n${lines.join('\n')}`);
    },
  };
}

// The server of a runner that was killed lives on. Being its only user, we may end it.
async function endOrphans(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const pid = new RegExp(`^${directoryPrefix}(\\d+)-`).exec(entry)?.[1];
    const home = join(parent, entry);
    if (pid === undefined || isAlive(Number(pid)) || !(await isOurs(home))) continue;
    try {
      if ((await readdir(home)).includes('pg18')) {
        const orphan = await startEmbedded({ home, log, settings: throwaway });
        await orphan.stop();
      }
    } catch (error) {
      log.warn({ home, error }, 'a server left behind could not be ended');
    }
    await rm(home, { recursive: true, force: true, maxRetries: 5 }); // another runner may remove it too
  }
}

async function isOurs(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ uid }) => uid === process.getuid?.(),
    () => false, // another runner has just removed it
  );
}

async function onServer<T>(
  server: Server,
  directory: string,
  work: (environment: TestEnvironment) => Promise<T>,
): Promise<T> {
  const admin = connect({ url: server.url, max: 1, applicationName: 'unwind test runner' });
  const prefix = `unwind_test_${randomBytes(4).toString('hex')}`;
  const template = `${prefix}_template`;
  try {
    if (server.socket !== '') await weakenPassword(admin, new URL(server.url));
    const [postgres] = await admin<{ version: string }[]>`select version()`;
    console.log(`The tests run on ${postgres?.version}.`);
    await makeTemplate(admin, server.url, template);
    return await work({
      UNWIND_TEST_ADMIN_URL: server.url,
      UNWIND_TEST_TEMPLATE: template,
      UNWIND_TEST_DIRECTORY: directory,
      UNWIND_TEST_SOCKET: server.socket,
    });
  } finally {
    await dropAll(admin, prefix);
    await admin.end();
  }
}

/** Has the server keep the same password with the iterations of its settings. */
async function weakenPassword(admin: Sql, { username, password }: URL): Promise<void> {
  const text = decodeURIComponent(password).replaceAll("'", "''");
  await admin.script(`alter role "${username}" password '${text}'`);
}

async function makeTemplate(admin: Sql, url: string, template: string): Promise<void> {
  await admin`create database ${identifier(template)} template template0`;
  const sql = connect({
    url: withDatabase(url, template),
    max: 1,
    applicationName: 'unwind test runner',
  });
  try {
    await migrate(sql);
  } finally {
    await sql.end();
  }
}

async function dropAll(admin: Sql, prefix: string): Promise<void> {
  const found = await admin<{ name: string }[]>`
    select datname as name
    from pg_database
    where starts_with(datname, ${prefix})`;
  for (const { name } of found) {
    await admin`drop database if exists ${identifier(name)} with (force)`;
  }
}
