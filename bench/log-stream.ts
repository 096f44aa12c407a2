// A modest stream of events beside whatever else a scenario does to the log, and how old each was
// when it was received.

import { setTimeout as wait } from 'node:timers/promises';
import type { Sql } from '../src/db/connect.ts';
import type { TenantId } from '../src/ids.ts';
import { quantile } from './figures.ts';
import type { Running } from './processes.ts';
import { until } from './wait.ts';
import { lagsToldBy, recordEvents } from './webhooks.ts';

const tickMs = 50;
const patienceMs = 60_000;

export interface Lags {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** Records some events of each tenant twenty times a second while work goes on. */
export async function lagsDuring(
  where: { sql: Sql; receiver: Running; tenantIds: readonly TenantId[] },
  work: Promise<void>,
): Promise<Lags> {
  const { sql, receiver, tenantIds } = where;
  const eachTick = 2;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  await lagsToldBy(receiver);
  const lagsMs: number[] = [];
  let recorded = 0;
  while (!isOver) {
    const dueAt = performance.now() + tickMs;
    await recordEvents(sql, tenantIds, eachTick);
    recorded += eachTick * tenantIds.length;
    await wait(Math.max(0, dueAt - performance.now()));
  }
  await over;
  await until('the stream is received', patienceMs, async () => {
    lagsMs.push(...(await lagsToldBy(receiver)));
    return lagsMs.length >= recorded;
  });
  const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => quantile(lagsMs, share));
  return { p50: p50 ?? 0, p99: p99 ?? 0, longest: longest ?? 0 };
}
