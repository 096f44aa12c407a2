// `unwind liquidations`: which there are, and why one waits. It reads only.

import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { entryView, orderView } from '../http/control-views.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { findStory, type StoryOrder } from '../liquidations/story-store.ts';
import type { StoryEntry } from '../liquidations/timeline-store.ts';
import {
  findLiquidations,
  findLiquidationsOfId,
  type SeenFilter,
  type SeenLiquidation,
  type Wait,
  type WaitingPosition,
} from '../liquidations/waits-store.ts';
import { endWords } from './end-words.ts';
import { type Output, printJson } from './run.ts';
import { tableOf } from './table.ts';

export interface LiquidationsCommand {
  readonly sql: Sql;
  readonly stdout: Output;
  /** JSON instead of text. */
  readonly json: boolean;
}

/** Reasons of all open liquidations are computed for one of them: longer than a request may take. */
const statementTimeoutMs = 120_000;

/** Lists liquidations. @returns 0, also where there are none. */
export async function listLiquidations(
  { sql, stdout, json }: LiquidationsCommand,
  filter: SeenFilter,
): Promise<number> {
  const found = await inTransaction(sql, (tx) => findLiquidations(tx, filter), {
    statementTimeoutMs,
  });
  if (json) return printJson(stdout, found.map(toJson));
  const head = ['liquidation', 'account', 'status', 'waits for', 'since', 'until', 'detail'];
  const rows = found.map((one) => {
    const { liquidationId, accountId, status, endReason, wait } = one;
    const [reason, since, until, detail] = cellsOf(wait);
    const why = endReason === undefined ? detail : endWords(endReason);
    return [liquidationId, accountId, status, reason, since, until, why];
  });
  if (stdout.isTTY === true && found.length === 0) stdout.write('There are none.\n');
  else stdout.write(tableOf([head, ...rows], stdout.isTTY === true));
  if (found.length === filter.limit && stdout.isTTY === true) {
    stdout.write(`Only the newest ${filter.limit} are shown: see --limit.\n`);
  }
  return 0;
}

/** Shows one liquidation and what of it is not sold. @returns 0, or 1 where there is no such one. */
export async function showLiquidation(
  { sql, stdout, json }: LiquidationsCommand,
  which: {
    readonly liquidationId: LiquidationId;
    readonly tenantId: TenantId | undefined;
    readonly hasTimeline: boolean;
  },
): Promise<number> {
  const [one, ...others] = await findLiquidationsOfId(sql, which);
  if (one === undefined || others.length > 0) {
    const id = which.liquidationId;
    const count = others.length + 1;
    const missing = `There is no liquidation ${id}.`;
    stdout.write(one ? `${count} clients have a liquidation ${id}: name one.\n` : `${missing}\n`);
    return 1;
  }
  const story = await findStory(sql, one);
  const { positions = [], orders = [], timeline = [] } = story ?? {};
  const entries = which.hasTimeline ? timeline : [];
  if (json) {
    const parts = {
      positions: positions.map(positionToJson),
      orders: orders.map((order) => orderView(order)),
      timeline: entries.map(entryView),
    };
    return printJson(stdout, { ...toJson(one), ...parts });
  }
  stdout.write(tableOf(linesOf(one), true));
  if (positions.length > 0) stdout.write(`\n${positionTable(positions)}`);
  if (orders.length > 0) stdout.write(`\n${orderTable(orders)}`);
  if (story && story.ordersLeftOut > 0)
    stdout.write(`${story.ordersLeftOut} more are not shown.\n`);
  if (entries.length > 0) stdout.write(`\n${timelineTable(entries)}`);
  return 0;
}

function positionTable(positions: readonly WaitingPosition[]): string {
  const head = ['isin', 'units left', 'waits for', 'since', 'until', 'detail'];
  const rows = positions.map(({ isin, quantity, priced, ...wait }) => {
    const [reason, since, until, detail] = cellsOf({ ...wait, isin: undefined });
    const note = priced ? detail : [detail, 'no price in the book'].filter(Boolean).join('; ');
    return [isin, quantity, reason, since, until, note];
  });
  return tableOf([head, ...rows], true);
}

function orderTable(orders: readonly StoryOrder[]): string {
  const head = [
    'order',
    'isin',
    'status',
    'units',
    'sold',
    'EUR',
    'attempts',
    'at the venue',
    'detail',
  ];
  const rows = orders.map((order) => {
    const { submission } = order;
    const venueId = submission?.venueOrderId ?? submission?.clientOrderId ?? '';
    const detail = order.cancellationReason ?? submission?.reason ?? '';
    const done = [order.status, order.quantity, order.executedQuantity, order.proceeds];
    return [order.orderId, order.isin, ...done, String(order.attempts), venueId, detail];
  });
  return tableOf([head, ...rows], true);
}

function timelineTable(entries: readonly StoryEntry[]): string {
  const head = ['at', 'what', 'isin', 'units', 'price', 'detail'];
  const rows = entries.map((entry) => {
    const { at, kind, isin = '', quantity = '', price = '' } = entry;
    const { type, outcome, venueOrderId, clientOrderId, detail } = entry;
    const words = [type, outcome, venueOrderId ?? clientOrderId, detail].filter(Boolean).join('; ');
    return [at.toISOString(), kind.replaceAll('_', ' '), isin, quantity, price, words];
  });
  return tableOf([head, ...rows], true);
}

function linesOf(one: SeenLiquidation): readonly (readonly string[])[] {
  const [reason, since, until, detail] = cellsOf(one.wait);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['liquidation', one.liquidationId],
    ['client', one.tenantId],
    ['account', one.accountId],
    ['created', one.createdAt.toISOString()],
    [
      'status',
      one.endReason === undefined ? one.status : `${one.status}: ${endWords(one.endReason)}`,
    ],
    ['note', one.endNote],
    ['proceeds', `EUR ${one.proceeds}`],
    ['expected in all', one.wait === undefined ? '' : `EUR ${one.cashAmount}`],
    ['waits for', reason],
    ['since', since],
    ['until', until],
    ['detail', detail],
  ];
  return lines.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

/** Reason, since, until and detail, empty where there is nothing to say. */
function cellsOf(wait: Wait | undefined): readonly [string, string, string, string] {
  if (wait === undefined) return ['', '', '', ''];
  const { reason, isin, since, until, detail } = wait;
  const place = isin === undefined ? reason : `${reason} (${isin})`;
  return [place, since?.toISOString() ?? '', until?.toISOString() ?? '', detail ?? ''];
}

function toJson({ wait, ...one }: SeenLiquidation) {
  return {
    client_id: one.tenantId,
    liquidation_id: one.liquidationId,
    account_id: one.accountId,
    status: one.status,
    end_reason: one.endReason,
    ...(one.endNote === undefined ? {} : { end_note: one.endNote }),
    proceeds: one.proceeds,
    cash_amount: one.cashAmount,
    created_at: one.createdAt,
    ...(wait === undefined ? {} : { waits_for: wait.reason, isin: wait.isin, ...instantsOf(wait) }),
  };
}

function positionToJson({ isin, quantity, reason, priced, ...wait }: WaitingPosition) {
  return { isin, quantity, waits_for: reason, ...instantsOf(wait), priced };
}

function instantsOf({ since, until, detail }: Pick<Wait, 'since' | 'until' | 'detail'>) {
  return { since, until, detail };
}
