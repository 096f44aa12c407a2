// What a person asks first: how the selling goes now, and what an id names. No decisions here.

import { setTimeout as pause } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type Clock, later, systemStopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { findNamed } from '../metrics/find-store.ts';
import { readToday } from '../metrics/today-store.ts';
import { findMarketTime, findTraded, findTrading } from '../venue/calendar-store.ts';
import { findSessionStatuses } from '../venue/fix/operate-store.ts';
import { findQuery } from './control-schemas.ts';
import { json } from './page.ts';
import type { Handler } from './pipeline.ts';
import { queryReaderOf, readNoQuery } from './schemas.ts';

const readFindQuery = queryReaderOf(findQuery);

/** Minutes that are kept apart. */
const minutesShown = 60;
const minuteMs = 60_000;
/** Least time between two beginnings of the same work, in ms. */
const restMs = 250;
/** Tenants whose overview is shared by all who watch it. */
const sharedMax = 100;

export function overviewHandlers(options: { readonly sql: Sql; readonly clock: Clock }) {
  const { sql } = options;
  const shared = new LRUCache<TenantId, () => Promise<object>>({ max: sharedMax });
  return {
    show: async (call) => {
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const work = shared.get(tenantId) ?? sharedFromNow(() => overviewOf(options, tenantId));
      shared.set(tenantId, work);
      return json(200, await work());
    },

    find: async (call) => {
      const { text = '' } = readFindQuery(call.search);
      const found = await findNamed(sql, { tenantId: call.caller.tenantId, text: text.trim() });
      return json(200, {
        data: found.map(({ kind, id, liquidationId, accountId }) => {
          return { kind, id, liquidation_id: liquidationId, account_id: accountId };
        }),
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type OverviewHandlers = ReturnType<typeof overviewHandlers>;

/**
 * Work whose result is shared by all who ask before it begins, and by none later: who has heard of a change
 * would read what was before it. It begins `restMs` after it began last, and when that has ended.
 */
function sharedFromNow<T>(work: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let begunAt = Number.NEGATIVE_INFINITY;
  const begin = async () => {
    await last.catch(() => {}); // its callers got the error
    await pause(Math.max(0, begunAt + restMs - systemStopwatch.elapsedMs()));
    next = undefined;
    begunAt = systemStopwatch.elapsedMs();
    const result = work();
    last = result;
    return result;
  };
  return () => {
    next ??= begin();
    return next;
  };
}

/** Midnight in UTC: what the day is, everybody reads the same. */
function beginOfDay(at: Date): Date {
  return new Date(`${at.toISOString().slice(0, 10)}T00:00:00.000Z`);
}

async function overviewOf(
  { sql, clock }: { readonly sql: Sql; readonly clock: Clock },
  tenantId: TenantId,
): Promise<object> {
  const now = clock.now();
  const from = beginOfDay(now);
  const minutesFrom = later(now, -minutesShown * minuteMs);
  const [today, marketTime, venues, sessions] = await Promise.all([
    readToday(sql, { tenantId, from, minutesFrom }),
    findMarketTime(sql, now),
    findTraded(sql),
    findSessionStatuses(sql, now),
  ]);
  const trading = await Promise.all(
    venues.map(async (mic) => ({ mic, ...(await findTrading(sql, mic, marketTime)) })),
  );
  return {
    at: now.toISOString(),
    market_time: marketTime.toISOString(),
    open: {
      new: today.open.NEW,
      processing: today.open.PROCESSING,
      oldest_at: today.oldestAt?.toISOString(),
    },
    waiting: today.waiting,
    today: {
      from: from.toISOString(),
      asked: today.asked.all,
      filled: today.asked.FILLED,
      cancelled: today.asked.CANCELLED,
      executions: today.sold.executions,
      proceeds: today.sold.proceeds,
    },
    minutes: today.minutes.map(({ at, ...rest }) => ({ at: at.toISOString(), ...rest })),
    parked: today.parked,
    webhooks: {
      enabled: today.webhooks.enabled,
      failing: today.webhooks.failing,
      most_behind: today.webhooks.mostBehind,
    },
    venues: trading.map(({ mic, isOpen, halted, session }) => ({
      mic,
      open: isOpen,
      fix_session: sessions[mic],
      halted: [...halted],
      opens_at: isOpen ? undefined : session?.opensAt.toISOString(),
      closes_at: isOpen ? session?.closesAt.toISOString() : undefined,
    })),
  };
}
