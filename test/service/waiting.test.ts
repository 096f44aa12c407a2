// `unwind start` before its database: it says what it waits for, begins when the database is there, and can
// be stopped meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/port.ts';
import { atPort, startProxy } from '../support/proxy.ts';
import { launchService, newHome, patienceMs } from './processes.ts';

interface Waits {
  readonly msg: string;
  readonly fault?: string;
  readonly wait_ms?: number;
}

function linesOf(stderr: string): readonly Waits[] {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Waits);
}

test('it waits for a database that is away, and begins when it comes back', async (t) => {
  const { url } = await createTestDatabase(t, { migrated: false });
  const proxy = await startProxy(t, Number(new URL(url).port));
  proxy.goAway();
  const home = await newHome(t);
  const settings = { DATABASE_URL: atPort(url, proxy.port) };
  const service = launchService(t, { home, settings });
  const waits = () => linesOf(service.stderr()).filter(({ msg }) => msg === 'database.waiting');
  await eventually('it has tried twice', () => waits().length >= 2, patienceMs);
  assert.deepEqual(
    waits()
      .slice(0, 2)
      .map((wait) => wait.wait_ms),
    [500, 1_000],
    'each wait is twice the one before',
  );
  assert.match(
    waits()[0]?.fault ?? '',
    /^Cannot connect to the database at 127\.0\.0\.1:\d+: the connection was ended\./,
  );
  assert.equal(service.stdout(), '');
  proxy.comeBack();
  await service.listening();
  // Said before, by another way.
  const isReached = () => linesOf(service.stderr()).some(({ msg }) => msg === 'database.reached');
  await eventually('it says that the database was reached', isReached, patienceMs);
  service.kill('SIGTERM');
  assert.deepEqual(await service.ended, { code: 0, signal: null });
});

test('a stop ends the wait, and no password is printed', async (t) => {
  const home = await newHome(t);
  const port = await freePort();
  const settings = { DATABASE_URL: `postgres://nobody:secret@127.0.0.1:${port}/none` };
  const service = launchService(t, { home, settings });
  const refused = `Cannot connect to the database at 127.0.0.1:${port}: connection refused. Is PostgreSQL running there?`;
  await eventually('it waits', () => service.stderr().includes(refused), patienceMs);
  service.kill('SIGTERM');
  assert.deepEqual(await service.ended, { code: 0, signal: null });
  assert.doesNotMatch(service.stderr() + service.stdout(), /secret|\n\s+at /);
});
