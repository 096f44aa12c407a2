// The audit finds nothing in what the engine did: at rest, between any two of its steps, and while
// it runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditReport, runAudit } from '../../src/audit/run-audit.ts';
import type { Sql } from '../../src/db/connect.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, type EngineSteps, engineSteps, runUntilIdle } from '../support/engine.ts';
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
  assert.deepEqual(counts.liquidations, { FILLED: 300 });
  assert.deepEqual(counts.orders, { FILLED: 900 });
});

async function askForMany(sql: Sql, clock: TestClock): Promise<void> {
  const isins = ['DE0007164600', 'DE0007236101', 'IE00B5M1WJ87'];
  for (const name of ['First', 'Second', 'Third']) {
    const tenantId = await makeTenant(sql, name);
    const instruments = isins.map((isin) => ({ isin, price: '77.125' }));
    const positions = isins.map((isin) => ({ isin, quantity: '12.5' }));
    const accounts = Array.from({ length: 100 }, () => ({ positions }));
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
