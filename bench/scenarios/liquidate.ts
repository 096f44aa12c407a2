// How many orders a second go the whole way: accounts with 20 positions each, their liquidations
// taken before, from the start of the service until every one is FILLED and every event has its
// place in the log. Beside it one script that makes the same changes of rows set by set.

import { setTimeout as wait } from 'node:timers/promises';
import type { Sql } from '../../src/db/connect.ts';
import { fillBook } from '../book.ts';
import { type Figure, figure } from '../figures.ts';
import { sellByScript } from '../floor/sell-by-script.ts';
import { makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';
import { createAll } from '../take-orders.ts';

const positionsEach = 20;
const pollMs = 50;
const patienceMs = 600_000;

export async function liquidate(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const accounts = isTiny ? 20 : 10_000;
  const orders = accounts * positionsEach;
  const service = orders / (await byService(place, accounts));
  const script = orders / (await byScript(place, accounts));
  return [
    figure({
      scenario: 'liquidate',
      value: service,
      unit: 'orders/s',
      against: 'one SQL script, set by set, on one connection',
      against_value: script,
      goal: 0.5,
    }),
  ];
}

async function prepare(place: Place, accounts: number) {
  const database = await place.makeDatabase();
  const { tenantId } = await makeClient(database.sql, place.home);
  const book = await fillBook(database.sql, { tenantId, positionsEach, accounts });
  await createAll(database.url, tenantId, book);
  // What the creates have left to do for the server is not the engine's time.
  await database.sql.script('checkpoint');
  return { database, tenantId };
}

/** @returns seconds. */
async function byService(place: Place, accounts: number): Promise<number> {
  const { database } = await prepare(place, accounts);
  const begunAt = performance.now();
  const running = await startService(
    { url: database.url, home: place.home },
    { UNWIND_VENUE_DELAY_MS: '0', UNWIND_ROLES: 'worker' },
  );
  while (!(await isDone(database.sql, accounts))) {
    if (performance.now() - begunAt > patienceMs) throw new Error('not within ten minutes');
    await wait(pollMs);
  }
  const seconds = (performance.now() - begunAt) / 1_000;
  await running.stop();
  await database.close();
  return seconds;
}

/** Every liquidation has ended, and each of its three events has its position. */
async function isDone(sql: Sql, accounts: number): Promise<boolean> {
  const rows = await sql<{ position: string }[]>`
    select h.position
    from unwind.event_heads h`;
  return Number(rows[0]?.position ?? 0) === accounts * 3;
}

async function byScript(place: Place, accounts: number): Promise<number> {
  const { database, tenantId } = await prepare(place, accounts);
  const begunAt = performance.now();
  await sellByScript(database.sql, tenantId);
  const seconds = (performance.now() - begunAt) / 1_000;
  if (!(await isDone(database.sql, accounts))) throw new Error('the script has not sold all');
  await database.close();
  return seconds;
}
