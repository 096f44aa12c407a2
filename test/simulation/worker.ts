// One of several processes that run seeds at the same time: takes a seed by message, answers with its
// outcome. The database server is the one of whoever started it.
import { createTestDatabase } from '../support/database.ts';
import { type Outcome, simulate } from './world.ts';

export interface Order {
  readonly seed: number;
  readonly liquidations: number;
  readonly trace: boolean;
}

/** Runs one seed on a database of its own. */
export async function runSeed({ seed, liquidations, trace }: Order): Promise<Outcome> {
  const closers: (() => Promise<void>)[] = [];
  const after = (close: () => Promise<void>) => closers.push(close);
  try {
    const database = await createTestDatabase({ after });
    const traced = trace ? { trace: (line: string) => console.log(line) } : {};
    return await simulate({ seed, liquidations, database, ...traced });
  } finally {
    for (const close of closers) await close();
  }
}

if (process.send !== undefined) {
  process.on('message', (order: Order) => {
    void runSeed(order).then((outcome) => process.send?.(outcome));
  });
}
