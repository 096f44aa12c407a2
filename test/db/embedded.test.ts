// The built-in database in good days: made, started, shared, stopped. Real servers, real processes.
// Long by nature: it starts database servers.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isWrongPassword } from '../../src/db/errors.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { eventually } from '../support/condition.ts';
import { client, isAlive, makeHome, quiet, serverOf, startUser } from '../support/embedded.ts';
import { onlyFull } from '../support/length.ts';

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

test('the first start makes it, durable and closed; later ones keep it', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const first = await startEmbedded({ home, systemDirectory, log: quiet });
  const sql = client(t, first.url);
  const [server] = await client(t, first.adminUrl)`
    select current_setting('server_version_num')::integer / 10000 as major,
           current_setting('fsync') as fsync,
           current_setting('synchronous_commit') as synchronous_commit,
           current_setting('full_page_writes') as full_page_writes,
           current_setting('data_checksums') as checksums,
           current_setting('password_encryption') as password_encryption,
           current_setting('listen_addresses') as listens,
           current_setting('unix_socket_directories') as sockets,
           current_database() as name,
           pg_encoding_to_char(encoding) as encoding,
           datlocprovider::text as provider,
           datlocale as locale
    from pg_database
    where datname = current_database()`;
  assert.deepEqual(server, {
    major: 18,
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    checksums: 'on',
    password_encryption: 'scram-sha-256',
    listens: '127.0.0.1',
    sockets: '',
    name: 'unwind',
    encoding: 'UTF8',
    provider: 'b',
    locale: 'C.UTF-8',
  });
  await sql.script('create table public.kept (n integer); insert into public.kept values (7);');
  assert.equal(await mode(join(home, 'pg18/password')), '600');
  assert.equal(await mode(join(home, 'pg18/service-password')), '600');
  assert.equal(await mode(join(home, 'pg18/data')), '700');
  assert.equal(await mode(join(home, 'pg18.log')), '600');
  assert.deepEqual((await readdir(home)).toSorted(), ['pg18', 'pg18.log']);
  const pid = (await serverOf(home)) ?? 0;
  await Promise.all([first.stop(), first.stop()]);
  assert.equal(await isAlive(pid), false);

  const again = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => again.stop());
  assert.equal(again.url, first.url);
  assert.deepEqual([...(await client(t, again.url)`select n from public.kept`)], [{ n: 7 }]);
});

test('no one gets in without the password', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const database = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => database.stop());
  const hba = await readFile(join(home, 'pg18/data/pg_hba.conf'), 'utf8');
  const methods = hba.split('\n').filter((line) => /^(local|host)/.test(line));
  assert.ok(methods.length > 0 && methods.every((line) => line.endsWith('scram-sha-256')), hba);
  const as = (login: string) => client(t, database.url.replace(/\/\/.*@/, `//${login}@`));
  await assert.rejects(as('unwind:wrong')`select 1`, isWrongPassword);
  await assert.rejects(as('postgres:wrong')`select 1`, isWrongPassword);
  await assert.rejects(as('unwind')`select 1`);
});

test('two first starts at once share one server, and the last one out stops it', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const users = [1, 2, 3].map(() => startUser(t, { home, systemDirectory }));
  const [url, ...others] = await Promise.all(users.map((user) => user.url()));
  assert.deepEqual(others, [url, url]);
  const pid = await serverOf(home);
  assert.ok(url !== undefined && pid !== null);
  const left = (await readdir(home)).filter((entry) => entry.includes('new'));
  assert.deepEqual(left, [], 'the work of the losers is gone');

  const [first, second, third] = users;
  await first?.leave();
  assert.equal((await client(t, url)`select 1`).count, 1);
  assert.equal(await serverOf(home), pid);
  await Promise.all([second?.leave(), third?.leave()]);
  assert.equal(await isAlive(pid), false);
});

