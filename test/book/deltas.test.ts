// Deltas: the one way by which positions change while a liquidation runs. What they do to positions,
// what is refused, and that the engine sells what they make sellable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Delta, deltaTypes, judgeDeltas, positionKey } from '../../src/book/delta.ts';
import { isUniqueViolation } from '../../src/db/errors.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { parseId } from '../../src/ids.ts';
import { applyDeltas } from '../../src/liquidations/apply-deltas.ts';
import { decimal, sum, zero } from '../../src/money.ts';
import { changePositions, type DeltaDescription, sendDeltas, toDelta } from '../support/deltas.ts';
import { askToLiquidate, runUntilIdle } from '../support/engine.ts';
import { untilLocked } from '../support/locks.ts';
import { fc } from '../support/properties.ts';
import {
  type AccountBench,
  accountBench,
  allianz,
  anna,
  assertBookAddsUp,
  badLinesOf,
  bert,
  holdingsOf,
  importRight,
  movementsOf,
  positions,
  sap,
  siemens,
  stranger,
  versionsOf,
} from './import-support.ts';

const accountId = parseId<'account'>(anna.accountId) ?? assert.fail();
const bertsId = parseId<'account'>(bert.accountId) ?? assert.fail();
const nobodysId = parseId<'account'>(stranger) ?? assert.fail();

/** A delta of Anna's, of SAP unless said otherwise. */
function delta(
  type: Delta['type'],
  quantity: string,
  more: Partial<DeltaDescription> = {},
): DeltaDescription {
  return { type, accountId, isin: sap, quantity, ...more };
}

async function reasonsOf(bench: AccountBench, deltas: readonly DeltaDescription[]) {
  const before = [await holdingsOf(bench), await movementsOf(bench), await versionsOf(bench)];
  const result = await sendDeltas(bench, deltas);
  assert.equal(result.outcome, 'refused');
  const after = [await holdingsOf(bench), await movementsOf(bench), await versionsOf(bench)];
  assert.deepEqual(after, before, 'a refused set changes nothing');
  return result.refusals.map(({ place, reason }) => `${place} ${reason}`);
}

test('each delta is a movement that says why, and positions are their sums', async (t) => {
  const bench = await accountBench(t);
  const imported = await movementsOf(bench);
  await changePositions(bench, [
    delta('credit', '1.50'),
    delta('lock', '4'),
    delta('unlock', '5.5'),
    delta('credit', '0.000000000000001', { isin: siemens, accountId: bertsId }),
  ]);
  assert.deepEqual(await holdingsOf(bench), [
    `${accountId} ${sap} 14 0.5`,
    `${accountId} ${siemens} 3 0`,
    `${bertsId} ${sap} 7 0`,
    `${bertsId} ${siemens} 0.000000000000001 0`,
  ]);
  const at = bench.clock.now().toISOString();
  assert.deepEqual((await movementsOf(bench)).slice(imported.length), [
    `${accountId} ${sap} 1.5 0 credit ${at}`,
    `${accountId} ${sap} 0 4 lock ${at}`,
    `${accountId} ${sap} 0 -5.5 unlock ${at}`,
    `${bertsId} ${siemens} 0.000000000000001 0 credit ${at}`,
  ]);
  await assertBookAddsUp(bench);
});

test('a delta is judged by what those before it in the set have left', async (t) => {
  const bench = await accountBench(t);
  const free = { isin: allianz };
  await importRight(t, bench, { 'instruments.csv': instrumentsWithAllianz() });
  assert.deepEqual(await reasonsOf(bench, [delta('lock', '1', free), delta('credit', '1', free)]), [
    '0 quantity: only 0 is neither locked nor being sold',
  ]);
  await changePositions(bench, [
    delta('credit', '1', free),
    delta('lock', '1', free),
    delta('unlock', '0.25', free),
  ]);
  assert.equal((await holdingsOf(bench))[2], `${accountId} ${allianz} 1 0.75`);
  await assertBookAddsUp(bench);
});

function instrumentsWithAllianz(): readonly string[] {
  return ['isin,name,trading_status,fractional', `${allianz},Allianz SE,ACTIVE,true`];
}

test('what is refused, each with its reason; nothing of such a set is applied', async (t) => {
  const bench = await accountBench(t);
  const cases: readonly (readonly [readonly DeltaDescription[], readonly string[]])[] = [
    [[delta('unlock', '2.1')], ['0 quantity: only 2 is locked']],
    [[delta('lock', '10.6')], ['0 quantity: only 10.5 is neither locked nor being sold']],
    [[delta('unlock', '1', { isin: siemens })], ['0 quantity: only 0 is locked']],
    [
      [delta('credit', '1'), delta('credit', '1', { accountId: nobodysId })],
      ['1 account_id: this client has no such account'],
    ],
    [
      [delta('credit', '1', { isin: allianz }), delta('unlock', '3'), delta('credit', '1')],
      ['0 isin: this client has no such instrument', '1 quantity: only 2 is locked'],
    ],
    [
      [delta('credit', '1', { reference: 'a' }), delta('credit', '2', { reference: 'a' })],
      ['1 reference: it was used for another delta'],
    ],
  ];
  for (const [deltas, reasons] of cases) assert.deepEqual(await reasonsOf(bench, deltas), reasons);
});

