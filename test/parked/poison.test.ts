// A row whose processing fails every time is parked after some tries, with a reason; the rest of its
// batch goes on, and once the cause is gone it can be resumed. The causes are real: constraints that are
// dropped, values that are broken by SQL.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cancelNew } from '../../src/batches/account-store.ts';
import { listParked, resume } from '../../src/commands/parked-command.ts';
import type { Sql } from '../../src/db/connect.ts';
import { raw } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { type LiquidationId, newId, type TenantId } from '../../src/ids.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { triesMax } from '../../src/work/parked.ts';
import { forgetEnded } from '../../src/work/parked-store.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, type TestDatabaseOptions } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const sap = 'DE0007164600';
const accountsCount = 9;
const victim = 4;

async function begin(
  t: TestContext,
  wrap: (venue: Venue) => Venue = (venue) => venue,
  options: TestDatabaseOptions = {},
) {
  const { sql } = await createTestDatabase(t, options);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: sap, price: '10' }],
    accounts: Array.from({ length: accountsCount }, () => ({
      positions: [{ isin: sap, quantity: '3' }],
    })),
  });
  const ids: LiquidationId[] = [];
  for (const account of accounts) ids.push(await askToLiquidate(sql, clock, account));
  const logged: { message: string; step: unknown; subject: unknown }[] = [];
  const steps = engineSteps(sql, clock, {
    delayMs: 0,
    venue: wrap(simulatedVenue(sql, clock, 0)),
    onWarning: (fields, message) => {
      const { step, subject } = fields as { step?: unknown; subject?: unknown };
      logged.push({ message, step, subject });
    },
  });
  const [poisoned, account] = [ids[victim], accounts[victim]];
  assert.ok(poisoned !== undefined && account !== undefined);
  /** Lets every rest after a failed try pass. */
  const exhaust = async () => {
    for (let i = 0; i <= triesMax; i += 1) {
      await runUntilIdle(steps);
      clock.advance(30_000);
    }
  };
  const filled = async () => {
    const rows = await sql`select from unwind.liquidations where status = 'FILLED'`;
    return rows.length;
  };
  return { sql, clock, tenantId, account, poisoned, steps, logged, exhaust, filled };
}

type Scene = Awaited<ReturnType<typeof begin>>;

async function told({ sql, clock }: Scene): Promise<string> {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  await listParked({ sql, clock, stdout }, false);
  return text;
}

async function resumeAll({ sql, clock }: Scene): Promise<string> {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  assert.equal(await resume({ sql, clock, stdout }, 'all'), 0);
  return text;
}

/** A constraint that nobody expects stands for every mistake that only the database notices. */
async function forbid(sql: Sql, table: string, name: string, condition: string): Promise<void> {
  await sql`alter table ${raw(table)} add constraint ${raw(name)} check (${raw(condition)}) not valid`;
}

test('a liquidation that cannot be released is parked; the others are sold', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, exhaust, filled, logged } = scene;
  await forbid(
    sql,
    'unwind.liquidations',
    'poison',
    `liquidation_id <> '${poisoned}' or status = 'NEW'`,
  );
  await exhaust();
  assert.equal(await filled(), accountsCount - 1);
  const list = await told(scene);
  assert.match(list, new RegExp(`^release/${poisoned}$`, 'm'));
  assert.match(list, new RegExp(`, ${triesMax} tries`));
  assert.match(list, /"poison"/);
  const parked = logged.filter((one) => one.message === 'row.parked');
  assert.deepEqual(parked, [{ message: 'row.parked', step: 'release', subject: poisoned }]);
  assert.equal(
    logged.filter((one) => one.message === 'row.failed').length,
    triesMax - 1,
    'it is tried a few times, and nothing else fails with it',
  );

  await exhaust();
  assert.equal(await filled(), accountsCount - 1, 'it stays parked');
  await sql`alter table unwind.liquidations drop constraint poison`;
  assert.equal(await resumeAll(scene), `resumed release/${poisoned}\n`);
  await exhaust();
  assert.equal(await filled(), accountsCount);
  assert.equal(await told(scene), 'nothing is parked\n');
});

test('what is parked of a liquidation that its client cancels is forgotten', async (t) => {
  const scene = await begin(t);
  const { sql, clock, poisoned, exhaust } = scene;
  const isPoison = `liquidation_id <> '${poisoned}' or status = 'NEW'`;
  await forbid(sql, 'unwind.liquidations', 'poison', isPoison);
  await exhaust();
  await forgetEnded(sql, 1_000);
  assert.match(await told(scene), /^release/m);
  await sql`alter table unwind.liquidations drop constraint poison`;
  const [{ tenant_id: tenantId } = { tenant_id: '' }] = await sql<{ tenant_id: string }[]>`
    select l.tenant_id from unwind.liquidations l where l.liquidation_id = ${poisoned}`;
  await inTransaction(sql, (tx) => {
    const chosen = [{ liquidationId: poisoned as LiquidationId, eventId: newId<'event'>() }];
    return cancelNew(tx, tenantId as TenantId, chosen, clock.now());
  });
  assert.equal(await forgetEnded(sql, 1_000), 1);
  assert.equal(await told(scene), 'nothing is parked\n');
});

test('a liquidation that cannot end is parked', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, exhaust, filled } = scene;
  await forbid(
    sql,
    'unwind.liquidations',
    'poison',
    `liquidation_id <> '${poisoned}' or status <> 'FILLED'`,
  );
  await exhaust();
  assert.equal(await filled(), accountsCount - 1);
  assert.match(await told(scene), new RegExp(`^advance/${poisoned}$`, 'm'));
  await sql`alter table unwind.liquidations drop constraint poison`;
  await resumeAll(scene);
  await exhaust();
  assert.equal(await filled(), accountsCount);
});

