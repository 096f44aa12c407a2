// A halt of strength cancel takes back what is at the venue, and nothing is lost by it: what the venue has not sold
// waits, and is sold when the halt is lifted. The audit, with the venue's journal, is the witness.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import type { Sql } from '../../src/db/connect.ts';
import { everyTenant, type Halt } from '../../src/halts/halt.ts';
import type { LiquidationId } from '../../src/ids.ts';
import { stopAgainMs } from '../../src/limits.ts';
import { askToStop } from '../../src/liquidations/stop-store.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { OrderReference, Venue } from '../../src/venue/venue.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { drawIdsAlike } from '../support/ids.ts';
import { isFull, times } from '../support/length.ts';
import { fc } from '../support/properties.ts';
import { begin, sap } from './world.ts';

const inParts = 'IE00B5M1WJ87';
const resting = 'ZZRESTING006';
const refused = 'ZZREFUSED006';
const lostReply = 'ZZLOSTREPLY4';
/** EUR 250: three executions, each within 20 s. */
const instruments = [
  { isin: inParts, price: '250' },
  { isin: resting, price: '5' },
  { isin: refused, price: '3' },
  { isin: lostReply, price: '4.005' },
];
const slowly = { delayMs: 20_000 };

function open(t: TestContext, settings = {}) {
  return begin(t, { instruments, settings: { ...slowly, ...settings } });
}

async function assertClean(sql: Sql): Promise<void> {
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
}

async function orderOf(sql: Sql, id: LiquidationId) {
  const [row] = await sql<
    { status: string; filled: string; submissions: number; is_due: boolean }[]
  >`
    select o.status, trim_scale(o.filled_quantity)::text as filled, o.submissions, o.submit_at is not null as is_due
    from unwind.orders o
    where o.liquidation_id = ${id}`;
  return row;
}

async function earned(sql: Sql, id: LiquidationId): Promise<string | undefined> {
  const [row] = await sql<{ cash_amount: string }[]>`
    select l.cash_amount::text from unwind.liquidations l where l.liquidation_id = ${id}`;
  return row?.cash_amount;
}

test('what is open at the venue is cancelled, the rest waits, and lifted it is sold to the cent', async (t) => {
  // Drawn at random, one order in thirty would come to its end within one look.
  drawIdsAlike(t, new Date('2020-01-01T00:00:00.000Z'));
  const { sql, clock, steps, tenants, ask, halt, lift, statusOf, reasonOf, journal } =
    await open(t);
  const { id } = await ask(tenants[0], [{ isin: inParts, quantity: '30.25' }]);
  await runUntilIdle(steps);
  while ((await orderOf(sql, id))?.filled === '0') {
    clock.advance(500);
    await runUntilIdle(steps);
  }
  const sold = (await orderOf(sql, id))?.filled;
  assert.notEqual(sold, '30.25', 'the venue still works it');
  const made = await halt({}, 'cancel');
  await runUntilIdle(steps);
  assert.deepEqual(await orderOf(sql, id), {
    status: 'PROCESSING',
    filled: sold,
    submissions: 1,
    is_due: true,
  });
  const detail = 'halted by A. Risk: prices are wrong';
  assert.deepEqual(await reasonOf(id), { reason: 'halted', isin: inParts, detail });
  clock.advance(3_600_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 1, 'nothing is sent while it is halted');
  await assertClean(sql);
  await lift(made);
  await runUntilIdle(steps);
  clock.advance(600_000);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'FILLED');
  assert.deepEqual(await orderOf(sql, id), {
    status: 'FILLED',
    filled: '30.25',
    submissions: 2,
    is_due: false,
  });
  assert.equal(await earned(sql, id), '7562.5', '30.25 at EUR 250');
  await assertClean(sql);
});

test('it cancels what it covers and nothing else; a halt of strength release cancels nothing', async (t) => {
  const { sql, steps, tenants, ask, halt } = await open(t);
  const position = [{ isin: resting, quantity: '2' }];
  const covered = await ask(tenants[0], position);
  const beside = await ask(tenants[0], position);
  const other = await ask(tenants[1], position);
  await runUntilIdle(steps);
  await halt({ tenantId: everyTenant });
  await halt({ accountId: covered.accountId }, 'cancel');
  await runUntilIdle(steps);
  const isDue = async ({ id }: { id: LiquidationId }) => (await orderOf(sql, id))?.is_due;
  assert.deepEqual(
    [await isDue(covered), await isDue(beside), await isDue(other)],
    [true, false, false],
  );
});

test('what the venue cancels or refuses by itself is not sold again, halted or not', async (t) => {
  const { sql, clock, steps, tenants, ask, halt, lift, statusOf } = await open(t);
  const { id } = await ask(tenants[0], [{ isin: refused, quantity: '2' }]);
  await steps.release();
  await steps.submit();
  const made = await halt({}, 'cancel');
  await runUntilIdle(steps);
  await lift(made);
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'CANCELLED');
  await assertClean(sql);
});