test('the same delta again changes nothing; another of its reference is refused', async (t) => {
  const bench = await accountBench(t);
  const first = delta('lock', '3', { reference: 'case 17' });
  await changePositions(bench, [first]);
  const holdings = await holdingsOf(bench);
  const versions = await versionsOf(bench);
  const again = await sendDeltas(bench, [{ ...first, quantity: '3.000' }, first]);
  assert.equal(again.outcome, 'applied');
  assert.deepEqual(
    again.deltas.map((one) => one.isRepeated),
    [true, true],
  );
  assert.deepEqual([await holdingsOf(bench), await versionsOf(bench)], [holdings, versions]);
  // Also where it could not be applied by now, and beside new ones.
  const mixed = [{ ...first }, delta('lock', '7.5'), delta('credit', '1', { reference: 'x' })];
  await sendDeltas(bench, [...mixed, delta('credit', '1', { reference: 'x' })]);
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 13.5 12.5`);
  for (const other of [
    { ...first, quantity: '2' },
    { ...first, type: 'unlock' as const },
    { ...first, isin: siemens },
    { ...first, accountId: bertsId },
  ]) {
    assert.deepEqual(await reasonsOf(bench, [other]), [
      '0 reference: it was used for another delta',
    ]);
  }
  await assertBookAddsUp(bench);
});

test('two at once for the same units: one of them gets them', async (t) => {
  const bench = await accountBench(t);
  const lockAll = () => sendDeltas(bench, [delta('lock', '10.5')]);
  const outcomes = (await Promise.all([lockAll(), lockAll(), lockAll()])).map((one) => one.outcome);
  assert.deepEqual(outcomes.sort(), ['applied', 'refused', 'refused']);
  const once = delta('credit', '1', { reference: 'at once' });
  const results = await Promise.all([1, 2, 3].map(() => sendDeltas(bench, [once])));
  const fresh = results.flatMap((one) => (one.outcome === 'applied' ? one.deltas : []));
  assert.deepEqual(fresh.map((one) => one.isRepeated).sort(), [false, true, true]);
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 13.5 12.5`);
});

test('one reference at once on two accounts: the table refuses the second', async (t) => {
  const bench = await accountBench(t);
  const results = await Promise.allSettled(
    [accountId, bertsId].map((one) => {
      return sendDeltas(bench, [delta('credit', '1', { accountId: one, reference: 'both' })]);
    }),
  );
  const applied = results.filter((one) => {
    return one.status === 'fulfilled' && one.value.outcome === 'applied';
  });
  assert.equal(applied.length, 1);
  for (const one of results) {
    if (one.status === 'rejected')
      assert.ok(isUniqueViolation(one.reason, 'movements_reference_once'));
  }
  await assertBookAddsUp(bench);
});

interface Seen {
  readonly status: string;
  readonly orders: string;
}

