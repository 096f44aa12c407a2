// Where clients of a sandbox may come from is one answer for all processes of its database.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkReceiverUrl, isAllowedAddress, receiverPolicyOf } from '../../src/egress/address.ts';
import { Exposure, isOpen } from '../../src/settings/exposure.ts';
import { insertMode } from '../../src/settings/mode-store.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const own = { isApi: true, host: '127.0.0.1', trustedProxies: [] };
const log = { warn: () => assert.fail('the database answers') };

describe('clients from elsewhere reach a process', () => {
  const table = [
    [own, false],
    [{ ...own, host: '127.8.9.10' }, false],
    [{ ...own, host: '::1' }, false],
    [{ ...own, host: '::ffff:127.0.0.1' }, false],
    [{ ...own, host: 'localhost' }, false],
    [{ ...own, host: '0.0.0.0' }, true],
    [{ ...own, host: '::' }, true],
    [{ ...own, host: '10.0.0.1' }, true],
    [{ ...own, host: 'unwind.example' }, true],
    [{ ...own, host: '' }, true],
    // A proxy lets clients in from elsewhere, be it on this machine or on another.
    [{ ...own, trustedProxies: ['127.0.0.1'] }, true],
    [{ ...own, host: 'localhost', trustedProxies: ['10.0.0.0/8'] }, true],
    // It answers the probes alone.
    [{ ...own, isApi: false, host: '0.0.0.0' }, false],
  ] as const;
  for (const [process, expected] of table) {
    test(`${JSON.stringify(process)}: ${expected}`, () => {
      assert.equal(isOpen(process), expected);
    });
  }
});

test('while one process is open, none of its database delivers to loopback', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  await insertMode(sql, { mode: 'sandbox', now: clock.now() });
  const start = (process: object) => {
    return Exposure.read(sql, clock, { mode: 'sandbox', log, ...own, ...process });
  };
  const worker = await start({ isApi: false });
  const policy = receiverPolicyOf({ isLocal: () => worker.isLocal, webhookNetworks: [] });
  const reaches = () => {
    const isRegistered = 'url' in checkReceiverUrl('http://127.0.0.1:9/', policy);
    assert.equal(isAllowedAddress('127.0.0.1', policy), isRegistered);
    return isRegistered;
  };
  assert.equal(reaches(), true);

  const api = await start({ host: '0.0.0.0' });
  assert.equal(api.isLocal, false);
  await worker.refresh();
  assert.equal(reaches(), false);
  assert.equal((await start({})).isLocal, false, 'nor one that is started later');

  clock.advance(50_000);
  await api.refresh();
  clock.advance(50_000);
  await worker.refresh();
  assert.equal(reaches(), false, 'as long as it says so');
  clock.advance(10_000);
  assert.equal(reaches(), true, 'a minute after its last word');
});

test('live mode delivers to no loopback, and records nothing', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  await insertMode(sql, { mode: 'live', now: clock.now() });
  const { isLocal } = await Exposure.read(sql, clock, { mode: 'live', log, ...own });
  assert.equal(isLocal, false);
  const [row] = await sql`
    select open_until
    from unwind.database_mode`;
  assert.deepEqual(row, { open_until: null });
});
