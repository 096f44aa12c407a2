// What a killed process held goes on at once when it is started again in its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { parseId } from '../../src/ids.ts';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';
import { newHolder, placeLength } from '../../src/work/holder.ts';
import { eventually } from '../support/condition.ts';
import { freePort } from '../support/port.ts';
import { quick, says, startDelivering } from './delivering.ts';
import { patienceMs, startService } from './processes.ts';

test('holders of one address begin alike, all others differ from the start', () => {
  const here = { host: '127.0.0.1', port: 8080 };
  const [one, two] = [newHolder(here), newHolder(here)];
  assert.notEqual(one, two);
  assert.equal(one.slice(0, placeLength), two.slice(0, placeLength));
  for (const holder of [one, newHolder({ ...here, port: 0 })]) {
    assert.equal(parseId(holder), holder, 'it is a UUID');
  }
  for (const other of [
    { ...here, port: 8081 },
    { ...here, host: '::1' },
    { ...here, port: 0 },
  ]) {
    assert.notEqual(newHolder(other).slice(0, placeLength), one.slice(0, placeLength));
  }
});

/** By so much that nobody would live to see them run out. */
async function prolongLeases(home: string): Promise<void> {
  const config = await readConfig({ UNWIND_HOME: home });
  return withDatabase(config, pino({ level: 'silent' }), async (sql) => {
    const held = await sql`
      update unwind.deliveries
      set lease_expires_at = lease_expires_at + interval '1 day'
      where lease_holder is not null`;
    assert.equal(held.count, 1, 'the killed process held the subscription');
  });
}

test('a process in the place of a killed one does not wait for its leases', async (t) => {
  const PORT = String(await freePort());
  const { home, service, receiver } = await startDelivering(t, { PORT });
  service.kill('SIGKILL');
  await service.ended;
  await prolongLeases(home);
  receiver.react = () => ({ status: 204 });
  const before = receiver.received.length;
  const again = await startService(t, { home, settings: { ...quick, PORT } });
  await eventually('it is delivered', () => receiver.received.length > before, patienceMs);
  assert.ok(says(again, 'leases.inherited'), again.stderr());
});
