// A batch that waits for a second person, and processes that die around the approval.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { batchLookMs } from '../../src/batches/limits.ts';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { approve, eventsOf, isin, makeAccounts, makeBatch, outcomesOf, stateOf } from './world.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();

/** Two units at 10 EUR in two accounts are above it. */
async function setLimit(tenantId: TenantId): Promise<void> {
  const controls = { ...noLimits, tenantId, controlsId: newId<'controls'>() };
  const why = { reason: 'A test', person: 'Tester', setAt: clock.now() };
  const limit = { fourEyesMax: decimal('39.99') };
  assert.ok(
    await inTransaction(sql, (tx) => replaceControls(tx, { ...controls, ...limit, ...why })),
  );
}

test('a process that dies while it approves leaves the batch waiting; approved, another one starts it', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 2);
  await setLimit(tenantId);
  const which = { tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts }) };
  // The process dies when all is written and nothing is committed.
  await sql.script(`
    create function unwind.die() returns trigger language plpgsql as $$
    begin
      perform pg_terminate_backend(pg_backend_pid());
      return null;
    end $$;
    create constraint trigger die after update on unwind.approvals
      deferrable initially deferred for each row execute function unwind.die();`);
  await assert.rejects(approve(sql, clock, which));
  await sql.script('drop trigger die on unwind.approvals; drop function unwind.die();');
  await runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  assert.equal((await stateOf(sql, which)).status, 'PENDING_APPROVAL');
  assert.deepEqual(await eventsOf(sql, which), ['CREATED']);
  await approve(sql, clock, which);
  // No process is informed of it: the step that starts it finds its row.
  const another = engineSteps(sql, clock, { delayMs: 0 });
  for (let i = 0; i < 2; i += 1) {
    await runUntilIdle(another);
    clock.advance(batchLookMs);
  }
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'STARTED']);
  assert.deepEqual(await eventsOf(sql, which), ['CREATED', 'APPROVED', 'STARTED', 'COMPLETED']);
});

test('a batch that could sell a tenth more, or less, or had no price when it was made, is approved', async () => {
  for (const [before, price] of [
    ['10', '11'],
    ['10', '0.01'],
    [undefined, '1000000'],
  ] as const) {
    const { tenantId, accounts } = await makeAccounts(sql, 2);
    await setLimit(tenantId);
    if (before === undefined)
      await sql`delete from unwind.prices p where p.tenant_id = ${tenantId}`;
    const which = { tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts }) };
    assert.equal((await stateOf(sql, which)).status, 'PENDING_APPROVAL');
    await sql`
      insert into unwind.prices as p (tenant_id, isin, price, currency, updated_at)
      values (${tenantId}, ${isin}, ${price}, 'EUR', ${clock.now()})
      on conflict (tenant_id, isin) do update
      set price = excluded.price`;
    await approve(sql, clock, which);
    assert.equal((await stateOf(sql, which)).status, 'SCHEDULED');
  }
});
