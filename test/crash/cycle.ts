// One cycle of a crash run: clients sell and cancel, faults happen among them, and when everything
// has come to its end the reckoning is done.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { runAudit } from '../../src/audit/run-audit.ts';
import { recordedMovements } from '../../src/book/store.ts';
import { recordedExecutions } from '../../src/executions/executions-store.ts';
import { verifyTrail } from '../../src/trail/verify-trail.ts';
import { eventually } from '../support/condition.ts';
import { checkSales, type Findings } from './check.ts';
import { drawFault, type Fault, type FaultReport, strike } from './faults.ts';
import { type Lot, lotOf } from './random.ts';
import { type Recovery, recoveriesOf } from './report.ts';
import { ask, type Sale, type Steering, sell, sellBatch } from './seller.ts';
import { responseMsMax, type World } from './world.ts';

export interface CycleOptions {
  readonly seed: number;
  /** Drawn by lot where none are given. */
  readonly faults?: readonly Fault[];
}

export interface CycleReport extends Findings {
  readonly seed: number;
  readonly liquidations: number;
  readonly struck: readonly FaultReport[];
  /** Requests that were sent again. */
  readonly retries: number;
  /** Deliveries of events that had arrived before. */
  readonly repeatedDeliveries: number;
  /** Writes that came too late and changed nothing. */
  readonly staleWrites: number;
  /** Longest wait of a client for its answer, in ms. */
  readonly longestAnswerMs: number;
  readonly recoveries: readonly Recovery[];
}

const patienceMs = 300_000;
const sellersAtOnce = 4;
/** One of so many clients cancels at once. */
const cancelsOneIn = 4;
/** One of so many accounts begins a batch of so many. */
const batches = { oneIn: 8, accounts: 3 };
/** One of so many faults is followed by the next before its work is done. */
const overlapsOneIn = 3;
const faultsOfCycle = { min: 2, max: 4 };
/** Accounts sold in a cycle at least, and at most while its faults last. */
const salesOfCycle = { min: 24, max: 5_000 };
/** While accounts are blocked, since some receivers refuse: an old and a new claim then meet. */
const replaysOfCycle = { min: 2, max: 6 };
const betweenReplaysMs = 1_500;
const steerings: readonly Steering[] = ['none', 'pause', 'cancel'];
const pausedMsMax = 500;
const haltsOfCycle = { min: 1, max: 3 };
const limitsOfCycle = { min: 1, max: 2 };
/** Units of an order; most are larger. */
const orderQuantityMax = '50';
const betweenHaltsMs = 3_000;
const haltedMsMax = 1_000;
/** One of so many cycles replaces the keys that sign deliveries. */
const rotatesOneIn = 4;
/** Of a client between two accounts. */
const pauseMs = { min: 50, max: 200 };
/** Clients wait while so many are not at their end, so that recovery and not a queue is measured. */
const underWayMax = 20;

/** All that was under way is at its end. */
async function settled(world: World): Promise<void> {
  const ids = world.underWay();
  const isDone = () => ids.every((id) => world.finalAt.has(id));
  await eventually('what was under way is done', isDone, patienceMs);
}

