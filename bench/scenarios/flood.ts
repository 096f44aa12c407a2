// How long a health probe waits at worst (p99) while the service is flooded with requests signed by
// P-521, the costliest signatures there are: verifying them must not stand in the way of the rest.

import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import { type Figure, figure, quantile } from '../figures.ts';
import { sendAll, signAll, type ToSign } from '../load.ts';
import { makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';

const connections = 64;
const probeGapMs = 10;
const goalMs = 50;

export async function flood(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const database = await place.makeDatabase();
  const client = await makeClient(database.sql, place.home, 'ecdsa-p521');
  const service = await startService(
    { url: database.url, home: place.home },
    { UNWIND_ROLES: 'api' },
  );
  const target: ToSign = { method: 'GET', target: '/webhooks' };
  const requests = await signAll(
    client,
    Array.from({ length: isTiny ? 100 : 3_000 }, () => target),
  );
  const calm = await probeUntil(service.url, wait(isTiny ? 200 : 3_000));
  const sent = sendAll({ url: service.url, requests, connections, status: 200 });
  const flooded = await probeUntil(service.url, sent);
  await service.stop();
  await database.close();
  return [
    figure({
      scenario: 'flood',
      value: quantile(flooded, 0.99),
      unit: 'ms (p99 of /healthz, at most)',
      against: 'the same probe without the flood',
      against_value: quantile(calm, 0.99),
      goal: goalMs,
    }),
  ];
}

/** How long each probe took, in ms, until something has ended. */
async function probeUntil(url: string, end: Promise<unknown>): Promise<readonly number[]> {
  const latenciesMs: number[] = [];
  let isOver = false;
  const over = end.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const begunAt = performance.now();
    const { statusCode, body } = await request(`${url}/healthz`);
    await body.text();
    if (statusCode !== 200) throw new Error(`the probe was answered ${statusCode}`);
    latenciesMs.push(performance.now() - begunAt);
    await wait(probeGapMs);
  }
  await over;
  return latenciesMs;
}
