// How many events a second reach their receivers, signed by P-521 in packages, beside unsigned POSTs
// of the same bodies; and how old an event is when it arrives, with a hundred subscriptions of which
// one never answers and one always fails.

import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Sql } from '../../src/db/connect.ts';
import type { TenantId } from '../../src/ids.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { type Figure, figure, quantile } from '../figures.ts';
import { makeClient, type Place } from '../place.ts';
import { type Running, startReceiver, startService } from '../processes.ts';
import { publishedOf, until } from '../wait.ts';
import { lagsToldBy, recordEvents, subscribe, type Told, toldBy } from '../webhooks.ts';

/** The largest that a subscription may ask for, and a middling one. */
const largePackage = 1_048_576;
const middlingPackage = 64 * 1_024;
const goalRatio = 0.7;
const goalLagMs = 1_000;
const patienceMs = 300_000;

export async function deliver(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  return [
    await throughput(place, isTiny, largePackage),
    await throughput(place, isTiny, middlingPackage),
    ...(await lag(place, isTiny)),
  ];
}

interface Setting {
  readonly sql: Sql;
  readonly url: string;
  readonly receiver: Running;
  readonly service: Running;
}

async function set<T>(place: Place, work: (setting: Setting) => Promise<T>): Promise<T> {
  const database = await place.makeDatabase();
  const receiver = await startReceiver();
  const service = await startService(
    { url: database.url, home: place.home },
    { UNWIND_ROLES: 'worker' },
  );
  try {
    return await work({ sql: database.sql, url: database.url, receiver, service });
  } finally {
    await service.stop();
    await receiver.stop();
    await database.close();
  }
}

async function throughput(place: Place, isTiny: boolean, maxPackageSize: number): Promise<Figure> {
  const subscriptions = 4;
  const eventsEach = isTiny ? 100 : 100_000;
  return set(place, async ({ sql, receiver }) => {
    const { tenantId } = await makeClient(sql, place.home);
    const webhooks: Webhook[] = [];
    for (let i = 0; i < subscriptions; i += 1) {
      const url = `${receiver.url}/good${i}`;
      webhooks.push(await subscribe(sql, { tenantId, url, maxPackageSize, enabled: false }));
    }
    const [one] = webhooks;
    if (one === undefined) throw new Error('there is a subscription');
    await recordEvents(sql, [tenantId], eventsEach);
    await until('published', patienceMs, async () => {
      return (await publishedOf(sql, tenantId)) === eventsEach;
    });
    const wanted = eventsEach * subscriptions;

    const begunAt = performance.now();
    await sql`
      update unwind.webhooks w
      set enabled = true
      where w.tenant_id = ${tenantId}`;
    const signed = await receivedWithin(receiver, wanted);
    const signedPerS = wanted / ((performance.now() - begunAt) / 1_000);

    // The same bodies, as many as were sent, each once again without a signature.
    const bodies = await packagesOf(sql, one, Math.ceil(wanted / signed.requests));
    const floorAt = performance.now();
    await Promise.all(webhooks.map(({ url }) => postAll(url, bodies)));
    const unsigned = await receivedWithin(receiver, wanted);
    const unsignedPerS = unsigned.events / ((performance.now() - floorAt) / 1_000);
    return figure({
      scenario: 'deliver',
      value: signedPerS,
      unit: `events/s in packages of ${maxPackageSize / 1_024} KiB at most`,
      against: 'unsigned POSTs of the same bodies',
      against_value: unsignedPerS,
      goal: goalRatio,
    });
  });
}

async function lag(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const tenants = isTiny ? 2 : 10;
  const each = 10;
  const seconds = isTiny ? 1 : 20;
  const perSecond = isTiny ? 20 : 1_000 * availableParallelism();
  return set(place, async ({ sql, receiver }) => {
    const tenantIds: TenantId[] = [];
    for (let i = 0; i < tenants; i += 1) {
      const { tenantId } = await makeClient(sql, place.home);
      tenantIds.push(tenantId);
      for (let j = 0; j < each; j += 1) {
        const kind = i > 0 ? 'good' : (['hang', 'fail'][j] ?? 'good');
        const url = `${receiver.url}/${kind}${i}-${j}`;
        await subscribe(sql, {
          tenantId,
          url,
          maxPackageSize: middlingPackage,
          enabled: true,
        });
      }
    }
    // What is told apart here are deliveries: each event goes to all subscriptions of its tenant.
    const eventsPerTick = Math.max(1, Math.round(perSecond / each / tenants / 10));
    const lagsMs: number[] = [];
    for (let tick = 0; tick < seconds * 10; tick += 1) {
      const dueAt = performance.now() + 100;
      await recordEvents(sql, tenantIds, eventsPerTick);
      if (tick % 10 === 9) lagsMs.push(...(await lagsToldBy(receiver)));
      await wait(Math.max(0, dueAt - performance.now()));
    }
    const wanted = seconds * 10 * eventsPerTick * (tenants * each - 2);
    await until('every event is received', patienceMs, async () => {
      lagsMs.push(...(await lagsToldBy(receiver)));
      return lagsMs.length >= wanted;
    });
    const common = { scenario: 'deliver', against: 'the median of the same run', goal: goalLagMs };
    const median = Math.max(quantile(lagsMs, 0.5), 1);
    return [
      figure({
        ...common,
        value: Math.max(quantile(lagsMs, 0.99), 1),
        unit: `ms (p99 from commit to receipt at ${perSecond} events/s, at most)`,
        against_value: median,
      }),
    ];
  });
}

/** All events of the webhook's tenant as request bodies of so many events. */
async function packagesOf(sql: Sql, webhook: Webhook, each: number): Promise<readonly string[]> {
  const rows = await sql<{ id: string; type: string; object: string; created_at: Date }[]>`
    select e.event_id as id, e.type, e.object, e.created_at
    from unwind.events e
    where e.tenant_id = ${webhook.tenantId}
    order by e.position`;
  const bodies: string[] = [];
  for (let from = 0; from < rows.length; from += each) {
    const events = rows.slice(from, from + each).map(({ id, type, object, created_at }) => {
      return `{"created_at":"${created_at.toISOString()}","id":"${id}","object":${object},"type":"${type}","webhook_id":"${webhook.webhookId}"}`;
    });
    bodies.push(`{"payload":[${events.join(',')}]}`);
  }
  return bodies;
}

/** Posts bodies to a receiver, as many at once as a subscription has in flight. */
async function postAll(url: string, bodies: readonly string[]): Promise<void> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: 4, pipelining: 1 });
  let next = 0;
  const sender = async () => {
    for (let at = next++; at < bodies.length; at = next++) {
      const { body } = await pool.request({
        method: 'POST',
        path: pathname,
        headers: { 'content-type': 'application/json' },
        body: bodies[at] ?? '',
      });
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: 4 }, sender));
  await pool.close();
}

async function receivedWithin(receiver: Running, wanted: number): Promise<Told> {
  let requests = 0;
  let events = 0;
  await until(`${wanted} events are received`, patienceMs, async () => {
    const told = await toldBy(receiver);
    requests += told.requests;
    events += told.events;
    return events >= wanted;
  });
  return { requests, events };
}
