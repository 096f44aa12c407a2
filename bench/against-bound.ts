// Measures requests of the service beside what the machine allows: the same statements by the bare
// driver, and the same signatures verified by a bare server, paid one after the other. Both in requests
// a second, which only an idle machine shows, and in processor time.

import { runAll, type Statement } from './bare-driver.ts';
import { type Meter, meterOf } from './cpu.ts';
import { type Figure, figure, median, seriesBound } from './figures.ts';
import { type Signed, sendAll } from './load.ts';
import type { BenchClient } from './place.ts';
import { type Running, startVerifier } from './processes.ts';

const usualConnections = 16;
/** Rounds that count; those before them warm up and are thrown away. */
const roundsMeasured = 3;
const roundsToWarmUp = 2;
export const roundsRun = roundsToWarmUp + roundsMeasured;
const goal = 0.8;

export interface Contest {
  readonly scenario: string;
  readonly databaseUrl: string;
  readonly client: BenchClient;
  readonly service: Running;
  /** What every request is answered with. */
  readonly status: number;
  /** Requests under way at once; default 16. */
  readonly connections?: number;
  /** What one round runs: asked for when its turn has come, since signatures age. */
  readonly statements: () => Promise<readonly Statement[]>;
  readonly requests: () => Promise<readonly Signed[]>;
}

export async function measureAgainstBound(contest: Contest): Promise<readonly Figure[]> {
  const { databaseUrl, client, service, status, connections = usualConnections } = contest;
  const verifier = await startVerifier(client);
  const meter = await meterOf(databaseUrl, [verifier.pid, service.pid]);
  const taken: Record<Party, Taken[]> = { driver: [], verifier: [], service: [] };
  for (let round = 0; round < roundsRun; round += 1) {
    const statements = await contest.statements();
    const driver = await take(meter, statements.length, () => {
      return runAll(databaseUrl, statements, connections);
    });
    const requests = await contest.requests();
    const send = async ({ url }: Running) => {
      return (await sendAll({ requests, connections, status, url })).perSecond;
    };
    const verified = await take(meter, requests.length, () => send(verifier));
    const served = await take(meter, requests.length, () => send(service));
    if (round < roundsToWarmUp) continue;
    taken.driver.push(driver);
    taken.verifier.push(verified);
    taken.service.push(served);
  }
  await verifier.stop();
  return [rateOf(contest, taken), ...(meter === undefined ? [] : [costOf(contest, taken)])];
}

type Party = 'driver' | 'verifier' | 'service';

interface Taken {
  readonly perSecond: number;
  /** Processor time of one, in µs, of all processes together. */
  readonly cpuUs: number;
}

async function take(
  meter: Meter | undefined,
  count: number,
  work: () => Promise<number>,
): Promise<Taken> {
  const before = meter?.() ?? 0;
  const perSecond = await work();
  return { perSecond, cpuUs: ((meter?.() ?? 0) - before) / count };
}

function rateOf({ scenario }: Contest, taken: Record<Party, readonly Taken[]>): Figure {
  const [driver, verifier, service] = medians(taken, ({ perSecond }) => perSecond);
  return figure({
    scenario,
    value: service,
    unit: 'requests/s',
    against: `bound of driver ${Math.round(driver)}/s and verifier ${Math.round(verifier)}/s`,
    against_value: seriesBound(driver, verifier),
    goal,
  });
}

function costOf({ scenario }: Contest, taken: Record<Party, readonly Taken[]>): Figure {
  const [driver, verifier, service] = medians(taken, ({ cpuUs }) => cpuUs);
  return figure({
    scenario,
    value: service,
    unit: 'µs of processor time for a request (at most)',
    against: `driver ${Math.round(driver)} µs and verifier ${Math.round(verifier)} µs`,
    against_value: driver + verifier,
    goal: 1 / goal,
  });
}

function medians(
  { driver, verifier, service }: Record<Party, readonly Taken[]>,
  part: (taken: Taken) => number,
): readonly [driver: number, verifier: number, service: number] {
  return [median(driver.map(part)), median(verifier.map(part)), median(service.map(part))];
}
