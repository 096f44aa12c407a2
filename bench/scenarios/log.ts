// A log of ten million events over six months: what dropping its old parts does to those who write and
// read, how fast a subscription catches up that is a million behind, how long pages of it and the
// audit take, and how large it is. By hand, since filling it takes minutes and 12 GB of disk.
//
//   npm run bench -- log
//   BENCH_LOG_EVENTS=1000000 npm run bench -- log

import { runAudit } from '../../src/audit/run-audit.ts';
import { later, systemClock } from '../../src/clock.ts';
import { connect, type Sql } from '../../src/db/connect.ts';
import { eventPublisher } from '../../src/events/publish-events.ts';
import { findPositionAt } from '../../src/events/read-store.ts';
import type { TenantId } from '../../src/ids.ts';
import { type Figure, figure, quantile } from '../figures.ts';
import { fillLog } from '../fill-log.ts';
import { sendAll, signAll } from '../load.ts';
import { dropping, type LogSetting, note } from '../log-dropping.ts';
import { type BenchClient, makeClient, type Place } from '../place.ts';
import { startReceiver, startService } from '../processes.ts';
import { publishedOf, until } from '../wait.ts';
import { offsetOf, recordEvents, setEnabled, setOffset, subscribe } from '../webhooks.ts';

const tenants = 4;
const patienceMs = 600_000;
const dayMs = 86_400_000;

export async function log(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const events = isTiny ? 3_000 : Number(process.env['BENCH_LOG_EVENTS'] ?? 10_000_000);
  const { sql, url, close } = await place.makeDatabase();
  try {
    const clients: BenchClient[] = [];
    for (let i = 0; i < tenants; i += 1) clients.push(await makeClient(sql, place.home));
    const tenantIds = clients.map(({ tenantId }) => tenantId);
    const begunAt = performance.now();
    await fillLog(url, { tenantIds, events, now: systemClock.now() });
    note(`${events} events are there after ${seconds(begunAt)} s`);
    return await measureLog({ place, url, sql, clients, isTiny });
  } finally {
    await close();
  }
}

/** What is measured on a log that is filled. Its old parts are gone afterwards. */
export async function measureLog(
  filled: Omit<LogSetting, 'largest' | 'receiver' | 'service'>,
): Promise<readonly Figure[]> {
  const { place, url, sql, isTiny } = filled;
  const [largest] = filled.clients;
  if (largest === undefined) throw new Error('there is a client');
  await protectOldParts(sql);
  const figures = [
    await size(url),
    await auditing(url),
    await publishing(place, sql, largest, isTiny),
  ];
  const receiver = await startReceiver();
  const service = await startService({ url, home: place.home });
  const setting = { ...filled, largest, receiver, service };
  try {
    figures.push(...(await reading(setting)));
    figures.push(...(await catchingUp(setting)));
    figures.push(...(await dropping(setting)));
  } finally {
    await service.stop();
    await receiver.stop();
  }
  return figures;
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 100) / 10;
}

/** Nothing is given up before it is wanted: the service looks every minute. */
async function protectOldParts(sql: Sql): Promise<void> {
  await sql`
    update unwind.event_parts p
    set next_try_at = now() + interval '1 day'`;
}

/** Whatever reads all of the log takes longer than the service allows. */
function patient(url: string): Sql {
  const bounds = { max: 4, statementTimeoutMs: patienceMs };
  return connect({ url, applicationName: 'unwind bench', ...bounds });
}

async function size(url: string): Promise<Figure> {
  const sql = patient(url);
  const [disk] = await sql<{ total: string; indexes: string }[]>`
    select sum(pg_total_relation_size(p.relid)) as total, sum(pg_indexes_size(p.relid)) as indexes
    from pg_partition_tree('unwind.events') p
    where p.isleaf`;
  const [held] = await sql<{ events: string; bodies: string }[]>`
    select count(*) as events, sum(octet_length(e.object)) as bodies
    from unwind.events e`;
  await sql.end();
  const events = Number(held?.events);
  const each = (bytes: string | undefined) => Math.round(Number(bytes) / events);
  const parts = `${each(disk?.indexes)} of them indexes, ${each(held?.bodies)} the object`;
  note(`${each(disk?.total)} bytes an event, ${parts}`);
  return figure({
    scenario: 'log',
    value: Number(disk?.total) / 1e6,
    unit: 'MB (the log on disk, with its indexes, at most)',
    against: 'the objects of its events',
    against_value: Number(held?.bodies) / 1e6,
    goal: 3,
  });
}

async function auditing(url: string): Promise<Figure> {
  const sql = patient(url);
  try {
    const floorAt = performance.now();
    await sql`select count(*), sum(length(e.object)) from unwind.events e`;
    await sql`select count(*) from unwind.orders o`;
    const floorS = (performance.now() - floorAt) / 1_000;
    const { total, counts, results, durationMs } = await runAudit(sql);
    if (total > 0) throw new Error(`the audit found ${total} differences`);
    for (const { check, durationMs: ownMs } of results) {
      if (ownMs > durationMs / 20) note(`${check.name} took ${Math.round(ownMs / 100) / 10} s`);
    }
    return figure({
      scenario: 'log',
      value: durationMs / 1_000,
      unit: `s (audit of ${counts.events} events, ${counts.orders['CANCELLED']} orders, at most)`,
      against: 'reading all events and orders once',
      against_value: Math.max(floorS, 0.1),
      goal: 600,
    });
  } finally {
    await sql.end();
  }
}