test(
  'many that come and go at once always find a server, and none is left',
  onlyFull,
  async (t) => {
    const { home, systemDirectory } = await makeHome(t);
    const rounds = Array.from({ length: 4 }, async (_, index) => {
      for (let round = 0; round < 3; round += 1) {
        const database = await startEmbedded({ home, systemDirectory, log: quiet });
        const sql = client(t, database.url);
        assert.equal((await sql`select ${index}::integer`).count, 1);
        await sql.end();
        await database.stop();
      }
    });
    await Promise.all(rounds);
    assert.equal(await serverOf(home), null);
  },
);

test('a server whose service was killed is taken over by the next one', onlyFull, async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const killed = startUser(t, { home, systemDirectory });
  const url = await killed.url();
  const pid = await serverOf(home);
  killed.child.kill('SIGKILL');
  await eventually('the service is gone', () => killed.child.signalCode !== null);
  assert.equal(await serverOf(home), pid, 'the server lives on');

  const next = await startEmbedded({ home, systemDirectory, log: quiet });
  assert.equal(next.url, url);
  assert.equal(await serverOf(home), pid);
  await next.stop();
  assert.equal(await serverOf(home), null);
});

test('Ctrl-C reaches the service only, which then stops the server itself', onlyFull, async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const user = startUser(t, { home, systemDirectory });
  await user.url();
  const other = await startEmbedded({ home, systemDirectory, log: quiet });
  const pid = await serverOf(home);
  process.kill(-(user.child.pid ?? 0), 'SIGINT'); // the whole group, as a terminal does
  await user.hears('left');
  assert.equal(await serverOf(home), pid);
  assert.equal((await client(t, other.url)`select 1`).count, 1);
  await other.stop();
  assert.equal(await serverOf(home), null);
});

test('the log is emptied at a start when it has grown too large', onlyFull, async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const log = join(home, 'pg18.log');
  const first = await startEmbedded({ home, systemDirectory, log: quiet });
  await first.stop();
  assert.match(await readFile(log, 'utf8'), /ready to accept connections/);
  await truncate(log, 11 * 1024 * 1024);
  const second = await startEmbedded({ home, systemDirectory, log: quiet });
  await second.stop();
  assert.ok((await stat(log)).size < 100_000);
  await writeFile(log, 'kept\n');
  const third = await startEmbedded({ home, systemDirectory, log: quiet });
  await third.stop();
  assert.match(await readFile(log, 'utf8'), /^kept\n.*ready to accept connections/s);
});

interface Role {
  readonly role: string;
  readonly is_super: boolean;
  readonly may_make_more: boolean;
}

const ownRole = { role: 'unwind_service', is_super: false, may_make_more: false };

test('the service works as a role that owns its database and is no superuser', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const database = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => database.stop());
  const sql = client(t, database.url);
  const [role] = await sql<Role[]>`
    select current_user as role, rolsuper as is_super, rolcreaterole or rolcreatedb as may_make_more
    from pg_roles
    where rolname = current_user`;
  assert.deepEqual(role, ownRole);
  await assert.rejects(sql`select pg_read_file('/etc/passwd')`, { code: '42501' });
  await migrate(sql);
});

test('what a version before the role made as superuser is handed over', async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  const old = await startEmbedded({ home, systemDirectory, log: quiet });
  const admin = client(t, old.adminUrl);
  await migrate(admin);
  await admin.script(`
    alter database unwind owner to unwind;
    drop owned by unwind_service;
    drop role unwind_service;`);
  await admin.end();
  await rm(join(home, 'pg18/service-password'));
  await old.stop();

  const users = [1, 2].map(() => startEmbedded({ home, systemDirectory, log: quiet }));
  const [database] = await Promise.all(users);
  for (const user of users) t.after(async () => (await user).stop());
  const sql = client(t, database?.url ?? '');
  const left = await sql`
    select c.oid::regclass as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('unwind', 'unwind_v1', 'simulated_venue')
      and pg_get_userbyid(c.relowner) <> current_user
      and c.relkind in ('r', 'p', 'v', 'S', 'i')`;
  assert.equal(left.length, 0, JSON.stringify(left));
  assert.deepEqual(await migrate(sql), []);
  await sql.script(
    'alter table unwind.tenants add column later text; drop schema unwind_v1 cascade;',
  );
});
