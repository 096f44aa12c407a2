// The order of the published log: whatever transactions commit in whatever order, no event is
// skipped and no two events of one account are turned around.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Sql, Tx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { eventPublisher } from '../../src/events/publish-events.ts';
import { type AccountId, newId, type TenantId } from '../../src/ids.ts';
import { batchRowsMax } from '../../src/limits.ts';
import {
  eventsOfLiquidation,
  makeTenantWithKeys,
  publishAll,
  writeEvents,
} from '../deliveries/subscriptions.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { quietWorker } from '../support/engine.ts';
import { fc } from '../support/properties.ts';

interface Published {
  readonly event_id: string;
  readonly account_id: AccountId;
  readonly sequence: number;
  readonly number: number;
  readonly position: number | null;
  readonly created_at: Date;
}

async function readAll(sql: Sql, tenantId: TenantId): Promise<readonly Published[]> {
  const rows = await sql<(Omit<Published, 'position'> & { position: string | null })[]>`
    select e.event_id, e.account_id, e.sequence, e.number, e.position, e.created_at
    from unwind.events e
    where e.tenant_id = ${tenantId}
    order by e.position`;
  return rows.map((row) => ({ ...row, position: (row.position && Number(row.position)) || null }));
}

/** Positions 1, 2, 3 … without a gap, equal to the head; each account in its own order; times ascend. */
async function assertSound(sql: Sql, tenantId: TenantId): Promise<readonly Published[]> {
  const events = (await readAll(sql, tenantId)).filter((event) => event.position !== null);
  assert.deepEqual(
    events.map((event) => event.position),
    events.map((_, i) => i + 1),
  );
  const heads = await sql<{ position: string }[]>`
    select h.position
    from unwind.event_heads h
    where h.tenant_id = ${tenantId}`;
  assert.equal(Number(heads[0]?.position ?? 0), events.length);
  for (const [accountId, own] of Map.groupBy(events, (event) => event.account_id)) {
    const places = own.map(({ sequence, number }) => sequence * 10 + number);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      `account ${accountId}`,
    );
  }
  const times = events.map((event) => event.created_at.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'times never go back',
  );
  return events;
}

/** A transaction that a test holds open on a connection of its own until it says so. */
async function holdOpen(t: TestContext, sql: Sql, work: (tx: Tx) => Promise<void>) {
  const worked = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const done = inTransaction(sql, async (tx) => {
    await work(tx);
    worked.resolve();
    await letGo.promise;
  });
  done.catch(worked.reject);
  t.after(() => letGo.resolve());
  await worked.promise;
  return async (): Promise<void> => {
    letGo.resolve();
    await done;
  };
}

test('an event that commits late is published late, and none is skipped', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const [late, early] = [newId<'account'>(), newId<'account'>()].map((id) => {
    return eventsOfLiquidation(id);
  });
  assert.ok(late !== undefined && early !== undefined);
  // The held transaction wrote first, by its time as by every number drawn from a sequence.
  const commit = await holdOpen(t, sql, async (tx) => {
    await writeEvents(tx, { tenantId, events: late, at: clock.now() });
  });
  await writeEvents(sql, { tenantId, events: early, at: later(clock.now(), 10) });
  await publishAll(sql);
  const before = await assertSound(sql, tenantId);
  assert.deepEqual(
    before.map((event) => event.event_id),
    early.map((event) => event.eventId),
  );
  await commit();
  await publishAll(sql);
  const after = await assertSound(sql, tenantId);
  const expected = [...early, ...late].map((event) => event.eventId);
  assert.deepEqual(
    after.map((event) => event.event_id),
    expected,
  );
});

test('clocks that differ between processes do not turn an account’s events around', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const [first, second, third] = eventsOfLiquidation(newId<'account'>());
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const next = eventsOfLiquidation(first.accountId, 2);
  for (const [i, event] of [first, second, third, ...next].entries()) {
    const at = later(clock.now(), -1_000 * i);
    await writeEvents(sql, { tenantId, events: [event], at });
  }
  await publishAll(sql);
  assert.equal((await assertSound(sql, tenantId)).length, 6);
});

