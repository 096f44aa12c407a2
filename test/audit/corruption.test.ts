// The audit finds every kind of corruption, whichever row it hits, and names what it hit.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { checks } from '../../src/audit/checks.ts';
import { auditSnapshot, differencesShownMax, runAudit } from '../../src/audit/run-audit.ts';
import { findDifferences, openSnapshot } from '../../src/audit/store.ts';
import type { Tx } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase } from '../support/database.ts';
import { isFull } from '../support/length.ts';
import { makeTrail } from '../trail/world.ts';
import {
  all,
  type Corruption,
  corrupt,
  dropConstraints,
  type Hit,
  remove,
  set,
  stranger,
  type Table,
} from './corrupt.ts';
import { corruptionsOfBatches } from './corruptions-of-batches.ts';
import { corruptionsOfBook } from './corruptions-of-book.ts';
import { corruptionsOfCorrections } from './corruptions-of-corrections.ts';
import { corruptionsOfDeliveries } from './corruptions-of-deliveries.ts';
import { corruptionsOfEvents } from './corruptions-of-events.ts';
import { corruptionsOfHalts } from './corruptions-of-halts.ts';
import { corruptionsOfLiquidations } from './corruptions-of-liquidations.ts';
import { corruptionsOfLog } from './corruptions-of-log.ts';
import { corruptionsOfOrders } from './corruptions-of-orders.ts';
import { corruptionsOfReservations } from './corruptions-of-reservations.ts';
import { corruptionsOfSettlement } from './corruptions-of-settlement.ts';
import { corruptionsOfSubmissions } from './corruptions-of-submissions.ts';
import { corruptionsOfTrail } from './corruptions-of-trail.ts';
import { corruptionsOfVenue } from './corruptions-of-venue.ts';

const corruptions: readonly Corruption[] = [
  ...corruptionsOfBook,
  ...corruptionsOfOrders,
  ...corruptionsOfReservations,
  ...corruptionsOfSettlement,
  ...corruptionsOfSubmissions,
  ...corruptionsOfHalts,
  ...corruptionsOfLiquidations,
  ...corruptionsOfCorrections,
  ...corruptionsOfBatches,
  ...corruptionsOfEvents,
  ...corruptionsOfLog,
  ...corruptionsOfDeliveries,
  ...corruptionsOfVenue,
  ...corruptionsOfTrail,
];

const more = (column: string, by = 1) => ({ [column]: `t.${column} + ${by}` });
const other = (column: string) => ({ [column]: stranger });

/** Columns of which every value in every row is known to the audit, with a wrong value. */
const guarded: Partial<Record<Table, Readonly<Record<string, string>>>> = {
  'unwind.positions': {
    ...more('quantity'),
    ...more('locked', 0.001),
    ...more('held', 0.001),
    ...other('account_id'),
  },
  'unwind.movements': {
    ...more('quantity', -0.001),
    ...more('locked'),
    ...more('cash', 0.01),
    ...other('account_id'),
    ...other('execution_id'),
    isin: "'XX0000000000'",
  },
  'unwind.executions': {
    ...more('quantity', 0.001),
    ...more('price', 0.001),
    ...more('proceeds', 0.01),
    ...other('order_id'),
    ...other('liquidation_id'),
    ...other('account_id'),
    client_order_id: "'another'",
    isin: "'XX0000000000'",
    executed_at: "t.executed_at + interval '1 s'",
    recorded_at: "t.recorded_at + interval '1 s'",
    currency: "'CHF'",
    rate: 'coalesce(t.rate, 1) * 1.01',
    rate_as_of: "coalesce(t.rate_as_of, t.executed_at) - interval '1 s'",
  },
  'unwind.orders': {
    ...more('quantity'),
    ...more('filled_quantity'),
    ...more('proceeds', 0.01),
    ...more('round'),
    ...more('submissions'),
    ...other('liquidation_id'),
    ...other('account_id'),
    status: "case t.status when 'FILLED' then 'CANCELLED' else 'FILLED' end",
    isin: "'XX0000000000'",
  },
  'unwind.submissions': {
    ...more('executed_quantity', 0.001),
    ...other('order_id'),
    ...other('liquidation_id'),
    client_order_id: "'another'",
    status: "case t.status when 'DONE' then 'WORKING' else 'DONE' end",
  },
  'unwind.liquidations': {
    ...more('sequence'),
    ...more('proceeds', 0.01),
    ...more('rounds'),
    ...more('open_orders'),
    ...more('event_count'),
    ...other('account_id'),
    ...other('user_id'),
    status: "case t.status when 'FILLED' then 'PROCESSING' else 'FILLED' end",
    created_at: "t.created_at + interval '1 s'",
  },
  'unwind.events': {
    ...more('sequence'),
    ...more('number'),
    ...other('account_id'),
    // One of the same month: there is a part for it.
    liquidation_id: "(left(t.liquidation_id::text, 24) || '000000000000')::uuid",
    object: "replace(t.object, 'EUR', 'USD')",
    type: "'ACCOUNT_LIQUIDATION.OTHER'",
    position: '1000000',
  },
};

