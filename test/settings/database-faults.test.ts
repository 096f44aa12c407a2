// What a person reads when the database cannot be used: each way to fail, on real servers, has a cause and a
// remedy of its own, and no password in it.
// Long by nature: it starts database servers.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, readFile, writeFile } from 'node:fs/promises';
import { connect as connectTo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { connect } from '../../src/db/connect.ts';
import { databaseFault } from '../../src/db/fault.ts';
import { identifier, raw } from '../../src/db/sql.ts';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { findAccount } from '../../src/embedded/embedded-account.ts';
import { readConfig } from '../../src/settings/config.ts';
import { explained, prepareDatabase } from '../../src/settings/database.ts';
import { withDatabase } from '../../tools/database-url.ts';
import { newHome, runUnwind } from '../service/processes.ts';
import { testClock } from '../support/clock.ts';
import { eventually, portOf } from '../support/condition.ts';
import { createTestDatabase, testAdminUrl } from '../support/database.ts';
import { client, makeHome, quiet } from '../support/embedded.ts';
import { freePort } from '../support/port.ts';

const run = promisify(execFile);

const right = 'c0rrect-h0rse';

/** What a start on this database says, as a whole. */
async function refusalOf(
  url: string,
  settings: Record<string, string> = {},
  connectTimeoutMs = 60_000,
): Promise<string> {
  const config = await readConfig({ DATABASE_URL: url, ...settings });
  const { prepare, sessionSettings } = config.database;
  const options = { url, prepare, sessionSettings, connectTimeoutMs };
  const sql = connect({ ...options, max: 1, applicationName: 'unwind test' });
  try {
    await prepareDatabase(sql, testClock(), config);
  } catch (error) {
    const told = explained(error, url);
    assert.equal((told as Error).name, 'DatabaseFaultError', String(error));
    const { message } = told as Error;
    const { password } = new URL(url);
    assert.ok(password === '' || !message.includes(password), 'no password is printed');
    return message;
  } finally {
    await sql.end();
  }
  assert.fail('it was taken');
}

function changed(url: string, change: (url: URL) => void): string {
  const made = new URL(url);
  change(made);
  return made.href;
}

test('nothing listens there', async () => {
  const port = await freePort();
  assert.equal(
    await refusalOf(`postgres://unwind:secret@127.0.0.1:${port}/unwind`),
    `Cannot connect to the database at 127.0.0.1:${port}: connection refused. Is PostgreSQL running there?`,
  );
  assert.match(
    await refusalOf(`postgres://unwind:secret@localhost:${port}/unwind`),
    /^Cannot connect to the database at localhost:\d+: connection refused\./,
    'also of a name with several addresses',
  );
  assert.equal(
    await refusalOf('postgres:///unwind?host=/nowhere'),
    'Cannot connect to the database at /nowhere/.s.PGSQL.5432: there is no such socket. ' +
      'Is PostgreSQL running, and is this its unix_socket_directories?',
  );
});

test('something else listens there, or something that says nothing', async (t) => {
  const held: { destroy(): void }[] = [];
  let [greets, resets] = [true, false];
  const server = createServer((socket) => {
    held.push(socket);
    socket.on('error', () => socket.destroy());
    if (resets) socket.resetAndDestroy();
    else if (greets) socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of held) socket.destroy();
    server.close();
  });
  const url = `postgres://unwind:secret@127.0.0.1:${portOf(server)}/unwind`;
  assert.match(
    await refusalOf(url),
    /: the connection was ended\. .*Is it PostgreSQL that listens there\?$/,
  );
  resets = true;
  assert.match(await refusalOf(url), /: the connection was ended\./, 'also by a reset');
  [resets, greets] = [false, false];
  assert.match(await refusalOf(url, {}, 1_000), /: no answer in time\. .*firewall/);
});

test('the host has no address', async () => {
  const message = await refusalOf('postgres://unwind:secret@no-such-host.invalid/unwind');
  assert.match(message, /^Cannot find the host no-such-host\.invalid of DATABASE_URL/);
});