test('an event that is published late has the time of the one before it', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const [one, two] = [newId<'account'>(), newId<'account'>()].map((id) => eventsOfLiquidation(id));
  assert.ok(one !== undefined && two !== undefined);
  await writeEvents(sql, { tenantId, events: one, at: later(clock.now(), 10) });
  await publishAll(sql);
  await writeEvents(sql, { tenantId, events: two.slice(0, 1), at: clock.now() });
  await writeEvents(sql, { tenantId, events: two.slice(1), at: later(clock.now(), 20) });
  await publishAll(sql);
  const log = await assertSound(sql, tenantId);
  assert.deepEqual(
    log.map((event) => event.created_at.getTime() - clock.now().getTime()),
    [10, 10, 10, 10, 20, 20],
  );
});

test('a batch that is full leaves no account with a hole', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const accounts = Array.from({ length: batchRowsMax }, () => newId<'account'>());
  for (const [i, accountId] of accounts.entries()) {
    const events = eventsOfLiquidation(accountId);
    // Later events of an account are written at an earlier time than the first of another.
    for (const event of events) {
      const at = later(clock.now(), (i % 7) * 10 - event.number);
      await writeEvents(sql, { tenantId, events: [event], at });
    }
  }
  const publish = eventPublisher(quietWorker(sql, testClock()));
  const [one, two] = [await publish(), await publish()];
  assert.ok(one >= batchRowsMax && two > 0, `${one}, ${two}`);
  await assertSound(sql, tenantId);
  await publishAll(sql);
  assert.equal((await assertSound(sql, tenantId)).length, 3 * batchRowsMax);
});

test('several publishers at once give every event one position', async (t) => {
  const { sql } = await createTestDatabase(t, { max: 20 });
  const clock = testClock();
  const tenantId = await makeTenantWithKeys(sql, clock);
  const other = await makeTenantWithKeys(sql, clock);
  const accounts = Array.from({ length: 60 }, () => newId<'account'>());
  const writing = accounts.map(async (accountId, i) => {
    for (const event of eventsOfLiquidation(accountId)) {
      const tenant = i % 5 === 0 ? other : tenantId;
      await writeEvents(sql, { tenantId: tenant, events: [event], at: clock.now() });
    }
  });
  const publishing = Array.from({ length: 4 }, () => publishAll(sql));
  await Promise.all([...writing, ...publishing]);
  await publishAll(sql);
  assert.equal((await assertSound(sql, tenantId)).length, 48 * 3);
  assert.equal((await assertSound(sql, other)).length, 12 * 3);
});

test('a tenant whose log another publisher holds is passed over, and its turn comes again', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const held = await makeTenantWithKeys(sql, clock);
  const free = await makeTenantWithKeys(sql, clock);
  const publish = eventPublisher(quietWorker(sql, testClock()));
  const write = async (tenantId: TenantId) => {
    const events = eventsOfLiquidation(newId<'account'>());
    await writeEvents(sql, { tenantId, events, at: clock.now() });
  };
  const lengths = async () => [
    (await assertSound(sql, held)).length,
    (await assertSound(sql, free)).length,
  ];
  for (const tenantId of [held, free]) await write(tenantId);
  await publishAll(sql);
  for (const tenantId of [held, free]) await write(tenantId);
  await inTransaction(sql, async (tx) => {
    await tx`select from unwind.event_heads h where h.tenant_id = ${held} for update`;
    assert.ok((await publish()) > 0);
    assert.equal(await publish(), 0, 'it waits for nobody');
    assert.deepEqual(await lengths(), [3, 6]);
  });
  assert.ok((await publish()) > 0);
  assert.deepEqual(await lengths(), [6, 6]);
});

test('any interleaving of commits and publishing keeps the log sound', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const step = fc.record({
    account: fc.integer({ min: 0, max: 3 }),
    skewMs: fc.integer({ min: -50, max: 50 }),
    publishes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const tenantId = await makeTenantWithKeys(sql, clock);
      const accounts = Array.from({ length: 4 }, () => {
        const accountId = newId<'account'>();
        return Array.from({ length: 9 }, (_, i) => eventsOfLiquidation(accountId, i + 1)).flat();
      });
      let written = 0;
      for (const { account, skewMs, publishes } of steps) {
        const event = accounts[account]?.shift();
        if (event !== undefined) {
          const at = later(clock.now(), skewMs);
          await writeEvents(sql, { tenantId, events: [event], at });
          written += 1;
        }
        if (publishes) await publishAll(sql);
        await assertSound(sql, tenantId);
      }
      await publishAll(sql);
      assert.equal((await assertSound(sql, tenantId)).length, written);
    }),
    { numRuns: 20 },
  );
});