test('an order without an answer is cancelled as well, once the venue says that it has it', async (t) => {
  const { sql, clock, steps, tenants, ask, halt, lift, statusOf, journal } = await open(t, {
    onWarning: () => {},
  });
  const { id } = await ask(tenants[0], [{ isin: lostReply, quantity: '3' }]);
  await steps.release();
  await steps.submit();
  const made = await halt({}, 'cancel');
  await runUntilIdle(steps);
  assert.equal((await orderOf(sql, id))?.is_due, true);
  await lift(made);
  for (let i = 0; i < 4; i += 1) {
    clock.advance(30_000);
    await runUntilIdle(steps);
  }
  assert.equal(await statusOf(id), 'FILLED');
  assert.equal(await earned(sql, id), '12.02', '3 at EUR 4.005');
  assert.equal((await journal()).length, 2);
  await assertClean(sql);
});

test('a venue that is silent is asked again, and each time no sooner than it may have answered', async (t) => {
  const { sql, clock, tenants, ask, halt, steps: usual } = await open(t);
  const asked: (readonly OrderReference[])[] = [];
  let isSilent = true;
  const simulated = simulatedVenue(sql, clock, slowly.delayMs);
  const venue: Venue = {
    ...simulated,
    cancel: (orders) => {
      asked.push(orders);
      return isSilent ? Promise.reject(new Error('no answer')) : simulated.cancel(orders);
    },
  };
  const { id } = await ask(tenants[0], [{ isin: resting, quantity: '2' }]);
  await runUntilIdle(usual);
  await halt({}, 'cancel');
  const steps = engineSteps(sql, clock, { ...slowly, venue, onWarning: () => {} });
  await runUntilIdle(steps);
  clock.advance(stopAgainMs - 1);
  await runUntilIdle(steps);
  assert.equal(asked.length, 1);
  isSilent = false;
  clock.advance(1);
  await runUntilIdle(steps);
  assert.equal(asked.length, 2);
  assert.deepEqual(asked[0], asked[1]);
  assert.equal((await orderOf(sql, id))?.is_due, true);
  clock.advance(stopAgainMs);
  await runUntilIdle(steps);
  assert.equal(asked.length, 2, 'and is asked no more');
});

test('a liquidation that is abandoned while it is halted ends with what was sold', async (t) => {
  const { sql, clock, steps, tenants, ask, halt, lift, statusOf, journal } = await open(t);
  const { id } = await ask(tenants[0], [{ isin: resting, quantity: '2' }]);
  await runUntilIdle(steps);
  const made = await halt({}, 'cancel');
  const stop = { liquidationId: id, tenantId: tenants[0], note: 'given up', now: clock.now() };
  assert.equal((await askToStop(sql, stop))?.is_asked, true);
  await runUntilIdle(steps);
  await lift(made);
  clock.advance(stopAgainMs);
  await runUntilIdle(steps);
  assert.equal(await statusOf(id), 'CANCELLED');
  clock.advance(60_000);
  await runUntilIdle(steps);
  assert.equal((await journal()).length, 1, 'it is not sent again');
  await assertClean(sql);
});

type Act =
  | 'advance'
  | 'halt'
  | 'cancel'
  | 'lift'
  | 'ask'
  | keyof Awaited<ReturnType<typeof open>>['steps'];

test('however halts come between the steps, all is sold once, and for its price', async (t) => {
  const { sql, clock, steps, tenants, ask, halt, lift, statusOf } = await open(t);
  const names = Object.keys(steps) as (keyof typeof steps)[];
  const act = fc.constantFrom<Act>('advance', 'halt', 'cancel', 'lift', 'ask', ...names);
  const set: Halt[] = [];
  const carryOut = async (one: Act, asked: LiquidationId[]) => {
    switch (one) {
      case 'advance':
        clock.advance(4_000);
        return;
      case 'halt':
        set.push(await halt({ isin: inParts }));
        return;
      case 'cancel':
        set.push(await halt({}, 'cancel'));
        return;
      case 'lift': {
        const last = set.pop();
        if (last !== undefined) await lift(last);
        return;
      }
      case 'ask': {
        const positions = [
          { isin: inParts, quantity: '7.5' },
          { isin: sap, quantity: '1' },
        ];
        asked.push((await ask(tenants[0], positions)).id);
        return;
      }
      default:
        await steps[one]();
    }
  };
  const property = fc.asyncProperty(
    fc.array(act, { minLength: 10, maxLength: 60 }),
    async (acts) => {
      const asked: LiquidationId[] = [];
      for (const one of ['ask', 'release', 'submit', ...acts] as const) await carryOut(one, asked);
      for (const one of set.splice(0)) await lift(one);
      for (let i = 0; i < 5; i += 1) {
        clock.advance(300_000);
        await runUntilIdle(steps);
      }
      for (const id of asked) {
        assert.deepEqual(
          [await statusOf(id), await earned(sql, id)],
          ['FILLED', '1885'],
          '7.5 × 250 + 10',
        );
      }
      await assertClean(sql);
    },
  );
  await fc.assert(property, { numRuns: isFull ? 200 : times({ short: 5, long: 12 }) });
});
