// A disk that is full, in the way of requests and of readiness alike until there is room again. The server is the
// test's own: one that cannot write a page out cannot end a checkpoint, and with it no database is made or dropped.
// Long by nature: it starts a database server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isPassing } from '../../src/db/errors.ts';
import { expectedSchema, migrate } from '../../src/db/migrate.ts';
import { probeDatabase } from '../../src/db/probe.ts';
import { raw } from '../../src/db/sql.ts';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { withDatabase } from '../../tools/database-url.ts';
import { testClock } from '../support/clock.ts';
import { client, makeHome, quiet } from '../support/embedded.ts';
import { useLikeRequests } from '../support/engine.ts';

const diskMb = 40;
const clock = testClock();

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

/** A server with a database on a disk of a few MB. */
async function onSmallDisk(t: TestContext) {
  const { home, systemDirectory, root } = await makeHome(t);
  const server = await startEmbedded({ home, systemDirectory, log: quiet });
  const place = join(root, 'disk');
  await mkdir(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m,mode=755`, 'tmpfs', place]);
  t.after(async () => {
    await server.stop();
    execFileSync('umount', [place]);
  });
  const folder = join(place, 'space');
  await mkdir(folder);
  const owner = await stat(join(home, 'pg18/data'));
  await chown(folder, owner.uid, owner.gid);
  const admin = client(t, server.adminUrl);
  await admin`create tablespace small location ${raw(`'${folder}'`)}`;
  await admin`create database small template template0 tablespace small`;
  return {
    admin,
    sql: client(t, withDatabase(server.adminUrl, 'small')),
    filling: join(place, 'filling'),
  };
}

async function fill(path: string): Promise<void> {
  for (let mb = diskMb; mb > 0; mb -= 1) {
    await writeFile(path, Buffer.alloc(mb * 1_048_576), { flag: 'w' }).catch(() => {});
    const { size } = await stat(path);
    if (size < mb * 1_048_576) break;
  }
}

test('a full disk is in the way until there is room again', { skip: noSmallDisk() }, async (t) => {
  const expected = await expectedSchema();
  const { admin, sql, filling } = await onSmallDisk(t);
  await migrate(sql);
  assert.equal((await probeDatabase(sql, expected)).schema, 'current');

  await fill(filling);
  const error = await probeDatabase(sql, expected).then(
    () => assert.fail('the disk is full'),
    (reason: unknown) => reason,
  );
  assert.equal((error as { code?: string }).code, '53100');
  assert.ok(isPassing(error));
  await assert.rejects(
    useLikeRequests(sql, clock, 1),
    isPassing,
    'a request is asked to come again',
  );
  await assert.rejects(admin`checkpoint`, /checkpoint request failed/, 'so the server is our own');

  await rm(filling);
  await useLikeRequests(sql, clock, 1);
  await admin`checkpoint`;
  assert.equal((await probeDatabase(sql, expected)).schema, 'current');
});
