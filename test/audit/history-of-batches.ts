// Batches in a history: one that has ended with every outcome, one that was cancelled, one paused, one under way.

import { batchLookMs } from '../../src/batches/limits.ts';
import type { Sql } from '../../src/db/connect.ts';
import { makeAccounts, makeBatch, steer } from '../batches/world.ts';
import type { TestClock } from '../support/clock.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

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
}
