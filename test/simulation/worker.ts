// One of several processes that run seeds at the same time, each on a server of its own: what another run does on
// the same server changes where rows lie (docs/decisions/0013-simulation.md). Takes seeds by message until its
// parent lets go of it, and answers each with what came of it.
import { on } from 'node:events';
import { withTestServer } from '../../tools/test-server.ts';
import { createTestDatabase } from '../support/database.ts';
import { processorSeconds } from './processor.ts';
import { type Outcome, simulate } from './world.ts';

export interface Order {
  readonly seed: number;
  readonly liquidations: number;
  /** Whether every step is printed. */
  readonly trace: boolean;
}

export interface Done {
  readonly outcome: Outcome;
  /** Processor time of the run, in seconds; undefined where no one says. */
  readonly seconds: number | undefined;
}

/** Runs one seed on a database of its own. */
async function runSeed({ seed, liquidations, trace }: Order): Promise<Outcome> {
  const closers: (() => Promise<void>)[] = [];
  const after = (close: () => Promise<void>) => closers.push(close);
  try {
    const database = await createTestDatabase({ after }, { fresh: true });
    const traced = trace ? { trace: (line: string) => console.log(line) } : {};
    return await simulate({ seed, liquidations, database, ...traced });
  } finally {
    for (const close of closers) await close();
  }
}

async function carryOut(order: Order): Promise<Done> {
  const before = await processorSeconds();
  const outcome = await runSeed(order);
  const after = await processorSeconds();
  return { outcome, seconds: before && after && after - before };
}

const orders = on(process, 'message', { close: ['disconnect'] });
await withTestServer(async (environment) => {
  Object.assign(process.env, environment);
  for await (const [order] of orders) process.send?.(await carryOut(order as Order));
});
