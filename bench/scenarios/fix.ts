// How many orders a second go the whole way over one FIX session with QuickFIX C++, from the start of the
// service until every one is FILLED and every event has its place in the log; beside it the same book sold
// at the simulated venue. And what one order takes longer over FIX than there.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Sql } from '../../src/db/connect.ts';
import { cleanly } from '../../test/crash/cleanly.ts';
import { missingFor, startCpp } from '../../test/fix/engines/engine.ts';
import { fillBook } from '../book.ts';
import { type Figure, figure, median } from '../figures.ts';
import { makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';
import { createAll } from '../take-orders.ts';
import { publishedOf, until } from '../wait.ts';

const positionsEach = 20;
const pollMs = 50;
const patienceMs = 600_000;
/** What one order may take from its release to its end, in ms, on a machine that does nothing else. */
const singleMsMax = 100;

interface Sizes {
  readonly accounts: number;
  readonly rounds: number;
  /** Liquidations of one order each, one after the other. */
  readonly singles: number;
}

interface Measured {
  readonly perSecond: number;
  readonly singleMs: number;
}

export async function fix(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const missing = await missingFor('cpp');
  if (missing !== undefined) {
    process.stderr.write(`fix: ${missing}; left out\n`);
    return [];
  }
  const sizes = isTiny
    ? { accounts: 5, rounds: 1, singles: 2 }
    : { accounts: 1_000, rounds: 3, singles: 30 };
  const rounds: { readonly overFix: Measured; readonly simulated: Measured }[] = [];
  for (let round = 0; round < sizes.rounds; round += 1) {
    const simulated = await measure(place, sizes);
    rounds.push({ simulated, overFix: await overSession(place, sizes) });
  }
  const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  return [
    figure({
      scenario: 'fix',
      value: of(({ overFix }) => overFix.perSecond),
      unit: 'orders/s over one session',
      against: 'the same book at the simulated venue',
      against_value: of(({ simulated }) => simulated.perSecond),
      goal: 0.5,
    }),
    figure({
      scenario: 'fix',
      value: of(({ overFix }) => overFix.singleMs),
      unit: 'ms from the release of a single order to FILLED (at most)',
      against: 'the same at the simulated venue',
      against_value: of(({ simulated }) => simulated.singleMs),
      goal: singleMsMax,
    }),
  ];
}

/** The same with an engine of its own, which fills each order at once. */
function overSession(place: Place, sizes: Sizes): Promise<Measured> {
  return cleanly(async (t) => {
    const { port } = await startCpp(t, { courses: { '*': 'whole' } });
    const profile = {
      type: 'fix',
      mic: 'XENG',
      version: 'FIX.4.4',
      host: '127.0.0.1',
      port,
      sender_comp_id: 'UNWIND',
      target_comp_id: 'ENGINE',
    };
    const file = join(place.home, 'venues.json');
    await writeFile(file, JSON.stringify({ venues: [profile] }));
    return measure(place, sizes, { UNWIND_VENUES_FILE: file });
  });
}

async function measure(
  place: Place,
  { accounts, singles }: Sizes,
  venue: Readonly<Record<string, string>> = { UNWIND_VENUE_DELAY_MS: '0' },
): Promise<Measured> {
  const { sql, url, close } = await place.makeDatabase();
  const { tenantId } = await makeClient(sql, place.home);
  const book = await fillBook(sql, { tenantId, positionsEach, accounts });
  await createAll(url, tenantId, book);
  await sql.script('checkpoint');
  const begunAt = performance.now();
  const where = { url, home: place.home };
  const running = await startService(where, { ...venue, UNWIND_ROLES: 'worker' });
  const isPublished = async (liquidations: number) => {
    return (await publishedOf(sql, tenantId)) === liquidations * 3;
  };
  while (!(await isPublished(accounts))) {
    if (performance.now() - begunAt > patienceMs) throw new Error('not within ten minutes');
    await wait(pollMs);
  }
  const perSecond = (accounts * positionsEach) / ((performance.now() - begunAt) / 1_000);
  const single = await fillBook(sql, { tenantId, positionsEach: 1, accounts: singles });
  for (const [i, account] of single.entries()) {
    await createAll(url, tenantId, [account]);
    await until('the single order is sold', patienceMs, () => isPublished(accounts + i + 1));
  }
  const singleMs = await medianToFilled(sql, singles);
  await running.stop();
  await close();
  return { perSecond, singleMs };
}

/** From PROCESSING to FILLED of the last liquidations, in ms. */
async function medianToFilled(sql: Sql, count: number): Promise<number> {
  const rows = await sql<{ ms: string }[]>`
    select extract(epoch from max(e.created_at) - min(e.created_at)) * 1000 as ms
    from unwind.events e
    where e.type in ('ACCOUNT_LIQUIDATION.PROCESSING', 'ACCOUNT_LIQUIDATION.FILLED')
    group by e.liquidation_id
    order by min(e.created_at) desc
    limit ${count}`;
  return median(rows.map(({ ms }) => Number(ms)));
}
