// The built-in database in bad days: killed at every stage, ports and process numbers taken by
// others, directories that cannot be used. Real servers, real processes.
// Long by nature: it starts database servers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isConnectionError } from '../../src/db/errors.ts';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { findAccount } from '../../src/embedded/embedded-account.ts';
import { EmbeddedError, type EmbeddedProblem } from '../../src/embedded/embedded-error.ts';
import { eventually } from '../support/condition.ts';
import {
  client,
  type Home,
  isAlive,
  isRoot,
  makeHome,
  postmasterPid,
  quiet,
  serverOf,
  startUser,
} from '../support/embedded.ts';
import { onlyFull } from '../support/length.ts';

// Asked for is "within about a second or two", which is told; the machine may be busy with other things.
const backAgainMs = 60_000;

function refusal(code: EmbeddedProblem, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof EmbeddedError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

async function start(t: TestContext, { home, systemDirectory }: Home) {
  const database = await startEmbedded({ home, systemDirectory, log: quiet });
  t.after(() => database.stop());
  return database;
}

/** Waits until a query succeeds again, and answers after how many milliseconds. */
async function backAgain(t: TestContext, url: string): Promise<number> {
  const since = performance.now();
  const sql = client(t, url);
  await eventually(
    'the database answers again',
    async () => {
      try {
        return (await sql`select 1`).count === 1;
      } catch (error) {
        assert.ok(isConnectionError(error), String(error));
        return false;
      }
    },
    backAgainMs,
  );
  return performance.now() - since;
}

async function killServer(home: string): Promise<number> {
  const pid = await eventually('there is a server', () => serverOf(home));
  process.kill(pid, 'SIGKILL');
  await eventually('the killed server is gone', async () => !(await isAlive(pid)));
  return pid;
}

test('a start killed at any moment leaves nothing that stands in the way', onlyFull, async (t) => {
  const place = await makeHome(t);
  const stages: readonly RegExp[] = [/^pg18\.new-/, /^pg18$/, /^pg18\.log$/];
  for (const stage of stages) {
    const user = startUser(t, place);
    await eventually(`${stage} appears`, async () => {
      const entries = await readdir(place.home).catch(() => []);
      return entries.some((entry) => stage.test(entry));
    });
    user.child.kill('SIGKILL');
    await eventually('it is gone', () => user.child.signalCode !== null);
  }
  const database = await start(t, place);
  assert.equal((await client(t, database.url)`select 1`).count, 1);
  await database.stop();
  const again = await start(t, place);
  assert.equal((await client(t, again.url)`select 1`).count, 1);
  const left = (await readdir(place.home)).filter((entry) => entry.includes('new'));
  assert.deepEqual(left, []);
});

test('a server that is killed is started again, with all that was committed', async (t) => {
  const place = await makeHome(t);
  const database = await start(t, place);
  const other = startUser(t, place); // one of the two starts it, the other joins again
  assert.equal(await other.url(), database.url);
  const sql = client(t, database.url);
  await sql`create table public.kept (n integer)`;
  for (const round of [1, 2, 3]) {
    await sql`insert into public.kept (n) values (${round})`;
    const pid = await killServer(place.home);
    const ms = await backAgain(t, database.url);
    t.diagnostic(`back after ${Math.round(ms)} ms`);
    assert.notEqual(await serverOf(place.home), pid);
    await eventually(
      'the other one has joined again',
      () =>
        other.said.filter((entry) => String(entry['message']).endsWith('is back')).length >= round,
    );
  }
  const rows = await client(t, database.url)`select n from public.kept order by n`;
  assert.deepEqual(
    rows.map((row) => row['n']),
    [1, 2, 3],
  );
  await other.leave();
  // Who leaves while the first is still joining again takes itself for the last and stops the
  // server; then the first one starts it once more.
  await backAgain(t, database.url);
  await database.stop();
  assert.equal(await serverOf(place.home), null);
});

test(
  'who leaves while a dead server is being started again leaves none behind',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const moments: readonly [what: string, has: (pid: number) => Promise<boolean>][] = [
      ['is told of', async () => true],
      ['is being started', async (pid) => ![null, pid].includes(await postmasterPid(place.home))],
      ['runs again', async (pid) => ![null, pid].includes(await serverOf(place.home))],
    ];
    for (const [what, has] of moments) {
      const told = Promise.withResolvers<void>();
      const warn = () => told.resolve();
      const database = await startEmbedded({ ...place, log: { ...quiet, warn } });
      t.after(() => database.stop());
      const pid = await killServer(place.home);
      await told.promise;
      await eventually(`the dead server ${what}`, () => has(pid));
      await database.stop();
      assert.equal(await serverOf(place.home), null, what);
    }
  },
);

test(
  'a server that was adopted from a killed service is started again too',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const first = startUser(t, place);
    await first.url();
    first.child.kill('SIGKILL');
    await eventually('the service is gone', () => first.child.signalCode !== null);
    const database = await start(t, place);
    await killServer(place.home);
    await backAgain(t, database.url);
  },
);

