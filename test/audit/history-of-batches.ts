// Batches in a history: one that has ended with every outcome, one that was cancelled, one paused, one under way.

import assert from 'node:assert/strict';
import { approvalMs } from '../../src/approvals/approval.ts';
import { batchLookMs } from '../../src/batches/limits.ts';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { approve, makeAccounts, makeBatch, steer } from '../batches/world.ts';
import type { TestClock } from '../support/clock.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const ten = decimal('10');

/** Makes them, of a tenant of their own; `stop` is called wherever a running service might be looked at. */
export async function makeBatches(
  { sql, clock }: { readonly sql: Sql; readonly clock: TestClock },
  stop: (where: string) => Promise<void>,
): Promise<void> {
  const { tenantId, accounts } = await makeAccounts(sql, [
    ...Array.from({ length: 8 }, () => ({})),
    { status: 'LOCKED' as const },
  ]);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const [running] = accounts;
  if (running === undefined) throw new Error('nine accounts were made');
  await askToLiquidate(sql, clock, { ...running, releaseDelayMs: 60_000 });
  await makeBatch(sql, clock, {
    tenantId,
    accounts: [...accounts.slice(0, 4), ...accounts.slice(8)],
  });
  await stop('with a batch that was made');
  await steps.start();
  await stop('with a batch that has begun');
  await steps.start();
  await stop('with a batch all of whose accounts are started');
  for (let i = 0; i < 2; i += 1) {
    await runUntilIdle(steps);
    clock.advance(batchLookMs);
  }
  await stop('with a batch that has ended');
  const cancelled = { tenantId, accounts: accounts.slice(3, 6), inProgressMax: 2 };
  const which = { tenantId, batchId: await makeBatch(sql, clock, cancelled) };
  while ((await steps.start()) > 0);
  await steer(sql, clock, which, 'cancel');
  await stop('with a batch that is being cancelled');
  await steps.start();
  await stop('with a batch of which nothing waits any more');
  await runUntilIdle(steps);
  clock.advance(batchLookMs);
  await runUntilIdle(steps);
  await stop('with a batch that was cancelled');
  const paused = { tenantId, accounts: accounts.slice(5, 6) };
  await steer(sql, clock, { tenantId, batchId: await makeBatch(sql, clock, paused) }, 'pause');
  await makeBatch(sql, clock, { tenantId, accounts: accounts.slice(6), inProgressMax: 1 });
  while ((await steps.start()) > 0);
  await stop('with a batch under way');
  await makeApproved({ sql, clock }, stop);
}

/** Of another tenant: one batch that a second person has approved, one that waits, one that nobody approved in time. */
async function makeApproved(
  { sql, clock }: { readonly sql: Sql; readonly clock: TestClock },
  stop: (where: string) => Promise<void>,
): Promise<void> {
  const { tenantId, accounts } = await makeAccounts(sql, 3);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const controls = { ...noLimits, tenantId, controlsId: newId<'controls'>(), fourEyesMax: ten };
  const why = { reason: 'Four eyes', person: 'Tester', setAt: clock.now() };
  assert.ok(await inTransaction(sql, (tx) => replaceControls(tx, { ...controls, ...why })));
  // A batch of the same moment may have read the controls before.
  clock.advance(60_000);
  const make = (from: number) => {
    return makeBatch(sql, clock, { tenantId, accounts: accounts.slice(from, from + 1) });
  };
  await make(0);
  await stop('with a batch that waits for a second person');
  clock.advance(approvalMs);
  await runUntilIdle(steps);
  await stop('with a batch that nobody has approved in time');
  const batchId = await make(1);
  await approve(sql, clock, { tenantId, batchId });
  await stop('with a batch that is approved');
  await runUntilIdle(steps);
  clock.advance(batchLookMs);
  await runUntilIdle(steps);
  await make(2);
  await stop('with an approved batch that has ended');
}
