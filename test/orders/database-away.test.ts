// A database that goes away between the venue's answer and its record: the answer is kept and recorded
// first when the database is back, unless another process has taken over by then.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, type Sql } from '../../src/db/connect.ts';
import { isConnectionError } from '../../src/db/errors.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { atPort, startProxy } from '../support/proxy.ts';

/** A liquidation whose order the venue has accepted while the database went away from the process. */
async function loseAnswer(t: TestContext) {
  const { sql, url } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isin = 'DE0007164600';
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '200' }],
    accounts: [{ positions: [{ isin, quantity: '3' }] }],
  });
  assert.ok(account !== undefined);
  const proxy = await startProxy(t, Number(new URL(url).port));
  const behind = connect({ url: atPort(url, proxy.port), max: 4, applicationName: 'unwind test' });
  t.after(() => behind.end());
  const venue = simulatedVenue(sql, clock, 0);
  const losing: Venue = {
    ...venue,
    submit: async (orders) => {
      const outcomes = await venue.submit(orders);
      proxy.goAway();
      return outcomes;
    },
  };
  const onWarning = () => {};
  const steps = engineSteps(behind, clock, { delayMs: 0, venue: losing, onWarning });
  const other = engineSteps(sql, clock, { delayMs: 0, venue, onWarning });
  await askToLiquidate(sql, clock, account);
  await other.release();
  await assert.rejects(steps.submit(), isConnectionError);
  assert.equal(await submissionIn(sql), 'SENDING in epoch 1');
  await assert.rejects(steps.submit(), isConnectionError, 'it is still away');
  return { sql, clock, proxy, steps, other };
}

async function submissionIn(sql: Sql): Promise<string> {
  const [row] = await sql<{ status: string; lease_epoch: number }[]>`
    select s.status, s.lease_epoch
    from unwind.submissions s`;
  return `${row?.status} in epoch ${row?.lease_epoch}`;
}

async function journalOf(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ outcome: string }[]>`
    select j.outcome
    from simulated_venue.journal j`;
  return rows.map(({ outcome }) => outcome);
}

test('the answer is recorded when the database is back, before any lease runs out', async (t) => {
  const { sql, proxy, steps, other } = await loseAnswer(t);
  proxy.comeBack();
  await steps.submit();
  assert.equal(await submissionIn(sql), 'WORKING in epoch 1');
  await runUntilIdle(other);
  assert.equal(await submissionIn(sql), 'DONE in epoch 1');
  assert.deepEqual(await journalOf(sql), ['accepted']);
});

test('an answer that was kept for too long changes nothing', async (t) => {
  const { sql, clock, proxy, steps, other } = await loseAnswer(t);
  clock.advance(submissionLeaseMs);
  await other.resolve();
  assert.equal(await submissionIn(sql), 'WORKING in epoch 2');
  const before = await sql`select s.* from unwind.submissions s`;
  proxy.comeBack();
  await steps.submit();
  assert.deepEqual([...(await sql`select s.* from unwind.submissions s`)], [...before]);
  await runUntilIdle(other);
  assert.deepEqual(await journalOf(sql), ['accepted']);
});