/** Runs a cycle on a world where everything runs. */
export async function runCycle(world: World, options: CycleOptions): Promise<CycleReport> {
  const lot = lotOf(options.seed);
  const { min, max } = faultsOfCycle;
  const faults =
    options.faults ??
    Array.from({ length: lot.between(min, max) }, () => {
      return drawFault(lot, world.counterparty === undefined ? 'simulated' : 'fix');
    });
  const before = standOf(world);
  world.longestAnswerMs = 0;
  let isOver = false;
  const selling = sellWhile(world, options.seed, (sold) => {
    return sold < salesOfCycle.min || (!isOver && sold < salesOfCycle.max);
  });
  const disturbing = disturbDeliveries(world, lotOf(options.seed + 2));
  const halting = haltSometimes(world, lotOf(options.seed + 3));
  const limiting = limitSometimes(world, lotOf(options.seed + 4));
  const struck: FaultReport[] = [];
  try {
    for (const fault of faults) {
      const striking = strike(world, lotOf(lot.between(1, 1e9)), fault);
      // Selling ends before the faults only by failing, and then nobody comes to any point.
      const failed = selling.then(() => striking);
      struck.push(await Promise.race([striking, failed]));
      if (lot.between(1, overlapsOneIn) > 1) await settled(world);
    }
  } finally {
    isOver = true;
    world.fleet.trap.disarm();
  }
  const sales = await selling;
  await disturbing;
  const sentUnderHalts = await halting;
  await limiting;
  await untilDelivered(world, sales);
  const findings = await reckon(world, sales, struck, sentUnderHalts);
  const after = standOf(world);
  return {
    ...findings,
    seed: options.seed,
    liquidations: sales.length,
    struck,
    retries: after.retries - before.retries,
    repeatedDeliveries: after.repeats - before.repeats,
    staleWrites: after.staleWrites - before.staleWrites,
    longestAnswerMs: Math.round(world.longestAnswerMs),
    recoveries: struck.flatMap((report, i) => {
      const next = struck[i + 1]?.struckAt ?? Number.POSITIVE_INFINITY;
      return recoveriesOf(world, report, next);
    }),
  };
}

/** What clients do to deliveries meanwhile. */
async function disturbDeliveries(world: World, lot: Lot): Promise<void> {
  for (const collector of world.collectors) collector.setRefusing(true);
  const replays = lot.between(replaysOfCycle.min, replaysOfCycle.max);
  for (let i = 0; i < replays; i += 1) {
    await wait(lot.between(0, betweenReplaysMs));
    await world.replay(lot);
  }
  if (lot.between(1, rotatesOneIn) === 1) await world.rotateKeys();
}

function toPost(target: string, json: object) {
  return { method: 'POST', target, json, idempotencyKey: randomUUID() };
}

/**
 * A person halts all of the client, by either strength, and lifts it a moment later.
 * @returns orders that the venue received between the acknowledgement and the lift.
 */
async function haltSometimes(world: World, lot: Lot): Promise<number> {
  const halts = lot.between(haltsOfCycle.min, haltsOfCycle.max);
  let sent = 0;
  for (let i = 0; i < halts; i += 1) {
    await wait(lot.between(0, betweenHaltsMs));
    const strength = lot.between(1, 2) === 1 ? 'cancel' : 'release';
    const json = { scope: 'tenant', strength, reason: 'a test', person: 'Tester' };
    const halt = await ask(world, { ...toPost('/halts', json), deadlineMs: responseMsMax });
    assert.equal(halt.status, 201, halt.text);
    const before = await world.received();
    await wait(lot.between(0, haltedMsMax));
    sent += (await world.received()) - before;
    const by = { reason: 'it is over', person: 'Tester' };
    const { id } = halt.json as { id: string };
    const lifted = await ask(world, toPost(`/halts/${id}/lift`, by));
    assert.equal(lifted.status, 200, lifted.text);
  }
  return sent;
}

/** A person limits the quantity of orders for a moment, and lets pass what was stopped. */
async function limitSometimes(world: World, lot: Lot): Promise<void> {
  const limits = lot.between(limitsOfCycle.min, limitsOfCycle.max);
  const by = { reason: 'a test', person: 'Tester' };
  const set = async (limit: object) => {
    const inForce = await ask(world, { method: 'GET', target: '/controls' });
    const replaces = (inForce.json as { own: { id: string } | null }).own?.id;
    const asked = toPost('/controls', { ...by, ...limit, replaces });
    const answer = await ask(world, { ...asked, deadlineMs: responseMsMax });
    assert.equal(answer.status, 200, answer.text);
  };
  for (let i = 0; i < limits; i += 1) {
    await wait(lot.between(0, betweenHaltsMs));
    await set({ order_quantity_max: orderQuantityMax });
    await wait(lot.between(0, haltedMsMax));
    await set({});
    const list = await ask(world, { method: 'GET', target: '/controls/stopped?limit=1000' });
    for (const { id } of (list.json as { data: readonly { id: string }[] }).data) {
      const released = await ask(world, toPost(`/controls/stopped/${id}/release`, by));
      // It may have gone by itself meanwhile.
      assert.ok(released.status === 200 || released.status === 409, released.text);
    }
  }
}

