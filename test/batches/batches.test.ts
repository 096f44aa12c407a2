// The life of batches: what is started, refused, paused, cancelled, and when a batch has ended.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { batchLookMs, batchProgressMs } from '../../src/batches/limits.ts';
import { batchStarter } from '../../src/batches/start-batches.ts';
import { later } from '../../src/clock.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import { countTry, findParkedOf, forgetEnded } from '../../src/work/parked-store.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, type EngineSteps, engineSteps, runUntilIdle } from '../support/engine.ts';
import {
  eventsOf,
  figuresOf,
  isin,
  makeAccounts,
  makeBatch,
  outcomesOf,
  stateOf,
  steer,
  type Which,
} from './world.ts';

// Those with many accounts have a database of their own: here each sells what the ones before have left.
const { sql } = await createTestDatabase({ after });
const clock = testClock();
const steps = engineSteps(sql, clock, { delayMs: 0 });

/** Only starts, so that what was started stays NEW. */
async function startAll({ start }: Pick<EngineSteps, 'start'> = steps): Promise<void> {
  while ((await start()) > 0);
}

/** Runs the engine at this instant, and looks whether the batch has ended a moment later. */
async function runToEnd(): Promise<void> {
  await runUntilIdle(steps);
  clock.advance(batchLookMs);
  await runUntilIdle(steps);
}

async function refused(work: Promise<unknown>, code: string, detail: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, code);
    assert.match(error.message, detail);
    return true;
  });
}

test('each account is started once, or refused with the reason that a request would get', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, [
    {},
    { status: 'CLOSING' },
    { status: 'LOCKED' },
    { status: 'CLOSED' },
    { status: 'PENDING_APPROVAL' },
    {},
    {},
    { positions: [] },
  ]);
  const other = await makeAccounts(sql, 1);
  const [first, , , , , running, wrongUser] = accounts;
  assert.ok(first && running && wrongUser);
  const runningId = await askToLiquidate(sql, clock, { ...running, releaseDelayMs: 60_000 });
  const named = [
    ...accounts.map((account) => {
      return account === wrongUser ? { ...account, userId: newId<'user'>() } : account;
    }),
    ...other.accounts,
    { accountId: newId<'account'>() },
  ];
  const which = { tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts: named }) };
  await startAll();
  assert.deepEqual(await outcomesOf(sql, which), [
    ...['STARTED', 'STARTED', 'account_not_active', 'account_not_active', 'account_not_active'],
    ...['liquidation_running', 'no_such_account', 'STARTED', 'no_such_account', 'no_such_account'],
  ]);
  const [row] = await sql<{ running_id: string }[]>`
    select a.running_id
    from unwind.batch_accounts a
    where a.batch_id = ${which.batchId}
      and a.account_id = ${running.accountId}`;
  assert.equal(row?.running_id, runningId);
  assert.deepEqual(await stateOf(sql, which), {
    ...{ status: 'RUNNING', waiting: 0, started: 3, refused: 7, cancelled: 0 },
  });
  await runToEnd();
  assert.equal((await stateOf(sql, which)).status, 'COMPLETED');
  assert.deepEqual(await figuresOf(sql, which), {
    fresh: 0,
    processing: 0,
    filled: 3,
    cancelled: 0,
  });
  assert.deepEqual(await eventsOf(sql, which), ['CREATED', 'STARTED', 'COMPLETED']);
});

test('a batch starts when it is due, and not before', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 1);
  const startAt = later(clock.now(), 60_000);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, startAt });
  await startAll();
  assert.equal((await stateOf(sql, { tenantId, batchId })).status, 'SCHEDULED');
  clock.advance(59_999);
  await startAll();
  assert.equal((await stateOf(sql, { tenantId, batchId })).started, 0);
  clock.advance(1);
  await startAll();
  assert.equal((await stateOf(sql, { tenantId, batchId })).started, 1);
});

test('a batch has no more liquidations open than it may', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 7);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, inProgressMax: 3 });
  const which = { tenantId, batchId };
  const open = [];
  for (let round = 0; round < 3; round += 1) {
    await startAll();
    const { fresh, processing, filled } = await figuresOf(sql, which);
    open.push([fresh + processing, filled]);
    clock.advance(batchLookMs);
    await startAll();
    assert.equal((await figuresOf(sql, which)).fresh, fresh, 'there is no room for more');
    const { start: _, ...others } = steps;
    await runUntilIdle({ ...others, start: async () => 0 });
    clock.advance(batchLookMs);
  }
  assert.deepEqual(open, [
    [3, 0],
    [3, 3],
    [1, 6],
  ]);
});

