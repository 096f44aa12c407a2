// Checkpoints: what is signed outside the database holds against the owner of the database.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { constants } from 'node:fs';
import {
  appendFile,
  mkdtemp,
  open,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemStopwatch } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { expectedSchema } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { readinessOf } from '../../src/http/readiness.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { newTrailKey } from '../../src/settings/trail-key.ts';
import { recordAct } from '../../src/trail/acts-store.ts';
import { CheckpointAppender, CheckpointFileError } from '../../src/trail/checkpoint-file.ts';
import { CheckpointWriter, DivergedError } from '../../src/trail/export-checkpoints.ts';
import { sealTrail } from '../../src/trail/seal-trail.ts';
import { type CheckpointReport, verifyCheckpoints } from '../../src/trail/verify-checkpoints.ts';
import { verifyTrail } from '../../src/trail/verify-trail.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, testDirectory } from '../support/database.ts';
import { actAt, tables } from './world.ts';

const key = createPrivateKey(newTrailKey());
const publicKey = createPublicKey(key);

async function newTrail(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  const directory = await mkdtemp(join(testDirectory(), 'trail-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'checkpoints');
  const clock = testClock();
  const [one, other] = [await makeTenant(sql), await makeTenant(sql)];
  const settings = { file, memory: join(directory, 'memory'), key, allowsNewChain: false };
  const writer = new CheckpointWriter(sql, clock, settings);
  const seal = () => sealTrail({ sql, clock });
  const act = (tenantId: TenantId) => {
    return inTransaction(sql, (tx) => recordAct(tx, tenantId, actAt(clock.now())));
  };
  /** An act of each, sealed. */
  const go = async (...tenants: readonly TenantId[]) => {
    clock.advance(1_000);
    for (const tenantId of tenants) await act(tenantId);
    await seal();
  };
  const verify = async (keys = [publicKey], from = file) => {
    let signed: CheckpointReport | undefined;
    const { findings } = await verifyTrail(
      sql,
      { tables, now: clock.now() },
      async (tx, report) => {
        signed = await verifyCheckpoints(tx, report, { file: from, keys });
      },
    );
    return { found: findings.listed.map(({ kind }) => kind), listed: findings.listed, signed };
  };
  const lines = async () => (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return { sql, clock, file, settings, writer, one, other, act, seal, go, verify, lines };
}

/** Three checkpoints of two chains. */
async function signedTrail(t: TestContext) {
  const trail = await newTrail(t);
  const { one, other, go, writer } = trail;
  await go(one, other);
  assert.equal(await writer.write(), true);
  await go(one);
  assert.equal(await writer.write(), true);
  await go(one, other);
  assert.equal(await writer.write(), true);
  assert.equal(await writer.write(), false, 'nothing has grown');
  return trail;
}

/** Makes all seals of a tenant anew, as who owns the database and has the code can. */
async function sealAnew({ sql, seal }: Awaited<ReturnType<typeof newTrail>>, tenantId: TenantId) {
  await sql`delete from unwind.seals where tenant_id = ${tenantId}`;
  await seal();
}

test('what was signed verifies, and goes on to; each chain stands in the lines in which it has grown', async (t) => {
  const trail = await signedTrail(t);
  const { verify, lines, one, other, go, sql, clock, settings } = trail;
  const { found, signed } = await verify();
  assert.deepEqual(found, []);
  assert.deepEqual([signed?.checkpoints, signed?.chains], [3, 1]);
  const heads = (await lines()).map((line) => {
    const payload = Buffer.from(line.split('.')[1] ?? '', 'base64url').toString();
    return (JSON.parse(payload).heads as { tenant: string }[]).map(({ tenant }) => tenant);
  });
  assert.deepEqual(heads, [[one, other], [one], [one, other]]);
  await go(other);
  assert.deepEqual((await verify()).found, [], 'and what is sealed later is in order as well');
  const successor = new CheckpointWriter(sql, clock, settings);
  assert.equal(await successor.write(), true, 'another process goes on in the same file');
  assert.deepEqual((await verify()).found, []);
});

test('a chain that was made anew as a whole is another than what was signed', async (t) => {
  const trail = await signedTrail(t);
  const { sql, clock, one, verify, writer, go } = trail;
  await sql`
    update unwind.acts a
    set actor = 'nobody'
    where a.tenant_id = ${one}
      and a.commit_order = (
        select max(l.commit_order) from unwind.acts l where l.tenant_id = ${one}
      )`;
  await sealAnew(trail, one);
  assert.deepEqual(
    (await verifyTrail(sql, { tables, now: clock.now() })).findings.listed,
    [],
    'by itself it is in order',
  );
  await go(one);
  await go(one);
  const { found, listed } = await verify();
  assert.ok(found.includes('chain_rewritten'), found.join());
  assert.match(String(listed[0]?.message), /seal from 1 to 1 was made anew/);
  await assert.rejects(writer.write(), DivergedError, 'and it is not signed');
});

test('a chain without its end, and one that is gone with its client', async (t) => {
  const { sql, one, other, verify, writer } = await signedTrail(t);
  await sql`delete from unwind.seals where tenant_id = ${one} and number = 3`;
  await sql`delete from unwind.acts where tenant_id = ${other}`;
  await sql`delete from unwind.seals where tenant_id = ${other}`;
  await sql`delete from unwind.signing_keys where tenant_id = ${other}`;
  await sql`delete from unwind.tenants where tenant_id = ${other}`;
  const { listed } = await verify();
  const of = (tenantId: TenantId) => {
    return listed.filter((one) => one.tenantId === tenantId).map(({ kind }) => kind);
  };
  assert.ok(of(one).includes('chain_cut'), of(one).join());
  assert.deepEqual(of(other), ['chain_removed']);
  await assert.rejects(writer.write(), DivergedError);
});

test('a database that was set back to an earlier state ends before what was signed', async (t) => {
  const { sql, one, other, act, verify } = await signedTrail(t);
  await sql`delete from unwind.seals where number > 1`;
  await sql`
    delete from unwind.acts a
    using unwind.seals s
    where s.tenant_id = a.tenant_id
      and a.act_id <> all (s.act_ids)`;
  await act(other);
  const { listed } = await verify();
  const cut = listed.filter(({ kind }) => kind === 'chain_cut').map(({ tenantId }) => tenantId);
  assert.deepEqual(cut.toSorted(), [one, other].toSorted());
});

test('another chain is no continuation; a sandbox may begin one, and says so', async (t) => {
  const { sql, one, clock, settings, verify, writer, go } = await signedTrail(t);
  await sql`delete from unwind.seals`;
  await sql`delete from unwind.acts`;
  await sql`update unwind.trail_chain set chain_id = gen_random_uuid()`;
  await go(one);
  assert.deepEqual((await verify()).found, ['chain_replaced']);
  await assert.rejects(writer.write(), /is of another chain than this database/);
  const sandbox = new CheckpointWriter(sql, clock, { ...settings, allowsNewChain: true });
  assert.equal(await sandbox.write(), true);
  const { found, signed } = await verify();
  assert.deepEqual([found, signed?.chains], [[], 2]);
});

test('a seal that is dated before a checkpoint that does not have it', async (t) => {
  const { clock, one, go, verify, sql } = await signedTrail(t);
  await go(one);
  await sql`
    update unwind.seals s
    set sealed_at = ${new Date(clock.now().getTime() - 3_600_000)}
    where s.tenant_id = ${one} and s.number = 4`;
  assert.ok((await verify()).found.includes('seal_backdated'));
});

test('the file: a line that is missing, edited, signed by another, or turned back', async (t) => {
  const { verify, lines, file } = await signedTrail(t);
  const all = await lines();
  const verified = async (some: readonly (string | undefined)[]) => {
    const other = `${file}.other`;
    await writeFile(other, some.map((line) => `${line}\n`).join(''));
    return (await verify([publicKey], other)).found;
  };
  const [first, second, third] = all;
  assert.deepEqual(await verified(all), []);
  assert.deepEqual(await verified([first, third]), ['checkpoint_missing']);
  assert.deepEqual(await verified([second, third]), ['checkpoint_missing']);
  const [header, payload, signature] = second?.split('.') ?? [];
  const forged = Buffer.from(payload ?? '', 'base64url')
    .toString()
    .replace(/"at":"./, '"at":"3');
  const edited = [header, Buffer.from(forged).toString('base64url'), signature].join('.');
  assert.deepEqual(await verified([first, edited, third]), [
    'checkpoint_unsigned',
    'checkpoint_missing',
  ]);
  assert.deepEqual(await verified([first, second, first]), ['checkpoint_turned_back']);
  assert.deepEqual(await verified([first, third, second]), [
    'checkpoint_missing',
    'checkpoint_missing',
    'checkpoint_turned_back',
  ]);
  const stranger = generateKeyPairSync('ed25519').publicKey;
  assert.deepEqual((await verify([stranger])).found, Array(3).fill('checkpoint_unsigned'));
});

test('a write that was cut off is passed over, and the file goes on behind it', async (t) => {
  const { verify, writer, settings, sql, clock, one, go, file, lines } = await signedTrail(t);
  const { length } = await readFile(file);
  await go(one);
  await writer.write();
  // The process is killed while the line is half on disk, and the next one finds it so.
  await truncate(file, length + 200);
  assert.deepEqual((await verify()).found, []);
  const successor = new CheckpointWriter(sql, clock, settings);
  assert.equal(await successor.write(), true);
  assert.equal((await lines()).length, 5);
  const { found, signed } = await verify();
  assert.deepEqual([found, signed?.checkpoints], [[], 4]);
});

test('a clock that was set back does not let the file turn back', async (t) => {
  const { clock, go, one, sql, settings, verify } = await signedTrail(t);
  clock.advance(-30_000);
  await go(one);
  const writer = new CheckpointWriter(sql, clock, settings);
  assert.equal(await writer.write(), true);
  await go(one);
  assert.equal(await writer.write(), true, 'and it can be written on');
  assert.deepEqual((await verify()).found, []);
});

test('two processes that write to one file do not let it fork', async (t) => {
  const { clock, go, one, other, sql, settings, verify, file } = await newTrail(t);
  const writers = [1, 2].map(() => new CheckpointWriter(sql, clock, settings));
  for (let turn = 0; turn < 8; turn += 1) {
    await go(turn % 2 === 0 ? one : other);
    for (const { status, ...rest } of await Promise.allSettled(
      writers.map((writer) => writer.write()),
    )) {
      if (status === 'rejected') {
        const { reason } = rest as { reason: unknown };
        assert.ok(reason instanceof CheckpointFileError, String(reason));
      }
    }
  }
  await Promise.all(writers.map((writer) => writer.write()));
  const { found, signed } = await verify();
  assert.deepEqual(found, []);
  assert.ok((signed?.checkpoints ?? 0) >= 8);
  await go(one);
  const lock = `${file}.lock`;
  await writeFile(lock, '');
  const [writer] = writers as [CheckpointWriter];
  await assert.rejects(writer.write(), /Another process writes/);
  await utimes(lock, new Date(0), new Date(0));
  await assert.rejects(writer.write(), /Another process writes/);
  assert.equal(await writer.write(), true, 'a lock that was left is passed over');
});

/** What `/readyz` of a process with this writer says of the trail; it is ready all the same. */
async function readyzOf(sql: Sql, writer: CheckpointWriter): Promise<string | undefined> {
  const readiness = readinessOf(
    {
      ...{ sql, now: () => new Date(0), expectedSchema: await expectedSchema(), databaseUrl: '' },
      ...{ loops: undefined, clock: () => '', isStopping: () => false, notices: {} },
      signing: () => writer.state,
    },
    systemStopwatch,
  );
  const { ready, checks } = await readiness();
  assert.equal(ready, true);
  return checks['trail'];
}

test('a pipe: without a reader it is an error, and after a restart a new run begins', async (t) => {
  const { sql, clock, go, one, other, settings, verify, file } = await newTrail(t);
  const pipe = `${file}.pipe`;
  execFileSync('mkfifo', [pipe]);
  const toPipe = { ...settings, file: pipe };
  const writer = new CheckpointWriter(sql, clock, toPipe);
  await go(one, other);
  await assert.rejects(writer.write(), /is a pipe that has no reader/);
  assert.deepEqual(writer.state, { lastAt: undefined, isFailing: true });
  assert.equal(await readyzOf(sql, writer), 'not signed: see the log');
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => reader.close());
  const read = async () => (await reader.read(Buffer.alloc(65_536))).bytesRead;
  const keep = async () => {
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(65_536));
    await appendFile(file, buffer.subarray(0, bytesRead));
  };
  assert.equal(await writer.write(), true);
  assert.deepEqual(writer.state, { lastAt: clock.now(), isFailing: false });
  assert.equal(await readyzOf(sql, writer), 'signed');
  await keep();
  await go(one);
  assert.equal(await writer.write(), true);
  await keep();
  await writer.close();
  assert.equal(await read(), 0);
  const successor = new CheckpointWriter(sql, clock, toPipe);
  await go(other);
  assert.equal(await successor.write(), true);
  await keep();
  await successor.close();
  const { found, signed } = await verify();
  assert.deepEqual([found, signed?.checkpoints], [[], 3]);
});

test('a pipe: after a restart it goes on from what its key has signed last, and from nothing else', async (t) => {
  const { sql, clock, go, one, settings, file } = await newTrail(t);
  const pipe = `${file}.pipe`;
  execFileSync('mkfifo', [pipe]);
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => reader.close());
  const restarted = async (more = {}) => {
    const writer = new CheckpointWriter(sql, clock, { ...settings, file: pipe, ...more });
    try {
      return await writer.write();
    } finally {
      await writer.close();
    }
  };
  for (let seals = 0; seals < 3; seals += 1) await go(one);
  assert.equal(await restarted(), true);
  await go(one);
  // What was looked through before is not looked through again: it takes trail verify to find this.
  await sql`update unwind.seals set previous = decode(repeat('00', 32), 'hex') where number = 2`;
  assert.equal(await restarted(), true);
  const another = createPrivateKey(newTrailKey());
  await assert.rejects(restarted({ key: another }), /seal 2 does not follow the one before it/);
  await sql`update unwind.seals set hash = decode(repeat('00', 32), 'hex') where number = 4`;
  await go(one);
  await assert.rejects(restarted(), (error) => {
    return error instanceof DivergedError && /seal 4 is another/.test(error.message);
  });
});

test('a line that is longer than a pipe holds arrives whole', async (t) => {
  const { file } = await newTrail(t);
  const pipe = `${file}.pipe`;
  execFileSync('mkfifo', [pipe]);
  const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => reader.close());
  const line = 'x'.repeat(300_000);
  const appender = new CheckpointAppender(pipe);
  let isWritten = false;
  const writing = appender.append(line, { length: undefined, now: new Date(0) }).then(() => {
    isWritten = true;
  });
  let text = '';
  while (!isWritten || text.length <= line.length) {
    try {
      const { buffer, bytesRead } = await reader.read(Buffer.alloc(65_536));
      text += buffer.toString('utf8', 0, bytesRead);
    } catch (error) {
      // Nothing is in it just now.
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }
  await writing;
  await appender.close();
  assert.equal(text, `${line}\n`);
});

test('a chain that was made anew before a new run is another than the run before has signed', async (t) => {
  const trail = await signedTrail(t);
  const { sql, clock, one, settings, file, verify, go } = trail;
  await sql`update unwind.acts set actor = 'nobody' where tenant_id = ${one}`;
  await sealAnew(trail, one);
  await go(one);
  await go(one);
  await go(one);
  const run = new CheckpointWriter(sql, clock, { ...settings, file: `${file}.run` });
  assert.equal(await run.write(), true);
  await appendFile(file, await readFile(`${file}.run`));
  assert.ok((await verify()).found.includes('chain_rewritten'));
});

test('a file of another key, and one that is not whole, are not written on', async (t) => {
  const { sql, clock, settings, one, go, lines, file } = await signedTrail(t);
  await go(one);
  const another = { ...settings, key: createPrivateKey(newTrailKey()) };
  const stranger = new CheckpointWriter(sql, clock, another);
  await assert.rejects(stranger.write(), /was not signed by the key/);
  const [first, , third] = await lines();
  await writeFile(file, `${first}\n${third}\n`);
  const writer = new CheckpointWriter(sql, clock, settings);
  await assert.rejects(writer.write(), /is not whole at line 3/);
});

test('what is not there yet is no trouble: no chain, no file', async (t) => {
  const { writer, verify, sql, file } = await newTrail(t);
  assert.equal(await writer.write(), false);
  await writeFile(file, '');
  const { found, signed } = await verify();
  assert.deepEqual([found, signed?.checkpoints], [[], 0]);
  const [row] = await sql<{ id: string }[]>`select ${newId()}::uuid as id`;
  assert.ok(row);
});