test('password, role, database or right are wrong', async (t) => {
  const { url, sql } = await createTestDatabase(t, { migrated: false });
  const name = new URL(url).pathname.slice(1);
  const role = `poor_${randomBytes(4).toString('hex')}`;
  await sql`create role ${identifier(role)} login password ${raw(`'${right}'`)}`;
  t.after(async () => {
    await sql`drop owned by ${identifier(role)}`;
    await sql`drop role ${identifier(role)}`;
  });
  const as = (password: string) =>
    changed(url, (one) => {
      one.username = role;
      one.password = password;
    });
  assert.match(
    await refusalOf(as('wrong')),
    new RegExp(
      `did not accept the password of the role ${role}\\. .*alter role "${role}" password`,
    ),
  );
  const settings = { DATABASE_URL: as('') };
  const told = await runUnwind(t, ['migrate'], { home: await newHome(t), settings });
  assert.deepEqual([told.code, told.stdout], [2, '']);
  assert.match(
    told.stderr,
    new RegExp(`^unwind: The database asks for the password of the role ${role}, .*\n$`),
  );
  assert.match(
    await refusalOf(withDatabase(url, 'no_such')),
    /^There is no database no_such at \S+\. Make it: create database "no_such" owner "\S+" encoding 'UTF8' template template0\.$/,
  );
  assert.equal(
    await refusalOf(as(right)),
    `The role ${role} may not create schemas in the database ${name}. ` +
      `Give it the right: grant create on database "${name}" to "${role}".`,
  );
  await sql`grant create on database ${identifier(name)} to ${identifier(role)}`;
  await sql`revoke temporary on database ${identifier(name)} from public`;
  assert.match(await refusalOf(as(right)), /may not make temporary tables .*grant temporary on/);
  const { url: closed } = await createTestDatabase(t, { migrated: false });
  const closedName = new URL(closed).pathname.slice(1);
  await sql`alter database ${identifier(closedName)} allow_connections false`;
  assert.match(
    await refusalOf(closed),
    new RegExp(`not currently accepting connections\\. .*"${closedName}" allow_connections true`),
  );
  await sql`alter role ${identifier(role)} nologin`;
  assert.match(
    await refusalOf(as(right)),
    /does not let the role poor_\S+ in: .*give the role login/,
  );
});

test('rights are missing later, where another role has made the schema', async (t) => {
  const { url, sql } = await createTestDatabase(t);
  const role = `guest_${randomBytes(4).toString('hex')}`;
  await sql`create role ${identifier(role)} login password ${raw(`'${right}'`)}`;
  t.after(async () => sql`drop role ${identifier(role)}`.then(() => {}));
  const guest = changed(url, (one) => {
    one.username = role;
    one.password = right;
  });
  assert.match(
    await refusalOf(guest),
    new RegExp(`^The role ${role} lacks a right in the database`),
  );
});

test('the encoding is not UTF8', async (t) => {
  // It copies a template of files, which takes a while beside other tests.
  const options = { max: 1, applicationName: 'unwind test', statementTimeoutMs: 100_000 };
  const admin = connect({ url: testAdminUrl(), ...options });
  t.after(() => admin.end());
  for (const encoding of ['LATIN1', 'SQL_ASCII']) {
    const name = `unwind_${encoding.toLowerCase()}_${randomBytes(4).toString('hex')}`;
    const as = raw(`encoding '${encoding}' locale_provider libc locale 'C'`);
    await admin`create database ${identifier(name)} ${as} template template0`;
    const message = await refusalOf(withDatabase(testAdminUrl(), name));
    await admin`drop database ${identifier(name)} with (force)`;
    assert.match(
      message,
      new RegExp(
        `is in ${encoding}; Unwind needs a UTF8 database\\. .*encoding 'UTF8' template template0`,
      ),
    );
  }
});

test('it is read-only by default, and sessions may not change that', async (t) => {
  const { url, sql } = await createTestDatabase(t, { migrated: false });
  const name = new URL(url).pathname.slice(1);
  await sql`alter database ${identifier(name)} set default_transaction_read_only = on`;
  assert.match(
    await refusalOf(url, { UNWIND_DATABASE_SESSION_SETTINGS: 'off' }),
    /is read-only for the role .*alter database "\S+" set default_transaction_read_only = off/,
  );
});

test('it is a standby', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const primary = await startEmbedded({ home, systemDirectory, log: quiet });
  await primary.stop();
  await writeFile(join(home, 'pg18/data/standby.signal'), '');
  const standby = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => standby.stop());
  assert.match(
    await refusalOf(standby.url),
    /^The database unwind is read-only: it is a standby\. Point DATABASE_URL at the primary\.$/,
  );
  const sql = client(t, standby.url);
  const error = await sql`create schema wrong`.then(
    () => assert.fail('it wrote'),
    (reason) => reason,
  );
  assert.equal(databaseFault(error, standby.url)?.brief, 'it is read-only', 'also in mid-work');
});