test('two processes together start no account sooner than the rate allows', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 40);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, rate: 12 });
  const second = engineSteps(sql, clock, { delayMs: 0 });
  for (let tick = 0; tick < 320; tick += 1) {
    await Promise.all([steps.start(), second.start()]);
    clock.advance(100 + (tick % 4) * 400);
  }
  const rows = await sql<{ decided_at: Date }[]>`
    select a.decided_at
    from unwind.batch_accounts a
    where a.batch_id = ${batchId}
      and a.decided_at is not null
    order by a.decided_at`;
  assert.equal(rows.length, 40);
  for (const [i, { decided_at: at }] of rows.entries()) {
    const before = rows[i - 12];
    if (before === undefined) continue;
    assert.ok(
      at.getTime() - before.decided_at.getTime() >= 60_000,
      'the 13th comes a minute later',
    );
  }
});

test('a paused batch starts nothing, and goes on where it was', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 5);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, inProgressMax: 2 });
  const which = { tenantId, batchId };
  await startAll();
  await refused(steer(sql, clock, which, 'resume'), 'conflict', /RUNNING; only one that is PAUSED/);
  assert.equal((await steer(sql, clock, which, 'pause')).status, 'PAUSED');
  await refused(steer(sql, clock, which, 'pause'), 'conflict', /The batch is PAUSED/);
  await runToEnd();
  assert.deepEqual(await stateOf(sql, which), {
    ...{ status: 'PAUSED', waiting: 3, started: 2, refused: 0, cancelled: 0 },
  });
  assert.equal((await figuresOf(sql, which)).filled, 2, 'what was started goes on');
  const resumed = await steer(sql, clock, which, 'resume');
  assert.equal(resumed.status, 'RUNNING');
  assert.equal(resumed.steered?.person, 'A. Risk');
  for (let i = 0; i < 3; i += 1) await runToEnd();
  assert.equal((await stateOf(sql, which)).status, 'COMPLETED');
  const events = await eventsOf(sql, which);
  assert.deepEqual(
    events.filter((type) => type !== 'PROGRESS'),
    ['CREATED', 'STARTED', 'PAUSED', 'RESUMED', 'COMPLETED'],
  );
});

test('one that was paused before its start is scheduled again', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 1);
  const startAt = later(clock.now(), 1_000);
  const which = { tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts, startAt }) };
  await steer(sql, clock, which, 'pause');
  clock.advance(2_000);
  await startAll();
  assert.equal((await stateOf(sql, which)).started, 0);
  assert.equal((await steer(sql, clock, which, 'resume')).status, 'SCHEDULED');
  await startAll();
  assert.equal((await stateOf(sql, which)).started, 1);
});

test('a cancelled batch cancels what waits and what is NEW, and the rest goes on', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 6);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, inProgressMax: 4 });
  const which = { tenantId, batchId };
  await startAll();
  // Two of the four are released before it is cancelled.
  await sql`
    update unwind.liquidations l
    set release_at = l.release_at + interval '1 hour'
    where l.batch_id = ${batchId}
      and l.account_id in (
        select a.account_id
        from unwind.batch_accounts a
        where a.batch_id = ${batchId}
          and a.number > 2
      )`;
  while ((await steps.release()) > 0);
  assert.equal((await steer(sql, clock, which, 'cancel')).status, 'CANCELLING');
  await startAll();
  assert.deepEqual(await stateOf(sql, which), {
    ...{ status: 'CANCELLING', waiting: 0, started: 4, refused: 0, cancelled: 2 },
  });
  assert.deepEqual(await figuresOf(sql, which), {
    ...{ fresh: 0, processing: 2, filled: 0, cancelled: 2 },
  });
  const ends = await sql<{ end_reason: string; event_count: number; events: number }[]>`
    select
      l.end_reason, l.event_count,
      (
        select count(*)::integer
        from unwind.events e
        where e.liquidation_id = l.liquidation_id
      ) as events
    from unwind.liquidations l
    where l.batch_id = ${batchId}
      and l.status = 'CANCELLED'`;
  assert.deepEqual(
    ends.map((one) => ({ ...one })),
    Array.from({ length: 2 }, () => ({ end_reason: 'client', event_count: 2, events: 2 })),
  );
  await runToEnd();
  assert.equal((await stateOf(sql, which)).status, 'CANCELLED');
  assert.equal((await figuresOf(sql, which)).filled, 2);
  assert.equal((await eventsOf(sql, which)).at(-1), 'CANCELLED');
  for (const act of ['pause', 'resume', 'cancel'] as const) {
    await refused(steer(sql, clock, which, act), 'conflict', /The batch is CANCELLED/);
  }
});

