// Answers of the venue are recorded under locks that are taken in the order of the step that applies
// reports; else the two may wait for each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { SubmitOutcome, Venue } from '../../src/venue/venue.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps } from '../support/engine.ts';
import { untilLocked } from '../support/locks.ts';

test('a recorder that waits for the first submission holds none behind it', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const isins = ['DE0007164600', 'US0378331005'];
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: isins.map((isin) => ({ isin, price: '200' })),
    accounts: [{ positions: isins.map((isin) => ({ isin, quantity: '3' })) }],
  });
  assert.ok(account !== undefined);
  const inOrder = async () => {
    const rows = await sql<{ client_order_id: string }[]>`
      select s.client_order_id
      from unwind.submissions s
      order by s.order_id, s.client_order_id`;
    return rows.map((row) => row.client_order_id);
  };
  // What is accepted is written first, and is the last in the order of locks.
  const venue: Venue = {
    ...simulatedVenue(sql, clock, 0),
    submit: async (orders) => {
      const [first] = await inOrder();
      return orders.map(({ clientOrderId }): SubmitOutcome => {
        return clientOrderId === first
          ? { type: 'rejected', reason: 'not today', temporary: false }
          : { type: 'accepted', venueOrderId: 'V1' };
      });
    },
  };
  const steps = engineSteps(sql, clock, { delayMs: 0, venue });
  await askToLiquidate(sql, clock, account);
  await steps.release();
  const sent = Promise.withResolvers<void>();
  const holding = Promise.withResolvers<void>();
  const submit = venue.submit;
  const held: Venue = {
    ...venue,
    submit: async (orders) => {
      sent.resolve();
      await holding.promise;
      return submit(orders);
    },
  };
  const submitting = engineSteps(sql, clock, { delayMs: 0, venue: held }).submit();
  await sent.promise;
  const [first = '', last = ''] = await inOrder();
  await inTransaction(sql, async (tx) => {
    const lock = (id: string) => tx`
      select s.client_order_id
      from unwind.submissions s
      where s.client_order_id = ${id}
      for no key update skip locked`;
    assert.equal((await lock(first)).count, 1);
    holding.resolve();
    await untilLocked('the recorder waits for the first', sql);
    assert.equal((await lock(last)).count, 1, 'the last one is free');
  });
  await submitting;
  const rows = await sql<{ status: string }[]>`
    select s.status
    from unwind.submissions s
    order by s.order_id`;
  assert.deepEqual(
    rows.map((row) => row.status),
    ['WORKING', 'WORKING'],
  );
});