/** Every receiver has taken the end of every sale. */
async function untilDelivered(world: World, sales: readonly Sale[]): Promise<void> {
  for (const collector of world.collectors) collector.setRefusing(false);
  await world.enableAll();
  for (const { temper, hasEnd } of world.collectors) {
    const isEnded = ({ liquidationId }: Sale) => hasEnd(liquidationId);
    let left = sales;
    // A receiver that is slow and asks for patience may need minutes for a long cycle; none stands still.
    while (left.length > 0) {
      const what = `who ${temper} has a further one of ${left.length} final events`;
      await eventually(what, () => left.some(isEnded), patienceMs);
      left = left.filter((sale) => !isEnded(sale));
    }
  }
}

function standOf({ attempts, answeredAt, collectors, fleet }: World) {
  return {
    retries: attempts - answeredAt.length,
    repeats: collectors.reduce((sum, one) => sum + one.repeats(), 0),
    staleWrites: fleet.staleWrites(),
  };
}

/** Some clients at once, each with the next account when it is done with one. */
async function sellWhile(
  world: World,
  seed: number,
  goesOn: (sold: number) => boolean,
): Promise<readonly Sale[]> {
  const lot = lotOf(seed + 1);
  const sales: Sale[] = [];
  let begun = 0;
  const alone = async (number: number) => {
    const candidate = await world.nextAccount(lot);
    return [await sell(world, { candidate, cancels: number % cancelsOneIn === 2 })];
  };
  const inBatch = async () => {
    const candidates = [];
    while (candidates.length < batches.accounts) candidates.push(await world.nextAccount(lot));
    const steering = steerings[lot.between(0, steerings.length - 1)] ?? 'none';
    return sellBatch(world, candidates, { steering, pausedMs: lot.between(0, pausedMsMax) });
  };
  const work = async (): Promise<void> => {
    while (goesOn(begun)) {
      begun += 1;
      const own = begun % batches.oneIn === 1 ? await inBatch() : await alone(begun);
      sales.push(...own);
      world.sales.push(...own);
      await wait(lot.between(pauseMs.min, pauseMs.max));
      await eventually('there is room', () => world.underWay().length < underWayMax, patienceMs);
    }
  };
  await Promise.all(Array.from({ length: sellersAtOnce }, work));
  return sales;
}

async function reckon(
  world: World,
  sales: readonly Sale[],
  struck: readonly FaultReport[],
  sentUnderHalts: number,
): Promise<Findings> {
  const findings = await checkSales(world.sql, { sales, collectors: world.collectors });
  const audit = await runAudit(world.sql);
  const trail = await verifyTrail(world.sql, {
    tables: [recordedMovements, recordedExecutions],
    now: new Date(),
  });
  const count = await countLiquidations(world);
  const differences = (await world.counterparty?.compare(world.sql)) ?? [];
  // A process that falls asleep in the very commit of the venue sends when it wakes (decision 35).
  const mayOversleep = struck.some(({ fault }) => fault.kind === 'sleep');
  const faults = [
    ...(sentUnderHalts > 0 && !mayOversleep ? [`${sentUnderHalts} orders came under a halt`] : []),
    ...findings.faults,
    ...differences,
    ...(await world.keeper.faults(world.sql)),
    ...trail.findings.listed.map(({ message }) => `the trail: ${message}`),
    ...audit.results.flatMap(({ check, total }) => {
      return total === 0 ? [] : [`the audit finds ${total} times: not "${check.says}"`];
    }),
    ...(count === world.sales.length ? [] : [`${count} liquidations, ${world.sales.length} asked`]),
    ...world.collectors.flatMap((one) => {
      return one.takeRefused().map((error) => `${one.temper}, and did not verify: ${error}`);
    }),
    ...world.fleet.ended().map((name) => `the process ${name} has ended by itself`),
    ...struck.flatMap(({ finding: found }) => found ?? []),
  ];
  return { ...findings, faults };
}

async function countLiquidations({ sql }: World): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from unwind_v1.liquidations`;
  return row?.count ?? 0;
}
