// One cycle of a crash run: a fresh service with the example book, many clients that sell and
// cancel, SIGKILL at random moments, at least once while it recovers, and at the end the
// reckoning.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { readDeliveryKeys } from '../../src/client/deliveries.ts';
import { clientOf } from '../../src/request-command.ts';
import { readSandboxClient } from '../../src/sandbox.ts';
import { databasesOn, newHome, runUnwind } from '../service/processes.ts';
import { eventually } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { type Candidate, drawAccounts, writeBook } from './book.ts';
import { checkRun, type Findings } from './check.ts';
import { type Collector, startCollector } from './collector.ts';
import { type Lot, lotOf } from './random.ts';
import { type Sale, type Seller, sell } from './seller.ts';
import { freePort, Supervisor } from './supervisor.ts';

export interface CycleOptions {
  readonly seed: number;
  readonly liquidations: number;
  /** At least three. */
  readonly kills: number;
}

export interface CycleReport extends Findings {
  readonly liquidations: number;
  readonly kills: number;
  /** Requests that broke off and were sent again. */
  readonly retries: number;
  /** Deliveries of events that had arrived before. */
  readonly repeatedDeliveries: number;
  /** Longest time from a kill to the next answer, and to the next webhook, in ms. */
  readonly longestOutageMs: { readonly requests: number; readonly deliveries: number };
}

const patienceMs = 240_000;
const sellersAtOnce = 6;
/** One of so many clients cancels at once. */
const cancelsOneIn = 5;

/** Runs a cycle. Whatever it started is ended with `t`. */
export async function runCycle(t: AfterTest, options: CycleOptions): Promise<CycleReport> {
  const { seed, liquidations, kills } = options;
  const lot = lotOf(seed);
  const home = await newHome(t);
  const settings = {
    UNWIND_HOME: home,
    PORT: String(await freePort()),
    UNWIND_RELEASE_DELAY_MS: String(lot.between(0, 200)),
    UNWIND_VENUE_DELAY_MS: '100',
    UNWIND_WEBHOOK_TIMEOUT_MS: '2000',
    UNWIND_LOG_LEVEL: 'error',
  };
  const supervisor = new Supervisor(t, home, settings);
  supervisor.launch();
  await supervisor.listen();
  const candidates = drawAccounts(lot, liquidations);
  const directory = join(dirname(home), 'book');
  await writeBook(directory, candidates);
  const imported = await runUnwind(t, ['import', directory], { home, settings });
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  const { client, collector } = await subscribe(t, { home, lot: lotOf(seed + 1), supervisor });

  const answered = new Counter();
  const seller: Seller = { client, supervisor, onAnswer: () => answered.add() };
  const selling = sellAll(seller, candidates, lotOf(seed + 2));
  const answers = 2 * liquidations;
  const killing = killAtRandom({ supervisor, lot, answered, answers, kills });
  const [sales] = await Promise.all([selling, killing]);
  await eventually(
    'every final event has arrived',
    () => isDelivered(collector, sales),
    patienceMs,
  );
  const findings = await checkRun(settings, { sales, arrivals: collector.events });
  const audit = await runUnwind(t, ['audit', '--json'], { home, settings });
  const faults = [
    ...findings.faults,
    ...(audit.code === 0 ? [] : [`the audit ended with ${audit.code}: ${audit.stdout}`]),
    ...collector.refused.map((error) => `a delivery did not verify: ${error}`),
  ];
  await supervisor.stop();
  if ((await databasesOn(home)).length > 0) faults.push('the database outlived the service');
  return {
    ...findings,
    faults,
    liquidations: sales.length,
    kills: supervisor.kills,
    retries: sales.reduce((sum, sale) => sum + sale.retries, 0),
    repeatedDeliveries: collector.repeats(),
    longestOutageMs: {
      requests: supervisor.requests.longestMs,
      deliveries: supervisor.deliveries.longestMs,
    },
  };
}

async function subscribe(
  t: AfterTest,
  { home, lot, supervisor }: { home: string; lot: Lot; supervisor: Supervisor },
) {
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined, 'the service has made its client');
  const client = await clientOf(sandbox);
  const answer = await client.send({ method: 'GET', target: '/auth/verify_keys' });
  const keys = readDeliveryKeys(answer.json as Parameters<typeof readDeliveryKeys>[0]);
  const collector = await startCollector(t, {
    lot,
    keys,
    onArrival: () => supervisor.deliveries.end(),
  });
  const json = { title: 'crash run', url: collector.url, enabled: true };
  const webhook = await client.send({ method: 'POST', target: '/webhooks', json });
  assert.equal(webhook.status, 201, webhook.text);
  return { client, collector };
}

/** Some clients at once, each with the next account when it is done with one. */
async function sellAll(
  seller: Seller,
  candidates: readonly Candidate[],
  lot: Lot,
): Promise<readonly Sale[]> {
  const left = candidates.map((candidate) => {
    return { candidate, cancels: lot.between(1, cancelsOneIn) === 1 };
  });
  const sales: Sale[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      sales.push(await sell(seller, next));
    }
  };
  await Promise.all(Array.from({ length: sellersAtOnce }, work));
  return sales;
}

interface Killing {
  readonly supervisor: Supervisor;
  readonly lot: Lot;
  readonly answered: Counter;
  /** Answers there will be at least. */
  readonly answers: number;
  readonly kills: number;
}

/** In the middle of the work, then by turns while it starts again and when it works again. */
async function killAtRandom(killing: Killing): Promise<void> {
  const { supervisor, lot, answered, answers, kills } = killing;
  await answered.atLeast(lot.between(Math.ceil(answers * 0.1), Math.floor(answers * 0.5)));
  await supervisor.killIn(lot.between(0, 200));
  for (let kill = 2; kill <= kills; kill += 1) {
    supervisor.launch();
    if (kill % 2 === 0) {
      await supervisor.killIn(lot.between(0, 1_500));
    } else {
      await supervisor.listen();
      await supervisor.killIn(lot.between(0, 1_000));
    }
  }
  supervisor.launch();
  await supervisor.listen();
}

function isDelivered(collector: Collector, sales: readonly Sale[]): boolean {
  const final = new Set(
    collector.events.flatMap(({ object }) => {
      return object.status === 'FILLED' || object.status === 'CANCELLED' ? [object.id] : [];
    }),
  );
  return sales.every((sale) => final.has(sale.liquidationId));
}

/** Counts, and tells when it has come to a number. */
class Counter {
  #count = 0;
  readonly #waiting = new Map<() => void, number>();

  add(): void {
    this.#count += 1;
    for (const [resolve, count] of this.#waiting) {
      if (this.#count < count) continue;
      this.#waiting.delete(resolve);
      resolve();
    }
  }

  atLeast(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#count >= count) resolve();
    else this.#waiting.set(resolve, count);
    return promise;
  }
}
