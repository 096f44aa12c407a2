// Cycles of trouble with QuickFIX C++ on the other side: in each, orders are sold while a process of the
// service, the engine or the database is killed, or the connection cut or stalled. Then every order has to
// be at its end, and what the engine logged is held against what the service has: nothing lost, doubled,
// out of order or stuck.
//
//   node test/fix/engines/cycles.ts --cycles 500 --seed 1
//
// The seed repeats what is drawn by lot (troubles, moments); the rest is up to the clock.

import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { cleanly } from '../../crash/cleanly.ts';
import { type Lot, lotOf } from '../../crash/random.ts';
import { CrashServer } from '../../crash/server.ts';
import { newHome } from '../../service/processes.ts';
import type { AfterTest } from '../../support/database.ts';
import { type CppEngine, missingFor, startCpp } from './engine.ts';
import { refusedIsin, Sale } from './sale.ts';

const troubles = ['service', 'all of the service', 'engine', 'database', 'cut', 'stall'] as const;
export type Trouble = (typeof troubles)[number];

export interface CycleRun {
  readonly cycles: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface CycleTotals {
  readonly cycles: number;
  readonly orders: number;
  readonly executions: number;
  readonly struck: ReadonlyMap<Trouble, number>;
  readonly longestMs: number;
}

const ordersOfCycle = { min: 20, max: 80 };
const sellers = 2;
/** Troubles of one cycle: the second strikes while the first is being mended. */
const troublesMax = 2;
const momentMs = { min: 0, max: 600 };
/** How long what was killed or stalled stays so. A stall of more than the heartbeat is seen by both sides. */
const awayMs = { min: 0, max: 1_500 };
const stalledMs = { min: 0, max: 6_000 };

interface Scene {
  readonly sale: Sale;
  readonly engine: CppEngine;
  readonly server: CrashServer;
}

/** Runs cycles on one database. Fails at the first that leaves something wrong. */
export async function runCycles(t: AfterTest, run: CycleRun): Promise<CycleTotals> {
  const { cycles, seed, tell } = run;
  const server = await CrashServer.start(t, await newHome(t));
  const sql = connect({ url: server.url(), max: 4, applicationName: 'fix cycles' });
  t.after(() => sql.end());
  await migrate(sql);
  const engine = await startCpp(t, { courses: { [refusedIsin]: ':refuse' } });
  const url = server.url();
  const sale = await Sale.open(t, { sql, url, engine, hasRefused: true, sellers });
  const totals = { orders: 0, executions: 0, longestMs: 0 };
  const struck = new Map<Trouble, number>();
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    const lot = lotOf(seed + cycle);
    const begunAt = performance.now();
    const count = lot.between(ordersOfCycle.min, ordersOfCycle.max);
    await sale.add(count);
    const drawn = lot.shuffled(troubles).slice(0, lot.between(1, troublesMax));
    await Promise.all(drawn.map((one) => strike({ sale, engine, server }, one, lot)));
    for (const one of drawn) struck.set(one, (struck.get(one) ?? 0) + 1);
    await sale.untilSold();
    const ms = performance.now() - begunAt;
    totals.orders += count;
    totals.executions = await sale.compare();
    totals.longestMs = Math.max(totals.longestMs, ms);
    tell(
      `cycle ${cycle}, ${(ms / 1_000).toFixed(1)} s, ${count} orders, ${drawn.join(', ')}: well`,
    );
  }
  return { cycles, struck, ...totals };
}

/** Lets something happen. Returns when it is mended; what follows from it may go on. */
async function strike(scene: Scene, trouble: Trouble, lot: Lot): Promise<void> {
  const { sale, engine, server } = scene;
  const [moment, away] = [between(lot, momentMs), between(lot, awayMs)];
  const [stalled, one] = [between(lot, stalledMs), lot.between(0, sellers - 1)];
  await wait(moment);
  switch (trouble) {
    case 'service':
    case 'all of the service': {
      const ended = trouble === 'service' ? sale.sellers.slice(one, one + 1) : sale.sellers;
      await Promise.all(ended.map((seller) => seller.kill()));
      await wait(away);
      for (const seller of ended) seller.launch();
      break;
    }
    case 'engine':
      await engine.kill();
      await wait(away);
      await engine.launch();
      break;
    case 'database':
      await server.restart(away);
      break;
    case 'cut':
      sale.proxy.cut();
      break;
    case 'stall':
      sale.proxy.fallSilent();
      await wait(stalled);
      sale.proxy.cut();
      break;
  }
}

function between(lot: Lot, { min, max }: { min: number; max: number }): number {
  return lot.between(min, max);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
    },
  });
  const missing = await missingFor('cpp');
  if (missing !== undefined) throw new Error(missing);
  const tell = (line: string) => void process.stdout.write(`${line}\n`);
  const [cycles, seed] = [Number(values.cycles), Number(values.seed)];
  tell(`seed ${seed}`);
  const totals = await cleanly((t) => runCycles(t, { cycles, seed, tell }));
  const { orders, executions, longestMs, struck } = totals;
  const counts = [...struck].map(([what, count]) => `${count} ${what}`).join(', ');
  tell(`${cycles} cycles (${counts}): ${orders} orders, ${executions} executions`);
  tell(`0 lost, 0 doubled, 0 out of order, 0 stuck; longest ${(longestMs / 1_000).toFixed(1)} s`);
}