async function look({ sql }: AccountBench, liquidationId: string): Promise<string> {
  const [row] = await sql<Seen[]>`
    select
      l.status,
      (
        select string_agg(concat(o.status, ' ', trim_scale(o.quantity)), ', ' order by o.isin, o.round)
        from unwind.orders o
        where o.liquidation_id = l.liquidation_id
      ) as orders
    from unwind.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return `${row?.status}: ${row?.orders}`;
}

test('an unlock gets a further order at once, and the liquidation ends FILLED', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account, steps } = bench;
  const liquidationId = await askToLiquidate(sql, clock, account);
  await runUntilIdle(steps);
  assert.equal(await look(bench, liquidationId), 'PROCESSING: FILLED 10.5, FILLED 3');
  await changePositions(bench, [delta('unlock', '0.5')]);
  await runUntilIdle(steps);
  assert.equal(await look(bench, liquidationId), 'PROCESSING: FILLED 10.5, FILLED 0.5, FILLED 3');
  await changePositions(bench, [delta('unlock', '1.5')]);
  await runUntilIdle(steps);
  assert.equal(
    await look(bench, liquidationId),
    'FILLED: FILLED 10.5, FILLED 0.5, FILLED 1.5, FILLED 3',
  );
  assert.deepEqual((await holdingsOf(bench)).slice(0, 2), [
    `${accountId} ${sap} 0 0`,
    `${accountId} ${siemens} 0 0`,
  ]);
  await assertBookAddsUp(bench);
});

test('what is credited while orders are open is sold in the next round', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account, steps } = bench;
  await changePositions(bench, [delta('unlock', '2')]);
  const liquidationId = await askToLiquidate(sql, clock, account);
  await steps.release();
  await steps.submit();
  await changePositions(bench, [delta('credit', '4'), delta('credit', '2', { isin: siemens })]);
  assert.equal(await look(bench, liquidationId), 'PROCESSING: PROCESSING 12.5, PROCESSING 3');
  await runUntilIdle(steps);
  assert.equal(
    await look(bench, liquidationId),
    'FILLED: FILLED 12.5, FILLED 4, FILLED 3, FILLED 2',
  );
  await assertBookAddsUp(bench);
});

test('what orders are selling cannot be locked; what was sold is gone', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account, steps } = bench;
  await askToLiquidate(sql, clock, account);
  await changePositions(bench, [delta('lock', '1')]);
  await steps.release();
  assert.deepEqual(await reasonsOf(bench, [delta('lock', '0.5')]), [
    '0 quantity: only 0 is neither locked nor being sold',
  ]);
  await changePositions(bench, [delta('credit', '0.5'), delta('lock', '0.5')]);
  await runUntilIdle(steps);
  assert.equal((await holdingsOf(bench))[0], `${accountId} ${sap} 3.5 3.5`);
  await assertBookAddsUp(bench);
});

test('a liquidation that is just being asked for counts what is credited before it', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account, tenantId } = bench;
  const held = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const changing = inTransaction(sql, async (tx) => {
    const deltas = [toDelta(delta('credit', '1000'))];
    await applyDeltas(tx, { tenantId, deltas, now: clock.now() });
    held.resolve();
    await finish.promise;
  });
  await held.promise;
  const asked = askToLiquidate(sql, clock, account);
  await untilLocked('the request waits for the account', sql, 1);
  finish.resolve();
  await changing;
  const [row] = await sql<{ cash_amount: string }[]>`
    select l.cash_amount
    from unwind.liquidations l
    where l.liquidation_id = ${await asked}`;
  assert.equal(row?.cash_amount, '211673.93');
});

test('point 1: a NEW liquidation shows what is credited, and since when', async (t) => {
  const bench = await accountBench(t);
  const { sql, clock, account } = bench;
  const liquidationId = await askToLiquidate(sql, clock, account);
  const shown = async () => {
    const rows = await sql<{ object: string; events: number }[]>`
      select l.object, l.event_count as events
      from unwind_v1.liquidations l
      where l.liquidation_id = ${liquidationId}`;
    const [row] = rows;
    assert.ok(row);
    const { cash_amount: cash, updated_at: at } = JSON.parse(row.object);
    return { cash, at, events: row.events };
  };
  const before = await shown();
  clock.advance(1_000);
  await changePositions(bench, [delta('lock', '1')]);
  assert.deepEqual(await shown(), before, 'what is locked is still to be sold');
  await changePositions(bench, [delta('credit', '2')]);
  const after = await shown();
  const rows = await sql<{ price: string }[]>`
    select p.price
    from unwind.prices p
    where p.isin = ${sap}`;
  const added = decimal(after.cash).minus(decimal(before.cash));
  assert.equal(
    added.toFixed(2),
    decimal(rows[0]?.price ?? '0')
      .times('2')
      .toFixed(2),
  );
  assert.equal(after.at, clock.now().toISOString());
  assert.equal(after.events, 1, 'without an event');
});

test('a snapshot of before a delta, or of its instant, is refused', async (t) => {
  const bench = await accountBench(t);
  const { clock } = bench;
  await changePositions(bench, [delta('credit', '2')]);
  const at = clock.now();
  clock.advance(60_000);
  for (const asOf of ['2026-01-04T00:00:00Z', at.toISOString()]) {
    const files = { 'positions.csv': positions([accountId, siemens, '3', '0', asOf]) };
    assert.deepEqual(await badLinesOf(t, bench, files), [
      `2: as_of: not after the account's last credit, lock or unlock, at ${at.toISOString()}`,
    ]);
  }
  const later = new Date(at.getTime() + 1).toISOString();
  await importRight(t, bench, { 'positions.csv': positions([accountId, sap, '14', '0', later]) });
  await assertBookAddsUp(bench);
});

test('no sequence of deltas leaves a position short, and what is accepted adds up', () => {
  const step = fc.record({
    type: fc.constantFrom(...deltaTypes),
    quantity: fc.integer({ min: 1, max: 9 }).map((units) => `0.${units}`),
    reference: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const deltas = steps.map((one) => toDelta({ ...one, accountId, isin: sap }));
      const start = { quantity: decimal('2'), locked: decimal('0.5'), held: decimal('0.5') };
      const { refusals, repeated, changes } = judgeDeltas(deltas, {
        accountIds: new Set([accountId]),
        isins: new Set([sap]),
        positions: new Map([[positionKey({ accountId, isin: sap }), start]]),
        known: new Map(),
      });
      const refused = new Set(refusals.map(({ place }) => place));
      const applied = deltas.filter((_, place) => !refused.has(place) && !repeated.has(place));
      const total = (type: string) => {
        return sum(applied.filter((one) => one.type === type).map((one) => one.quantity));
      };
      const [change] = changes;
      const quantity = start.quantity.plus(change?.quantity ?? zero);
      const locked = start.locked.plus(change?.locked ?? zero);
      assert.ok(locked.gte(zero) && locked.plus(start.held).lte(quantity));
      assert.ok(quantity.eq(start.quantity.plus(total('credit'))));
      assert.ok(locked.eq(start.locked.plus(total('lock')).minus(total('unlock'))));
      assert.equal(new Set(applied.map((one) => one.reference)).size, applied.length);
    }),
  );
});
