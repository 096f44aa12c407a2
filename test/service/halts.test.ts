// Three processes sell what they can, and a halt is set in the middle of it: once it is acknowledged, no order
// reaches the venue any more, whose journal is the witness; lifted, all of it is sold.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import type { Sql } from '../../src/db/connect.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';
import { drawAccounts, writeBook } from '../crash/book.ts';
import { lotOf } from '../crash/random.ts';
import { eventually } from '../support/condition.ts';
import { isFull } from '../support/length.ts';
import { clientOf } from './client.ts';
import { quick } from './delivering.ts';
import {
  environmentOf,
  newHomeOnServer,
  patienceMs,
  runUnwind,
  startService,
} from './processes.ts';

const accountsCount = isFull ? 2_000 : 120;
/** Requests under way at once: so many that all processes have something to do. */
const askers = 6;
/** Of an order at the venue, at most; of the market clock. */
const restsMs = 60_000;
const quiet = { UNWIND_LOG_LEVEL: 'error' };

test('after a halt is acknowledged nothing reaches the venue', {
  timeout: 5 * patienceMs,
}, async (t) => {
  const home = await newHomeOnServer(t);
  // What is at the venue rests there until the clock of the market is moved, so that it is cancelled.
  const settings = { ...quick, UNWIND_VENUE_DELAY_MS: String(restsMs), ...quiet };
  const first = await startService(t, { home, settings });
  await startService(t, { home, settings });
  await startService(t, { home, settings });
  const accounts = drawAccounts(lotOf(7), accountsCount);
  const directory = join(dirname(home), 'book');
  await writeBook(directory, accounts);
  assert.equal((await runUnwind(t, ['import', directory], { home })).code, 0);
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const client = await clientOf({ ...sandbox, base_url: first.url });
  const config = await readConfig(environmentOf({ home }));
  await withDatabase(config, pino({ level: 'silent' }), async (sql) => {
    const left = [...accounts];
    const ask = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const { accountId, userId } = next;
        await client.liquidations.create(
          accountId,
          { user_id: userId },
          { deadlineMs: patienceMs },
        );
      }
    };
    const all = Array.from({ length: askers }, ask);
    await eventually(
      'the venue has some',
      async () => (await received(sql)).orders > 20,
      patienceMs,
    );
    const by = { reason: 'a test', person: 'Tester' };
    const halt = await client.control.halts.set(
      { scope: 'tenant', strength: 'cancel', ...by },
      { deadlineMs: patienceMs },
    );
    const atHalt = await received(sql);
    // What was asked for meanwhile is accepted, and held.
    await Promise.all(all);
    assert.ok(
      atHalt.orders < atHalt.wanted,
      `${atHalt.orders} of ${atHalt.wanted} orders were sent`,
    );
    await eventually(
      'what was at the venue has ended or was taken back',
      async () => (await working(sql)) === 0,
      patienceMs,
    );
    // Each loop of each process has looked several times by now.
    await eventually('a second has passed', () => secondsSince(sql, halt.set_at), patienceMs);
    assert.equal((await received(sql)).orders, atHalt.orders, 'none after the acknowledgement');
    assert.ok((await takenBack(sql)) > 0, 'some were cancelled at the venue');
    const held = await client.control.liquidations.list({ waiting: 'halted' }).all();
    assert.ok(held.length > 0);
    const listed = await runUnwind(t, ['halts', '--json'], { home });
    assert.equal(JSON.parse(listed.stdout)[0].id, halt.id);
    await client.control.halts.lift(halt.id, by);
    const isSold = async () => {
      if ((await open(sql)) === 0) return true;
      const target = '/tests/market';
      const json = { clock: { advance_ms: restsMs } };
      await client.send({ method: 'POST', target, json, idempotencyKey: randomUUID() });
      return false;
    };
    await eventually('all is sold', isSold, patienceMs);
  });
  const audit = await runUnwind(t, ['audit'], { home });
  assert.equal(audit.code, 0, audit.stdout);
});

/** How many orders the venue has received, and how many there were to be of what is asked for. */
async function received(sql: Sql): Promise<{ orders: number; wanted: number }> {
  const [row] = await sql<{ orders: number; wanted: number }[]>`
    select
      (select count(*)::integer from simulated_venue.journal) as orders,
      (select count(*)::integer from unwind.positions) as wanted`;
  return row ?? assert.fail();
}

/** Orders that the venue has. What was claimed before the halt and came too late is looked up until it is lifted. */
async function working(sql: Sql): Promise<number> {
  const rows = await sql`
    select
    from unwind.submissions s
    join simulated_venue.journal j on j.client_order_id = s.client_order_id
    where s.status <> 'DONE'
      and j.outcome = 'accepted'`;
  return rows.length;
}

async function takenBack(sql: Sql): Promise<number> {
  const rows = await sql`
    select
    from unwind.orders o
    where o.status = 'PROCESSING'
      and o.submit_at is not null`;
  return rows.length;
}

async function open(sql: Sql): Promise<number> {
  const rows = await sql`
    select from unwind.liquidations l where l.status in ('NEW', 'PROCESSING')`;
  return rows.length;
}

async function secondsSince(sql: Sql, instant: string): Promise<boolean> {
  const [row] = await sql<{ passed: boolean }[]>`
    select clock_timestamp() > ${instant}::timestamptz + interval '3 seconds' as passed`;
  return row?.passed === true;
}
