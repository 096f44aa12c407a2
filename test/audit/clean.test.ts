// The audit finds nothing in what the engine did: at rest, between any two of its steps, and while
// it runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditReport, runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { acknowledgedAttemptsKept } from '../../src/deliveries/limits.ts';
import { newId } from '../../src/ids.ts';
import {
  eventsOfLiquidation,
  makeTenantWithKeys,
  publishAll,
  subscribe,
  writeEvents,
} from '../deliveries/subscriptions.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, type EngineSteps, engineSteps, runUntilIdle } from '../support/engine.ts';
import { times } from '../support/length.ts';
import { makeHistory } from './history.ts';

function assertClean(report: AuditReport, where: string): void {
  const differences = report.results.flatMap((result) => result.differences);
  assert.deepEqual(differences, [], where);
  assert.equal(report.total, 0, where);
}

test('nothing differs wherever the work is stopped, nor when all is done', async (t) => {
  const { sql } = await createTestDatabase(t);
  let stops = 0;
  const { clock, steps } = await makeHistory(sql, async (where) => {
    stops += 1;
    assertClean(await runAudit(sql), where);
  });
  assert.ok(stops > 15, `${stops} stops`);
  for (const ms of [3_600_000, 10_000, 10_000, 10_000]) {
    clock.advance(ms);
    await runUntilIdle(steps);
    assertClean(await runAudit(sql), `${ms} ms later`);
  }
  const { counts } = await runAudit(sql);
  assert.deepEqual(counts, {
    tenants: 11,
    accounts: 57,
    positions: 79,
    movements: 188,
    // Only the one that waits for a halted instrument still runs.
    liquidations: { CANCELLED: 11, FILLED: 38, PROCESSING: 1, SETTLED: 3 },
    orders: { CANCELLED: 6, FILLED: 64 },
    submissions: 71,
    executions: 102,
    events: 175,
    journalEntries: 71,
  });
});

const accountsOfEach = times({ short: 25, long: 100 });

test('nothing differs while several processes do the work', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  await askForMany(sql, clock);
  const processes = [1, 2, 3].map(() => engineSteps(sql, clock, { delayMs: 0 }));
  let isDone = false;
  const working = Promise.all(processes.flatMap(runEachStep)).finally(() => {
    isDone = true;
  });
  let audits = 0;
  for (; !isDone || audits < 3; audits += 1) {
    assertClean(await runAudit(sql), `in audit ${audits + 1}`);
  }
  await working;
  const { counts, ...report } = await runAudit(sql);
  assertClean({ counts, ...report }, 'in the end');
  assert.deepEqual(counts.liquidations, { FILLED: 3 * accountsOfEach });
  assert.deepEqual(counts.orders, { FILLED: 9 * accountsOfEach });
});

test('what is kept of deliveries goes back to the end of the oldest attempt, not to its beginning', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const { webhookId } = await subscribe(sql, clock, { tenantId, url: 'http://127.0.0.1:9/' });
  const events = Array.from({ length: 3 }, () => eventsOfLiquidation(newId<'account'>())).flat();
  await writeEvents(sql, { tenantId, events, at: clock.now() });
  await publishAll(sql);
  const [refused, other] = events;
  assert.ok(refused !== undefined && other !== undefined);
  // The first was refused, and acknowledged by an attempt that others were written over. Of those that are kept
  // one began before the refusal, and took longer than any other.
  const log = [
    {
      eventId: refused.eventId,
      place: acknowledgedAttemptsKept,
      status: 500,
      atS: 1,
      durationMs: 5,
    },
    { eventId: other.eventId, place: 0, status: 204, atS: -60, durationMs: 90_000 },
    { eventId: other.eventId, place: 1, status: 204, atS: 30, durationMs: 5 },
  ];
  for (const { eventId, place, status, atS, durationMs } of log) {
    await sql`
      insert into unwind.delivery_attempts (
        tenant_id, webhook_id, place, attempt_id, kind, attempted_at, duration_ms, outcome, status,
        response, attempt, events, first_event_id, last_event_id
      )
      values (
        ${tenantId}, ${webhookId}, ${place}, ${newId<'attempt'>()}, 'delivery',
        ${later(clock.now(), atS * 1_000)}, ${durationMs}, 'answered', ${status}, '', 1, 1,
        ${eventId}, ${eventId}
      )`;
  }
  await sql`
    update unwind.deliveries d
    set acknowledged_offset = ${events.length}, acknowledged_count = 3, failed_count = 1`;
  const refusedAndPassed = async () => {
    const { results } = await runAudit(sql);
    const result = results.find(({ check }) => check.name === 'refused_events_are_not_passed');
    return result?.differences.map(({ subjectId }) => subjectId);
  };
  assert.deepEqual(await refusedAndPassed(), []);
  // One from before the refusal would be kept, so one from behind it as well.
  await sql`
    update unwind.delivery_attempts a
    set duration_ms = 5
    where a.place = 0`;
  assert.deepEqual(await refusedAndPassed(), [refused.eventId]);
});

async function askForMany(sql: Sql, clock: TestClock): Promise<void> {
  const isins = ['DE0007164600', 'DE0007236101', 'IE00B5M1WJ87'];
  for (const name of ['First', 'Second', 'Third']) {
    const tenantId = await makeTenant(sql, name);
    const instruments = isins.map((isin) => ({ isin, price: '77.125' }));
    const positions = isins.map((isin) => ({ isin, quantity: '12.5' }));
    const accounts = Array.from({ length: accountsOfEach }, () => ({ positions }));
    const made = await makeBook(sql, { tenantId, instruments, accounts });
    await Promise.all(made.map((account) => askToLiquidate(sql, clock, account)));
  }
}

/** Runs each step beside the others until all of them found nothing to do many times over. */
function runEachStep(steps: EngineSteps): Promise<void>[] {
  const idleTurnsMax = 300;
  let idleTurns = 0;
  return Object.values(steps).map(async (step) => {
    while (idleTurns < idleTurnsMax) {
      const worked = await step();
      idleTurns = worked === 0 ? idleTurns + 1 : 0;
    }
  });
}
