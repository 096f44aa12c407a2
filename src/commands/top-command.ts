// `unwind top`: a live screen of all clients, how fast they sell, and what has waited the longest. It only reads.

import { listClients } from '../auth/clients-store.ts';
import { later } from '../clock.ts';
import { findHalts } from '../halts/halts-store.ts';
import { findOldestOpen } from '../liquidations/waits-store.ts';
import { countOpenOrders } from '../metrics/open-orders-store.ts';
import { readToday } from '../metrics/today-store.ts';
import { findMarketTime, findTraded, findTrading } from '../venue/calendar-store.ts';
import { findSessionStatuses } from '../venue/fix/operate-store.ts';
import { restFor, untilInterrupted } from './follow.ts';
import { beginOfDay } from './report-command.ts';
import { type OnDatabase, printJson } from './run.ts';
import { type TopClient, type TopState, topScreen } from './top-screen.ts';

export interface TopOptions {
  readonly every: number;
  readonly once?: true;
  readonly json?: true;
}

/** What is shown at most; a screen has no room for more. */
const shownMax = { clients: 100, oldest: 50, halts: 1_000 };
const minuteMs = 60_000;
/** q, Ctrl-C and Escape, as a terminal in raw mode sends them. */
const endingKeys = ['q', '\u0003', '\u001b'];

/** Shows the screen until it is ended. @returns 0 */
export async function runTop(on: OnDatabase, { every, once, json }: TopOptions): Promise<number> {
  if (json) return printJson(on.stdout, await readTop(on));
  const { stdout, stdin } = process;
  if (once || stdout.isTTY !== true) {
    const lines = topScreen(await readTop(on), { columns: 1_000, rows: 1_000 });
    on.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  }
  const stopped = untilInterrupted();
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', (keys) => {
      if (endingKeys.some((key) => String(keys).includes(key))) stopped.abort();
    });
  }
  // Another screen of the terminal, so that what was there comes back; no cursor in it.
  stdout.write('\u001b[?1049h\u001b[?25l');
  try {
    while (!stopped.signal.aborted) {
      const lines = topScreen(await readTop(on), { columns: stdout.columns, rows: stdout.rows });
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
      await restFor(every * 1_000, stopped.signal);
    }
  } finally {
    stdout.write('\u001b[?25h\u001b[?1049l');
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stdin.pause();
    }
  }
  return 0;
}

/** Reads what the screen shows. */
export async function readTop({
  sql,
  clock,
}: Pick<OnDatabase, 'sql' | 'clock'>): Promise<TopState> {
  const now = clock.now();
  const found = await listClients(sql, { after: undefined, limit: shownMax.clients + 1 });
  const listed = found.slice(0, shownMax.clients);
  const openOrders = await countOpenOrders(sql);
  const clients: TopClient[] = [];
  for (const { tenantId, name } of listed) {
    const times = { from: beginOfDay(now), minutesFrom: later(now, -2 * minuteMs) };
    const today = await readToday(sql, { tenantId, ...times });
    const lastWhole = Math.floor(now.getTime() / minuteMs) * minuteMs - minuteMs;
    const minute = today.minutes.find(({ at }) => at.getTime() === lastWhole);
    clients.push({
      name,
      open: today.open.NEW + today.open.PROCESSING,
      askedToday: today.asked.all,
      endedToday: today.asked.FILLED + today.asked.CANCELLED,
      soldToday: today.sold.proceeds,
      ordersAMinute: minute?.orders ?? 0,
      openOrders: openOrders.get(tenantId)?.open ?? 0,
      heldOrders: openOrders.get(tenantId)?.held ?? 0,
      parked: today.parked,
      waiting: today.waiting.slice(0, 3),
    });
  }
  const names = new Map(listed.map(({ tenantId, name }) => [tenantId, name]));
  const oldest = await findOldestOpen(sql, shownMax.oldest);
  const inForce = { tenantId: undefined, inForce: true, below: undefined, limit: shownMax.halts };
  const { things: halts } = await findHalts(sql, inForce);
  return {
    at: now,
    halts: halts.length,
    venues: await readVenues(sql, now),
    hasMoreClients: found.length > listed.length,
    clients: clients.toSorted((a, b) => b.open - a.open),
    oldest: oldest.map((one) => ({
      liquidation: one.liquidationId,
      client: names.get(one.tenantId) ?? one.tenantId,
      ageMs: Math.max(0, now.getTime() - one.createdAt.getTime()),
      reason: one.wait?.reason ?? '',
      detail: [one.wait?.isin, one.wait?.detail].filter(Boolean).join(': '),
    })),
  };
}

async function readVenues(sql: OnDatabase['sql'], now: Date): Promise<TopState['venues']> {
  const marketTime = await findMarketTime(sql, now);
  const sessions = await findSessionStatuses(sql, now);
  const venues = await findTraded(sql);
  return Promise.all(
    venues.map(async (mic) => {
      const { isOpen } = await findTrading(sql, mic, marketTime);
      return { mic, isOpen, session: sessions[mic] };
    }),
  );
}
