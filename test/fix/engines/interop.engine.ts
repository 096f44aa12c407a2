// Real engines as counterparties (npm run test:fix). Orders are sold while connections are cut and
// processes killed on both sides; then what the engine logged is held against what the service has.
// ORDERS and KILLS make a round longer.

import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createTestDatabase } from '../../support/database.ts';
import { runCycles } from './cycles.ts';
import { missingFor, startJava } from './engine.ts';
import { Sale } from './sale.ts';

const orders = Number(process.env['ORDERS'] ?? 400);
const kills = Number(process.env['KILLS'] ?? 6);

test('QuickFIX C++: killed on both sides, cut and stalled, nothing is lost, doubled or stuck', async (t) => {
  const missing = await missingFor('cpp');
  if (missing !== undefined) return t.skip(missing);
  const seed = randomInt(1_000_000);
  t.diagnostic(`repeat it: node test/fix/engines/cycles.ts --cycles ${kills} --seed ${seed}`);
  await runCycles(t, { cycles: kills, seed, tell: (line) => t.diagnostic(line) });
});

test('QuickFIX/J Executor: we are killed and cut, nothing is lost, doubled or stuck', async (t) => {
  const missing = await missingFor('java');
  if (missing !== undefined) return t.skip(missing);
  const engine = await startJava(t);
  const { sql, url } = await createTestDatabase(t);
  const sale = await Sale.open(t, { sql, url, engine, hasRefused: false, sellers: 1 });
  await sale.add(orders);
  for (let i = 0; i < kills; i += 1) {
    await wait(300 + Math.random() * 1_500);
    if (i % 2 === 0) {
      for (const seller of sale.sellers) {
        await seller.kill();
        seller.launch();
      }
    } else {
      sale.proxy.cut();
    }
  }
  await sale.untilSold();
  await sale.compare();
});
