// What `unwind top` draws: one screen of text, of a size that is given. Pure.

import { printableLine } from '../printable.ts';
import { durationText } from './progress-bar.ts';
import { tableText } from './table.ts';

export interface TopClient {
  readonly name: string;
  readonly open: number;
  /** Asked for and ended since midnight. */
  readonly askedToday: number;
  readonly endedToday: number;
  readonly soldToday: string;
  /** Orders with an execution in the last minute that is over. */
  readonly ordersAMinute: number;
  readonly openOrders: number;
  /** Those of them that a control or a halt keeps from being sent: how long is unknown. */
  readonly heldOrders: number;
  readonly parked: number;
  /** The most frequent reasons first. */
  readonly waiting: readonly { readonly reason: string; readonly count: number }[];
}

export interface TopWait {
  readonly liquidation: string;
  readonly client: string;
  readonly ageMs: number;
  readonly reason: string;
  readonly detail: string;
}

export interface TopState {
  readonly at: Date;
  readonly halts: number;
  readonly venues: readonly {
    readonly mic: string;
    readonly isOpen: boolean;
    readonly session?: string | undefined;
  }[];
  readonly clients: readonly TopClient[];
  /** Whether there are clients that are neither shown nor counted. */
  readonly hasMoreClients: boolean;
  /** The oldest first. */
  readonly oldest: readonly TopWait[];
}

/** The lines of a screen: no more, and none wider, than it has room for. */
export function topScreen(
  state: TopState,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const clients = linesOf(clientTable(state.clients));
  const oldest = linesOf(waitTable(state.oldest));
  const head = [headLine(state), venueLine(state), ''];
  // Half of what is left for each; what one does not need, the other has.
  const room = Math.max(2, rows - head.length - 2);
  const clientRoom = Math.max(
    2,
    Math.min(clients.length, room - Math.min(oldest.length, Math.floor(room / 2))),
  );
  const lines = [
    ...head,
    ...cut(clients, clientRoom),
    '',
    ...cut(oldest, Math.max(2, room - Math.min(clients.length, clientRoom))),
  ];
  return lines.slice(0, rows).map((line) => {
    const shown = printableLine(line);
    return shown.length <= columns ? shown : `${shown.slice(0, columns - 1)}…`;
  });
}

/** How long the orders take that are not held. @returns undefined where nothing can be said of it. */
export function timeLeftMs({
  openOrders,
  heldOrders,
  ordersAMinute,
}: Pick<TopClient, 'openOrders' | 'heldOrders' | 'ordersAMinute'>): number | undefined {
  const goOn = openOrders - heldOrders;
  return goOn === 0 || ordersAMinute === 0 ? undefined : (goOn / ordersAMinute) * 60_000;
}

function headLine({ at, halts, clients, hasMoreClients }: TopState): string {
  const open = clients.reduce((n, one) => n + one.open, 0);
  const rate = clients.reduce((n, one) => n + one.ordersAMinute, 0);
  const held = halts === 0 ? '' : `   HALTS IN FORCE: ${halts} (unwind halts)`;
  const cutOff = hasMoreClients
    ? `   of the first ${clients.length} clients (unwind report: all)`
    : '';
  return `unwind top  ${at.toISOString().slice(0, 19)}Z   ${open} open, ${rate} orders a minute${held}${cutOff}`;
}

function venueLine({ venues }: TopState): string {
  if (venues.length === 0) return 'no venue is known yet';
  const shown = venues.map(({ mic, isOpen, session }) => {
    return `${mic} ${isOpen ? 'open' : 'closed'}${session === undefined ? '' : ` (${session})`}`;
  });
  return `venues: ${shown.join(', ')}`;
}

function clientTable(clients: readonly TopClient[]): string {
  const head = [
    'client',
    'open',
    'ended',
    'EUR today',
    'orders/min',
    'left',
    'held',
    'about',
    'parked',
    'waits for',
  ];
  const rows = clients.map((one) => {
    const left = timeLeftMs(one);
    return [
      one.name,
      String(one.open),
      `${one.endedToday}/${one.askedToday}`,
      one.soldToday,
      String(one.ordersAMinute),
      String(one.openOrders),
      String(one.heldOrders),
      one.openOrders === one.heldOrders ? '' : left === undefined ? '?' : durationText(left),
      String(one.parked),
      one.waiting.map(({ reason, count }) => `${reason} ${count}`).join(', '),
    ];
  });
  return tableText([head, ...rows]);
}

function waitTable(oldest: readonly TopWait[]): string {
  if (oldest.length === 0) return 'nothing is open\n';
  const rows = oldest.map(({ liquidation, client, ageMs, reason, detail }) => {
    return [liquidation, client, durationText(ageMs), reason, detail];
  });
  return tableText([['oldest liquidation', 'client', 'age', 'waits for', 'detail'], ...rows]);
}

function linesOf(table: string): readonly string[] {
  return table.trimEnd().split('\n');
}

function cut(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`];
}
