// Processes on machines whose clocks are off, with a real preload that shifts Date: nothing that they
// record or hold is of another time than the database's.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { quick, says, startDelivering } from './delivering.ts';
import { patienceMs, startService } from './processes.ts';

const hourMs = 3_600_000;
const shifts = {
  'an hour ahead': hourMs,
  'an hour behind': -hourMs,
  '100 days ahead': 2_400 * hourMs,
} as const;

const preload = new URL('../support/shifted-clock.ts', import.meta.url).href;

/** All instants that the service has written by its own clock, as far from the database's as any is. */
async function farthestOff(home: string): Promise<number> {
  return withDatabase(
    await readConfig({ UNWIND_HOME: home }),
    pino({ level: 'silent' }),
    async (sql) => {
      const [row] = await sql<{ off_ms: number }[]>`
      select max(abs(extract(epoch from w.at - clock_timestamp())) * 1000)::float8 as off_ms
      from (
        select l.created_at as at from unwind.liquidations l
        union all select l.updated_at from unwind.liquidations l
        union all select o.created_at from unwind.orders o
        union all select s.sent_at from unwind.submissions s
        union all select e.executed_at from unwind.executions e
        union all select e.created_at from unwind.events e
        union all select k.created_at from unwind.idempotency_keys k
        union all select d.lease_expires_at from unwind.deliveries d
        union all
        select to_timestamp(
          ('x' || left(replace(l.liquidation_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
        )
        from unwind.liquidations l
      ) as w`;
      return row?.off_ms ?? Number.POSITIVE_INFINITY;
    },
  );
}

async function sellsAndTells(t: TestContext, words: string, shiftMs: number): Promise<void> {
  const skewed = { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_SHIFT_MS: String(shiftMs) };
  const { home, service, receiver } = await startDelivering(t, skewed);
  assert.ok(says(service, 'clock.machine_off'), service.stderr());
  const probe = await fetch(`${service.url}/readyz`);
  const { checks } = (await probe.json()) as { checks: Readonly<Record<string, string>> };
  const side = words.endsWith('behind') ? 'behind' : 'ahead of';
  assert.match(checks['clock'] ?? '', new RegExp(`^this machine is \\d+ s ${side} the database`));
  assert.equal(probe.status, 200);
  assert.ok((await farthestOff(home)) < hourMs / 4, 'what it wrote is of the time of the database');

  await startService(t, { home, settings: quick });
  service.kill('SIGKILL');
  await service.ended;
  receiver.react = () => ({ status: 204 });
  await eventually(
    'the other process delivers to the end',
    () => receiver.taken.some(({ body }) => body.toString().includes('ACCOUNT_LIQUIDATION.FILLED')),
    patienceMs,
  );
}

for (const [words, shiftMs] of Object.entries(shifts)) {
  const form = words === 'an hour ahead' ? {} : onlyFull;
  test(`a process whose clock is ${words} blocks nothing when it is killed`, form, async (t) => {
    await sellsAndTells(t, words, shiftMs);
  });
}
