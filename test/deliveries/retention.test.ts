// The log is kept in parts: made ahead of time, dropped as a whole once they are old, and whoever had
// not read them is told.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { listAttempts, readDeliveryState } from '../../src/deliveries/history-store.ts';
import { keepLog } from '../../src/events/keep-log.ts';
import { readEvents } from '../../src/events/read-store.ts';
import { eventually } from '../support/condition.ts';
import { drawIdsAt } from '../support/ids.ts';
import { deliverDue, startDeliverer, stateOf } from './subscriptions.ts';
import {
  assertArrived,
  logLater,
  logLiquidations,
  logOf,
  newAccounts,
  newWorld,
  subscribeTo,
  type World,
} from './world.ts';

const dayMs = 86_400_000;

/** A world long after the migration of its database, so that parts can grow old. */
async function newOldWorld(t: TestContext): Promise<World> {
  const world = await newWorld(t);
  world.clock.set(new Date('2030-01-10T12:00:00.000Z'));
  drawIdsAt(t, world.clock);
  await keep(world);
  return world;
}

async function partsOf(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select p.name
    from unwind.event_parts p
    where p.name like 'events_20%'
      and p.name > 'events_2029'
    order by p.name`;
  return rows.map((row) => row.name);
}

const silent = { info: () => {}, warn: () => {} };

/** Turns until there is nothing to make, to give up or to drop, also a minute later. */
async function keep({ sql, clock }: World): Promise<void> {
  let now = clock.now();
  for (let turn = 0; turn < 100; turn += 1) {
    const steps = await keepLog({ sql, log: silent }, now);
    if (steps === 0 && now > clock.now()) return;
    if (steps === 0) now = later(now, 60_000);
  }
  assert.fail('there is always something to keep');
}

test('parts are made ahead, and an old one is dropped with all its events', async (t) => {
  const world = await newOldWorld(t);
  const { sql, clock, tenantId } = world;
  assert.deepEqual(await partsOf(sql), ['events_2030_01', 'events_2030_02', 'events_2030_03']);
  await logLiquidations(world, newAccounts(3));
  clock.set(new Date('2030-02-10T12:00:00.000Z'));
  await logLiquidations(world, newAccounts(2));
  clock.set(later(new Date('2030-02-01T00:00:00.000Z'), 90 * dayMs - 60_001));
  await keep(world);
  assert.equal((await logOf(world)).length, 15, 'a millisecond too young');
  clock.advance(60_001);
  await keep(world);
  assert.deepEqual((await partsOf(sql))[0], 'events_2030_02');
  const log = await logOf(world);
  assert.deepEqual(
    log.map(({ at }) => at),
    [10, 11, 12, 13, 14, 15],
    'the rest stands where it stood',
  );
  const read = await readEvents(sql, {
    tenantId,
    after: 0,
    limit: 10,
    type: undefined,
    accountId: undefined,
  });
  assert.deepEqual([read.droppedTo, read.head, read.events.length], [9, 15, 6]);
  assert.deepEqual(await faultsOfLog(sql), [], 'the audit honours the low mark');
});

/**
 * What the audit says of the log; the events of these tests have no liquidations. It judges by the clock of
 * the database how long the log is kept, and the clock of these tests is years ahead of that.
 */
async function faultsOfLog(sql: Sql): Promise<readonly string[]> {
  const { results } = await runAudit(sql);
  const wrong = results.filter(
    ({ check, total }) =>
      check.name.startsWith('log_') && check.name !== 'log_is_kept_for_its_time' && total > 0,
  );
  return wrong.map(({ check }) => check.name);
}

test('a subscription that had not read what was dropped shows the gap and goes on', async (t) => {
  const world = await newOldWorld(t);
  const { sql, clock } = world;
  const webhook = await subscribeTo(world);
  await logLiquidations(world, newAccounts(2));
  clock.set(new Date('2030-02-10T12:00:00.000Z'));
  await logLiquidations(world, newAccounts(1));
  clock.set(new Date('2030-05-10T12:00:00.000Z'));
  await keep(world);
  const before = await readDeliveryState(sql, webhook, 10);
  assert.deepEqual(before?.gap, { after: 0, upTo: 6, noticedAt: undefined });
  const lines: string[] = [];
  const onLog = (_fields: object, message: string) => lines.push(message);
  const deliverer = startDeliverer(t, sql, { clock, onLog });
  await deliverDue(deliverer);
  assert.equal((await stateOf(sql, webhook)).offset, 9);
  await assertArrived(world);
  const after = await readDeliveryState(sql, webhook, 10);
  assert.deepEqual(after?.gap, { after: 0, upTo: 6, noticedAt: clock.now() });
  const [told] = await listAttempts(sql, webhook, { limit: 10, result: 'failed' });
  assert.deepEqual([told?.kind, told?.events], ['gap', 0]);
  assert.deepEqual(lines.filter((line) => line === 'webhook.gap').length, 1);
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  assert.deepEqual(lines.filter((line) => line === 'webhook.gap').length, 1, 'told once');
});

test('what is given up while a subscription is being delivered is shown as a gap before it is gone', async (t) => {
  const world = await newOldWorld(t);
  const { sql, clock, receiver } = world;
  const webhook = await subscribeTo(world);
  const [accountId] = newAccounts(1);
  assert.ok(accountId);
  await logLiquidations(world, [accountId]);
  await logLater(world, accountId);
  clock.set(new Date('2030-05-10T12:00:00.000Z'));
  // Under way is the first event, whose answer waits; the others of the account wait for it.
  const answered = Promise.withResolvers<{ status: number }>();
  receiver.react = (number) => (number === 1 ? answered.promise : { status: 204 });
  const lines: string[] = [];
  const onLog = (_fields: object, message: string) => lines.push(message);
  const deliverer = startDeliverer(t, sql, { clock, onLog });
  assert.equal(await deliverer.step(), 1);
  await eventually('a request is under way', () => receiver.received.length === 1);
  assert.deepEqual(lines, []);
  while ((await keepLog({ sql, log: silent }, clock.now())) > 0);
  await deliverer.step();
  answered.resolve({ status: 204 });
  await deliverer.drain();
  await deliverDue(deliverer);
  assert.equal(lines.filter((line) => line === 'webhook.gap').length, 1);
  const state = await readDeliveryState(sql, webhook, 10);
  assert.deepEqual(state?.gap, { after: 1, upTo: 6, noticedAt: clock.now() });
  await assertArrived(world);
});

test('a part with an event that is not published yet is kept', async (t) => {
  const world = await newOldWorld(t);
  const { sql, clock } = world;
  await logLiquidations(world, newAccounts(1));
  await sql`
    update unwind.events e
    set position = null
    where e.number = 3`;
  clock.set(new Date('2031-01-10T12:00:00.000Z'));
  await keep(world);
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.events`;
  assert.equal(row?.count, 3);
});