test('an order with a broken quantity is parked and never sent', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, steps, exhaust, filled } = scene;
  await steps.release();
  await sql`update unwind.orders set quantity = 'NaN' where liquidation_id = ${poisoned}`;
  await exhaust();
  assert.equal(await filled(), accountsCount - 1);
  assert.match(await told(scene), /^submit\/.*\n.*\n {2}RangeError: not a decimal number/m);
  await sql`update unwind.orders set quantity = 3 where liquidation_id = ${poisoned}`;
  await resumeAll(scene);
  await exhaust();
  assert.equal(await filled(), accountsCount);
  const journal = await sql`select from unwind_v1.venue_journal`;
  assert.equal(journal.length, accountsCount);
});

test('an answer that cannot be recorded is parked, and its order is not sent again', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, steps, exhaust, filled } = scene;
  await steps.release();
  await forbid(
    sql,
    'unwind.submissions',
    'poison',
    `liquidation_id <> '${poisoned}' or status = 'SENDING'`,
  );
  await steps.submit();
  await sql`update unwind.venue_cursors set position = 0`;
  for (let i = 0; i <= triesMax; i += 1) {
    scene.clock.advance(30_000);
    await steps.resolve();
  }
  assert.match(await told(scene), /^answer\//m);
  await sql`alter table unwind.submissions drop constraint poison`;
  await resumeAll(scene);
  await exhaust();
  assert.equal(await filled(), accountsCount);
  const journal = await sql`select from unwind_v1.venue_journal`;
  assert.equal(journal.length, accountsCount);
});

test('a report whose row is broken is parked alone', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, steps, exhaust, filled } = scene;
  for (const step of [steps.release, steps.submit, steps.receive]) await step();
  await sql`alter table unwind.venue_reports drop constraint venue_reports_trade`;
  const ofVictim = raw(`client_order_id in (
    select s.client_order_id
    from unwind.submissions s
    where s.liquidation_id = '${poisoned}'
  )`);
  await sql`update unwind.venue_reports set last_price = null where ${ofVictim}`;
  await exhaust();
  assert.equal(await filled(), accountsCount - 1);
  assert.match(await told(scene), /^apply\/XSIM\/report\/\d+\n.*\n {2}ImpossibleState/m);
  await sql`update unwind.venue_reports set last_price = 10 where ${ofVictim}`;
  await resumeAll(scene);
  await exhaust();
  assert.equal(await filled(), accountsCount);
});

test('a report that does not fit into the inbox is parked by its number and asked for again', async (t) => {
  const scene = await begin(t, (venue) => ({
    ...venue,
    reports: async (request) => {
      const reports = await venue.reports(request);
      return reports.map((report) => {
        if (report.number !== 3 || !isLying) return report;
        return { ...report, clientOrderId: `${report.clientOrderId}\u0000` };
      });
    },
  }));
  let isLying = true;
  const { exhaust, filled } = scene;
  await exhaust();
  assert.equal(await filled(), accountsCount - 1);
  assert.match(await told(scene), /^receive\/XSIM\/3$/m);
  await resumeAll(scene);
  await exhaust();
  assert.match(await told(scene), /^receive\/XSIM\/3$/m, 'it still does not fit');
  isLying = false;
  await resumeAll(scene);
  await exhaust();
  assert.equal(await filled(), accountsCount);
  assert.equal(await told(scene), 'nothing is parked\n');
});

test('an event that cannot be published holds back its account only', async (t) => {
  const scene = await begin(t);
  const { sql, poisoned, exhaust } = scene;
  await forbid(
    sql,
    'unwind.events',
    'poison',
    `liquidation_id <> '${poisoned}' or position is null`,
  );
  await exhaust();
  const unpublished = () => sql<{ liquidation_id: string; number: number }[]>`
    select e.liquidation_id, e.number
    from unwind.events e
    where e.position is null
    order by e.number`;
  assert.deepEqual(
    [...(await unpublished())],
    [1, 2, 3].map((number) => ({ liquidation_id: poisoned, number })),
  );
  assert.match(await told(scene), new RegExp(`^publish/${scene.account.accountId}$`, 'm'));
  await sql`alter table unwind.events drop constraint poison`;
  await resumeAll(scene);
  await exhaust();
  assert.equal((await unpublished()).length, 0);
});

test('two poison rows in one batch are both found', async (t) => {
  const scene = await begin(t);
  const { sql, exhaust, filled } = scene;
  const rows = await sql<{ id: string }[]>`
    select liquidation_id as id from unwind.liquidations order by liquidation_id`;
  const [first, last] = [rows[0]?.id ?? '', rows.at(-1)?.id ?? ''];
  await forbid(
    sql,
    'unwind.liquidations',
    'poison',
    `liquidation_id not in ('${first}', '${last}') or status = 'NEW'`,
  );
  await exhaust();
  assert.equal(await filled(), accountsCount - 2);
  await exhaust();
  const list = await told(scene);
  for (const id of [first, last]) assert.match(list, new RegExp(`^release/${id}$`, 'm'));
});

test('trouble of operation is waited out and parks nothing', async (t) => {
  const scene = await begin(t, (venue) => venue, { lockTimeoutMs: 500 });
  const { sql, steps, exhaust, filled } = scene;
  // A lock that is not given in time, as behind a long import: one try that is counted would show.
  const isBlocked = await sql.transact({ mode: '', settings: {}, silenceMs: null }, async (tx) => {
    await tx`lock table unwind.positions in access exclusive mode`;
    return steps.release().then(
      () => false,
      () => true,
    );
  });
  assert.ok(isBlocked);
  assert.equal((await sql`select from unwind.parked`).length, 0);
  await exhaust();
  assert.equal(await filled(), accountsCount);
});