/** Gives positions, by the step of the engine, on this log and on an empty one. */
async function publishing(
  place: Place,
  sql: Sql,
  client: BenchClient,
  isTiny: boolean,
): Promise<Figure> {
  const empty = await place.makeDatabase();
  const stranger = await makeClient(empty.sql, place.home);
  const published = async (own: Sql, tenantId: TenantId) => {
    const events = isTiny ? 100 : 20_000;
    await recordEvents(own, [tenantId], events);
    const publish = eventPublisher({ sql: own, clock: systemClock, log: console });
    const begunAt = performance.now();
    while ((await publish()) > 0);
    return events / ((performance.now() - begunAt) / 1_000);
  };
  const floor = await published(empty.sql, stranger.tenantId);
  await empty.close();
  return figure({
    scenario: 'log',
    value: await published(sql, client.tenantId),
    unit: 'events/s (published)',
    against: 'the same in an empty log',
    against_value: floor,
    goal: 0.8,
  });
}

async function reading({ sql, service, largest, isTiny }: LogSetting): Promise<readonly Figure[]> {
  const head = await publishedOf(sql, largest.tenantId);
  const [account] = await sql<{ account_id: string }[]>`
    select e.account_id
    from unwind.events e
    where e.tenant_id = ${largest.tenantId}
      and e.position = 1`;
  const deep = () => `after=e${Math.floor(Math.random() * head)}`;
  const pages = {
    'a page anywhere': deep,
    'a page of a type that there is not': () => `type=ACCOUNT_LIQUIDATION.FILLED&${deep()}`,
    'a page of one account': () => `account_id=${account?.account_id}`,
  };
  const get = async (query: () => string) => {
    const targets = Array.from({ length: isTiny ? 10 : 500 }, () => query());
    const wanted = targets.map((one) => ({ method: 'GET' as const, target: `/events?${one}` }));
    const requests = await signAll(largest, wanted);
    const { latenciesMs } = await sendAll({
      url: service.url,
      requests,
      connections: 1,
      status: 200,
    });
    return quantile(latenciesMs, 0.99);
  };
  await get(() => 'limit=100');
  const first = await get(() => 'limit=100');
  const figures: Figure[] = [];
  for (const [what, query] of Object.entries(pages)) {
    figures.push(
      figure({
        scenario: 'log',
        value: await get(query),
        unit: `ms (p99 of GET /events, ${what}, at most)`,
        against: 'the first page',
        against_value: first,
        goal: 100,
      }),
    );
  }
  return [...figures, await findingTimes(sql, largest.tenantId, first)];
}

/** Where in the log a time is, as a replay from a time asks. */
async function findingTimes(sql: Sql, tenantId: TenantId, first: number): Promise<Figure> {
  const tookMs: number[] = [];
  const now = systemClock.now();
  for (let i = 0; i < 50; i += 1) {
    const from = later(now, -Math.random() * 120 * dayMs);
    const begunAt = performance.now();
    await findPositionAt(sql, { tenantId, from });
    tookMs.push(performance.now() - begunAt);
  }
  return figure({
    scenario: 'log',
    value: quantile(tookMs, 0.99),
    unit: 'ms (p99 of finding a time in the log, at most)',
    against: 'GET /events, the first page',
    against_value: first,
    goal: 100,
  });
}

async function catchingUp(setting: LogSetting): Promise<readonly Figure[]> {
  const { sql, largest, receiver } = setting;
  const head = await publishedOf(sql, largest.tenantId);
  const far = Math.min(1_000_000, Math.floor(head / 2));
  const url = `${receiver.url}/good`;
  const behind = async (events: number) => {
    const webhook = await subscribe(sql, { tenantId: largest.tenantId, url, enabled: false });
    await setOffset(sql, webhook, head - events);
    const rates: number[] = [];
    for (let part = 1; part <= 5; part += 1) {
      const begunAt = performance.now();
      if (part === 1) await setEnabled(sql, webhook, true);
      const wanted = head - events + Math.ceil((events * part) / 5);
      await until(`a subscription reaches ${wanted}`, patienceMs, async () => {
        return (await offsetOf(sql, webhook)) >= wanted;
      });
      rates.push(events / 5 / ((performance.now() - begunAt) / 1_000));
    }
    await setEnabled(sql, webhook, false);
    return rates;
  };
  const whole = (rates: readonly number[]) => 5 / rates.reduce((sum, rate) => sum + 1 / rate, 0);
  const near = await behind(Math.ceil(far / 20));
  const rates = await behind(far);
  note(`catching up by fifths: ${rates.map((rate) => Math.round(rate)).join(', ')} events/s`);
  const common = { scenario: 'log', goal: 0.9 };
  return [
    figure({
      ...common,
      value: whole(rates),
      unit: `events/s (catching up from ${far} behind)`,
      against: 'a backlog of a twentieth',
      against_value: whole(near),
    }),
    figure({
      ...common,
      value: rates.at(-1) ?? 0,
      unit: 'events/s (its last fifth)',
      against: 'its first fifth',
      against_value: rates[0] ?? 0,
    }),
  ];
}
