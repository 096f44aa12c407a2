// Processes killed at named points; in `npm run test:full` also put to sleep and parted from their
// database, and some cycles as `run.ts` draws them, which runs for as long as one likes.
// Long by nature: it starts many processes.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isFull, onlyFull } from '../support/length.ts';
import { type CycleReport, runCycle } from './cycle.ts';
import type { Fault } from './faults.ts';
import { type NamedPoint, namedPoints } from './points.ts';
import { lotOf } from './random.ts';
import { linesOf } from './report.ts';
import { World } from './world.ts';

/** The short form draws the same in every run. */
const seed = isFull ? randomInt(1_000_000) : 16;
/** Those at which another process takes over what the sleeping one still believes to hold. */
const leased = [
  'ask after',
  'grant before',
  'intend after',
  'submit after',
  'claim after',
  'post during',
  'settle before',
] as const;
const cyclesDrawn = 5;
/** Longer than the patience of a cycle, which says what is stuck. */
const timeout = 600_000;
/** Only reached when something was left behind. */
const rare: ReadonlySet<NamedPoint> = new Set(['resolve after', 'post during']);

function drawn<T>(items: readonly T[], place: number): T {
  const [item] = lotOf(seed + place).shuffled(items);
  assert.ok(item !== undefined);
  return item;
}

describe('whatever dies, everything acknowledged is done exactly once and reported in order:', () => {
  let world: World;
  let cycles = 0;
  const hooks: (() => Promise<void>)[] = [];
  before(async () => {
    world = await World.start({ after: (hook) => hooks.push(hook) }, seed);
  });
  after(async () => {
    for (const hook of hooks) await hook();
  });

  /** @param faults default what the seed draws. */
  async function run(t: TestContext, faults?: readonly Fault[]): Promise<CycleReport> {
    const told = faults?.map((fault) => JSON.stringify(fault)).join(', ') ?? 'drawn';
    t.diagnostic(`seed ${seed}: ${told}; many more by: npm run test:crash -- --cycles 20`);
    cycles += 1;
    const drawnOrGiven = faults === undefined ? {} : { faults };
    const report = await runCycle(world, { seed: seed + cycles, ...drawnOrGiven });
    for (const [name, value] of linesOf([report])) t.diagnostic(`${name}: ${value}`);
    assert.deepEqual(report.faults, []);
    assert.deepEqual([report.duplicates, report.losses], [0, 0]);
    if (faults !== undefined) assert.equal(report.struck.length, faults.length);
    return report;
  }

  test('processes are killed at named points', { timeout }, async (t) => {
    const anywhere = isFull
      ? [{ kind: 'kill', at: drawn(namedPoints, 1), again: 'now' } as const]
      : [];
    await run(t, [...anywhere, { kind: 'kill', at: drawn(leased, 2), again: 'now' }]);
  });

  test('the database stops at once under load', { timeout, ...onlyFull }, async (t) => {
    await run(t, [{ kind: 'database' }]);
  });

  test('a process sleeps longer than its lease while others take over', {
    timeout,
    ...onlyFull,
  }, async (t) => {
    await run(t, [{ kind: 'sleep', at: drawn(leased, 3) }]);
  });

  test('cycles as the seed draws them', {
    timeout: cyclesDrawn * timeout,
    ...onlyFull,
  }, async (t) => {
    for (let more = 0; more < cyclesDrawn; more += 1) await run(t);
  });

  test('every named point is one that processes come to', () => {
    const missed = namedPoints.filter((point) => {
      return !rare.has(point) && !world.fleet.trap.passed.has(point);
    });
    assert.deepEqual(missed, []);
  });
});