test('processes that work at once start each account once', async (t) => {
  const { sql } = await createTestDatabase(t);
  const { tenantId, accounts } = await makeAccounts(sql, 1_200);
  const batches = [accounts.slice(0, 600), accounts.slice(600), accounts.slice(300, 900)];
  const ids: Which[] = [];
  for (const some of batches) {
    ids.push({ tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts: some }) });
  }
  const processes = Array.from({ length: 3 }, () => engineSteps(sql, clock, { delayMs: 0 }));
  for (let pass = 0; pass < 20; pass += 1) {
    await Promise.all(processes.map((process) => startAll(process)));
    clock.advance(batchLookMs);
  }
  const states = await Promise.all(ids.map((which) => stateOf(sql, which)));
  assert.deepEqual(
    states.map(({ waiting }) => waiting),
    [0, 0, 0],
  );
  // The third shares each account with one of the others: one of the two has it.
  assert.equal(
    states.reduce((sum, { started }) => sum + started, 0),
    1_200,
  );
  const [row] = await sql<{ liquidations: number; accounts: number }[]>`
    select count(*)::integer as liquidations, count(distinct l.account_id)::integer as accounts
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}`;
  assert.deepEqual({ ...row }, { liquidations: 1_200, accounts: 1_200 });
});

test('an account that another transaction holds is left for another turn, and holds up no other', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 3);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts });
  const which = { tenantId, batchId };
  const [held] = accounts;
  assert.ok(held);
  await inTransaction(sql, async (tx) => {
    await tx`
      select
      from unwind.accounts a
      where a.tenant_id = ${tenantId}
        and a.account_id = ${held.accountId}
      for update`;
    await startAll();
    assert.deepEqual(await outcomesOf(sql, which), ['WAITING', 'STARTED', 'STARTED']);
  });
  clock.advance(batchLookMs);
  await startAll();
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'STARTED', 'STARTED']);
});

test('an account that cannot be worked on is parked alone, and started once that is mended', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 3);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts });
  const which = { tenantId, batchId };
  const [, broken] = accounts;
  assert.ok(broken);
  await sql.script(`
    create function unwind.break_one() returns trigger language plpgsql as $$
    begin
      raise exception 'broken' using errcode = 'P0001';
    end $$;
    create trigger break_one before insert on unwind.liquidations
      for each row when (new.account_id = '${broken.accountId}') execute function unwind.break_one();`);
  const warnings: object[] = [];
  const log = {
    warn: (one: object) => warnings.push(one),
    error: (one: object) => warnings.push(one),
  };
  const start = batchStarter({ sql, clock, log }, { releaseDelayMs: 0 });
  for (let i = 0; i < 40; i += 1) {
    await startAll({ start });
    clock.advance(batchLookMs);
  }
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'WAITING', 'STARTED']);
  const parked = await sql<{ step: string; subject: string }[]>`
    select k.step, k.subject
    from unwind.parked k
    where k.tenant_id = ${tenantId}
      and k.parked_at is not null`;
  assert.deepEqual(
    parked.map((one) => ({ ...one })),
    [{ step: 'start', subject: `${batchId}/${broken.accountId}` }],
  );
  assert.equal((await stateOf(sql, which)).status, 'RUNNING', 'it does not end without it');
  await sql.script(`
    drop trigger break_one on unwind.liquidations;
    drop function unwind.break_one();
    delete from unwind.parked;`);
  clock.advance(batchLookMs);
  await startAll();
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'STARTED', 'STARTED']);
});

