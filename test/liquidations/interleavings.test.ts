// Steps that meet on one row, in every order that can be forced: exactly one wins, nothing is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sql } from '../../src/db/connect.ts';
import { reportApplier } from '../../src/executions/apply-reports.ts';
import { liquidationReleaser } from '../../src/liquidations/release-liquidations.ts';
import { Refusal } from '../../src/refusal.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  askToCancel,
  askToLiquidate,
  engineSteps,
  quietWorker,
  runUntilIdle,
  usualEndLimits,
} from '../support/engine.ts';
import { gated } from '../support/gated.ts';

const venues = [{ mic: 'XSIM', currency: 'EUR' }];
const isins = ['DE0007164600', 'DE0008404005'];
const instruments = isins.map((isin) => ({ isin, price: '10' }));
const positions = isins.map((isin) => ({ isin, quantity: '1' }));

test('point 4: cancel against release: one winner in a hundred forced interleavings', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const count = 100;
  const accounts = await makeBook(sql, {
    tenantId,
    instruments,
    accounts: Array.from({ length: count }, () => ({ positions })),
  });
  const releaserOn = (pool: Sql) => {
    return liquidationReleaser({ ...quietWorker(pool, clock), venues }, usualEndLimits);
  };
  const won = { cancel: 0, release: 0 };
  for (const [i, account] of accounts.entries()) {
    const liquidationId = await askToLiquidate(sql, clock, account);
    const at = i % 8 === 7 ? 'commit' : i % 8;
    const cancels: Promise<unknown>[] = [];
    const cancel = () => {
      for (let n = 0; n <= i % 3; n += 1) {
        const ask = askToCancel(sql, clock, { ...account, liquidationId });
        cancels.push(
          ask.then(
            () => undefined,
            (error: unknown) => error,
          ),
        );
      }
    };
    const release = releaserOn(
      gated(sql, async (statement) => {
        if (statement !== at || cancels.length > 0) return;
        cancel();
        // Every second time the cancels run as far as they can before the release goes on.
        const blocked = new Promise((resolve) => setTimeout(resolve, 5));
        if (i % 2 === 0) await Promise.race([Promise.all(cancels), blocked]);
      }),
    );
    const second = releaserOn(sql);
    await (i % 5 === 0 ? Promise.all([release(), second()]) : release());
    if (cancels.length === 0) cancel();
    const outcomes = await Promise.all(cancels);
    const [row] = await sql<{ status: string; orders: number; events: number }[]>`
      select
        l.status,
        (select count(*)::integer from unwind.orders o
          where o.liquidation_id = l.liquidation_id) as orders,
        (select count(*)::integer from unwind.events e
          where e.liquidation_id = l.liquidation_id) as events
      from unwind.liquidations l
      where l.liquidation_id = ${liquidationId}`;
    const refused = outcomes.every(
      (error) => error instanceof Refusal && error.code === 'conflict',
    );
    const done = outcomes.every((error) => error === undefined);
    assert.ok(refused || done, `${i}: all cancels agree: ${outcomes}`);
    assert.deepEqual(
      row,
      done
        ? { status: 'CANCELLED', orders: 0, events: 2 }
        : { status: 'PROCESSING', orders: 2, events: 2 },
      `interleaving ${i}`,
    );
    won[done ? 'cancel' : 'release'] += 1;
  }
  t.diagnostic(`cancel won ${won.cancel}, release won ${won.release}`);
  assert.ok(won.cancel > 0 && won.release > 0);
});

test('two workers finishing the last two orders of a liquidation at once', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments,
    accounts: Array.from({ length: 20 }, () => ({ positions })),
  });
  const applierOn = (pool: Sql) => reportApplier(quietWorker(pool, clock));
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (const [i, account] of accounts.entries()) {
    const liquidationId = await askToLiquidate(sql, clock, account);
    for (const step of [steps.release, steps.submit, steps.receive]) await step();
    // Each worker gets one of the two reports: the other one's row is locked or out of its sight.
    const [held] = await sql<{ report_id: string }[]>`
      select r.report_id
      from unwind.venue_reports r
      order by r.report_id
      limit 1`;
    assert.ok(held);
    const parted = Promise.withResolvers<void>();
    const met = Promise.withResolvers<void>();
    await sql`update unwind.venue_reports set parked_reason = 'later' where report_id = ${held.report_id}`;
    const first = applierOn(
      gated(sql, async (statement) => {
        if (statement !== i % 10 && statement !== 'commit') return;
        parted.resolve();
        await met.promise;
      }),
    )();
    await parted.promise;
    await sql`
      update unwind.venue_reports
      set parked_reason = null
      where report_id = ${held.report_id}`;
    const second = applierOn(sql)();
    const soon = new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.race([second, soon]);
    met.resolve();
    await Promise.all([first, second]);
    await runUntilIdle(steps);
    const [row] = await sql<{ status: string; open_orders: number; cash_amount: string }[]>`
      select status, open_orders, cash_amount
      from unwind.liquidations
      where liquidation_id = ${liquidationId}`;
    assert.deepEqual(row, { status: 'FILLED', open_orders: 0, cash_amount: '20' }, `run ${i}`);
  }
});
