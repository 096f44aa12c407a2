// What dropping the old parts of a log does to those who write and deliver, also while somebody reads
// the log for long; and that a subscription which had not read them is told and goes on.

import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import { later, systemClock } from '../src/clock.ts';
import { connect, type Sql } from '../src/db/connect.ts';
import { inTransaction } from '../src/db/transaction.ts';
import { keepLog } from '../src/events/keep-log.ts';
import type { Webhook } from '../src/webhooks/webhook.ts';
import { type Figure, figure } from './figures.ts';
import { sign } from './load.ts';
import { lagsDuring } from './log-stream.ts';
import type { BenchClient, Place } from './place.ts';
import type { Running } from './processes.ts';
import { until } from './wait.ts';
import { offsetOf, setEnabled, setOffset, subscribe } from './webhooks.ts';

const patienceMs = 600_000;
const minuteMs = 60_000;

/** A database with a large log, and who works on it. */
export interface LogSetting {
  readonly place: Place;
  readonly url: string;
  readonly sql: Sql;
  readonly clients: readonly BenchClient[];
  /** The client with most of the log. */
  readonly largest: BenchClient;
  readonly receiver: Running;
  readonly service: Running;
  readonly isTiny: boolean;
}

/** What is printed beside the figures. */
export function note(text: string): void {
  console.error(`log: ${text}`);
}

/** Drops two parts beside a modest stream of events. */
export async function dropping(setting: LogSetting): Promise<readonly Figure[]> {
  const { sql, url, clients, receiver, isTiny } = setting;
  const tenantIds = clients.map(({ tenantId }) => tenantId);
  const unread = await unreadSubscription(setting);
  for (const tenantId of tenantIds) {
    await subscribe(sql, { tenantId, url: `${receiver.url}/good`, enabled: true });
  }
  const stream = { sql, receiver, tenantIds };
  const phaseMs = isTiny ? 300 : 20_000;
  const calm = await lagsDuring(stream, wait(phaseMs));
  // The loops' kind of connections, and the very step of the loop `clean`, only not each minute.
  const keeper = connect({ url, max: 2, applicationName: 'unwind bench keeper', plansAnew: true });
  const said: string[] = [];
  const say = ({ part }: { part?: string }, message: string) => said.push(`${message} ${part}`);
  const keep = async (now: Date) => {
    const begunAt = performance.now();
    const steps = await keepLog({ sql: keeper, log: { info: say, warn: say } }, now);
    note(
      `${said.splice(0).join() || 'nothing done'}: ${Math.round(performance.now() - begunAt)} ms`,
    );
    return steps;
  };
  const now = systemClock.now();
  const whileDropped = await lagsDuring(stream, dropOldest(sql, keep, { now, phaseMs }));
  const whileRead = await lagsDuring(stream, dropBesideReader(setting, keep, { now, phaseMs }));
  await keeper.end();
  await gapIsShown(setting, unread);
  note(
    `from commit to receipt, p50/p99/longest: ${JSON.stringify([calm, whileDropped, whileRead])}`,
  );
  const common = { scenario: 'log', against: 'before', against_value: Math.max(calm.p99, 1) };
  return [
    figure({
      ...common,
      value: Math.max(whileDropped.p99, 1),
      unit: 'ms (p99 from commit to receipt while an old part is dropped, at most)',
      goal: 1_000,
    }),
    figure({
      ...common,
      value: Math.max(whileRead.p99, 1),
      unit: 'ms (the same while somebody reads the log for long, at most)',
      goal: 1_000,
    }),
  ];
}

type Keep = (now: Date) => Promise<number>;
interface Phase {
  readonly now: Date;
  readonly phaseMs: number;
}

async function dropOldest(sql: Sql, keep: Keep, { now, phaseMs }: Phase): Promise<void> {
  await wait(phaseMs / 4);
  await releaseOldest(sql);
  await keep(now);
  await wait(phaseMs / 4);
  await keep(later(now, minuteMs));
  await wait(phaseMs / 2);
}

/** Somebody has looked at the log and looks on, as a report or a backup does. */
async function dropBesideReader(
  { sql }: LogSetting,
  keep: Keep,
  { now, phaseMs }: Phase,
): Promise<void> {
  await releaseOldest(sql);
  await keep(later(now, 2 * minuteMs));
  const looking = { isolation: 'repeatable read' } as const;
  await inTransaction(
    sql,
    async (tx) => {
      await tx`select from unwind_v1.events limit 1`;
      await keep(later(now, 3 * minuteMs));
      await wait(phaseMs / 4);
      await keep(later(now, 4 * minuteMs));
    },
    looking,
  );
  await keep(later(now, 5 * minuteMs));
  await wait(phaseMs / 4);
}

async function releaseOldest(sql: Sql): Promise<void> {
  await sql`
    update unwind.event_parts p
    set next_try_at = null
    where p.name = (
      select o.name
      from unwind.event_parts o
      where o.given_up_at is null
      order by o.to_id
      limit 1
    )`;
}

/** A subscription to all of a log whose receiver was switched off before it began. */
async function unreadSubscription({ sql, clients, receiver }: LogSetting): Promise<Webhook> {
  const tenantId = clients[1]?.tenantId;
  if (tenantId === undefined) throw new Error('there is a second client');
  const url = `${receiver.url}/good`;
  const webhook = await subscribe(sql, { tenantId, url, enabled: false });
  await setOffset(sql, webhook, 0);
  return webhook;
}

/** @throws where what was dropped unread is not shown, or delivering does not go on behind it. */
async function gapIsShown({ sql, clients, service }: LogSetting, webhook: Webhook): Promise<void> {
  const client = clients[1];
  if (client === undefined) throw new Error('there is a second client');
  const get = async <Body>(target: string) => {
    const { headers } = await sign(client, { method: 'GET', target });
    const { statusCode, body } = await request(`${service.url}${target}`, { headers });
    if (statusCode !== 200) throw new Error(`${target} was answered ${statusCode}`);
    return (await body.json()) as Body;
  };
  await setEnabled(sql, webhook, true);
  await until('the gap is shown', patienceMs, async () => {
    const { delivery } = await get<Shown>(`/webhooks/${webhook.webhookId}`);
    return typeof delivery.gap?.noticed_at === 'string';
  });
  const [dropped] = await sql<{ dropped_to: string }[]>`
    select h.dropped_to
    from unwind.event_heads h
    where h.tenant_id = ${client.tenantId}`;
  const upTo = Number(dropped?.dropped_to);
  if (!(upTo > 0)) throw new Error('nothing was dropped');
  await until('delivering goes on behind the gap', patienceMs, async () => {
    return (await offsetOf(sql, webhook)) > upTo;
  });
  const metrics = await request(`${service.url}/metrics`);
  if (!/^unwind_webhooks_with_gap [1-9]/m.test(await metrics.body.text())) {
    throw new Error('the metrics show no gap');
  }
  const { data } = await get<{ data: { kind: string }[] }>(
    `/webhooks/${webhook.webhookId}/deliveries?result=failed`,
  );
  if (!data.some(({ kind }) => kind === 'gap')) throw new Error('the delivery log shows no gap');
  await setEnabled(sql, webhook, false);
}

interface Shown {
  readonly delivery: { readonly gap: { readonly noticed_at: string | null } | null };
}