test('what is parked of a cancelled batch is forgotten with it, but not what another one has parked', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 2);
  const [one, other] = accounts;
  assert.ok(one && other);
  const cancelled = await makeBatch(sql, clock, { tenantId, accounts: [one] });
  const waiting = await makeBatch(sql, clock, { tenantId, accounts: [other] });
  const ids = [`${cancelled}/${one.accountId}`, `${waiting}/${other.accountId}`, waiting];
  for (const subject of ids) {
    const failed = { tenantId, step: 'start', subject, reason: 'a test parked it' } as const;
    await inTransaction(sql, (tx) => countTry(tx, { ...failed, now: clock.now(), triesMax: 1 }));
  }
  const parked = async () => {
    await forgetEnded(sql, 1_000);
    const { items } = await findParkedOf(sql, { tenantId, offset: 0, limit: 10 });
    return items.map(({ id }) => id).toSorted();
  };
  const all = ids.map((subject) => `start/${subject}`).toSorted();
  assert.deepEqual(await parked(), all, 'while it waits a person sees it');
  await steer(sql, clock, { tenantId, batchId: cancelled }, 'cancel');
  await startAll();
  assert.deepEqual(await outcomesOf(sql, { tenantId, batchId: cancelled }), ['CANCELLED']);
  assert.deepEqual(
    await parked(),
    all.filter((id) => !id.includes(cancelled)),
  );
  await sql`delete from unwind.parked k where k.tenant_id = ${tenantId}`;
});

test('a turn that is broken off leaves everything as it was before', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 4);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts });
  const which = { tenantId, batchId };
  await steps.start();
  const before = await stateOf(sql, which);
  // The process dies when all is written and nothing is committed.
  await sql.script(`
    create function unwind.die() returns trigger language plpgsql as $$
    begin
      perform pg_terminate_backend(pg_backend_pid());
      return null;
    end $$;
    create constraint trigger die after update on unwind.batches
      deferrable initially deferred for each row execute function unwind.die();`);
  await assert.rejects(steps.start());
  assert.deepEqual(await stateOf(sql, which), before);
  assert.deepEqual(await outcomesOf(sql, which), ['WAITING', 'WAITING', 'WAITING', 'WAITING']);
  assert.deepEqual(await figuresOf(sql, which), {
    fresh: 0,
    processing: 0,
    filled: 0,
    cancelled: 0,
  });
  await sql.script('drop trigger die on unwind.batches; drop function unwind.die();');
  await runToEnd();
  assert.equal((await stateOf(sql, which)).status, 'COMPLETED');
});

test('a small tenant has its turn beside a large one', async (t) => {
  const { sql } = await createTestDatabase(t);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const large = await makeAccounts(sql, 1_500);
  const small = await makeAccounts(sql, 1);
  await makeBatch(sql, clock, large);
  const which = { tenantId: small.tenantId, batchId: await makeBatch(sql, clock, small) };
  // Each is begun by a turn, and then started by others, in turn.
  for (let i = 0; i < 4; i += 1) await steps.start();
  assert.equal((await stateOf(sql, which)).started, 1);
});

test('progress is recorded every so often, and only where there is some', async () => {
  const { tenantId, accounts } = await makeAccounts(sql, 4);
  const batchId = await makeBatch(sql, clock, { tenantId, accounts, inProgressMax: 1 });
  const which = { tenantId, batchId };
  for (let i = 0; i < 3; i += 1) {
    await startAll();
    clock.advance(batchProgressMs);
  }
  // Nothing was released, so two looks have seen the same.
  assert.deepEqual(await eventsOf(sql, which), ['CREATED', 'STARTED', 'PROGRESS']);
  const [row] = await sql<{ object: string }[]>`
    select e.object
    from unwind.events e
    where e.liquidation_id = ${batchId}
      and e.type = 'BATCH.PROGRESS'`;
  const progress = JSON.parse(row?.object ?? '');
  assert.deepEqual(progress.accounts, {
    total: 4,
    waiting: 3,
    started: 1,
    refused: 0,
    cancelled: 0,
  });
  assert.deepEqual(progress.liquidations, { new: 1, processing: 0, filled: 0, cancelled: 0 });
  assert.deepEqual(progress.money, { currency: 'EUR', cash_amount: '20.00', proceeds: '0.00' });
  await steer(sql, clock, which, 'cancel');
  await runToEnd();
});

test('accounts of a batch are of the book of its client', async () => {
  const mine = await makeAccounts(sql, [{ positions: [{ isin, quantity: '3' }] }]);
  const theirs = await makeAccounts(sql, 1);
  const { tenantId } = mine;
  const accounts = [...mine.accounts, ...theirs.accounts];
  const which = { tenantId, batchId: await makeBatch(sql, clock, { tenantId, accounts }) };
  await runToEnd();
  assert.deepEqual(await outcomesOf(sql, which), ['STARTED', 'no_such_account']);
  const rows = await sql`
    select
    from unwind.liquidations l
    where l.tenant_id = ${theirs.tenantId}`;
  assert.equal(rows.length, 0);
});