test('its certificate cannot be trusted', async (t) => {
  const { home, systemDirectory, root } = await makeHome(t);
  const account = await findAccount();
  const [key, certificate] = [join(root, 'server.key'), join(root, 'server.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  if (account !== undefined) {
    for (const file of [key, certificate]) await chown(file, account.uid, account.gid);
  }
  const settings = { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key };
  const server = await startEmbedded({ home, systemDirectory, log: quiet, settings });
  t.after(() => server.stop());
  const at = (host: string, query: string) =>
    `${changed(server.url, (one) => {
      one.hostname = host;
    })}?${query}`;
  assert.match(
    await refusalOf(at('localhost', 'sslmode=verify-full')),
    /^The database's certificate is not trusted: .*self-signed.*\. Set sslrootcert=/,
  );
  assert.match(
    await refusalOf(at('127.0.0.1', `sslmode=verify-full&sslrootcert=${certificate}`)),
    /certificate is not for 127\.0\.0\.1: .*Use a name in DATABASE_URL that the certificate holds\.$/,
  );
  assert.match(
    await refusalOf(at('localhost', 'sslmode=verify-full&sslrootcert=/no/such.pem')),
    /^A file that DATABASE_URL names cannot be used: .*\/no\/such\.pem.*sslrootcert/,
  );
  const broken = join(root, 'broken.pem');
  await writeFile(broken, (await readFile(certificate, 'utf8')).slice(0, 200));
  assert.match(
    await refusalOf(at('localhost', `sslmode=verify-full&sslrootcert=${broken}`)),
    /^(?:A file that DATABASE_URL names cannot be used|The database's certificate is not trusted)/,
  );
});

test('it speaks no TLS', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const warnings: Error[] = [];
  const keep = (warning: Error) => warnings.push(warning);
  process.on('warning', keep);
  t.after(() => process.off('warning', keep));
  for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
    assert.match(
      await refusalOf(`${url}?sslmode=${mode}`),
      /speaks no TLS, which sslmode .*sslmode=disable/,
      mode,
    );
  }
  assert.deepEqual(warnings, [], 'the driver has nothing to say of its own');
});

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

test('it is a pooler that takes no settings, or keeps no prepared statements', {
  skip: pgbouncer === undefined && 'no PgBouncer here',
}, async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const { hostname, port, username, password, pathname } = new URL(url);
  const pooled = await startPooler(t, {
    good: `host=${hostname} port=${port} user=${username} password=${password} dbname=${pathname.slice(1)}`,
  });
  const withSettings = await refusalOf(pooled('good'));
  assert.match(
    withSettings,
    /looks like a pooler in transaction mode: unsupported startup parameter/,
  );
  assert.match(
    withSettings,
    /Set UNWIND_DATABASE_SESSION_SETTINGS=off, .*UNWIND_DATABASE_PREPARE=off/,
  );
  const off = { UNWIND_DATABASE_SESSION_SETTINGS: 'off' };
  const both = { ...off, UNWIND_DATABASE_PREPARE: 'off' };
  assert.match(
    await refusalOf(pooled('none'), both),
    /^The pooler at \S+ refused the connection: no such database/,
  );
  const lost = await lostStatement(pooled('good'));
  assert.match(
    String(lost),
    /looks like a pooler in transaction mode: prepared statement .* Set UNWIND_DATABASE_PREPARE=off/,
  );
  const sql = connect({
    url: pooled('good'),
    prepare: false,
    sessionSettings: false,
    max: 1,
    applicationName: 'unwind test',
  });
  t.after(() => sql.end());
  const config = await readConfig({ DATABASE_URL: pooled('good'), ...both });
  await prepareDatabase(sql, testClock(), config);
});

/** What prepared statements come to on a pooler that lends another connection each time. */
async function lostStatement(url: string): Promise<unknown> {
  const options = { url, sessionSettings: false, max: 2, applicationName: 'unwind test' };
  const [one, other] = [connect(options), connect(options)];
  try {
    for (const sql of [one, other, one, other]) await sql`select 1 as same`;
    return undefined;
  } catch (error) {
    return explained(error, url);
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
}

/** PgBouncer in transaction mode before some databases. @returns the URL of each by its name. */
async function startPooler(
  t: TestContext,
  databases: Readonly<Record<string, string>>,
): Promise<(name: string) => string> {
  const { root } = await makeHome(t);
  const port = await freePort();
  const file = join(root, 'pgbouncer.ini');
  const users = join(root, 'users.txt');
  await writeFile(users, '"unwind" "x"\n', { mode: 0o644 });
  const lines = [
    '[databases]',
    ...Object.entries(databases).map(([name, target]) => `${name} = ${target}`),
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${users}`,
    'pool_mode = transaction',
    'default_pool_size = 1',
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
  const account = await findAccount();
  const child = spawn(pgbouncer ?? '', [file], {
    stdio: 'ignore',
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await eventually('it listens', () => accepts(port));
  return (name) => `postgres://unwind:x@127.0.0.1:${port}/${name}`;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connectTo(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
