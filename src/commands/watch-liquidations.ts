// Watches liquidations to their end: a bar with orders, units and proceeds on a terminal, else a line for each that
// ends. It only reads: stopping it stops nothing, and the same command goes on.

import type { LiquidationOverview, LiquidationStory } from '@unwind/client';
import { openEndedReasons } from '../liquidations/waits-store.ts';
import { decimal, plain, sum } from '../money.ts';
import { printableLine } from '../printable.ts';
import { endWords } from './end-words.ts';
import { restFor } from './follow.ts';
import { ProgressBar } from './progress-bar.ts';
import { printJson } from './run.ts';
import type { OnApi } from './sandbox-access.ts';

export interface Watching {
  readonly json: true | undefined;
  /** Where a bar can be drawn; undefined where there is no terminal. */
  readonly terminal: NodeJS.WritableStream | undefined;
  readonly signal: AbortSignal;
  /** Waits until the next look; default a second. */
  readonly rest?: () => Promise<void>;
}

/** From one look to the next, in ms. */
const everyMs = 1_000;
/** Liquidations looked at each time; of more than that each has its turn. */
const lookedAtMax = 20;
/** Watched at once: what is open of a client, or named, beyond that is not shown. */
const watchedMax = 10_000;

/** @returns 0 where all have ended with everything sold (FILLED or SETTLED), else 1. */
export async function watchLiquidations(
  { client, stdout }: OnApi,
  ids: readonly string[],
  { json, terminal, signal, rest = () => restFor(everyMs, signal) }: Watching,
): Promise<number> {
  const seen = new Map<string, Seen>();
  const bar = terminal && new ProgressBar(terminal);
  const look = async (id: string) => {
    const story = await client.control.liquidations.story(id);
    seen.set(id, seenOf(story));
    if (isOpen(story.liquidation) || json) return;
    bar?.clear();
    stdout.write(`${printableLine(lineOf(story))}\n`);
  };
  const named = [...new Set(ids)];
  const watched = named.slice(0, watchedMax);
  if (named.length === 0) await openOnes(client, seen, signal);
  for (const id of watched) {
    if (signal.aborted) break;
    await look(id);
  }
  let turn = 0;
  try {
    while (!signal.aborted) {
      const open = [...seen.values()].filter(isOpen);
      bar?.show({ subject: 'selling', ...progressOf([...seen.values()]) });
      if (open.length === 0) break;
      await rest();
      for (let i = 0; i < Math.min(lookedAtMax, open.length); i += 1) {
        const one = open[(turn + i) % open.length];
        if (one === undefined || signal.aborted) break;
        await look(one.id);
      }
      turn += lookedAtMax;
    }
  } finally {
    bar?.clear();
  }
  const all = [...seen.values()];
  const unwatched = named.length - Math.min(named.length, all.length);
  if (json) {
    printJson(stdout, { liquidations: all, ...(unwatched > 0 ? { unwatched } : {}) });
  } else {
    stdout.write(`${progressOf(all).detail}\n`);
    if (unwatched > 0) {
      stdout.write(`${unwatched} were not looked at: ${watchedMax} are watched at most\n`);
    }
  }
  return unwatched === 0 && all.every(isSold) ? 0 : 1;
}

/** What is kept of one: how far it is, and why it has ended. */
type Seen = LiquidationOverview & Pick<LiquidationStory, 'end_reason'>;

function seenOf({ liquidation, end_reason: reason }: LiquidationStory): Seen {
  return { ...liquidation, ...(reason === undefined ? {} : { end_reason: reason }) };
}

async function openOnes(
  client: OnApi['client'],
  seen: Map<string, Seen>,
  signal: AbortSignal,
): Promise<void> {
  for (const status of ['PROCESSING', 'NEW'] as const) {
    for await (const one of client.control.liquidations.list({ status })) {
      if (seen.size === watchedMax || signal.aborted) return;
      seen.set(one.id, one);
    }
  }
}

function isOpen({ status }: LiquidationOverview): boolean {
  return status === 'NEW' || status === 'PROCESSING';
}

/** Whether everything was sold; SETTLED is what FILLED becomes by the contract of 2026. */
export function isSold({ status }: Pick<LiquidationOverview, 'status'>): boolean {
  return status === 'FILLED' || status === 'SETTLED';
}

/** How far all of them are: of an open one, orders that are final, of these and the positions that still wait. */
export function progressOf(all: readonly LiquidationOverview[]): {
  readonly done: number;
  readonly detail: string;
  readonly isOpenEnded: boolean;
} {
  const ended = all.filter((one) => !isOpen(one)).length;
  const orders = total(all, ({ progress }) => progress.orders);
  const final = total(all, ({ progress }) => progress.orders_final);
  const parts = total(all, (one) => {
    if (!isOpen(one)) return 1;
    const left = total(one.waiting, ({ positions }) => positions);
    const of = Math.max(one.progress.orders, one.progress.orders_final + left);
    return of === 0 ? 0 : one.progress.orders_final / of;
  });
  const units = plain(sum(all.map(({ progress }) => decimal(progress.executed_quantity))));
  const proceeds = sum(all.map(({ progress }) => decimal(progress.proceeds))).toFixed(2);
  const waits = new Map<string, number>();
  for (const one of all.filter(isOpen)) {
    const reason = one.waiting[0]?.reason;
    if (reason !== undefined) waits.set(reason, (waits.get(reason) ?? 0) + 1);
  }
  const why = [...waits].toSorted((a, b) => b[1] - a[1]).map(([reason, n]) => `${reason} ${n}`);
  const detail = [
    `${ended} of ${all.length} ended`,
    `orders ${final}/${orders}`,
    `${units} units sold`,
    `${proceeds} EUR`,
    ...why.slice(0, 3),
  ].join(', ');
  const isOpenEnded = all.some((one) => {
    return isOpen(one) && one.waiting.some(({ reason }) => openEndedReasons.includes(reason));
  });
  return { done: all.length === 0 ? 1 : parts / all.length, detail, isOpenEnded };
}

function total<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((before, one) => before + value(one), 0);
}

/** One that has ended; where not all was sold, with the reason. */
function lineOf({ liquidation, end_reason: reason, stop, orders }: LiquidationStory): string {
  const { id, account_id: account, status, progress } = liquidation;
  const line = `${id}  account ${account}  ${status}  orders ${progress.orders_final}/${progress.orders}  ${progress.proceeds} EUR`;
  if (isSold(liquidation)) return line;
  const cancelled = orders
    .filter((order) => order.status === 'CANCELLED')
    .map(({ isin, cancellation_reason: why, submission }) => {
      return { isin, reason: why ?? submission?.reason };
    });
  return `${line}: ${endWords(reason, { note: stop?.note, cancelled })}`;
}
