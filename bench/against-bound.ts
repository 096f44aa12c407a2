// Measures requests of the service beside what the machine allows: the same statements by the bare
// driver, and the same signatures verified by a bare server, paid one after the other.

import { runAll, type Statement } from './bare-driver.ts';
import { type Figure, figure, median, seriesBound } from './figures.ts';
import { type Signed, sendAll } from './load.ts';
import type { BenchClient } from './place.ts';
import { type Running, startVerifier } from './processes.ts';

const connections = 16;
/** Rounds that count; one before them warms up and is thrown away. */
export const roundsMeasured = 3;
const goal = 0.8;

export interface Contest {
  readonly scenario: string;
  readonly databaseUrl: string;
  readonly client: BenchClient;
  readonly service: Running;
  /** What every request is answered with. */
  readonly status: number;
  /** What one round runs: asked for when its turn has come, since signatures age. */
  readonly statements: () => Promise<readonly Statement[]>;
  readonly requests: () => Promise<readonly Signed[]>;
}

export async function measureAgainstBound(contest: Contest): Promise<Figure> {
  const { scenario, databaseUrl, client, service, status } = contest;
  const verifier = await startVerifier(client);
  const taken = { driver: [] as number[], verifier: [] as number[], service: [] as number[] };
  for (let round = 0; round <= roundsMeasured; round += 1) {
    const driver = await runAll(databaseUrl, await contest.statements(), connections);
    const load = { requests: await contest.requests(), connections, status };
    const verified = await sendAll({ ...load, url: verifier.url });
    const served = await sendAll({ ...load, url: service.url });
    if (round === 0) continue;
    taken.driver.push(driver);
    taken.verifier.push(verified.perSecond);
    taken.service.push(served.perSecond);
  }
  await verifier.stop();
  const driver = median(taken.driver);
  const verified = median(taken.verifier);
  return figure({
    scenario,
    value: median(taken.service),
    unit: 'requests/s',
    against: `bound of driver ${Math.round(driver)}/s and verifier ${Math.round(verified)}/s`,
    against_value: seriesBound(driver, verified),
    goal,
  });
}
