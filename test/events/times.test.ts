// Where in the log a time is: along the positions, of which the first may be dropped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { later } from '../../src/clock.ts';
import { findPositionAt } from '../../src/events/read-store.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { newAccounts, newWorld } from '../deliveries/world.ts';

const dayMs = 86_400_000;

test('the first event of a time or later is found in what is left of the log', async (t) => {
  const { sql, clock, tenantId } = await newWorld(t);
  const start = clock.now();
  // Days on which something happened, in the order in which it was published: what is published
  // late has the time of its predecessor.
  const days = [0, 1, 9, 3, 3, 40, 2, 41, 80];
  for (const day of days) {
    const [accountId] = newAccounts(1);
    assert.ok(accountId);
    const [event] = eventsOfLiquidation(accountId);
    assert.ok(event);
    await writeEvents(sql, { tenantId, events: [event], at: later(start, day * dayMs) });
    await publishAll(sql);
  }
  for (let dropped = 0; dropped <= days.length; dropped += 1) {
    await sql`
      update unwind.event_heads h
      set dropped_to = ${dropped}`;
    await sql`
      delete from unwind.events e
      where e.position <= ${dropped}`;
    for (const day of [-1, ...days.flatMap((one) => [one, one + 1]), 99]) {
      const place = days.findIndex(
        (_, i) => i >= dropped && days.slice(0, i + 1).some((earlier) => earlier >= day),
      );
      const expected = place < 0 ? undefined : place + 1;
      const found = await findPositionAt(sql, { tenantId, from: later(start, day * dayMs) });
      assert.equal(found, expected, `day ${day}, ${dropped} dropped`);
    }
  }
});

test('a log that has nothing has no place for any time', async (t) => {
  const { sql, tenantId, clock } = await newWorld(t);
  assert.equal(await findPositionAt(sql, { tenantId, from: clock.now() }), undefined);
});