test(
  'what cannot be started again is reported, once, after bounded attempts',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const user = startUser(t, { ...place, maxDeaths: 1 });
    await user.url();
    const control = join(place.home, 'pg18/data/global/pg_control');
    await rename(control, `${control}.away`);
    await killServer(place.home);
    await user.hears('lost');
    await user.leave();
    assert.equal(user.said.filter((entry) => 'lost' in entry).length, 1);
    const { home, systemDirectory } = place;
    await assert.rejects(
      startEmbedded({ home, systemDirectory, log: quiet }),
      refusal('start_failed', /pg18\.log.*pg_control/s),
    );
    await rename(`${control}.away`, control);
  },
);

test(
  'a number in postmaster.pid that now belongs to somebody else is no server',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const database = await start(t, place);
    await client(t, database.url)`create table public.kept (n integer)`;
    const pidFile = join(place.home, 'pg18/data/postmaster.pid');
    const text = await readFile(pidFile, 'utf8');
    await database.stop();

    const account = await findAccount();
    const stranger = spawn('sleep', ['600'], {
      cwd: '/',
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    t.after(() => {
      stranger.kill('SIGKILL');
    });
    await once(stranger, 'spawn');
    await writeFile(pidFile, text.replace(/^\d+/, String(stranger.pid)));
    const again = await start(t, place);
    assert.equal((await client(t, again.url)`select n from public.kept`).count, 0);
    assert.equal(stranger.exitCode, null, 'the stranger is left alone');
    await again.stop();

    const gone = spawn('true');
    await once(gone, 'exit');
    await writeFile(pidFile, text.replace(/^\d+/, String(gone.pid)));
    const third = await start(t, place);
    assert.equal((await client(t, third.url)`select n from public.kept`).count, 0);
  },
);

test(
  'a port that somebody else has taken is given up for another one, and kept',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const first = await start(t, place);
    await first.stop();
    const port = Number(new URL(first.url).port);
    const stranger = createServer();
    stranger.listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    t.after(() => {
      stranger.close();
    });
    const second = await start(t, place);
    assert.notEqual(new URL(second.url).port, String(port));
    await second.stop();
    const third = await start(t, place);
    assert.equal(third.url, second.url);
  },
);

test('the database of another version is refused, and left alone', onlyFull, async (t) => {
  const place = await makeHome(t);
  const { home, systemDirectory } = place;
  const begin = () => startEmbedded({ home, systemDirectory, log: quiet });
  await mkdir(join(home, 'pg17'), { recursive: true });
  await assert.rejects(begin(), refusal('other_version', /pg17.*PostgreSQL 17.*PostgreSQL 18/s));
  await rm(join(home, 'pg17'), { recursive: true });
  const database = await start(t, place);
  await database.stop();
  await writeFile(join(home, 'pg18/data/PG_VERSION'), '19\n');
  await assert.rejects(begin(), refusal('other_version', /PostgreSQL 19/));
});

test('a password file that does not fit is a fault of its own', onlyFull, async (t) => {
  const place = await makeHome(t);
  const database = await start(t, place);
  const file = join(place.home, 'pg18/password');
  const password = await readFile(file, 'utf8');
  await writeFile(file, 'another\n');
  const { home, systemDirectory } = place;
  await assert.rejects(
    startEmbedded({ home, systemDirectory, log: quiet }),
    refusal('start_failed', /does not know the password/),
  );
  await writeFile(file, password);
  await database.stop();
  assert.equal(await serverOf(home), null);
});

test('a home that cannot be used is refused with the reason', async (t) => {
  const { root, systemDirectory } = await makeHome(t);
  const begin = (home: string) => startEmbedded({ home, systemDirectory, log: quiet });
  await writeFile(join(root, 'file'), '');
  await assert.rejects(begin(join(root, 'file')), refusal('home_unusable', /not a directory/));
  await assert.rejects(
    begin(join(root, 'file/home')),
    refusal('home_unusable', /not a directory.*DATABASE_URL/s),
  );
});

test('a home that may not be written to is refused', {
  skip: isRoot && 'root may write everywhere',
}, async (t) => {
  const { home, systemDirectory } = await makeHome(t);
  await mkdir(home, { mode: 0o500 });
  await assert.rejects(
    startEmbedded({ home, systemDirectory, log: quiet }),
    refusal('home_unusable', /may not use it.*DATABASE_URL/s),
  );
  await chmod(home, 0o700);
});

test(
  'leaving while the server is being killed ends, and may find nothing to stop',
  onlyFull,
  async (t) => {
    const place = await makeHome(t);
    const database = await startEmbedded({ ...place, log: quiet });
    const pid = await postmasterPid(place.home);
    assert.ok(pid !== null);
    process.kill(pid, 'SIGKILL');
    await database.stop();
  },
);
