// What `npm test` runs: a throwaway PostgreSQL, a template database with all migrations, and the
// tests. It answers for the database being there before the tests and gone after them; the tests
// make their own databases from the template (test/support/database.ts).
//
//   npm test                           all tests
//   npm test -- test/db                those of one room
//   npm test -- test/db/errors.test.ts --test-name-pattern=gone
//
// With DATABASE_URL the databases are made on that server instead (its user must be allowed to).
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Sql } from '../src/db/connect.ts';
import { withDatabase } from '../src/db/database-url.ts';
import { startEmbedded } from '../src/db/embedded.ts';
import { isAlive } from '../src/db/embedded-program.ts';
import { migrate } from '../src/db/migrate.ts';
import { identifier } from '../src/db/sql.ts';

type Server = { readonly url: string; close(): Promise<void> };

// Two cores are the smallest machine this is developed on; a test that hangs is ended.
const defaultFlags = ['--test-concurrency=2', '--test-timeout=120000', '--test-reporter=spec'];

// The throwaway server may forget everything at a power failure, and its search path is empty, so
// that a table named without its schema is not found.
const throwaway = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  search_path: '',
};

const homePrefix = 'unwind-test-';
const log = { info: () => {}, warn: console.warn, error: console.error };

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(signal));
  }
  const given = process.env['DATABASE_URL'];
  const server = given ? { url: given, close: async () => {} } : await startThrowaway();
  try {
    return await testOn(server, args, stopping.signal);
  } finally {
    await server.close();
  }
}

async function startThrowaway(): Promise<Server> {
  await endOrphans();
  const home = await mkdtemp(join(tmpdir(), `${homePrefix}${process.pid}-`));
  await chmod(home, 0o711); // also PostgreSQL's own account has to pass when we are root
  const database = await startEmbedded({ home, log, settings: throwaway });
  const close = async () => {
    await database.stop();
    await rm(home, { recursive: true, force: true });
  };
  return { url: database.url, close };
}

// The server of a runner that was killed lives on. Being its only user, we may end it.
async function endOrphans(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const pid = new RegExp(`^${homePrefix}(\\d+)-`).exec(entry)?.[1];
    const home = join(tmpdir(), entry);
    if (pid === undefined || isAlive(Number(pid)) || !(await isOurs(home))) {
      continue;
    }
    try {
      const orphan = await startEmbedded({ home, log, settings: throwaway });
      await orphan.stop();
    } catch (error) {
      log.warn({ home, error }, 'a server left behind could not be ended');
    }
    await rm(home, { recursive: true, force: true });
  }
}

async function isOurs(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ uid }) => uid === process.getuid?.(),
    () => false, // another runner has just removed it
  );
}

async function testOn(
  server: Server,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const admin = connect({ url: server.url, max: 1, applicationName: 'unwind test runner' });
  const prefix = `unwind_test_${randomBytes(4).toString('hex')}`;
  const template = `${prefix}_template`;
  try {
    await makeTemplate(admin, server.url, template);
    return await runTests(args, signal, {
      ...process.env,
      UNWIND_TEST_ADMIN_URL: server.url,
      UNWIND_TEST_TEMPLATE: template,
    });
  } finally {
    await dropAll(admin, prefix);
    await admin.end();
  }
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

async function runTests(
  args: readonly string[],
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  if (signal.aborted) {
    return 130;
  }
  const flags = args.filter((arg) => arg.startsWith('--'));
  const paths = args.filter((arg) => !arg.startsWith('--'));
  const patterns = await Promise.all((paths.length === 0 ? ['test'] : paths).map(toPattern));
  const child = spawn(process.execPath, ['--test', ...defaultFlags, ...flags, ...patterns], {
    env,
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child from the terminal as well; a second signal does no harm.
  const forward = () => child.kill('SIGTERM');
  signal.addEventListener('abort', forward);
  try {
    const [code] = await once(child, 'exit');
    return signal.aborted ? 130 : (code ?? 1);
  } finally {
    signal.removeEventListener('abort', forward);
  }
}

async function toPattern(path: string): Promise<string> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false, // a pattern, which node reads itself
  );
  return isDirectory ? join(path, '**', '*.test.ts') : path;
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