/**
 * Which rows are hit: the same in every run of the short form. Set UNWIND_TEST_SEED to what a failure printed to
 * hit the same again.
 */
const drawn = isFull ? randomBytes(4).toString('hex') : 'short';
const seed = process.env['UNWIND_TEST_SEED'] ?? drawn;

const { sql } = await createTestDatabase({ after });

before(async () => {
  await makeTrail(sql);
  await dropConstraints(sql);
  assert.equal((await runAudit(sql)).total, 0, 'the history is true');
});

/** Thrown to take the corruption back. */
class Undo extends Error {}

/** Corrupts, looks, and takes the corruption back. */
async function withCorruption<T>(
  corruption: Corruption,
  look: (tx: Tx) => Promise<T>,
): Promise<{ hit: Hit; seen: T }> {
  let answer: { hit: Hit; seen: T } | undefined;
  const work = inTransaction(sql, async (tx) => {
    const hit = await corrupt(tx, corruption, seed);
    answer = { hit, seen: await look(tx) };
    throw new Undo();
  });
  await assert.rejects(work, Undo);
  assert.ok(answer !== undefined);
  return answer;
}

for (const corruption of corruptions) {
  test(`found: ${corruption.what}`, async () => {
    const check = checks.find(({ name }) => name === corruption.check) ?? assert.fail();
    const { hit, seen } = await withCorruption(corruption, async (tx) => {
      await openSnapshot(tx);
      return findDifferences(tx, check, differencesShownMax);
    });
    const isNamed = seen.first.some(({ tenantId, subjectId }) => {
      return tenantId === hit.tenant_id && subjectId === hit.subject;
    });
    if (isNamed) return;
    const { seen: report } = await withCorruption(corruption, auditSnapshot);
    const failed = report.results.filter(({ total }) => total > 0).map(({ check }) => check.name);
    const told = JSON.stringify({ seed, hit, failed, differences: seen.first });
    assert.fail(`${check.name} does not name what was hit: ${told}`);
  });
}

for (const [table, columns] of Object.entries(guarded)) {
  test(`no row of ${table} can be changed or lost unseen`, async () => {
    const changes = Object.entries(columns).map(([column, value]) => {
      return { what: `${column} of ${table}`, change: set(table as Table, `${column} = ${value}`) };
    });
    changes.push({ what: `a row of ${table}`, change: remove(table as Table) });
    for (const change of changes) {
      // Of a submission under way the venue need not know yet, so the audit cannot miss its id there.
      const where = table === 'unwind.submissions' ? "status <> 'SENDING'" : 'true';
      const victims = all(table as Table, where);
      const corruption = { ...change, victims, subject: "''", check: 'any' };
      const { seen: report } = await withCorruption(corruption, auditSnapshot);
      assert.ok(report.total > 0, `${change.what}, seed ${seed}`);
    }
  });
}

test('each check finds some corruption', () => {
  const tested = new Set(corruptions.map(({ check }) => check));
  assert.deepEqual([...tested].sort(), checks.map(({ name }) => name).sort());
  assert.equal(new Set(corruptions.map(({ what }) => what)).size, corruptions.length);
});

test('nothing is left of the corruptions', async () => {
  assert.equal((await runAudit(sql)).total, 0);
});
